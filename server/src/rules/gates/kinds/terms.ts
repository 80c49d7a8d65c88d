// Prohibited terms: words, phrases and patterns of the lists in force.
import type { Finding } from '@whence/sdk'
import { matches } from '../../files/policy-file.ts'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { TermMatcher } from '../terms/matcher.ts'
import type { Severity, TermList } from '../terms/term-list.ts'
import { seen } from './finding.ts'

export interface TermListInForce {
  readonly policy: TermList
  readonly version: number
}

const rank: Readonly<Record<Severity, number>> = { low: 0, medium: 1, high: 2 }

/** The lists that a gate asks for. */
export function listsOf({ lists }: GateOf<'terms'>, inForce: readonly TermListInForce[]): TermListInForce[] {
  return inForce.filter(({ policy }) => lists.some((pattern) => matches(pattern, policy.name)))
}

export function termsGate(gate: GateOf<'terms'>, inForce: readonly TermListInForce[]): Gate {
  const lists = listsOf(gate, inForce)
  const ready = lists.map(({ policy }) => ({ list: policy.name, matcher: new TermMatcher(policy) }))
  const missing = gate.lists.filter((pattern) => !inForce.some(({ policy }) => matches(pattern, policy.name)))
  return ({ readings }) => {
    const findings: Finding[] = missing.map((pattern) => ({
      code: 'terms.no_list',
      message: `no term list in force is called ${pattern}: apply it, or take it out of the gate`,
    }))
    let counts = missing.length > 0
    for (const reading of readings) {
      if (gate.parts !== undefined && !gate.parts.includes(reading.part)) continue
      for (const view of reading.views) {
        for (const { list, matcher } of ready) {
          for (const { term, severity, start, end } of matcher.find(reading, view)) {
            if (rank[severity] >= rank[gate.atLeast]) counts = true
            const where =
              view.seen === 'visible' ? '' : `, in what is ${view.seen === 'hidden' ? 'hidden' : 'an attribute'}`
            const message = `"${term}" of ${list} (${severity})${where}`
            findings.push({ code: `terms.${list}`, message, part: reading.part, start, end })
          }
        }
      }
    }
    const unique = [
      ...new Map(findings.map((one) => [`${one.code}${one.part}${one.start}${one.message}`, one])).values(),
    ]
    return seen(unique, { lists: lists.map(({ policy, version }) => `${policy.name}@v${version}`) }, counts)
  }
}

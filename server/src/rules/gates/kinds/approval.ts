// Approval by a person: never released by itself.
import { matches } from '../../files/policy-file.ts'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { seen } from './finding.ts'

export function approvalGate({ when, approvals, within }: GateOf<'approval'>): Gate {
  return ({ facts: { proposal } }) => {
    const { risk, type, channel, segments = [], output } = proposal
    const why: string[] = []
    if (when.risk === 'any' || (when.risk === 'high' && risk === 'high')) why.push(`its risk is ${risk}`)
    if (when.types?.includes(type)) why.push(`it is a ${type}`)
    if (channel !== undefined && when.channels?.some((pattern) => matches(pattern, channel)))
      why.push(`it goes by ${channel}`)
    const segment = segments.find((name) => when.segments?.some((pattern) => matches(pattern, name)))
    if (segment !== undefined) why.push(`it is for segment ${segment}`)
    for (const { label, atLeast } of when.value ?? []) {
      const value = output?.value?.[label]
      if (value === undefined || value === null) continue
      // What cannot be compared is a person's to judge.
      if (!(Number(value) < atLeast)) why.push(`${label} is ${atLeast} or more`)
    }
    if (why.length === 0) return seen([])
    return seen(
      why.map((reason) => ({ code: 'approval.needed', message: `a person must approve it: ${reason}` })),
      { approvals, ...(within === undefined ? {} : { within: within / 1e6 }) },
    )
  }
}

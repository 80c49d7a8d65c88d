// The chain of gates without scorers: the e-mail example's own, on a page of usual size, and each gate by itself; Cedar
// alone beside them, and what the longest copy costs.
import type { CopyPart } from '@whence/sdk'
import { readHtml } from '../server/src/rules/gates/text/html.ts'
import type { GateConfiguration } from '../server/src/rules/gates/chain.ts'
import { judge } from '../server/src/rules/gates/judge.ts'
import type { GatesInForce } from '../server/src/rules/gates/judge.ts'
import { factsOf } from '../server/src/rules/gates/testing.ts'
import { exampleChain } from './gates-measured.ts'
import { ms, quantile, whole } from './world.ts'
import type { Measured } from './world.ts'

const sentence =
  'Spring is here, and with it <b>our new collection</b>: light, quiet and made to last. Have a look at what we chose for you this week. '
const paragraph = `<tr><td style="padding:8px"><p>${sentence}</p><a href="https://shop.example/p/41"><img alt="A jacket" src="https://shop.example/i/41.jpg">See it</a></td></tr>`

/** A message with a page of so many bytes, none of which a gate minds; `n` makes each another. */
function copyOf(bytes: number, n: number): CopyPart[] {
  const body = paragraph.repeat(Math.max(1, Math.round(bytes / paragraph.length)))
  const html = `<html><body><table>${body}</table><p>No. ${n}</p><a href="https://shop.example/unsubscribe?u=${n}">Unsubscribe</a></body></html>`
  const text = html.replace(/<[^>]*>/g, ' ')
  return [
    { part: 'subject', text: `Spring is here, number ${n}` },
    { part: 'text', text: text.slice(0, Math.min(text.length, 10_000)) },
    { part: 'html', text: html },
  ]
}

const nobody = async () => ({ failure: 'unreachable', reason: 'no scorer is measured' }) as const

async function times(inForce: GatesInForce, bytes: number, runs: number): Promise<number[]> {
  const took: number[] = []
  for (let n = -Math.min(50, runs); n < runs; n++) {
    const facts = {
      ...factsOf({ proposal: { targeting: { time_zone: 'Europe/Berlin' }, segments: ['spring'] } }),
      copy: copyOf(bytes, n),
    }
    const began = performance.now()
    const verdicts = await judge(inForce, facts, nobody)
    if (n >= 0) took.push(performance.now() - began)
    const against = verdicts.find(({ outcome }) => outcome !== 'pass')
    if (against) throw new Error(`${against.gate}: ${JSON.stringify(against.findings[0])}`)
  }
  return took
}

const line = (took: number[]): string => `p50 ${ms(quantile(took, 0.5))}, p99 ${ms(quantile(took, 0.99))}`

/** The same chain with one gate of it. */
function only(inForce: GatesInForce, gate: GateConfiguration): GatesInForce {
  return { ...inForce, chains: inForce.chains.map((one) => ({ ...one, policy: { ...one.policy, gates: [gate] } })) }
}

export async function gating(runs = 1000): Promise<Measured[]> {
  const inForce = exampleChain()
  const { gates } = inForce.chains[0]!.policy
  const usual = copyOf(20_000, 0)
  const size = whole(usual.reduce((sum, { text }) => sum + text.length, 0))
  const took = await times(inForce, 20_000, runs)
  const reading: number[] = []
  for (let n = 0; n < runs; n++) {
    const began = performance.now()
    readHtml(copyOf(20_000, n)[2]!.text)
    reading.push(performance.now() - began)
  }
  const each: string[] = []
  for (const gate of gates)
    each.push(`${gate.kind} ${ms(quantile(await times(only(inForce, gate), 20_000, runs / 5), 0.5))}`)
  const short = await times(inForce, 300, runs)
  const longest = await times(inForce, 990_000, 5)
  return [
    {
      what: `the chain of the e-mail example (${gates.length} gates, no scorer), a message of ${size} characters`,
      measured: line(took),
      limit: `reading the page alone: ${line(reading)}; each gate with reading, p50: ${each.join(', ')}`,
      goal: 'p99 <= 15 ms',
    },
    {
      what: 'the same chain, a short message; and a page of a megabyte',
      measured: `${line(short)}; ${ms(quantile(longest, 0.5))}`,
      limit: 'the shares above',
      goal: 'linear in the copy',
    },
  ]
}

if (import.meta.main) console.log(await gating(300))

// Actions: proposed and released in batches, with the built-in gates and with the chain of the e-mail example; opt-outs
// while many sends are queued; and the preflight of a large audience. The proposer is a process of its own.
import { readFileSync } from 'node:fs'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { purposes } from '../journeys/messages.ts'
import { apart, contract, eventLine, memory, ms, quantile, rate, tell, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const AT_ONCE = 500
const ABREAST = 3

const copy = [
  { part: 'subject', text: 'Spring is here' },
  {
    part: 'text',
    text: 'Spring is here, and with it our new collection. Unsubscribe: https://shop.example/unsubscribe',
  },
]
// Where it is afternoon now, so that no quiet hours hold.
const hours = 14 - new Date().getUTCHours()
const daytime = `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`
const message = (n: number, people: number) => ({
  id: `a-${n}`,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity: `c-${n % people}`,
  channel: 'email',
  campaign: `k-${n % 40}`,
  purpose: 'newsletter',
  address: `c-${n % people}@example.com`,
  targeting: { time_zone: daytime },
  output: { copy },
})

export async function actions(queued = 100_000, audience = 100_000, optOuts = 500): Promise<Measured[]> {
  return withWorld(async ({ server, client }) => {
    await client.apply({
      files: [{ path: 'sends.yaml', text: contract }, purposes],
    })
    const proposing = await proposed(server, 0, queued, audience)
    const optingOut: number[] = []
    const counted: number[] = []
    const single: number[] = []
    // The tables follow; what they lag behind is no part of what stops a send.
    await client.optOut({ optOuts: [{ identifier: 'nobody' }] })
    const { queued: before } = await client.outbox()
    for (let n = 0; n < optOuts; n++) {
      const began = performance.now()
      await client.object({ identifier: `c-${n * 2}`, purpose: 'marketing' })
      const stopped = performance.now()
      const { results } = await client.optOut({ optOuts: [{ identifier: `c-${n * 2 + 1}` }] })
      const told = performance.now()
      const [one] = results
      if (one?.status !== 'recorded' || one.effects?.suppressed !== 1)
        throw new Error(`not suppressed: ${JSON.stringify(one)}`)
      await client.ingest('sends', eventLine(50_000_000 + n, 50_000, 200))
      optingOut.push(stopped - began)
      counted.push(told - stopped)
      single.push(performance.now() - told)
    }
    const { queued: left } = await client.outbox()
    if (before - left !== optOuts * 2) throw new Error(`${before - left} of ${optOuts * 2} sends were suppressed`)
    const foreseen = await foresee(client, audience)
    const events = await ingested(server, queued)
    await client.apply({
      files: ['gates', 'claims'].map((name) => ({
        path: `${name}.yaml`,
        text: readFileSync(new URL(`../examples/email/policies/${name}.yaml`, import.meta.url), 'utf8'),
      })),
    })
    // Of those who have not opted out.
    const chained = await proposed(server, queued + optOuts * 2, Math.ceil(queued / 5), audience)
    const line = (times: number[]): string => `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`
    const limit = `events of about that size, as many at once: ${rate(events)}`
    return [
      {
        what: `actions proposed and released, ${AT_ONCE} in a request, built-in gates (${whole(queued)} actions)`,
        measured: `${rate(proposing)}; peak ${memory()}`,
        limit,
        goal: '2,000/s',
      },
      { what: 'the same with the chain of the e-mail example', measured: rate(chained), limit, goal: '' },
      {
        what: `opt-out to suppression, ${whole(queued)} sends queued, over HTTP until it is durable and none can be claimed`,
        measured: `${line(optingOut)}; with the count of what it stopped, from tables: ${line(counted)}`,
        limit: `acknowledgement of one event: ${line(single)}`,
        goal: 'p99 ≤ 100 ms',
      },
      {
        what: `preflight of ${whole(audience)} recipients`,
        measured: ms(foreseen.took),
        limit: `their subject ids looked up, in ${foreseen.calls} calls: ${ms(foreseen.bare)}`,
        goal: '≤ 5 s',
      },
    ]
  })
}

async function foresee(client: Client, audience: number): Promise<{ took: number; bare: number; calls: number }> {
  const identifiers = Array.from({ length: audience }, (_, n) => `c-${n}`)
  const { id: _, entity: __, address: ___, ...proposal } = message(0, audience)
  const began = performance.now()
  const { recipients, ready } = await client.preflight('spring', { proposal, identifiers })
  const took = performance.now() - began
  if (recipients !== audience || ready === 0) throw new Error(`${ready} of ${recipients} are ready`)
  let calls = 0
  const start = performance.now()
  for (let from = 0; from < audience; from += 10_000, calls++)
    await client.subjects({ identifiers: identifiers.slice(from, from + 10_000) })
  return { took, bare: performance.now() - start, calls }
}

/** Proposals a second. */
function proposed({ url, token }: Server, first: number, count: number, people: number): Promise<number> {
  return apart(import.meta.url, url, token, 'propose', first, count, people)
}

/** Events a second, of about the size of a proposal. */
function ingested({ url, token }: Server, count: number): Promise<number> {
  return apart(import.meta.url, url, token, 'ingest', 60_000_000, count, 50_000)
}

type Server = { url: string; token: string }

async function call(client: Client, what: string, first: number, count: number, people: number): Promise<number> {
  const size = JSON.stringify(message(first, people)).length
  const one = async (from: number): Promise<void> => {
    const those = Array.from({ length: Math.min(AT_ONCE, first + count - from) }, (_, i) => from + i)
    if (what === 'ingest') {
      await client.ingest('sends', those.map((n) => eventLine(n, people, size)).join('\n'))
      return
    }
    const { released } = await client.proposeAll(those.map((n) => message(n, people)))
    // Whoever opted out meanwhile is refused.
    if (released < those.length * 0.8) throw new Error(`${released} of ${those.length} were released`)
  }
  const began = performance.now()
  let next = first
  const worker = async (): Promise<void> => {
    while (next < first + count) {
      const from = next
      next += AT_ONCE
      await one(from)
    }
  }
  await Promise.all(Array.from({ length: ABREAST }, worker))
  return count / ((performance.now() - began) / 1000)
}

if (process.connected && import.meta.main) {
  const [url, key, what, first, count, people] = process.argv.slice(2)
  tell(await call(createClient({ url: url!, key: key! }), what!, Number(first), Number(count), Number(people)))
} else if (import.meta.main) console.log(await actions(5000, 5000, 50))

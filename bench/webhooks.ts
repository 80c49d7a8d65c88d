// Webhooks over HTTP, signed: one event a request, as most providers post them, and a hundred, as SendGrid does. Beside it the
// same events without webhooks: through the door of events, in one body. The provider is a process of its own.
import { createHmac } from 'node:crypto'
import type { Client } from '@whence/sdk'
import { apart, contract, eventLine, memory, tell, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const KEY = 'a-key-for-measuring'
const CONNECTIONS = 64
/** What comes at once when a provider catches up after an outage. */
const BURST = 100_000
const AT_ONCE = 256

export async function webhooks(requests = 4000): Promise<Measured[]> {
  process.env.WHENCE_WEBHOOK_BENCH = KEY
  return withWorld(async ({ server, client }) => {
    await client.apply({
      files: [
        { path: 'sends.yaml', text: contract },
        {
          path: 'bench.yaml',
          text: 'kind: Webhook\nname: bench\nprovider: mailtrap\nsignature: { env: WHENCE_WEBHOOK_BENCH }\n',
        },
      ],
    })
    const { single, many, refused } = await posted(server.url, requests)
    const known = await onRecord(client)
    const before = memory()
    const burst = await posted(server.url, BURST, 'burst')
    const recorded = (await onRecord(client)) - known
    if (recorded !== BURST) throw new Error(`${recorded} of a burst of ${BURST} are on record`)
    const body = Array.from({ length: 10_000 }, (_, i) => eventLine(90_000_000 + i, 5000, 300)).join('\n')
    const began = performance.now()
    await client.ingest('sends', body)
    const plain = 10_000 / ((performance.now() - began) / 1000)
    const limit = `the same number as plain events in one body: ${Math.round(plain)} events/s`
    const line = (what: string, measured: number, goal: string): Measured => ({
      what,
      measured: `${Math.round(measured)} events/s; ${refused} refused and sent again; peak ${memory()}`,
      limit,
      goal,
    })
    return [
      line('webhooks, signed, one event a request', single, '5,000/s'),
      line('webhooks, signed, a hundred events a request', many, '5,000/s'),
      {
        what: `a burst of ${BURST.toLocaleString('en')} webhooks, one event a request, ${AT_ONCE} at once`,
        measured: `${Math.round(burst.single)} events/s; each on record once; ${burst.refused} refused and sent again; peak ${memory()}, ${before} before`,
        limit,
        goal: 'nothing lost or doubled',
      },
    ]
  })
}

/** Outcomes in the tables, as they are counted for people. */
async function onRecord(client: Client): Promise<number> {
  const { groups } = await client.outcomeCounts({ by: 'provider' })
  return groups.flatMap(({ outcomes }) => Object.values(outcomes)).reduce((sum, { events }) => sum + events, 0)
}

interface Posted {
  /** Events a second. */
  single: number
  many: number
  refused: number
}

function posted(url: string, requests: number, how: 'burst' | 'steady' = 'steady'): Promise<Posted> {
  return apart(import.meta.url, url, requests, how)
}

async function call(url: string, requests: number, how: string): Promise<Posted> {
  // A burst tells of other events than what came before.
  let next = how === 'burst' ? 30_000_000 : 0
  let refused = 0
  const post = async (events: number): Promise<number> => {
    const body = JSON.stringify({ events: Array.from({ length: events }, () => eventOf(next++)) })
    const signature = createHmac('sha256', KEY).update(body).digest('hex')
    for (;;) {
      const answer = await fetch(`${url}/v1/webhooks/mailtrap/bench`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'mailtrap-signature': signature },
      })
      const { recorded } = (await answer.json()) as { recorded?: number }
      if (answer.status === 200) {
        if (recorded !== events) throw new Error(`${recorded} of ${events} events were recorded`)
        return events
      }
      if (answer.status !== 503) throw new Error(`a webhook was answered ${answer.status}`)
      if (answer.headers.get('retry-after') === null) throw new Error('it was not said when to come again')
      refused++
    }
  }
  const rate = async (events: number, times: number, connections = CONNECTIONS): Promise<number> => {
    let [left, told] = [times, 0]
    const began = performance.now()
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (left-- > 0) {
          const recorded = await post(events)
          told += recorded
        }
      }),
    )
    return told / ((performance.now() - began) / 1000)
  }
  if (how === 'burst') {
    const burst = await rate(1, requests, AT_ONCE)
    return { single: burst, many: 0, refused }
  }
  await rate(1, 500)
  const single = await rate(1, requests)
  const many = await rate(100, Math.ceil(requests / 50))
  return { single, many, refused }
}

function eventOf(n: number): object {
  return {
    event: n % 3 === 0 ? 'delivery' : n % 3 === 1 ? 'open' : 'click',
    timestamp: Math.floor(Date.now() / 1000),
    sending_stream: 'bulk',
    message_id: `message-${Math.floor(n / 3)}`,
    email: `c-${n % 5000}@example.com`,
    event_id: `event-${n}`,
    category: 'spring',
    ip: '192.0.2.1',
    user_agent: 'Mozilla/5.0 (via a proxy)',
    url: 'https://example.com/offers',
  }
}

if (process.connected && import.meta.main) {
  const [url, requests, how] = process.argv.slice(2)
  tell(await call(url!, Number(requests), how!))
} else if (import.meta.main) console.log(await webhooks(1000))

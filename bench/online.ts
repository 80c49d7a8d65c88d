// Features online: ten views of one person and of a hundred, from memory and from the disk, asked by a process of its own; and the time from an
// acknowledged event to its value while others come in.
import { fork } from 'node:child_process'
import { createClient, type Client } from '@whence/sdk'
import { Chains } from '../server/src/record/ledger/chains.ts'
import { encodeLine, INDEX_BYTES } from '../server/src/record/ledger/archive.ts'
import { startServer } from '../server/src/server.ts'
import { readConfig } from '../server/src/config.ts'
import { apart, at, contract, eventLine, ms, quantile, tell, view, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const VIEWS = 10

const views = Array.from({ length: VIEWS }, (_, i) => ({
  path: `view${i}.yaml`,
  text: view.replace('name: engagement', `name: engagement_${i}`).replaceAll('30d', `${20 + i}d`),
}))
const names = views.map((_, i) => `engagement_${i}`)

/** `events` of `people`, and reads of one and of a hundred of them; then reads beside `pace` events a second. */
export async function online(events = 1_000_000, people = 50_000, reads = 1000, pace = 2000): Promise<Measured[]> {
  return withWorld(async (world) => {
    let { client } = world
    await client.apply({ files: [{ path: 'sends.yaml', text: contract }, ...views] })
    for (let n = 0; n < events; n += 5000) {
      const lines = Array.from({ length: Math.min(5000, events - n) }, (_, i) => eventLine(n + i, people, 200))
      await client.ingest('sends', lines.join('\n'))
    }
    // Another start, so that nothing is in memory.
    await world.server.stop()
    const server = await startServer(readConfig(world.folder, world.env), { private: true })
    world.server.stop = server.stop
    client = createClient({ url: server.url, key: server.token })
    const results: Measured[] = []
    const measured = async (count: number, goal: string): Promise<void> => {
      const { cold, warm, nobody } = await apart<Reads>(import.meta.url, server.url, server.token, reads, count, people)
      const line = (times: number[]): string => `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`
      results.push({
        what: `read ${VIEWS} views × 8 features online, ${count} ${count === 1 ? 'entity' : 'entities'}, over HTTP (${whole(events)} events)`,
        measured: `from memory ${line(warm)}; the first time ${line(cold)}`,
        limit: `the same call for nobody: ${ms(quantile(nobody, 0.5))}`,
        goal,
      })
    }
    await measured(1, 'p99 ≤ 5 ms')
    await measured(100, 'p99 ≤ 20 ms')
    results.push(await freshness(server, world.env, people, pace))
    await server.stop()
    world.server.stop = async () => {}
    return [...results, startCost()]
  })
}

/** Milliseconds of each call. */
interface Reads {
  cold: number[]
  warm: number[]
  nobody: number[]
}

async function call(client: Client, reads: number, count: number, people: number): Promise<Reads> {
  const read = async (entities: string[]): Promise<number> => {
    const began = performance.now()
    const answer = await client.onlineMany({ views: names, entities, at })
    const took = performance.now() - began
    const [one] = answer.entities
    if (one?.state === 'known' && typeof one.views[VIEWS - 1]!.values.events !== 'number') throw new Error('no values')
    return took
  }
  const some = (first: number): string[] => Array.from({ length: count }, (_, i) => `c-${(first + i * 7) % people}`)
  const rounds = Math.max(20, Math.floor(reads / count))
  const found: Reads = { cold: [], warm: [], nobody: [] }
  // Of people whom nobody else is asked for.
  await read(some(people - 1))
  for (let i = 0; i < rounds; i++) found.cold.push(await read(some(i * count * 7 + count)))
  // The same people several times: a 99th percentile of twenty is no more than the slowest.
  for (let i = 0; i < Math.max(rounds, 200); i++) found.warm.push(await read(some((i % rounds) * count * 7 + count)))
  for (let i = 0; i < 50; i++) found.nobody.push(await read(['nobody']))
  return found
}

/** From the moment at which an event is sent to the first answer that counts it, asked for again and again. */
async function freshness(
  server: { url: string; token: string },
  env: NodeJS.ProcessEnv,
  people: number,
  pace: number,
): Promise<Measured> {
  const seconds = 20
  const load = fork(
    new URL('load.ts', import.meta.url),
    [server.url, server.token, '200', String(seconds), String(pace)],
    {
      env: { ...env, FROM: '50000000' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    },
  )
  const client = createClient({ url: server.url, key: server.token })
  const ended = new Promise<void>((resolve) => load.once('exit', () => resolve()))
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const sent: number[] = []
  const acknowledged: number[] = []
  const until = performance.now() + (seconds - 3) * 1000
  for (let n = 0; performance.now() < until; n++) {
    const entity = `c-${(n * 13) % people}`
    const count = async (): Promise<number> => {
      const { entities } = await client.onlineMany({ views: ['engagement_0'], entities: [entity] })
      return Number(entities[0]!.views[0]?.values.events ?? 0)
    }
    const before = await count()
    const line = { event_id: `fresh-${n}`, customer_id: entity, time: '2026-03-01T00:00:00Z', event: 'opened' }
    const began = performance.now()
    await client.ingest('sends', [line])
    const durable = performance.now()
    while ((await count()) <= before) if (performance.now() - began > 30_000) throw new Error('an event is not seen')
    sent.push(performance.now() - began)
    acknowledged.push(performance.now() - durable)
  }
  await ended
  return {
    what: `from an event to its online value, while ${whole(pace)} events/s come in (${whole(sent.length)} events)`,
    measured: `sent to seen p50 ${ms(quantile(sent, 0.5))}, p99 ${ms(quantile(sent, 0.99))}`,
    limit: `of which after the acknowledgement p99 ${ms(quantile(acknowledged, 0.99))}: one read`,
    goal: 'p99 ≤ 1 s',
  }
}

/** What the chain of records by subject takes at 10 million records of 500,000 people. */
function startCost(records = 10_000_000, people = 500_000): Measured {
  const line = encodeLine({
    length: 0,
    member: true,
    sealed: true,
    stream: 1,
    identity: Buffer.alloc(16),
    subject: 'a5'.repeat(16),
    commit: Buffer.alloc(16),
  })
  const lines = Buffer.concat(Array.from({ length: 4096 }, () => line))
  const chains = new Chains()
  let took = 0
  for (let first = 0; first < records; first += 4096) {
    const count = Math.min(4096, records - first)
    for (let i = 0; i < count; i++) {
      const person = (Math.imul(first + i, 2_654_435_761) >>> 0) % people
      lines.writeUInt32LE(Math.imul(person, 0x9e3779b1) >>> 0, i * INDEX_BYTES + 32)
      lines.writeUInt32LE(person, i * INDEX_BYTES + 36)
    }
    const began = performance.now()
    for (let i = 0; i < count; i++) chains.add(lines, i * INDEX_BYTES)
    took += performance.now() - began
  }
  return {
    what: `the chain of records by subject, made at the start: ${whole(records)} records of ${whole(people)} people`,
    measured: `${ms(took)}, ${whole(chains.bytes / 1e6)} MB`,
    limit: '',
    goal: '',
  }
}

if (process.connected && import.meta.main) {
  const [url, key, reads, count, people] = process.argv.slice(2)
  tell(await call(createClient({ url: url!, key: key! }), Number(reads), Number(count), Number(people)))
} else if (import.meta.main) console.log(await online(20_000, 1000, 100, 500))

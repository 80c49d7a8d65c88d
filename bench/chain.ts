// The chain at size: a million sealed events, a snapshot of 50,000 people, 100,000 predictions; then materialisation,
// explanations, verification and the rebuild of all tables, each beside its limit.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '@whence/ledger'
import { createClient, type Client } from '@whence/sdk'
import { readConfig, type Config } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import { openColumns } from '../server/src/store/columns.ts'
import { bareQuery } from './materialise.ts'
import { apart, at, contract, eventLine, memory, ms, quantile, rate, tell, view, whole } from './world.ts'
import type { Measured } from './world.ts'

/** How much there is, and whether also the checks and the rebuild are measured that pass over every record. */
interface Size {
  events: number
  predictions: number
  people: number
  everything: boolean
}

/**
 * With WHENCE_BENCH_FOLDER the data is built there once and kept, so that what takes long to build can be measured again,
 * on a quieter machine.
 */
export async function chain(size: Size): Promise<Measured[]> {
  const kept = process.env.WHENCE_BENCH_FOLDER
  const root = kept ?? (await mkdtemp(join(tmpdir(), 'whence-bench-')))
  await mkdir(root, { recursive: true })
  const folder = join(root, 'data')
  const config = readConfig(folder, {
    ...process.env,
    WHENCE_STATE: join(root, 'state'),
    WHENCE_SCHEMA: `bench_${process.pid}`,
  })
  const results: Measured[] = []
  const server = await startServer(config, { private: true })
  try {
    const client = createClient({ url: server.url, key: server.token })
    const note = join(root, 'built.json')
    if (!existsSync(note)) await writeFile(note, JSON.stringify(await build(client, size)))
    const firstTime = JSON.parse(await readFile(note, 'utf8')) as number
    results.push(await materialised(client, folder, size, firstTime), ...(await explained(client, server, size)))
    if (size.everything) results.push(...(await verification(folder, server.vkey, client)))
  } finally {
    await server.stop()
  }
  if (size.everything) results.push(await rebuilt(config, size))
  if (kept === undefined) await rm(root, { recursive: true })
  return results
}

const weights = ['events', 'opens_7d', 'opens_30d', 'clicks_30d', 'days_since_last', 'share_opened']

/** Resolves with how long the first snapshot took, column files included, in milliseconds. */
async function build(client: Client, { events, predictions, people }: Size): Promise<number> {
  await client.apply({
    files: [
      { path: 'sends.yaml', text: contract },
      { path: 'view.yaml', text: view },
    ],
  })
  for (let n = 0; n < events; n += 5000) {
    await client.ingest(
      'sends',
      Array.from({ length: Math.min(5000, events - n) }, (_, i) => eventLine(n + i, people, 200)).join('\n'),
    )
    if (n % 500_000 === 0) process.stderr.write(`  ${whole(n)} events\n`)
  }
  const began = performance.now()
  const snapshot = await client.materialize({ view: 'engagement', at })
  const firstTime = performance.now() - began
  const { version } = await client.registerModel({
    name: 'opens',
    predicts: 'opens the next e-mail',
    view: snapshot.view,
    model: {
      form: 'logistic/1',
      intercept: -1,
      features: weights.map((name, i) => ({ name, weight: 0.1 * (i + 1), mean: 1, scale: 4, missing: 0 })),
    },
  })
  const rows: { subject: string; values: Record<string, unknown> }[] = []
  for await (const row of client.snapshotRows(snapshot.id)) rows.push(row)
  for (let n = 0; n < predictions; n += 1000) {
    await client.predict({
      model: `opens@${version}`,
      snapshot: snapshot.id,
      predictions: Array.from({ length: Math.min(1000, predictions - n) }, (_, i) => {
        const row = rows[(n + i) % rows.length]!
        const logit = weights.reduce(
          (sum, name, k) => sum + (0.1 * (k + 1) * (Number(row.values[name] ?? 0) - 1)) / 4,
          -1,
        )
        return { id: `p-${n + i}`, subject: row.subject, score: 1 / (1 + Math.exp(-logit)) }
      }),
    })
  }
  return firstTime
}

async function materialised(client: Client, folder: string, { events }: Size, firstTime: number): Promise<Measured> {
  const times: number[] = []
  let rows = 0
  for (let i = 0; i < 4; i++) {
    const began = performance.now()
    // Another time each run, or it would be the same snapshot again.
    const time = new Date(Date.parse(at) + 1000 + Math.floor(Math.random() * 3_600_000) * 10 + i).toISOString()
    rows = (await client.materialize({ view: 'engagement', at: time })).rows
    if (i > 0) times.push(performance.now() - began)
  }
  const columns = await openColumns({ folder })
  const bare: number[] = []
  for (let i = 0; i < 4; i++) {
    const began = performance.now()
    await columns.run(`CREATE OR REPLACE TEMP TABLE bare AS ${bareQuery(folder)}`)
    if (i > 0) bare.push(performance.now() - began)
  }
  await columns.close()
  const [took, limit] = [quantile(times, 0.5), quantile(bare, 0.5)]
  return {
    what: `materialise ${whole(rows)} entities × 8 features from ${whole(events)} events, recorded, as a table too, with digests`,
    measured: `${ms(took)} (${(took / limit).toFixed(1)} × bare); the first time ${ms(firstTime)}`,
    limit: `bare DuckDB query: ${ms(limit)}`,
    goal: 'at most 2 × bare',
  }
}

async function explained(
  client: Client,
  server: { url: string; token: string },
  { events, predictions }: Size,
): Promise<Measured[]> {
  const all = await apart<number[]>(import.meta.url, server.url, server.token, predictions)
  const [first, times] = [all.slice(0, FIRST), all.slice(FIRST)]
  const began = performance.now()
  const replayed = await client.replay({ sample: 2000 })
  if (replayed.exact !== 2000) throw new Error(`only ${replayed.exact} of 2,000 replayed exactly`)
  return [
    {
      what: `explain one of ${whole(predictions)} predictions over ${whole(events)} events, recomputed, with proofs`,
      measured: `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}; of the first ${FIRST} after a start p50 ${ms(quantile(first, 0.5))}, p99 ${ms(quantile(first, 0.99))}`,
      limit: 'the recomputation: select, open and recompute about 20 events',
      goal: 'p99 ≤ 50 ms (at 1M over 10M)',
    },
    {
      what: `replay of 2,000 of ${whole(predictions)} predictions`,
      measured: rate(2000 / ((performance.now() - began) / 1000)),
      limit: '',
      goal: '',
    },
  ]
}

async function rebuilt(config: Config, { events, predictions }: Size): Promise<Measured> {
  const began = performance.now()
  let records = 0
  let done = 0
  const server = await startServer(config, {
    private: true,
    rebuild(next, size) {
      records = size
      if (next === size) done = performance.now()
    },
  })
  const opened = performance.now()
  await server.stop()
  if (records < events + predictions) throw new Error('records are missing')
  return {
    what: `rebuild of all tables from ${whole(records)} records (${process.env.DATABASE_URL ? 'PostgreSQL' : 'PGlite'})`,
    measured: `${rate(records / ((done - began) / 1000))}, start of the server included; peak ${memory()}`,
    limit: `started after ${ms(opened - began)}`,
    goal: '30,000 records/s',
  }
}

async function verification(folder: string, vkey: string, client: Client): Promise<Measured[]> {
  const read = (path: string) =>
    readFile(join(folder, 'log', path)).then(
      (bytes) => new Uint8Array(bytes),
      () => undefined,
    )
  const timed = async (parse: boolean): Promise<number> => {
    const began = performance.now()
    const { ok, size } = await verifyLog(
      read,
      vkey,
      parse ? { onEntry: (_, bytes) => void JSON.parse(new TextDecoder().decode(bytes)) } : {},
    )
    if (!ok) throw new Error('the log does not verify')
    return size / ((performance.now() - began) / 1000)
  }
  const tree = await timed(false)
  const parsed = await timed(true)
  const began = performance.now()
  const { ok, size } = await client.verify()
  if (!ok) throw new Error('the data folder does not verify')
  const everything = size / ((performance.now() - began) / 1000)
  return [
    {
      what: 'verify a log folder: the tree',
      measured: rate(tree),
      limit: 'SHA-256 of leaf and node, twice an entry',
      goal: '250,000 entries/s a core',
    },
    { what: 'verify a log folder: entries parsed', measured: rate(parsed), limit: '', goal: '150,000 entries/s' },
    {
      what: 'verify a data folder: every payload opened, every value of the column files compared',
      measured: rate(everything),
      limit: '',
      goal: '',
    },
  ]
}

/** Explanations while the server's code is not compiled and its memory not filled: told apart from those after them. */
const FIRST = 200

/** Milliseconds of each explanation. */
async function call(client: Client, predictions: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < FIRST + 1000; i++) {
    const began = performance.now()
    const { score } = await client.explain(`p-${Math.floor(predictions * ((i * 0.618_034) % 1))}`)
    times.push(performance.now() - began)
    if (score.truth !== 'recomputed') throw new Error(`a score was ${score.truth}`)
  }
  return times
}

if (process.connected && import.meta.main) {
  const [url, key, predictions] = process.argv.slice(2)
  tell(await call(createClient({ url: url!, key: key! }), Number(predictions)))
} else if (import.meta.main)
  console.log(await chain({ events: 20_000, predictions: 2000, people: 1000, everything: false }))

// The chain at size: a million sealed events, a snapshot of 50,000 people, 100,000 predictions; then materialisation,
// explanations, verification and the rebuild of all tables, each beside its limit.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '@whence/ledger'
import { createClient } from '@whence/sdk'
import { readConfig } from '../server/src/config.ts'
import { startServer } from '../server/src/main.ts'
import { openColumns } from '../server/src/store/columns.ts'
import { at, contract, eventLine, memory, ms, quantile, rate, view, whole } from './world.ts'
import type { Measured } from './world.ts'

const bareQuery = (folder: string): string => `
  SELECT subject, count(*) AS events,
    count(*) FILTER (WHERE event = 'opened' AND time > a - INTERVAL 7 DAY) AS opens_7d,
    count(*) FILTER (WHERE event = 'opened' AND time > a - INTERVAL 30 DAY) AS opens_30d,
    count(*) FILTER (WHERE event = 'clicked' AND time > a - INTERVAL 30 DAY) AS clicks_30d,
    coalesce(sum(value) FILTER (WHERE time > a - INTERVAL 30 DAY), 0) AS value_30d,
    count(DISTINCT campaign) FILTER (WHERE time > a - INTERVAL 90 DAY) AS campaigns_90d,
    date_diff('second', max(time), max(a)) / 86400.0 AS days_since_last,
    count(*) FILTER (WHERE event = 'opened' AND time > a - INTERVAL 90 DAY)
      / greatest(count(*) FILTER (WHERE time > a - INTERVAL 90 DAY), 1) AS share_opened
  FROM (SELECT *, TIMESTAMP '2026-04-01' AS a FROM read_parquet('${folder}/columns/sends/*.parquet')) WHERE time <= a GROUP BY subject`

export async function chain(events = 1_000_000, predictions = 100_000, people = 50_000): Promise<Measured[]> {
  const root = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const folder = join(root, 'data')
  const config = readConfig(folder, {
    ...process.env,
    WHENCE_STATE: join(root, 'state'),
    WHENCE_SCHEMA: `bench_${process.pid}`,
  })
  const results: Measured[] = []
  let server = await startServer(config, { private: true })
  try {
    const client = createClient({ url: server.url, key: server.token })
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
    }
    const first = performance.now()
    await client.materialize({ view: 'engagement', at: '2026-03-31T00:00:00Z' })
    const withColumns = performance.now() - first

    const times: number[] = []
    let snapshot = await client.materialize({ view: 'engagement', at })
    for (let i = 1; i <= 3; i++) {
      const began = performance.now()
      snapshot = await client.materialize({ view: 'engagement', at: `2026-04-01T00:00:0${i}Z` })
      times.push(performance.now() - began)
    }
    const columns = await openColumns({ folder })
    const bare: number[] = []
    for (let i = 0; i < 4; i++) {
      const began = performance.now()
      await columns.run(`CREATE OR REPLACE TEMP TABLE bare AS ${bareQuery(folder)}`)
      if (i > 0) bare.push(performance.now() - began)
    }
    await columns.close()
    results.push({
      what: `materialise ${whole(snapshot.rows)} entities × 8 features from ${whole(events)} events, with digests`,
      measured: `${ms(quantile(times, 0.5))} (${(quantile(times, 0.5) / quantile(bare, 0.5)).toFixed(1)} × bare); the first time, column files included, ${ms(withColumns)}`,
      limit: `bare DuckDB query: ${ms(quantile(bare, 0.5))}`,
      goal: 'at most 2 × bare',
    })

    const weights = ['events', 'opens_7d', 'opens_30d', 'clicks_30d', 'days_since_last', 'share_opened']
    const model = await client.registerModel({
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
        model: `opens@${model.version}`,
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
    const explained: number[] = []
    for (let i = 0; i < 520; i++) {
      const began = performance.now()
      const { score } = await client.explain(`p-${Math.floor(predictions * ((i * 0.618_034) % 1))}`)
      if (i >= 20) explained.push(performance.now() - began)
      if (score.truth !== 'recomputed') throw new Error(`a score was ${score.truth}`)
    }
    results.push({
      what: `explain one of ${whole(predictions)} predictions over ${whole(events)} events, recomputed, with proofs`,
      measured: `p50 ${ms(quantile(explained, 0.5))}, p99 ${ms(quantile(explained, 0.99))}`,
      limit: 'the recomputation: select, open and recompute about 20 events',
      goal: 'p99 ≤ 50 ms (at 1M over 10M)',
    })
    const began = performance.now()
    const replayed = await client.replay({ sample: 2000 })
    if (replayed.exact !== 2000) throw new Error(`only ${replayed.exact} of 2,000 replayed exactly`)
    results.push({
      what: 'replay of 2,000 predictions',
      measured: rate(2000 / ((performance.now() - began) / 1000)),
      limit: '',
      goal: '',
    })
    results.push(...(await verification(folder, server.vkey, client)))
  } finally {
    await server.stop()
  }
  const began = performance.now()
  let records = 0
  let rebuilt = 0
  server = await startServer(config, {
    private: true,
    rebuild(next, size) {
      records = size
      if (next === size) rebuilt = performance.now()
    },
  })
  const opened = performance.now()
  await server.stop()
  results.push({
    what: `rebuild of all tables from ${whole(records)} records (${process.env.DATABASE_URL ? 'PostgreSQL' : 'PGlite'})`,
    measured: `${rate(records / ((rebuilt - began) / 1000))}, start of the server included; peak ${memory()}`,
    limit: `started after ${ms(opened - began)}`,
    goal: '30,000 records/s',
  })
  await rm(root, { recursive: true })
  return results
}

async function verification(
  folder: string,
  vkey: string,
  client: ReturnType<typeof createClient>,
): Promise<Measured[]> {
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

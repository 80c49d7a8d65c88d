// A snapshot of half a million people from ten million events, with the digests of its rows, beside the query alone.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileView } from '../server/src/path/features/compile.ts'
import { EventColumns } from '../server/src/path/features/event-columns.ts'
import { materialize } from '../server/src/path/features/materialize.ts'
import { parseView } from '../server/src/path/features/view.ts'
import { parseTime } from '../server/src/rules/contracts/time.ts'
import { openColumns } from '../server/src/store/columns.ts'
import { columns, layEvents } from './laid-events.ts'
import { at, ms, quantile, view, whole } from './world.ts'
import type { Measured } from './world.ts'

/** The features of the view `engagement`, as one would ask DuckDB for them. */
export const bareQuery = (folder: string): string => `
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

export async function materialising(events = 10_000_000, people = 500_000, rounds = 3): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const store = await openColumns({ folder })
  try {
    await layEvents(store, folder, events, people)
    const compiled = await compileView(store, parseView(view, 'view.yaml'), [
      { stream: 'sends', contract: 'sends@1.0.0', columns },
    ])
    const source = { async *events() {}, members: async () => [] }
    const place = { columns: store, folder, events: new EventColumns({ columns: store, folder, source }) }
    const ours: number[] = []
    const bare: number[] = []
    let rows = 0
    for (let round = 0; round <= rounds; round++) {
      let began = performance.now()
      const made = await materialize(place, compiled, { at: parseTime(at)!, asOf: events, name: String(round) })
      ours.push(performance.now() - began)
      rows = made.rows
      began = performance.now()
      await store.run(`CREATE OR REPLACE TEMP TABLE bare AS ${bareQuery(folder)}`)
      bare.push(performance.now() - began)
    }
    // The first round opens the files for both.
    const [took, limit] = [quantile(ours.slice(1), 0.5), quantile(bare.slice(1), 0.5)]
    return [
      {
        what: `materialise ${whole(rows)} entities × 8 features from ${whole(events)} events in column files, with digests`,
        measured: `${ms(took)} (${(took / limit).toFixed(1)} × bare)`,
        limit: `bare DuckDB query: ${ms(limit)}`,
        goal: 'at most 2 × bare',
      },
    ]
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

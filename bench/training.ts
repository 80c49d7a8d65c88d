// A training set of a million rows and twenty features, over ten million events of half a million people, beside DuckDB's
// own ASOF join. That join picks a value that was computed beforehand, where ours computes it: so it is given, and charged
// with, a table of every feature's value after each event.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openColumns, quote } from '../server/src/store/columns.ts'
import type { Columns } from '../server/src/store/columns.ts'
import { compileView } from '../server/src/path/features/compile.ts'
import { contentDigest } from '../server/src/path/features/content-digest.ts'
import { EventColumns } from '../server/src/path/features/event-columns.ts'
import { sidecar } from '../server/src/path/features/rows.ts'
import { Spine } from '../server/src/path/features/spine.ts'
import { writeTrainingSet } from '../server/src/path/features/training-set.ts'
import { parseView } from '../server/src/path/features/view.ts'
import { columns, layEvents, span, start, subjectOf } from './laid-events.ts'
import type { Measured } from './world.ts'

const days = [1, 7, 30, 60]
/** Each as it is declared, and as DuckDB computes it over windows for the table of the ASOF join. */
const features = [
  ...days.map((d) => [`sent_${d}d`, `window: ${d}d, filter: "event = 'sent'", expr: count(*)`] as const),
  ...days.map((d) => [`opened_${d}d`, `window: ${d}d, filter: "event = 'opened'", expr: count(*)`] as const),
  ...days.map((d) => [`clicked_${d}d`, `window: ${d}d, filter: "event = 'clicked'", expr: count(*)`] as const),
  ...days.map((d) => [`value_${d}d`, `window: ${d}d, expr: "coalesce(sum(value), 0)"`] as const),
  ['events', 'expr: count(*)'] as const,
  ['value', 'expr: "coalesce(sum(value), 0)"'] as const,
  ['largest', 'expr: "coalesce(max(value), 0)"'] as const,
  ['smallest_30d', 'window: 30d, expr: "coalesce(min(value), 0)"'] as const,
]

export async function training(rows = 1_000_000, events = 10_000_000, people = 500_000): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const store = await openColumns({ folder })
  try {
    await layEvents(store, folder, events, people)
    const view = parseView(
      `kind: FeatureView\nname: wide\nentity: customer\nsource: sends\nfeatures:\n${features
        .map(([name, rest]) => `  - { name: ${name}, type: int64, ${rest} }`)
        .join('\n')}`,
      'wide.yaml',
    )
    const compiled = await compileView(store, view, [{ stream: 'sends', contract: 'sends@1.0.0', columns }])
    const source = { async *events() {}, members: async () => [] }
    const place = { columns: store, folder, events: new EventColumns({ columns: store, folder, source }) }
    const spine = await spineOf(store, rows, people)

    const parts: string[] = []
    let began = performance.now()
    const lap = (): number => {
      const now = performance.now()
      const took = (now - began) / 1000
      began = now
      return took
    }
    const made = await writeTrainingSet(place, [{ name: 'wide', version: 1, compiled }], {
      name: 'wide',
      asOf: events,
      spine,
      progress: (done) => {
        if (done === 'writing') parts.push(`join ${lap().toFixed(1)} s`)
      },
    })
    parts.push(`order, write, row hashes ${lap().toFixed(1)} s`)
    const path = join(folder, made.files[0]!.path)
    contentDigest(made.columns, await readFile(sidecar(path)))
    parts.push(`digest ${lap().toFixed(1)} s`)
    const total = parts.reduce((sum, part) => sum + Number(/([\d.]+) s/.exec(part)![1]), 0)

    const { history, asof, same } = await asofJoin(store, folder, path)
    if (!same) throw new Error('the ASOF join gives other values')
    const { size } = await stat(path)
    return [
      {
        what: `training set, ${rows.toLocaleString('en')} rows × ${features.length} features over ${events.toLocaleString('en')} events`,
        measured: `${total.toFixed(1)} s (${parts.join(', ')}), ${(size / 2 ** 20).toFixed(0)} MiB`,
        limit: `DuckDB: features after each event ${history.toFixed(1)} s, ASOF join and write ${asof.toFixed(1)} s; equal values`,
        goal: 'beside DuckDB',
      },
    ]
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

async function spineOf(store: Columns, rows: number, people: number): Promise<Spine> {
  const drawn: { subject: string; at: number; label: number }[] = []
  for (let from = 0; from < rows; from += 100_000) {
    const page = await store.rows<{ subject: string; at: bigint; label: number }>(
      `SELECT lower(hex(${subjectOf(`hash(n, 7) % ${people}`)})) AS subject,
         (${start} + (hash(n, 8) % ${span}))::BIGINT AS at, (hash(n, 9) % 2)::INTEGER AS label
       FROM (SELECT range AS n FROM range(${from}, ${Math.min(rows, from + 100_000)}))`,
    )
    for (const { subject, at, label } of page) drawn.push({ subject, at: Number(at), label })
  }
  return Spine.of(drawn, Number.MAX_SAFE_INTEGER)
}

/**
 * The same set by DuckDB alone. Subjects are text there: DuckDB 1.5 gives rows without a match the values of another key
 * where keys are BLOBs that begin with a zero byte.
 */
async function asofJoin(
  store: Columns,
  folder: string,
  path: string,
): Promise<{ history: number; asof: number; same: boolean }> {
  return store.session(async (session) => {
    const began = performance.now()
    const over = (d?: number): string =>
      d === undefined
        ? 'OVER (PARTITION BY subject ORDER BY "time" RANGE UNBOUNDED PRECEDING)'
        : `OVER (PARTITION BY subject ORDER BY "time" RANGE BETWEEN INTERVAL ${d} DAY PRECEDING AND CURRENT ROW)`
    const values = [
      ...['sent', 'opened', 'clicked'].flatMap((event) =>
        days.map((d) => `count(*) FILTER (WHERE event = '${event}') ${over(d)} AS ${event}_${d}d`),
      ),
      ...days.map((d) => `coalesce(sum(value) ${over(d)}, 0) AS value_${d}d`),
      `count(*) ${over()} AS events`,
      `coalesce(sum(value) ${over()}, 0) AS value`,
      `coalesce(max(value) ${over()}, 0) AS largest`,
      `coalesce(min(value) ${over(30)}, 0) AS smallest_30d`,
    ]
    await session.run(
      `CREATE TEMP TABLE history AS SELECT lower(hex(subject)) AS who, "time", ${values.join(', ')}
       FROM read_parquet(${quote(join(folder, 'columns/sends/*.parquet'))})`,
    )
    const computed = performance.now()
    const names = features.map(([name]) => name)
    const other = join(folder, 'asof.parquet')
    await session.run(
      `COPY (SELECT unhex(s.who) AS subject, s."at", s.label, ${names.map((name) => `coalesce(h.${name}, 0) AS ${name}`).join(', ')}
         FROM (SELECT lower(hex(subject)) AS who, "at", label FROM read_parquet(${quote(path)})) s
         ASOF LEFT JOIN history h ON h.who = s.who AND h."time" <= s."at" ORDER BY s."at", s.who)
       TO ${quote(other)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    const joined = performance.now()
    // Windows that reach back from the row, not from its last event, may hold fewer events.
    const lasting = ['events', 'value', 'largest']
    const { differing } = await session.row<{ differing: bigint }>(
      `SELECT count(*) AS differing FROM
         (SELECT subject, "at", sum(events) AS events, sum(value) AS value, max(largest) AS largest FROM read_parquet(${quote(path)}) GROUP BY ALL) a
         FULL JOIN (SELECT subject, "at", sum(events) AS events, sum(value) AS value, max(largest) AS largest FROM read_parquet(${quote(other)}) GROUP BY ALL) b
         ON a.subject = b.subject AND a."at" = b."at"
       WHERE ${lasting.map((name) => `a.${name} IS DISTINCT FROM b.${name}`).join(' OR ')}`,
    )
    return { history: (computed - began) / 1000, asof: (joined - computed) / 1000, same: differing === 0n }
  })
}

// What dividing the files of events by day, or by bucket of subject, would give: the same events in three layouts, and the
// three questions that are asked of them, in the engine that asks them here.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openColumns, quote } from '../server/src/store/columns.ts'
import { layEvents, subjectOf } from './laid-events.ts'
import { ms, quantile, whole } from './world.ts'
import type { Measured } from './world.ts'

const BUCKETS = 16

/** `day`: the folder of a day's files. */
interface Layout {
  name: string
  folder: string
  day?: (day: string) => string
}

export async function partitions(
  events = Number(process.env.WHENCE_BENCH_EVENTS ?? 10_000_000),
  people = Math.ceil(events / 20),
  rounds = 9,
): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const store = await openColumns({ folder })
  try {
    await layEvents(store, folder, events, people)
    const sorted: Layout = { name: 'sorted by subject, not divided', folder: join(folder, 'columns/sends') }
    const bucketOf = (subject: string): string => `(hash(${subject}) % ${BUCKETS})::INTEGER`
    const byDay: Layout = { name: 'by day', folder: join(folder, 'day'), day: (day) => `day=${day}/` }
    const byBucket: Layout = { name: `by ${BUCKETS} buckets of subject`, folder: join(folder, 'bucket') }
    const from = `read_parquet(${quote(`${sorted.folder}/*.parquet`)})`
    for (const [layout, key] of [
      [byDay, `strftime("time", '%Y-%m-%d') AS day`],
      [byBucket, `${bucketOf('subject')} AS bucket`],
    ] as const) {
      const name = key.split(' AS ')[1]!
      await store.run(
        `COPY (SELECT *, ${key} FROM ${from} ORDER BY ${name}, subject, "time", seq) TO ${quote(layout.folder)}
         (FORMAT parquet, PARTITION_BY (${name}), PARQUET_VERSION v2, COMPRESSION snappy, ROW_GROUP_SIZE 51200)`,
      )
    }
    const rows: Measured[] = []
    for (const layout of [sorted, byDay, byBucket]) {
      const files = (await readdir(layout.folder, { recursive: true })).filter((path) => path.endsWith('.parquet'))
      let bytes = 0
      for (const path of files) bytes += (await stat(join(layout.folder, path))).size
      const all = quote(`${layout.folder}/**/*.parquet`)
      const asked: Record<string, (round: number) => Promise<string>> = {
        'one person': async (round) => {
          const subject = subjectOf(`${(round * 7919) % people}`)
          if (layout !== byBucket) return `FROM read_parquet(${all}) WHERE subject = ${subject}`
          const { b } = await store.row<{ b: number }>(`SELECT ${bucketOf(subject)} AS b`)
          return `FROM read_parquet(${quote(`${layout.folder}/bucket=${b}/*.parquet`)}) WHERE subject = ${subject}`
        },
        'one day': async (round) => {
          const day = new Date(Date.UTC(2026, 0, 2 + ((round * 7) % 85))).toISOString().slice(0, 10)
          const files = layout.day ? quote(`${layout.folder}/${layout.day(day)}*.parquet`) : all
          return `FROM read_parquet(${files}) WHERE "time" >= ${quote(day)}::TIMESTAMP AND "time" < ${quote(day)}::TIMESTAMP + INTERVAL 1 DAY`
        },
        'everybody, by subject': async () =>
          `FROM (SELECT subject, count(*) AS value, max("time") AS seq FROM read_parquet(${all}) GROUP BY subject)`,
      }
      const said: string[] = []
      for (const [question, ask] of Object.entries(asked)) {
        const taken: number[] = []
        for (let round = 0; round <= rounds; round++) {
          const query = await ask(round)
          const began = performance.now()
          await store.rows(`SELECT count(*) AS n, sum(value) AS sum, max(seq) AS last ${query}`)
          // The first opens the files.
          if (round > 0) taken.push(performance.now() - began)
        }
        said.push(`${question} ${ms(quantile(taken, 0.5))}`)
      }
      rows.push({
        what: `${whole(events)} events ${layout.name}: ${whole(files.length)} files, ${whole(Math.round(bytes / 2 ** 20))} MiB`,
        measured: said.join(', '),
        limit: 'p50, files in the page cache',
        goal: 'which layout pays',
      })
    }
    return rows
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

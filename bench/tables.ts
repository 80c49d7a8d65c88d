// Committing a Parquet file to a table, beside writing the file.
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Follower } from '../server/src/record/projection/follower.ts'
import { tableProjection } from '../server/src/record/tables/projection.ts'
import { Tables } from '../server/src/record/tables/tables.ts'
import type { TableColumn } from '../server/src/record/tables/table.ts'
import { systemClock } from '../server/src/record/time.ts'
import { openColumns, parquet } from '../server/src/store/columns.ts'
import { digestOf, localFiles } from '../server/src/store/files.ts'
import { openTestDatabase } from '../server/src/store/testing.ts'
import { Site } from '../journeys/site.ts'
import { ms, quantile, whole } from './world.ts'
import type { Measured } from './world.ts'

const COLUMNS: TableColumn[] = [
  { name: 'seq', type: 'BIGINT' },
  { name: 'subject', type: 'BLOB' },
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'known', type: 'TIMESTAMP' },
  { name: 'campaign', type: 'VARCHAR' },
  { name: 'value', type: 'BIGINT' },
]

/** Each size is committed so often, and the median taken. */
const TIMES = 7

export async function tableCommit(): Promise<Measured[]> {
  const site = await Site.make()
  const bare = await site.ledger()
  const database = await openTestDatabase()
  const follower = new Follower(bare.ledger, database, [tableProjection])
  await follower.start()
  const columns = await openColumns({ folder: site.data })
  const by = { id: 'bench' }
  const tables = new Tables({
    ledger: bare.ledger,
    follower,
    database,
    files: localFiles(),
    columns,
    clock: systemClock,
    folder: site.data,
  })
  try {
    const measured: Measured[] = []
    for (const rows of [1_000, 1_000_000]) {
      const table = `events.bench_${rows}`
      const fieldIds = await tables.fields(table, COLUMNS, by)
      const [writing, committing]: [number[], number[]] = [[], []]
      await mkdir(join(site.data, 'bench'), { recursive: true })
      for (let n = 0; n < TIMES; n++) {
        const path = `bench/${rows}-${n}.parquet`
        const full = join(site.data, path)
        const query = `SELECT i::BIGINT AS seq, unhex(md5((i % 50000)::VARCHAR)) AS subject, make_timestamp(1767225600000000 + i * 1000000) AS time,
          make_timestamp(1767225600000000 + i * 1000000) AS known, 'k-' || i % 40 AS campaign, (i % 100)::BIGINT AS value
          FROM range(${n * rows}, ${(n + 1) * rows}) r(i) ORDER BY subject, time, seq`
        const begun = performance.now()
        await columns.run(parquet(query, full, { rows, ours: true, fieldIds }))
        writing.push(performance.now() - begun)
        const file = { path, rows, bytes: (await stat(full)).size, sha256: await digestOf(full) }
        const began = performance.now()
        await tables.commit(
          table,
          { operation: 'append', columns: COLUMNS, add: [file], summary: { run: 'bench', code: '-', seq: n } },
          by,
        )
        committing.push(performance.now() - began)
      }
      measured.push({
        what: `Iceberg commit of ${whole(rows)} rows, durable on the ledger, median of ${TIMES}`,
        measured: ms(quantile(committing, 0.5)),
        limit: `writing the Parquet file: ${ms(quantile(writing, 0.5))}`,
        goal: '-',
      })
    }
    return measured
  } finally {
    await columns.close()
    await follower.stop()
    await bare.stop()
    await database.drop()
    await site.remove()
  }
}

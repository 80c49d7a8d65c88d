// Iceberg tables: what a commit leaves, on the ledger and on the disk.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { Follower } from '../server/src/record/projection/follower.ts'
import { tableProjection } from '../server/src/record/tables/projection.ts'
import type { TableColumn, TableFile } from '../server/src/record/tables/table.ts'
import { tableName } from '../server/src/record/tables/table.ts'
import { Tables } from '../server/src/record/tables/tables.ts'
import type { TablesOptions } from '../server/src/record/tables/tables.ts'
import { systemClock } from '../server/src/record/time.ts'
import { openColumns, parquet } from '../server/src/store/columns.ts'
import type { Columns } from '../server/src/store/columns.ts'
import { localFiles } from '../server/src/store/files.ts'
import { openTestDatabase } from '../server/src/store/testing.ts'
import type { TestDatabase } from '../server/src/store/testing.ts'
import { Site } from './site.ts'
import type { BareLedger } from './site.ts'

const COLUMNS: TableColumn[] = [
  { name: 'seq', type: 'BIGINT' },
  { name: 'subject', type: 'BLOB' },
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'value', type: 'DECIMAL(18,2)' },
  { name: 'campaign', type: 'VARCHAR' },
]
const BY = { id: 'test' }
const summary = { run: 'test', code: 'fp1:abc', seq: 7 }

interface Desk {
  site: Site
  bare: BareLedger
  database: TestDatabase
  follower: Follower
  columns: Columns
  tables: Tables
  options: TablesOptions
  close(): Promise<void>
}

async function openDesk(more: Partial<TablesOptions> = {}): Promise<Desk> {
  const site = await Site.make()
  const bare = await site.ledger()
  const database = await openTestDatabase()
  const follower = new Follower(bare.ledger, database, [tableProjection])
  await follower.start()
  const columns = await openColumns({ folder: site.data, threads: 2 })
  const options: TablesOptions = {
    ledger: bare.ledger,
    follower,
    database,
    files: localFiles(),
    columns,
    clock: systemClock,
    folder: site.data,
    ...more,
  }
  return {
    site,
    bare,
    database,
    follower,
    columns,
    tables: new Tables(options),
    options,
    async close() {
      await columns.close()
      await follower.stop()
      await bare.stop()
      await database.drop()
      await site.remove()
    },
  }
}

/** A Parquet file with rows `from` to `to - 1`. */
async function rowsFile(
  desk: Desk,
  path: string,
  [from, to]: [number, number],
  fieldIds?: Record<string, number>,
): Promise<TableFile> {
  const full = join(desk.site.data, path)
  await mkdir(dirname(full), { recursive: true })
  const query = `SELECT i::BIGINT AS seq, unhex(lpad(hex(i % 10), 32, '0')) AS subject,
    make_timestamp(1770000000000000 + i * 1000000) AS time, (i / 4.0)::DECIMAL(18,2) AS value,
    'campaign with a long name ' || i % 3 AS campaign FROM range(${from}, ${to}) r(i)`
  await desk.columns.run(parquet(query, full, { rows: to - from, fieldIds }))
  const bytes = await readFile(full)
  return { path, sha256: hash('sha256', bytes), bytes: bytes.length, rows: to - from }
}

suite('a table', () => {
  let desk: Desk
  before(async () => {
    desk = await openDesk()
  })
  after(() => desk.close())
  let table: string
  let n = 0
  beforeEach(() => (table = tableName('events', `clicks${++n}`)))

  test('keeps what was committed when its owner deletes the file, and names the commit on the ledger', async () => {
    const { tables } = desk
    const ids = await tables.fields(table, COLUMNS, BY)
    assert.deepEqual(ids, { seq: 1, subject: 2, time: 3, value: 4, campaign: 5 })
    const file = await rowsFile(desk, `columns/${table}/0.parquet`, [0, 100], ids)
    const { seq, snapshotId } = await tables.commit(
      table,
      { operation: 'append', columns: COLUMNS, add: [file], summary, snapshotId: 41 },
      BY,
    )
    assert.equal(snapshotId, 41n)
    await rm(join(desk.site.data, file.path))
    const [head] = await desk.database.query<{ seq: bigint; metadata: string }>(
      'select seq, metadata from table_head where name = $1',
      [table],
    )
    assert.equal(Number(head!.seq), seq)
    const [kept] = await desk.database.query<{ path: string; sha256: string }>(
      "select path, sha256 from table_file where table_name = $1 and kind = 'data'",
      [table],
    )
    assert.equal(hash('sha256', await readFile(join(desk.site.data, kept!.path))), file.sha256)
    assert.equal((await stat(join(desk.site.data, head!.metadata))).isFile(), true)
  })
})

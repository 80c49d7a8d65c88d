// Iceberg tables: what a commit leaves, on the ledger and on the disk.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { isFault } from '../server/src/fault.ts'
import { Follower } from '../server/src/record/projection/follower.ts'
import { tableProjection } from '../server/src/record/tables/projection.ts'
import type { TableChange, TableColumn, TableFile } from '../server/src/record/tables/table.ts'
import { tableName } from '../server/src/record/tables/table.ts'
import { Tables } from '../server/src/record/tables/tables.ts'
import type { TablesOptions } from '../server/src/record/tables/tables.ts'
import { systemClock } from '../server/src/record/time.ts'
import { openColumns, parquet } from '../server/src/store/columns.ts'
import type { Columns } from '../server/src/store/columns.ts'
import { localFiles, walk } from '../server/src/store/files.ts'
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

  test('two commits at once both count, and an id that is there already changes nothing', async () => {
    const { tables } = desk
    const other = new Tables(desk.options)
    const ids = await tables.fields(table, COLUMNS, BY)
    const files = await Promise.all(
      [0, 1, 2, 3].map((at) => rowsFile(desk, `t/${table}-${at}.parquet`, [at, at + 1], ids)),
    )
    const commit = (desk_: Tables, file: TableFile, snapshotId: number) =>
      desk_.commit(table, { operation: 'append', columns: COLUMNS, add: [file], summary, snapshotId }, BY)
    await Promise.all(files.map((file, at) => commit(at % 2 === 0 ? tables : other, file, at + 1)))
    const { metadata, head } = await tables.get(table)
    assert.deepEqual(
      metadata.snapshots.map((one) => one['snapshot-id']).toSorted((a, b) => Number(a - b)),
      [1n, 2n, 3n, 4n],
    )
    assert.equal(head.rows, 4)
    assert.equal((await commit(tables, files[0]!, 1)).repeated, true)
    assert.equal((await tables.get(table)).head.seq, head.seq)
    assert.deepEqual((await tables.check()).problems, [])
    assert.deepEqual(await tables.sweep(), [], 'what lost its race has left nothing')
  })

  test('a commit that dies, or finds the disk full, at any of its steps is whole or not there', async () => {
    const ids = await desk.tables.fields(table, COLUMNS, BY)
    const files = localFiles()
    let left = 0
    let code = 'EIO'
    const failing = (act: (...args: never[]) => Promise<unknown>) =>
      (async (...args: never[]) => {
        if (left-- === 0) throw Object.assign(new Error(`no more (${code})`), { code })
        return act(...args)
      }) as never
    const broken = {
      ...files,
      replace: failing(files.replace),
      link: failing(files.link),
      syncFolder: failing(files.syncFolder),
      remove: failing(files.remove),
    }
    const fragile = new Tables({ ...desk.options, files: broken })
    let rows = 0
    for (code of ['EIO', 'ENOSPC'])
      for (let step = 0; ; step++) {
        const file = await rowsFile(desk, `t/${table}-${code}${step}.parquet`, [rows, rows + 1], ids)
        left = step
        const wanted = { operation: 'append' as const, columns: COLUMNS, add: [file], summary }
        const done = await fragile.commit(table, wanted, BY).then(
          () => true,
          (error: unknown) => {
            if (code === 'ENOSPC') assert.ok(isFault(error, 'disk_full'), String(error))
            return false
          },
        )
        const untouched = left > 0
        left = -1
        await desk.tables.sweep()
        if (done) rows++
        assert.equal((await desk.tables.get(table)).head.rows, rows, `${code} at step ${step}`)
        assert.deepEqual((await desk.tables.check()).problems, [], `${code} at step ${step}`)
        if (untouched) break
        assert.ok(step < 40, 'a commit has few steps')
      }
  })

  test('what is said of a file must be so', async () => {
    const { tables } = desk
    const ids = await tables.fields(table, COLUMNS, BY)
    const file = await rowsFile(desk, `t/${table}.parquet`, [0, 10], ids)
    const commit = (add: TableFile[], more: Partial<TableChange> = {}) =>
      tables.commit(table, { operation: 'append', columns: COLUMNS, add, summary, ...more }, BY)
    await assert.rejects(commit([{ ...file, rows: 11 }]), (error) => isFault(error, 'invalid'))
    await assert.rejects(commit([{ ...file, path: 't/none.parquet' }]), (error) => isFault(error, 'altered'))
    await assert.rejects(commit([], { remove: [file.sha256] }), (error) => isFault(error, 'conflict'))
    await assert.rejects(commit([{ ...file, partition: ['2026-02-02'] }]), (error) => isFault(error, 'invalid'))
    await assert.rejects(commit([file], { partition: [{ column: 'time', transform: 'day' }] }), (error) =>
      isFault(error, 'conflict'),
    )
    const divided = tableName('predictions', `p${n}`)
    const days = { partition: [{ column: 'time', transform: 'day' as const }] }
    const wanted = (day: string): TableChange => ({
      operation: 'append',
      columns: COLUMNS,
      add: [{ ...file, partition: [day] }],
      summary,
      ...days,
    })
    await assert.rejects(tables.commit(divided, wanted('2026-02-03'), BY), (error) => isFault(error, 'invalid'))
    await tables.commit(divided, wanted('2026-02-02'), BY)
  })

  test('an erasure takes a person out of every snapshot, keeps the ids, and leaves no file that has them', async () => {
    const { columns, site } = desk
    const tables = new Tables(desk.options)
    const ids = await tables.fields(table, COLUMNS, BY)
    const first = await rowsFile(desk, `t/${table}-a.parquet`, [0, 100], ids)
    const second = await rowsFile(desk, `t/${table}-b.parquet`, [100, 120], ids)
    const commit = (add: TableFile[], snapshotId: number, remove: string[] = []) =>
      tables.commit(
        table,
        { operation: remove.length > 0 ? 'overwrite' : 'append', columns: COLUMNS, add, remove, summary, snapshotId },
        BY,
      )
    await commit([first], 1)
    await commit([second], 2)
    await commit([await rowsFile(desk, `t/${table}-c.parquet`, [200, 210], ids)], 3, [first.sha256])
    const subject = '7'.padStart(32, '0')
    assert.deepEqual(
      (await tables.erase(subject, new Map(), BY)).filter((name) => name === table),
      [table],
    )
    const { metadata, head } = await tables.get(table)
    assert.deepEqual(
      metadata.snapshots.map((one) => [one['snapshot-id'], one.summary['total-records']]),
      [
        [1n, '90'],
        [2n, '108'],
        [3n, '27'],
      ],
    )
    assert.equal(head.rows, 27)
    assert.deepEqual(metadata['metadata-log'], [])
    const parquets = (await walk(join(site.data, 'tables', ...table.split('.')))).filter((path) =>
      path.endsWith('.parquet'),
    )
    assert.equal(parquets.length, 3)
    for (const path of parquets) {
      const from = `read_parquet('${join(site.data, 'tables', ...table.split('.'), path)}')`
      const { n: left } = await columns.row<{ n: bigint }>(
        `SELECT count(*) AS n FROM ${from} WHERE lower(hex(subject)) = '${subject}'`,
      )
      assert.equal(left, 0n)
      const numbered = await columns.rows(
        `SELECT name FROM parquet_schema('${join(site.data, 'tables', ...table.split('.'), path)}') WHERE field_id IS NULL AND name <> 'duckdb_schema'`,
      )
      assert.deepEqual(numbered, [])
    }
    assert.deepEqual((await tables.check()).problems, [])
    assert.deepEqual(await tables.erase(subject, new Map(), BY), [], 'a second time nothing is left to do')
    await assert.rejects(commit([first], 4), (error) => isFault(error, 'conflict'))
    assert.deepEqual(await tables.sweep(), [])
  })

  test('what expires is gone with the files that nobody else names', async () => {
    const { tables } = desk
    const ids = await tables.fields(table, COLUMNS, BY)
    for (let at = 1; at <= 3; at++) {
      const file = await rowsFile(desk, `t/${table}-${at}.parquet`, [at, at + 5], ids)
      await tables.commit(
        table,
        { operation: 'overwrite', columns: COLUMNS, add: [file], remove: 'all', summary, snapshotId: at },
        BY,
      )
    }
    assert.deepEqual(await tables.expire(table, [1n, 3n, 9n], BY), [1n], 'the current one stays')
    assert.deepEqual(
      (await tables.get(table)).metadata.snapshots.map((one) => one['snapshot-id']),
      [2n, 3n],
    )
    const there = await walk(join(desk.site.data, 'tables', ...table.split('.')))
    assert.equal(there.filter((path) => path.endsWith('.parquet')).length, 2)
    assert.deepEqual((await tables.check()).problems, [])
    const known = (await tables.snapshots('events')).filter((one) => one.table === table)
    assert.deepEqual(
      known.map(({ id, expired }) => [id, expired]),
      [
        [1n, true],
        [2n, false],
        [3n, false],
      ],
    )
  })

  test('a folder that was moved is written again under its new place, and an altered file is named', async () => {
    const ids = await desk.tables.fields(table, COLUMNS, BY)
    const file = await rowsFile(desk, `t/${table}.parquet`, [0, 9], ids)
    await desk.tables.commit(table, { operation: 'append', columns: COLUMNS, add: [file], summary, snapshotId: 5 }, BY)
    const moved = new Tables({ ...desk.options, location: 'file:///mnt/elsewhere/' })
    assert.deepEqual(await moved.relocate(BY), [])
    const { text, metadata } = await moved.get(table)
    assert.ok(!text.includes(desk.site.data) && text.includes('file:///mnt/elsewhere/tables/'))
    assert.equal(metadata['current-snapshot-id'], 5n)
    assert.deepEqual((await moved.check()).problems, [])
    assert.deepEqual(await desk.tables.relocate(BY), [])

    const list = (await walk(join(desk.site.data, 'tables', ...table.split('.')))).find((path) =>
      path.includes('/snap-'),
    )!
    const path = `tables/${table.replace('.', '/')}/${list}`
    const bytes = await readFile(join(desk.site.data, path))
    await writeFile(join(desk.site.data, path), bytes.fill(0, bytes.length - 40, bytes.length - 30))
    assert.deepEqual(
      (await desk.tables.check()).problems.map((problem) => [problem.path, problem.code]),
      [[path, 'altered']],
    )
    const more = await rowsFile(desk, `t/${table}-2.parquet`, [10, 12], ids)
    await assert.rejects(
      desk.tables.commit(table, { operation: 'append', columns: COLUMNS, add: [more], summary }, BY),
      (error) => isFault(error, 'altered'),
    )
    await rm(join(desk.site.data, path))
    assert.deepEqual(
      (await desk.tables.check()).problems.map((problem) => [problem.path, problem.code]),
      [[path, 'missing']],
    )
  })

  test('after the tables of the database are made again everything is as before', async () => {
    const { tables, follower } = desk
    const before = await tables.list()
    await follower.rebuild()
    assert.deepEqual(await tables.list(), before)
  })

  test('names never meet: what engines cannot take is changed, and told apart', () => {
    const given = ['clicks', 'Clicks', 'clicks.', 'clicks-', 'cl icks', 'ü', '', '1', 'x'.repeat(300), 'x'.repeat(301)]
    const names = given.filter((name) => name !== '').map((name) => tableName('events', name))
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^events\.[a-z][a-z0-9_]{0,99}$/)
    // A name that looks like one that was changed is changed itself.
    const changed = tableName('events', 'Clicks').slice('events.'.length)
    assert.notEqual(tableName('events', changed), tableName('events', 'Clicks'))
  })
})

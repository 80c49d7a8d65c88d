// Rows held in memory against rows asked of DuckDB: the same values, never those of a file as it no longer is.
import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { openColumns, parquet } from '../../store/columns.ts'
import type { Column, Columns } from '../../store/columns.ts'
import { digestOf } from '../../store/files.ts'
import { HeldRows } from './held-rows.ts'
import { valuesOf } from './rows.ts'
import type { DataFile } from './rows.ts'

const columns: Column[] = [
  { name: 'opens', type: 'BIGINT' },
  { name: 'share', type: 'DOUBLE' },
  { name: 'spent', type: 'DECIMAL(18,2)' },
  { name: 'place', type: 'VARCHAR' },
  { name: 'last', type: 'TIMESTAMP' },
  { name: 'day', type: 'DATE' },
  { name: 'regular', type: 'BOOLEAN' },
  { name: 'subject ', type: 'VARCHAR' },
]
const ROWS = 10_000
const subject = (n: number): string => n.toString(16).padStart(32, '0')

const rowsOf = (rows: number, from = 0): string => `SELECT unhex(lpad(hex(n), 32, '0')) AS subject,
  CASE WHEN n % 7 > 0 THEN n - 9007199254740993 END AS opens,
  CASE WHEN n % 5 > 0 THEN n / 3 WHEN n % 2 = 0 THEN 'nan'::DOUBLE END AS share,
  CASE WHEN n % 3 > 0 THEN (n / 100)::DECIMAL(18,2) END AS spent,
  CASE WHEN n % 11 > 0 THEN 'place ' || n % 40 END AS place,
  CASE WHEN n % 13 > 0 THEN make_timestamp(CASE WHEN n % 2 = 0 THEN n * 1000003 ELSE -9223372036854 * 1000000 + n END) END AS last,
  CASE WHEN n % 17 > 0 THEN DATE '2026-01-01' + (n % 365)::INTEGER END AS day,
  CASE WHEN n % 2 = 0 THEN n % 4 = 0 END AS regular,
  'a' AS "subject "
  FROM (SELECT range AS n FROM range(${from}, ${from + rows}))`

suite('held rows', () => {
  let folder: string
  let store: Columns
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whence-held-'))
    store = await openColumns({ folder })
  })
  after(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  const write = async (path: string, query: string, rows: number): Promise<DataFile> => {
    const whole = join(folder, path)
    await store.run(parquet(query, `${whole}.tmp`, { rows }))
    await rename(`${whole}.tmp`, whole)
    return { path, sha256: await digestOf(whole), bytes: 0, rows }
  }
  const ordered = (rows: number, from = 0): string => `${rowsOf(rows, from)} ORDER BY 1`
  const asked = [0, 1, 2, 35, 77, 2048, 4095, 5005, ROWS - 1, ROWS, ROWS + 7].map(subject)

  /** What is held after it was asked for twice and read in. */
  const warmed = async (file: DataFile, limit?: number): Promise<HeldRows> => {
    const held = new HeldRows({ place: { columns: store, folder }, ...(limit === undefined ? {} : { limit }) })
    for (let i = 0; i < 2; i++) await held.values(columns, file, [subject(0)])
    await held.settled()
    return held
  }

  test('are what DuckDB reads, in every type, also for nobody and for several at once', async () => {
    const file = await write('types.parquet', ordered(ROWS), ROWS)
    const held = await warmed(file)
    assert.ok(held.bytes > 0)
    const place = { columns: store, folder }
    assert.deepEqual(await held.values(columns, file, asked), await valuesOf(place, columns, file.path, asked))
    for (const one of asked)
      assert.deepEqual(await held.values(columns, file, [one]), await valuesOf(place, columns, file.path, [one]))
    assert.deepEqual(await held.values(columns, file, []), new Map())
    assert.deepEqual((await held.values(columns, file, ['', 'ff', 'no hex at all'])).size, 0)
  })

  test('asked once, a file is not read in', async () => {
    const file = await write('once.parquet', ordered(10), 10)
    const held = new HeldRows({ place: { columns: store, folder } })
    await held.values(columns, file, [subject(1)])
    await held.settled()
    assert.equal(held.bytes, 0)
  })

  test('a file that was written again is read anew, and one that is gone is told of', async () => {
    const file = await write('again.parquet', ordered(100), 100)
    const held = await warmed(file)
    assert.equal((await held.values(columns, file, [subject(50)])).size, 1)
    const less = await write(
      'again.parquet',
      `SELECT * FROM (${rowsOf(100)}) WHERE opens <> 50 - 9007199254740993 ORDER BY 1`,
      99,
    )
    assert.equal((await held.values(columns, less, [subject(50)])).size, 0)
    await writeFile(join(folder, file.path), 'no Parquet')
    await assert.rejects(held.values(columns, less, [subject(51)]))
    await rm(join(folder, file.path))
    await assert.rejects(held.values(columns, less, [subject(51)]))
  })

  test('what is let go while it is read in is not kept', async () => {
    const file = await write('gone.parquet', ordered(ROWS), ROWS)
    const held = new HeldRows({ place: { columns: store, folder } })
    for (let i = 0; i < 2; i++) await held.values(columns, file, [subject(0)])
    held.forget()
    await held.settled()
    assert.equal(held.bytes, 0)
    for (let i = 0; i < 2; i++) await held.values(columns, file, [subject(0)])
    await held.settled()
    assert.ok(held.bytes > 0)
    held.forget()
    assert.equal(held.bytes, 0)
  })

  test('takes no more memory than it may: the file not used for longest goes', async () => {
    const files = await Promise.all([1, 2, 3].map((n) => write(`small-${n}.parquet`, ordered(1000), 1000)))
    const held = await warmed(files[0]!, 250_000)
    for (const file of [files[1]!, files[0]!, files[2]!]) {
      for (let i = 0; i < 2; i++) await held.values(columns, file, [subject(0)])
      await held.settled()
      assert.ok(held.bytes <= 250_000)
    }
    assert.ok(held.bytes > 0)
    const large = await write('large.parquet', ordered(ROWS), ROWS)
    assert.equal((await warmed(large, 250_000)).bytes, 0)
  })

  test('a file that is not in the order of its subjects, or has other rows than are on record, is not held', async () => {
    const disordered = await write('disordered.parquet', `${rowsOf(10)} ORDER BY 1 DESC`, 10)
    const doubled = await write('doubled.parquet', `(${rowsOf(10)}) UNION ALL (${rowsOf(10)}) ORDER BY 1`, 20)
    const fewer = await write('fewer.parquet', ordered(10), 10)
    for (const file of [disordered, doubled, { ...fewer, rows: 9 }, { ...fewer, rows: 11 }]) {
      const held = await warmed(file)
      assert.equal(held.bytes, 0, file.path)
      assert.equal((await held.values(columns, file, [subject(3)])).size, 1)
    }
  })
})

// Files of computed rows (feature snapshots, training sets): an ordered Parquet file, and beside it the list of its rows'
// hashes. After an erasure a row is gone from the file while its hash stays in the list, so that all other rows can
// still be shown to be the ones that were written. A hash reveals nothing: it covers the subject's id, 128 random bits
// that are gone with the row.
//
//   features/<view>/<name>-0.parquet   the rows
//   features/<view>/<name>-0.rows      32 bytes for each row as written, in its order
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, readdir, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Column, Columns, Plain, Session } from '../../store/columns.ts'
import { identifier, parquet, quote } from '../../store/columns.ts'
import { fieldIdsIn } from '../../record/tables/statistics.ts'
import { rowHashes, rowText, strangers } from '../../record/tables/row-hashes.ts'

import { digestOf, settle } from '../../store/files.ts'
import type { Rewritten } from './column-file.ts'
import { subjectLiteral } from './events.ts'

/** A file whose digest is on the ledger. */
export interface DataFile {
  /** Below the data folder. */
  path: string
  sha256: string
  bytes: number
  rows: number
}

export interface RowFiles {
  rows: number
  files: DataFile[]
  /** SHA-256 over the row hashes of all files, in their order. */
  rowsDigest: string
}

/** Where files are written and read. */
export interface Place {
  columns: Columns
  /** The data folder. */
  folder: string
}

/** A value of a feature: as `Plain` in store/columns.ts says (int64 bigint, decimal text, timestamp micros). */
export type Value = Exclude<Plain, Buffer | Plain[]>

/**
 * Writes the rows of a query in an order that must be total; equal rows give equal bytes. `at` in `columns` may be any
 * columns of the query, `subject` among them. `fieldIds` are the numbers of the columns in the table that the file goes to.
 */
export async function writeRows(
  place: Place,
  session: Session,
  query: string,
  columns: readonly Column[],
  order: string,
  name: string,
  fieldIds?: Readonly<Record<string, number>>,
): Promise<RowFiles> {
  const path = `${name}-0.parquet`
  const full = join(place.folder, path)
  await mkdir(dirname(full), { recursive: true })
  try {
    return await writeDraft(session, query, columns, { order, path, full, fieldIds })
  } catch (error) {
    // They hold people's values, and no record names them.
    for (const each of [full, sidecar(full)]) for (const path of [each, `${each}.tmp`]) await rm(path, { force: true })
    throw error
  }
}

async function writeDraft(
  session: Session,
  query: string,
  columns: readonly Column[],
  {
    order,
    path,
    full,
    fieldIds,
  }: { order: string; path: string; full: string; fieldIds: Readonly<Record<string, number>> | undefined },
): Promise<RowFiles> {
  const selected = ['subject', ...columns.map((column) => identifier(column.name))].join(', ')
  await session.run(`CREATE OR REPLACE TEMP TABLE made AS SELECT ${selected} FROM (${query}) ORDER BY ${order}`)
  const { rows } = await session.row<{ rows: bigint }>('SELECT count(*) AS rows FROM made')
  await session.run(parquet('FROM made', `${full}.tmp`, { rows: Number(rows), fieldIds }))
  const hashes = await rowHashes(session, 'made', 'rowid', columns)
  await session.run('DROP TABLE made')

  const sha256 = await digestOf(`${full}.tmp`)
  const { size } = await stat(`${full}.tmp`)
  const list = sidecar(full)
  const handle = await open(`${list}.tmp`, 'w')
  try {
    await handle.writeFile(hashes)
  } finally {
    await handle.close()
  }
  await settle(`${list}.tmp`, list)
  await settle(`${full}.tmp`, full)
  return {
    rows: Number(rows),
    files: [{ path, sha256, bytes: size, rows: Number(rows) }],
    rowsDigest: createHash('sha256').update(hashes).digest('hex'),
  }
}

/** Deletes files of rows with their lists. */
export async function removeFiles(folder: string, files: readonly { path: string }[]): Promise<void> {
  for (const { path } of files) {
    const full = join(folder, path)
    await rm(full, { force: true })
    await rm(sidecar(full), { force: true })
  }
}

/** The list of row hashes beside a file. */
export function sidecar(path: string): string {
  return path.replace(/\.parquet$/, '.rows')
}

function readFileRows(place: Place, path: string): string {
  return `read_parquet(${quote(join(place.folder, path))}, file_row_number = true)`
}

export interface RowProblem {
  path: string
  /** altered: other bytes, or a row that was not written; missing: the file or its list is gone. */
  problem: 'altered' | 'missing'
  sentence: string
}

export interface RowCheck {
  problems: RowProblem[]
  /** Rows that were written, and those of them that have been removed since. */
  rows: number
  removed: number
}

/**
 * Computes the digests of files again. `recorded` is what the ledger has of them; `now` lists the files as later records
 * left them (the same unless something was erased). Every row that is there must be one of those written, in their
 * order; how many are gone must be what the records say.
 */
export async function checkRows(
  place: Place,
  columns: readonly Column[],
  recorded: RowFiles,
  now: readonly DataFile[] = recorded.files,
): Promise<RowCheck> {
  const problems: RowProblem[] = []
  const lists: Buffer[] = []
  let removed = 0
  for (const file of now) {
    const full = join(place.folder, file.path)
    const problem = (kind: RowProblem['problem'], sentence: string): void => {
      problems.push({ path: file.path, problem: kind, sentence })
    }
    const list = await readFile(sidecar(full)).catch(() => undefined)
    if (!list) {
      problem('missing', `The list of row hashes beside ${file.path} is gone.`)
      continue
    }
    lists.push(list)
    const digest = await digestOf(full).catch(() => undefined)
    if (digest === undefined) {
      problem('missing', `${file.path} is gone.`)
      continue
    }
    if (digest !== file.sha256) problem('altered', `${file.path} is altered: its digest is not the one recorded.`)
    try {
      const found = await hashesIn(place, file.path, columns)
      const strange = strangers(list, found)
      for (const index of strange.slice(0, 10)) {
        problem('altered', `Row ${index + 1} of ${file.path} is not one that was written there.`)
      }
      if (strange.length > 10)
        problem('altered', `${strange.length - 10} more rows of ${file.path} were not written there.`)
      const gone = list.length / 32 - (found.length / 32 - strange.length)
      const original = recorded.files.find(({ path }) => path === file.path)?.rows ?? list.length / 32
      if (gone !== original - file.rows) {
        problem('altered', `${file.path} lacks ${gone} rows; ${original - file.rows} were removed by record.`)
      }
      removed += gone
    } catch (error) {
      problem('altered', `${file.path} cannot be read: ${(error as Error).message}`)
    }
  }
  const digest = createHash('sha256').update(Buffer.concat(lists)).digest('hex')
  if (lists.length === now.length && digest !== recorded.rowsDigest) {
    const [first] = now
    problems.push({
      path: sidecar(first?.path ?? ''),
      problem: 'altered',
      sentence: 'The list of row hashes is altered: its digest is not the one recorded.',
    })
  }
  return { problems, rows: recorded.rows, removed }
}

async function hashesIn(place: Place, path: string, columns: readonly Column[]): Promise<Buffer> {
  return place.columns.session((session) => rowHashes(session, readFileRows(place, path), 'file_row_number', columns))
}

/**
 * Writes a file again without a subject's rows, under its name; undefined when it has none. `file` is the file as last
 * recorded. A call that was cut off before its record was written may be made again: it then reports what was done.
 */
export async function removeRows(
  place: Place,
  columns: readonly Column[],
  file: DataFile,
  subject: string,
): Promise<(Rewritten & { file: DataFile }) | undefined> {
  const literal = subjectLiteral(subject)
  const full = join(place.folder, file.path)
  await rm(`${full}.tmp`, { force: true })
  const before = await digestOf(full)
  const result = (after: string, bytes: number, rows: number): Rewritten & { file: DataFile } => ({
    path: file.path,
    now: file.path,
    before: file.sha256,
    after,
    removed: file.rows - rows,
    file: { path: file.path, sha256: after, bytes, rows },
  })
  if (before !== file.sha256) {
    const found = await hashesIn(place, file.path, columns)
    const list = await readFile(sidecar(full))
    const { size } = await stat(full)
    const there = await place.columns.row<{ count: bigint }>(
      `SELECT count(*) AS count FROM read_parquet(${quote(full)}) WHERE subject = ${literal}`,
    )
    if (strangers(list, found).length > 0 || there.count > 0n) {
      throw new Fault('altered', `${file.path} is altered: its digest is not the one recorded.`)
    }
    return result(before, size, found.length / 32)
  }
  return place.columns.session(async (session) => {
    const { rest, all } = await session.row<{ rest: bigint; all: bigint }>(
      `SELECT count(*) FILTER (WHERE subject <> ${literal}) AS rest, count(*) AS all FROM read_parquet(${quote(full)})`,
    )
    if (rest === all) return undefined
    const others = `FROM ${readFileRows(place, file.path)} WHERE subject <> ${literal} ORDER BY file_row_number`
    const fieldIds = await fieldIdsIn(session, full)
    await session.run(
      parquet(`SELECT * EXCLUDE (file_row_number) ${others}`, `${full}.tmp`, { rows: file.rows, fieldIds }),
    )
    const after = await digestOf(`${full}.tmp`)
    const { size } = await stat(`${full}.tmp`)
    // DuckDB remembers a file's content by its path and the second of its last change: it must not take one for the other.
    const { mtimeMs } = await stat(full)
    await utimes(`${full}.tmp`, new Date(), new Date(Math.max(Date.now(), mtimeMs + 2000)))
    await settle(`${full}.tmp`, full)
    return result(after, size, Number(rest))
  })
}

/**
 * Deletes what no record names below `features` and `training`: drafts, and files whose record was never written. They
 * hold people's values, and no erasure would find them. `recorded` are the paths of all files on the ledger; nothing may
 * be written meanwhile. Returns the paths deleted.
 */
export async function sweepRows(place: Pick<Place, 'folder'>, recorded: Iterable<string>): Promise<string[]> {
  const kept = new Set([...recorded].flatMap((path) => [path, sidecar(path)]))
  const swept: string[] = []
  for (const top of ['features', 'training']) {
    const entries = await readdir(join(place.folder, top), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const full = join(entry.parentPath, entry.name)
      const path = relative(place.folder, full).replaceAll(sep, '/')
      if (!entry.isFile() || kept.has(path)) continue
      await rm(full)
      swept.push(path)
    }
  }
  return swept.toSorted()
}

export interface StoredRow {
  subject: string
  values: Record<string, Value>
  /** SHA-256 of the row, in hex: one of those in the list beside the file. */
  hash: string
}

/** The row of a subject in a file, or undefined. */
export async function rowOf(
  place: Place,
  columns: readonly Column[],
  path: string,
  subject: string,
): Promise<StoredRow | undefined> {
  const [row] = await readRows(place, columns, path, `WHERE subject = ${subjectLiteral(subject)}`)
  return row
}

/**
 * The values of subjects in a file. Neither order nor hashes are asked for: they cost more than finding the rows, and the
 * file is held against its record as a whole.
 */
export async function valuesOf(
  place: Place,
  columns: readonly Column[],
  path: string,
  subjects: readonly string[],
): Promise<Map<string, StoredRow['values']>> {
  const literals = subjects.map(subjectLiteral)
  const where = literals.length === 1 ? `subject = ${literals[0]}` : `subject IN (${literals.join(', ')})`
  const rows = await place.columns.rows<Record<string, Value>>(
    `SELECT lower(hex(subject)) AS subject, ${selectedOf(columns)}
     FROM read_parquet(${quote(join(place.folder, path))}) WHERE ${where}`,
  )
  return new Map(rows.map((row) => [row['subject'] as string, valuesIn(row, columns)]))
}

/** Some rows of a file in its order. */
export function rowsOf(
  place: Place,
  columns: readonly Column[],
  path: string,
  { offset = 0, limit = 100 }: { offset?: number; limit?: number } = {},
): Promise<StoredRow[]> {
  if (![offset, limit].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new Fault('invalid', 'offset and limit are whole numbers.')
  }
  return readRows(place, columns, path, `WHERE file_row_number >= ${offset} AND file_row_number < ${offset + limit}`)
}

async function readRows(place: Place, columns: readonly Column[], path: string, where: string): Promise<StoredRow[]> {
  const rows = await place.columns.rows<Record<string, Value>>(
    `SELECT lower(hex(subject)) AS subject, sha256(${rowText(columns)}) AS hash, ${selectedOf(columns)}
     FROM ${readFileRows(place, path)} ${where} ORDER BY file_row_number`,
  )
  return rows.map((row) => ({
    subject: row['subject'] as string,
    hash: row['hash'] as string,
    values: valuesIn(row, columns),
  }))
}

/** Columns under names of ours: a feature may be called as something else in the row is. */
function selectedOf(columns: readonly Column[]): string {
  return columns.map(({ name }, index) => `${identifier(name)} AS v${index}`).join(', ')
}

function valuesIn(row: Readonly<Record<string, Value>>, columns: readonly Column[]): StoredRow['values'] {
  return Object.fromEntries(columns.map(({ name }, index) => [name, row[`v${index}`]!]))
}

/** Whether the list beside a file has a row's hash. */
export async function isListed(place: Place, path: string, hash: string): Promise<boolean> {
  const list = await readFile(sidecar(join(place.folder, path)))
  const wanted = Buffer.from(hash, 'hex')
  for (let at = list.indexOf(wanted); at >= 0; at = list.indexOf(wanted, at + 1)) if (at % 32 === 0) return true
  return false
}

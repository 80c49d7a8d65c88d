// The files of a batch, below the data folder:
//
//   predictions/<name>.parquet   the rows that are there, ordered by subject and id; an erasure takes rows out
//   predictions/<name>.tree      the tree over all rows as they were written (row-tree.ts); never changes
//   predictions/<name>.ids       for each row its id digest (16 bytes) and its number (4), ordered by digest; never changes
//
// All three are settled before the batch's record is written, and none counts without it.
import { HASH_BYTES } from '@whence/ledger'
import { createHash } from 'node:crypto'
import { mkdir, open, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Columns, Session } from '../../../store/columns.ts'
import { parquet, quote } from '../../../store/columns.ts'
import { digestOf, settle } from '../../../store/files.ts'
import type { DataFile } from '../../features/rows.ts'
import { draftColumns } from './incoming.ts'
import type { Refusal } from './incoming.ts'
import { rowColumns, storedRow } from './row.ts'
import type { StoredRow } from './row.ts'
import { treeFile } from './row-tree.ts'

export const FOLDER = 'predictions'
/** Lines of lists that DuckDB gives at once. */
const AT_ONCE = 4_096

export interface Place {
  readonly columns: Columns
  /** The data folder. */
  readonly folder: string
}

export interface BatchFiles {
  rows: number
  root: Uint8Array
  /** Parquet, tree and index, in this order. */
  files: [DataFile, DataFile, DataFile]
  /** Micros of the first and the last row. */
  from: number
  to: number
  tiers: Record<string, number>
}

/** What of a draft does not go into a batch. */
export interface LeftOut {
  /** Rows that say again what another says. */
  duplicate: number
  refused: { refusal: Refusal; rows: number }[]
}

/** The rows of a draft in their order, each once. The tables live as long as the session. */
export class SortedDraft {
  readonly #session: Session

  private constructor(session: Session) {
    this.#session = session
  }

  /** `gone` are subjects that were erased since their rows were drafted. */
  static async read(
    session: Session,
    path: string,
    gone: readonly string[],
  ): Promise<{ sorted: SortedDraft; leftOut: LeftOut }> {
    const shape = Object.entries(draftColumns)
      .map(([name, type]) => `'${name}': '${type}'`)
      .join(', ')
    await session.run(
      `CREATE OR REPLACE TEMP TABLE draft AS
       SELECT * FROM read_json(${quote(path)}, format = 'newline_delimited', columns = {${shape}}, maximum_object_size = 1048576)`,
    )
    const leftOut: LeftOut = { duplicate: 0, refused: [] }
    const refuse = (rows: number, line: number, code: Refusal['code'], message: string): void => {
      leftOut.refused.push({ rows, refusal: { line, code, message } })
    }
    for (const subject of gone) {
      const { rows, line } = await session.row<{ rows: bigint; line: bigint | null }>(
        'SELECT count(*) AS rows, min(line) AS line FROM draft WHERE subject = $1',
        [subject],
      )
      if (rows === 0n) continue
      await session.run('DELETE FROM draft WHERE subject = $1', [subject])
      refuse(Number(rows), Number(line), 'erased', 'this person was erased; nothing more is recorded about them')
    }
    await session.run(
      `CREATE OR REPLACE TEMP TABLE repeated AS
       SELECT id, count(*) AS rows, count(DISTINCT hash) AS contents, min(line) AS first, max(line) AS last
       FROM draft GROUP BY id HAVING count(*) > 1`,
    )
    const repeated = await session.rows<{ rows: bigint; contents: bigint; first: bigint; last: bigint }>(
      'SELECT rows, contents, first, last FROM repeated ORDER BY first',
    )
    for (const { rows, contents, first, last } of repeated) {
      if (contents === 1n) leftOut.duplicate += Number(rows) - 1
      else
        refuse(
          Number(rows),
          Number(last),
          'conflict',
          `its id also stands at line ${first} with other content: which of them holds cannot be known`,
        )
    }
    if (repeated.length > 0)
      await session.run(
        `DELETE FROM draft USING repeated WHERE draft.id = repeated.id AND (contents > 1 OR draft.line <> repeated.first)`,
      )
    await session.run(
      `CREATE OR REPLACE TEMP TABLE made AS SELECT * FROM draft ORDER BY subject, id; DROP TABLE draft; DROP TABLE repeated`,
    )
    return { sorted: new SortedDraft(session), leftOut }
  }

  async count(): Promise<number> {
    const { rows } = await this.#session.row<{ rows: bigint }>('SELECT count(*) AS rows FROM made')
    return Number(rows)
  }

  /** The rows of the consequential tier, in order. */
  consequential(): Promise<{ id: string; subject: string }[]> {
    return this.#session.rows("SELECT id, subject FROM made WHERE tier = 'consequential' ORDER BY rowid")
  }

  /** The leaf hashes in order. */
  leaves(): Promise<Buffer> {
    return hexList(this.#session, 'made', 'hash', 'rowid')
  }

  /**
   * Writes the three files under their names. `kept` holds sealed contributors by id digest (hex); it must not ask this
   * session while it is read.
   */
  async write(
    folder: string,
    name: string,
    kept: AsyncIterable<readonly { id: string; contributors: Buffer }[]>,
  ): Promise<BatchFiles> {
    const session = this.#session
    const rows = await this.count()
    const path = (ending: string): string => join(folder, `${name}.${ending}`)
    await mkdir(dirname(path('parquet')), { recursive: true })
    await session.load(
      'kept',
      [
        { name: 'id', type: 'VARCHAR', of: (row: { id: string }) => row.id },
        { name: 'contributors', type: 'BLOB', of: (row: { contributors: Buffer }) => row.contributors },
      ],
      kept,
    )
    await session.run(
      parquet(
        `SELECT ${rowColumns.map(({ name }) => `${selects[name] ?? `made."${name}"`} AS "${name}"`).join(', ')}
         FROM made LEFT JOIN kept ON kept.id = made.id ORDER BY made.rowid`,
        `${path('parquet')}.tmp`,
        { rows },
      ),
    )
    const leaves = await this.leaves()
    const tree = treeFile(leaves)
    const index = await hexList(session, 'made', "id || printf('%08x', rowid)", 'id')
    const { first, last } = await session.row<{ first: bigint; last: bigint }>(
      'SELECT min("at") AS first, max("at") AS last FROM made',
    )
    const tiers = await session.rows<{ tier: string; rows: bigint }>(
      'SELECT tier, count(*) AS rows FROM made GROUP BY tier ORDER BY tier',
    )
    await writeBytes(`${path('tree')}.tmp`, tree.bytes)
    await writeBytes(`${path('ids')}.tmp`, index)
    const files: DataFile[] = []
    for (const ending of ['parquet', 'tree', 'ids']) {
      const sha256 = await digestOf(`${path(ending)}.tmp`)
      const { size } = await stat(`${path(ending)}.tmp`)
      files.push({ path: `${name}.${ending}`, sha256, bytes: size, rows })
      await settle(`${path(ending)}.tmp`, path(ending))
    }
    return {
      rows,
      root: tree.root,
      files: files as BatchFiles['files'],
      from: Number(first),
      to: Number(last),
      tiers: Object.fromEntries(tiers.map(({ tier, rows }) => [tier, Number(rows)])),
    }
  }
}

/** How the columns of a file follow from those of a draft, where they differ. */
const selects: Partial<Record<string, string>> = {
  leaf: 'made.rowid',
  subject: 'unhex(made.subject)',
  id: 'unhex(made.id)',
  at: 'make_timestamp(made."at")',
  withheld: 'unhex(made.withheld)',
  sealed_id: 'unhex(made.sealed)',
  contributors: 'kept.contributors',
}

/** Deletes what an attempt has left of a batch's files. */
export async function discardFiles(folder: string, name: string): Promise<void> {
  for (const ending of ['parquet', 'tree', 'ids'])
    for (const draft of ['', '.tmp']) await rm(join(folder, `${name}.${ending}${draft}`), { force: true })
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(bytes)
  } finally {
    await handle.close()
  }
}

/** Values of a table in hex, as bytes, in an order. */
async function hexList(session: Session, table: string, value: string, order: string): Promise<Buffer> {
  const lists = await session.rows<{ list: string }>(
    `SELECT string_agg(value, '' ORDER BY n) AS list
     FROM (SELECT ${value} AS value, row_number() OVER (ORDER BY ${order}) - 1 AS n FROM ${table})
     GROUP BY n // ${AT_ONCE} ORDER BY n // ${AT_ONCE}`,
  )
  return Buffer.concat(lists.map(({ list }) => Buffer.from(list, 'hex')))
}

const selected = rowColumns.map(({ name }) => `"${name}"`).join(', ')

/** Rows of a batch's file, in its order. `which` is SQL that follows FROM, over `rowColumns`. */
export async function readRows({ columns, folder }: Place, path: string, which: string): Promise<StoredRow[]> {
  const found = await columns.rows(
    `SELECT * FROM (SELECT ${selected} FROM read_parquet(${quote(join(folder, path))}) ${which}) ORDER BY leaf`,
  )
  return found.map(storedRow)
}

/** The last rows that meet conditions, the file's place in `paths` first: the first files, and in each the last rows. */
export async function newestRows(
  { columns, folder }: Place,
  paths: readonly string[],
  conditions: readonly string[],
  limit: number,
): Promise<{ file: number; stored: StoredRow }[]> {
  const files = filesOf({ folder }, paths)
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const found = await columns.rows(
    `SELECT ${selected}, list_position(${files}, filename) - 1 AS file
     FROM read_parquet(${files}, filename = true) ${where} ORDER BY file, leaf DESC LIMIT ${limit}`,
  )
  return found.map(({ file, ...cells }) => ({ file: Number(file), stored: storedRow(cells) }))
}

/** Files of batches as SQL: a list of paths. */
export function filesOf({ folder }: Pick<Place, 'folder'>, paths: readonly string[]): string {
  return `[${paths.map((path) => quote(join(folder, path))).join(', ')}]`
}

/** Whether what is counted of a file can be read to its end. */
export async function readable({ columns, folder }: Place, path: string): Promise<boolean> {
  const file = `read_parquet(${quote(join(folder, path))})`
  const counted = ['subject', 'at', 'campaign', 'creative'].map((name) => `max("${name}")`)
  try {
    await columns.rows(`SELECT ${counted.join(', ')} FROM ${file}`)
    return true
  } catch {
    return false
  }
}

/** All rows of a batch's file, page by page, each with its number in the file as it is now. */
export async function* allRows(
  { columns, folder }: Place,
  path: string,
  page = 8_192,
): AsyncGenerator<{ at: number; read(): StoredRow }[]> {
  const file = `read_parquet(${quote(join(folder, path))}, file_row_number = true)`
  const { rows } = await columns.row<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${file}`)
  for (let from = 0; from < Number(rows); from += page) {
    const found = await columns.rows(
      `SELECT ${selected} FROM ${file} WHERE file_row_number >= ${from} AND file_row_number < ${from + page}
       ORDER BY file_row_number`,
    )
    yield found.map((cells, i) => ({ at: from + i, read: () => storedRow(cells) }))
  }
}

export function rowSubjects(
  { columns, folder }: Place,
  path: string,
  from: number,
  to: number,
): Promise<{ leaf: bigint; subject: string; at: number }[]> {
  return columns.rows(
    `SELECT leaf, lower(hex(subject)) AS subject, "at" FROM read_parquet(${quote(join(folder, path))})
     WHERE leaf >= ${from} AND leaf < ${to}`,
  )
}

export async function countRows({ columns, folder }: Place, path: string, where = ''): Promise<number> {
  const { rows } = await columns.row<{ rows: bigint }>(
    `SELECT count(*) AS rows FROM read_parquet(${quote(join(folder, path))}) ${where}`,
  )
  return Number(rows)
}

/** Writes a batch's file again without a subject's rows, under its name. */
export async function writeWithout(
  { columns, folder }: Place,
  file: DataFile,
  subject: string,
): Promise<{ file: DataFile; removed: number }> {
  const full = join(folder, file.path)
  await rm(`${full}.tmp`, { force: true })
  const others = `FROM read_parquet(${quote(full)}) WHERE subject <> unhex(${quote(subject)}) ORDER BY leaf`
  await columns.run(parquet(`SELECT ${selected} ${others}`, `${full}.tmp`, { rows: file.rows }))
  const sha256 = await digestOf(`${full}.tmp`)
  const rows = await countRows({ columns, folder }, `${file.path}.tmp`)
  const { size } = await stat(`${full}.tmp`)
  // DuckDB remembers a file's content by its path and the second of its last change: it must not take one for the other.
  const { mtimeMs } = await stat(full)
  await utimes(`${full}.tmp`, new Date(), new Date(Math.max(Date.now(), mtimeMs + 2000)))
  await settle(`${full}.tmp`, full)
  return { file: { path: file.path, sha256, bytes: size, rows }, removed: file.rows - rows }
}

/** SHA-256 of the leaves in a tree's bytes, and whether the tree's other nodes follow from them. */
export function treeFlaw(bytes: Uint8Array, rows: number, root: string): string | undefined {
  if (bytes.length < rows * HASH_BYTES) return 'it is cut off'
  const again = treeFile(bytes.subarray(0, rows * HASH_BYTES))
  if (Buffer.from(again.root).toString('hex') !== root) return 'its leaves do not give the root on record'
  if (!Buffer.from(again.bytes).equals(bytes)) return 'its nodes do not follow from its leaves'
  return undefined
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

// Erasure from a table: every file that holds the person, in whatever snapshot, is written again under another name, and
// the manifests of those snapshots too. The snapshots keep their ids. Nothing but an erasure does this.
import { randomUUID } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Columns } from '../../store/columns.ts'
import { parquet, quote } from '../../store/columns.ts'
import { digestOf, settle } from '../../store/files.ts'
import { rewrite } from '../../store/iceberg/change.ts'
import { currentSchema } from '../../store/iceberg/metadata.ts'
import type { DataFile } from '../../store/iceberg/manifest.ts'
import type { Next, State, TableBook } from './book.ts'
import { fieldIdsIn, statisticsOf } from './statistics.ts'
import type { KeptFile, TableRecord } from './table.ts'

/** A file that was written again already, by its digest before: its owner's copy, to be shared instead of written twice. */
export type Copies = ReadonlyMap<string, { path: string; sha256: string }>

/** A subject's id as an SQL constant. */
export function subjectLiteral(subject: string): string {
  if (!/^[0-9a-f]{32}$/.test(subject)) throw new Fault('invalid', `"${subject}" is no subject id (32 hex digits).`)
  return `'${subject.replace(/../g, '\\x$&')}'::BLOB`
}

interface WrittenAgain {
  before: KeptFile
  after: KeptFile & { from: string }
  file: DataFile
}

/** The table without a subject's rows; undefined when it has none. A file that is gone holds nobody. */
export async function withoutSubject(
  { book, columns }: { book: TableBook; columns: Columns },
  name: string,
  state: State,
  { subject, copies, token }: { subject: string; copies: Copies; token: string },
): Promise<Next | undefined> {
  if (!state.head?.schema.fields.some((field) => field.name === 'subject')) return undefined
  const again: WrittenAgain[] = []
  for (const file of state.files.values()) {
    if (file.kind !== 'data' || file.rows === 0) continue
    const there = await stat(join(book.folder, file.path)).catch(() => undefined)
    if (!there) continue
    const rows = await rowsOf(columns, join(book.folder, file.path), subject)
    if (rows === 0) continue
    again.push(await writeAgain({ book, columns }, state, file, { subject, rows, copies }))
  }
  if (again.length === 0) return undefined
  const metadata = state.metadata()!
  const byPath = new Map(again.map(({ before, file }) => [before.path, file]))
  const now = (file: DataFile): DataFile => {
    const found = byPath.get(book.pathOf(name, file.location))
    return found ? { ...found, partition: file.partition } : file
  }
  const made = rewrite(metadata, now, { location: metadata.location, token }, state.read)
  const current = made.metadata.snapshots.find((one) => one['snapshot-id'] === made.metadata['current-snapshot-id'])
  return {
    operation: 'erase',
    metadata: made.metadata,
    prepared: made.prepared,
    links: again.map(({ after }) => after),
    replaced: again.map(({ before, after }): TableRecord['replaced'][number] => ({
      path: before.path,
      sha256: before.sha256,
      now: after.path,
      removed: before.rows! - after.rows!,
    })),
    dropped: book.unnamed(name, state, made.metadata, made.prepared),
    rows: Number(current?.summary['total-records'] ?? 0),
    // Earlier metadata names what is gone, and its bounds may be somebody's values.
    forgetting: true,
  }
}

async function rowsOf(columns: Columns, path: string, subject: string): Promise<number> {
  try {
    const { n } = await columns.row<{ n: bigint }>(
      `SELECT count(*) AS n FROM read_parquet(${quote(path)}) WHERE subject = ${subjectLiteral(subject)}`,
    )
    return Number(n)
  } catch (cause) {
    throw new Fault('altered', `${path} cannot be read, so that nobody can be erased from it`, { cause })
  }
}

async function writeAgain(
  { book, columns }: { book: TableBook; columns: Columns },
  state: State,
  file: KeptFile,
  { subject, rows, copies }: { subject: string; rows: number; copies: Copies },
): Promise<WrittenAgain> {
  const folder = file.path.slice(0, file.path.lastIndexOf('/'))
  const path = `${folder}/${randomUUID()}.parquet`
  const copy = copies.get(file.sha256)
  const shared = copy && (await digestOf(join(book.folder, copy.path)).catch(() => undefined)) === copy.sha256
  const from = shared ? copy.path : await writeWithout({ book, columns }, file, subject)
  const full = join(book.folder, from)
  const { size } = await stat(full)
  const { columns: known, rows: left } = await statisticsOf(columns, full, currentSchema(state.metadata()!))
  if (left !== file.rows! - rows)
    throw new Fault('internal', `${from} was to have ${file.rows! - rows} rows without them, and has ${left}`)
  const after: WrittenAgain['after'] = {
    ...file,
    path,
    sha256: shared ? copy.sha256 : await digestOf(full),
    bytes: size,
    rows: left,
    from,
  }
  return {
    before: file,
    after,
    file: { location: book.locate(path), rows: left, bytes: size, partition: [], columns: known },
  }
}

/** Writes a file without a subject, in its order, beside it; the path below the data folder. */
async function writeWithout(
  { book, columns }: { book: TableBook; columns: Columns },
  file: KeptFile,
  subject: string,
): Promise<string> {
  const path = `${file.path.slice(0, file.path.lastIndexOf('/'))}/${randomUUID()}.draft`
  const full = join(book.folder, path)
  const from = `read_parquet(${quote(join(book.folder, file.path))}, file_row_number = true)`
  try {
    await columns.session(async (session) => {
      const fieldIds = await fieldIdsIn(session, join(book.folder, file.path))
      const rest = `SELECT * EXCLUDE (file_row_number) FROM ${from} WHERE subject <> ${subjectLiteral(subject)} ORDER BY file_row_number`
      await session.run(parquet(rest, `${full}.tmp`, { rows: file.rows!, fieldIds }))
    })
    await settle(`${full}.tmp`, full)
    return path
  } catch (error) {
    await rm(`${full}.tmp`, { force: true })
    throw error
  }
}

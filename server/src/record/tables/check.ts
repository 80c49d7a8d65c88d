// A table held against the ledger: its metadata, its manifests and every data file, by digest; and where a data file is
// not as it was, the rows that are not.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isFault } from '../../fault.ts'
import type { Column, Columns } from '../../store/columns.ts'
import { quote } from '../../store/columns.ts'
import { digestOf } from '../../store/files.ts'
import { referenced } from '../../store/iceberg/change.ts'
import type { State, TableBook } from './book.ts'
import { rowHashes, strangers } from './row-hashes.ts'
import type { KeptFile } from './table.ts'

export interface TableProblem {
  table: string
  path: string
  code: 'altered' | 'missing'
  message: string
}

/** Says which rows of a data file are not as they were, where the list of row hashes does not: of events, the ledger does. */
export type FindRows = (table: string, file: KeptFile) => Promise<readonly string[]>

/** At most so many rows of a file are named. */
const NAMED = 10

export async function checkTable(
  { book, columns }: { book: TableBook; columns: Columns },
  name: string,
  state: State,
  findRows: FindRows,
): Promise<TableProblem[]> {
  const problems: TableProblem[] = []
  const problem = (path: string, code: TableProblem['code'], message: string): void => {
    problems.push({ table: name, path, code, message })
  }
  for (const file of state.files.values()) {
    const full = join(book.folder, file.path)
    const what = file.kind === 'data' ? `a file of table ${name}` : `the ${file.kind} of table ${name}`
    const digest = await digestOf(full).catch(() => undefined)
    if (digest === undefined) problem(file.path, 'missing', `${file.path}, ${what}, is gone.`)
    else if (digest !== file.sha256) {
      problem(file.path, 'altered', `${file.path}, ${what}, is altered: its digest is not the one on the ledger.`)
      if (file.kind !== 'data') continue
      const rows = await rowsAltered({ book, columns }, name, file, findRows)
      for (const message of rows.slice(0, NAMED)) problem(file.path, 'altered', message)
      if (rows.length > NAMED)
        problem(
          file.path,
          'altered',
          `${rows.length - NAMED} more rows of ${file.path} are not those that were written.`,
        )
    }
  }
  try {
    const metadata = state.metadata()
    if (!metadata) return problems
    const named = new Set([...referenced(metadata, state.read)].map((location) => book.pathOf(name, location)))
    for (const { kind, path } of state.files.values())
      if (kind !== 'metadata' && !named.has(path))
        problem(path, 'altered', `no snapshot of table ${name} names ${path}, which the ledger has in it.`)
    for (const path of named)
      if (!state.files.has(path))
        problem(path, 'altered', `a snapshot of table ${name} names ${path}, which the ledger has not.`)
  } catch (error) {
    // What does not read was found by its digest above.
    if (!isFault(error, 'altered')) throw error
  }
  return problems
}

async function rowsAltered(
  { book, columns }: { book: TableBook; columns: Columns },
  name: string,
  file: KeptFile,
  findRows: FindRows,
): Promise<readonly string[]> {
  const list =
    file.hashes === undefined ? undefined : await readFile(join(book.folder, file.hashes)).catch(() => undefined)
  try {
    if (!list) return await findRows(name, file)
    const from = `read_parquet(${quote(join(book.folder, file.path))}, file_row_number = true)`
    const found = await columns.session(async (session) => {
      const described = await session.describe(`SELECT * EXCLUDE (subject, file_row_number) FROM ${from}`)
      return rowHashes(session, from, 'file_row_number', described as Column[])
    })
    return strangers(list, found).map((row) => `Row ${row + 1} of ${file.path} is not one that was written there.`)
  } catch (error) {
    return [`${file.path} cannot be read: ${(error as Error).message}`]
  }
}

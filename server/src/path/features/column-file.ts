// The column files of a stream: what is known of one, what it is to be read as, and which are merged next.
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Column } from '../../store/columns.ts'
import { identifier, quote } from '../../store/columns.ts'
import { noEvents, storedColumns } from './events.ts'

export interface ColumnFile {
  /** Below the data folder: `columns/clicks/0-61902.parquet`. */
  path: string
  from: number
  to: number
  rows: number
  sha256: string
  bytes: number
  /** The contract's columns in it, by the names that they have in files. */
  columns: Column[]
}

export interface Manifest {
  version: 1
  stream: string
  /** Events before this seq are in the files. */
  to: number
  files: ColumnFile[]
}

/** The files that a computation read, for its record. */
export interface Input {
  stream: string
  contract: string
  files: Pick<ColumnFile, 'path' | 'sha256' | 'from' | 'to' | 'rows'>[]
}

export interface FileProblem {
  stream: string
  path: string
  /** altered: other content than was written; missing: an event that the ledger has; extra: one that it has not. */
  problem: 'altered' | 'missing' | 'extra'
  /** The event; undefined when the file as a whole cannot be read or is gone. */
  seq?: number
  sentence: string
}

/** A file that was written again without some rows. */
export interface Rewritten {
  path: string
  /** The path of the file that has taken its place. */
  now: string
  /** SHA-256 of the file as it was, and as it is. */
  before: string
  after: string
  /** Rows taken out. */
  removed: number
}

/** A file with fewer rows than this is written again with what comes after it. */
export const small = 8_192
/** A file is merged with those after it once they have a quarter of its rows. */
const ratio = 4

/** The files as one relation with the columns asked for; a column that an older file lacks is NULL in its rows. */
export function relationOf(
  folder: string,
  stream: string,
  columns: readonly Column[],
  files: readonly ColumnFile[],
): string {
  if (files.length === 0) return noEvents(stream, columns)
  const wanted = storedColumns(stream, columns)
  const alike = new Map<string, { select: string; paths: string[] }>()
  for (const file of files) {
    const select = wanted.map(({ name, type }) => {
      const there = file.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
      if (there && there.type !== type) {
        throw new Fault(
          'conflict',
          `Column ${name} of ${stream} is ${there.type} in ${file.path}, not ${type}: rebuild it.`,
        )
      }
      return there ? `${identifier(there.name)} AS ${identifier(name)}` : `NULL::${type} AS ${identifier(name)}`
    })
    const key = select.join(', ')
    const group = alike.get(key) ?? { select: ['seq', 'subject', 'time', 'known', ...select].join(', '), paths: [] }
    group.paths.push(quote(join(folder, file.path)))
    alike.set(key, group)
  }
  const parts = [...alike.values()].map(
    ({ select, paths }) => `SELECT ${select} FROM read_parquet([${paths.join(', ')}])`,
  )
  return `(${parts.join(' UNION ALL ')})`
}

/**
 * The run of files to merge next: the first that those after it have outgrown, and all of those. A small file at the end
 * is left out: the next extension writes it again, and a long merge would find it changed each time.
 */
export function mergeable(files: readonly ColumnFile[]): ColumnFile[] {
  const end = files.length - (files.length > 0 && files.at(-1)!.rows < small ? 1 : 0)
  let after = 0
  let start = end
  for (let index = end - 1; index >= 0; index--) {
    const { rows } = files[index]!
    if (index < end - 1 && (rows < small || rows <= ratio * after)) start = index
    after += rows
  }
  return files.slice(start, end)
}

/** All columns of two files; the later one's spelling. */
export function together(earlier: Column[], later: Column[]): Column[] {
  const has = (name: string): boolean => later.some((column) => column.name.toLowerCase() === name.toLowerCase())
  return [...later, ...earlier.filter(({ name }) => !has(name))]
}

export function inOrder(sources: readonly string[]): string {
  return `SELECT * FROM (${sources.join(' UNION ALL ')}) ORDER BY subject, time, seq`
}

/** The rows of a file or table with the columns wanted, NULL for those that it has not. */
export function select(wanted: readonly Column[], there: readonly Column[], from: string): string {
  const columns = wanted.map(({ name, type }) => {
    const column = there.find((each) => each.name.toLowerCase() === name.toLowerCase())
    return column ? `${identifier(column.name)} AS ${identifier(name)}` : `NULL::${type} AS ${identifier(name)}`
  })
  return `SELECT ${['seq', 'subject', 'time', 'known', ...columns].join(', ')} FROM ${from}`
}

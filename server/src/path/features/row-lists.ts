// Two files of computed rows held against each other by the hashes of their rows as they were written: which rows of one
// have an equal row in the other. It opens nothing about anybody.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'

const HASH_BYTES = 32

export interface RowList {
  files: readonly { path: string }[]
  rowsDigest: string
}

export interface RowsCompared {
  before: number
  after: number
  /** Rows that have no equal row on the other side; repeated rows count as often as they stand. */
  added: number
  removed: number
}

/** Throws `altered` when a list is not the one whose digest is on record. */
export async function compareRowLists(folder: string, before: RowList, after: RowList): Promise<RowsCompared> {
  const [a, b] = [await read(folder, before), await read(folder, after)]
  const counts = new Map<string, number>()
  for (const row of rows(a)) counts.set(row, (counts.get(row) ?? 0) + 1)
  let shared = 0
  for (const row of rows(b)) {
    const left = counts.get(row) ?? 0
    if (left === 0) continue
    counts.set(row, left - 1)
    shared++
  }
  const [n, m] = [a.length / HASH_BYTES, b.length / HASH_BYTES]
  return { before: n, after: m, added: m - shared, removed: n - shared }
}

async function read(folder: string, { files, rowsDigest }: RowList): Promise<Buffer> {
  const lists = await Promise.all(files.map(({ path }) => readFile(join(folder, path.replace(/\.parquet$/, '.rows')))))
  const all = Buffer.concat(lists)
  if (hash('sha256', all) !== rowsDigest)
    throw new Fault('altered', `the row hashes beside ${files[0]?.path} are not those on record`)
  return all
}

function* rows(list: Buffer): Generator<string> {
  for (let at = 0; at < list.length; at += HASH_BYTES) yield list.toString('latin1', at, at + HASH_BYTES)
}

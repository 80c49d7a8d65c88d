// A batch that comes as a Parquet file. DuckDB reads files only, so it lies on the disk while it is read: in the folder
// of drafts, readable by the server's user alone, and gone when it has been read. A start sweeps that folder.
import { open, rm } from 'node:fs/promises'
import { Fault, isFault } from '../../../fault.ts'
import type { Columns } from '../../../store/columns.ts'
import { identifier, quote } from '../../../store/columns.ts'
import { diskFull, isFull } from './incoming.ts'
import type { BatchDraft } from './incoming.ts'

const PAGE = 16_384

/** Stores the upload, and hands its rows to the draft, each as the JSON object that a line would be. */
export async function takeParquet(
  columns: Columns,
  draft: BatchDraft,
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  room: () => Promise<number>,
): Promise<void> {
  try {
    await store(chunks, path, room)
    const file = `read_parquet(${quote(path)}, file_row_number = true)`
    const { selected, rows } = await shapeOf(columns, path, file)
    for (let from = 0; from < rows; from += PAGE) {
      const page = await columns.rows<{ row: string }>(
        `SELECT to_json(struct_pack(${selected}))::VARCHAR AS row FROM ${file}
         WHERE file_row_number >= ${from} AND file_row_number < ${from + PAGE} ORDER BY file_row_number`,
      )
      await draft.takeRows(page.map(({ row }) => row))
    }
    await draft.finish()
  } catch (error) {
    if (isFault(error) && error.code !== 'internal') throw error
    throw new Fault('invalid', 'the body is no Parquet file that can be read to its end', { cause: error })
  } finally {
    await rm(path, { force: true })
  }
}

async function store(chunks: AsyncIterable<Uint8Array>, path: string, room: () => Promise<number>): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    let unmeasured = Infinity
    for await (const chunk of chunks) {
      unmeasured += chunk.length
      if (unmeasured > 8 * 1024 * 1024) {
        if ((await room()) < 2 * chunk.length) throw diskFull()
        unmeasured = 0
      }
      await handle.appendFile(chunk).catch((error: unknown) => {
        throw isFull(error) ? diskFull(error) : error
      })
    }
  } finally {
    await handle.close()
  }
}

/** Which columns there are, and how each becomes a member of a row. */
async function shapeOf(columns: Columns, path: string, file: string): Promise<{ selected: string; rows: number }> {
  const shape = await columns.describe(`SELECT * EXCLUDE (file_row_number) FROM ${file}`).catch((cause: unknown) => {
    throw new Fault('invalid', 'the body is no Parquet file: send one, or NDJSON', { cause })
  })
  const members: string[] = []
  const about: string[] = []
  for (const { name, type } of shape) {
    const column = identifier(name)
    if (name === 'campaign' || name === 'creative') about.push(`${name} := ${column}`)
    else members.push(`${column} := ${memberOf(name, type, column)}`)
  }
  if (about.length > 0) members.push(`about := struct_pack(${about.join(', ')})`)
  const { rows } = await columns.row<{ rows: bigint }>(
    `SELECT sum(num_rows)::BIGINT AS rows FROM parquet_file_metadata(${quote(path)})`,
  )
  return { selected: members.join(', '), rows: Number(rows) }
}

function memberOf(name: string, type: string, column: string): string {
  // A local time names no instant: only columns that say UTC, or that Parquet calls adjusted to UTC, are taken.
  if (type === 'TIMESTAMP WITH TIME ZONE' || type === 'TIMESTAMP')
    return `strftime(${column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ')`
  if (type === 'BLOB' && name === 'subject') return `lower(hex(${column}))`
  if (type.startsWith('DECIMAL') || type === 'FLOAT') return `${column}::DOUBLE`
  // Maps and objects are also sent as text.
  if (type === 'VARCHAR' && ['inputs', 'reasons', 'segments', 'about'].includes(name)) return `${column}::JSON`
  return column
}

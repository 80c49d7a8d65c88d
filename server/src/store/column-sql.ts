// Text of statements for DuckDB: names, literals, and how a Parquet file is written.
import { Fault } from '../fault.ts'

export interface ParquetOptions {
  /** How many rows there will be, roughly. */
  rows: number
  /** Read by this engine only, so that it may use the encodings of Parquet's second version: a fifth smaller and faster. */
  ours?: boolean
  /** The numbers of the columns in the table that the file goes to, by name. */
  fieldIds?: Readonly<Record<string, number>> | undefined
}

/**
 * The statement that writes a query's rows to a Parquet file, in the query's order; equal rows give equal bytes.
 *
 * Finding one key in a sorted file costs a look at each row group's bounds and the reading of one: the sum is least when
 * a row group has about the square root of 2,500 times the rows.
 *
 * Bloom filters are left out: DuckDB 1.5 looks a BLOB up by its display text, and so misses rows that are there
 * (duckdb/duckdb#23829).
 */
export function parquet(query: string, path: string, { rows, ours = false, fieldIds }: ParquetOptions): string {
  const encoding = ours ? 'PARQUET_VERSION v2, COMPRESSION snappy' : 'PARQUET_VERSION v1, COMPRESSION zstd'
  const group = Math.min(122_880, Math.max(1, Math.ceil(Math.sqrt(2_500 * rows) / 2_048)) * 2_048)
  const ids = Object.entries(fieldIds ?? {}).map(([name, id]) => `${quote(name)}: ${id}`)
  const numbered = ids.length === 0 ? '' : `, FIELD_IDS {${ids.join(', ')}}`
  return `COPY (${query}) TO ${quote(path)} (FORMAT parquet, ${encoding}, ROW_GROUP_SIZE ${group}, WRITE_BLOOM_FILTER false${numbered})`
}

/** A text as an SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A time as an SQL literal, exact: a constant to the planner, so that files and row groups are skipped. */
export function timestamp(micros: number): string {
  if (!Number.isSafeInteger(micros)) throw new Fault('invalid', `${micros} is no time in microseconds.`)
  const seconds = Math.floor(micros / 1_000_000)
  const text = new Date(seconds * 1000).toISOString()
  // Years before 1 and after 9999 have another form.
  if (!/^(?!0000)\d{4}-/.test(text)) return `make_timestamp(${micros}::BIGINT)`
  return `'${text.slice(0, 19)}.${String(micros - seconds * 1_000_000).padStart(6, '0')}'::TIMESTAMP`
}

// What columns hold, and what a session over them can be asked.
export type ColumnType =
  | 'VARCHAR'
  | 'BIGINT'
  | 'DOUBLE'
  | `DECIMAL(${number},${number})`
  | 'BOOLEAN'
  | 'TIMESTAMP'
  | 'DATE'

/** A column of a file or table. */
export interface Column {
  name: string
  type: ColumnType
}

/**
 * What is put into a column, by its type:
 * VARCHAR string · BIGINT bigint, integral number or its text · DOUBLE number · BOOLEAN boolean · BLOB bytes, or their
 * hex · DECIMAL text, integer, or a number taken by its shortest text; digits that do not fit are refused, not rounded ·
 * TIMESTAMP micros since the epoch · DATE `2026-03-20`. null and undefined are NULL.
 */
export interface Field<Row> {
  name: string
  type: ColumnType | 'BLOB'
  of: (row: Row) => unknown
}

/** A value bound to `$1`, `$2` …: a safe integer binds as BIGINT, any other number as DOUBLE, bytes as BLOB. */
export type Bound = string | number | bigint | boolean | null | Uint8Array

/**
 * A value as it comes back: BIGINT, HUGEINT and their unsigned kin bigint · smaller integers and DOUBLE number · DECIMAL
 * its exact text · TIMESTAMP micros since the epoch as a number, or as a bigint where a number is not exact (before 1684
 * and after 2255) · DATE `2026-03-20` · BLOB Buffer · BOOLEAN boolean · VARCHAR string · LIST array · NULL null.
 */
export type Plain = string | number | bigint | boolean | null | Buffer | Plain[]

export type Batches<Row> = AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>

/** One connection. Temporary tables live as long as the session. Queries of one session run one after the other. */
export interface Session {
  rows<Row = Record<string, Plain>>(sql: string, bound?: readonly Bound[]): Promise<Row[]>
  /** The single row of a query; a fault when there are none or several. */
  row<Row = Record<string, Plain>>(sql: string, bound?: readonly Bound[]): Promise<Row>
  run(sql: string, bound?: readonly Bound[]): Promise<void>
  /** The one BIGINT column of a query as numbers, fast and streaming; NULLs and what is beyond 2^53 are a fault. */
  numbers(sql: string, each: (numbers: Float64Array) => void): Promise<void>
  /** A query's rows as they come, some at a time: an array for each column, of equal lengths. */
  chunks(sql: string, each: (columns: Plain[][]) => void): Promise<void>
  /** Names and types of a query's columns, without running it. */
  describe(sql: string): Promise<{ name: string; type: string }[]>
  /** Creates (or replaces) a temporary table and fills it; returns the number of rows. */
  load<Row>(table: string, fields: readonly Field<Row>[], batches: Batches<Row>): Promise<number>
}

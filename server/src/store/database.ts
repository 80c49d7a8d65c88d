// The database that holds the projections: PGlite in the data folder, or PostgreSQL 15 and newer. Same SQL, same
// migrations, same values in and out, so that whatever runs on one runs on the other.
import type { ColumnType } from './copy.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'

export type { ColumnType } from './copy.ts'
export { SqlError } from './values.ts'

/**
 * Values that may be bound: null, string, number, bigint, boolean, Uint8Array, and arrays of these. JSON is bound as
 * text: `$1::text::jsonb` with `JSON.stringify(value)`. Anything else is refused.
 *
 * Values that come back: int8 as bigint, int4 and float8 as number, bool as boolean, bytea as a plain Uint8Array, json
 * and jsonb as JavaScript values, arrays of these as arrays, everything else as PostgreSQL's text.
 */
export interface Queryable {
  /**
   * Runs one statement and returns its rows. A statement that the database refuses rejects with an `SqlError` whose
   * `code` is the SQLSTATE.
   */
  query<Row = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<Row[]>
}

export interface Transaction extends Queryable {
  /**
   * Adds rows in bulk by binary COPY: several times faster than inserts. Each row holds its values in the order of
   * `columns`; jsonb takes JavaScript values here.
   */
  copy(table: string, columns: readonly Column[], rows: readonly (readonly unknown[])[]): Promise<void>
}

export interface Column {
  name: string
  type: ColumnType
}

export interface Database extends Queryable {
  readonly engine: 'pglite' | 'postgres'

  /**
   * One transaction, committed when `run` returns and rolled back when it throws; what it throws is rethrown. On PGlite
   * transactions run one after the other, and other queries wait their turn: never use `db` inside `run` (it is
   * refused), only `tx`. A transaction in which a statement failed cannot commit, even if `run` caught the error.
   */
  transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T>

  /** Applies the migrations that were not applied yet, in order. A changed one is refused (`refused_start`). */
  migrate(): Promise<void>

  /** Waits for what is under way, then ends the worker or the connections. May be called twice. */
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** `postgres://…`; when absent PGlite is used. */
  url?: string | undefined
  /** PGlite's folder, made when absent, or `memory://`. Unused with `url`. */
  folder: string
  /** PostgreSQL only: the schema of this log, made when absent. Default `whence`. */
  schema?: string | undefined
}

export function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (options.url) return openPostgres(options.url, options.schema ?? 'whence')
  return openPglite(options.folder)
}

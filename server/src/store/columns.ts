// DuckDB, in process: SQL over column files. Only what lies beside it (column-*.ts, prover.ts) imports the driver.
//
// The engine reaches no network, loads no extension, and reads and writes nothing outside the folders it was opened
// with; its configuration is locked. SQL that reaches it must still be ours, or have passed `compile.ts`.
import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../fault.ts'
import { borrow } from './column-session.ts'
import { quote } from './column-sql.ts'
import type { Session } from './column-types.ts'

export { identifier, parquet, quote, timestamp } from './column-sql.ts'
export type { ParquetOptions } from './column-sql.ts'
export type { Batches, Bound, Column, ColumnType, Field, Plain, Session } from './column-types.ts'
export { decimalOf } from './column-writing.ts'

export interface Columns extends Session {
  /**
   * Lends a connection of its own. Do not ask for another session inside: at most `sessions` are lent at once. `limit`: the
   * milliseconds that each of its queries may take, where that is less than the store's own.
   */
  session<T>(work: (session: Session) => Promise<T>, options?: { limit?: number }): Promise<T>
  /** DuckDB's version, for example `v1.5.6`. */
  readonly version: string
  close(): Promise<void>
}

export interface ColumnsOptions {
  /** The data folder: everything is read and written below it. */
  folder: string
  /** More folders that may be read and written. */
  also?: readonly string[]
  threads?: number
  /** DuckDB's memory limit, for example `2GB`. */
  memory?: string
  /** Connections lent at once. Each running query holds one of Node's four worker threads, which the ledger's fsync needs too. */
  sessions?: number
  /** Milliseconds that one query may take before it is stopped (`too_slow`); default 10 minutes. */
  limit?: number
}

const LIMIT = 600_000

/** Opens DuckDB for a data folder. */
export async function openColumns(options: ColumnsOptions): Promise<Columns> {
  const folder = resolve(options.folder)
  const folders = [folder, ...(options.also ?? []).map((path) => resolve(path))]
  for (const path of folders) {
    if (/[*?[\]{}]/.test(path)) {
      throw new Fault('refused_start', `The folder ${path} has a wildcard character in its name; choose another.`)
    }
  }
  const scratch = join(folder, 'tmp', 'columns')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })

  const instance = await DuckDBInstance.create(':memory:', {
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    ...(options.memory === undefined ? {} : { memory_limit: options.memory }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connections: DuckDBConnection[] = []
  const first = await instance.connect()
  for (const statement of [
    `SET GLOBAL TimeZone = 'UTC'`,
    `SET GLOBAL Calendar = 'gregorian'`,
    `SET GLOBAL parquet_metadata_cache = true`,
    `SET GLOBAL preserve_insertion_order = true`,
    `SET GLOBAL temp_directory = ${quote(scratch)}`,
    `SET GLOBAL allowed_directories = [${folders.map(quote).join(', ')}]`,
    `SET GLOBAL enable_external_access = false`,
    `SET GLOBAL lock_configuration = true`,
  ]) {
    await first.run(statement)
  }
  const [[version]] = (await first.runAndReadAll('SELECT version()')).getRows() as [[string]]
  connections.push(first)

  const most = options.sessions ?? 3
  const waiting: (() => void)[] = []
  let lent = 0
  let closed = false
  let idle: (() => void) | undefined

  const longest = options.limit ?? LIMIT
  const session: Columns['session'] = async (work, { limit = longest } = {}) => {
    if (closed) throw new Fault('unavailable', 'The column store is closed.')
    if (lent >= most) await new Promise<void>((resume) => waiting.push(resume))
    else lent += 1
    try {
      const connection = connections.pop() ?? (await instance.connect())
      const borrowed = borrow(connection, Math.min(limit, longest))
      try {
        return await work(borrowed)
      } finally {
        await borrowed.end()
        if (borrowed.changed) connection.closeSync()
        else connections.push(connection)
      }
    } finally {
      const next = waiting.shift()
      if (next) next()
      else lent -= 1
      if (lent === 0) idle?.()
    }
  }

  return {
    session,
    rows: (sql, bound) => session((own) => own.rows(sql, bound)),
    row: (sql, bound) => session((own) => own.row(sql, bound)),
    run: (sql, bound) => session((own) => own.run(sql, bound)),
    describe: (sql) => session((own) => own.describe(sql)),
    numbers: (sql, each) => session((own) => own.numbers(sql, each)),
    chunks: (sql, each) => session((own) => own.chunks(sql, each)),
    load: () => Promise.reject(new Fault('internal', 'A temporary table needs a session.')),
    version,
    async close() {
      if (closed) return
      closed = true
      // A connection that is closed under a running query takes the process down.
      if (lent > 0) await new Promise<void>((resume) => (idle = resume))
      for (const connection of connections) connection.closeSync()
      instance.closeSync()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

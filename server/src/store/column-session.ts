// One connection to DuckDB, lent: its queries run one after the other, and none longer than it may.
import { BIGINT, DOUBLE, blobValue } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { Fault } from '../fault.ts'
import { numbersIn, plainColumn, plainRows, reader } from './column-reading.ts'
import { identifier } from './column-sql.ts'
import type { Bound, Session } from './column-types.ts'
import { append } from './column-writing.ts'

export interface Borrowed extends Session {
  /** Whether it holds temporary tables, so that nobody else may have its connection. */
  readonly changed: boolean
  /** Resolves when nothing runs on the connection any more. */
  end(): Promise<unknown>
}

export function borrow(connection: DuckDBConnection, limit: number): Borrowed {
  let changed = false
  /** Stops what takes longer than the limit: nothing else would end a query that never ends. */
  const within = async <T>(work: () => Promise<T>): Promise<T> => {
    let stopped = false
    const timer = setTimeout(() => {
      stopped = true
      connection.interrupt()
    }, limit)
    try {
      return await work()
    } catch (error) {
      if (!stopped) throw error
      throw new Fault(
        'too_slow',
        `A query took longer than ${limit / 1000} seconds and was stopped: let it read less (a window, a filter, fewer features at once), or raise the limit (WHENCE_QUERY_SECONDS, WHENCE_PLAN_SECONDS).`,
        { cause: error },
      )
    } finally {
      clearTimeout(timer)
    }
  }
  let last: Promise<unknown> = Promise.resolve()
  // One after the other: a second query on a busy connection would only block one of Node's worker threads.
  const inTurn = <T>(work: () => Promise<T>, most = limit): Promise<T> => {
    const turn = last
      .then(() => (most === Infinity ? work() : within(work)))
      .catch((error: unknown) => {
        throw explainFailure(error)
      })
    last = turn.catch(() => {})
    return turn
  }
  const read = async (sql: string, bound: readonly Bound[]): Promise<DuckDBMaterializedResult> => {
    if (/^\s*create\b/i.test(sql)) changed = true
    if (bound.length === 0) return connection.run(sql)
    const named = Object.fromEntries(bound.map((value, index) => [String(index + 1), bind(value)]))
    const types = Object.fromEntries(bound.map((value, index) => [String(index + 1), boundType(value)]))
    return connection.run(sql, named, types)
  }
  const own: Borrowed = {
    get changed() {
      return changed
    },
    end: () => last,
    rows: (sql, bound = []) => inTurn(async () => plainRows(await read(sql, bound))),
    async row<Row>(sql: string, bound?: readonly Bound[]) {
      const [row, ...more] = await own.rows<Row>(sql, bound)
      if (row === undefined || more.length > 0) {
        throw new Fault(
          'internal',
          `A query that must return one row returned ${row === undefined ? 0 : 'several'}: ${sql}`,
        )
      }
      return row
    },
    run: (sql, bound = []) =>
      inTurn(async () => {
        await read(sql, bound)
      }),
    numbers: (sql, each) =>
      inTurn(async () => {
        const result = await connection.stream(sql)
        for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
          each(numbersIn(chunk))
        }
      }),
    chunks: (sql, each) =>
      inTurn(async () => {
        const result = await connection.stream(sql)
        const readers = result.columnTypes().map(reader)
        for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
          each(readers.map((toPlain, index) => plainColumn(chunk, index, toPlain)))
        }
      }),
    describe: (sql) => own.rows(`SELECT column_name AS name, column_type AS type FROM (DESCRIBE ${sql})`),
    load: (table, fields, batches) =>
      inTurn(async () => {
        changed = true
        const columns = fields.map((field) => `${identifier(field.name)} ${field.type}`)
        await connection.run(`CREATE OR REPLACE TEMP TABLE ${identifier(table)} (${columns.join(', ')})`)
        return append(connection, table, fields, batches)
      }, Infinity),
  }
  return own
}

function explainFailure(error: unknown): Fault {
  if (error instanceof Fault) return error
  const message = error instanceof Error ? error.message : String(error)
  const [sentence = message] = message.split('\n\nLINE ')
  if (/No space left on device|exceeds? the disk space|max_temp_directory_size/.test(sentence))
    return new Fault('disk_full', 'the disk is full: nothing was written. Make room, then ask again', { cause: error })
  const code = /^(Parser|Binder|Catalog|Conversion|Out of Range|Invalid Input)/.test(sentence) ? 'invalid' : 'internal'
  return new Fault(code, sentence, { cause: error })
}

function bind(value: Bound): DuckDBValue {
  if (value instanceof Uint8Array) return blobValue(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  return value
}

function boundType(value: Bound): DuckDBType | undefined {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BIGINT
  return typeof value === 'number' ? DOUBLE : undefined
}

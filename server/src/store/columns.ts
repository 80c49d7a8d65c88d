// DuckDB, in process: SQL over column files. The only file that imports the driver.
//
// The engine reaches no network, loads no extension, and reads and writes nothing outside the folders it was opened
// with; its configuration is locked. SQL that reaches it must still be ours, or have passed `compile.ts`.
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimestampValue,
  DuckDBTypeId,
  TIMESTAMP,
  VARCHAR,
  blobValue,
} from '@duckdb/node-api'
import type {
  DuckDBBlobValue,
  DuckDBConnection,
  DuckDBListValue,
  DuckDBMaterializedResult,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api'
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../fault.ts'

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

interface Borrowed extends Session {
  /** Whether it holds temporary tables, so that nobody else may have its connection. */
  readonly changed: boolean
  /** Resolves when nothing runs on the connection any more. */
  end(): Promise<unknown>
}

function borrow(connection: DuckDBConnection, limit: number): Borrowed {
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

// Reading

async function plainRows<Row>(result: DuckDBMaterializedResult): Promise<Row[]> {
  const names = result.columnNames()
  if (names.includes('__proto__')) throw new Fault('invalid', 'A column of a result cannot be called __proto__.')
  const types = result.columnTypes()
  const rows: Record<string, Plain>[] = []
  for (const chunk of await result.fetchAllChunks()) {
    const from = rows.length
    for (let i = 0; i < chunk.rowCount; i++) rows.push({})
    names.forEach((name, index) => {
      const toPlain = reader(types[index]!)
      chunk.visitColumnValues(index, (value, i) => {
        rows[from + i]![name] = value === null ? null : toPlain(value)
      })
    })
  }
  return rows as Row[]
}

function plainColumn(chunk: DuckDBDataChunk, index: number, toPlain: (value: DuckDBValue) => Plain): Plain[] {
  const values: Plain[] = Array.from({ length: chunk.rowCount })
  chunk.visitColumnValues(index, (value, i) => {
    values[i] = value === null ? null : toPlain(value)
  })
  return values
}

function reader(type: DuckDBType): (value: DuckDBValue) => Plain {
  switch (type.typeId) {
    case DuckDBTypeId.TIMESTAMP:
      return (value) => {
        const { micros } = value as DuckDBTimestampValue
        return Number.isSafeInteger(Number(micros)) ? Number(micros) : micros
      }
    case DuckDBTypeId.DECIMAL:
    case DuckDBTypeId.DATE:
    case DuckDBTypeId.UUID:
    case DuckDBTypeId.INTERVAL:
      return (value) => String(value)
    case DuckDBTypeId.BLOB:
      return (value) => {
        const { bytes } = value as DuckDBBlobValue
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      }
    case DuckDBTypeId.LIST: {
      const item = reader((type as unknown as { valueType: DuckDBType }).valueType)
      return (value) => (value as DuckDBListValue).items.map((each) => (each === null ? null : item(each)))
    }
    default:
      return (value) => value as Plain
  }
}

function numbersIn(chunk: DuckDBDataChunk): Float64Array {
  const vector = chunk.getColumnVector(0)
  const numbers = new Float64Array(chunk.rowCount)
  for (let i = 0; i < numbers.length; i++) {
    const value = vector.getItem(i)
    const number = Number(value)
    if (typeof value !== 'bigint' || !Number.isSafeInteger(number))
      throw new Fault('internal', 'A number of a column is NULL or beyond 2^53.')
    numbers[i] = number
  }
  return numbers
}

// Writing

const chunkRows = 2048

async function append<Row>(
  connection: DuckDBConnection,
  table: string,
  fields: readonly Field<Row>[],
  batches: Batches<Row>,
): Promise<number> {
  const types = fields.map((field) => driverType(field.type))
  const writers = fields.map((field) => writer(field))
  const appender = await connection.createAppender(table)
  let count = 0
  try {
    let pending: Row[] = []
    const flush = (): void => {
      const chunk = DuckDBDataChunk.create(types, pending.length)
      writers.forEach((values, index) => chunk.setColumnValues(index, values(pending)))
      appender.appendDataChunk(chunk)
      count += pending.length
      pending = []
    }
    for await (const batch of batches) {
      for (const row of batch) {
        pending.push(row)
        if (pending.length === chunkRows) flush()
      }
    }
    if (pending.length > 0) flush()
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
  return count
}

function driverType(type: Field<never>['type']): DuckDBType {
  switch (type) {
    case 'VARCHAR':
      return VARCHAR
    case 'BIGINT':
      return BIGINT
    case 'DOUBLE':
      return DOUBLE
    case 'BOOLEAN':
      return BOOLEAN
    case 'TIMESTAMP':
      return TIMESTAMP
    case 'DATE':
      return DATE
    case 'BLOB':
      return BLOB
    default:
      return DECIMAL(...decimalOf(type))
  }
}

/** Precision and scale of `DECIMAL(18,2)`. */
export function decimalOf(type: string): [precision: number, scale: number] {
  const match = /^DECIMAL\((\d{1,2}),\s*(\d{1,2})\)$/.exec(type)
  const precision = Number(match?.[1])
  const scale = Number(match?.[2])
  if (!match || precision < 1 || precision > 38 || scale > precision) {
    throw new Fault('invalid', `${type} is no column type.`)
  }
  return [precision, scale]
}

function writer<Row>(field: Field<Row>): (rows: readonly Row[]) => DuckDBValue[] {
  const { of } = field
  if (field.type === 'BLOB') return (rows) => blobs(rows.map(of), field.name)
  const convert = converter(field.type)
  return (rows) => {
    const values = new Array<DuckDBValue>(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const value = of(rows[i]!)
      if (value === null || value === undefined) {
        values[i] = null
        continue
      }
      const converted = convert(value)
      if (converted === undefined) {
        // The value itself may be personal, and messages reach logs.
        throw new Fault('invalid', `Column ${field.name} is ${field.type} and cannot hold this ${typeof value}.`)
      }
      values[i] = converted
    }
    return values
  }
}

// Ids in hex are decoded for a whole chunk at once: one by one they were half of the cost of a row.
function blobs(values: readonly unknown[], name: string): DuckDBValue[] {
  const length = typeof values[0] === 'string' ? values[0].length : 0
  if (length > 0 && values.every((value) => typeof value === 'string' && value.length === length)) {
    const bytes = Buffer.from(values.join(''), 'hex')
    const each = length / 2
    if (bytes.length === each * values.length) {
      return values.map((_, i) => blobValue(bytes.subarray(i * each, (i + 1) * each)))
    }
  }
  return values.map((value) => {
    if (value === null || value === undefined) return null
    if (value instanceof Uint8Array) return blobValue(value)
    if (typeof value === 'string' && /^([0-9a-f]{2})*$/.test(value)) return blobValue(Buffer.from(value, 'hex'))
    throw new Fault('invalid', `Column ${name} takes bytes or their hex.`)
  })
}

function converter(type: ColumnType): (value: unknown) => DuckDBValue | undefined {
  switch (type) {
    case 'VARCHAR':
      return (value) => (typeof value === 'string' ? value : undefined)
    case 'BOOLEAN':
      return (value) => (typeof value === 'boolean' ? value : undefined)
    case 'DOUBLE':
      // Adding 0 turns -0 into 0: the smaller of the two would depend on which came first.
      return (value) => (typeof value === 'number' ? value + 0 : undefined)
    case 'BIGINT':
      return integer
    case 'TIMESTAMP':
      return (value) => {
        const micros = typeof value === 'string' ? undefined : integer(value)
        return micros === undefined ? undefined : new DuckDBTimestampValue(micros)
      }
    case 'DATE':
      return (value) => {
        if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return undefined
        const day = new Date(`${value}T00:00:00Z`)
        // Date takes 2026-02-30 for 2 March.
        if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(value)) return undefined
        return new DuckDBDateValue(day.getTime() / 86_400_000)
      }
    default: {
      const [precision, scale] = decimalOf(type)
      const limit = 10n ** BigInt(precision)
      return (value) => {
        const scaled = scaledBy(value, scale)
        if (scaled === undefined || scaled >= limit || scaled <= -limit) return undefined
        return new DuckDBDecimalValue(scaled, precision, scale)
      }
    }
  }
}

const largest = 2n ** 63n

function integer(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  const whole =
    typeof value === 'bigint'
      ? value
      : typeof value === 'string' && /^-?\d{1,19}$/.test(value)
        ? BigInt(value)
        : undefined
  return whole === undefined || whole >= largest || whole < -largest ? undefined : whole
}

/** For a number of at most 15 digits: two of those never share a double, so the quotient shows that none was lost. */
function scaledNumber(value: number, scale: number): number | undefined {
  if (scale > 15) return undefined
  const scaled = Math.round(value * 10 ** scale)
  return Math.abs(scaled) < 1e15 && scaled / 10 ** scale === value ? scaled : undefined
}

/** For a text like -12.34, of at most 15 digits once scaled. */
function scaledText(text: string, scale: number): number | undefined {
  const start = text.charCodeAt(0) === 45 ? 1 : 0
  if (text.length === start || text.length > 16) return undefined
  let digits = 0
  let behind = -1
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 46 && behind < 0 && at > start && at < text.length - 1) behind = 0
    else if (code >= 48 && code <= 57) {
      digits = digits * 10 + code - 48
      if (behind >= 0) behind += 1
    } else return undefined
  }
  const missing = scale - Math.max(behind, 0)
  const scaled = missing >= 0 && missing <= 15 ? digits * 10 ** missing : Infinity
  if (scaled >= 1e15) return undefined
  return start === 1 ? -scaled : scaled
}

function scaledBy(value: unknown, scale: number): bigint | undefined {
  if (typeof value === 'bigint') return value * 10n ** BigInt(scale)
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const quick = typeof value === 'number' ? scaledNumber(value, scale) : scaledText(value, scale)
  if (quick !== undefined) return BigInt(quick)
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(String(value))
  if (!match) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  // The digits times 10 to the power of `shift` are the value times 10 to the power of `scale`.
  const shift = scale + Number(exponent) - fraction.length
  let digits = BigInt(whole + fraction)
  if (shift >= 0) digits *= 10n ** BigInt(shift)
  else {
    const divisor = 10n ** BigInt(-shift)
    if (digits % divisor !== 0n) return undefined
    digits /= divisor
  }
  return sign === '-' ? -digits : digits
}

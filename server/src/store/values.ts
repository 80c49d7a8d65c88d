// What goes into a statement and what comes out of it, the same on both engines.
import pg from 'pg'
import { Fault } from '../fault.ts'

const { arrayParser } = pg.types as unknown as {
  arrayParser: { create(text: string, element: (text: string) => unknown): { parse(): unknown[] } }
}

/** A statement that the database refused. `code` is the SQLSTATE: `23505` is a unique violation, and so on. */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly code: string
  readonly constraint: string | undefined
  readonly table: string | undefined
  readonly column: string | undefined

  /** Leaves out PostgreSQL's `detail`, which quotes stored values: an error may end in a log line. */
  constructor(code: string, message: string, about: { constraint?: string; table?: string; column?: string } = {}) {
    super(message)
    this.code = code
    this.constraint = about.constraint
    this.table = about.table
    this.column = about.column
  }
}

/** SQLSTATEs that say nothing about the statement: the server ends, or is out of connections, memory or disk. */
const faults: [RegExp, (error: Error) => Fault][] = [
  [/^53100$/, (cause) => new Fault('disk_full', 'The disk of the database is full; free some space.', { cause })],
  // 08P01, a protocol violation, is how COPY refuses bytes that are not of the column's type.
  [
    /^(08(?!P01)|53|57P0)/,
    (cause) => new Fault('unavailable', `The database stopped answering: ${cause.message}`, { cause }),
  ],
]

/** Any error of a driver as an `SqlError`, or as a fault when the statement is not to blame. */
export function sqlError(thrown: unknown): Error {
  if (thrown instanceof Fault || thrown instanceof SqlError || thrown instanceof TypeError) return thrown
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code, constraint, table, column } = error as Error & {
    [field in 'code' | 'constraint' | 'table' | 'column']?: string
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || !('severity' in error)) {
    return new Fault('unavailable', `The database does not answer: ${error.message || code}`, { cause: error })
  }
  const fault = faults.find(([states]) => states.test(code))
  if (fault) return fault[1](error)
  return new SqlError(code, error.message, {
    ...(constraint && { constraint }),
    ...(table && { table }),
    ...(column && { column }),
  })
}

type Bound = string | Buffer | null

/** Parameters as the protocol carries them: text, or bytes. Refuses what would arrive as something else. */
export function bound(params: readonly unknown[]): Bound[] {
  return params.map((value, index) => {
    if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    if (Array.isArray(value)) return arrayText(value, index)
    return scalarText(value, index)
  })
}

function scalarText(value: unknown, index: number): string | null {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return null
    default:
      if (value === null) return null
      throw new TypeError(`$${index + 1} is an object: bind JSON as text ($${index + 1}::text::jsonb)`)
  }
}

function arrayText(values: readonly unknown[], index: number): string {
  const items = values.map((value) => {
    if (value instanceof Uint8Array) return `"\\\\x${Buffer.from(value).toString('hex')}"`
    if (Array.isArray(value)) return arrayText(value, index)
    const text = scalarText(value, index)
    return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`
  })
  return `{${items.join(',')}}`
}

type Parse = (text: string) => unknown

const bytes: Parse = (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
const array =
  (element: Parse): Parse =>
  (text) =>
    arrayParser.create(text, element).parse()

/** Keyed by type OID (`select oid, typname from pg_type`). Dates, times and numeric stay PostgreSQL's text. */
const parsers = new Map<number, Parse>([
  [16, (text) => text === 't'], // bool
  [17, bytes], // bytea
  [20, BigInt], // int8
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [700, Number], // float4
  [701, Number], // float8
  [114, JSON.parse as Parse], // json
  [3802, JSON.parse as Parse], // jsonb
  [1000, array((text) => text === 't')], // bool[]
  [1001, array(bytes)], // bytea[]
  [1005, array(Number)], // int2[]
  [1007, array(Number)], // int4[]
  [1016, array(BigInt)], // int8[]
  [1021, array(Number)], // float4[]
  [1022, array(Number)], // float8[]
  [1009, array(String)], // text[]
  [1015, array(String)], // varchar[]
  [3807, array(JSON.parse as Parse)], // jsonb[]
])

const text: Parse = (value) => value

/** For the `types` option of `pg`. */
export const types = { getTypeParser: (oid: number): Parse => parsers.get(oid) ?? text }

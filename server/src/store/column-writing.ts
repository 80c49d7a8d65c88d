// Values as they go into DuckDB: each column takes what its type holds exactly, and refuses the rest.
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
  DuckDBTimestampValue,
  TIMESTAMP,
  VARCHAR,
  blobValue,
} from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { Fault } from '../fault.ts'
import type { Batches, ColumnType, Field } from './column-types.ts'

const chunkRows = 2048

export async function append<Row>(
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

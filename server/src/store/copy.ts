// Rows in PostgreSQL's binary COPY format
// (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY).
import type { Column } from './database.ts'

type Scalar = 'int8' | 'int4' | 'float8' | 'bool' | 'text' | 'bytea' | 'jsonb'

export type ColumnType = Scalar | `${Scalar}[]`

/** The OIDs that the elements of an array state. */
const oids: Record<Scalar, number> = { int8: 20, int4: 23, float8: 701, bool: 16, text: 25, bytea: 17, jsonb: 3802 }

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')

/** The statement that reads what `encode` wrote; `source` is `stdin` or a quoted file name. */
export function copyStatement(table: string, columns: readonly Column[], source: string): string {
  return `copy ${quoted(table)} (${columns.map(({ name }) => quoted(name)).join(', ')}) from ${source} (format binary)`
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * The rows as one COPY file, in a buffer of their own, so that it may be transferred to another thread. int8 takes
 * bigint or safe integers, jsonb JavaScript values, bytea Uint8Array; null and undefined are NULL. A value of another
 * type is refused with a TypeError that names row and column, because COPY would store its bytes as they are.
 */
export function encode(columns: readonly Column[], rows: readonly (readonly unknown[])[]): Uint8Array<ArrayBuffer> {
  const out = new Output()
  out.bytes(signature)
  out.int32(0) // flags
  out.int32(0) // header extension
  const writers = columns.map(({ type }) => writer(type))
  for (const [index, row] of rows.entries()) {
    if (row.length !== columns.length) {
      throw new TypeError(`row ${index} has ${row.length} values for ${columns.length} columns`)
    }
    out.int16(row.length)
    for (let i = 0; i < row.length; i++) {
      const value = row[i]
      if (value === null || value === undefined) out.int32(-1)
      else if (!writers[i]!(out, value)) {
        throw new TypeError(`row ${index}: ${columns[i]!.name} cannot hold ${describe(value)} as ${columns[i]!.type}`)
      }
    }
  }
  out.int16(-1)
  return out.written()
}

function describe(value: unknown): string {
  return typeof value === 'object' ? `a ${value!.constructor?.name ?? 'object'}` : `the ${typeof value}`
}

/** Writes length and value; false when the value is not of the type. */
type Writer = (out: Output, value: unknown) => boolean

function writer(type: ColumnType): Writer {
  return type.endsWith('[]') ? array(type.slice(0, -2) as Scalar) : scalars[type as Scalar]
}

const int8Max = 2n ** 63n - 1n

const scalars: Record<Scalar, Writer> = {
  int8(out, value) {
    const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value
    if (typeof integer !== 'bigint' || integer > int8Max || integer < -int8Max - 1n) return false
    out.int32(8)
    out.int64(integer)
    return true
  },
  int4(out, value) {
    if (!Number.isInteger(value) || Math.abs((value as number) + 0.5) > 2 ** 31) return false
    out.int32(4)
    out.int32(value as number)
    return true
  },
  float8(out, value) {
    if (typeof value !== 'number') return false
    out.int32(8)
    out.float64(value)
    return true
  },
  bool(out, value) {
    if (typeof value !== 'boolean') return false
    out.int32(1)
    out.int8(value ? 1 : 0)
    return true
  },
  text(out, value) {
    if (typeof value !== 'string') return false
    out.text(value)
    return true
  },
  bytea(out, value) {
    if (!(value instanceof Uint8Array)) return false
    out.int32(value.length)
    out.bytes(value)
    return true
  },
  jsonb(out, value) {
    const json = JSON.stringify(value) as string | undefined
    if (json === undefined) return false
    out.text(json, 1) // version of the jsonb wire format
    return true
  },
}

function array(element: Scalar): Writer {
  const write = scalars[element]
  return (out, value) => {
    if (!Array.isArray(value)) return false
    const start = out.position
    out.int32(0) // the length, known at the end
    out.int32(value.length === 0 ? 0 : 1) // dimensions
    out.int32(value.some((item) => item === null) ? 1 : 0)
    out.int32(oids[element])
    if (value.length > 0) {
      out.int32(value.length)
      out.int32(1) // lower bound
    }
    for (const item of value) {
      if (item === null) out.int32(-1)
      else if (!write(out, item)) return false
    }
    out.patchInt32(start, out.position - start - 4)
    return true
  }
}

class Output {
  #buffer: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(64 * 1024)
  position = 0

  #room(size: number): Buffer {
    if (this.position + size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.position + size))
      this.#buffer.copy(larger, 0, 0, this.position)
      this.#buffer = larger
    }
    return this.#buffer
  }

  int8(value: number) {
    this.position = this.#room(1).writeInt8(value, this.position)
  }

  int16(value: number) {
    this.position = this.#room(2).writeInt16BE(value, this.position)
  }

  int32(value: number) {
    this.position = this.#room(4).writeInt32BE(value, this.position)
  }

  int64(value: bigint) {
    this.position = this.#room(8).writeBigInt64BE(value, this.position)
  }

  float64(value: number) {
    this.position = this.#room(8).writeDoubleBE(value, this.position)
  }

  bytes(value: Uint8Array) {
    this.#room(value.length).set(value, this.position)
    this.position += value.length
  }

  /** Length and UTF-8, after a version byte where the type has one. */
  text(value: string, version?: number) {
    const room = this.#room(5 + value.length * 3) // UTF-8 takes at most three bytes for a UTF-16 unit
    const start = this.position
    this.position += 4
    if (version !== undefined) this.int8(version)
    this.position += room.write(value, this.position)
    this.patchInt32(start, this.position - start - 4)
  }

  patchInt32(at: number, value: number) {
    this.#buffer.writeInt32BE(value, at)
  }

  written(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.buffer, 0, this.position)
  }
}

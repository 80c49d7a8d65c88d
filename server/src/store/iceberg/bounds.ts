// Single values as bytes (spec, appendix D), and the bounds of a column: short, and never inside what they bound.
import { Fault } from '../../fault.ts'
import type { IcebergType } from './schema.ts'

/** long, timestamp (micros), date (days), decimal (its digits as a whole number): bigint; the rest as JavaScript has it. */
export type Plainly = bigint | number | string | boolean | Buffer

/** The longest bound of a text or of bytes: characters, or bytes. */
const LONGEST = 16

/** A value's bytes. */
export function boundOf(value: Plainly, type: IcebergType | 'int'): Buffer {
  switch (type) {
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0])
    case 'int':
    case 'date': {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32LE(Number(value))
      return bytes
    }
    case 'long':
    case 'timestamp': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(value as bigint)
      return bytes
    }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(Number(value))
      return bytes
    }
    case 'string':
      return Buffer.from(String(value), 'utf8')
    case 'binary':
      return value as Buffer
    default:
      return twosComplement(value as bigint)
  }
}

/** Big-endian two's complement in as few bytes as hold it. */
function twosComplement(value: bigint): Buffer {
  let length = 1
  while (value >= 1n << BigInt(8 * length - 1) || value < -(1n << BigInt(8 * length - 1))) length++
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(8 * length, value)
  for (let at = length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  return bytes
}

/** At most the value: a long text is cut. */
export function lowerBound(value: Plainly, type: IcebergType): Buffer {
  if (type === 'string') return boundOf(Array.from(String(value)).slice(0, LONGEST).join(''), type)
  if (type === 'binary') return (value as Buffer).subarray(0, LONGEST)
  return boundOf(value, type)
}

/** At least the value: a long text is cut and rounded up. Undefined when nothing short is greater. */
export function upperBound(value: Plainly, type: IcebergType): Buffer | undefined {
  if (type === 'string') {
    const characters = Array.from(String(value))
    if (characters.length <= LONGEST) return boundOf(value, type)
    for (let at = LONGEST - 1; at >= 0; at--) {
      const next = after(characters[at]!.codePointAt(0)!)
      if (next !== undefined) return Buffer.from(characters.slice(0, at).join('') + String.fromCodePoint(next), 'utf8')
    }
    return undefined
  }
  if (type === 'binary') {
    const bytes = value as Buffer
    if (bytes.length <= LONGEST) return bytes
    for (let at = LONGEST - 1; at >= 0; at--) {
      if (bytes[at]! < 0xff) return Buffer.concat([bytes.subarray(0, at), Buffer.from([bytes[at]! + 1])])
    }
    return undefined
  }
  return boundOf(value, type)
}

/** The next character that text may have; there is none after the last, and surrogates are no characters. */
function after(code: number): number | undefined {
  if (code === 0x10ffff) return undefined
  return code === 0xd7ff ? 0xe000 : code + 1
}

/** A value as the engine prints the statistics of a Parquet file; undefined where it says nothing that can be used. */
export function fromStatistics(text: string, type: IcebergType): Plainly | undefined {
  switch (type) {
    case 'boolean':
      return text === 'true' || text === '1'
    case 'long':
      return /^-?\d+$/.test(text) ? BigInt(text) : undefined
    case 'double': {
      const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)
      return Number.isNaN(value) ? undefined : value
    }
    case 'date': {
      const days = Date.parse(`${text}T00:00:00Z`) / 86_400_000
      return /^\d{4}-\d\d-\d\d$/.test(text) && Number.isInteger(days) ? BigInt(days) : undefined
    }
    case 'timestamp': {
      const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(text)
      const millis = match ? Date.parse(`${match[1]}T${match[2]}Z`) : Number.NaN
      return Number.isNaN(millis) ? undefined : BigInt(millis) * 1000n + BigInt((match![3] ?? '').padEnd(6, '0'))
    }
    case 'string':
      return text
    case 'binary':
      return escaped(text)
    default: {
      const scale = Number(/, (\d+)\)$/.exec(type)![1])
      const match = /^(-?)(\d*)(?:\.(\d+))?$/.exec(text)
      if (!match || (match[3] ?? '').length > scale) return undefined
      const digits = BigInt(match[2]! + (match[3] ?? '').padEnd(scale, '0'))
      return match[1] === '-' ? -digits : digits
    }
  }
}

/** Bytes from `\xA5b\x5C`: what can be printed stands as it is, and a backslash never does. */
function escaped(text: string): Buffer | undefined {
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const hex = /^\\x([0-9A-Fa-f]{2})/.exec(text.slice(at, at + 4))
    if (hex) {
      bytes.push(Number.parseInt(hex[1]!, 16))
      at += 3
      continue
    }
    const code = text.charCodeAt(at)
    if (code >= 0x80 || text[at] === '\\') return undefined
    bytes.push(code)
  }
  return Buffer.from(bytes)
}

/** Which of two values of a type is the smaller, as Iceberg orders them: texts by their bytes. */
export function compareValues(a: Plainly, b: Plainly, type: IcebergType): number {
  if (type === 'string' || type === 'binary') return Buffer.compare(boundOf(a, type), boundOf(b, type))
  if (typeof a !== typeof b) throw new Fault('internal', `a ${typeof a} is not compared with a ${typeof b}`)
  return a === b ? 0 : a < b ? -1 : 1
}

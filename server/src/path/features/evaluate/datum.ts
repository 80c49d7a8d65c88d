// Values and types of the engine without SQL. Types have DuckDB's names; values are held so that nothing is rounded:
// integers of every width as bigint · DECIMAL as bigint without its point · DOUBLE as number · TIMESTAMP as microseconds
// and DATE as days since 1970, bigint · VARCHAR as string · INTERVAL as its three parts · NULL as null.
import { decimalOf } from '../../../store/columns.ts'
import type { ColumnType } from '../../../store/columns.ts'
import type { Value } from '../rows.ts'

export interface Interval {
  months: bigint
  days: bigint
  micros: bigint
}

export type Datum = bigint | number | string | boolean | Interval | null

/**
 * This engine does not know what DuckDB would say: a range is left, a text is unusual, a time is outside of the years 1 to
 * 9999. DuckDB is asked then, which answers, or refuses in its own words.
 */
export class Unsure extends Error {}

export const MICROS_PER_DAY = 86_400_000_000n

const ranges: Record<string, readonly [bigint, bigint]> = {
  TINYINT: signed(8n),
  SMALLINT: signed(16n),
  INTEGER: signed(32n),
  BIGINT: signed(64n),
  HUGEINT: signed(128n),
  UTINYINT: [0n, (1n << 8n) - 1n],
  USMALLINT: [0n, (1n << 16n) - 1n],
  UINTEGER: [0n, (1n << 32n) - 1n],
  UBIGINT: [0n, (1n << 64n) - 1n],
}

function signed(bits: bigint): readonly [bigint, bigint] {
  return [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
}

export const isInteger = (type: string): boolean => type in ranges
export const isDecimal = (type: string): boolean => type.startsWith('DECIMAL')
export const isNumber = (type: string): boolean => type === 'DOUBLE' || isInteger(type) || isDecimal(type)
export const isTime = (type: string): boolean => type === 'DATE' || type === 'TIMESTAMP'

/** Digits behind the point; of an integer none. */
export function scaleOf(type: string): number {
  return isDecimal(type) ? decimalOf(type)[1] : 0
}

const powers = Array.from({ length: 40 }, (_, n) => 10n ** BigInt(n))
export const tenTo = (n: number): bigint => powers[n]!

/** The check that a whole number, or the digits of a decimal, fits its type. */
export function fitting(type: string): (value: bigint) => bigint {
  if (isDecimal(type)) {
    const limit = tenTo(decimalOf(type)[0])
    return (value) => {
      if (value >= limit || value <= -limit) throw new Unsure(`beyond ${type}`)
      return value
    }
  }
  const [least, most] = ranges[type]!
  return (value) => {
    if (value < least || value > most) throw new Unsure(`beyond ${type}`)
    return value
  }
}

export function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Unsure('no finite number')
  return value
}

/** How two values of one type compare; DuckDB's order: texts by code point, NaN above all numbers. */
export function comparing(type: string): ((a: Datum, b: Datum) => number) | undefined {
  if (isInteger(type) || isDecimal(type) || isTime(type) || type === 'BOOLEAN')
    return (a, b) => (a! < b! ? -1 : a! > b! ? 1 : 0)
  if (type === 'DOUBLE') {
    return (a, b) => {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
      return a! < b! ? -1 : a! > b! ? 1 : 0
    }
  }
  if (type === 'VARCHAR') return (a, b) => compareTexts(a as string, b as string)
  if (type === 'INTERVAL') {
    return (a, b) => {
      const difference = length(a as Interval) - length(b as Interval)
      return difference < 0n ? -1 : difference > 0n ? 1 : 0
    }
  }
  return undefined
}

/** Where the parts of an interval do not have one sign, DuckDB’s order is not that of its length. */
function length({ months, days, micros }: Interval): bigint {
  const parts = [months, days, micros]
  if (parts.some((part) => part < 0n) && parts.some((part) => part > 0n)) throw new Unsure('an interval of two signs')
  return (months * 30n + days) * MICROS_PER_DAY + micros
}

/** By code point, as UTF-8 sorts; UTF-16 sorts the astral characters before the last of the others. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return ranked(x) - ranked(y)
  }
  return a.length - b.length
}

const ranked = (unit: number): number => (unit >= 0xe000 ? unit - 0x2000 : unit >= 0xd800 ? unit + 0x2000 : unit)

/** A value of an event as a column of its type holds it. */
export function read(type: ColumnType, cell: unknown): Datum {
  if (cell === null || cell === undefined) return null
  if (type === 'BIGINT') return BigInt(cell as bigint | number | string)
  // -0 is stored as 0.
  if (type === 'DOUBLE') return (cell as number) + 0
  if (type === 'TIMESTAMP') return BigInt(cell as bigint | number)
  if (type === 'DATE') return daysOf(cell as string)
  return isDecimal(type) ? unscaled(cell as string, scaleOf(type)) : (cell as string | boolean)
}

/** A computed value as the other engine gives it. */
export function shown(type: string, datum: Datum): Value {
  if (datum === null) return null
  if (type === 'TIMESTAMP') return Number.isSafeInteger(Number(datum)) ? Number(datum) : (datum as bigint)
  return isDecimal(type) ? decimalText(datum as bigint, scaleOf(type)) : (datum as Value)
}

function daysOf(text: string): bigint {
  const at = Date.parse(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(at)) throw new Unsure(`the date ${text}`)
  return BigInt(at / 86_400_000)
}

/** `unscaled('-1.5', 2)` is -150n. */
export function unscaled(text: string, scale: number): bigint {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)
  const [, sign, whole = '', fraction = ''] = match ?? []
  if (!match || (whole === '' && fraction === '') || fraction.length > scale) throw new Unsure(`the decimal ${text}`)
  const digits = BigInt(`${whole}${fraction.padEnd(scale, '0')}` || '0')
  return sign === '-' ? -digits : digits
}

export function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return String(value)
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

// Casts between the types that this engine has, each with DuckDB's rounding and range.
import { readTimeText, civil, dateText, timestampText } from './times.ts'
import type { Datum } from './datum.ts'
import {
  decimalText,
  fitting,
  isDecimal,
  isInteger,
  MICROS_PER_DAY,
  scaleOf,
  tenTo,
  Unsure,
  unscaled,
} from './datum.ts'

type Cast = (value: Exclude<Datum, null>) => Datum

/** How a value that is not NULL is cast; undefined: this engine does not. Throws `Unsure`. */
export function casting(from: string, to: string): Cast | undefined {
  if (from === to) return (value) => value
  if (from === 'VARCHAR') return fromText(to)
  if (to === 'VARCHAR') return toText(from)
  const exact = isInteger(from) || isDecimal(from)
  if (exact && (isInteger(to) || isDecimal(to))) return rescaling(scaleOf(from), scaleOf(to), fitting(to))
  if (exact && to === 'DOUBLE') {
    const scale = scaleOf(from)
    return (value) => toDouble(value as bigint, scale)
  }
  if (from === 'DOUBLE' && isInteger(to)) {
    const fit = fitting(to)
    return (value) => fit(nearestEven(value as number))
  }
  if (from === 'DOUBLE' && isDecimal(to)) return doubleToDecimal(to)
  if (from === 'BOOLEAN' && isInteger(to)) return (value) => (value ? 1n : 0n)
  if (isInteger(from) && to === 'BOOLEAN') return (value) => value !== 0n
  if (from === 'DATE' && to === 'TIMESTAMP') {
    const fit = fitting('BIGINT')
    return (value) => fit((value as bigint) * MICROS_PER_DAY)
  }
  if (from === 'TIMESTAMP' && to === 'DATE') return (value) => civil(value as bigint).days
  return undefined
}

/** Away from zero at the half, as decimals are rounded. */
export function rescaling(from: number, to: number, fit: (value: bigint) => bigint): Cast {
  if (to >= from) {
    const factor = tenTo(to - from)
    return (value) => fit((value as bigint) * factor)
  }
  const divisor = tenTo(from - to)
  return (value) => fit(roundedQuotient(value as bigint, divisor))
}

export function roundedQuotient(value: bigint, divisor: bigint): bigint {
  const half = divisor / 2n
  return (value + (value < 0n ? -half : half)) / divisor
}

const exactly = 1n << 53n
/** DOUBLE_POWERS_OF_TEN */
const doubleTen = (scale: number): number => Number(tenTo(scale))

export function toDouble(value: bigint, scale: number): number {
  if (scale === 0 || (value <= exactly && value >= -exactly)) return wide(value) / doubleTen(scale)
  const ten = tenTo(scale)
  return wide(value / ten) + wide(value % ten) / doubleTen(scale)
}

/** 128 bits are taken by their halves, so that the upper half of a number is rounded by itself. */
function wide(value: bigint): number {
  const upper = value >> 64n
  const lower = value & 0xffff_ffff_ffff_ffffn
  if (upper === 0n) return Number(value)
  if (upper === -1n) return -Number(0xffff_ffff_ffff_ffffn - lower) - 1
  return Number(lower) + Number(upper) * 2 ** 64
}

/** The nearest whole number; of two the even one. */
function nearestEven(value: number): bigint {
  if (!Number.isFinite(value)) throw new Unsure('no finite number')
  const below = Math.floor(value)
  const over = value - below
  const rounded = over < 0.5 ? below : over > 0.5 ? below + 1 : below % 2 === 0 ? below : below + 1
  return BigInt(rounded)
}

function doubleToDecimal(to: string): Cast {
  const scale = scaleOf(to)
  const fit = fitting(to)
  return (value) => {
    const raised = (value as number) * doubleTen(scale)
    if (!Number.isFinite(raised) || Math.abs(raised) > 2 ** 53) throw new Unsure('a large number as a decimal')
    // DuckDB adds a little, so that 1.005 * 100 counts as 100.5.
    return fit(nearestEven(raised + 1e-9 * Math.sign(value as number)))
  }
}

function toText(from: string): Cast | undefined {
  if (isInteger(from)) return String
  if (isDecimal(from)) {
    const scale = scaleOf(from)
    return (value) => decimalText(value as bigint, scale)
  }
  if (from === 'BOOLEAN') return String
  if (from === 'DATE') return (value) => dateText(value as bigint)
  if (from === 'TIMESTAMP') return (value) => timestampText(value as bigint)
  return undefined
}

const units: Record<string, [months: bigint, days: bigint, micros: bigint]> = {
  year: [12n, 0n, 0n],
  month: [1n, 0n, 0n],
  week: [0n, 7n, 0n],
  day: [0n, 1n, 0n],
  hour: [0n, 0n, 3_600_000_000n],
  minute: [0n, 0n, 60_000_000n],
  second: [0n, 0n, 1_000_000n],
  millisecond: [0n, 0n, 1000n],
  microsecond: [0n, 0n, 1n],
}

/** An interval of so many of a unit. */
export function intervalOf(unit: string, count: bigint): Datum {
  const [months, days, micros] = units[unit]!
  const int = fitting('INTEGER')
  return { months: int(months * count), days: int(days * count), micros: fitting('BIGINT')(micros * count) }
}

/** The plain forms of each type; what else DuckDB reads, it reads itself. */
function fromText(to: string): Cast | undefined {
  const plain = (pattern: RegExp, make: (text: string) => Datum): Cast => {
    return (value) => {
      if (!pattern.test(value as string)) throw new Unsure(`the text as ${to}`)
      return make(value as string)
    }
  }
  if (isInteger(to)) {
    const fit = fitting(to)
    return plain(/^-?\d{1,18}$/, (text) => fit(BigInt(text)))
  }
  if (isDecimal(to)) {
    const fit = fitting(to)
    return plain(/^-?\d{1,18}(\.\d{1,18})?$/, (text) => fit(unscaled(text, scaleOf(to))))
  }
  if (to === 'DOUBLE') return plain(/^-?\d{1,15}(\.\d{1,15})?$/, Number)
  if (to === 'BOOLEAN') return plain(/^(true|false|t|f)$/, (text) => text.startsWith('t'))
  if (to === 'DATE') return plain(/^\d{4}-\d\d-\d\d$/, (text) => readTimeText(text).days)
  if (to === 'TIMESTAMP') {
    return plain(/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,6})?)?$/, (text) => readTimeText(text).micros)
  }
  if (to === 'INTERVAL') {
    return plain(/^\d{1,6} (year|month|week|day|hour|minute|second)s?$/, (text) => {
      const [count, unit] = text.split(' ') as [string, string]
      return intervalOf(unit.replace(/s$/, ''), BigInt(count))
    })
  }
  return undefined
}

// Arithmetic and functions of numbers, each for the types that it is listed with.
import { roundedQuotient } from './casts.ts'
import { strict, to } from './computed.ts'
import type { Built, Compute } from './computed.ts'
import type { Datum } from './datum.ts'
import { comparing, fitting, isDecimal, isInteger, isNumber, scaleOf, tenTo, Unsure } from './datum.ts'

export function arithmetic(name: string, of: Built[], type: string): Compute | undefined {
  if (of.some((each) => !isNumber(each.type) && each.type !== 'NULL') || !isNumber(type)) return undefined
  if (of.length === 1 && (name === '-' || name === '+')) {
    const value = to(of[0]!, type)
    if (name === '+') return value
    if (type === 'DOUBLE') return strict([value], (x: number) => -x)
    const fit = fitting(type)
    return strict([value], (x: bigint) => fit(-x))
  }
  if (of.length !== 2) return undefined
  const [a, b] = of as [Built, Built]
  if (type === 'DOUBLE') {
    const double = doubles[name]
    return double && strict([to(a, type), to(b, type)], double)
  }
  const fit = fitting(type)
  if (isDecimal(type)) {
    if (name === '+') return strict([to(a, type), to(b, type)], (x: bigint, y: bigint) => fit(x + y))
    if (name === '-') return strict([to(a, type), to(b, type)], (x: bigint, y: bigint) => fit(x - y))
    const exact = scaleOf(a.type) + scaleOf(b.type) === scaleOf(type)
    return name === '*' && exact ? strict([a.of, b.of], (x: bigint, y: bigint) => fit(x * y)) : undefined
  }
  if (!isInteger(a.type) || !isInteger(b.type)) return undefined
  const whole = wholes[name]
  return (
    whole &&
    strict([a.of, b.of], (x: bigint, y: bigint) => {
      const value = whole(x, y)
      return value === null ? null : fit(value)
    })
  )
}

// As IEEE 754 says: a zero divisor gives no error, and no NULL.
const doubles: Record<string, (x: number, y: number) => number> = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
  '/': (x, y) => x / y,
}

const wholes: Record<string, (x: bigint, y: bigint) => bigint | null> = {
  '+': (x, y) => x + y,
  '-': (x, y) => x - y,
  '*': (x, y) => x * y,
  '//': (x, y) => (y === 0n ? null : x / y),
  '%': (x, y) => (y === 0n ? null : x % y),
  mod: (x, y) => (y === 0n ? null : x % y),
}

export function numeric(name: string, of: Built[], type: string): Compute | undefined {
  const [first] = of
  if (name === 'greatest' || name === 'least') return extreme(name, of, type)
  if (!first || !isNumber(first.type)) return undefined
  const { type: from, of: value } = first
  const exact = isInteger(from) || isDecimal(from)
  if (name === 'round') return rounded(of, type)
  if (of.length !== 1) return undefined
  switch (name) {
    case 'abs': {
      if (from !== type) return undefined
      if (type === 'DOUBLE') return strict([value], (x: number) => Math.abs(x))
      const fit = fitting(type)
      return strict([value], (x: bigint) => fit(x < 0n ? -x : x))
    }
    case 'sign':
      if (exact) return strict([value], (x: bigint) => (x > 0n ? 1n : x < 0n ? -1n : 0n))
      return strict([value], (x: number) => (x > 0 ? 1n : x < 0 ? -1n : 0n))
    case 'floor':
    case 'ceil':
    case 'ceiling':
    case 'trunc':
      return toward(name, first, type)
    case 'sqrt':
      return strict([to(first, 'DOUBLE')], (x: number) => {
        if (x < 0) throw new Unsure('the root of a negative number')
        return Math.sqrt(x)
      })
    case 'isnan':
      return from === 'DOUBLE' ? strict([value], (x: number) => Number.isNaN(x)) : undefined
    case 'isfinite':
      return from === 'DOUBLE' ? strict([value], (x: number) => Number.isFinite(x)) : undefined
    case 'isinf':
      return from === 'DOUBLE' ? strict([value], (x: number) => Math.abs(x) === Infinity) : undefined
    default:
      return undefined
  }
}

function toward(name: string, { type: from, of }: Built, type: string): Compute | undefined {
  if (from === 'DOUBLE' && type === from) {
    const by = name === 'floor' ? Math.floor : name === 'trunc' ? Math.trunc : Math.ceil
    return strict([of], (x: number) => by(x))
  }
  if (isInteger(from)) return from === type ? of : undefined
  if (!isDecimal(from) || scaleOf(type) !== 0) return undefined
  const divisor = tenTo(scaleOf(from))
  const fit = fitting(type)
  return strict([of], (x: bigint) => {
    const whole = x / divisor
    const rest = x % divisor
    if (name === 'floor') return fit(rest < 0n ? whole - 1n : whole)
    return fit(name !== 'trunc' && rest > 0n ? whole + 1n : whole)
  })
}

/** Half away from zero, as C's round. */
function roundHalf(x: number): number {
  const whole = Math.trunc(x)
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole
}

function rounded([value, digits, ...more]: Built[], type: string): Compute | undefined {
  if (!value || more.length > 0) return undefined
  let places = 0
  if (digits) {
    if (!digits.constant || typeof digits.constant.value !== 'bigint') return undefined
    places = Number(digits.constant.value)
    if (places < 0 || places > 15) return undefined
  }
  if (value.type === 'DOUBLE' && type === 'DOUBLE') {
    if (!digits) return strict([value.of], (x: number) => roundHalf(x))
    const ten = Number(tenTo(places))
    return strict([value.of], (x: number) => {
      const raised = roundHalf(x * ten) / ten
      return Number.isFinite(raised) ? raised : x
    })
  }
  if (isInteger(value.type)) return value.type === type ? value.of : undefined
  if (!isDecimal(value.type) || !isDecimal(type)) return undefined
  const drop = scaleOf(value.type) - scaleOf(type)
  if (drop < 0 || scaleOf(type) !== Math.min(places, scaleOf(value.type))) return undefined
  const fit = fitting(type)
  const divisor = tenTo(drop)
  return strict([value.of], (x: bigint) => fit(roundedQuotient(x, divisor)))
}

/** The greatest or least of those that are not NULL. */
function extreme(name: string, of: Built[], type: string): Compute | undefined {
  const compare = comparing(type)
  if (!compare) return undefined
  const all = of.map((each) => to(each, type))
  const sign = name === 'greatest' ? 1 : -1
  return (row, asOf) => {
    let best: Datum = null
    for (const each of all) {
      const value = each(row, asOf)
      if (value !== null && (best === null || sign * compare(value, best) > 0)) best = value
    }
    return best
  }
}

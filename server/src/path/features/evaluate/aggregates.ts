// Aggregates over the rows of one subject that are in scope, each for the types that it is listed with.
import type { Call } from '../syntax.ts'
import { build } from './build.ts'
import { NotEvaluable } from './computed.ts'
import type { Built, Compute, Places } from './computed.ts'
import { comparing, finite, fitting, isDecimal, isInteger, scaleOf, tenTo } from './datum.ts'
import type { Datum } from './datum.ts'
import { decimalOf } from '../../../store/columns.ts'

export type Row = readonly Datum[]
/** An aggregate's value over rows in the order of their seq. */
export type Aggregate = (rows: readonly Row[], asOf: bigint) => Datum

/** Builds an aggregate; `own`: the condition in its own FILTER, without the scope. Throws `NotEvaluable`. */
export function buildAggregate(call: Call, own: Compute | undefined, places: Places, type: string): Aggregate {
  const kept = (rows: readonly Row[], asOf: bigint): readonly Row[] =>
    own ? rows.filter((row) => own(row, asOf) === true) : rows
  if (call.name === 'count_star') return (rows, asOf) => BigInt(kept(rows, asOf).length)

  const of = call.of.map((each) => build(each, places))
  const fold = folding(call.name, of, type)
  if (!fold) throw new NotEvaluable(`${call.name}() over ${of.map((each) => each.type).join(', ')}`)
  const inOrder = ordering(call, places)
  const { distinct } = call
  if (distinct && of.slice(1).some((each) => !each.constant)) throw new NotEvaluable(`DISTINCT over several columns`)
  if (distinct && of[0]?.type === 'INTERVAL') throw new NotEvaluable(`DISTINCT over intervals`)
  const [first] = of as [Built, ...Built[]]
  return (rows, asOf) => {
    let used = kept(rows, asOf)
    if (inOrder) used = inOrder(used, asOf)
    if (fold.beside) return fold.beside(used.map((row) => of.map((each) => each.of(row, asOf))))
    const values = used.map((row) => first.of(row, asOf))
    return fold.over(distinct ? [...new Set(values)] : values)
  }
}

function ordering(call: Call, places: Places): ((rows: readonly Row[], asOf: bigint) => readonly Row[]) | undefined {
  if (call.order.length === 0) return undefined
  const keys = call.order.map(({ by, direction, nulls }) => {
    const { of, type } = build(by, places)
    const compare = comparing(type)
    if (!compare) throw new NotEvaluable(`an order by ${type}`)
    return { of, compare, sign: direction === 'DESC' ? -1 : 1, nullSign: nulls === 'NULLS FIRST' ? -1 : 1 }
  })
  return (rows, asOf) =>
    rows
      .map((row) => ({ row, at: keys.map(({ of }) => of(row, asOf)) }))
      .sort((a, b) => {
        for (const [i, { compare, sign, nullSign }] of keys.entries()) {
          const [x, y] = [a.at[i]!, b.at[i]!]
          if (x === null || y === null) {
            if (x !== y) return x === null ? nullSign : -nullSign
            continue
          }
          const order = compare(x, y)
          if (order !== 0) return sign * order
        }
        return 0
      })
      .map(({ row }) => row)
}

/** `over`: of the values of the first argument; `beside`: of all arguments. */
type Fold =
  | { over: (values: readonly Datum[]) => Datum; beside?: never }
  | { beside: (tuples: readonly (readonly Datum[])[]) => Datum }

function folding(name: string, of: Built[], type: string): Fold | undefined {
  const [first] = of
  if (!first) return undefined
  const from = first.type
  const exact = isInteger(from) || isDecimal(from)
  switch (name) {
    case 'count':
      return of.length === 1 ? { over: (values) => BigInt(present(values).length) } : undefined
    case 'count_if':
    case 'countif':
      // Over nothing it is NULL, as the sum that it is.
      return from === 'BOOLEAN' ? skipping((values) => BigInt(values.filter(Boolean).length)) : undefined
    case 'sum':
      if (exact) return sum(fitting(type))
      return from === 'DOUBLE' && type === from ? skipping((values) => finite(total(values as number[]))) : undefined
    case 'avg':
    case 'mean':
      if (type !== 'DOUBLE') return undefined
      if (exact) return average(from)
      return from === 'DOUBLE' ? skipping((values) => finite(total(values as number[]) / values.length)) : undefined
    case 'min':
    case 'max': {
      const compare = comparing(from)
      if (!compare || of.length !== 1 || type !== from) return undefined
      const sign = name === 'max' ? 1 : -1
      return skipping((values) => values.reduce((best, value) => (sign * compare(value, best) > 0 ? value : best)))
    }
    case 'bool_and':
      return from === 'BOOLEAN' ? skipping((values) => values.every(Boolean)) : undefined
    case 'bool_or':
      return from === 'BOOLEAN' ? skipping((values) => values.some(Boolean)) : undefined
    case 'bit_and':
      return wholeBits(from, type, (a, b) => a & b)
    case 'bit_or':
      return wholeBits(from, type, (a, b) => a | b)
    case 'bit_xor':
      return wholeBits(from, type, (a, b) => a ^ b)
    case 'first':
    case 'first_value':
    case 'arbitrary':
      return { over: (values) => values[0] ?? null }
    case 'last':
    case 'last_value':
      return { over: (values) => values.at(-1) ?? null }
    case 'any_value':
      return skipping(([value]) => value!)
    case 'string_agg':
    case 'group_concat':
    case 'listagg': {
      const by = of.length === 1 ? ',' : of[1]!.constant?.value
      if (from !== 'VARCHAR' || typeof by !== 'string' || of.length > 2) return undefined
      return skipping((values) => (values as string[]).join(by))
    }
    case 'arg_min':
    case 'argmin':
    case 'min_by':
      return picking(of, -1)
    case 'arg_max':
    case 'argmax':
    case 'max_by':
      return picking(of, 1)
    default:
      return undefined
  }
}

function present(values: readonly Datum[]): Exclude<Datum, null>[] {
  return values.includes(null) ? values.filter((value) => value !== null) : (values as Exclude<Datum, null>[])
}

/** A fold that leaves NULLs out, and is NULL over nothing. */
function skipping(fold: (values: Exclude<Datum, null>[]) => Datum): Fold {
  return {
    over(all) {
      const values = present(all)
      return values.length === 0 ? null : fold(values)
    },
  }
}

function sum(fit: (value: bigint) => bigint): Fold {
  return skipping((values) => {
    let sum = 0n
    for (const value of values) sum += value as bigint
    return fit(sum)
  })
}

function total(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

function wholeBits(from: string, type: string, by: (a: bigint, b: bigint) => bigint): Fold | undefined {
  if (!isInteger(from) || from !== type) return undefined
  return skipping((values) => (values as bigint[]).reduce(by))
}

/** The value beside the least or greatest; of several the first in the order. */
function picking(of: Built[], sign: number): Fold | undefined {
  const compare = of.length === 2 ? comparing(of[1]!.type) : undefined
  if (!compare) return undefined
  return {
    beside(tuples) {
      let best: readonly Datum[] | undefined
      for (const tuple of tuples) {
        if (tuple[0] === null || tuple[1] === null) continue
        if (!best || sign * compare(tuple[1]!, best[1]!) > 0) best = tuple
      }
      return best?.[0] ?? null
    },
  }
}

/**
 * DuckDB divides the sum by the count in `long double` (of small types in `double`): a quotient of 64 bits, then rounded
 * to 53.
 */
function average(from: string): Fold {
  const scale = scaleOf(from)
  const small = isDecimal(from) ? decimalOf(from)[0] <= 4 : /^U?(TINYINT|SMALLINT)$/.test(from)
  return skipping((values) => {
    let sum = 0n
    for (const value of values) sum += value as bigint
    const divisor = BigInt(values.length) * tenTo(scale)
    return small ? Number(sum) / Number(divisor) : longQuotient(sum, divisor)
  })
}

const bits = (value: bigint): number => value.toString(2).length

/** To the nearest, of two the even, with so many bits. */
function shortened(value: bigint, keep: number): { digits: bigint; exponent: number } {
  const drop = bits(value) - keep
  if (drop <= 0) return { digits: value, exponent: 0 }
  const half = 1n << BigInt(drop - 1)
  const rest = value & ((1n << BigInt(drop)) - 1n)
  let digits = value >> BigInt(drop)
  if (rest > half || (rest === half && (digits & 1n) === 1n)) digits += 1n
  return { digits, exponent: drop }
}

export function longQuotient(dividend: bigint, divisor: bigint): number {
  if (dividend === 0n) return 0
  const { digits, exponent } = shortened(dividend < 0n ? -dividend : dividend, 64)
  const by = shortened(divisor, 64)
  // Enough bits for 64 and one that says whether anything is left.
  const shift = BigInt(Math.max(0, 130 + bits(by.digits) - bits(digits)))
  const raised = digits << shift
  const quotient = ((raised / by.digits) << 1n) | (raised % by.digits === 0n ? 0n : 1n)
  const long = shortened(quotient, 64)
  const value = Number(long.digits) * 2 ** (long.exponent - 1 - Number(shift) + exponent - by.exponent)
  return dividend < 0n ? -value : value
}

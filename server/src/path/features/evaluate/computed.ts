// A part of an expression, built: a function of one row, with its type.
import type { Expression } from '../syntax.ts'
import { casting } from './casts.ts'
import type { Datum } from './datum.ts'
import { Unsure } from './datum.ts'

/** A row: an event's values, or those of a feature's aggregates. `asOf` is the time that `as_of` stands for. */
export type Compute = (row: readonly Datum[], asOf: bigint) => Datum

export interface Built {
  type: string
  of: Compute
  /** Its value, when it reads no row. */
  constant?: { value: Datum }
}

/** An expression that this engine does not compute, with the reason. */
export class NotEvaluable extends Error {}

export interface Places {
  /** DuckDB's type of a part. */
  typeOf(node: Expression): string
  /** The type in which DuckDB compares or chooses among the operands of a part. */
  commonOf(node: Expression): string
  /** Where a row has a column, or undefined. */
  place(column: string): number | undefined
  /** Where a row has the value of an aggregate. */
  aggregate(call: Extract<Expression, { is: 'call' }>): number | undefined
}

export function constant(type: string, value: Datum): Built {
  return { type, of: () => value, constant: { value } }
}

/** A part cast to a type, NULL staying NULL. */
export function to(built: Built, type: string): Compute {
  if (built.type === type || built.type === 'NULL') return built.of
  const cast = casting(built.type, type)
  if (!cast) throw new NotEvaluable(`a cast of ${built.type} to ${type}`)
  if (built.constant) {
    const { value } = built.constant
    try {
      const converted = value === null ? null : cast(value)
      return () => converted
    } catch (error) {
      if (error instanceof Unsure) throw new NotEvaluable(`a constant: ${error.message}`)
      throw error
    }
  }
  const { of } = built
  return (row, asOf) => {
    const value = of(row, asOf)
    return value === null ? null : cast(value)
  }
}

type Known = Exclude<Datum, null>

/** A function that is NULL where an argument is. */
export function strict(of: readonly Compute[], compute: (...values: never[]) => Datum): Compute {
  const call = compute as unknown as (...values: Known[]) => Datum
  const [a, b] = of
  if (of.length === 1) {
    return (row, asOf) => {
      const x = a!(row, asOf)
      return x === null ? null : call(x)
    }
  }
  if (of.length === 2) {
    return (row, asOf) => {
      const x = a!(row, asOf)
      const y = b!(row, asOf)
      return x === null || y === null ? null : call(x, y)
    }
  }
  return (row, asOf) => {
    const values: Known[] = []
    for (const each of of) {
      const value = each(row, asOf)
      if (value === null) return null
      values.push(value)
    }
    return call(...values)
  }
}

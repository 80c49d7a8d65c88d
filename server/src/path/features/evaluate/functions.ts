// Functions of one row's values, each for the types that it is listed with.
import type { Built, Compute } from './computed.ts'
import { arithmetic, numeric } from './numbers.ts'
import { textFunction } from './texts.ts'
import { timeFunction } from './time-functions.ts'

/** A function by its name, over arguments of these types, with DuckDB's type for the result; undefined: not on the list. */
export function functionNamed(name: string, of: Built[], type: string): Compute | undefined {
  return (
    arithmetic(name, of, type) ??
    numeric(name, of, type) ??
    textFunction(name, of, type) ??
    timeFunction(name, of, type)
  )
}

// Stored values as the API gives them.
import type { FeatureValue } from '@whence/sdk'
import { formatTime } from '../../record/time.ts'
import type { Column } from '../../store/columns.ts'
import type { Value } from './rows.ts'

/** Whole and decimal numbers as numbers where a double holds them exactly, else as text. */
export function outward(
  columns: readonly Column[],
  values: Readonly<Record<string, Value>>,
): Record<string, FeatureValue> {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, outwardValue(types.get(name) ?? '', value)]),
  )
}

/** As `outward`, one value of a type. */
export function outwardValue(type: string, value: Value): FeatureValue {
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) || BigInt(number) === value ? number : String(value)
  }
  if (typeof value === 'number') return type === 'TIMESTAMP' ? formatTime(value) : value
  if (typeof value === 'string' && type.startsWith('DECIMAL')) {
    const digits = value.length - Number(value.includes('.')) - Number(value.startsWith('-'))
    return digits <= 15 ? Number(value) : value
  }
  return value
}

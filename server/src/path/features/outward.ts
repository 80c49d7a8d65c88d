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
    Object.entries(values).map(([name, value]) => {
      const type = types.get(name) ?? ''
      if (typeof value === 'bigint') return [name, BigInt(Number(value)) === value ? Number(value) : String(value)]
      if (type === 'TIMESTAMP' && typeof value === 'number') return [name, formatTime(value)]
      if (type.startsWith('DECIMAL') && typeof value === 'string') {
        return [name, value.replaceAll(/\D/g, '').length <= 15 ? Number(value) : value]
      }
      return [name, value]
    }),
  )
}

// A served value, read as the feature's type says: other stores and CSV files write the same value otherwise.
import type { FeatureValue } from '@whence/sdk'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'

/** The value in the form in which offline values come; one that cannot be read so stays as it is, and equals nothing. */
export function readAs(value: FeatureValue, type: string): FeatureValue {
  if (value === null || typeof value === 'boolean' || type === 'VARCHAR') {
    if (typeof value === 'boolean' && /^(BIGINT|DOUBLE|DECIMAL)/.test(type)) return value ? 1 : 0
    return value
  }
  if (type === 'BOOLEAN') {
    const text = String(value).toLowerCase()
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : value
  }
  if (type === 'TIMESTAMP') {
    const moment = typeof value === 'string' ? parseTime(value) : undefined
    return moment === undefined ? value : formatTime(moment)
  }
  if (typeof value === 'string' && /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/.test(value)) {
    const number = Number(value)
    // A numeral with more digits than a double holds stays text, as offline has it.
    return value.replaceAll(/\D/g, '').length <= 15 || type === 'DOUBLE' ? number : value
  }
  return value
}

/** How far two values lie apart: numbers by their difference, times in seconds. Undefined for anything else. */
export function deltaOf(served: FeatureValue, offline: FeatureValue): number | undefined {
  if (typeof served === 'number' && typeof offline === 'number') return served - offline
  if (typeof served !== 'string' || typeof offline !== 'string') return undefined
  const [a, b] = [parseTime(served), parseTime(offline)]
  return a === undefined || b === undefined ? undefined : (a - b) / 1_000_000
}

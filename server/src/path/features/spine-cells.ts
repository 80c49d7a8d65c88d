// What stands in the cells of a spine that comes as text.
import type { SpineColumns } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'

/** RFC 3339, also with a space for the T, or a day, which stands for its first moment in UTC. */
export function readAt(text: string): Micros | undefined {
  const trimmed = text.trim()
  if (/^\d{4}-\d\d-\d\d$/.test(trimmed)) return parseTime(`${trimmed}T00:00:00Z`)
  const zoned = trimmed.replace(/^(\d{4}-\d\d-\d\d) /, '$1T').replace(/([+-]\d\d)$/, '$1:00')
  return parseTime(zoned)
}

/** A number or true or false; null where nothing stands, undefined where something else does. */
export function readLabel(text: string): number | boolean | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  if (/^true$/i.test(trimmed)) return true
  if (/^false$/i.test(trimmed)) return false
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) return undefined
  const number = Number(trimmed)
  return Number.isFinite(number) ? number + 0 : undefined
}

/** A ledger position; null where nothing stands, undefined where something else does. */
export function readPosition(text: string): number | null | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return null
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : undefined
}

/** Where in a row the cells stand that are meant. */
export interface Places {
  who: { at: number; as: 'entity' | 'subject' }
  at: number
  label: number
  asOf: number | undefined
}

/** Finds the columns that are meant among those of a file. Throws `invalid`, saying which is missing or doubtful. */
export function placesIn(header: readonly string[], wanted: SpineColumns, label: string): Places {
  const place = (name: string): number | undefined => {
    const at = header.indexOf(name)
    if (at >= 0 && header.indexOf(name, at + 1) >= 0)
      throw new Fault('invalid', `two columns are called "${name}": which of them is meant?`)
    return at < 0 ? undefined : at
  }
  const named = (name: string, what: string): number => {
    const at = place(name)
    if (at === undefined) throw new Fault('invalid', `there is no column "${name}": say which holds ${what}`)
    return at
  }
  const who = (): Places['who'] => {
    if (wanted.entity !== undefined) return { at: named(wanted.entity, 'the identifier'), as: 'entity' }
    if (wanted.subject !== undefined) return { at: named(wanted.subject, 'the subject'), as: 'subject' }
    const subject = place('entity') === undefined ? place('subject') : undefined
    return subject === undefined
      ? { at: named('entity', 'the identifier'), as: 'entity' }
      : { at: subject, as: 'subject' }
  }
  return {
    who: who(),
    at: named(wanted.at ?? 'at', 'the time'),
    label: named(wanted.label ?? (place('label') === undefined ? label : 'label'), 'the label'),
    asOf: wanted.asOf === undefined ? undefined : named(wanted.asOf, 'the position'),
  }
}

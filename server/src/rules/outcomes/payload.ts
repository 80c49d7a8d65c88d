// Reading payloads of which nothing is certain: what is not there, or of another type, is left out.
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { readContent } from '../contracts/content.ts'
import { stable } from '../contracts/text.ts'
import { parseTime } from '../contracts/time.ts'
import type { Micros } from '../contracts/time.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Events in one request, at most: providers send a thousand. */
export const MOST_EVENTS = 10_000

/** The JSON of a text that stands in a payload, or of a body. Throws `invalid`. */
export function jsonOf(bytes: Uint8Array): unknown {
  const { value, problems } = readContent(bytes)
  if (value !== undefined) return value
  throw new Fault('invalid', `the body is not JSON: ${problems[0]?.message ?? 'it cannot be read'}`)
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

/** The items of an array; of anything else none. Throws `invalid` for more than can be meant. */
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return []
  if (value.length > MOST_EVENTS)
    throw new Fault('invalid', `the body holds ${value.length} events: more than ${MOST_EVENTS} cannot be meant`)
  return value
}

/** A text, or a number as text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined
}

/** Texts of a list, or the one text. */
export function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((item) => {
    const text = textOf(item)
    return text === undefined || text === '' ? [] : [text]
  })
}

/** Seconds since 1970, as a number or text; fractions count. */
export function unixTime(value: unknown): Micros | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return undefined
  const micros = Math.round(seconds * 1_000_000)
  // What the log can hold: the years 1700 to 2250.
  return micros > -8_520_000_000_000_000 && micros < 8_830_000_000_000_000 ? micros : undefined
}

/** A time in RFC 3339, or nearly: without a zone it is UTC, and more digits than microseconds do not count. */
export function statedTime(value: unknown): Micros | undefined {
  if (typeof value !== 'string') return undefined
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*([Zz]|[+-]\d\d:?\d\d)?$/.exec(value.trim())
  if (!match) return undefined
  const [, day, clock, fraction = '', zone = 'Z'] = match
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  return parseTime(`${day}T${clock}${fraction === '' ? '' : `.${fraction.slice(0, 6)}`}${offset.toUpperCase()}`)
}

/** The first of these fields that holds a text. */
export function firstOf(fields: Fields, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = textOf(fields[name])
    if (text !== undefined) return text
  }
  return undefined
}

/** The digest of what was told, whatever the order of its names. */
export function payloadDigest(value: unknown): string {
  return hash('sha256', stable(value))
}

/** Whether a mail server says, by its enhanced status (RFC 3463), that there is no such address. */
export function addressIsGone(response: string | undefined): boolean {
  return response !== undefined && /\b5\.1\.(?:[1236]|10)\b/.test(response)
}

/** What each of some words stands for; a word that is not among them for nothing, whatever it is called. */
export function meaning<T>(words: Readonly<Record<string, T>>): (word: string | undefined) => T | undefined {
  const known = new Map(Object.entries(words))
  return (word) => (word === undefined ? undefined : known.get(word))
}

// A row as a producer sends it, read by hand: a million of them are read by schema in a minute, so in ten seconds.
import { isStep } from '@whence/sdk'
import type { FeatureValue } from '@whence/sdk'
import type { Micros } from '../../../record/time.ts'
import { parseTime } from '../../../rules/contracts/time.ts'

export interface IncomingRow {
  id: string
  subject?: string
  entity?: string
  score: number
  at?: Micros
  decision?: string
  segments?: string[]
  campaign?: string
  creative?: string
  inputs?: Record<string, FeatureValue>
  reasons?: { feature: string; contribution: number }[]
  consequential?: boolean
}

export type ReadRow = { row: IncomingRow } | { problem: string }

const MOST_INPUTS = 10_000

/** Reads one row. Absent and null are the same; what is not known is refused, so that nothing is lost without a word. */
export function readRow(value: unknown): ReadRow {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'it is no object' }
  const row: Partial<IncomingRow> = {}
  for (const [name, given] of Object.entries(value as Record<string, unknown>)) {
    if (given === null || given === undefined) continue
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (!read) return { problem: `"${name.slice(0, 64)}" is no member of a row: ${Object.keys(readers).join(', ')}` }
    const problem = read(row, given)
    if (problem !== undefined) return { problem: `${name} ${problem}` }
  }
  if (row.id === undefined) return { problem: 'it has no id' }
  if (row.score === undefined) return { problem: 'it has no score' }
  if (row.subject === undefined && row.entity === undefined)
    return { problem: 'say whom it is about: "entity", or "subject"' }
  if (row.subject !== undefined && row.entity !== undefined)
    return { problem: 'say whom it is about once: "entity", or "subject"' }
  return { row: row as IncomingRow }
}

type Reader = (row: Partial<IncomingRow>, value: unknown) => string | undefined

const readers: Record<string, Reader> = {
  id(row, value) {
    if (!isText(value, 256) || isStep(value)) return 'is no text of 1 to 256 characters that can be asked for'
    row.id = value
  },
  subject(row, value) {
    if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) return 'is no subject id (32 hex digits)'
    row.subject = value
  },
  entity(row, value) {
    if (!isText(value, 512)) return 'is no text of 1 to 512 characters'
    row.entity = value
  },
  score(row, value) {
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'is no number'
    // −0 and 0 are one value in canonical JSON.
    row.score = value === 0 ? 0 : value
  },
  time(row, value) {
    const at = typeof value === 'string' ? parseTime(value) : undefined
    if (at === undefined) return 'is no RFC 3339 time with a zone'
    row.at = at
  },
  decision(row, value) {
    if (!isText(value, 200)) return 'is no text of 1 to 200 characters'
    row.decision = value
  },
  segments(row, value) {
    if (!Array.isArray(value) || value.length > 100 || !value.every((each) => isText(each, 200)))
      return 'are no list of at most 100 texts'
    if (value.length > 0) row.segments = value
  },
  consequential(row, value) {
    if (typeof value !== 'boolean') return 'is neither true nor false'
    row.consequential = value
  },
  about(row, value) {
    if (typeof value !== 'object' || Array.isArray(value)) return 'is no object'
    for (const [name, given] of Object.entries(value as object)) {
      if (given === null) continue
      if (name !== 'campaign' && name !== 'creative')
        return `has "${name.slice(0, 64)}": campaign and creative are known`
      if (!isText(given, 1000)) return `.${name} is no text of 1 to 1,000 characters`
      row[name] = given
    }
  },
  inputs(row, value) {
    if (typeof value !== 'object' || Array.isArray(value)) return 'are no object'
    const entries = Object.entries(value as object)
    if (entries.length > MOST_INPUTS) return `are more than ${MOST_INPUTS}`
    const inputs: Record<string, FeatureValue> = {}
    for (const [name, given] of entries) {
      if (name === '__proto__' || !isText(name, 512)) return 'have a name that cannot be kept'
      if (typeof given === 'string' ? !isHeld(given) : !isPlain(given)) return `.${name.slice(0, 64)} is no value`
      inputs[name] = given as FeatureValue
    }
    row.inputs = inputs
  },
  reasons(row, value) {
    if (!Array.isArray(value) || value.length > MOST_INPUTS) return 'are no list'
    const reasons: IncomingRow['reasons'] = []
    for (const each of value as ({ feature?: unknown; contribution?: unknown } | null)[]) {
      const { feature, contribution } = each ?? {}
      if (!isText(feature, 512) || typeof contribution !== 'number' || !Number.isFinite(contribution))
        return 'are no list of {feature, contribution}'
      reasons.push({ feature, contribution })
    }
    row.reasons = reasons
  },
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= most && isHeld(value)
}

/** What every part of the server can hold: no NUL, no half of a character. */
function isHeld(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

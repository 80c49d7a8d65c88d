// What an event says about itself: its id, subject, times and references, read from the fields that have these roles.
import type { Field, Roles, TimeField } from './roles.ts'
import { references } from './roles.ts'
import { quote } from './text.ts'
import { explainTime, isTime, parseTime } from './time.ts'
import type { Micros } from './time.ts'
import { worse } from './violation.ts'
import type { Action, Findings, Rule } from './violation.ts'

/**
 * What an event says about itself. A part that is absent or unreadable is left out (and its rule broken). `known` says
 * by which clock it counts as known; it falls back to `recorded` where its own time is unreadable.
 */
export interface Extracted {
  id?: string
  sequence?: number
  time?: Micros
  known: { clock: 'recorded' } | { clock: 'eventTime' | 'field'; at: Micros }
  subject?: string
  campaign?: string
  creative?: string
  audience?: string
  platform?: string
  consent?: boolean | string
}

/** Identifiers are at most this many bytes of UTF-8. */
export const longestIdentifier = 512

/** Reads a field of a parsed event, undefined where anything on the way is missing. */
export function reader({ path }: { readonly path: readonly string[] }): (value: unknown) => unknown {
  const inherited = path.some((key) => key in Object.prototype)
  const [first] = path
  if (path.length === 1 && first !== undefined && !inherited) {
    return (value) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[first] : undefined
  }
  return (value) => {
    let found = value
    for (const key of path) {
      if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
      found = (found as Record<string, unknown>)[key]
    }
    return found
  }
}

/** An id, subject or reference as text, or undefined: strings as they are, integers in decimal. */
function identifier(value: unknown): string | undefined {
  if (typeof value === 'string') return identifierFault(value) === undefined ? value : undefined
  return Number.isSafeInteger(value) ? String(value) : undefined
}

/** Why a value identifies nothing, without quoting it. */
function identifierFault(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'is missing'
  if (typeof value !== 'string') {
    return Number.isSafeInteger(value) ? undefined : 'is neither a string nor an integer that is exact'
  }
  if (value === '') return 'is empty'
  if (
    value.length > longestIdentifier ||
    (value.length * 3 > longestIdentifier && Buffer.byteLength(value) > longestIdentifier)
  ) {
    return `is longer than ${longestIdentifier} bytes`
  }
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code < 32 || code === 127) return 'holds a control character'
  }
  return value.isWellFormed() ? undefined : 'holds a lone surrogate, which no UTF-8 text can'
}

function timeReader(field: TimeField): (value: unknown) => Micros | undefined {
  const read = reader(field)
  const { unit, since = 0 } = field
  if (unit === undefined) {
    return (value) => {
      const found = read(value)
      return typeof found === 'string' ? parseTime(found) : undefined
    }
  }
  return (value) => {
    const found = read(value)
    if (typeof found !== 'number') return undefined
    const micros = since + Math.round(found * unit)
    return Number.isSafeInteger(micros) ? micros : undefined
  }
}

/** Compiles the roles into the reading of an event. */
export function compileExtract(roles: Roles): (value: unknown) => Extracted {
  const identify = (field: Field) => {
    const read = reader(field)
    return (value: unknown) => identifier(read(value))
  }
  const id = roles.eventId && identify(roles.eventId)
  const subject = roles.subject && identify(roles.subject)
  const sequence = roles.sequence && reader(roles.sequence)
  const time = roles.eventTime && timeReader(roles.eventTime)
  const consent = roles.consent && reader(roles.consent)
  const { knownAt } = roles
  const known = knownAt.clock === 'field' ? timeReader(knownAt.field) : undefined
  const named = references.flatMap((name) => (roles[name] ? [{ name, read: identify(roles[name]) }] : []))
  return (value) => {
    const extracted: Extracted = { known: { clock: 'recorded' } }
    const ownId = id?.(value)
    if (ownId !== undefined) extracted.id = ownId
    const number = sequence?.(value)
    if (Number.isSafeInteger(number)) extracted.sequence = number as number
    const at = time?.(value)
    if (at !== undefined) {
      extracted.time = at
      if (knownAt.clock === 'eventTime') extracted.known = { clock: 'eventTime', at }
    }
    const knownTime = known?.(value)
    if (knownTime !== undefined) extracted.known = { clock: 'field', at: knownTime }
    const who = subject?.(value)
    if (who !== undefined) extracted.subject = who
    for (const { name, read } of named) {
      const reference = read(value)
      if (reference !== undefined) extracted[name] = reference
    }
    const said = consent?.(value)
    if (typeof said === 'boolean' || typeof said === 'string') extracted.consent = said
    return extracted
  }
}

/**
 * Compiles the rules that an event must satisfy to have an identity. Without one it cannot be sealed, told apart or
 * placed in time, so these rules quarantine at least, whatever `onViolation` says. A reference that cannot be named on
 * the record is flagged.
 */
export function compileIdentity(
  roles: Roles,
  onViolation: Action,
  rules: Rule[],
): (value: unknown, findings: Findings) => void {
  const outcome = worse('quarantine', onViolation)
  const checks: ((value: unknown, findings: Findings) => void)[] = []
  const identify = (id: string, field: Field | undefined, noun: string) => {
    if (!field) return
    const report = reporter(id, field, 'Required-Missing', outcome, rules)
    const read = reader(field)
    checks.push((value, findings) => {
      const found = read(value)
      const fault = identifierFault(found)
      if (fault !== undefined) report(findings, found, `the ${noun} ${fault}`)
    })
  }
  const placeInTime = (id: string, field: TimeField | undefined, noun: string) => {
    if (!field) return
    const report = reporter(id, field, 'Required-Missing', outcome, rules)
    const read = reader(field)
    const readTime = timeReader(field)
    checks.push((value, findings) => {
      if (readTime(value) !== undefined) return
      const found = read(value)
      report(findings, found, `the ${noun} ${timeFault(found, field)}`)
    })
  }
  identify('subject', roles.subject, 'subject')
  identify('event_id', roles.eventId, 'event id')
  placeInTime('event_time', roles.eventTime, 'event time')
  if (roles.knownAt.clock === 'field') placeInTime('known_at', roles.knownAt.field, 'time when it was known')
  for (const name of references) {
    const field = roles[name]
    if (!field) continue
    const report = reporter(name, field, 'Length-Violation', 'flag', rules)
    const read = reader(field)
    checks.push((value, findings) => {
      const found = read(value)
      if (found === undefined || found === null) return
      const fault = identifierFault(found)
      if (fault !== undefined) report(findings, found, `the ${name} ${fault} and cannot be named on the record`)
    })
  }
  return (value, findings) => {
    for (const check of checks) check(value, findings)
  }
}

/** A rule about a role. What is there but unreadable is called by another type than what is missing. */
function reporter(id: string, field: Field, type: Rule['type'], outcome: Action, rules: Rule[]) {
  const rule: Rule = { id, keyword: id, path: field.pointer, type, outcome }
  rules.push(rule)
  const unreadable: Rule = type === 'Required-Missing' ? { ...rule, type: 'Datatype-Mismatch' } : rule
  return (findings: Findings, found: unknown, message: string) => {
    findings.add(found === undefined || found === null ? rule : unreadable, field.pointer, () => message)
  }
}

function timeFault(found: unknown, field: TimeField): string {
  if (found === undefined || found === null) return 'is missing'
  const shown = field.personal ? 'it' : quote(found)
  const range = `lies outside of the years 1684 to 2255: ${shown}`
  if (field.unit !== undefined) return typeof found === 'number' ? range : `is no number: ${shown}`
  if (typeof found !== 'string') return `is no string: ${shown}`
  if (isTime(found)) return range
  return field.personal ? 'is no time' : `cannot be read from ${shown}: ${explainTime(found)}`
}

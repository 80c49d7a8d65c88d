// Is the version of a changed contract honest? As in SchemaVer, what changed decides which number must rise.
import { Fault } from '../../fault.ts'
import type { Contract, Property } from './contract.ts'
import { dotted } from './property.ts'
import { stable } from './text.ts'

/** How far a change reaches: `major` may refuse events that passed or change what a reader finds. */
export type Bump = 'none' | 'patch' | 'minor' | 'major'

/** One difference between two contracts: `{bump: 'major', what: 'time was removed'}`. */
export interface Change {
  bump: Exclude<Bump, 'none'>
  what: string
}

const order: Record<Bump, number> = { none: 0, patch: 1, minor: 2, major: 3 }
const strictness = { pass: 0, flag: 1, quarantine: 2, drop: 3 }

/**
 * The differences that decide over the version. Major: a property removed, retyped, newly required, more tightly
 * constrained or judged more strictly, and another meaning of a field. Minor: a property added, a constraint or a
 * judgement relaxed. Patch: words.
 */
export function changes(old: Contract, now: Contract): Change[] {
  if (old.digest === now.digest) return []
  const found: Change[] = []
  const major = (what: string) => found.push({ bump: 'major', what })
  if (old.stream !== now.stream) major(`the stream was ${old.stream} and is ${now.stream}`)
  if (old.id !== now.id) major(`the id was ${old.id} and is ${now.id}`)
  const roles = new Set([...Object.keys(old.roles), ...Object.keys(now.roles)]) as Set<keyof Contract['roles']>
  for (const role of roles) {
    const [before, after] = [old.roles[role], now.roles[role]]
    if (stable(before) === stable(after)) continue
    const optional = role !== 'subject' && role !== 'eventId' && role !== 'eventTime' && role !== 'subjectType'
    if (before === undefined && optional) found.push({ bump: 'minor', what: `${role} is new` })
    else major(`${role} changed`)
  }
  compareOutcome('additionalProperties', old.additionalProperties, now.additionalProperties, found)
  compareOutcome('onViolation', old.onViolation, now.onViolation, found)
  compareLists(old.properties, now.properties, found)
  if (stable(old.upstream) !== stable(now.upstream)) found.push({ bump: 'minor', what: 'upstream changed' })
  if (old.retentionDays !== now.retentionDays) found.push({ bump: 'minor', what: 'retention changed' })
  if (found.length === 0) found.push({ bump: 'patch', what: 'only words changed' })
  return found
}

function compareOutcome(
  what: string,
  old: keyof typeof strictness,
  now: keyof typeof strictness,
  found: Change[],
): void {
  if (old === now) return
  const bump = strictness[now] > strictness[old] ? 'major' : 'minor'
  found.push({ bump, what: `${what} went from ${old} to ${now}` })
}

function compareLists(old: readonly Property[] = [], now: readonly Property[] = [], found: Change[]): void {
  const after = new Map(now.map((property) => [property.path.at(-1), property]))
  for (const property of old) {
    const name = dotted(property.path)
    const successor = after.get(property.path.at(-1))
    after.delete(property.path.at(-1))
    if (successor) compareProperty(property, successor, found)
    else found.push({ bump: 'major', what: `${name} was removed` })
  }
  for (const property of after.values()) {
    const name = dotted(property.path)
    if (property.required) found.push({ bump: 'major', what: `${name} is new and required` })
    else found.push({ bump: 'minor', what: `${name} is new` })
  }
}

function compareProperty(old: Property, now: Property, found: Change[]): void {
  const name = dotted(now.path)
  const major = (what: string) => found.push({ bump: 'major', what: `${name} ${what}` })
  const minor = (what: string) => found.push({ bump: 'minor', what: `${name} ${what}` })
  if (old.logicalType !== now.logicalType) return void major(`was ${old.logicalType} and is ${now.logicalType}`)
  if (!old.required && now.required) major('became required')
  if (old.required && !now.required) minor('became optional')
  if (old.personal !== now.personal) major(now.personal ? 'became personal' : 'is no longer personal')
  if (old.column !== now.column) major(`moved from column ${old.column} to ${now.column}`)
  if (stable(old.decimal) !== stable(now.decimal)) major('has other decimal digits')
  compareOutcome(`${name}.onViolation`, old.onViolation, now.onViolation, found)
  compareOptions(old, now, major, minor)
  if (old.items && now.items) compareProperty(old.items, now.items, found)
  else if (old.items || now.items)
    (now.items ? major : minor)(now.items ? 'now says what its items are' : 'takes any items')
  if (old.properties && now.properties) compareLists(old.properties, now.properties, found)
  else if (old.properties || now.properties)
    major(now.properties ? 'now names its properties' : 'no longer names its properties')
}

type Note = (what: string) => unknown

/** A limit that rises relaxes (`maximum`) or tightens (`minimum`); any other change of a constraint may refuse. */
function compareOptions({ options: old }: Property, { options: now }: Property, major: Note, minor: Note): void {
  const keys = new Set([...Object.keys(old), ...Object.keys(now)]) as Set<keyof Property['options']>
  for (const key of keys) {
    const [before, after] = [old[key], now[key]]
    if (key === 'required' || stable(before) === stable(after)) continue
    if (after === undefined || after === false) minor(`lost its ${key}`)
    else if (before === undefined) major(`gained ${key}`)
    else if (relaxes(key, before, after)) minor(`allows more by its ${key}`)
    else major(`may refuse more by its ${key}`)
  }
}

function relaxes(key: string, before: unknown, after: unknown): boolean {
  if (Array.isArray(before) && Array.isArray(after)) return before.every((value) => after.includes(value))
  if (typeof before !== 'number' || typeof after !== 'number') return false
  if (/^(max|exclusiveMax)/.test(key)) return after > before
  if (/^(min|exclusiveMin)/.test(key)) return after < before
  return false
}

/** The number that must rise from one contract to the next: `bump(old, now)` is `'major'` after a property is removed. */
export function bump(old: Contract, now: Contract): Bump {
  return changes(old, now).reduce<Bump>((most, { bump: one }) => (order[one] > order[most] ? one : most), 'none')
}

/**
 * Refuses a contract whose version does not say what changed (`conflict`, with the version to declare); returns the
 * bump that the changes need. More than that may be declared. Below 1.0.0 a minor version may break, as usual.
 *
 * `checkVersion(at('1.0.0'), without('time', '1.0.1'))` throws: `time was removed: declare 2.0.0, not 1.0.1`
 */
export function checkVersion(old: Contract, now: Contract): Bump {
  const found = changes(old, now)
  const needed = bump(old, now)
  if (needed === 'none') return 'none'
  const before = numbers(old.version)
  const after = numbers(now.version)
  const place = after.findIndex((number, at) => number !== before[at])
  const name = `${now.id}@${now.version}`
  const next = nextVersion(before, needed)
  const refuse = (why: string) => new Fault('conflict', `${name}: ${why}: declare ${next}`)
  if (place < 0) throw refuse('this version is taken by other content')
  if ((after[place] as number) < (before[place] as number)) throw refuse(`a version before the newest, ${old.version}`)
  const declared: Bump = place === 0 ? 'major' : place === 1 ? 'minor' : 'patch'
  const breaksFreely = before[0] === 0 && declared === 'minor'
  if (order[declared] < order[needed] && !breaksFreely) {
    const reasons = found.filter((change) => change.bump === needed).map(({ what }) => what)
    const more = reasons.length > 3 ? ` and ${reasons.length - 3} more` : ''
    throw refuse(`${reasons.slice(0, 3).join(', ')}${more}, which is a ${needed} change and not a ${declared} one`)
  }
  return needed
}

function numbers(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  return [major, minor, patch]
}

function nextVersion([major, minor, patch]: [number, number, number], needed: Bump): string {
  if (needed === 'patch') return `${major}.${minor}.${patch + 1}`
  if (needed === 'minor' || major === 0) return `${major}.${minor + 1}.0`
  return `${major + 1}.0.0`
}

// Which fields of an event say who, when and under which id: the contract's `whence` section, resolved.
import type { Route, SourceDocument } from './document.ts'
import type { LogicalType, Section } from './odcs.ts'
import { dotted, pointer, withNested } from './property.ts'
import type { Property } from './property.ts'
import { parseTime } from './time.ts'
import type { Micros } from './time.ts'

/** A field that a role names. */
export interface Field {
  readonly path: readonly string[]
  readonly pointer: string
  readonly logicalType: LogicalType
  readonly personal: boolean
}

/** When it happened: a timestamp field, or a number of units since an instant. */
export interface TimeField extends Field {
  readonly since?: Micros
  /** Microseconds in one unit, for a time that is a number. */
  readonly unit?: number
}

/** Which clock says what was known when; anything but `recorded` is the producer's word. */
export type KnownAt =
  | { readonly clock: 'recorded' }
  | { readonly clock: 'eventTime' }
  | { readonly clock: 'field'; readonly field: TimeField }

export const references = ['campaign', 'creative', 'audience', 'platform'] as const

/** The fields of a contract's stream by what they mean. Without `eventId`, the place at the door is the id. */
export interface Roles {
  readonly eventId?: Field
  readonly sequence?: Field
  readonly eventTime?: TimeField
  readonly knownAt: KnownAt
  readonly subject?: Field
  readonly subjectType: string
  readonly campaign?: Field
  readonly creative?: Field
  readonly audience?: Field
  readonly platform?: Field
  readonly consent?: Field
}

const unitMicros = {
  millisecond: 1000,
  second: 1_000_000,
  minute: 60_000_000,
  hour: 3_600_000_000,
  day: 86_400_000_000,
}

/** Resolves the roles of a section against the properties; notes problems in the document. */
export function readRoles(
  document: SourceDocument,
  section: Section,
  route: Route,
  properties: readonly Property[],
): Roles {
  const find = (role: string, name: string, types: readonly LogicalType[], at: Route = [...route, role]) =>
    resolve(document, properties, { role, name, types, at })
  const optional = (
    role: 'eventId' | 'sequence' | 'subject' | 'consent' | (typeof references)[number],
    types: LogicalType[],
  ) => {
    const name = section[role]
    const property = name === undefined ? undefined : find(role, name, types)
    if (property?.personal && (references as readonly string[]).includes(role)) {
      document.problem([...route, role], `${name} is personal; ${role} stands readable on the ledger and cannot be`)
    }
    return property && { [role]: fieldOf(property) }
  }
  const name = ['string', 'integer'] satisfies LogicalType[]
  const eventTime = readEventTime(document, section, route, find)
  return {
    ...optional('eventId', name),
    ...optional('sequence', ['integer']),
    ...(eventTime && { eventTime }),
    knownAt: readKnownAt(document, section, route, find),
    ...optional('subject', name),
    subjectType: section.subjectType,
    ...optional('campaign', name),
    ...optional('creative', name),
    ...optional('audience', name),
    ...optional('platform', name),
    ...optional('consent', ['boolean', 'string']),
  }
}

type Find = (role: string, name: string, types: readonly LogicalType[], at?: Route) => Property | undefined

function readEventTime(document: SourceDocument, section: Section, route: Route, find: Find): TimeField | undefined {
  const given = section.eventTime
  if (given === undefined) return undefined
  if (typeof given === 'string') {
    const property = find('eventTime', given, ['timestamp'])
    return property && fieldOf(property)
  }
  const since = parseTime(given.since)
  const at = [...route, 'eventTime']
  if (since === undefined) document.problem([...at, 'since'], 'since takes a time like 2018-07-01T00:00:00Z')
  const property = find('eventTime', given.field, ['integer', 'number'], [...at, 'field'])
  return property && { ...fieldOf(property), since: since ?? 0, unit: unitMicros[given.unit] }
}

function readKnownAt(document: SourceDocument, section: Section, route: Route, find: Find): KnownAt {
  if (section.knownAt === 'recorded') return { clock: 'recorded' }
  if (section.knownAt === 'eventTime') {
    if (section.eventTime === undefined)
      document.problem([...route, 'knownAt'], 'knownAt: eventTime needs an eventTime')
    return { clock: 'eventTime' }
  }
  const property = find('knownAt', section.knownAt, ['timestamp'])
  return property ? { clock: 'field', field: fieldOf(property) } : { clock: 'recorded' }
}

function fieldOf({ path, logicalType, personal }: Property): Field {
  return { path, pointer: pointer(path), logicalType, personal }
}

interface Wanted {
  role: string
  name: string
  types: readonly LogicalType[]
  at: Route
}

/** Finds a field by its dotted name (`value.offer id`) or its JSON pointer (`/value/offer id`). */
export function resolve(
  document: SourceDocument,
  properties: readonly Property[],
  wanted: Wanted,
): Property | undefined {
  const { role, name, types, at } = wanted
  const all = withNested(properties)
  const found = all.filter(({ path }) => (name.startsWith('/') ? pointer(path) === name : path.join('.') === name))
  const [property] = found
  if (!property) {
    const near = nearest(
      name,
      all.map(({ path }) => path.join('.')),
    )
    document.problem(at, `${role} names "${name}", which is no property${near ? `; did you mean "${near}"?` : ''}`)
    return undefined
  }
  if (found.length > 1) {
    const choices = found.map(({ path }) => pointer(path)).join(' or ')
    document.problem(at, `${role} names "${name}", which could be more than one property; write ${choices}`)
  }
  if (!types.includes(property.logicalType)) {
    const hint = role === 'eventTime' && types.includes('timestamp') && /integer|number/.test(property.logicalType)
    document.problem(
      at,
      `${role} takes a property of type ${types.join(' or ')}, and ${dotted(property.path)} is ${property.logicalType}` +
        (hint ? '; for a time that is a number write {field, unit, since}' : ''),
    )
    return undefined
  }
  return property
}

/** The name that differs from a mistyped one by two letters at most. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((other) => ({ other, distance: editDistance(name, other) }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= 2 ? best.other : undefined
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j++) {
      const replaced = (row[j] as number) + (one[i] === other[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}

// The properties of a contract after everything was said once: defaults filled in, names settled, constraints typed.
import type { Route, SourceDocument } from './document.ts'
import { readOverride } from './odcs.ts'
import type { LogicalType, Options, SourceProperty } from './odcs.ts'
import { compilePattern } from './pattern.ts'
import { isDate, isTime } from './time.ts'
import type { Action } from './violation.ts'

/** One property of the event. Objects have `properties` unless they are free, arrays have `items` unless they are. */
export interface Property {
  /** The keys that lead to it; `*` for the items of an array. */
  readonly path: readonly string[]
  readonly logicalType: LogicalType
  /** Digits in all and behind the point, of a number whose physical type is a decimal. */
  readonly decimal?: { readonly precision: number; readonly scale: number }
  readonly required: boolean
  /** Classified personal, itself or by an object around it. */
  readonly personal: boolean
  readonly column: string
  readonly options: Options
  readonly onViolation: Action
  readonly properties?: readonly Property[]
  readonly items?: Property
  /** Where it stands in the file. */
  readonly route: Route
}

/** A JSON pointer (RFC 6901): `pointer(['value', 'a/b'])` is `'/value/a~1b'`. */
export function pointer(path: readonly string[]): string {
  return path.map((key) => `/${escapeKey(key)}`).join('')
}

export function escapeKey(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

/** How a rule and a message name a property: `value.amount`, `tags[]`, `"a.b"`. */
export function dotted(path: readonly string[]): string {
  let name = ''
  for (const key of path) {
    if (key === '*') name += '[]'
    else name += `${name === '' ? '' : '.'}${/^[\w -]+$/.test(key) ? key : JSON.stringify(key)}`
  }
  return name
}

/** The properties and those nested in them; not those of array items. */
export function withNested(properties: readonly Property[]): Property[] {
  return properties.flatMap((property) => [property, ...withNested(property.properties ?? [])])
}

interface Around {
  path: readonly string[]
  personal: boolean
  onViolation: Action
  column: string
}

/** Reads the properties of an object; notes problems in the document. */
export function readProperties(
  document: SourceDocument,
  sources: readonly SourceProperty[],
  route: Route,
  around: Around,
): Property[] {
  const names = new Set<string>()
  return sources.map((source, place) => {
    const own = [...route, place]
    const name = source.name ?? ''
    if (name === '') document.problem(own, 'name is missing')
    if (name === '*') document.problem(own, '* stands for the items of an array; give the property another name')
    if (names.has(name)) document.problem([...own, 'name'], `${name} is described twice; keep one`)
    names.add(name)
    return readProperty(document, source, own, { ...around, path: [...around.path, name] })
  })
}

function readProperty(document: SourceDocument, source: SourceProperty, route: Route, around: Around): Property {
  const { path } = around
  const onViolation = readOverride(document, source, route).onViolation ?? around.onViolation
  const personal = around.personal || source.classification === 'personal'
  const column = columnName(document, source, route, around)
  const options = source.logicalTypeOptions ?? {}
  const within = { path, personal, onViolation, column }
  checkOptions(document, source, route)
  const decimal = readDecimal(document, source, route)
  const mustHave = new Set(options.required)
  const properties =
    source.properties &&
    readProperties(document, source.properties, [...route, 'properties'], within).map((property) => {
      const name = property.path.at(-1) as string
      return mustHave.delete(name) ? { ...property, required: true } : property
    })
  for (const name of mustHave) {
    document.problem([...route, 'logicalTypeOptions', 'required'], `${name} is required but not among the properties`)
  }
  const items =
    source.items && readProperty(document, source.items, [...route, 'items'], { ...within, path: [...path, '*'] })
  return {
    path,
    logicalType: source.logicalType,
    ...(decimal && { decimal }),
    required: source.required ?? false,
    personal,
    column,
    options,
    onViolation,
    ...(properties && { properties }),
    ...(items && { items }),
    route,
  }
}

function columnName(document: SourceDocument, source: SourceProperty, route: Route, around: Around): string {
  const given = source.physicalName
  if (given !== undefined) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(given)) {
      document.problem([...route, 'physicalName'], 'physicalName is a column: letters, digits and "_", at most 63')
    }
    return given
  }
  const own = (source.name ?? 'items').toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_')
  const name = around.column === '' ? own : `${around.column}_${own}`
  return /^\d/.test(name) ? `_${name}` : name
}

function readDecimal(document: SourceDocument, source: SourceProperty, route: Route): Property['decimal'] {
  if (source.logicalType !== 'number' || !/^\s*(decimal|numeric)/i.test(source.physicalType ?? '')) return undefined
  const digits = /^\s*(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*$/i.exec(source.physicalType ?? '')
  const precision = Number(digits?.[1])
  const scale = Number(digits?.[2] ?? 0)
  if (!digits || precision < 1 || precision > 38 || scale > precision) {
    document.problem([...route, 'physicalType'], 'a decimal says its digits, at most 38 in all: decimal(12,2)')
  }
  return { precision, scale }
}

const readers: Partial<Record<LogicalType, { is: (value: unknown) => boolean; a: string }>> = {
  string: { is: (value) => typeof value === 'string', a: 'text' },
  integer: { is: Number.isSafeInteger, a: 'whole numbers' },
  number: { is: Number.isFinite, a: 'numbers' },
  boolean: { is: (value) => typeof value === 'boolean', a: 'true or false' },
  timestamp: { is: (value) => typeof value === 'string' && isTime(value), a: 'times like 2026-03-20T10:00:00Z' },
  date: { is: (value) => typeof value === 'string' && isDate(value), a: 'dates like 2026-03-20' },
  time: { is: (value) => typeof value === 'string', a: 'times of day' },
}

function checkOptions(document: SourceDocument, source: SourceProperty, route: Route): void {
  const options = source.logicalTypeOptions ?? {}
  const at = (key: string) => [...route, 'logicalTypeOptions', key]
  const reader = readers[source.logicalType]
  for (const [place, value] of (options.enum ?? []).entries()) {
    if (!reader?.is(value))
      document.problem([...at('enum'), place], `enum of this ${source.logicalType} takes ${reader?.a}`)
  }
  for (const key of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const) {
    if (options[key] !== undefined && !reader?.is(options[key])) document.problem(at(key), `${key} takes ${reader?.a}`)
  }
  for (const [low, high] of [
    ['minimum', 'maximum'],
    ['minLength', 'maxLength'],
    ['minItems', 'maxItems'],
    ['minProperties', 'maxProperties'],
  ] as const) {
    const [least, most] = [options[low], options[high]]
    if (typeof least === 'number' && typeof most === 'number' && least > most) {
      document.problem(at(low), `${low} is above ${high}: no value could pass`)
    }
  }
  if (options.pattern !== undefined) {
    try {
      compilePattern(options.pattern)
    } catch (error) {
      document.problem(at('pattern'), `pattern ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

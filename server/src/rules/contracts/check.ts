// Turns the properties of a contract into closures once, so that judging an event is only calls.
import { fits, isMultiple } from './decimal.ts'
import { isFormat, rangeOf } from './format.ts'
import { compilePattern, longestTested } from './pattern.ts'
import { dotted, escapeKey, pointer } from './property.ts'
import type { Property } from './property.ts'
import { explainTime, isDate, isTime, isTimeOfDay, parseTimeWide } from './time.ts'
import type { Action, Findings, Rule, ViolationType } from './violation.ts'

/** Notes what is wrong with a value. `prefix` is the pointer of the array item it is in, '' outside of arrays. */
export type Check = (value: unknown, prefix: string, findings: Findings) => void

/** What compiling needs to know beside the properties; it collects the rules. */
export interface Compilation {
  readonly rules: Rule[]
  readonly additional: Action
  /** Pointers of fields whose values no message may quote, besides personal ones. */
  readonly unquoted: ReadonlySet<string>
}

/** A scalar's test returns nothing when the value passes, or the rest of the sentence "time "x" …". */
type Test = (value: never) => string | undefined

/** Compiles the properties of the object at `path` into one check of that object. */
export function compileObject(
  properties: readonly Property[],
  path: readonly string[],
  onAdditional: Action,
  compilation: Compilation,
): Check {
  const members = properties.map((property) => compileMember(property, compilation))
  const known = new Set(members.map(({ key }) => key))
  const additional = rule(compilation, path, 'additional', 'Additional-Properties', onAdditional)
  const at = relative(path)
  const inside = path.length === 0 ? 'the contract' : dotted(path)
  return (value, prefix, findings) => {
    const record = value as Record<string, unknown>
    let present = 0
    for (const { key, inherited, check, missing, where, name } of members) {
      const found = inherited && !Object.hasOwn(record, key) ? undefined : record[key]
      if (found === undefined) {
        if (missing) findings.add(missing, prefix + where, `${name} is missing`)
        continue
      }
      present++
      if (found !== null) check(found, prefix, findings)
      else if (missing) findings.add(missing, prefix + where, `${name} is null`)
    }
    let keys = 0
    for (const _ in record) keys++
    if (keys === present) return
    for (const key in record) {
      if (known.has(key)) continue
      findings.add(additional, `${prefix}${at}/${escapeKey(shorten(key))}`, `${quote(key)} is not in ${inside}`)
    }
  }
}

interface Member {
  key: string
  /** Every object has something under this name without the event saying so: `constructor`. */
  inherited: boolean
  check: Check
  missing: Rule | undefined
  where: string
  name: string
}

function compileMember(property: Property, compilation: Compilation): Member {
  const key = property.path.at(-1) as string
  const { path, onViolation } = property
  return {
    key,
    inherited: key in Object.prototype,
    missing: property.required ? rule(compilation, path, 'required', 'Required-Missing', onViolation) : undefined,
    check: compile(property, compilation),
    where: relative(path),
    name: dotted(path),
  }
}

function compile(property: Property, compilation: Compilation): Check {
  if (property.logicalType === 'object') return compileNested(property, compilation)
  if (property.logicalType === 'array') return compileArray(property, compilation)
  const typed = report(property, 'type', 'Datatype-Mismatch', compilation)
  const type = types[property.logicalType]
  const constraints = constraintsOf(property).map(([keyword, violation, test]) => ({
    test,
    fail: report(property, keyword, violation, compilation),
  }))
  return (value, prefix, findings) => {
    const wrong = type(value)
    if (wrong !== undefined) return typed(value, wrong, prefix, findings)
    for (const { test, fail } of constraints) {
      const broken = test(value as never)
      if (broken !== undefined) fail(value, broken, prefix, findings)
    }
  }
}

function compileNested(property: Property, compilation: Compilation): Check {
  const { minProperties, maxProperties } = property.options
  const typed = report(property, 'type', 'Datatype-Mismatch', compilation)
  const counts = [
    ...limit(minProperties, 'minProperties', (least) => (n: number) => (n < least ? `has fewer than ${least} properties` : undefined)),
    ...limit(maxProperties, 'maxProperties', (most) => (n: number) => (n > most ? `has more than ${most} properties` : undefined)),
  ].map(([keyword, type, test]) => ({ test, fail: report(property, keyword, type, compilation) }))
  const onAdditional = compilation.additional
  const members = property.properties && compileObject(property.properties, property.path, onAdditional, compilation)
  return (value, prefix, findings) => {
    if (typeof value !== 'object' || Array.isArray(value)) return typed(value, 'is no object', prefix, findings)
    for (const { test, fail } of counts) {
      const broken = test(Object.keys(value as object).length)
      if (broken !== undefined) fail(value, broken, prefix, findings)
    }
    members?.(value, prefix, findings)
  }
}

function compileArray(property: Property, compilation: Compilation): Check {
  const { minItems, maxItems, uniqueItems } = property.options
  const { path } = property
  const typed = report(property, 'type', 'Datatype-Mismatch', compilation)
  const counts = [
    ...limit(minItems, 'minItems', (least) => (n: number) => (n < least ? `has fewer than ${least} items` : undefined)),
    ...limit(maxItems, 'maxItems', (most) => (n: number) => (n > most ? `has more than ${most} items` : undefined)),
  ].map(([keyword, type, test]) => ({ test, fail: report(property, keyword, type, compilation) }))
  const repeated = uniqueItems ? report(property, 'uniqueItems', 'Uniqueness-Violation', compilation) : undefined
  const where = relative(path)
  const item = property.items && compileMember(property.items, compilation)
  return (value, prefix, findings) => {
    if (!Array.isArray(value)) return typed(value, 'is no array', prefix, findings)
    for (const { test, fail } of counts) {
      const broken = test(value.length)
      if (broken !== undefined) fail(value, broken, prefix, findings)
    }
    const twin = repeated && firstRepeated(value)
    if (twin !== undefined) repeated?.(value, `holds item ${twin} twice`, prefix, findings)
    if (!item) return
    for (let place = 0; place < value.length; place++) {
      const at = `${prefix}${where}/${place}`
      if (value[place] !== null) item.check(value[place], at, findings)
      else if (item.missing) findings.add(item.missing, at, `${item.name} is null`)
    }
  }
}

const types: Record<Exclude<Property['logicalType'], 'object' | 'array'>, (value: unknown) => string | undefined> = {
  string: (value) => (typeof value === 'string' ? undefined : 'is no string'),
  integer: (value) => {
    if (Number.isSafeInteger(value)) return undefined
    return Number.isInteger(value) ? 'is beyond the integers that JSON numbers carry exactly; send it as a string' : 'is no integer'
  },
  number: (value) => (typeof value === 'number' ? undefined : 'is no number'),
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'is no boolean'),
  timestamp: (value) => {
    if (typeof value !== 'string') return 'is no timestamp: it takes a string like 2026-03-20T10:00:00Z'
    return isTime(value) ? undefined : `is no timestamp: ${explainTime(value)}`
  },
  date: (value) => (typeof value === 'string' && isDate(value) ? undefined : 'is no date like 2026-03-20'),
  time: (value) => (typeof value === 'string' && isTimeOfDay(value) ? undefined : 'is no time of day like 10:00:00'),
}

type Constraint = readonly [keyword: string, type: ViolationType, test: Test]

function limit<T>(value: T | undefined, keyword: string, test: (value: T) => (count: number) => string | undefined) {
  return value === undefined ? [] : [[keyword, 'Length-Violation', test(value)] as const]
}

function constraintsOf(property: Property): Constraint[] {
  const { logicalType, decimal } = property
  const { enum: values, minLength, maxLength, pattern, format, multipleOf } = property.options
  const constraints: Constraint[] = []
  const add = (keyword: string, type: ViolationType, test: Test) => constraints.push([keyword, type, test])
  if (values) {
    const allowed = new Set<unknown>(values)
    const choices = values.slice(0, 10).join(', ') + (values.length > 10 ? ', …' : '')
    add('enum', 'Enum-Mismatch', (value) => (allowed.has(value) ? undefined : `is none of ${choices}`))
  }
  if (minLength !== undefined) {
    add('minLength', 'Length-Violation', (text: string) =>
      isShorter(text, minLength) ? `is shorter than ${minLength} characters` : undefined)
  }
  if (maxLength !== undefined) {
    add('maxLength', 'Length-Violation', (text: string) =>
      isShorter(text, maxLength + 1) ? undefined : `is longer than ${maxLength} characters`)
  }
  if (pattern !== undefined) {
    const matches = compilePattern(pattern)
    add('pattern', 'Pattern-Mismatch', (text: string) => {
      if (text.length > longestTested) return `is too long to be held against a pattern`
      return matches(text) ? undefined : `does not match ${pattern}`
    })
  }
  constraints.push(...boundsOf(property))
  if (multipleOf !== undefined) {
    add('multipleOf', 'Range-Violation', (value: number) =>
      isMultiple(value, multipleOf) ? undefined : `is no multiple of ${multipleOf}`)
  }
  if (decimal) {
    const { precision, scale } = decimal
    add('decimal', 'Range-Violation', (value: number) =>
      fits(value, precision, scale) ? undefined : `does not fit decimal(${precision},${scale})`)
  }
  if (format !== undefined && logicalType === 'string') {
    const is = isFormat[format as keyof typeof isFormat]
    add('format', 'Format-Mismatch', (text: string) => (is(text) ? undefined : `is no ${format}`))
  } else if (format !== undefined) {
    const [least, most] = rangeOf[format] as readonly [number, number]
    add('format', 'Range-Violation', (value: number) =>
      value >= least && value <= most ? undefined : `does not fit ${format}`)
  }
  return constraints
}

function boundsOf({ logicalType, options }: Property): Constraint[] {
  // Dates compare as text, times as instants, numbers as they are.
  const comparable = (value: unknown) => (logicalType === 'timestamp' ? parseTimeWide(value as string) : value) as number
  const bound = (keyword: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum', words: string, ok: (value: number, bound: number) => boolean): Constraint[] => {
    const given = options[keyword]
    if (given === undefined) return []
    const edge = comparable(given)
    return [[keyword, 'Range-Violation', (value) => (ok(comparable(value), edge) ? undefined : `${words} ${given}`)]]
  }
  return [
    ...bound('minimum', 'is below', (value, edge) => value >= edge),
    ...bound('maximum', 'is above', (value, edge) => value <= edge),
    ...bound('exclusiveMinimum', 'is not above', (value, edge) => value > edge),
    ...bound('exclusiveMaximum', 'is not below', (value, edge) => value < edge),
  ]
}

type Report = (value: unknown, wrong: string, prefix: string, findings: Findings) => void

function report(property: Property, keyword: string, type: ViolationType, compilation: Compilation): Report {
  const { path } = property
  const broken = rule(compilation, path, keyword, type, property.onViolation)
  const where = relative(path)
  const name = dotted(path)
  const silent = property.personal || compilation.unquoted.has(pointer(path))
  if (!silent) {
    return (value, wrong, prefix, findings) => findings.add(broken, prefix + where, `${name} ${quote(value)} ${wrong}`)
  }
  // The reason why a time is none would tell digits of it.
  return (_, wrong, prefix, findings) => {
    findings.add(broken, prefix + where, `${name} ${wrong.startsWith('is no timestamp') ? 'is no timestamp' : wrong}`)
  }
}

function rule(compilation: Compilation, path: readonly string[], keyword: string, type: ViolationType, outcome: Action): Rule {
  const id = path.length === 0 ? keyword : `${dotted(path)}.${keyword}`
  const made: Rule = { id, keyword, path: pointer(path), type, outcome }
  compilation.rules.push(made)
  return made
}

/** The pointer from the innermost array item around a property, or from the event. */
function relative(path: readonly string[]): string {
  return pointer(path.slice(path.lastIndexOf('*') + 1))
}

function shorten(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 63)}…`.toWellFormed()
}

/** A value as a message shows it: short, in one line. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value))
  if (Array.isArray(value)) return '(an array)'
  return typeof value === 'object' && value !== null ? '(an object)' : String(value)
}

/** Has a text fewer characters (code points)? Counts only when the number of code units leaves it open. */
function isShorter(text: string, than: number): boolean {
  if (text.length < than) return true
  if (text.length >= 2 * than) return false
  let characters = 0
  for (const _ of text) characters++
  return characters < than
}

/** The place of the first item that stands in an array for the second time. */
function firstRepeated(items: readonly unknown[]): number | undefined {
  const seen = new Set<unknown>()
  for (let place = 0; place < items.length; place++) {
    const item = items[place]
    const key = typeof item === 'object' && item !== null ? `\0${stable(item)}` : item
    if (seen.has(key)) return place
    seen.add(key)
  }
  return undefined
}

/** JSON with sorted keys: equal values give equal texts. */
export function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${stable(item)}`).join(',')}}`
}

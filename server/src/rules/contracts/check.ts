// Turns the properties of a contract into closures once, so that judging an event is only calls.
import { constraintsOf, types } from './constraint.ts'
import { dotted, escapeKey, pointer } from './property.ts'
import type { Property } from './property.ts'
import { quote, shorten, stable } from './text.ts'
import type { Action, Findings, Rule, ViolationType } from './violation.ts'

/** Notes what is wrong with a value. */
export type Check = (value: unknown, findings: Findings) => void

/** What compiling needs to know beside the properties; it collects the rules. */
export interface Compilation {
  readonly rules: Rule[]
  readonly additional: Action
  /** Pointers of fields whose values no message may quote, besides personal ones. */
  readonly unquoted: ReadonlySet<string>
}

/** Compiles the properties of the object at `path` into one check of that object. */
export function compileObject(
  properties: readonly Property[],
  path: readonly string[],
  compilation: Compilation,
): Check {
  const members = properties.map((property) => compileMember(property, compilation))
  const known = new Set(members.map(({ key }) => key))
  const additional = rule(compilation, path, 'additional', 'Additional-Properties', compilation.additional)
  const at = relative(path)
  const inside = path.length === 0 ? 'the contract' : dotted(path)
  return (value, findings) => {
    const record = value as Record<string, unknown>
    for (const { key, inherited, check, missing, where, name } of members) {
      const found = inherited && !Object.hasOwn(record, key) ? undefined : record[key]
      if (found !== undefined && found !== null) check(found, findings)
      else if (missing) findings.add(missing, where, () => `${name} is ${found === null ? 'null' : 'missing'}`)
    }
    for (const key in record) {
      if (known.has(key)) continue
      const place = `${at}/${escapeKey(shorten(key))}`
      findings.add(additional, place, () => `${quote(key)} is not in ${inside}`)
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
  return (value, findings) => {
    const wrong = type(value)
    if (wrong !== undefined) return typed(value, wrong, findings)
    for (const { test, fail } of constraints) {
      const broken = test(value as never)
      if (broken !== undefined) fail(value, broken, findings)
    }
  }
}

function compileNested(property: Property, compilation: Compilation): Check {
  const { minProperties, maxProperties } = property.options
  const typed = report(property, 'type', 'Datatype-Mismatch', compilation)
  const few = minProperties && report(property, 'minProperties', 'Length-Violation', compilation)
  const many = maxProperties !== undefined && report(property, 'maxProperties', 'Length-Violation', compilation)
  const members = property.properties && compileObject(property.properties, property.path, compilation)
  return (value, findings) => {
    if (typeof value !== 'object' || Array.isArray(value)) return typed(value, 'is no object', findings)
    if (few || many) {
      const count = Object.keys(value as object).length
      if (few && count < minProperties) few(value, `has fewer than ${minProperties} properties`, findings)
      if (many && count > maxProperties) many(value, `has more than ${maxProperties} properties`, findings)
    }
    members?.(value, findings)
  }
}

function compileArray(property: Property, compilation: Compilation): Check {
  const { minItems, maxItems, uniqueItems } = property.options
  const { path } = property
  const typed = report(property, 'type', 'Datatype-Mismatch', compilation)
  const few = minItems && report(property, 'minItems', 'Length-Violation', compilation)
  const many = maxItems !== undefined && report(property, 'maxItems', 'Length-Violation', compilation)
  const repeated = uniqueItems ? report(property, 'uniqueItems', 'Uniqueness-Violation', compilation) : undefined
  const where = relative(path)
  const item = property.items && compileMember(property.items, compilation)
  return (value, findings) => {
    if (!Array.isArray(value)) return typed(value, 'is no array', findings)
    if (few && value.length < minItems) few(value, `has fewer than ${minItems} items`, findings)
    if (many && value.length > maxItems) many(value, `has more than ${maxItems} items`, findings)
    const twin = repeated && firstRepeated(value)
    if (twin !== undefined) repeated?.(value, `repeats an item (at ${twin})`, findings)
    if (!item) return
    const here = { where, place: 0 }
    findings.around.push(here)
    for (; here.place < value.length; here.place++) {
      const found: unknown = value[here.place]
      if (found !== null) item.check(found, findings)
      else if (item.missing) findings.add(item.missing, '', () => `${item.name} is null`)
    }
    findings.around.pop()
  }
}

type Report = (value: unknown, wrong: string, findings: Findings) => void

function report(property: Property, keyword: string, type: ViolationType, compilation: Compilation): Report {
  const { path } = property
  const broken = rule(compilation, path, keyword, type, property.onViolation)
  const where = relative(path)
  const name = dotted(path)
  const silent = property.personal || compilation.unquoted.has(pointer(path))
  if (!silent) {
    return (value, wrong, findings) => findings.add(broken, where, () => `${name} ${quote(value)} ${wrong}`)
  }
  // The reason why a time is none would tell digits of it.
  return (_, wrong, findings) => {
    findings.add(broken, where, () => `${name} ${wrong.startsWith('is no timestamp') ? 'is no timestamp' : wrong}`)
  }
}

function rule(
  compilation: Compilation,
  path: readonly string[],
  keyword: string,
  type: ViolationType,
  outcome: Action,
): Rule {
  const id = path.length === 0 ? keyword : `${dotted(path)}.${keyword}`
  const made: Rule = { id, keyword, path: pointer(path), type, outcome }
  compilation.rules.push(made)
  return made
}

/** The pointer from the innermost array item around a property, or from the event. */
function relative(path: readonly string[]): string {
  return pointer(path.slice(path.lastIndexOf('*') + 1))
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

// What a single value must satisfy: its type, and the constraints of its property.
import { fits, isMultiple } from './decimal.ts'
import { isFormat, rangeOf } from './format.ts'
import { compilePattern } from './pattern.ts'
import type { Property } from './property.ts'
import { explainTime, isDate, isTime, isTimeOfDay, parseTimeWide } from './time.ts'
import type { ViolationType } from './violation.ts'

/** Returns nothing when the value passes, or the rest of the sentence that begins with its name and the value. */
type Test = (value: never) => string | undefined

/** Whether a value is of a scalar type. */
export const types: Record<
  Exclude<Property['logicalType'], 'object' | 'array'>,
  (value: unknown) => string | undefined
> = {
  string: (value) => (typeof value === 'string' ? undefined : 'is no string'),
  integer: (value) => {
    if (Number.isSafeInteger(value)) return undefined
    return Number.isInteger(value)
      ? 'is beyond the integers that JSON numbers carry exactly; send it as a string'
      : 'is no integer'
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

/** A constraint beyond the type: its keyword, how a breach is called, and its test. */
export type Constraint = readonly [keyword: string, type: ViolationType, test: Test]

/** The constraints of a scalar property. Their tests take values of its type only. */
export function constraintsOf(property: Property): Constraint[] {
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
      isShorter(text, minLength) ? `is shorter than ${minLength} characters` : undefined,
    )
  }
  if (maxLength !== undefined) {
    add('maxLength', 'Length-Violation', (text: string) =>
      isShorter(text, maxLength + 1) ? undefined : `is longer than ${maxLength} characters`,
    )
  }
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern)
    add('pattern', 'Pattern-Mismatch', (text: string) => {
      if (text.length > compiled.longest) return `has ${text.length} characters, too many to be held against a pattern`
      return compiled.matches(text) ? undefined : `does not match ${pattern}`
    })
  }
  constraints.push(...boundsOf(property))
  if (multipleOf !== undefined) {
    add('multipleOf', 'Range-Violation', (value: number) =>
      isMultiple(value, multipleOf) ? undefined : `is no multiple of ${multipleOf}`,
    )
  }
  if (decimal) {
    const { precision, scale } = decimal
    add('decimal', 'Range-Violation', (value: number) =>
      fits(value, precision, scale) ? undefined : `does not fit decimal(${precision},${scale})`,
    )
  }
  if (format !== undefined && logicalType === 'string') {
    const is = isFormat[format as keyof typeof isFormat]
    add('format', 'Format-Mismatch', (text: string) => (is(text) ? undefined : `is no ${format}`))
  } else if (format !== undefined) {
    const [least, most] = rangeOf[format] as readonly [number, number]
    add('format', 'Range-Violation', (value: number) =>
      value >= least && value <= most ? undefined : `does not fit ${format}`,
    )
  }
  return constraints
}

function boundsOf({ logicalType, options }: Property): Constraint[] {
  // Dates compare as text, times as instants, numbers as they are.
  const comparable = (value: unknown) =>
    (logicalType === 'timestamp' ? parseTimeWide(value as string) : value) as number
  const bound = (
    keyword: 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum',
    words: string,
    ok: (value: number, bound: number) => boolean,
  ): Constraint[] => {
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

/** Has a text fewer characters (code points)? Counts only when the number of code units leaves it open. */
function isShorter(text: string, than: number): boolean {
  if (text.length < than) return true
  if (text.length >= 2 * than) return false
  let characters = 0
  for (let at = 0; at < text.length; characters++) at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1
  return characters < than
}

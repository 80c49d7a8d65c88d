// The part of the Open Data Contract Standard v3.1 that Whence reads. Keys that it does not know are kept without
// complaint, with two exceptions: a constraint that would not be checked, and anything unknown in our own section.
// `unique`, `primaryKey` and `quality` are about many events at once; judging one by one leaves them descriptions.
import { z } from 'zod'
import type { Route, SourceDocument } from './document.ts'

const Action = z.enum(['pass', 'flag', 'quarantine', 'drop'])
const FieldName = z.string().min(1).max(512)
const Count = z.int().nonnegative()
const Scalar = z.union([z.string(), z.number(), z.boolean()])
const Values = z.array(Scalar).min(1).max(10_000)
const integerFormats = ['i8', 'i16', 'i32', 'i64', 'i128', 'u8', 'u16', 'u32', 'u64', 'u128'] as const
const stringFormats = ['email', 'uuid', 'uri', 'hostname', 'ipv4', 'ipv6', 'byte'] as const

const bounds = <T extends z.ZodType>(limit: T) => ({
  minimum: limit.optional(),
  maximum: limit.optional(),
  exclusiveMinimum: limit.optional(),
  exclusiveMaximum: limit.optional(),
})

const options = {
  string: z.strictObject({
    enum: Values.optional(),
    minLength: Count.optional(),
    maxLength: Count.optional(),
    pattern: z.string().min(1).max(2000).optional(),
    format: z.enum(stringFormats).optional(),
  }),
  integer: z.strictObject({
    enum: Values.optional(),
    ...bounds(z.int()),
    multipleOf: z.int().positive().optional(),
    format: z.enum(integerFormats).optional(),
  }),
  number: z.strictObject({
    enum: Values.optional(),
    ...bounds(z.number()),
    multipleOf: z.number().positive().optional(),
    format: z.enum(['f32', 'f64']).optional(),
  }),
  boolean: z.strictObject({ enum: Values.optional() }),
  timestamp: z.strictObject({ enum: Values.optional(), ...bounds(z.string()), timezone: z.literal(true).optional() }),
  date: z.strictObject({ enum: Values.optional(), ...bounds(z.string()) }),
  time: z.strictObject({ enum: Values.optional() }),
  object: z.strictObject({
    minProperties: Count.optional(),
    maxProperties: Count.optional(),
    required: z.array(z.string()).optional(),
  }),
  array: z.strictObject({
    minItems: Count.optional(),
    maxItems: Count.optional(),
    uniqueItems: z.boolean().optional(),
  }),
}

const CustomProperty = z.looseObject({ property: z.string(), value: z.unknown() })
type CustomProperty = z.infer<typeof CustomProperty>

export type LogicalType = keyof typeof options

/** The constraints of all types together; each type's own schema says which of them it takes. */
export interface Options {
  enum?: (string | number | boolean)[] | undefined
  minLength?: number | undefined
  maxLength?: number | undefined
  pattern?: string | undefined
  format?: (typeof stringFormats)[number] | (typeof integerFormats)[number] | 'f32' | 'f64' | undefined
  minimum?: number | string | undefined
  maximum?: number | string | undefined
  exclusiveMinimum?: number | string | undefined
  exclusiveMaximum?: number | string | undefined
  multipleOf?: number | undefined
  minProperties?: number | undefined
  maxProperties?: number | undefined
  required?: string[] | undefined
  minItems?: number | undefined
  maxItems?: number | undefined
  uniqueItems?: boolean | undefined
}

/** A property as the file has it. */
export interface SourceProperty {
  name?: string | undefined
  physicalName?: string | undefined
  physicalType?: string | undefined
  required?: boolean | undefined
  classification?: string | undefined
  customProperties?: CustomProperty[] | undefined
  logicalType: LogicalType
  logicalTypeOptions?: Options | undefined
  properties?: SourceProperty[] | undefined
  items?: SourceProperty | undefined
}

const described = {
  name: z.string().min(1).max(256).optional(),
  physicalName: z.string().optional(),
  physicalType: z.string().optional(),
  required: z.boolean().optional(),
  unique: z.boolean().optional(),
  primaryKey: z.boolean().optional(),
  classification: z.string().optional(),
  description: z.string().optional(),
  customProperties: z.array(CustomProperty).optional(),
}

const typed = <K extends LogicalType>(type: K) =>
  z.looseObject({ ...described, logicalType: z.literal(type), logicalTypeOptions: options[type].optional() })

const SourceProperty: z.ZodType<SourceProperty> = z.lazy(() =>
  z.discriminatedUnion('logicalType', [
    typed('string'),
    typed('integer'),
    typed('number'),
    typed('boolean'),
    typed('timestamp'),
    typed('date'),
    typed('time'),
    typed('object').extend({ properties: z.array(SourceProperty).optional() }),
    typed('array').extend({ items: SourceProperty.optional() }),
  ]),
)

/** What a property's own `whence` section may say. */
const PropertySection = z.strictObject({ onViolation: Action.optional() })

/** A dataset that the stream is loaded from; `fields` says which of its columns each field of an event comes from. */
const UpstreamDataset = z.strictObject({
  namespace: z.string().min(1).max(4096),
  name: z.string().min(1).max(4096),
  fields: z.union([z.literal('same'), z.record(FieldName, z.string().min(1).max(4096))]).optional(),
})

/** What the contract's `whence` section may say. */
const Section = z.strictObject({
  eventId: FieldName.optional(),
  sequence: FieldName.optional(),
  eventTime: z
    .union([
      FieldName,
      z.strictObject({
        field: FieldName,
        unit: z.enum(['millisecond', 'second', 'minute', 'hour', 'day']),
        since: z.string().default('1970-01-01T00:00:00Z'),
      }),
    ])
    .optional(),
  knownAt: FieldName.default('recorded'),
  subject: FieldName.optional(),
  subjectType: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/, 'takes a word like customer')
    .default('customer'),
  campaign: FieldName.optional(),
  creative: FieldName.optional(),
  audience: FieldName.optional(),
  platform: FieldName.optional(),
  consent: FieldName.optional(),
  onViolation: Action.default('quarantine'),
  additionalProperties: Action.default('flag'),
  retention: z
    .string()
    .regex(/^[1-9]\d{0,4}d$/, 'takes a number of days, like 30d')
    .default('30d'),
  upstream: z.array(UpstreamDataset).max(100).default([]),
})

/** The contract's `whence` section with its defaults. */
export type Section = z.infer<typeof Section>

const SourceContract = z.looseObject({
  apiVersion: z.string().regex(/^v3\.\d+\.\d+$/, 'takes a version 3 of the standard, like v3.1.0'),
  kind: z.literal('DataContract'),
  id: z.string().min(1).max(256),
  version: z
    .string()
    .regex(/^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/, 'takes three numbers, like 1.0.0'),
  status: z.enum(['proposed', 'draft', 'active', 'deprecated', 'retired']),
  schema: z
    .array(
      z.looseObject({
        name: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'is the stream: a letter, then letters, digits, "_", "-" and "."'),
        logicalType: z.literal('object').optional(),
        properties: z.array(SourceProperty).min(1),
      }),
    )
    .length(1, 'holds exactly one object, the stream; put another stream in another contract'),
  customProperties: z.array(CustomProperty).optional(),
})

/** A contract as the file has it, checked for shape. */
export type SourceContract = z.infer<typeof SourceContract>

/** Reads the shape of a contract, or notes what is wrong with it and throws. */
export function readShape(document: SourceDocument): SourceContract {
  return read(SourceContract, document, [])
}

/** Reads the contract's own `whence` section with its defaults, and the route to it. */
export function readSection(document: SourceDocument, contract: SourceContract): { section: Section; route: Route } {
  const entry = whenceEntry(document, contract.customProperties ?? [], ['customProperties'])
  if (!entry) return { section: Section.parse({}), route: ['customProperties'] }
  return { section: read(Section, document, entry.route, entry.value), route: entry.route }
}

/** Reads what a property says to us in its own custom properties. */
export function readOverride(
  document: SourceDocument,
  property: SourceProperty,
  route: Route,
): z.infer<typeof PropertySection> {
  const entry = whenceEntry(document, property.customProperties ?? [], [...route, 'customProperties'])
  return entry ? read(PropertySection, document, entry.route, entry.value) : {}
}

function whenceEntry(document: SourceDocument, entries: CustomProperty[], route: Route) {
  const places = entries.flatMap(({ property }, place) => (property === 'whence' ? [place] : []))
  const [first, second] = places
  if (second !== undefined) document.problem([...route, second], 'whence is given twice here; keep one')
  if (first === undefined) return undefined
  return { route: [...route, first, 'value'], value: entries[first]?.value }
}

function read<T>(shape: z.ZodType<T>, document: SourceDocument, route: Route, value = document.value): T {
  const result = shape.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  for (const issue of result.error.issues) explain(issue, document, route)
  document.settle()
  throw new Error('unreachable: every issue is noted as a problem')
}

function explain(issue: z.core.$ZodIssue, document: SourceDocument, base: Route): void {
  const route = [...base, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))]
  const name = route.findLast((step) => typeof step === 'string') ?? 'the file'
  const say = (message: string) => document.problem(route, message)
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) document.problem([...route, key], unknownKey(key, name))
      return
    case 'invalid_type':
      if (issue.input === undefined) return say(`${name} is missing`)
      return say(`${name} takes ${article(issue.expected)}, not ${kindOf(issue.input)}${quoting(issue)}`)
    case 'invalid_value':
      if (issue.input === undefined) return say(`${name} is missing; it takes ${oneOf(issue.values)}`)
      return say(`${name} takes ${oneOf(issue.values)}, not ${JSON.stringify(issue.input)}`)
    case 'invalid_union': {
      if (issue.path.at(-1) === 'logicalType') {
        const types = Object.keys(options)
        return say(issue.input === undefined ? `logicalType is missing; it takes ${oneOf(types)}` : logicalType(issue))
      }
      if (name === 'fields') return say('fields takes the word same, or a map of field names to columns of the dataset')
      return say(`${name} takes a field name, or {field, unit, since} for a time that is a number`)
    }
    default:
      return say(`${name} ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`)
  }
}

function quoting(issue: z.core.$ZodIssueInvalidType): string {
  return issue.expected === 'string' && typeof issue.input !== 'object' ? '; put it in quotes' : ''
}

function logicalType(issue: z.core.$ZodIssue): string {
  const input = issue.input as { logicalType?: unknown } | undefined
  const given = typeof input === 'object' ? input?.logicalType : input
  const types = oneOf(Object.keys(options))
  return given === undefined
    ? `logicalType is missing; it takes ${types}`
    : `logicalType takes ${types}, not ${JSON.stringify(given)}`
}

function unknownKey(key: string, within: string): string {
  if (within === 'logicalTypeOptions') {
    return `${key} would not be checked here: Whence does not support this constraint for this type. Remove it, or move it to customProperties`
  }
  return `${key} is no setting of whence; remove it or mend its name`
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`
}

function article(type: string): string {
  const word = type === 'object' ? 'map' : type === 'array' ? 'list' : type === 'int' ? 'whole number' : type
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a map' : `the ${typeof value} ${JSON.stringify(value)}`
}

// A stream's contract: read from its file, checked, and compiled once.
import { createHash } from 'node:crypto'
import { compileObject } from './check.ts'
import { columnOf, columnProperties, compileCell } from './columns.ts'
import type { Cell, Column } from './columns.ts'
import { SourceDocument } from './document.ts'
import { compileExtract, compileIdentity } from './identity.ts'
import type { Extracted } from './identity.ts'
import { readSection, readShape } from './odcs.ts'
import type { SourceContract } from './odcs.ts'
import { dotted, pointer, readProperties, withNested } from './property.ts'
import type { Property } from './property.ts'
import { readRoles } from './roles.ts'
import type { Roles } from './roles.ts'
import { stable } from './text.ts'
import { readAbout, readUpstream } from './upstream.ts'
import type { About, Upstream } from './upstream.ts'
import { worse } from './violation.ts'
import type { Action, Findings, Rule, ViolationType } from './violation.ts'

export type { Cell, Column } from './columns.ts'
export { ContractFault } from './document.ts'
export type { ContractProblem } from './document.ts'
export type { Property } from './property.ts'
export type { Field, KnownAt, Roles, TimeField } from './roles.ts'
export type { About, Upstream } from './upstream.ts'
export type { Action, Rule } from './violation.ts'

/** A contract in use. Everything but `compiled` is plain data. */
export interface Contract {
  readonly id: string
  readonly version: string
  readonly stream: string
  readonly status: SourceContract['status']
  readonly rules: readonly Rule[]
  readonly roles: Roles
  readonly onViolation: Action
  readonly additionalProperties: Action
  readonly properties: readonly Property[]
  readonly columns: readonly Column[]
  /** Days that quarantined content is kept whose subject cannot be read. */
  readonly retentionDays: number
  /** Datasets that the stream is loaded from, as its contract says. They judge nothing. */
  readonly upstream: readonly Upstream[]
  readonly about: About
  /** SHA-256, in hex, over what the file says; layout, comments and the order of keys do not count. */
  readonly digest: string
  readonly compiled: Compiled
}

/** The closures that `judge`, `extract` and `columnValues` call. */
interface Compiled {
  readonly check: (value: unknown, findings: Findings) => void
  readonly extract: (value: unknown) => Extracted
  readonly cells: readonly ((value: unknown) => Cell)[]
  /** Built-in rules about the content, by id, with the outcome that this contract gives them. */
  readonly builtIn: ReadonlyMap<string, Rule>
  /** Pointers of the fields that make an event's identity, and of what they lie in. */
  readonly identity: ReadonlySet<string>
}

/**
 * Reads a contract of the Open Data Contract Standard v3. Throws `ContractFault` (code `invalid`) with every problem,
 * its line and what to do.
 *
 * `parseContract(await readFile('touchpoints.yaml', 'utf8'), 'touchpoints.yaml').stream` is `'touchpoints'`
 */
export function parseContract(yamlText: string, fileName = 'contract.yaml'): Contract {
  const document = new SourceDocument(yamlText, fileName)
  const source = readShape(document)
  const { section, route } = readSection(document, source)
  const [stream] = source.schema
  if (!stream) throw new Error('unreachable: the shape asks for one object')
  const properties = readProperties(document, stream.properties, ['schema', 0, 'properties'], {
    path: [],
    personal: false,
    onViolation: section.onViolation,
    column: '',
  })
  const roles = readRoles(document, section, route, properties)
  const upstream = readUpstream(document, section, route, properties)
  const withheld = new Set([roles.subject, roles.eventId].flatMap((field) => (field ? [field.pointer] : [])))
  const held = columnProperties(properties, withheld)
  refuseSharedColumns(document, held)
  if (section.subject === undefined) refusePersonal(document, properties)
  document.settle()

  const rules = builtInRules(section.onViolation)
  const builtIn = new Map(rules.map((rule) => [rule.id, rule]))
  const members = compileObject(properties, [], {
    rules,
    additional: section.additionalProperties,
    unquoted: withheld,
  })
  const identity = compileIdentity(roles, section.onViolation, rules)
  return {
    id: source.id,
    version: source.version,
    stream: stream.name,
    status: source.status,
    rules,
    roles,
    onViolation: section.onViolation,
    additionalProperties: section.additionalProperties,
    properties,
    columns: held.map(columnOf),
    retentionDays: Number.parseInt(section.retention, 10),
    upstream,
    about: readAbout(document.value),
    digest: createHash('sha256').update(stable(document.value)).digest('hex'),
    compiled: {
      check(value, findings) {
        members(value, findings)
        identity(value, findings)
      },
      extract: compileExtract(roles),
      cells: held.map(compileCell),
      builtIn,
      identity: identityPointers(roles),
    },
  }
}

/** Rules about the content itself. What cannot be read at all is never used: these quarantine at least. */
function builtInRules(onViolation: Action): Rule[] {
  const unreadable = worse('quarantine', onViolation)
  const rule = (id: string, outcome: Action, type: ViolationType = 'Content-Malformed'): Rule => ({
    id,
    keyword: id.slice(id.indexOf('.') + 1),
    path: '',
    type,
    outcome,
  })
  return [
    rule('json.syntax', unreadable),
    rule('json.utf8', unreadable),
    rule('json.depth', unreadable),
    rule('json.faults', unreadable),
    rule('json.key', onViolation),
    rule('json.number', onViolation),
    rule('csv.header', onViolation),
    rule('csv.width', onViolation),
    rule('type', unreadable, 'Datatype-Mismatch'),
  ]
}

function identityPointers({ subject, eventId, eventTime, knownAt }: Roles): Set<string> {
  const fields = [subject, eventId, eventTime, knownAt.clock === 'field' ? knownAt.field : undefined]
  const paths = fields.flatMap((field) => (field ? field.path.map((_, at) => field.path.slice(0, at + 1)) : []))
  return new Set(paths.map(pointer))
}

function refuseSharedColumns(document: SourceDocument, held: readonly Property[]): void {
  const taken = new Map<string, Property>()
  for (const property of held) {
    const name = property.column.toLowerCase()
    const other = taken.get(name)
    if (other && dotted(other.path) !== dotted(property.path)) {
      const both = `${dotted(other.path)} and ${dotted(property.path)}`
      document.problem(property.route, `${both} would share the column ${property.column}; give one a physicalName`)
    }
    taken.set(name, property)
  }
}

function refusePersonal(document: SourceDocument, properties: readonly Property[]): void {
  const personal = withNested(properties).find((property) => property.personal)
  if (!personal) return
  document.problem(
    [...personal.route, 'classification'],
    `${dotted(personal.path)} is personal, but whence names no subject: whose key should seal it? Add subject: FIELD`,
  )
}

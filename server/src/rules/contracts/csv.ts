// Rows of text as events: a cell becomes what its property's type says only where the text leaves no doubt.
import { readContent } from './content.ts'
import type { Contract } from './contract.ts'
import { survives } from './decimal.ts'
import { malformed } from './inspect.ts'
import { dotted, pointer, withNested } from './property.ts'
import type { Property } from './property.ts'
import { quote } from './text.ts'
import type { Violation } from './violation.ts'

/** What becomes of one column: where its cells go, and how they are read. */
interface Target {
  path: readonly string[]
  read: (cell: string) => unknown
}

interface Plan {
  contract: Contract
  targets: (Target | undefined)[]
  /** Said of every row when a header stands twice: only the first column can be kept. */
  repeated: Violation | undefined
}

const plans = new WeakMap<readonly string[], Plan>()

/**
 * What is wrong with the header of a file, to be said once: a column that stands twice or has no name, a column that a
 * contract requires and that is missing (no row could pass), a column that it does not know.
 *
 * `checkHeader(contract, ['customer_id', 'colour'])[0].message` is `'there is no column "time", which is required'`
 */
export function checkHeader(contract: Contract, headers: readonly string[]): Violation[] {
  const problems: Violation[] = []
  const rule = new Map(contract.rules.map((one) => [one.id, one]))
  const report = (id: string, path: string, message: string) => {
    const { type = 'Content-Malformed', keyword = id, outcome = 'quarantine' } = rule.get(id) ?? {}
    problems.push({ rule: id, type, keyword, path, message, outcome })
  }
  const columns = columnsOf(contract, headers)
  for (const [place, { name, property, twice }] of columns.entries()) {
    if (name === '') report('csv.header', '', `column ${place + 1} has no name`)
    else if (twice) report('csv.header', '', `column ${quote(name)} stands twice`)
    else if (!property) report('additional', pointer([name]), `column ${quote(name)} is not in the contract`)
  }
  const given = columns.map(({ path }) => `${pointer(path)}/`)
  for (const { path } of needed(contract)) {
    const place = pointer(path)
    if (given.some((column) => `${place}/`.startsWith(column))) continue
    const name = quote(path.join('.'))
    report(`${dotted(path)}.required`, place, `there is no column ${name}, which is required`)
  }
  return problems
}

/**
 * A row as the JSON object that its source would have sent. An empty cell is an absent property; whole numbers, numbers,
 * `true` and `false` in their canonical spelling, and JSON in the column of an object or array, become values; any other
 * text stays text for the judge to name. Columns of nested properties are called by dotted name or JSON pointer. Pass
 * the same `headers` array for every row: what it means is worked out once.
 *
 * `coerceRow(contract, ['customer_id', 'conversion'], ['A1', '0']).value` is `{customer_id: 'A1', conversion: 0}`
 */
export function coerceRow(
  contract: Contract,
  headers: readonly string[],
  cells: readonly string[],
): { value: Record<string, unknown>; problems: Violation[] } {
  let plan = plans.get(headers)
  if (plan?.contract !== contract) {
    plan = planOf(contract, headers)
    plans.set(headers, plan)
  }
  const value: Record<string, unknown> = {}
  const problems = plan.repeated ? [plan.repeated] : []
  if (cells.length !== headers.length) {
    problems.push(malformed('csv.width', '', `the row has ${cells.length} cells, the header has ${headers.length}`))
  }
  const { targets } = plan
  for (let place = 0; place < targets.length; place++) {
    const cell = cells[place]
    const target = targets[place]
    if (target && cell !== undefined && cell !== '') put(value, target.path, target.read(cell))
  }
  return { value, problems }
}

function planOf(contract: Contract, headers: readonly string[]): Plan {
  const columns = columnsOf(contract, headers)
  const twice = columns.find((column) => column.twice)
  return {
    contract,
    targets: columns.map((column) => {
      if (column.twice) return undefined
      return { path: column.path, read: column.property ? cellReader(column.property) : (cell) => cell }
    }),
    repeated:
      twice && malformed('csv.header', '', `column ${quote(twice.name)} stands twice, so one of its cells is not kept`),
  }
}

interface HeaderColumn {
  name: string
  property: Property | undefined
  path: readonly string[]
  /** An earlier column fills the same place, or part of it. */
  twice: boolean
}

function columnsOf(contract: Contract, headers: readonly string[]): HeaderColumn[] {
  const properties = withNested(contract.properties)
  const taken: string[] = []
  return headers.map(clean).map((name) => {
    const property = properties.find(({ path }) => path.join('.') === name || pointer(path) === name)
    const path = property?.path ?? [name]
    const place = `${pointer(path)}/`
    const twice = taken.some((other) => other.startsWith(place) || place.startsWith(other))
    taken.push(place)
    return { name, property, path, twice }
  })
}

/** The properties without which no row can pass: required ones, and the fields that give an event its identity. */
function needed({ properties, roles }: Contract): Pick<Property, 'path'>[] {
  const required = (within: readonly Property[]): Property[] =>
    within.flatMap((property) => {
      if (!property.required) return []
      return property.properties ? required(property.properties) : [property]
    })
  const found: Pick<Property, 'path'>[] = required(properties)
  for (const field of [roles.subject, roles.eventId, roles.eventTime]) {
    if (field && !found.some(({ path }) => pointer(path) === field.pointer)) found.push(field)
  }
  return found
}

/** A byte-order mark before the first header is no part of it. */
function clean(header: string, place: number): string {
  return place === 0 && header.startsWith('\ufeff') ? header.slice(1) : header
}

function cellReader({ logicalType }: Property): (cell: string) => unknown {
  switch (logicalType) {
    case 'integer':
      return (cell) =>
        /^(?:0|-?[1-9]\d{0,15})$/.test(cell) && Number.isSafeInteger(Number(cell)) ? Number(cell) : cell
    case 'number':
      return (cell) =>
        /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(cell) && survives(cell) ? Number(cell) : cell
    case 'boolean':
      return (cell) => (cell === 'true' ? true : cell === 'false' ? false : cell)
    case 'object':
    case 'array':
      return (cell) => {
        const { value, problems } = readContent(Buffer.from(cell))
        return problems.length === 0 && typeof value === 'object' && value !== null ? value : cell
      }
    default:
      return (cell) => cell
  }
}

/** Sets a member, making the objects on the way. Nothing that a key is called reaches a prototype. */
function put(record: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let within = record
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(within, key)) define(within, key, {})
    within = within[key] as Record<string, unknown>
  }
  define(within, path.at(-1) as string, value)
}

function define(record: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true })
  } else record[key] = value
}

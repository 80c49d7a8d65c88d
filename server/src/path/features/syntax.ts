// The part of SQL that features are written in: read with DuckDB's own parser, held as a small tree of ours, and written
// back by us. What is not in the tree cannot reach the engine; what is in it does not change when DuckDB's does.
import type { Session } from '../../store/columns.ts'
import { identifier, quote } from '../../store/columns.ts'
import { Fault } from '../../fault.ts'

export type Expression =
  | { is: 'constant'; type: string; text: string | null }
  | { is: 'column'; path: string[] }
  | Call
  | { is: 'compare'; by: string; left: Expression; right: Expression }
  | { is: 'junction'; by: 'AND' | 'OR'; of: Expression[] }
  | { is: 'operator'; by: string; of: Expression[] }
  | { is: 'between'; input: Expression; lower: Expression; upper: Expression }
  | { is: 'case'; when: { condition: Expression; then: Expression }[]; otherwise: Expression }
  | { is: 'cast'; of: Expression; to: string; orNull: boolean }

export interface Call {
  is: 'call'
  name: string
  of: Expression[]
  operator: boolean
  distinct: boolean
  filter?: Expression
  order: { by: Expression; direction: string; nulls: string }[]
}

const comparisons: Record<string, string> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '<>',
  COMPARE_LESSTHAN: '<',
  COMPARE_GREATERTHAN: '>',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'IS DISTINCT FROM',
  COMPARE_NOT_DISTINCT_FROM: 'IS NOT DISTINCT FROM',
}
const operators: Record<string, string> = {
  OPERATOR_NOT: 'NOT',
  OPERATOR_IS_NULL: 'IS NULL',
  OPERATOR_IS_NOT_NULL: 'IS NOT NULL',
  OPERATOR_COALESCE: 'COALESCE',
  COMPARE_IN: 'IN',
  COMPARE_NOT_IN: 'NOT IN',
  ARRAY_EXTRACT: '[]',
}
const orders: Record<string, string> = { ORDER_DEFAULT: '', ASCENDING: 'ASC', DESCENDING: 'DESC' }
const nullOrders: Record<string, string> = {
  ORDER_DEFAULT: '',
  'NULLS FIRST': 'NULLS FIRST',
  'NULLS LAST': 'NULLS LAST',
}
const castable = new Set(
  'BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT DOUBLE VARCHAR DATE TIMESTAMP INTERVAL'.split(
    ' ',
  ),
)
const unwelcome: Record<string, string> = {
  SUBQUERY: 'a subquery; a feature reads the events of its source only',
  WINDOW: 'a window function (OVER); use an aggregate and the feature’s window',
  STAR: '* outside count(*), or COLUMNS()',
  LAMBDA: 'a lambda',
  PARAMETER: 'a parameter',
  POSITIONAL_REFERENCE: 'a positional reference (#1)',
  COLLATE: 'COLLATE; the order of a collation changes with its library',
  DEFAULT: 'DEFAULT',
}

/**
 * Reads one expression. `place` gives the beginning of a fault's sentence, of the expression or of the character at an
 * offset of it: `features/x.yaml line 8: feature clicks`.
 */
export async function readExpression(
  session: Session,
  text: string,
  place: (offset?: number) => string,
): Promise<Expression> {
  const refuse: Refuse = (sentence, offset) => {
    throw new Fault('invalid', `${place(offset)}: ${sentence}`)
  }
  // DuckDB's parser would take the text to end there.
  if (text.includes('\0')) refuse('it contains a zero character')
  const { tree } = await session.row<{ tree: string }>('SELECT json_serialize_sql($1::VARCHAR) AS tree', [
    `SELECT ${text}`,
  ])
  const parsed = parseNumbersAsText(tree) as Parsed
  if (parsed.error)
    refuse(`${parsed.error_message ?? 'it is no SQL'} in: ${text.trim()}`, offsetIn(text, parsed.position))
  const [statement, ...more] = parsed.statements
  const select = statement?.node
  if (!select || more.length > 0) return refuse('one expression is expected, not several statements')
  const extra =
    select.type !== 'SELECT_NODE' ||
    select.select_list.length !== 1 ||
    select.from_table?.type !== 'EMPTY' ||
    select.aggregate_handling !== 'STANDARD_HANDLING' ||
    [select.modifiers, select.group_expressions, select.group_sets, select.cte_map.map].some(
      (list) => list.length > 0,
    ) ||
    [select.where_clause, select.having, select.sample, select.qualify].some((part) => part !== null)
  if (extra) refuse('one expression is expected, without FROM, WHERE, GROUP BY or a second column')
  const expression = toTree(select.select_list[0], (sentence, offset) => refuse(sentence, offsetIn(text, offset)))

  // What is executed is our own writing of the tree, so it must be read again as the same tree.
  const { again } = await session.row<{ again: string }>('SELECT json_serialize_sql($1::VARCHAR) AS again', [
    `SELECT ${writeExpression(expression)}`,
  ])
  const reread = parseNumbersAsText(again) as Parsed
  const [same] = reread.error ? [] : reread.statements[0].node.select_list
  if (!same || JSON.stringify(toTree(same, refuse)) !== JSON.stringify(expression)) {
    refuse(`this expression cannot be written back exactly: ${text.trim()}`)
  }
  return expression
}

// The shape of DuckDB's serialised statements; every field is checked where it is used.
// oxlint-disable-next-line typescript/no-explicit-any
type Parsed = any

/** Constants of 64 and 128 bits do not survive JSON.parse, so numbers keep their digits. */
function parseNumbersAsText(json: string): unknown {
  const keepDigits = (_: string, value: unknown, context: { source?: string }): unknown =>
    typeof value === 'number' ? context.source : value
  return JSON.parse(json, keepDigits as (this: unknown, key: string, value: unknown) => unknown)
}

/** `offset`: the position that DuckDB gives, which counts the `SELECT ` before the expression, and bytes. */
type Refuse = (sentence: string, offset?: number) => never

const before = 'SELECT '.length

function offsetIn(text: string, position: unknown): number {
  const bytes = Number(position ?? before) - before
  return Number.isSafeInteger(bytes) && bytes > 0 ? Buffer.from(text).toString('utf8', 0, bytes).length : 0
}

/** Where nodes begin in the text that they were read from, as DuckDB counts. */
const positions = new WeakMap<Expression, number>()

/** The offset in `text` at which a node that was read from it begins. */
export function offsetOf(node: Expression, text: string): number {
  return offsetIn(text, positions.get(node))
}

const deepest = 100

function toTree(node: Parsed, refuse: Refuse, depth = 0): Expression {
  const tree = nodeOf(
    node,
    (sentence, offset) => refuse(sentence, offset ?? Number(node.query_location)),
    depth,
    refuse,
  )
  positions.set(tree, Number(node.query_location))
  return tree
}

function nodeOf(node: Parsed, refuse: Refuse, depth: number, outer: Refuse): Expression {
  if (depth > deepest) refuse(`it is nested more than ${deepest} levels deep`)
  const child = (each: Parsed): Expression => toTree(each, outer, depth + 1)
  const known = (table: Record<string, string>, key: string): string => table[key] ?? refuse(`${key} is not supported`)
  if (node.alias) refuse(`it gives a part the name ${node.alias}, which means nothing here`)
  switch (node.class) {
    case 'CONSTANT':
      return constant(node.value, refuse)
    case 'COLUMN_REF':
      return { is: 'column', path: node.column_names }
    case 'FUNCTION': {
      if (node.catalog !== '' || !['', 'main'].includes(node.schema)) {
        refuse(
          `the function ${[node.catalog, node.schema, node.function_name].filter(Boolean).join('.')} is not allowed`,
        )
      }
      if (node.export_state) refuse('EXPORT_STATE is not supported')
      return {
        is: 'call',
        name: String(node.function_name).toLowerCase(),
        of: node.children.map(child),
        operator: node.is_operator,
        distinct: node.distinct,
        ...(node.filter === null ? {} : { filter: child(node.filter) }),
        order: node.order_bys.orders.map((order: Parsed) => ({
          by: child(order.expression),
          direction: known(orders, order.type),
          nulls: known(nullOrders, order.null_order),
        })),
      }
    }
    case 'COMPARISON':
      return { is: 'compare', by: known(comparisons, node.type), left: child(node.left), right: child(node.right) }
    case 'CONJUNCTION':
      return { is: 'junction', by: node.type === 'CONJUNCTION_AND' ? 'AND' : 'OR', of: node.children.map(child) }
    case 'OPERATOR':
      return { is: 'operator', by: known(operators, node.type), of: node.children.map(child) }
    case 'BETWEEN':
      return { is: 'between', input: child(node.input), lower: child(node.lower), upper: child(node.upper) }
    case 'CASE':
      return {
        is: 'case',
        when: node.case_checks.map((check: Parsed) => ({
          condition: child(check.when_expr),
          then: child(check.then_expr),
        })),
        otherwise: child(node.else_expr),
      }
    case 'CAST':
      return { is: 'cast', of: child(node.child), to: castType(node.cast_type, refuse), orNull: node.try_cast }
    default:
      return refuse(`it contains ${unwelcome[node.class] ?? node.class}`)
  }
}

function constant(value: Parsed, refuse: Refuse): Expression {
  const type: string = value.type.id
  if (value.is_null) return { is: 'constant', type: 'NULL', text: null }
  switch (type) {
    case 'VARCHAR':
      return { is: 'constant', type, text: value.value }
    case 'BOOLEAN':
      return { is: 'constant', type, text: String(value.value) }
    case 'DOUBLE':
      return { is: 'constant', type, text: Number(value.value).toExponential() }
    case 'INTEGER':
    case 'BIGINT':
      return { is: 'constant', type, text: value.value }
    case 'HUGEINT':
      return { is: 'constant', type, text: String(wide(value.value)) }
    case 'DECIMAL': {
      const { width, scale } = value.type.type_info
      const digits = String(wide(value.value)).padStart(Number(scale) + 1, '0')
      const point = digits.length - Number(scale)
      return {
        is: 'constant',
        type: `DECIMAL(${width},${scale})`,
        text: `${digits.slice(0, point)}.${digits.slice(point)}`,
      }
    }
    default:
      return refuse(`a constant of type ${type} is not supported`)
  }
}

function wide(value: string | { upper: string; lower: string }): bigint {
  return typeof value === 'string' ? BigInt(value) : (BigInt(value.upper) << 64n) + BigInt(value.lower)
}

function castType(type: Parsed, refuse: Refuse): string {
  if (type.id === 'DECIMAL') return `DECIMAL(${type.type_info.width},${type.type_info.scale})`
  if (castable.has(type.id)) return type.id
  const name = type.id === 'UNBOUND' ? type.type_info.name : type.id
  return refuse(`a cast to ${name} is not supported${type.id === 'FLOAT' ? '; use DOUBLE' : ''}`)
}

/** The expression as SQL, everything in parentheses. */
export function writeExpression(expression: Expression): string {
  const write = writeExpression
  const list = (of: Expression[]): string => of.map(write).join(', ')
  switch (expression.is) {
    case 'constant':
      if (expression.text === null) return 'NULL'
      if (expression.type === 'BOOLEAN') return `CAST('${expression.text.slice(0, 1)}' AS BOOLEAN)`
      return expression.type === 'VARCHAR' ? quote(expression.text) : expression.text
    case 'column':
      return expression.path.map(identifier).join('.')
    case 'call':
      return writeCall(expression)
    case 'compare':
      return `(${write(expression.left)} ${expression.by} ${write(expression.right)})`
    case 'junction':
      return `(${expression.of.map(write).join(` ${expression.by} `)})`
    case 'operator': {
      const [first, ...rest] = expression.of as [Expression, ...Expression[]]
      if (expression.by === 'NOT') return `(NOT ${write(first)})`
      if (expression.by === 'COALESCE') return `COALESCE(${list(expression.of)})`
      if (expression.by === '[]') return `(${write(first)})[${list(rest)}]`
      return rest.length === 0
        ? `(${write(first)} ${expression.by})`
        : `(${write(first)} ${expression.by} (${list(rest)}))`
    }
    case 'between':
      return `(${write(expression.input)} BETWEEN ${write(expression.lower)} AND ${write(expression.upper)})`
    case 'case': {
      const whens = expression.when.map(({ condition, then }) => ` WHEN ${write(condition)} THEN ${write(then)}`)
      return `(CASE${whens.join('')} ELSE ${write(expression.otherwise)} END)`
    }
    case 'cast':
      return `${expression.orNull ? 'TRY_CAST' : 'CAST'}(${write(expression.of)} AS ${expression.to})`
  }
}

function writeCall(call: Call): string {
  const of = call.of.map(writeExpression)
  const name = call.operator ? call.name : identifier(call.name)
  if (call.operator) return of.length === 1 ? `(${name} ${of[0]})` : `(${of[0]} ${name} ${of[1]})`
  const order = call.order.map(({ by, direction, nulls }) =>
    [writeExpression(by), direction, nulls].filter(Boolean).join(' '),
  )
  const inside = `${call.distinct ? 'DISTINCT ' : ''}${of.join(', ')}${order.length > 0 ? ` ORDER BY ${order.join(', ')}` : ''}`
  return `${name}(${inside})${call.filter ? ` FILTER (WHERE ${writeExpression(call.filter)})` : ''}`
}

/** A copy with every node replaced by what `change` makes of it; undefined leaves the node and goes on inside it. */
export function rewrite(expression: Expression, change: (node: Expression) => Expression | undefined): Expression {
  const copy = change(expression) ?? inside(expression, (node) => rewrite(node, change))
  const position = positions.get(expression)
  if (position !== undefined && !positions.has(copy)) positions.set(copy, position)
  return copy
}

function inside(expression: Expression, go: (node: Expression) => Expression): Expression {
  switch (expression.is) {
    case 'constant':
    case 'column':
      return expression
    case 'call':
      return {
        ...expression,
        of: expression.of.map(go),
        ...(expression.filter === undefined ? {} : { filter: go(expression.filter) }),
        order: expression.order.map((order) => ({ ...order, by: go(order.by) })),
      }
    case 'compare':
      return { ...expression, left: go(expression.left), right: go(expression.right) }
    case 'junction':
    case 'operator':
      return { ...expression, of: expression.of.map(go) }
    case 'between':
      return { ...expression, input: go(expression.input), lower: go(expression.lower), upper: go(expression.upper) }
    case 'case':
      return {
        ...expression,
        when: expression.when.map(({ condition, then }) => ({ condition: go(condition), then: go(then) })),
        otherwise: go(expression.otherwise),
      }
    case 'cast':
      return { ...expression, of: go(expression.of) }
  }
}

/** Visits a node and everything inside it, from the outside in. */
export function visit(expression: Expression, look: (node: Expression) => void): void {
  rewrite(expression, (node) => {
    look(node)
    return undefined
  })
}

/** The nodes directly inside a node. */
export function childrenOf(expression: Expression): Expression[] {
  const children: Expression[] = []
  inside(expression, (node) => {
    children.push(node)
    return node
  })
  return children
}

// Whether an expression of a feature is safe, has one answer every time, and gives the declared type.
import { Fault, isFault } from '../../fault.ts'
import { decimalOf, identifier } from '../../store/columns.ts'
import type { Column, Session } from '../../store/columns.ts'
import type { Prepared } from './compiled.ts'
import type { StreamShape } from './events.ts'
import { noEvents, storedName } from './events.ts'
import { functionKind, growing, MOST_NESTED, MOST_PUT_IN, mustNotBeNull, whyNot } from './functions.ts'
import { childrenOf, offsetOf, readExpression, rewrite, visit, writeExpression } from './syntax.ts'
import type { Call, Expression } from './syntax.ts'
import { placeIn } from './view.ts'
import type { Feature } from './view.ts'

/** Judges the expressions of one feature. */
export class Judge {
  readonly #session: Session
  readonly #feature: Feature
  readonly #shape: StreamShape
  readonly #empty: string
  /** Which of the feature's expressions is being judged: it decides which line a fault names. */
  #part: 'expr' | 'filter' = 'expr'

  constructor(session: Session, feature: Feature, shape: StreamShape) {
    this.#session = session
    this.#feature = feature
    this.#shape = shape
    this.#empty = `(SELECT *, NULL::TIMESTAMP AS as_of FROM ${noEvents(shape.stream, shape.columns)})`
  }

  /** Throws a sentence about the expression, or about a node of it: in the file, the line is that of the node. */
  refuse(sentence: string, node?: Expression): never {
    throw new Fault('invalid', `${this.#place(node && offsetOf(node, this.#text))}: ${sentence}.`)
  }

  get #text(): string {
    return this.#feature[this.#part] ?? ''
  }

  #place(offset = 0): string {
    return `${placeIn(this.#feature, this.#part, offset)}: feature ${this.#feature.name}`
  }

  /** The feature's expression with its columns named as they are stored. */
  async expression(): Promise<Expression> {
    this.#part = 'expr'
    return this.#read()
  }

  /** The feature's filter, a condition on one event; undefined when it has none. */
  async filter(): Promise<Expression | undefined> {
    if (this.#feature.filter === undefined) return undefined
    this.#part = 'filter'
    const condition = await this.#read()
    this.#perEvent(condition, 'the filter')
    const [type] = await this.#types([condition], condition)
    if (type !== 'BOOLEAN') this.refuse(`the filter is ${type}, not a condition`)
    return condition
  }

  /** The expression as a value of one event, for which there is no instant but its own; and its type. */
  async ofEvent(): Promise<{ value: Expression; type: string }> {
    const value = await this.expression()
    this.#perEvent(value, 'a value of one event')
    visit(value, (node) => {
      if (node.is === 'column' && node.path[0] === 'as_of') this.refuse('as_of means nothing here: use time', node)
    })
    const [type] = await this.#types([value], value)
    return { value, type: type! }
  }

  async #read(): Promise<Expression> {
    const read = await readExpression(this.#session, this.#text, (offset) => this.#place(offset))
    return rewrite(read, (node) => (node.is === 'column' ? this.#column(node) : undefined))
  }

  #column(node: Extract<Expression, { is: 'column' }>): Expression {
    const { path } = node
    const [first = '', second] = path
    const own = first.toLowerCase()
    const found = (name: string): Column | undefined =>
      this.#shape.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
    if (path.length === 1) {
      if (own === 'time' || own === 'as_of') return { is: 'column', path: [own] }
      const column = found(first)
      if (column) return { is: 'column', path: [storedName(column.name)] }
      if (own === 'seq' || own === 'known') return { is: 'column', path: [own] }
    } else if (path.length === 2 && own === 'field') {
      const column = found(second!)
      if (column) return { is: 'column', path: [storedName(column.name)] }
    }
    const name = path.join('.')
    if (path.length === 1 && /^(current_|localtime)/.test(own)) this.refuse(`${name} is refused: ${whyNot(own)}`, node)
    const columns = this.#shape.columns.map((column) => column.name)
    const shown = columns.slice(0, 12).join(', ') + (columns.length > 12 ? ` and ${columns.length - 12} more` : '')
    return this.refuse(
      `stream ${this.#shape.stream} (contract ${this.#shape.contract}) has no column "${name}"; it has ${shown || 'none'}`,
      node,
    )
  }

  /** Checks that no aggregate stands in an expression that is computed for each event. */
  #perEvent(expression: Expression, where: string): void {
    visit(expression, (node) => {
      if (node.is !== 'call') return
      const kind = this.#kind(node)
      if (typeof kind === 'object') this.refuse(`aggregate ${node.name}() stands in ${where}`, node)
      this.#plainCall(node)
    })
  }

  #kind(call: Call): NonNullable<ReturnType<typeof functionKind>> {
    return functionKind(call.name) ?? this.refuse(`${call.name}() is refused: ${whyNot(call.name)}`, call)
  }

  #plainCall(call: Call): void {
    if (call.distinct || call.filter || call.order.length > 0) {
      this.refuse(`${call.name}() is no aggregate; DISTINCT, FILTER and ORDER BY do not apply to it`, call)
    }
    if (functionKind(call.name) === 'rounding' && this.#feature.tolerance === undefined) {
      this.refuse(`${call.name}() rounds differently from machine to machine: declare a tolerance`, call)
    }
    this.#boundGrowth(call)
  }

  /** A few texts that grow inside each other would fill the memory, and no time limit reaches into one call. */
  #boundGrowth(call: Call): void {
    const put = growing.get(call.name)
    if (put === undefined) return
    const by = put === 'double' ? undefined : call.of[put]
    if (by && !(by.is === 'constant' && (by.text ?? '').length <= MOST_PUT_IN)) {
      this.refuse(`${call.name}() may put in a constant of at most ${MOST_PUT_IN} characters`, call)
    }
    const nested = (node: Expression): number => {
      let most = 0
      for (const child of childrenOf(node)) most = Math.max(most, nested(child))
      return most + (node.is === 'call' && growing.has(node.name) ? 1 : 0)
    }
    if (nested(call) > MOST_NESTED) {
      const names = [...growing.keys()].join('(), ')
      this.refuse(`${names}() make texts longer and may stand inside each other ${MOST_NESTED} deep, no deeper`, call)
    }
  }

  async #types(expressions: Expression[], of: Expression): Promise<string[]> {
    if (expressions.length === 0) return []
    const list = expressions.map((each, index) => `${writeExpression(each)} AS t${index}`)
    return this.#described(`SELECT ${list.join(', ')} FROM ${this.#empty}`, of)
  }

  async #described(query: string, of?: Expression): Promise<string[]> {
    try {
      return (await this.#session.describe(query)).map(({ type }) => type)
    } catch (error) {
      // What is overloaded or takes too long says nothing about the expression.
      if (isFault(error) && error.code !== 'invalid' && error.code !== 'internal') throw error
      const sentence = (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ')
      return this.refuse(sentence.replace(/ (Candidate functions|Candidates):.*$/, '').replace(/[.\s]+$/, ''), of)
    }
  }

  /** Adds the scope to every aggregate's filter; checks that the whole has one answer and the declared type. */
  async aggregates(expr: Expression, scope: string): Promise<Pick<Prepared, 'feature' | 'value' | 'feeds'>> {
    this.#part = 'expr'
    const calls: Call[] = []
    const inScope: Expression = { is: 'column', path: [scope] }
    const value = rewrite(expr, (node) => {
      if (node.is === 'column' && node.path[0] !== 'as_of') {
        return this.refuse(
          `column "${node.path[0]}" stands outside an aggregate; a feature has one value per subject`,
          node,
        )
      }
      if (node.is !== 'call') return undefined
      if (typeof this.#kind(node) !== 'object') {
        this.#plainCall(node)
        return undefined
      }
      for (const inner of [...node.of, ...node.order.map(({ by }) => by)]) this.#perEvent(inner, 'another aggregate')
      if (node.filter) this.#perEvent(node.filter, 'a FILTER')
      calls.push(node)
      const filter: Expression = node.filter ? { is: 'junction', by: 'AND', of: [inScope, node.filter] } : inScope
      return { ...node, order: this.#order(node), filter }
    })
    if (calls.length === 0) this.refuse('the expression has no aggregate, so it reads no events')
    for (const call of calls) await this.#reproducible(call)

    const scoped = `(SELECT *, NULL::BOOLEAN AS ${identifier(scope)} FROM ${this.#empty}) GROUP BY as_of`
    const [type] = await this.#described(`SELECT ${writeExpression(value)} AS value FROM ${scoped}`).catch(
      async (error: unknown) => {
        // Where one of the aggregates alone fails too, the fault is about that one, and names its line.
        for (const call of calls)
          await this.#described(`SELECT ${writeExpression(call)} FROM ${this.#empty} GROUP BY as_of`, call)
        throw error
      },
    )
    const column: Column = { name: this.#feature.name, type: this.#columnType(type!) }
    const feeds = calls.map(feedOf)
    return {
      feature: { ...this.#feature, column },
      value: cast(value, column.type),
      feeds: feeds.every((feed) => feed !== undefined) ? distinct(feeds) : undefined,
    }
  }

  /** The order in which an aggregate takes its events, made total by their seq. */
  #order(call: Call): Call['order'] {
    const kind = (this.#kind(call) as { aggregate: string }).aggregate
    const bySeq = (direction: string): Call['order'][number] => ({
      by: { is: 'column', path: ['seq'] },
      direction,
      nulls: '',
    })
    if (kind === 'ordered') {
      if (call.order.length === 0) {
        this.refuse(
          `${call.name}() takes events in an order: say which, for example ${call.name}(… ORDER BY time)`,
          call,
        )
      }
      // DISTINCT leaves one of several equal values, which only the value itself can order.
      if (call.distinct) return [...call.order, { by: call.of[0]!, direction: 'ASC', nulls: '' }]
      return [...call.order, bySeq('ASC')]
    }
    if (kind === 'picking') {
      if (call.distinct) this.refuse(`${call.name}(DISTINCT) is not supported`, call)
      return [...call.order, bySeq(/max/.test(call.name) ? 'DESC' : 'ASC')]
    }
    // The others do not look at the order; sorting for them would only cost time.
    return []
  }

  async #reproducible(call: Call): Promise<void> {
    const { aggregate } = this.#kind(call) as { aggregate: string }
    const types = await this.#types(call.of, call)
    if (this.#feature.tolerance !== undefined) return
    const floating = types.some((type) => type === 'DOUBLE' || type === 'FLOAT')
    if (aggregate === 'rounding') {
      this.refuse(`${call.name}() is computed in floating point and differs from run to run: declare a tolerance`, call)
    }
    if (aggregate === 'exact over integers' && floating) {
      this.refuse(
        `${call.name}() over DOUBLE differs from run to run: make the column integer or decimal in the contract, ` +
          `cast it (${call.name}(x::DECIMAL(18,2))), or declare a tolerance`,
        call,
      )
    }
  }

  #columnType(type: string): Column['type'] {
    const declared = this.#feature.type
    const wrong = (): never => this.refuse(`the expression gives ${type}, but the feature is ${declared}`)
    const integer = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type)
    const decimal = type.startsWith('DECIMAL')
    switch (declared) {
      case 'int64':
        return integer ? 'BIGINT' : wrong()
      case 'double':
        return integer || decimal || type === 'DOUBLE' ? 'DOUBLE' : wrong()
      case 'boolean':
        return type === 'BOOLEAN' ? type : wrong()
      case 'string':
        return type === 'VARCHAR' ? type : wrong()
      case 'timestamp':
        return type === 'TIMESTAMP' || type === 'DATE' ? 'TIMESTAMP' : wrong()
      case 'decimal':
        return integer ? 'DECIMAL(38,0)' : decimal ? `DECIMAL(38,${decimalOf(type)[1]})` : wrong()
      default:
        return integer || decimal ? (declared.toUpperCase() as Column['type']) : wrong()
    }
  }
}

function cast(of: Expression, to: string): Expression {
  const value: Expression = { is: 'cast', of, to, orNull: false }
  if (to !== 'DOUBLE') return value
  // Which of 0 and -0 is the smaller depends on which came first; adding 0 leaves only one of them.
  const zero: Expression = { is: 'constant', type: 'DOUBLE', text: '0e+0' }
  return { is: 'call', name: '+', of: [value, zero], operator: true, distinct: false, order: [] }
}

const no: Expression = { is: 'constant', type: 'BOOLEAN', text: 'false' }

/**
 * When an event in scope is fed to an aggregate: its own filter holds, and no argument that it skips is NULL. Undefined:
 * always. The arguments are looked at only where the filter holds, because a cast in them may fail elsewhere.
 */
function feedOf(call: Call): Expression | undefined {
  const skipped = mustNotBeNull(call.name)
  const present = call.of
    .slice(0, skipped)
    .filter((argument) => argument.is !== 'constant' || argument.text === null)
    .map((argument): Expression => ({ is: 'operator', by: 'IS NOT NULL', of: [argument] }))
  if (present.length === 0) return call.filter
  const all: Expression = present.length === 1 ? present[0]! : { is: 'junction', by: 'AND', of: present }
  return call.filter ? { is: 'case', when: [{ condition: call.filter, then: all }], otherwise: no } : all
}

function distinct(expressions: readonly Expression[]): Expression[] {
  return [...new Map(expressions.map((each) => [JSON.stringify(each), each])).values()]
}

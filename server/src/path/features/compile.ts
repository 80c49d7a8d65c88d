// From a view's expressions to SQL that is safe and gives the same answer every time.
//
// Every aggregate of a feature gets the window, the feature's filter and the event's existence ANDed into its own FILTER
// clause. They are columns of the inner query ("in:0", "in:1" …), one for each different pair of window and filter, so
// that one compiled expression serves every frame:
// - snapshot: one `at` for all subjects; one scan, no join; and `single`, for one subject;
// - spine: rows of {row, subject, at, upto}, each with its own two clocks; a point-in-time join;
// - contributors: the events that a feature counts.
import { createHash } from 'node:crypto'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { decimalOf, identifier, timestamp } from '../../store/columns.ts'
import type { Column, Columns, Session } from '../../store/columns.ts'
import type { StreamShape } from './events.ts'
import { noEvents, storedName } from './events.ts'
import { functionKind, whyNot } from './functions.ts'
import { readExpression, rewrite, visit, writeExpression } from './syntax.ts'
import type { Call, Expression } from './syntax.ts'
import { SEMANTICS, sourcesOf } from './view.ts'
import type { Feature, FeatureView } from './view.ts'

export interface CompiledFeature extends Feature {
  /** The type of its column: BIGINT, DOUBLE, DECIMAL(p,s), BOOLEAN, VARCHAR or TIMESTAMP. */
  column: Column
}

/** The SQL text of a relation that has a stream's event columns. */
export type Relations = (stream: string) => string

export interface CompiledView {
  view: FeatureView
  /** `fp1:` and the SHA-256 of everything that decides values. */
  fingerprint: string
  features: readonly CompiledFeature[]
  /** The streams it reads, the main one first. */
  sources: readonly StreamShape[]
  /** `subject` and the features of all subjects that the main stream knows at `at` and before `asOf`; unordered. */
  snapshot(relations: Relations, at: Micros, asOf: number): string
  /** The features, in one row, where the relations hold the events of one subject only, or none. */
  single(relations: Relations, at: Micros, asOf: number): string
  /**
   * `row`, `present` and the features for each row of a table spine(row BIGINT, subject BLOB, at TIMESTAMP, upto BIGINT);
   * unordered. `present`: the main stream knows the subject by then. One that it does not know has the values of no events.
   */
  spine(relations: Relations, table: string): string
  /** `seq`, `time` and, for each feature of the stream, `in:NAME`: true where it counts the event; all of one subject. */
  contributors(stream: string, relation: string, subject: string, at: Micros, asOf: number): string
  /** As `contributors`, with `row`, for each row of a spine table; only events that count, by row, time and seq. */
  spineContributors(stream: string, relation: string, table: string): string
}

interface Prepared {
  feature: CompiledFeature
  /** The expression, its aggregates filtered. */
  value: Expression
  /** The filters that its aggregates have themselves; undefined: one of them has none, so that it counts every event. */
  ownFilters: Expression[] | undefined
  /** Index of its window and filter among those of its stream. */
  scope: number
}

interface Scope {
  window: Micros | undefined
  filter: Expression | undefined
}

/** Checks a view against the contracts of its streams and compiles it. A fault says which feature is refused and why. */
export async function compileView(
  columns: Columns | Session,
  view: FeatureView,
  shapes: readonly StreamShape[],
): Promise<CompiledView> {
  const work = (session: Session): Promise<CompiledView> => compile(session, view, shapes)
  return 'session' in columns ? columns.session(work) : work(columns)
}

async function compile(session: Session, view: FeatureView, shapes: readonly StreamShape[]): Promise<CompiledView> {
  const sources = sourcesOf(view).map((stream) => {
    const shape = shapes.find((each) => each.stream === stream)
    if (!shape) throw new Fault('not_found', `View ${view.name} reads stream ${stream}, which has no contract.`)
    return shape
  })
  const scopes = new Map<string, Scope[]>(sources.map(({ stream }) => [stream, []]))
  const prepared: Prepared[] = []
  const trees: { expr: Expression; filter: Expression | undefined }[] = []
  for (const feature of view.features) {
    const shape = sources.find(({ stream }) => stream === feature.source)!
    const judge = new Judge(session, feature, shape)
    const expr = await judge.read(feature.expr)
    const filter = feature.filter === undefined ? undefined : await judge.condition(feature.filter)
    trees.push({ expr, filter })
    const scope = scopeOf(scopes.get(feature.source)!, { window: feature.window, filter })
    prepared.push({ ...(await judge.aggregates(expr, `in:${scope}`)), scope })
  }

  const fingerprint = `fp1:${createHash('sha256')
    .update(canonicalize(identity(view, sources, trees)))
    .digest('hex')}`
  return {
    view,
    fingerprint,
    features: prepared.map(({ feature }) => feature),
    sources,
    ...frames(view, sources, prepared, scopes),
  }
}

function identity(
  view: FeatureView,
  sources: readonly StreamShape[],
  trees: { expr: Expression; filter: Expression | undefined }[],
): Json {
  return {
    kind: 'FeatureView',
    semantics: SEMANTICS,
    entity: view.entity,
    source: view.source,
    sources: sources.map(({ stream, contract }) => ({ stream, contract })),
    ttl: view.ttl ?? null,
    features: view.features.map((feature, index) => ({
      name: feature.name,
      type: feature.type,
      source: feature.source,
      window: feature.window ?? null,
      filter: (trees[index]!.filter ?? null) as Json,
      expr: trees[index]!.expr as unknown as Json,
      tolerance: feature.tolerance ?? null,
    })),
  }
}

function scopeOf(scopes: Scope[], scope: Scope): number {
  const key = (each: Scope): string => JSON.stringify(each)
  const index = scopes.findIndex((each) => key(each) === key(scope))
  return index >= 0 ? index : scopes.push(scope) - 1
}

/** Judges the expressions of one feature. */
class Judge {
  readonly #session: Session
  readonly #feature: Feature
  readonly #shape: StreamShape
  readonly #empty: string

  constructor(session: Session, feature: Feature, shape: StreamShape) {
    this.#session = session
    this.#feature = feature
    this.#shape = shape
    this.#empty = `(SELECT *, NULL::TIMESTAMP AS as_of FROM ${noEvents(shape.stream, shape.columns)})`
  }

  refuse(sentence: string): never {
    throw new Fault('invalid', `${this.#place}: ${sentence}.`)
  }

  get #place(): string {
    return `${this.#feature.place}: feature ${this.#feature.name}`
  }

  /** The expression with its columns named as they are stored. */
  async read(text: string): Promise<Expression> {
    const read = await readExpression(this.#session, text, this.#place)
    return rewrite(read, (node) => (node.is === 'column' ? this.#column(node.path) : undefined))
  }

  /** A condition on one event. */
  async condition(text: string): Promise<Expression> {
    const condition = await this.read(text)
    this.#perEvent(condition, 'the filter')
    const [type] = await this.#types([condition])
    if (type !== 'BOOLEAN') this.refuse(`the filter is ${type}, not a condition`)
    return condition
  }

  #column(path: readonly string[]): Expression {
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
    if (path.length === 1 && /^(current_|localtime)/.test(own)) this.refuse(`${name} is refused: ${whyNot(own)}`)
    return this.refuse(`stream ${this.#shape.stream} (contract ${this.#shape.contract}) has no column "${name}"`)
  }

  /** Checks that no aggregate stands in an expression that is computed for each event. */
  #perEvent(expression: Expression, where: string): void {
    visit(expression, (node) => {
      if (node.is !== 'call') return
      const kind = this.#kind(node)
      if (typeof kind === 'object') this.refuse(`aggregate ${node.name}() stands in ${where}`)
      this.#plainCall(node)
    })
  }

  #kind(call: Call): NonNullable<ReturnType<typeof functionKind>> {
    return functionKind(call.name) ?? this.refuse(`${call.name}() is refused: ${whyNot(call.name)}`)
  }

  #plainCall(call: Call): void {
    if (call.distinct || call.filter || call.order.length > 0) {
      this.refuse(`${call.name}() is no aggregate; DISTINCT, FILTER and ORDER BY do not apply to it`)
    }
    if (functionKind(call.name) === 'rounding' && this.#feature.tolerance === undefined) {
      this.refuse(`${call.name}() rounds differently from machine to machine: declare a tolerance`)
    }
  }

  async #types(expressions: Expression[]): Promise<string[]> {
    if (expressions.length === 0) return []
    try {
      const list = expressions.map((each, index) => `${writeExpression(each)} AS t${index}`)
      const described = await this.#session.describe(`SELECT ${list.join(', ')} FROM ${this.#empty}`)
      return described.map(({ type }) => type)
    } catch (error) {
      return this.refuse(error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ').trim() : String(error))
    }
  }

  /** Adds the scope to every aggregate's filter; checks that the whole has one answer and the declared type. */
  async aggregates(expr: Expression, scope: string): Promise<Omit<Prepared, 'scope'>> {
    const calls: Call[] = []
    const own: (Expression | undefined)[] = []
    const inScope: Expression = { is: 'column', path: [scope] }
    const value = rewrite(expr, (node) => {
      if (node.is === 'column' && node.path[0] !== 'as_of') {
        return this.refuse(`column "${node.path[0]}" stands outside an aggregate; a feature has one value per subject`)
      }
      if (node.is !== 'call') return undefined
      if (typeof this.#kind(node) !== 'object') {
        this.#plainCall(node)
        return undefined
      }
      for (const inner of [...node.of, ...node.order.map(({ by }) => by)]) this.#perEvent(inner, 'another aggregate')
      if (node.filter) this.#perEvent(node.filter, 'a FILTER')
      calls.push(node)
      own.push(node.filter)
      const filter: Expression = node.filter ? { is: 'junction', by: 'AND', of: [inScope, node.filter] } : inScope
      return { ...node, order: this.#order(node), filter }
    })
    if (calls.length === 0) this.refuse('the expression has no aggregate, so it reads no events')
    for (const call of calls) await this.#reproducible(call)

    const scoped = `(SELECT *, NULL::BOOLEAN AS ${identifier(scope)} FROM ${this.#empty}) GROUP BY as_of`
    let type: string
    try {
      const described = await this.#session.describe(`SELECT ${writeExpression(value)} AS value FROM ${scoped}`)
      type = described[0]!.type
    } catch (error) {
      return this.refuse(error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ').trim() : String(error))
    }
    const column: Column = { name: this.#feature.name, type: this.#columnType(type) }
    const filters = own.every((filter) => filter !== undefined) ? own : undefined
    return { feature: { ...this.#feature, column }, value: cast(value, column.type), ownFilters: filters }
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
        this.refuse(`${call.name}() takes events in an order: say which, for example ${call.name}(… ORDER BY time)`)
      }
      // DISTINCT leaves one of several equal values, which only the value itself can order.
      if (call.distinct) return [...call.order, { by: call.of[0]!, direction: 'ASC', nulls: '' }]
      return [...call.order, bySeq('ASC')]
    }
    if (kind === 'picking') {
      if (call.distinct) this.refuse(`${call.name}(DISTINCT) is not supported`)
      return [...call.order, bySeq(/max/.test(call.name) ? 'DESC' : 'ASC')]
    }
    // The others do not look at the order; sorting for them would only cost time.
    return []
  }

  async #reproducible(call: Call): Promise<void> {
    const { aggregate } = this.#kind(call) as { aggregate: string }
    const types = await this.#types(call.of)
    if (this.#feature.tolerance !== undefined) return
    const floating = types.some((type) => type === 'DOUBLE' || type === 'FLOAT')
    if (aggregate === 'rounding') {
      this.refuse(`${call.name}() is computed in floating point and differs from run to run: declare a tolerance`)
    }
    if (aggregate === 'exact over integers' && floating) {
      this.refuse(
        `${call.name}() over DOUBLE differs from run to run: make the column integer or decimal in the contract, ` +
          `cast it (${call.name}(x::DECIMAL(18,2))), or declare a tolerance`,
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

// Frames

type Frames = Pick<CompiledView, 'snapshot' | 'single' | 'spine' | 'contributors' | 'spineContributors'>

function frames(
  view: FeatureView,
  sources: readonly StreamShape[],
  prepared: readonly Prepared[],
  scopes: ReadonlyMap<string, readonly Scope[]>,
): Frames {
  const of = (stream: string): Prepared[] => prepared.filter(({ feature }) => feature.source === stream)
  const name = ({ feature }: Prepared): string => identifier(feature.name)
  const others = sources.slice(1)
  const empty = ({ stream, columns }: StreamShape): string => noEvents(stream, columns)

  /** The columns in:0, in:1 … of a stream. `exists`, `at` and `from` are SQL, or undefined where the frame needs no test. */
  const inScope = (
    stream: string,
    {
      exists,
      at,
      from,
      as,
    }: { exists?: string; at: string; from: (window: Micros) => string; as: (e: Expression) => string },
  ): string =>
    scopes
      .get(stream)!
      .map(({ window, filter }, index) => {
        const conditions = [
          exists,
          window === undefined ? undefined : `time > ${from(window)} AND time <= ${at}`,
          filter && as(filter),
        ].filter((each) => each !== undefined)
        return `, (${conditions.join(' AND ') || 'true'}) AS ${identifier(`in:${index}`)}`
      })
      .join('')

  const values = (stream: string, as: (e: Expression) => string): string =>
    of(stream)
      .map((each) => `, ${as(each.value)} AS ${name(each)}`)
      .join('')

  const counts = ({ scope, ownFilters }: Prepared, as: (e: Expression) => string): string => {
    const own = ownFilters === undefined ? '' : ` AND (${ownFilters.map(as).join(' OR ')})`
    return `coalesce(${identifier(`in:${scope}`)}${own}, false)`
  }
  const countColumns = (stream: string, as: (e: Expression) => string): string =>
    of(stream)
      .map((each) => `, ${counts(each, as)} AS ${identifier(`in:${each.feature.name}`)}`)
      .join('')
  const countsAny = (stream: string): string =>
    of(stream)
      .map((each) => identifier(`in:${each.feature.name}`))
      .join(' OR ')

  return {
    snapshot(relations, at, asOf) {
      const as = at_(at)
      const grouped = (stream: string): string =>
        `SELECT subject${values(stream, as)} FROM (${scoped(stream, relations(stream), at, asOf)}) GROUP BY subject`
      if (others.length === 0) {
        return `SELECT subject${of(view.source)
          .map((each) => `, ${name(each)}`)
          .join('')} FROM (${grouped(view.source)})`
      }
      // A subject that another stream does not know has there the value of no events: 0 for a count, not NULL.
      const withs = [
        `main AS (${grouped(view.source)})`,
        ...others.flatMap((shape, index) => [
          `other${index} AS (${grouped(shape.stream)})`,
          `none${index} AS (SELECT true AS one${values(shape.stream, as)} FROM (${scoped(shape.stream, empty(shape), at, asOf)}))`,
        ]),
      ]
      const picked = prepared.map((each) => {
        const index = others.findIndex(({ stream }) => stream === each.feature.source)
        if (index < 0) return `, main.${name(each)}`
        const known = `other${index}.subject IS NOT NULL`
        return `, CASE WHEN ${known} THEN other${index}.${name(each)} ELSE none${index}.${name(each)} END AS ${name(each)}`
      })
      const joins = others.map(
        (_, index) => ` LEFT JOIN other${index} ON other${index}.subject = main.subject CROSS JOIN none${index}`,
      )
      return `WITH ${withs.join(', ')} SELECT main.subject${picked.join('')} FROM main${joins.join('')}`
    },

    single(relations, at, asOf) {
      const as = at_(at)
      const own = sources.filter(({ stream }) => of(stream).length > 0)
      const parts = own.map(
        ({ stream }) =>
          `(SELECT true AS one${values(stream, as)} FROM (${scoped(stream, relations(stream), at, asOf)}))`,
      )
      return `SELECT ${prepared.map(name).join(', ')} FROM ${parts.join(' CROSS JOIN ')}`
    },

    spine(relations, table) {
      const grouped = ({ stream }: StreamShape): string => {
        const present = stream === view.source ? ', count(seq) > 0 AS present' : ''
        return `SELECT "row"${present}${values(stream, writeExpression)} FROM (${joined(stream, relations(stream), table)}) GROUP BY "row", as_of`
      }
      const withs = sources.map((shape, index) => `source${index} AS (${grouped(shape)})`)
      const picked = prepared.map((each) => {
        const index = sources.findIndex(({ stream }) => stream === each.feature.source)
        return `, source${index}.${name(each)}`
      })
      const joins = others.map((_, index) => ` JOIN source${index + 1} USING ("row")`)
      return `WITH ${withs.join(', ')} SELECT "row", source0.present${picked.join('')} FROM source0${joins.join('')}`
    },

    contributors(stream, relation, subject, at, asOf) {
      // Flat, and with the subject as its only WHERE: other filters would have their columns decoded for all subjects.
      const as = at_(at)
      const bounds = known(at, asOf)
      const conditions = scopes.get(stream)!.map(({ window, filter }) =>
        [window === undefined ? undefined : `time > ${timestamp(at - window)}`, filter && as(filter)]
          .filter((each) => each !== undefined)
          .map((each) => ` AND ${each}`)
          .join(''),
      )
      const counted = of(stream).map(({ feature, scope, ownFilters }) => {
        const own = ownFilters === undefined ? '' : ` AND (${ownFilters.map(as).join(' OR ')})`
        return `, ${bounds}${conditions[scope]}${own} AS ${identifier(`in:${feature.name}`)}`
      })
      return `SELECT seq, time${counted.join('')} FROM ${relation} WHERE subject = ${subject}`
    },

    spineContributors(stream, relation, table) {
      const scoped = joined(stream, relation, table)
      return `SELECT * FROM (SELECT "row", seq, time${countColumns(stream, writeExpression)} FROM (${scoped})) WHERE ${countsAny(stream)} ORDER BY "row", time, seq`
    },
  }

  function scoped(stream: string, relation: string, at: Micros, asOf: number): string {
    const scope = inScope(stream, { at: timestamp(at), from: (window) => timestamp(at - window), as: at_(at) })
    return `SELECT *${scope} FROM ${relation} WHERE ${known(at, asOf)}`
  }

  function joined(stream: string, relation: string, table: string): string {
    const scope = inScope(stream, {
      exists: 'seq IS NOT NULL',
      at: 'as_of',
      from: (window) => `as_of - to_microseconds(${window})`,
      as: writeExpression,
    })
    return (
      `SELECT *${scope} FROM (SELECT s."row", s."at" AS as_of, e.* FROM ${table} s LEFT JOIN ${relation} e ` +
      `ON e.subject = s.subject AND e.time <= s."at" AND e.known <= s."at" AND e.seq < s.upto)`
    )
  }
}

/** Writes an expression with `as_of` replaced by a constant. */
function at_(at: Micros): (expression: Expression) => string {
  const constant: Expression = { is: 'constant', type: 'TIMESTAMP', text: timestamp(at) }
  return (expression) =>
    writeExpression(
      rewrite(expression, (node) => (node.is === 'column' && node.path[0] === 'as_of' ? constant : undefined)),
    )
}

function known(at: Micros, asOf: number): string {
  if (!Number.isSafeInteger(asOf) || asOf < 0) throw new Fault('invalid', `${asOf} is no ledger position.`)
  return `time <= ${timestamp(at)} AND known <= ${timestamp(at)} AND seq < ${asOf}`
}

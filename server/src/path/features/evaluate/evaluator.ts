// A second engine for features: plain TypeScript over the events of one subject. It shares with DuckDB the parsed
// expressions and the types that DuckDB gives their parts, and nothing else: so that a value that both give alike is the
// work of two programs, and one subject's features cost microseconds instead of a planned query.
import type { Session, Columns } from '../../../store/columns.ts'
import { identifier } from '../../../store/columns.ts'
import type { Micros } from '../../../record/time.ts'
import type { CompiledView, Prepared } from '../compiled.ts'
import { noEvents, storedName } from '../events.ts'
import type { EventRow, StreamShape } from '../events.ts'
import { functionKind } from '../functions.ts'
import type { Value } from '../rows.ts'
import { childrenOf, writeExpression } from '../syntax.ts'
import type { Call, Expression } from '../syntax.ts'
import { buildAggregate } from './aggregates.ts'
import type { Aggregate } from './aggregates.ts'
import { build, operandsOf } from './build.ts'
import { NotEvaluable } from './computed.ts'
import type { Compute, Places } from './computed.ts'
import { read, shown } from './datum.ts'
import type { Datum } from './datum.ts'

/** An event as this engine reads it. `row`: seq, time and known, then the stream's columns. */
export interface TypedEvent {
  seq: number
  time: Micros
  known: Micros
  row: readonly Datum[]
}

/** The events of one subject that are known by then (`knownOf`), by stream, in the order of seq. */
export type EventsOf = (stream: string) => readonly TypedEvent[]

export interface Evaluator {
  /** The features, in their order. Throws `Unsure` where DuckDB must be asked. */
  values(known: EventsOf, at: Micros): Value[]
  /** For each feature the seqs of the events that it is fed, by time and seq. Throws `Unsure`. */
  contributors(known: EventsOf, at: Micros): { feature: string; stream: string; seqs: number[] }[]
}

/** The events that are known at `at` and before `asOf`. */
export function knownOf<E extends Pick<TypedEvent, 'seq' | 'time' | 'known'>>(
  events: readonly E[],
  at: Micros,
  asOf: number,
): E[] {
  return events.filter((event) => event.seq < asOf && event.time <= at && event.known <= at)
}

interface EvaluatedFeature {
  name: string
  type: string
  scope: number
  aggregates: Aggregate[]
  value: Compute
  feeds: Compute[] | undefined
}

interface EvaluatedSource {
  stream: string
  scopes: { window: Micros | undefined; filter: Compute | undefined }[]
  features: { index: number; of: EvaluatedFeature }[]
}

/** An event's values, typed for this engine. Throws `Unsure` for what it does not hold. */
export function typedEvent(event: EventRow, shape: Pick<StreamShape, 'columns'>): TypedEvent {
  const { seq, time, known, values } = event
  const own = shape.columns.map(({ type }, index) => read(type, values[index]))
  return { seq, time, known, row: [BigInt(seq), BigInt(time), BigInt(known), ...own] }
}

const made = new WeakMap<CompiledView, Promise<Evaluator | NotEvaluable>>()

/** The evaluator of a view, or the reason why DuckDB alone can compute it. Made once a view. */
export function evaluatorOf(columns: Columns | Session, compiled: CompiledView): Promise<Evaluator | NotEvaluable> {
  let evaluator = made.get(compiled)
  if (!evaluator) {
    evaluator = makeEvaluator(columns, compiled)
    evaluator.catch(() => made.delete(compiled))
    made.set(compiled, evaluator)
  }
  return evaluator
}

async function makeEvaluator(columns: Columns | Session, compiled: CompiledView): Promise<Evaluator | NotEvaluable> {
  try {
    const sources: EvaluatedSource[] = []
    for (const shape of compiled.sources) sources.push(await evaluatedSource(columns, compiled, shape))
    return evaluator(sources)
  } catch (error) {
    if (error instanceof NotEvaluable) return error
    throw error
  }
}

async function evaluatedSource(
  session: Columns | Session,
  compiled: CompiledView,
  shape: StreamShape,
): Promise<EvaluatedSource> {
  const own = compiled.prepared.flatMap((prepared, index) =>
    prepared.feature.source === shape.stream ? [{ prepared, index }] : [],
  )
  const scopes = compiled.scopes.get(shape.stream) ?? []
  const places = new Map(
    ['seq', 'time', 'known', ...shape.columns.map(({ name }) => storedName(name))].map((name, i) => [name, i]),
  )
  const found = own.map(({ prepared }) => ({ prepared, calls: aggregatesIn(prepared.value) }))
  const perEvent = [
    ...scopes.flatMap(({ filter }) => filter ?? []),
    ...own.flatMap(({ prepared }) => prepared.feeds ?? []),
    ...found.flatMap(({ prepared, calls }) =>
      calls.flatMap((call) => [...call.of, ...call.order.map(({ by }) => by), ...(ownFilter(call, prepared) ?? [])]),
    ),
  ]
  const types = await Types.ask(
    session,
    shape,
    scopes.length,
    perEvent,
    found.map(({ prepared }) => prepared.value),
  )
  const ofEvent: Places = { ...types, place: (column) => places.get(column), aggregate: () => undefined }
  return {
    stream: shape.stream,
    scopes: scopes.map(({ window, filter }) => ({ window, filter: filter && build(filter, ofEvent).of })),
    features: own.map(({ prepared, index }, i) => {
      const { calls } = found[i]!
      const ofFeature: Places = {
        ...types,
        place: () => undefined,
        aggregate: (call) => {
          const at = calls.indexOf(call)
          return at < 0 ? undefined : at
        },
      }
      return {
        index,
        of: {
          name: prepared.feature.name,
          type: prepared.feature.column.type,
          scope: prepared.scope,
          aggregates: calls.map((call) => {
            const [filter] = ownFilter(call, prepared) ?? []
            return buildAggregate(call, filter && build(filter, ofEvent).of, ofEvent, types.typeOf(call))
          }),
          value: build(prepared.value, ofFeature).of,
          feeds: prepared.feeds?.map((feed) => build(feed, ofEvent).of),
        },
      }
    }),
  }
}

const isAggregate = (node: Expression): node is Call =>
  node.is === 'call' && typeof functionKind(node.name) === 'object'

function aggregatesIn(node: Expression): Call[] {
  return isAggregate(node) ? [node] : childrenOf(node).flatMap(aggregatesIn)
}

/** What an aggregate's FILTER says besides the scope, which the compiler has put before it. */
function ownFilter({ filter }: Call, { scope }: Prepared): [Expression] | undefined {
  const isScope = (node: Expression | undefined): boolean => node?.is === 'column' && node.path[0] === `in:${scope}`
  if (isScope(filter)) return undefined
  if (filter?.is === 'junction' && filter.by === 'AND' && filter.of.length === 2 && isScope(filter.of[0]))
    return [filter.of[1]!]
  throw new NotEvaluable('an aggregate without its scope')
}

/** DuckDB's types of all parts of some expressions. */
class Types {
  readonly #types = new Map<Expression, string>()
  readonly #common = new Map<Expression, string>()

  static async ask(
    session: Columns | Session,
    shape: StreamShape,
    scopes: number,
    perEvent: readonly Expression[],
    values: readonly Expression[],
  ): Promise<Pick<Places, 'typeOf' | 'commonOf'>> {
    const types = new Types()
    const inScope = Array.from({ length: scopes }, (_, i) => `, NULL::BOOLEAN AS ${identifier(`in:${i}`)}`).join('')
    const empty = `(SELECT *, NULL::TIMESTAMP AS as_of${inScope} FROM ${noEvents(shape.stream, shape.columns)})`
    const inside = new Set<Expression>()
    for (const each of perEvent) gather(each, inside)
    const outside = new Set<Expression>()
    for (const each of values) gather(each, outside, true)
    await types.#describe(session, inside, empty)
    await types.#describe(session, outside, `${empty} GROUP BY as_of`)
    const known = (map: Map<Expression, string>, node: Expression): string => {
      const type = map.get(node)
      if (type === undefined) throw new NotEvaluable(`the type of ${writeExpression(node)}`)
      return type
    }
    return {
      typeOf: (node) => known(types.#types, node),
      commonOf: (node) => known(types.#common, node),
    }
  }

  async #describe(session: Columns | Session, nodes: ReadonlySet<Expression>, from: string): Promise<void> {
    const asked: { sql: string; keep: (type: string) => void }[] = []
    for (const node of nodes) {
      asked.push({ sql: writeExpression(node), keep: (type) => this.#types.set(node, type) })
      const operands = operandsOf(node)
      if (operands.length === 0) continue
      asked.push({
        sql: `COALESCE(${operands.map(writeExpression).join(', ')})`,
        keep: (type) => this.#common.set(node, type),
      })
    }
    if (asked.length === 0) return
    let described: { type: string }[]
    try {
      described = await session.describe(
        `SELECT ${asked.map(({ sql }, i) => `${sql} AS t${i}`).join(', ')} FROM ${from}`,
      )
    } catch (error) {
      throw new NotEvaluable(error instanceof Error ? error.message : String(error))
    }
    asked.forEach(({ keep }, i) => keep(described[i]!.type))
  }
}

function gather(node: Expression, into: Set<Expression>, outside = false): void {
  into.add(node)
  if (outside && isAggregate(node)) return
  for (const child of childrenOf(node)) gather(child, into, outside)
}

function evaluator(sources: readonly EvaluatedSource[]): Evaluator {
  /** The events of each scope of a source. */
  const inScopes = (source: EvaluatedSource, known: readonly TypedEvent[], at: Micros): (readonly TypedEvent[])[] => {
    const now = BigInt(at)
    return source.scopes.map(({ window, filter }) => {
      if (window === undefined && !filter) return known
      const after = window === undefined ? -Infinity : at - window
      return known.filter(({ time, row }) => time > after && (!filter || filter(row, now) === true))
    })
  }
  return {
    values(known, at) {
      const now = BigInt(at)
      const values: Value[] = []
      for (const source of sources) {
        if (source.features.length === 0) continue
        const rows = inScopes(source, known(source.stream), at).map((scope) => scope.map(({ row }) => row))
        for (const { index, of } of source.features) {
          const aggregates = of.aggregates.map((aggregate) => aggregate(rows[of.scope]!, now))
          values[index] = shown(of.type, of.value(aggregates, now))
        }
      }
      return values
    },
    contributors(known, at) {
      const now = BigInt(at)
      const found: { feature: string; stream: string; seqs: number[] }[] = []
      for (const source of sources) {
        if (source.features.length === 0) continue
        const events = inScopes(source, known(source.stream), at)
        for (const { index, of } of source.features) {
          const { feeds } = of
          const all = events[of.scope]!
          const fed = feeds ? all.filter(({ row }) => feeds.some((feed) => feed(row, now) === true)) : all
          const seqs = fed.toSorted((a, b) => a.time - b.time || a.seq - b.seq).map(({ seq }) => seq)
          found[index] = { feature: of.name, stream: source.stream, seqs }
        }
      }
      return found
    },
  }
}

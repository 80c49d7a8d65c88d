// The frames of SQL in which the prepared expressions of a view are computed.
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { identifier, timestamp } from '../../store/columns.ts'
import type { CompiledView, Prepared, Scope, SpineOptions } from './compiled.ts'
import { noEvents } from './events.ts'
import type { StreamShape } from './events.ts'
import { rewrite, writeExpression } from './syntax.ts'
import type { Expression } from './syntax.ts'
import type { FeatureView } from './view.ts'

type Frames = Pick<CompiledView, 'snapshot' | 'single' | 'spine' | 'contributors' | 'spineContributors'>

export function frames(
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

  // What is fed to an aggregate is looked at where the event is in scope only, as the aggregate does.
  const feeds = (inScope: string, { feeds }: Prepared, as: (e: Expression) => string): string =>
    feeds === undefined
      ? `coalesce(${inScope}, false)`
      : `CASE WHEN ${inScope} THEN coalesce(${feeds.map(as).join(' OR ')}, false) ELSE false END`
  const countColumns = (stream: string, as: (e: Expression) => string): string =>
    of(stream)
      .map((each) => `, ${feeds(identifier(`in:${each.scope}`), each, as)} AS ${identifier(`in:${each.feature.name}`)}`)
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

    spine(relations, table, { knowledge } = {}) {
      const grouped = ({ stream }: StreamShape): string => {
        const present = stream === view.source ? ', count(seq) > 0 AS present' : ''
        return `SELECT "row"${present}${values(stream, writeExpression)} FROM (${joined(stream, relations(stream), table, knowledge)}) GROUP BY "row", as_of`
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
      const counted = of(stream).map(
        (each) =>
          `, ${feeds(`(${bounds}${conditions[each.scope]})`, each, as)} AS ${identifier(`in:${each.feature.name}`)}`,
      )
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

  function joined(stream: string, relation: string, table: string, knowledge?: SpineOptions['knowledge']): string {
    const known = knowledge === 'ignored' ? '' : ' AND e.known <= s."at"'
    const scope = inScope(stream, {
      exists: 'seq IS NOT NULL',
      at: 'as_of',
      from: (window) => `as_of - to_microseconds(${window})`,
      as: writeExpression,
    })
    return (
      `SELECT *${scope} FROM (SELECT s."row", s."at" AS as_of, e.* FROM ${table} s LEFT JOIN ${relation} e ` +
      `ON e.subject = s.subject AND e.time <= s."at"${known} AND e.seq < s.upto)`
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

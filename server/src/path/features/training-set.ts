// A point-in-time training set: for each row of a spine the features of some views, as they were, and were known, at that
// row's time.
import { Fault } from '../../fault.ts'
import type { Column, Session } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'
import type { CompiledView, Relations, SpineOptions } from './compiled.ts'
import type { EventColumns } from './event-columns.ts'
import type { StreamShape } from './events.ts'
import type { Materialized } from './materialize.ts'
import { writeRows } from './rows.ts'
import type { Place } from './rows.ts'
import type { Spine } from './spine.ts'
import { SEMANTICS } from './view.ts'

export interface JoinedView {
  name: string
  version: number
  compiled: CompiledView
}

/** A column of a set that comes from a view. */
export interface ViewColumn {
  column: string
  /** `engagement@v2` */
  view: string
  /** `present`: whether the view's main stream knew the subject by then. */
  feature: string
  present?: true
}

/** What a set's columns are: those of the spine, and those of each view. */
export interface SetShape {
  columns: Column[]
  features: ViewColumn[]
  ownPositions: boolean
}

/** Rows joined in one go: what stands in memory is bounded, and somebody hears how far it is. */
const AT_ONCE = 250_000

/**
 * The columns of a set: subject, at, label, as_of where rows have positions of their own, then for each view `present` and
 * its features. A name that two views have, or that is one of ours, is written `view__feature`.
 */
export function shapeOfSet(views: readonly JoinedView[], spine: { logical: boolean; ownPositions: boolean }): SetShape {
  const own: Column[] = [
    { name: 'at', type: 'TIMESTAMP' },
    { name: 'label', type: spine.logical ? 'BOOLEAN' : 'DOUBLE' },
    ...(spine.ownPositions ? [{ name: 'as_of', type: 'BIGINT' as const }] : []),
  ]
  const offered = views.flatMap((view) => [
    { view, feature: 'present', type: 'BOOLEAN' as Column['type'], present: true as const },
    ...view.compiled.features.map(({ name, column }) => ({ view, feature: name, type: column.type })),
  ])
  const reserved = ['subject', 'at', 'label', 'as_of', 'row', ...(views.length === 1 ? ['present'] : [])]
  const count = (name: string): number =>
    offered.filter((each) => !('present' in each && views.length === 1) && same(each.feature, name)).length +
    reserved.filter((each) => same(each, name)).length
  const twice = (view: JoinedView): boolean => views.filter(({ name }) => same(name, view.name)).length > 1
  const taken = new Set(own.map(({ name }) => name))
  const features: ViewColumn[] = []
  const columns = [...own]
  for (const each of offered) {
    const { view, feature, type } = each
    const prefix = twice(view) ? `${view.name}_v${view.version}` : view.name
    const plain = 'present' in each ? views.length === 1 : count(feature) === 1
    const column = plain ? feature : `${prefix}__${feature}`
    if (taken.has(column.toLowerCase()))
      throw new Fault('invalid', `two columns would be called "${column}": rename a feature, or make two sets`)
    taken.add(column.toLowerCase())
    columns.push({ name: column, type })
    const of = `${view.name}@v${view.version}`
    features.push({ column, view: of, feature, ...('present' in each ? { present: true } : {}) })
  }
  return { columns, features, ownPositions: spine.ownPositions }
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The streams that views read, each once. */
export function shapesOf(views: readonly JoinedView[]): StreamShape[] {
  const shapes = new Map(
    views.flatMap(({ compiled }) => compiled.sources.map((shape): [string, StreamShape] => [shape.stream, shape])),
  )
  return [...shapes.values()]
}

export async function loadSpineTable(session: Session, spine: Spine): Promise<void> {
  await session.load('spine', spine.fields(), spine.batches())
}

/**
 * Joins the temporary table spine(row, subject, at, upto, label) with views, into the temporary table `joined`: `row`,
 * `subject` and the set's columns. One pass over the events of each view, by ranges of subjects, by which files are sorted.
 */
export async function joinViews(
  session: Session,
  relations: Relations,
  views: readonly JoinedView[],
  shape: SetShape,
  options: SpineOptions & { progress?: (done: number) => void } = {},
): Promise<void> {
  const { rows } = await session.row<{ rows: bigint }>('SELECT count(*) AS rows FROM spine')
  const parts = Math.max(1, Math.ceil(Number(rows) / AT_ONCE))
  const types = [
    '"row" BIGINT',
    'subject BLOB',
    ...shape.columns.map(({ name, type }) => `${identifier(name)} ${type}`),
  ]
  await session.run(`CREATE OR REPLACE TEMP TABLE joined (${types.join(', ')})`)
  for (let part = 0; part < parts; part++) {
    const range = rangeOf(part, parts)
    const spine = `(SELECT "row", subject, "at", upto FROM spine${range})`
    const ranged: Relations = (stream) =>
      range === '' ? relations(stream) : `(SELECT * FROM ${relations(stream)}${range})`
    const joins = views.map(
      ({ compiled }, i) => ` JOIN (${compiled.spine(ranged, spine, options)}) v${i} ON v${i}."row" = s."row"`,
    )
    const picked = shape.features.map(({ view, feature }) => {
      const i = views.findIndex(({ name, version }) => `${name}@v${version}` === view)
      return `v${i}.${identifier(feature)}`
    })
    const own = ['s."row"', 's.subject', 's."at"', 's.label', ...(shape.ownPositions ? ['s.upto'] : [])]
    await session.run(
      `INSERT INTO joined SELECT ${[...own, ...picked].join(', ')} FROM (SELECT * FROM spine${range}) s${joins.join('')}`,
    )
    options.progress?.(Math.round((Number(rows) * (part + 1)) / parts))
  }
}

/** Subject ids are random, so that equal ranges of them hold about as many. */
function rangeOf(part: number, parts: number): string {
  if (parts === 1) return ''
  const bound = (n: number): string => {
    const hex = Math.floor((n * 2 ** 32) / parts)
      .toString(16)
      .padStart(8, '0')
    return `'${hex.replace(/../g, '\\x$&')}'::BLOB`
  }
  const from = part === 0 ? undefined : `subject >= ${bound(part)}`
  const to = part === parts - 1 ? undefined : `subject < ${bound(part + 1)}`
  return ` WHERE ${[from, to].filter((each) => each !== undefined).join(' AND ')}`
}

export interface JoinedSet extends Materialized {
  features: ViewColumn[]
}

/**
 * Writes `training/<name>-0.parquet`, ordered by at, subject and place in the spine. `present` is false where a view's main
 * stream did not know the subject yet: such a row has the values of no events, and a snapshot would not have it.
 */
export async function writeTrainingSet(
  place: Place & { events: EventColumns },
  views: readonly JoinedView[],
  {
    name,
    asOf,
    spine,
    fieldIds,
    ...options
  }: SpineOptions & {
    name: string
    asOf: number
    spine: Spine
    fieldIds?: Readonly<Record<string, number>>
    progress?: (done: number | 'writing') => void
  },
): Promise<JoinedSet> {
  const shape = shapeOfSet(views, spine)
  return place.events.use(shapesOf(views), asOf, (relations, inputs) =>
    place.columns.session(async (session) => {
      await loadSpineTable(session, spine)
      await joinViews(session, relations, views, shape, options)
      options.progress?.('writing')
      const written = await writeRows(
        place,
        session,
        'SELECT * FROM joined',
        shape.columns,
        '"at", subject, "row"',
        `training/${name}`,
        fieldIds,
      )
      const engine = { duckdb: place.columns.version, semantics: SEMANTICS }
      return { ...written, columns: shape.columns, features: shape.features, inputs, engine }
    }),
  )
}

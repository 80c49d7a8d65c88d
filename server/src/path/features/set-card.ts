// The data card of a training set: what somebody must know before they train on it. Its numbers are counted in the set as
// it is now, so that nothing of an erased person shows in a minimum or a maximum.
import type { ColumnSummary, FeatureValue, TrainingCard } from '@whence/sdk'
import { join } from 'node:path'
import { formatTime } from '../../record/time.ts'
import { identifier, quote } from '../../store/columns.ts'
import type { Column, Session } from '../../store/columns.ts'
import { refuseAltered } from './derived-files.ts'
import type { DerivedFiles } from './derived-files.ts'
import { outward } from './outward.ts'
import type { Value } from './rows.ts'
import { featuresOf } from './set-record.ts'
import type { RecordedSet } from './set-record.ts'
import type { TrainingSets } from './training-sets.ts'
import { durationText, parseView } from './view.ts'
import type { ViewBook } from './view-book.ts'

type Counted = Pick<TrainingCard, 'times' | 'people' | 'repeated' | 'labels' | 'columns'> & {
  absent: Map<string, number>
}

/** Different labels that are listed with their shares. */
const LABELS = 20
const CARDS_KEPT = 32

export class SetCards {
  readonly #derived: DerivedFiles
  readonly #sets: TrainingSets
  readonly #views: ViewBook
  /** What was counted in a file, by its digest. */
  readonly #counted = new Map<string, Counted>()

  constructor(parts: { derived: DerivedFiles; sets: TrainingSets; views: ViewBook }) {
    this.#derived = parts.derived
    this.#sets = parts.sets
    this.#views = parts.views
  }

  /** The card; `models` are the model versions that name the set. Throws `altered` when the set is not as recorded. */
  async card(id: string, models: readonly string[]): Promise<TrainingCard> {
    const body = await this.#sets.body(id)
    refuseAltered(await this.#sets.flaw(body))
    const set = await this.#sets.get(id)
    const { absent, ...counted } = await this.#count(body)
    const features = featuresOf(body)
    const views = await Promise.all(
      set.views.map(
        async ({ view: name, fingerprint }): Promise<TrainingCard['views'][number] & { entity: string }> => {
          const { text } = await this.#views.get(name)
          const view = parseView(text, `${name}.yaml`)
          return {
            view: name,
            fingerprint,
            entity: view.entity,
            ...(view.owner === undefined ? {} : { owner: view.owner }),
            ...(view.description === undefined ? {} : { description: view.description }),
            features: view.features.map(({ name: feature, type, source, expr, window, filter, description }) => ({
              name: feature,
              column: features.find((each) => each.view === name && each.feature === feature)?.column ?? feature,
              type,
              source,
              expr,
              ...(window === undefined ? {} : { window: durationText(window) }),
              ...(filter === undefined ? {} : { filter }),
              ...(description === undefined ? {} : { description }),
            })),
            text,
            absent: absent.get(name) ?? 0,
          }
        },
      ),
    )
    const card = {
      set,
      entity: views[0]!.entity,
      streams: set.inputs.map(({ stream, contract }) => ({ stream, contract })),
      views: views.map(({ entity: _, ...view }) => view),
      erased: set.rows - set.now.rows,
      ...counted,
      models: [...models],
    }
    return { ...card, limits: limitsOf(card) }
  }

  async #count(body: RecordedSet): Promise<Counted> {
    const [file] = this.#derived.now(body.files)
    const earlier = this.#counted.get(file!.sha256)
    if (earlier) return earlier
    const from = `read_parquet(${quote(join(this.#derived.place.folder, file!.path))})`
    const counted = await this.#derived.place.columns.session((session) => count(session, body, from))
    if (this.#counted.size >= CARDS_KEPT) this.#counted.delete(this.#counted.keys().next().value!)
    this.#counted.set(file!.sha256, counted)
    return counted
  }
}

async function count(session: Session, body: RecordedSet, from: string): Promise<Counted> {
  const all = await session.row<{ rows: bigint; people: bigint; first: number | null; last: number | null }>(
    `SELECT count(*) AS rows, count(DISTINCT subject) AS people, min("at") AS first, max("at") AS last FROM ${from}`,
  )
  const rows = Number(all.rows)
  const { pairs } = await session.row<{ pairs: bigint }>(
    `SELECT count(*) AS pairs FROM (SELECT DISTINCT subject, "at" FROM ${from})`,
  )
  const labels = await session.rows<{ value: number | boolean; n: bigint }>(
    `SELECT label AS value, count(*) AS n FROM ${from} GROUP BY label ORDER BY label LIMIT ${LABELS + 1}`,
  )
  const features = featuresOf(body)
  const columns: ColumnSummary[] = []
  for (const column of body.columns) {
    const of = features.find((each) => each.column === column.name)
    if (of?.present || ['at', 'as_of'].includes(column.name)) continue
    const summary = await summaryOf(session, column, from, rows)
    columns.push({ ...summary, ...(of === undefined ? {} : { view: of.view, feature: of.feature }) })
  }
  const absent = new Map<string, number>()
  for (const { column, view } of features.filter(({ present }) => present)) {
    const { n } = await session.row<{ n: bigint }>(`SELECT count(*) AS n FROM ${from} WHERE NOT ${identifier(column)}`)
    absent.set(view, Number(n))
  }
  return {
    times: all.first === null ? null : { from: formatTime(all.first), to: formatTime(all.last!) },
    people: Number(all.people),
    repeated: rows - Number(pairs),
    ...(labels.length > LABELS
      ? {}
      : { labels: labels.map(({ value, n }) => ({ value, rows: Number(n), share: Number(n) / rows })) }),
    columns,
    absent,
  }
}

async function summaryOf(session: Session, column: Column, from: string, rows: number): Promise<ColumnSummary> {
  const { name, type } = column
  const own = identifier(name)
  const numeric = /^(BIGINT|DOUBLE|DECIMAL)/.test(type)
  const bounds = type === 'VARCHAR' ? 'NULL AS low, NULL AS high' : `min(${own}) AS low, max(${own}) AS high`
  const quantiles = numeric
    ? `, quantile_cont(${own}::DOUBLE, [0.05, 0.25, 0.5, 0.75, 0.95]) FILTER (WHERE isfinite(${own}::DOUBLE)) AS q`
    : ''
  const found = await session.row<{ there: bigint; low: Value; high: Value; q?: number[] | null }>(
    `SELECT count(${own}) AS there, ${bounds}${quantiles} FROM ${from}`,
  )
  const shown = (value: Value): FeatureValue => outward([column], { [name]: value })[name]!
  const [p05, p25, p50, p75, p95] = found.q ?? []
  return {
    name,
    type,
    nullShare: rows === 0 ? 0 : 1 - Number(found.there) / rows,
    min: shown(found.low),
    max: shown(found.high),
    ...(p05 === undefined ? {} : { quantiles: { p05, p25: p25!, p50: p50!, p75: p75!, p95: p95! } }),
  }
}

function limitsOf(card: Omit<TrainingCard, 'limits'>): string[] {
  const { set, views, repeated, erased } = card
  const rows = (n: number): string => (n === 1 ? '1 row' : `${n} rows`)
  const limits: string[] = []
  if (set.knowledge === 'ignored')
    limits.push(
      'Knowledge time was switched off: values count events that were not known yet at the row’s time. That they were ever available then is asserted, not shown; labels may leak into features.',
    )
  const absent = Math.max(0, ...views.map((view) => view.absent))
  if (absent > 0)
    limits.push(
      `${rows(absent)} are about people of whom a view’s main stream knew nothing by then: their values are those of no events (present is false).`,
    )
  if (repeated > 0) limits.push(`${rows(repeated)} repeat the person and time of another row.`)
  if (erased > 0)
    limits.push(`${rows(erased)} were taken out by erasures since: the digest still covers them by their hashes.`)
  const source = set.spine.stream
  if (
    source !== undefined &&
    (set.spine.at ?? 'time') === 'time' &&
    card.streams.some(({ stream }) => stream === source)
  )
    limits.push(
      `The spine is stream ${source}, which the features read too: at its time each event counts in its own row, where it was known by then.`,
    )
  const left = set.leftOut
  if (left.objected > 0)
    limits.push(`${rows(left.objected)} were left out because their people objected: the set is no random sample.`)
  if (set.contentDigest === undefined) limits.push('It was made before sets had a digest of their content.')
  limits.push('Labels are the producer’s word: nothing here checks them.')
  return limits
}

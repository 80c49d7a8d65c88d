// Provenance by recomputation: which events make a value, and the value made from them again.
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import type { Columns, Field, Session } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'
import type { CompiledFeature, CompiledView } from './compile.ts'
import type { EventColumns } from './event-columns.ts'
import { eventFields, subjectLiteral } from './events.ts'
import type { EventRow } from './events.ts'
import type { Value } from './rows.ts'

/** Whose features, and by which two clocks. */
export interface Ask {
  subject: string
  at: Micros
  asOf: number
}

export interface Contributors {
  /** For each feature the seqs of the events that it counts, by time and seq. */
  features: Record<string, number[]>
  /** For each stream the seqs of the events that any of its features counts. */
  streams: Record<string, number[]>
}

/** An event as opened from the ledger and checked there. */
export type OpenedEvent = EventRow

/** The opened events of one ask, by stream. */
export type OpenedEvents = Readonly<Record<string, readonly OpenedEvent[]>>

/** Selects from the column files the events that make one subject's values. */
export async function contributors(
  place: { columns: Columns; events: EventColumns },
  compiled: CompiledView,
  { subject, at, asOf }: Ask,
): Promise<Contributors> {
  const literal = subjectLiteral(subject)
  return place.events.use(compiled.sources, asOf, async (relations) => {
    const found: Contributors = { features: {}, streams: {} }
    for (const { stream } of compiled.sources) {
      const own = compiled.features.filter((feature) => feature.source === stream)
      const sql = own.length > 0 && compiled.contributors(stream, relations(stream), literal, at, asOf)
      const rows = sql ? await place.columns.rows<Counted>(sql) : []
      const counted = rows.filter((row) => own.some(({ name }) => row[`in:${name}`]))
      gather(
        found,
        stream,
        own,
        counted.toSorted((a, b) => a.time - b.time || Number(a.seq - b.seq)),
      )
    }
    return found
  })
}

/** Up to so many asks are faster one by one: each reads a few row groups, where a join reads all. */
const few = 12

/** As `contributors`, for many at once: one pass over the files when there are more than a few. */
export async function contributorsOfAll(
  place: { columns: Columns; events: EventColumns },
  compiled: CompiledView,
  asks: readonly Ask[],
): Promise<Contributors[]> {
  if (asks.length <= few) {
    const found: Contributors[] = []
    for (const ask of asks) found.push(await contributors(place, compiled, ask))
    return found
  }
  const asOf = asks.reduce((most, ask) => Math.max(most, ask.asOf), 0)
  return place.events.use(compiled.sources, asOf, (relations) =>
    place.columns.session(async (session) => {
      await loadSpine(session, asks)
      const found = asks.map((): Contributors => ({ features: {}, streams: {} }))
      for (const { stream } of compiled.sources) {
        const own = compiled.features.filter((feature) => feature.source === stream)
        const sql = own.length > 0 && compiled.spineContributors(stream, relations(stream), 'spine')
        const rows = sql ? await session.rows<Counted & { row: bigint }>(sql) : []
        const byRow = Map.groupBy(rows, ({ row }) => Number(row))
        found.forEach((each, index) => gather(each, stream, own, byRow.get(index) ?? []))
      }
      return found
    }),
  )
}

type Counted = { seq: bigint; time: number } & Record<`in:${string}`, boolean>

function gather(
  found: Contributors,
  stream: string,
  features: readonly CompiledFeature[],
  rows: readonly Counted[],
): void {
  found.streams[stream] = rows.map(({ seq }) => Number(seq))
  for (const { name } of features) {
    found.features[name] = rows.filter((counted) => counted[`in:${name}`]).map(({ seq }) => Number(seq))
  }
}

/** Computes one subject's values again from opened events: the same compiled expressions over other rows. */
export async function recompute(
  columns: Columns,
  compiled: CompiledView,
  ask: Ask,
  events: OpenedEvents,
): Promise<Record<string, Value>> {
  return columns.session(async (session) => {
    await loadOpened(session, compiled, (stream) => owned(ask, stream, events))
    return valuesOf(compiled, await session.row(named(compiled, compiled.single(opened(compiled), ask.at, ask.asOf))))
  })
}

/** As `recompute`, for many at once. */
export async function recomputeAll(
  columns: Columns,
  compiled: CompiledView,
  asks: readonly (Ask & { events: OpenedEvents })[],
): Promise<Record<string, Value>[]> {
  const [only] = asks
  if (asks.length === 1) return [await recompute(columns, compiled, only!, only!.events)]
  return columns.session(async (session) => {
    // Every ask sees its own events only, also when two ask for the same subject: its number stands for the subject.
    await loadSpine(
      session,
      asks.map((ask, index) => ({ ...ask, subject: numbered(index) })),
    )
    await loadOpened(session, compiled, (stream) =>
      asks.flatMap((ask, index) =>
        owned(ask, stream, ask.events).map((event) => ({ ...event, subject: numbered(index) })),
      ),
    )
    const rows = await session.rows<Stored>(
      `${named(compiled, compiled.spine(opened(compiled), 'spine'))} ORDER BY "row"`,
    )
    return rows.map((row) => valuesOf(compiled, row))
  })
}

type Stored = Record<`v${number}`, Value>

/** Names that DuckDB cannot fold, whatever the features are called. */
function named(compiled: CompiledView, query: string): string {
  return `SELECT ${compiled.features.map(({ name }, index) => `${identifier(name)} AS v${index}`).join(', ')} FROM (${query})`
}

function valuesOf(compiled: CompiledView, row: Stored): Record<string, Value> {
  return Object.fromEntries(compiled.features.map(({ name }, index) => [name, row[`v${index}`]!]))
}

function opened(compiled: CompiledView): (stream: string) => string {
  return (stream) => `opened${compiled.sources.findIndex((each) => each.stream === stream)}`
}

async function loadOpened(
  session: Session,
  compiled: CompiledView,
  events: (stream: string) => readonly OpenedEvent[],
): Promise<void> {
  for (const { stream, columns } of compiled.sources) {
    await session.load(opened(compiled)(stream), eventFields(stream, columns), [events(stream)])
  }
}

function owned(ask: Ask, stream: string, events: OpenedEvents): readonly OpenedEvent[] {
  const own = events[stream] ?? []
  const strange = own.find(({ subject }) => subject !== ask.subject)
  if (strange) throw new Fault('invalid', `Event ${strange.seq} of ${stream} is not about the subject asked for.`)
  return own
}

/**
 * Whether a recomputed value agrees with the one served: equal, or within the feature's tolerance. A served number that
 * came through JSON stands for a whole number or a decimal as well.
 */
export function agrees(feature: CompiledFeature, served: Value, recomputed: Value): boolean {
  if (Object.is(served, recomputed)) return true
  if (served === null || recomputed === null) return false
  if (!/^(BIGINT|DOUBLE|DECIMAL)/.test(feature.column.type)) return false
  const [a, b] = [Number(served), Number(recomputed)]
  if (feature.tolerance !== undefined) return Math.abs(a - b) <= feature.tolerance
  return (typeof served === 'number' || typeof recomputed === 'number') && a === b
}

const spineFields: Field<Ask & { row: number }>[] = [
  { name: 'row', type: 'BIGINT', of: ({ row }) => row },
  { name: 'subject', type: 'BLOB', of: ({ subject }) => subject },
  { name: 'at', type: 'TIMESTAMP', of: ({ at }) => at },
  { name: 'upto', type: 'BIGINT', of: ({ asOf }) => asOf },
]

/** Loads the temporary table `spine` that compiled frames read; rows are numbered as they come. */
export async function loadSpine(session: Session, asks: readonly Ask[]): Promise<void> {
  await session.load('spine', spineFields, [asks.map((ask, row) => ({ ...ask, row }))])
}

function numbered(index: number): string {
  return index.toString(16).padStart(32, '0')
}

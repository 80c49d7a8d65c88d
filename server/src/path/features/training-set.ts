// A point-in-time training set: for each row of a spine the features as they were, and were known, at that row's time.
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import type { Column } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'
import type { CompiledView } from './compile.ts'
import type { EventColumns } from './event-columns.ts'
import type { Materialized } from './materialize.ts'
import { loadSpine } from './recompute.ts'
import { writeRows } from './rows.ts'
import type { Place } from './rows.ts'
import { SEMANTICS } from './view.ts'

export interface SpineRow {
  subject: string
  at: Micros
  label: number | boolean
  /** The row's own ledger position; default: the training set's. Later than that it cannot be. */
  asOf?: number
}

/**
 * Writes `training/<name>-0.parquet`: subject, at, label, present, and the features; ordered by at, subject and place in
 * the spine. `present` is false where the view's main stream did not know the subject yet: such a row has the values of
 * no events, and a snapshot would not have it.
 */
export async function writeTrainingSet(
  place: Place & { events: EventColumns },
  compiled: CompiledView,
  { name, asOf, spine }: { name: string; asOf: number; spine: readonly SpineRow[] },
): Promise<Materialized> {
  const logical = spine.every(({ label }) => typeof label === 'boolean')
  if (!logical && spine.some(({ label }) => typeof label === 'boolean')) {
    throw new Fault('invalid', 'Labels are all numbers or all booleans.')
  }
  const columns: Column[] = [
    { name: 'at', type: 'TIMESTAMP' },
    { name: 'label', type: logical ? 'BOOLEAN' : 'DOUBLE' },
    { name: 'present', type: 'BOOLEAN' },
    ...compiled.features.map((feature) => feature.column),
  ]
  return place.events.use(compiled.sources, asOf, (relations, inputs) =>
    place.columns.session(async (session) => {
      await loadSpine(
        session,
        spine.map((row) => ({ ...row, asOf: Math.min(row.asOf ?? asOf, asOf) })),
      )
      await session.load(
        'labels',
        [
          { name: 'row', type: 'BIGINT', of: ({ row }: { row: number }) => row },
          { name: 'label', type: logical ? 'BOOLEAN' : 'DOUBLE', of: ({ row }) => spine[row]!.label },
        ],
        [spine.map((_, row) => ({ row }))],
      )
      const features = compiled.features.map((feature) => identifier(feature.name))
      const query =
        `SELECT s."row", s.subject, s."at", l.label, f.present, ${features.join(', ')} FROM spine s ` +
        `JOIN labels l USING ("row") JOIN (${compiled.spine(relations, 'spine')}) f USING ("row")`
      const written = await writeRows(place, session, query, columns, '"at", subject, "row"', `training/${name}`)
      return { ...written, columns, inputs, engine: { duckdb: place.columns.version, semantics: SEMANTICS } }
    }),
  )
}

// A feature snapshot: the values of a view's features for everyone, `at` a time, as known before a ledger position.
import type { Micros } from '../../record/time.ts'
import type { Column } from '../../store/columns.ts'
import type { CompiledView } from './compile.ts'
import type { Input, Rewritten } from './column-file.ts'
import type { EventColumns } from './event-columns.ts'
import { checkRows, removeRows, rowOf, rowsOf, writeRows } from './rows.ts'
import type { DataFile, Place, RowCheck, RowFiles, StoredRow } from './rows.ts'
import { SEMANTICS } from './view.ts'

export interface Materialized extends RowFiles {
  /** The snapshot's columns beside `subject`, with their types in the files. */
  columns: Column[]
  inputs: Input[]
  engine: { duckdb: string; semantics: number }
}

/**
 * Writes the snapshot as `features/<view>/<name>-0.parquet`, ordered by subject. The streams must have been extended to
 * `asOf`. The same events give the same bytes.
 */
export async function materialize(
  place: Place & { events: EventColumns },
  compiled: CompiledView,
  { at, asOf, name, fieldIds }: { at: Micros; asOf: number; name: string; fieldIds?: Readonly<Record<string, number>> },
): Promise<Materialized> {
  const columns = compiled.features.map((feature) => feature.column)
  return place.events.use(compiled.sources, asOf, async (relations, inputs) => {
    const query = compiled.snapshot(relations, at, asOf)
    const written = await place.columns.session((session) =>
      writeRows(place, session, query, columns, 'subject', `features/${compiled.view.name}/${name}`, fieldIds),
    )
    return { ...written, columns, inputs, engine: { duckdb: place.columns.version, semantics: SEMANTICS } }
  })
}

type Recorded = RowFiles & { columns: readonly Column[] }

/** Holds a snapshot's files against their record; `now` lists the files as erasures left them. */
export function checkSnapshot(place: Place, recorded: Recorded, now?: readonly DataFile[]): Promise<RowCheck> {
  return checkRows(place, recorded.columns, recorded, now)
}

/** Writes a snapshot's file again without a subject's row; undefined when it has none. */
export function removeSubject(
  place: Place,
  recorded: Recorded,
  file: DataFile,
  subject: string,
): Promise<(Rewritten & { file: DataFile }) | undefined> {
  return removeRows(place, recorded.columns, file, subject)
}

/** A subject's row in a snapshot, or undefined. */
export function row(place: Place, recorded: Recorded, subject: string): Promise<StoredRow | undefined> {
  return rowOf(place, recorded.columns, recorded.files[0]!.path, subject)
}

/** Some rows of a snapshot, ordered by subject. */
export function rows(
  place: Place,
  recorded: Recorded,
  page: { offset?: number; limit?: number },
): Promise<StoredRow[]> {
  return rowsOf(place, recorded.columns, recorded.files[0]!.path, page)
}

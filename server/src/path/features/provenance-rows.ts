// The provenance of feature values as rows of a table: how they are typed, and how they become a Parquet file.
import type { ProvenanceRow } from '@whence/sdk'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Batches, Field, Session } from '../../store/columns.ts'
import { identifier, parquet } from '../../store/columns.ts'

const text = (name: keyof ProvenanceRow): Field<ProvenanceRow> => ({
  name,
  type: 'VARCHAR',
  // Features have different types and stand in one column: as text each is exact.
  of: (row) => (row[name] === null ? null : String(row[name])),
})

export const provenanceFields: readonly Field<ProvenanceRow>[] = [
  { name: 'feature_snapshot_id', type: 'BIGINT', of: (row) => row.feature_snapshot_id },
  text('view'),
  text('entity'),
  text('feature'),
  text('value'),
  text('campaign_event_id'),
  { name: 'event_seq', type: 'BIGINT', of: (row) => row.event_seq },
  {
    name: 'event_time',
    type: 'TIMESTAMP',
    of: ({ event_time: time }) => (time === null ? null : parseTime(time)),
  },
  text('stream'),
  text('campaign'),
  text('creative'),
]

/** Of tables that are erased with the person: the same id as bytes, under the name by which erasure finds it. */
export const tableFields: readonly Field<ProvenanceRow>[] = [
  ...provenanceFields,
  { name: 'subject', type: 'BLOB', of: (row) => row.entity },
]

/** Writes rows to a Parquet file as they come; gives their number. */
export async function writeProvenance(
  session: Session,
  fields: readonly Field<ProvenanceRow>[],
  batches: Batches<ProvenanceRow>,
  path: string,
  fieldIds?: Readonly<Record<string, number>>,
): Promise<number> {
  const rows = await session.load('provenance', fields, batches)
  const columns = fields.map(({ name }) => identifier(name)).join(', ')
  await session.run(parquet(`SELECT ${columns} FROM provenance`, path, { rows, fieldIds }))
  return rows
}

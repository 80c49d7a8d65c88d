// Iceberg tables: what there is, and what of their history may go.
import { z } from 'zod'
import { Seq, Sha256, Time } from './time.ts'

/** Digits: an id has up to 63 bits, more than a number holds. */
export const TableSnapshotId = z.string().regex(/^\d{1,19}$/)

export const TableSummary = z.object({
  name: z.string().describe('namespace.table, as engines know it'),
  seq: Seq.describe('the record that made the current metadata current'),
  version: z.number().int().describe('commits so far'),
  rows: z.number().int().describe('in the current snapshot'),
  snapshots: z.number().int().describe('that can be read'),
  snapshot: TableSnapshotId.optional().describe('the current one'),
  location: z.string().describe('where engines find the table'),
})
export type TableSummary = z.infer<typeof TableSummary>

export const TableList = z.object({ tables: z.array(TableSummary), asOf: Seq })
export type TableList = z.infer<typeof TableList>

export const TableSnapshot = z.object({
  id: TableSnapshotId,
  parent: TableSnapshotId.optional(),
  at: z.string(),
  operation: z.string(),
  rows: z.number().int(),
  files: z.number().int(),
  schema: z.number().int(),
  summary: z.record(z.string(), z.string()).describe('as it stands in the table: whence.run, whence.code, whence.seq'),
})

export const TableDetail = TableSummary.extend({
  uuid: z.string(),
  metadata: z.object({ path: z.string().describe('below the data folder'), sha256: Sha256 }),
  columns: z.array(z.object({ id: z.number().int(), name: z.string(), type: z.string() })),
  partition: z.array(z.object({ column: z.string(), transform: z.string() })),
  history: z.array(TableSnapshot).describe('oldest first'),
})
export type TableDetail = z.infer<typeof TableDetail>

export const ExpireTables = z.object({
  tables: z.array(z.string().max(300)).max(1000).optional().describe('default: all'),
  before: Time.describe('snapshots that were made before this time may go'),
  keep: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(1)
    .describe('the newest of each table that stay, whatever their age'),
  dryRun: z.boolean().default(false).describe('only say what would go'),
})
export type ExpireTables = z.input<typeof ExpireTables>

export const TablesExpired = z.object({
  expired: z.array(z.object({ table: z.string(), snapshot: TableSnapshotId })),
  kept: z
    .array(z.object({ table: z.string(), snapshot: TableSnapshotId, why: z.array(z.string()) }))
    .describe('old enough, and needed'),
  dryRun: z.boolean(),
})
export type TablesExpired = z.infer<typeof TablesExpired>

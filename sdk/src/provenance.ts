import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Seq, SubjectId, Time } from './time.ts'

export const ProvenanceQuery = z.object({
  subject: SubjectId.optional().describe('of this person only'),
  sample: z.coerce.number().int().min(1).max(1_000_000).optional().describe('of so many people, drawn by the seed'),
  seed: z.coerce.number().int().min(0).default(1),
})
export type ProvenanceQuery = z.input<typeof ProvenanceQuery>

/**
 * One event that one feature value of a snapshot was made from. A value that was made from no event has one row without
 * an event. The event's id at its source, and campaign and creative, are opened when this is asked for.
 */
export const ProvenanceRow = z.object({
  feature_snapshot_id: Seq,
  view: z.string(),
  entity: SubjectId,
  feature: z.string(),
  value: FeatureValue,
  campaign_event_id: z.string().nullable(),
  event_seq: Seq.nullable(),
  event_time: Time.nullable(),
  stream: z.string(),
  campaign: z.string().nullable(),
  creative: z.string().nullable(),
})
export type ProvenanceRow = z.infer<typeof ProvenanceRow>

/** Where the provenance of a snapshot stands as a table that other engines read. */
export const ProvenanceTable = z.object({
  table: z.string(),
  snapshot: Seq.describe('of the features; the table’s snapshot has the same id'),
  rows: z.number().int(),
  seq: Seq.describe('the record of the commit'),
  repeated: z.boolean(),
})
export type ProvenanceTable = z.infer<typeof ProvenanceTable>

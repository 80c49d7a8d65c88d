import { z } from 'zod'
import { Accounting } from './events.ts'
import { Receipt } from './receipts.ts'
import { Seq } from './time.ts'

/** In what an OpenLineage event differs from its specification: which rule, of what kind, where (JSON pointer). */
export const LineageViolation = z.object({
  rule: z.string(),
  type: z.string(),
  path: z.string(),
  message: z.string(),
})
export type LineageViolation = z.infer<typeof LineageViolation>

/** An OpenLineage event that was taken. */
export const LineageReceipt = z.object({
  receipt: Receipt,
  violations: z.array(LineageViolation),
})
export type LineageReceipt = z.infer<typeof LineageReceipt>

/**
 * What became of a batch, as OpenLineage.yml has it. `index` is the place in the array, from 0. Beyond the specification
 * `flagged_events` lists events that were taken although they differ from it. Of each list the first thousand.
 */
export const LineageBatch = z.object({
  status: z.enum(['success', 'partial_success']),
  summary: z.object({
    received: z.number().int(),
    successful: z.number().int(),
    failed: z.number().int(),
    retriable: z.number().int(),
    non_retriable: z.number().int(),
  }),
  failed_events: z.array(z.object({ index: z.number().int(), reason: z.string(), retriable: z.boolean() })),
  flagged_events: z.array(z.object({ index: z.number().int(), seq: Seq, violations: z.array(LineageViolation) })),
})
export type LineageBatch = z.infer<typeof LineageBatch>

export const LineageEventsQuery = z.object({
  from: z.coerce.number<number>().int().nonnegative().default(0).describe('the first position to look at'),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(100),
})
export type LineageEventsQuery = z.input<typeof LineageEventsQuery>

/** An OpenLineage event as it was received: its record, what it is about, and its violations. */
export const ReceivedLineageEvent = z.object({
  seq: Seq,
  recorded: z.string(),
  time: z.string(),
  source: z.string(),
  event: z.string().describe('run, job or dataset'),
  eventType: z.string().optional(),
  run: z.string().optional(),
  job: z.object({ namespace: z.string(), name: z.string() }).optional(),
  dataset: z.object({ namespace: z.string(), name: z.string() }).optional(),
  producer: z.string(),
  bytes: z.number().int(),
  violations: z.array(LineageViolation),
})
export type ReceivedLineageEvent = z.infer<typeof ReceivedLineageEvent>

/** `next` is where to go on; the end is reached when it is `asOf`. */
export const ReceivedLineageEvents = z.object({
  events: z.array(ReceivedLineageEvent),
  next: Seq,
  asOf: Seq,
  sinceStart: Accounting.describe('OpenLineage events received since this server started; flagged: with violations'),
})
export type ReceivedLineageEvents = z.infer<typeof ReceivedLineageEvents>

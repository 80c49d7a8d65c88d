import { z } from 'zod'
import { DataFile } from './features.ts'
import { Tier } from './predictions.ts'
import { Receipt } from './receipts.ts'
import { isStep, Seq, Sha256, Time } from './time.ts'

/**
 * A batch of predictions of one model version from one feature snapshot, recorded as one. Its body is NDJSON or Parquet,
 * one row a prediction: `{id, entity or subject, score, time?, inputs?, reasons?, about?, decision?, segments?,
 * consequential?}`; in Parquet `about` may be the columns `campaign` and `creative`.
 */
export const PredictionBatchQuery = z.object({
  batch: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\p{C}]+$/u, 'no control characters')
    .refine((id) => !isStep(id), 'cannot be asked for')
    .describe('the producer’s name for it; it must name no person. The same batch again is a duplicate'),
  model: z.string().max(200).describe('name@version'),
  snapshot: z.coerce
    .number<number | string>()
    .int()
    .nonnegative()
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('the feature snapshot that the rows were scored from'),
  time: Time.optional().describe('of rows that state none; default: now'),
  consequential: z
    .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
    .optional()
    .describe('default for its rows: keep all of them, and which events contributed'),
  rows: z.coerce
    .number<number | string>()
    .int()
    .nonnegative()
    .optional()
    .describe('how many rows there are: a body that is cut off between two of them is then noticed'),
})
export type PredictionBatchQuery = z.output<typeof PredictionBatchQuery>

/** received = recorded + duplicate + refused. */
export const BatchAccounting = z.object({
  received: z.number().int(),
  recorded: z.number().int(),
  duplicate: z.number().int(),
  refused: z.number().int(),
})

export const PredictionBatchReceived = z.object({
  batch: z.string(),
  model: z.string(),
  snapshot: Seq.optional(),
  accounting: BatchAccounting,
  refused: z.record(z.string(), z.number().int()).describe('refused rows by reason'),
  examples: z
    .array(z.object({ line: z.number().int(), code: z.string(), message: z.string() }))
    .describe('the first hundred refusals'),
  rows: z.number().int().describe('rows of the batch on record that these are'),
  tiers: z.record(z.string(), z.number().int()).describe('rows by how much of them is kept'),
  root: Sha256.optional().describe('root of the tree of the rows; absent where nothing was recorded'),
  seq: Seq.optional(),
  receipt: Receipt.optional(),
})
export type PredictionBatchReceived = z.infer<typeof PredictionBatchReceived>

/** What the record of a batch says. */
export const PredictionBatchRecord = z.object({
  batch: z.string(),
  model: z.string(),
  snapshot: Seq.optional(),
  entity: z.string(),
  time: z.string(),
  from: z.string(),
  to: z.string(),
  rows: z.number().int(),
  root: Sha256,
  files: z.array(DataFile).length(3).describe('rows, tree, index'),
  tiers: z.record(z.string(), z.number().int()),
  accounting: BatchAccounting,
  policiesAsOf: Seq,
  objectionsAsOf: Seq.optional().describe('the position up to which objections were heard'),
})
export type PredictionBatchRecord = z.infer<typeof PredictionBatchRecord>

export const PromotionReason = z.enum(['complaint', 'appeal', 'review'])
export type PromotionReason = z.infer<typeof PromotionReason>

export const PromotionRequest = z.object({
  reason: PromotionReason,
  note: z.string().max(10_000).optional().describe('kept sealed under the person'),
})
export type PromotionRequest = z.infer<typeof PromotionRequest>

/** What a promotion recovered of a prediction, and what could not be had any more. */
export const Promotion = z.object({
  prediction: z.object({ id: z.string(), seq: Seq, row: z.number().int().optional() }),
  reason: PromotionReason,
  note: z.string().optional(),
  time: z.string(),
  tier: Tier,
  inputs: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])).optional(),
  inputsAre: z
    .enum(['served', 'recomputed', 'recomputed, equal to what was served', 'stored'])
    .optional()
    .describe('where they come from'),
  score: z.number().optional().describe('recomputed by the model from the inputs'),
  reasons: z.array(z.object({ feature: z.string(), contribution: z.number() })).optional(),
  reasonsAre: z.enum(['recomputed', 'asserted']).optional(),
  contributors: z.record(z.string(), z.array(Seq)).optional().describe('by feature, the events that it counts'),
  missing: z.array(z.object({ what: z.string(), why: z.string() })).describe('what could not be had any more'),
  seq: Seq,
  receipt: Receipt,
})
export type Promotion = z.infer<typeof Promotion>

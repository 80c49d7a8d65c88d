import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Problem, Receipt } from './receipts.ts'
import { isStep, Seq, SubjectId, Time } from './time.ts'

/**
 * How much of a prediction is kept. `full`: everything, where no capture policy speaks of the model. `consequential`:
 * everything, and, sealed, which events contributed. `sampled`: everything. `minimal`: model version, time, snapshot and
 * score, and a digest of the inputs.
 */
export const Tier = z.enum(['full', 'consequential', 'sampled', 'minimal'])
export type Tier = z.infer<typeof Tier>

export const Prediction = z.object({
  id: z
    .string()
    .min(1)
    .max(256)
    .refine((id) => !isStep(id), 'cannot be asked for'),
  subject: SubjectId.optional(),
  entity: z.string().min(1).max(512).optional().describe("the person's identifier, where the subject id is not known"),
  score: z.number(),
  time: Time.optional().describe('when the prediction was made; default: now'),
  snapshot: Seq.optional().describe('default: the snapshot of the batch'),
  inputs: z.record(z.string(), FeatureValue).optional().describe('the values that the model saw, as the producer says'),
  reasons: z.array(z.object({ feature: z.string(), contribution: z.number() })).optional(),
  about: z
    .object({ campaign: z.string().optional(), creative: z.string().optional() })
    .optional()
    .describe('what the prediction was made for'),
  decision: z.string().min(1).max(200).optional().describe('what was decided by it, as in: deny'),
  segments: z
    .array(z.string().min(1).max(200))
    .max(100)
    .optional()
    .describe('groups the person belongs to that a capture policy may name'),
  consequential: z.boolean().optional().describe('keep all of it, whatever the policy says of routine predictions'),
})
export type Prediction = z.infer<typeof Prediction>

/** A batch of predictions of one model version from one feature snapshot. */
export const PredictionBatch = z.object({
  model: z.string().describe('name@version'),
  snapshot: Seq.optional(),
  consequential: z
    .boolean()
    .optional()
    .describe('default for its predictions; also keeps, sealed, which events contributed'),
  predictions: z.array(Prediction).min(1).max(10_000),
})
export type PredictionBatch = z.infer<typeof PredictionBatch>

export const PredictionResults = z.object({
  model: z.string(),
  recorded: z.number().int(),
  duplicate: z.number().int(),
  conflict: z.number().int(),
  refused: z.number().int(),
  results: z.array(
    z.discriminatedUnion('status', [
      z.object({
        id: z.string(),
        status: z.enum(['recorded', 'duplicate', 'conflict']),
        tier: Tier.optional().describe('how much of it is kept; absent for a conflict'),
        receipt: Receipt,
      }),
      z.object({
        id: z.string(),
        status: z.literal('refused'),
        problem: Problem.describe('code objected: the person objects to profiling'),
      }),
    ]),
  ),
})
export type PredictionResults = z.infer<typeof PredictionResults>

export const FindQuery = z.object({
  identifier: z.string().optional(),
  subjectType: z.string().optional(),
  campaign: z.string().optional(),
  model: z.string().optional(),
  from: Time.optional(),
  to: Time.optional(),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(50),
  before: z.coerce.number<number>().int().nonnegative().optional().describe('cursor: only positions before this one'),
  beforeRow: z.coerce
    .number<number>()
    .int()
    .nonnegative()
    .optional()
    .describe('cursor: and, of the batch at `before`, the rows before this one'),
})
export type FindQuery = z.input<typeof FindQuery>

export const Found = z.object({
  predictions: z.array(
    z.object({
      seq: Seq,
      row: z.number().int().optional().describe('its number in the batch that stands at `seq`'),
      id: z.string().optional(),
      model: z.string(),
      snapshot: Seq.optional(),
      score: z.number().optional(),
      time: z.string(),
      campaign: z.string().optional(),
      tier: Tier.optional(),
      erased: z.boolean(),
    }),
  ),
  next: Seq.optional().describe('give this as `before` for the next page'),
  nextRow: z.number().int().optional().describe('and this, where there is one, as `beforeRow`'),
  truncated: z.boolean(),
  asOf: Seq,
})
export type Found = z.infer<typeof Found>

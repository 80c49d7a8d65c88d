import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Seq, Sha256, Time } from './time.ts'

/**
 * The logistic form, version 1, all arithmetic in IEEE 754 doubles and in the order of `features`:
 *
 *     x_i          = value, or `missing` when the feature is null
 *     contribution = weight × (x_i − mean) / scale
 *     score        = 1 / (1 + exp(−(intercept + Σ contribution)))
 *
 * The contribution of a feature is its reason: log-odds, relative to a row in which every feature equals its `mean`.
 */
export const LogisticModel = z.object({
  form: z.literal('logistic/1'),
  intercept: z.number(),
  features: z
    .array(
      z.object({
        name: z.string(),
        weight: z.number(),
        mean: z.number().default(0),
        scale: z.number().positive().default(1),
        missing: z.number().default(0),
      }),
    )
    .min(1)
    .max(10_000),
})
export type LogisticModel = z.infer<typeof LogisticModel>

export const ModelVersionRequest = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
  description: z.string().max(2000).optional(),
  predicts: z.string().max(200).describe('what the score says, as in: opens subject line A'),
  view: z.string().optional().describe('feature view that its inputs come from, name@vN'),
  trainingSet: z.string().optional(),
  run: z
    .object({
      id: z.string().max(128),
      started: Time.optional(),
      ended: Time.optional(),
      parameters: z.record(z.string(), z.unknown()).optional(),
      code: z
        .object({
          repository: z.string().optional(),
          commit: z.string().optional(),
          sha256: Sha256.optional(),
        })
        .optional(),
    })
    .optional(),
  metrics: z.record(z.string(), z.number()).optional(),
  model: LogisticModel.optional().describe('the model itself, where its form is one that Whence can score'),
  artifact: z
    .object({ sha256: Sha256, uri: z.string().optional() })
    .optional()
    .describe('digest of any other artifact'),
  tolerance: z.number().nonnegative().max(0.01).default(1e-12).describe('largest difference of a recomputed score'),
})
export type ModelVersionRequest = z.input<typeof ModelVersionRequest>

export const ModelVersion = ModelVersionRequest.extend({
  version: z.number().int(),
  seq: Seq,
  receipt: Receipt.optional(),
})
export type ModelVersion = z.infer<typeof ModelVersion>

import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { RunCode } from './training-runs.ts'
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

const text = (most: number) => z.string().min(1).max(most)

/** Types of tensors that features can be put into. */
export const TensorType = z.enum(['float', 'double', 'int64', 'int32', 'bool', 'string'])
export type TensorType = z.infer<typeof TensorType>

/** A free dimension is null. */
const TensorShape = z.array(z.number().int().nonnegative().nullable()).max(8)

/** How features become the inputs of an artifact, and which of its outputs is the score. */
export const ModelSignature = z.object({
  inputs: z
    .array(
      z.object({
        name: text(500).describe('name of the input in the artifact'),
        features: z.array(text(500)).min(1).max(10_000).describe('in the order of its columns'),
        type: TensorType.optional().describe('checked where it is given; shown as the artifact has it'),
        shape: TensorShape.optional().describe('the first dimension counts the rows'),
        missing: z
          .union([z.number(), z.string().max(1000), z.boolean()])
          .optional()
          .describe('what stands for null; default: NaN, an empty text; integers and booleans have none'),
      }),
    )
    .min(1)
    .max(1000),
  output: z.object({
    name: text(500),
    column: z.number().int().nonnegative().max(1_000_000).optional().describe('of an output with several; default: 0'),
    type: TensorType.optional(),
    shape: TensorShape.optional(),
  }),
})
export type ModelSignature = z.infer<typeof ModelSignature>

/** What a reader should know before relying on a model. Roles and teams, not names of persons: it is kept in clear. */
export const ModelCard = z.object({
  purpose: z.string().max(5000).optional().describe('what it is for, and for whom'),
  limits: z.array(z.string().max(2000)).max(50).optional().describe('where it must not be used, what it gets wrong'),
  trainingData: z.string().max(5000).optional().describe('what it was trained on, in words'),
  approvals: z
    .array(
      z.object({
        by: text(200).describe('role or team'),
        at: Time.optional(),
        note: z.string().max(2000).optional(),
      }),
    )
    .max(20)
    .optional(),
  markdown: z.string().max(100_000).optional().describe('anything more, as Markdown'),
})
export type ModelCard = z.infer<typeof ModelCard>

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
      code: RunCode.optional(),
    })
    .optional()
    .describe('the training run that made it; more of it by POST /v1/training-runs'),
  metrics: z.record(z.string(), z.number()).optional(),
  model: LogisticModel.optional().describe('the model itself, where its form is one that Whence can score'),
  artifact: z
    .object({
      sha256: Sha256,
      uri: z.string().optional(),
      format: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.+/-]{0,63}$/)
        .optional()
        .describe('"onnx": scored for replay; it must be stored before (PUT /v1/artifacts/{sha256})'),
    })
    .optional()
    .describe('digest of the artifact'),
  signature: ModelSignature.optional().describe('needed to score an artifact'),
  threshold: z.number().optional().describe('the decision is yes where the score is at least this'),
  card: ModelCard.optional(),
  tolerance: z
    .number()
    .nonnegative()
    .max(0.01)
    .optional()
    .describe('largest difference of a recomputed score; default: 1e-12, of ONNX 1e-5'),
})
export type ModelVersionRequest = z.input<typeof ModelVersionRequest>

export const ModelVersion = ModelVersionRequest.extend({
  version: z.number().int(),
  seq: Seq,
  aliases: z
    .array(z.object({ environment: z.string(), alias: z.string() }))
    .optional()
    .describe('the aliases that point at it now'),
  receipt: Receipt.optional(),
})
export type ModelVersion = z.infer<typeof ModelVersion>

/** A name that points at one version of a model in one environment: `champion` in `production`. */
export const AliasName = z
  .string()
  .regex(/^(?!v\d+$)[a-z][a-z0-9_-]{0,63}$/, 'a small letter, then small letters, digits, "_" and "-"; not v1')
export const AliasEnvironment = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/)

export const AliasRequest = z.object({
  environment: AliasEnvironment.default('production'),
  version: z.number().int().positive().nullable().describe('null takes the alias away'),
  reason: z.string().max(2000).optional(),
  expected: z
    .number()
    .int()
    .positive()
    .nullable()
    .optional()
    .describe('refused (409) unless the alias points at this version now; null: at none'),
})
export type AliasRequest = z.input<typeof AliasRequest>

/** What an alias points at, and what it pointed at before. */
export const Alias = z.object({
  model: z.string(),
  alias: z.string(),
  environment: z.string(),
  version: z.number().int().nullable(),
  since: z.string(),
  seq: Seq,
  history: z
    .array(
      z.object({
        version: z.number().int().nullable(),
        seq: Seq,
        recorded: z.string(),
        by: z.string(),
        reason: z.string().optional(),
      }),
    )
    .describe('newest first; at most a hundred'),
  receipt: Receipt.optional(),
})
export type Alias = z.infer<typeof Alias>

export const ModelsQuery = z.object({
  name: z.string().max(128).optional().describe('the versions of one model, each'),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(200),
  after: z.string().max(128).optional().describe('cursor: only models whose name sorts behind this one'),
})
export type ModelsQuery = z.input<typeof ModelsQuery>

/** Models with their newest version and what is live, by name; or the versions of one, newest first. */
export const ModelList = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      version: z.number().int(),
      seq: Seq,
      predicts: z.string(),
      form: z.string().describe('"logistic/1", "onnx", another format, or "none"'),
      view: z.string().optional(),
      trainingSet: z.string().optional(),
      run: z.string().optional(),
      aliases: z.array(z.object({ environment: z.string(), alias: z.string(), version: z.number().int() })),
      predictions: z.number().int().describe('of this version, in batches too'),
    }),
  ),
  next: z.string().optional().describe('give this as `after` for the next page'),
})
export type ModelList = z.infer<typeof ModelList>

/** A file of the artifact store. Its name is its digest. */
export const Artifact = z.object({
  sha256: Sha256,
  bytes: z.number().int(),
  status: z.enum(['stored', 'known']),
})
export type Artifact = z.infer<typeof Artifact>

import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Behind, JobName, PredictionSelection, SegmentKey } from './replays.ts'
import { Seq, SubjectId, Time } from './time.ts'

/** A line of what an online store served: whose features, at which instant, with which values. */
export const ServedRow = z.object({
  subject: SubjectId.optional(),
  entity: z.string().min(1).max(512).optional().describe("the person's identifier, where the subject id is not known"),
  at: Time.describe('the instant as of which the values were served'),
  asOf: Seq.optional().describe('its own ledger position; default: that of the question'),
  values: z.record(z.string().max(128), FeatureValue),
})
export type ServedRow = z.infer<typeof ServedRow>

export const SkewRequest = PredictionSelection.extend({
  view: z.string().optional().describe('name or name@vN: what `served` was served from'),
  served: z
    .array(ServedRow)
    .min(1)
    .max(100_000)
    .optional()
    .describe('what another store served; default: the inputs of predictions'),
  asOf: Seq.optional().describe('offline knows the records before this one; default: what the snapshot knew, else all'),
  tolerances: z
    .record(z.string(), z.number().nonnegative())
    .optional()
    .describe('by feature: the largest difference that is none; default: the one that the view declares'),
  examples: z
    .number()
    .int()
    .min(0)
    .max(50)
    .optional()
    .describe('mismatches of each feature whose events are looked for; default 5'),
  job: JobName.optional(),
})
export type SkewRequest = z.input<typeof SkewRequest>

/** The difference served − offline over the rows that have both. */
export const Deltas = z.object({
  rows: z.number().int(),
  zero: z.number().int(),
  mean: z.number(),
  quantiles: z.object({
    min: z.number(),
    p05: z.number(),
    p25: z.number(),
    p50: z.number(),
    p75: z.number(),
    p95: z.number(),
    max: z.number(),
  }),
})
export type Deltas = z.infer<typeof Deltas>

const Ratio = z.number().nullable().describe('null: nothing was compared')

export const SkewedFeature = z.object({
  name: z.string(),
  type: z.string(),
  tolerance: z.number(),
  compared: z.number().int().describe('rows compared: mismatch + missing + extra + equal'),
  mismatch: z.number().int().describe('both have a value, and they differ by more than the tolerance'),
  missing: z.number().int().describe('offline has a value, served was none'),
  extra: z.number().int().describe('a value was served, offline has none'),
  mismatchRatio: Ratio,
  missingRatio: Ratio,
  extraRatio: Ratio,
  deltas: Deltas.optional().describe('of numbers'),
  pairs: z
    .array(z.object({ served: FeatureValue, offline: FeatureValue, rows: z.number().int() }))
    .optional()
    .describe('of other values: the most frequent pairs that differ'),
  examples: z.array(
    z.object({
      row: z.number().int().optional().describe('its place in `served`, from 0'),
      seq: Seq.optional().describe('the prediction’s record'),
      id: z.string().optional(),
      subject: SubjectId,
      at: z.string(),
      asOf: Seq,
      served: FeatureValue.optional().describe('absent: the feature was not served'),
      offline: FeatureValue,
      behind: Behind.optional().describe('absent: no choice of events gives what was served'),
    }),
  ),
  behind: z
    .record(z.string(), z.number().int())
    .describe(
      'of the examples: how many lie in late events, in others (without, with, twice, future), or are unexplained',
    ),
})
export type SkewedFeature = z.infer<typeof SkewedFeature>

/** What was served beside what offline gives as of the same instants. */
export const Skew = z.object({
  of: z.enum(['predictions', 'served']),
  model: z.string().optional(),
  population: z.number().int(),
  sampled: z.number().int(),
  compared: z.number().int().describe('rows of which values were compared'),
  erased: z.number().int().describe('rows about people who were erased: not compared'),
  unknown: z.number().int().describe('rows about people of whom nothing is recorded: not compared'),
  altered: z.number().int().describe('predictions whose record is altered: not compared'),
  silent: z
    .number()
    .int()
    .describe('predictions that state no inputs, or name neither snapshot nor view: not compared'),
  absent: z.number().int().describe('compared rows whose subject the view’s main stream did not know by then'),
  views: z.array(
    z.object({
      view: z.string(),
      model: z.string().optional(),
      rows: z.number().int(),
      features: z.array(SkewedFeature),
    }),
  ),
  strange: z
    .record(z.string(), z.number().int())
    .describe('served names that are no feature of the view, and how often'),
  seed: z.number().int(),
  asOf: Seq,
})
export type Skew = z.infer<typeof Skew>

export const DriftRequest = PredictionSelection.extend({
  reference: z
    .object({
      trainingSet: z.string().optional(),
      snapshot: Seq.optional(),
      from: Time.optional(),
      to: Time.optional(),
    })
    .optional()
    .describe(
      'a training set, a snapshot, or the predictions of a time; default: the training set of the model version',
    ),
  snapshot: Seq.optional().describe('compare the rows of this snapshot instead of the inputs of predictions'),
  by: z.array(SegmentKey).max(2).optional().describe('also compare each of these groups of predictions by itself'),
  bins: z.number().int().min(2).max(50).optional().describe('quantile bins for numbers; default 10'),
  least: z.number().int().min(1).max(1_000_000).optional().describe('fewer rows than this say too little; default 200'),
  watch: z.number().positive().optional().describe('PSI from which a feature is to be watched; default 0.1'),
  drifted: z.number().positive().optional().describe('PSI from which it has drifted; default 0.25'),
  maxJs: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('Jensen-Shannon divergence from which it has drifted; default: none'),
  job: JobName.optional(),
})
export type DriftRequest = z.input<typeof DriftRequest>

export const DriftVerdict = z.enum(['stable', 'watch', 'drifted', 'too few'])
export type DriftVerdict = z.infer<typeof DriftVerdict>

export const DriftedFeature = z.object({
  name: z.string(),
  kind: z.enum(['numeric', 'discrete', 'category', 'time', 'constant']),
  reference: z.number().int().describe('values, none included'),
  serving: z.number().int(),
  psi: z.number().nullable().describe('population stability index; null where a side is empty'),
  js: z.number().nullable().describe('Jensen-Shannon divergence, in bits'),
  noise: z.number().nullable().describe('the PSI that chance alone stays below in 95 of 100 cases, at these counts'),
  verdict: DriftVerdict,
  missing: z
    .object({ reference: z.number().nullable(), serving: z.number().nullable() })
    .describe('share without a value'),
  bins: z.array(z.object({ label: z.string(), reference: z.number().int(), serving: z.number().int() })),
})
export type DriftedFeature = z.infer<typeof DriftedFeature>

const DriftSide = z.object({
  what: z.enum(['training set', 'snapshot', 'predictions']),
  name: z.string(),
  rows: z.number().int(),
  erased: z.number().int().describe('rows about people who were erased: not compared'),
  silent: z.number().int().describe('predictions without stated inputs'),
  altered: z.number().int(),
})

export const Drift = z.object({
  model: z.string().optional(),
  reference: DriftSide,
  serving: DriftSide.extend({ population: z.number().int() }),
  verdict: DriftVerdict.describe('the gravest of all features and the score'),
  features: z.array(DriftedFeature),
  score: DriftedFeature.optional(),
  noScore: z.string().optional().describe('why the score could not be compared'),
  groups: z
    .array(
      z.object({
        key: z.record(z.string(), z.string()),
        rows: z.number().int(),
        verdict: DriftVerdict,
        features: z.array(DriftedFeature.omit({ bins: true })),
        score: DriftedFeature.omit({ bins: true }).optional(),
      }),
    )
    .optional(),
  onlyReference: z.array(z.string()).describe('features that only the reference has'),
  onlyServing: z.array(z.string()).describe('inputs that only serving has'),
  smoothing: z.number().describe('added to each bin for PSI'),
  thresholds: z.object({
    watch: z.number(),
    drifted: z.number(),
    maxJs: z.number().optional(),
    least: z.number().int(),
  }),
  seed: z.number().int(),
  asOf: Seq,
})
export type Drift = z.infer<typeof Drift>

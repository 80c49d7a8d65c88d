import { z } from 'zod'
import { JobName, WilsonInterval } from './replays.ts'
import { CauseKind, ScopeQuery } from './rollbacks.ts'
import { Seq, Sha256 } from './time.ts'

const bounds = {
  since: ScopeQuery.shape.since.describe('predictions made then or later'),
  until: ScopeQuery.shape.until.describe('predictions made before'),
}

/** Which predictions are computed again, and under what: those of a cause, or what a rollback went back to. */
export const CorrectedRequest = z.object({
  kind: CauseKind.optional(),
  name: z.string().min(1).max(512).optional().describe('of the cause, as in a scope'),
  rollback: z
    .string()
    .min(8)
    .max(64)
    .optional()
    .describe('instead of a cause: a rollback, by its id or the beginning of it. Its plan says what it went back to'),
  ...bounds,
  model: z
    .string()
    .max(200)
    .optional()
    .describe('the model version that should have scored them, name@N or name@alias'),
  view: z.string().max(200).optional().describe('the feature view that should have given their inputs, name@vN'),
  threshold: z
    .number()
    .optional()
    .describe('the decision is yes where the score is at least this; default: what the model versions have on record'),
  limit: z.number().int().min(1).max(1_000_000).default(20_000).describe('of more predictions a sample is drawn'),
  seed: z.number().int().default(1).describe('of the sample: the same seed draws the same'),
  job: JobName.optional().describe('a name of your choice: GET /v1/progress/{job} says how far it is'),
})
export type CorrectedRequest = z.input<typeof CorrectedRequest>

/** The same as a query. */
export const CorrectedQuery = CorrectedRequest.omit({ job: true }).extend({
  threshold: z.coerce.number<number>().optional(),
  limit: z.coerce.number<number>().int().min(1).max(1_000_000).default(20_000),
  seed: z.coerce.number<number>().int().default(1),
})
export type CorrectedQuery = z.input<typeof CorrectedQuery>

/** Why a prediction has no score under the corrected configuration. */
export const NotComputed = z.enum([
  'record altered',
  'file altered',
  'view cannot be computed',
  'no inputs',
  'no row',
  'feature missing',
  'model cannot be scored',
  'not corrected',
])
export type NotComputed = z.infer<typeof NotComputed>

/** How a score becomes a decision. */
export const DecisionRule = z.object({
  model: z.string().describe('of the predictions that it was taken for'),
  kind: z.enum(['threshold', 'observed', 'none']),
  says: z.string(),
})
export type DecisionRule = z.infer<typeof DecisionRule>

/** One prediction that would have been different. */
export const CorrectedRow = z.object({
  seq: Seq,
  row: z.number().int().optional().describe('its row, where the record is a batch'),
  id: z.string(),
  model: z.string(),
  under: z.object({ model: z.string(), view: z.string().optional() }),
  score: z.object({ before: z.number(), after: z.number() }),
  decision: z.object({ before: z.string(), after: z.string() }).optional().describe('absent: no rule gives it'),
  differs: z.enum(['decision', 'score']),
  reproduced: z
    .boolean()
    .describe(
      'its own configuration gives its recorded inputs and score again: so the difference is of the correction',
    ),
})
export type CorrectedRow = z.infer<typeof CorrectedRow>

const Shares = z.object({
  same: z.number().int(),
  different: z.number().int(),
  interval: WilsonInterval.optional().describe(
    'where a sample was drawn: the 95 % Wilson score interval of different / (same + different) over all of them',
  ),
})

export const Corrected = z.object({
  says: z.string().describe('the cause in one sentence'),
  rollback: Sha256.optional(),
  under: z.array(z.string()).describe('the corrected configuration'),
  population: z.number().int().describe('predictions that are concerned'),
  sampled: z.number().int(),
  inBatches: z.number().int().describe('of those that were sampled: how many are rows of batches'),
  erased: z.number().int().describe('about people who were erased: not computed'),
  computed: z.number().int(),
  notComputed: z.record(z.string(), z.number().int()),
  examples: z
    .array(z.object({ seq: Seq, row: z.number().int().optional(), reason: NotComputed, detail: z.string() }))
    .describe('of those that could not be computed, a few for each reason'),
  reproduced: z
    .number()
    .int()
    .describe('of the computed: whose own configuration gives their recorded inputs and score again'),
  asserted: z.number().int().describe('of the computed: which also rest on inputs that only the producer states'),
  scores: Shares.extend({
    mean: z.object({ before: z.number(), after: z.number() }).optional().describe('absent: nothing was computed'),
    largest: z.number().optional().describe('the largest difference, up or down'),
  }),
  decisions: Shares.extend({
    rules: z.array(DecisionRule),
    undetermined: z.number().int().describe('computed, and no rule gives a decision before and after'),
    changes: z.array(z.object({ before: z.string(), after: z.string(), predictions: z.number().int() })),
  }),
  actions: z
    .object({
      actions: z.number().int(),
      people: z.number().int(),
      states: z.record(z.string(), z.number().int()),
    })
    .describe('that name one of the predictions that would have been different'),
  notes: z.array(z.string()),
  rows: z.array(CorrectedRow).describe('the first hundred that would have been different'),
  seed: z.number().int(),
  asOf: Seq,
})
export type Corrected = z.infer<typeof Corrected>

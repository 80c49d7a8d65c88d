import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Seq, Time } from './time.ts'

/** What marks a prediction or a row off from the others: see docs/spec/replay.md. */
export const SegmentKey = z
  .string()
  .regex(
    /^(model|day|decision|campaign|creative|segment|score|(about|segment|feature)\.[^/\0]{1,128})(\/[0-9.eE+-]{1,20})?$/,
    'must be model, day, decision, campaign, creative, segment, score, about.NAME, segment.NAME or feature.NAME; score and feature may take a width: score/0.1',
  )

/** Which predictions: all conditions hold together. */
export const PredictionSelection = z.object({
  model: z.string().max(200).optional().describe('name@version; default: all'),
  models: z.array(z.string().max(200)).min(1).max(100).optional().describe('several, instead of one'),
  live: z
    .string()
    .max(128)
    .optional()
    .describe('instead: every model version that an alias points at in this environment, as production'),
  from: Time.optional().describe('made at this time or later'),
  to: Time.optional().describe('made before this time'),
  segment: z
    .record(SegmentKey, z.string().max(512))
    .refine((segment) => Object.keys(segment).length <= 10, 'at most 10 conditions')
    .optional()
    .describe('key and value, or LOW..HIGH of a number, or null'),
  sample: z.number().int().positive().optional().describe('default: all predictions'),
  seed: z.number().int().default(1),
})
export type PredictionSelection = z.input<typeof PredictionSelection>

/** A name that the caller gives to a long question, to ask how far it is. */
export const JobName = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/)

export const ReplayRequest = PredictionSelection.extend({
  by: z.array(SegmentKey).max(4).optional().describe('count each combination of these apart'),
  job: JobName.optional().describe('a name of your choice: GET /v1/progress/{job} says how far it is'),
})
export type ReplayRequest = z.input<typeof ReplayRequest>

export const MissCause = z.enum([
  'late data',
  'code changed',
  'snapshot expired',
  'erased on request',
  'not deterministic',
  'file altered',
  'record altered',
  'inputs differ',
  'score differs',
  'model cannot be scored',
  'no snapshot',
])
export type MissCause = z.infer<typeof MissCause>

/** An event with, without or twice which the served value comes out. */
export const EventBehind = z.object({
  seq: Seq,
  id: z.string(),
  stream: z.string(),
  time: z.string().describe('when it happened'),
  known: z.string().describe('when it was known, by the clock of its contract'),
  recorded: z.string(),
  late: z.boolean(),
  marks: z.array(z.string()).describe('what makes it late, or strange'),
})
export type EventBehind = z.infer<typeof EventBehind>

/** How a served value comes out of the events after all. */
export const Behind = z.object({
  how: z.enum(['without', 'with', 'twice', 'future']),
  events: z.array(EventBehind).describe('at most 20'),
  count: z.number().int().describe('of all such events'),
  alternatives: z.number().int().describe('other choices of as many events that give the served value too'),
  sentence: z.string(),
})
export type Behind = z.infer<typeof Behind>

export const WilsonInterval = z.object({ low: z.number(), high: z.number(), level: z.literal(0.95) })
export type WilsonInterval = z.infer<typeof WilsonInterval>

const Counted = z.object({
  sampled: z.number().int(),
  compared: z.number().int().describe('sampled, less what was erased on request'),
  exact: z.number().int(),
  interval: WilsonInterval.describe('95 % Wilson score interval of exact / compared'),
  causes: z.record(z.string(), z.number().int()),
})

export const ReplayMiss = z.object({
  id: z.string().optional(),
  seq: Seq,
  row: z.number().int().optional().describe('its row, where the record is a batch'),
  model: z.string().optional(),
  cause: MissCause,
  detail: z.string(),
  feature: z.string().optional(),
  served: FeatureValue.optional(),
  recomputed: FeatureValue.optional(),
  behind: Behind.optional().describe('the events behind it'),
})
export type ReplayMiss = z.infer<typeof ReplayMiss>

/** "exact of compared were recomputed exactly", with the interval and the cause of each miss. */
export const Replay = Counted.extend({
  model: z.string().optional(),
  population: z.number().int().describe('predictions that the question is about'),
  asserted: z
    .number()
    .int()
    .optional()
    .describe('of the exact ones: how many also rest on inputs that no feature view computes'),
  groups: z.array(Counted.extend({ key: z.record(z.string(), z.string()) })).optional(),
  misses: z.array(ReplayMiss).describe('the first hundred'),
  unexamined: z
    .number()
    .int()
    .optional()
    .describe('misses beyond the first two thousand: counted, and their events not looked for'),
  seed: z.number().int(),
  asOf: Seq,
})
export type Replay = z.infer<typeof Replay>

export const JobProgress = z.object({ done: z.number().int(), total: z.number().int().optional() })
export type JobProgress = z.infer<typeof JobProgress>

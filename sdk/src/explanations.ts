import { z } from 'zod'
import { Outcome } from './events.ts'
import { FeatureValue } from './features.ts'
import { Promotion } from './prediction-batches.ts'
import { Tier } from './predictions.ts'
import { Seq, Sha256 } from './time.ts'

/** Whether the record behind a claim stands unaltered in the log. */
export const Integrity = z.enum(['intact', 'altered'])
export type Integrity = z.infer<typeof Integrity>

/** Whether what a claim says is true, as far as Whence can tell. */
export const Truth = z.enum(['recomputed', 'asserted', 'contradicted', 'missing', 'erased'])
export type Truth = z.infer<typeof Truth>

/** One statement with its two marks and the positions of the records behind it. */
export const Claim = z.object({
  subject: z.enum([
    'decision',
    'reason',
    'input',
    'snapshot',
    'model',
    'training',
    'code',
    'approval',
    'consent',
    'event',
    'counterfactual',
  ]),
  name: z.string(),
  value: z.string(),
  truth: Truth,
  integrity: Integrity.optional().describe('absent where no record stands behind the claim'),
  note: z.string().optional(),
  by: z.string().optional().describe('who asserted it'),
  records: z.array(Seq),
})
export type Claim = z.infer<typeof Claim>

/** An event that contributed to an input, as it was opened and checked. */
export const ContributingEvent = z.object({
  seq: Seq,
  stream: z.string(),
  id: z.string().optional(),
  time: z.string(),
  known: z.string(),
  knownAsserted: z.boolean(),
  campaign: z.string().optional(),
  creative: z.string().optional(),
  audience: z.string().optional(),
  platform: z.string().optional(),
  consent: z.union([z.boolean(), z.string()]).optional(),
  contract: z.string(),
  outcome: Outcome,
  failed: z.array(z.string()).describe('rules of the contract that the event broke'),
  rules: z.number().int().describe('number of rules that were judged'),
  integrity: Integrity,
  features: z.array(z.string()),
})
export type ContributingEvent = z.infer<typeof ContributingEvent>

export const ExplainedInput = z.object({
  name: z.string(),
  served: FeatureValue.optional().describe('what the producer says the model saw'),
  stored: FeatureValue.optional().describe('what the snapshot file holds'),
  recomputed: FeatureValue.optional(),
  by: z
    .enum(['TypeScript', 'DuckDB'])
    .optional()
    .describe('the engine that recomputed it from the events; DuckDB has stored it, so TypeScript is a second opinion'),
  truth: Truth,
  contribution: z.number().optional(),
  events: z.array(Seq),
  expression: z.string(),
  window: z.string().optional(),
  sentence: z.string().optional(),
  note: z.string().optional(),
})
export type ExplainedInput = z.infer<typeof ExplainedInput>

/** Every record that the answer rests on, with the check that was made. */
export const EvidenceRecord = z.object({
  seq: Seq,
  kind: z.string(),
  leaf: Sha256,
  recorded: z.string(),
  actor: z.string(),
  integrity: Integrity,
  problem: z.string().optional(),
})
export type EvidenceRecord = z.infer<typeof EvidenceRecord>

/** What lies upstream of a prediction's streams and training data, as the lineage graph knows it. */
export const UpstreamLineage = z.object({
  sources: z
    .array(z.object({ id: z.string(), namespace: z.string(), name: z.string(), depth: z.number().int() }))
    .describe('datasets into which nothing is known to flow, nearest first; at most 50'),
  sourceCount: z.number().int(),
  datasets: z.number().int(),
  jobs: z.number().int(),
  streams: z.array(
    z.object({ name: z.string(), upstream: z.boolean().describe('whether anything is known to feed it') }),
  ),
  notes: z.array(z.string()).describe('what is wrong or lacking, gravest first'),
  openRuns: z.number().int().describe('runs upstream that began and never ended'),
  silentJobs: z.number().int(),
  depth: z.number().int(),
  truncated: z.boolean(),
  asOf: Seq,
})
export type UpstreamLineage = z.infer<typeof UpstreamLineage>

/**
 * Which input, changed alone, would have changed the decision: found by scoring again over values that occur in the
 * snapshot. It is about the model, not about causes in the world.
 */
export const Counterfactual = z.object({
  threshold: z.number().describe('the decision is yes where the score is at least this'),
  score: z.number().describe('of the recomputed inputs'),
  yes: z.boolean().describe('the decision that follows'),
  changes: z
    .array(
      z.object({
        feature: z.string(),
        from: FeatureValue,
        to: FeatureValue.describe('the nearest value with which the decision is another'),
        score: z.number().describe('with that value'),
        steps: z.number().int().describe('how many values that occur were tried, the nearest first'),
      }),
    )
    .describe('at most one for each input, fewest steps first'),
  steady: z.array(z.string()).describe('inputs of which no value that occurs would have changed it'),
  untried: z.array(z.string()).describe('inputs that are no features of the snapshot, or were too many'),
  sampled: z
    .array(z.string())
    .describe('inputs of which not every value that occurs was tried, but evenly spread ones'),
  tried: z.number().int(),
})
export type Counterfactual = z.infer<typeof Counterfactual>

/** A decision about what a prediction was made with: on a card as its producer wrote it, or a record of its own. */
export const ExplainedApproval = z.object({
  of: z.enum(['model', 'training set']),
  decision: z.enum(['approved', 'rejected']),
  as: z.string().describe('the role or team'),
  purpose: z.string().optional(),
  time: z.string().optional(),
  seq: Seq.optional().describe('the record of the decision; absent where a card says it'),
  note: z.string().optional(),
  truth: Truth,
})
export type ExplainedApproval = z.infer<typeof ExplainedApproval>

/** Where a prediction came from. The bad news is in `alerts`, first; `sentence` is plain language. */
export const Explanation = z.object({
  id: z.string(),
  seq: Seq,
  row: z.number().int().optional().describe('its number in the batch that stands at `seq`'),
  sentence: z.string(),
  alerts: z.array(z.object({ truth: Truth, text: z.string() })),
  score: z.object({
    stored: z.number().optional(),
    recomputed: z.number().optional(),
    truth: Truth,
  }),
  predicts: z.string().optional(),
  entity: z.string().optional(),
  entityType: z.string(),
  time: z.string(),
  about: z.object({ campaign: z.string().optional(), creative: z.string().optional() }).optional(),
  model: z.object({
    name: z.string(),
    seq: Seq.optional(),
    by: z.string().optional(),
    run: z.string().optional(),
    code: z.string().optional(),
    trainingSet: z.string().optional(),
    trainingRows: z.number().int().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
    approvals: z.array(ExplainedApproval).optional().describe('decisions about the model and its training set'),
  }),
  snapshot: z.object({ id: Seq, view: z.string(), at: z.string(), asOf: Seq }).optional(),
  capture: z
    .object({ tier: Tier, rule: z.string().optional(), policy: z.string().optional() })
    .optional()
    .describe('how much of it was kept, by which rule of which policy'),
  keptContributors: z
    .object({
      seq: Seq.describe('the record that kept them'),
      features: z.record(z.string(), z.array(Seq)),
      lost: z.array(Seq).describe('those that can no longer be opened'),
    })
    .optional()
    .describe('which events counted, as it was kept when the prediction was recorded or promoted'),
  promotion: Promotion.omit({ receipt: true, prediction: true }).optional(),
  reasons: z.array(z.object({ feature: z.string(), contribution: z.number(), truth: Truth })),
  counterfactual: Counterfactual.optional().describe('where the model has a threshold and can be scored'),
  inputs: z.array(ExplainedInput),
  events: z.array(ContributingEvent),
  claims: z.array(Claim),
  counts: z.object({
    recomputed: z.number().int(),
    asserted: z.number().int(),
    contradicted: z.number().int(),
    missing: z.number().int(),
    erased: z.number().int(),
  }),
  records: z.array(EvidenceRecord),
  lineage: UpstreamLineage.optional().describe('absent where neither snapshot nor model is known to the graph'),
  checkpoint: z.object({ origin: z.string(), size: Seq, root: Sha256 }),
  anchored: z.object({ time: z.string(), where: z.string(), size: Seq }).optional(),
  asOf: Seq,
})
export type Explanation = z.infer<typeof Explanation>

export const ExplainQuery = z.object({
  asOf: z.coerce.number<number>().int().nonnegative().optional().describe('ledger position; default: the head'),
})
export type ExplainQuery = z.infer<typeof ExplainQuery>

/** The address of an explanation's page, which opens for anyone who holds it until it expires. */
export const Link = z.object({ url: z.url(), expires: z.string() })
export type Link = z.infer<typeof Link>

import { z } from 'zod'
import { Declarations, DeclaredKind } from './declarations.ts'
import { FeatureValue } from './features.ts'
import { Seq, Sha256, SubjectId, Time } from './time.ts'

/**
 * How far a change reaches. `breaking`: values or names that somebody may use change or go. `non-breaking`: something is
 * added. `forward-only`: values of the past stay. `metadata`: words.
 */
export const ChangeClass = z.enum(['breaking', 'forward-only', 'non-breaking', 'metadata'])
export type ChangeClass = z.infer<typeof ChangeClass>

/** The files of a project folder, to be compared with what is in force. */
export const PlanRequest = Declarations.extend({
  sample: z.number().int().min(0).max(10_000).default(200).describe('people whose values are compared; 0: nobody'),
  at: Time.optional().describe('event time of the comparison; default: when the last of these people was heard of'),
  remove: z.boolean().default(false).describe('take out of force what is not among the files'),
})
export type PlanRequest = z.input<typeof PlanRequest>

/** One difference: `{ class: 'breaking', what: 'feature clicks_7d', aspect: 'window', before: '7d', after: '14d' }`. */
export const PlanPart = z.object({
  class: ChangeClass,
  what: z.string(),
  aspect: z.string(),
  before: z.string().optional(),
  after: z.string().optional(),
})
export type PlanPart = z.infer<typeof PlanPart>

/** What was made from what changes, or from an earlier version of it. */
export const PlanDownstream = z.object({
  snapshots: z.number().int(),
  featureViews: z.array(z.string()),
  trainingSets: z.array(z.string()),
  models: z.array(
    z.object({
      model: z.string(),
      predictions: z.number().int(),
      people: z.number().int(),
      aliases: z.array(z.string()).describe('where it is in use: ENVIRONMENT/ALIAS'),
    }),
  ),
  more: z.number().int().describe('names that are not listed'),
})
export type PlanDownstream = z.infer<typeof PlanDownstream>

/** Values of a sample of people: those whose events of the main stream were recorded last. */
export const PlanSample = z.object({
  people: z.number().int(),
  at: Time.optional(),
  asOf: Seq,
  problem: z.string().optional().describe('why the values could not be computed'),
  features: z.array(
    z.object({
      feature: z.string(),
      changed: z.number().int(),
      examples: z.array(
        z.object({ subject: SubjectId, before: FeatureValue.optional(), after: FeatureValue.optional() }),
      ),
    }),
  ),
})
export type PlanSample = z.infer<typeof PlanSample>

export const PlannedChange = z.object({
  kind: DeclaredKind,
  name: z.string(),
  path: z.string().optional(),
  action: z.enum(['create', 'change', 'describe', 'remove', 'restore']),
  class: ChangeClass,
  from: z.string().optional(),
  to: z.string().optional(),
  fingerprint: z.object({ before: z.string().optional(), after: z.string().optional() }).optional(),
  metadata: z.object({ before: z.string().optional(), after: z.string().optional() }).optional(),
  parts: z.array(PlanPart),
  downstream: PlanDownstream.optional(),
  sample: PlanSample.optional(),
  notes: z.array(z.string()),
})
export type PlannedChange = z.infer<typeof PlannedChange>

/** What applying these files now would do. Only while `base` is the last applied plan can it be applied. */
export const Plan = z.object({
  base: Seq.nullable().describe('position of the last applied plan'),
  digest: Sha256.describe('over the changes, and the files behind them'),
  asOf: Seq,
  remove: z.boolean(),
  changes: z.array(PlannedChange),
  unchanged: z.number().int(),
  absent: z
    .array(z.object({ kind: DeclaredKind, name: z.string(), version: z.string() }))
    .describe('in force, and not among the files: they stay'),
})
export type Plan = z.infer<typeof Plan>

/** With `plan`, exactly that plan is applied, or nothing. */
export const ApplyRequest = Declarations.extend({
  plan: z.object({ base: Seq.nullable(), digest: Sha256 }).optional(),
  remove: z.boolean().default(false),
})
export type ApplyRequest = z.input<typeof ApplyRequest>

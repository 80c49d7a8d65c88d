import { z } from 'zod'
import { ActionDecision, GateOutcome } from './actions.ts'
import { Declarations, DeclaredKind } from './declarations.ts'
import { Name, Seq, Time } from './time.ts'

/** Files to try on past actions: chains of gates, term lists, agents and purposes. What is not among them is as it is in force. */
export const GateTrialRequest = Declarations.extend({
  remove: z
    .boolean()
    .default(false)
    .describe('chains, lists, agents and (where any are among the files) purposes that are not count as out of force'),
  since: Time.optional().describe('only actions decided at this time or later'),
  until: Time.optional().describe('only actions decided before this time'),
  agent: Name.optional().describe('the actor.id'),
  campaign: z.string().min(1).max(200).optional(),
  limit: z.number().int().min(1).max(1000).default(200).describe('actions that are looked at, the newest first'),
  before: Seq.optional().describe('cursor: only positions before this one'),
  scorers: z.boolean().default(false).describe('ask external scorers again; else what they said then is taken'),
})
export type GateTrialRequest = z.input<typeof GateTrialRequest>

/** What was decided of an action, or would be. In shadow nothing is released, whatever the decision. */
export const TrialDecision = z.object({ decision: ActionDecision, shadow: z.literal(true).optional() })
export type TrialDecision = z.infer<typeof TrialDecision>

const GateSaid = z.object({ outcome: GateOutcome, shadow: z.literal(true).optional() })

/** A gate from which something else would follow. A side is absent where the gate was not asked. */
export const GateDifference = z.object({
  gate: z.string(),
  kind: z.string(),
  policy: z.string().describe('the name of its file'),
  before: GateSaid.optional(),
  after: GateSaid.optional(),
  message: z.string().optional().describe('why it would hold or refuse'),
})
export type GateDifference = z.infer<typeof GateDifference>

export const ActionDifference = z.object({
  seq: Seq,
  id: z.string(),
  time: z.string(),
  actor: z.string(),
  campaign: z.string().optional(),
  before: TrialDecision,
  after: TrialDecision,
  reason: z.string().describe('of the decision that would be taken'),
  gates: z.array(GateDifference),
})
export type ActionDifference = z.infer<typeof ActionDifference>

/** Why an action cannot be judged again. */
export const Unjudged = z.enum(['erased', 'altered', 'copy'])
export type Unjudged = z.infer<typeof Unjudged>

/** What files would have decided of past actions. Nothing is recorded. */
export const GateTrial = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      kind: DeclaredKind,
      name: z.string(),
      version: z.string().describe('that it has, or would have'),
      change: z.enum(['new', 'changed', 'unchanged']),
    }),
  ),
  ignored: z.array(z.string()).describe('files that declare something else'),
  removed: z.array(z.string()).describe('what was in force and is not among the files, with `remove`'),
  actions: z.number().int().describe('looked at'),
  judged: z.number().int(),
  decided: z.number().int().describe('of which something else would be decided'),
  changed: z.number().int().describe('of which a gate would say something else, these included'),
  decisions: z.array(z.object({ before: TrialDecision, after: TrialDecision, actions: z.number().int() })),
  gates: z.array(GateDifference.omit({ message: true }).extend({ actions: z.number().int() })),
  unjudged: z.array(z.object({ why: Unjudged, actions: z.number().int() })),
  scorers: z.object({
    asked: z.boolean(),
    before: z.number().int().describe('actions with a scorer that was taken at what it said then'),
    never: z.number().int().describe('actions with a scorer that nobody asked: what it would say is not known'),
  }),
  different: z.array(ActionDifference),
  next: Seq.optional(),
  asOf: Seq,
})
export type GateTrial = z.infer<typeof GateTrial>

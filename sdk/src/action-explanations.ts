import { z } from 'zod'
import { ActionDecision, ActionInputs, Asserted, ActionModel, ActionType, Actor, Verdict } from './actions.ts'
import { ConsentVerdict } from './consent-verdict.ts'
import { OutcomeRow } from './outcomes.ts'
import { EvidenceRecord, Integrity, Truth } from './explanations.ts'
import { Name, Seq, Sha256, SubjectId, Time } from './time.ts'
import { TraceAction, TraceId } from './traces.ts'

/** What became of an action: `suppressed` by a withdrawal, `shadow` where its agent is in shadow. */
export const ActionState = z.enum([
  'refused',
  'held',
  'queued',
  'claimed',
  'sent',
  'failed',
  'suppressed',
  'recalled',
  'shadow',
  'erased',
])
export type ActionState = z.infer<typeof ActionState>

/** A piece of copy as it is shown: what looks personal in it is masked, its digest is of the exact text. */
export const ShownCopy = z.object({
  part: z.string(),
  sha256: Sha256,
  length: z.number().int(),
  masked: z.string(),
})
export type ShownCopy = z.infer<typeof ShownCopy>

export const ActionClaim = z.object({
  seq: Seq,
  at: z.string(),
  until: z.string(),
  by: z.string(),
  delivery: z
    .object({
      seq: Seq,
      at: z.string(),
      status: z.string(),
      late: z.boolean(),
      withdrawn: Seq.optional(),
      reason: z.string().optional(),
    })
    .optional(),
})

/** From a message to the agent, prompt, model, gates, approval and consent, and on to the predictions and their events. */
export const ActionExplanation = z.object({
  id: z.string(),
  seq: Seq,
  sentence: z.string(),
  alerts: z.array(z.string()),
  state: ActionState,
  type: ActionType,
  actor: Actor,
  environment: z.string(),
  campaign: z.string().optional(),
  creative: z.string().optional(),
  channel: z.string().optional(),
  purpose: z.string(),
  subject: SubjectId.optional().describe('absent where no person is concerned'),
  time: z.string(),
  recorded: z.string(),
  shadow: z.boolean(),
  risk: z.string(),
  model: ActionModel.optional(),
  prompt: z
    .object({
      template: z.string().optional(),
      version: z.string().optional(),
      sha256: Sha256.optional(),
      systemSha256: Sha256.optional(),
      masked: z.string().optional(),
    })
    .optional(),
  thoughtSha256: Sha256.optional(),
  inputs: ActionInputs.optional(),
  value: z.record(z.string(), z.unknown()).optional(),
  copy: z.array(ShownCopy).describe('as it was, or would be, sent: edited by a reviewer, or as proposed'),
  decision: ActionDecision,
  reason: z.string(),
  verdicts: z.array(Verdict),
  statement: Sha256.optional(),
  asserted: Asserted.extend({
    consent: z
      .object({ receipt: z.string().optional(), version: z.string().optional(), optOut: z.boolean().optional() })
      .optional(),
  })
    .optional()
    .describe('what the proposer said of its own checks, of consent and its signature: not looked into'),
  consentNow: ConsentVerdict.optional().describe('what the same check would answer now'),
  reviews: z.array(
    z.object({
      seq: Seq,
      at: z.string(),
      step: z.string(),
      by: z.string(),
      decision: ActionDecision.optional(),
      note: z.string().optional(),
      diff: z.array(z.object({ part: z.string(), diff: z.string() })).optional(),
    }),
  ),
  claims: z.array(ActionClaim),
  withdrawal: z
    .object({
      seq: Seq,
      said: z.string().describe('the time that the person, or whoever passed it on, named'),
      recorded: z.string(),
      what: z.string(),
      found: z
        .enum(['queued', 'with a sender', 'sent'])
        .describe('where the action was: queued, and suppressed by it; with a sender; or sent already'),
      suppressionMs: z.number().optional().describe('from the time named to the record; negative where clocks differ'),
    })
    .optional()
    .describe('the first withdrawal or objection after the release that ends what it rests on'),
  outcomes: z.array(OutcomeRow).describe('what came of it, in the order of the log'),
  predictions: z.array(
    z.object({
      id: z.string(),
      found: z.boolean(),
      seq: Seq.optional(),
      sentence: z.string().optional(),
      score: z.number().optional(),
      truth: Truth.optional(),
      model: z.string().optional(),
      snapshot: Seq.optional(),
      campaigns: z.array(z.string()).optional(),
      events: z.number().int().optional(),
      upstream: z.array(z.string()).optional().describe('sources upstream of its data'),
      problem: z.string().optional(),
    }),
  ),
  traces: z
    .array(
      z.object({
        trace: TraceId,
        spans: z.number().int(),
        more: z.boolean().optional(),
        said: TraceAction,
        held: z
          .array(z.object({ what: z.string(), agrees: z.boolean() }))
          .describe('what both the spans and the proposal state'),
      }),
    )
    .default([])
    .describe('what spans say of it: asserted by whoever sent them'),
  records: z.array(EvidenceRecord),
  integrity: Integrity,
  asOf: Seq,
})
export type ActionExplanation = z.infer<typeof ActionExplanation>

export const ActionsQuery = z.object({
  identifier: z.string().optional(),
  subjectType: z.string().optional(),
  message: z.string().optional().describe('the provider’s id of the message'),
  campaign: z.string().optional(),
  actor: z.string().optional().describe('type:id, as in agent:writer'),
  agent: Name.optional().describe('the id of the actor, of whatever type'),
  model: z.string().optional().describe('name, or name@version'),
  prompt: z.string().optional(),
  state: ActionState.optional(),
  from: Time.optional(),
  to: Time.optional(),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(50),
  before: z.coerce.number<number>().int().nonnegative().optional().describe('cursor: only positions before this one'),
})
export type ActionsQuery = z.input<typeof ActionsQuery>

export const FoundActions = z.object({
  actions: z.array(
    z.object({
      seq: Seq,
      id: z.string().optional().describe('absent when its person was erased'),
      time: z.string(),
      type: z.string(),
      actor: z.string(),
      campaign: z.string().optional(),
      channel: z.string().optional(),
      state: ActionState,
    }),
  ),
  next: Seq.optional(),
  asOf: Seq,
})
export type FoundActions = z.infer<typeof FoundActions>

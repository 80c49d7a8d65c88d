import { z } from 'zod'
import { CopyPart } from './actions.ts'
import { ActionScope } from './pauses.ts'
import { Receipt } from './receipts.ts'
import { Name, Seq, Sha256, Time } from './time.ts'

/** What it is that was wrong. */
export const CauseKind = z.enum([
  'alarm',
  'outcome',
  'action',
  'agent',
  'campaign',
  'creative',
  'model',
  'prompt',
  'gates',
  'view',
  'dataset',
])
export type CauseKind = z.infer<typeof CauseKind>

const Cause = z.object({
  kind: CauseKind,
  name: z
    .string()
    .min(1)
    .max(512)
    .describe('an alarm or an outcome by its record; gates as name@vN; a model as name@N'),
})
export type Cause = z.infer<typeof Cause>

export const ScopeQuery = Cause.extend({
  since: Time.optional().describe(
    'decided, or predicted, then or later; of an alarm the default is the first message that it counted',
  ),
  until: Time.optional().describe('decided, or predicted, before'),
})
export type ScopeQuery = z.input<typeof ScopeQuery>

/** What can be done about decisions in a state. */
export const Remedy = z.enum(['take back', 'wait for the sender', 'compensate', 'reject', 'nothing'])
export type Remedy = z.infer<typeof Remedy>

export const RollbackScope = z.object({
  cause: Cause,
  says: z.string().describe('the cause in one sentence'),
  scopes: z.array(ActionScope).describe('what a pause would stop'),
  since: z.string().optional(),
  until: z.string().optional(),
  asOf: Seq,
  actions: z.number().int(),
  people: z.number().int(),
  first: z.object({ seq: Seq, recorded: z.string() }).optional(),
  last: z.object({ seq: Seq, recorded: z.string() }).optional(),
  groups: z
    .array(z.object({ state: z.string(), remedy: Remedy, actions: z.number().int(), people: z.number().int() }))
    .describe('by what became of them, and what can be done about it'),
  outcomes: z
    .record(z.string(), z.object({ actions: z.number().int(), people: z.number().int() }))
    .describe('delivered, opened, clicked, converted, complained, …'),
  campaigns: z.array(z.object({ campaign: z.string(), actions: z.number().int() })).describe('100 at most'),
  consent: z
    .object({ allowed: z.number().int(), ended: z.number().int() })
    .describe('of the people whom something was sent to: how many may still be written to for that, and how many not'),
  predictions: z.object({
    predictions: z.number().int().describe('by the model versions behind the cause, those in batches too'),
    inBatches: z.number().int().describe('of these, how many are rows of batches'),
    people: z.number().int().describe('distinct over all of them'),
    erased: z.number().int().describe('of the predictions: about people who were erased, and so not among the people'),
    unread: z
      .number()
      .int()
      .optional()
      .describe('rows of batches whose files cannot be read: not among the people; absent where there are none'),
    models: z.array(z.object({ model: z.string(), predictions: z.number().int() })),
  }),
})
export type RollbackScope = z.infer<typeof RollbackScope>

/** One decision in a scope. */
export const ScopedAction = z.object({
  seq: Seq,
  id: z.string().optional().describe('absent: it was erased, or cannot be opened'),
  entity: z.string().optional(),
  subject: z.string().optional(),
  state: z.string(),
  remedy: Remedy,
  campaign: z.string().optional(),
  recorded: z.string(),
  outcomes: z.array(z.string()),
  allowed: z.boolean().optional().describe('whether the person may still be written to for its purpose'),
})
export type ScopedAction = z.infer<typeof ScopedAction>

/** One prediction in a scope. */
export const ScopedPrediction = z.object({
  seq: Seq,
  row: z.number().int().optional().describe('its row, where the record is a batch'),
  model: z.string(),
  snapshot: Seq.optional(),
  state: z.enum(['open', 'erased', 'altered']),
  id: z.string().optional(),
  entity: z.string().optional(),
  subject: z.string().optional(),
  time: z.string().optional(),
  score: z.number().optional(),
  decision: z.string().optional(),
  problem: z.string().optional().describe('what is altered'),
})
export type ScopedPrediction = z.infer<typeof ScopedPrediction>

export const Degree = z.enum(['pause', 'revert', 'compensate'])
export type Degree = z.infer<typeof Degree>

/** Some state that a connected system owns. */
export const RevertObject = z.object({
  kind: z.enum(['campaign', 'price', 'flag', 'segment']),
  id: z.string().min(1).max(200),
  to: z.unknown().optional().describe('default: what the last action before the position in `to` decided for it'),
})

export const Revert = z.object({
  to: Seq.optional().describe('the state as of this position; default: before the first decision in the scope'),
  aliases: z
    .array(z.object({ model: z.string().max(200), alias: Name, environment: Name.default('production') }))
    .max(50)
    .default([]),
  declarations: z
    .array(z.object({ kind: z.string().max(64), name: z.string().max(200) }))
    .max(50)
    .default([])
    .describe('feature views, gates, agents and other files, as they were in force'),
  objects: z.array(RevertObject).max(50).default([]),
})
export type Revert = z.infer<typeof Revert>

export const Compensation = z.object({
  purpose: Name.default('service').describe('of the Purposes in force: its grounds decide who may be written to'),
  channel: z.string().max(32).default('email'),
  campaign: z.string().max(200).optional().describe('default: rollback-, and the digest of the plan'),
  copy: z.array(CopyPart).min(1).max(20).describe('what everybody reads to whom something was sent'),
})
export type Compensation = z.infer<typeof Compensation>

export const RollbackRequest = ScopeQuery.extend({
  reason: z.string().min(1).max(2000).describe('why; nothing personal'),
  degrees: z.array(Degree).min(1),
  revert: Revert.optional(),
  compensate: Compensation.optional(),
  playbook: Name.optional().describe('the file that says who is told, and what else follows'),
})
export type RollbackRequest = z.input<typeof RollbackRequest>

/** One step of a plan. */
export const RollbackStep = z.discriminatedUnion('do', [
  z.object({ do: z.literal('pause'), scope: ActionScope }),
  z.object({ do: z.literal('pause in system'), connector: z.string(), campaign: z.string() }),
  z.object({ do: z.literal('take back'), scope: ActionScope, queued: z.number().int() }),
  z.object({
    do: z.literal('alias'),
    model: z.string(),
    alias: z.string(),
    environment: z.string(),
    from: z.number().int().nullable(),
    to: z.number().int().nullable(),
  }),
  z.object({
    do: z.literal('declaration'),
    kind: z.string(),
    name: z.string(),
    version: z.string().describe('the version whose text comes into force again'),
    text: z.string(),
  }),
  z.object({
    do: z.literal('write'),
    connector: z.string(),
    object: z.object({ kind: RevertObject.shape.kind, id: z.string() }),
    from: z.unknown(),
    to: z.unknown(),
  }),
  z.object({
    do: z.literal('compensate'),
    people: z.number().int(),
    purpose: z.string(),
    channel: z.string(),
    campaign: z.string(),
    copy: z.array(CopyPart),
  }),
  z.object({ do: z.literal('tell'), who: z.string(), url: z.string().optional() }),
])
export type RollbackStep = z.infer<typeof RollbackStep>

export const RollbackPlan = z.object({
  id: Sha256.describe('of everything in it: apply runs this plan and no other'),
  reason: z.string(),
  degrees: z.array(Degree),
  scope: RollbackScope,
  steps: z.array(RollbackStep),
  cannot: z.array(z.string()).describe('what cannot be undone, and why'),
  follows: z.array(z.string()).describe('what the playbook leaves to people'),
})
export type RollbackPlan = z.infer<typeof RollbackPlan>

export const RollbackApply = RollbackRequest.extend({
  plan: Sha256.describe('the id of the plan that was shown'),
})
export type RollbackApply = z.input<typeof RollbackApply>

export const StepDone = z.object({
  step: z.number().int(),
  do: z.string(),
  state: z.enum(['done', 'failed']),
  says: z.string(),
  detail: z.record(z.string(), z.unknown()),
  seq: Seq,
  recorded: z.string(),
})
export type StepDone = z.infer<typeof StepDone>

export const Rollback = z.object({
  id: Sha256,
  state: z.enum(['running', 'stopped', 'done', 'dry run']).describe('stopped: a step failed; applied again it goes on'),
  by: z.string(),
  begun: z.string(),
  ended: z.string().optional(),
  plan: RollbackPlan,
  steps: z.array(StepDone).describe('the last word on each step that was tried'),
  receipt: Receipt,
})
export type Rollback = z.infer<typeof Rollback>

export const Rollbacks = z.object({
  rollbacks: z.array(
    z.object({
      id: Sha256,
      state: z.string(),
      says: z.string(),
      degrees: z.array(Degree),
      begun: z.string(),
      ended: z.string().optional(),
      seq: Seq,
    }),
  ),
  asOf: Seq,
})
export type Rollbacks = z.infer<typeof Rollbacks>

/** One line of a report, and the record that it rests on. */
export const ReportLine = z.object({
  at: z.string().describe('when it was recorded'),
  what: z.string(),
  seq: Seq,
  kind: z.string(),
  leaf: Sha256.describe('of the record: with its proof anybody can look it up'),
  integrity: z.enum(['intact', 'altered']),
})
export type ReportLine = z.infer<typeof ReportLine>

/** What happened, for somebody who was not there. Every time is the difference of two times on record. */
export const RollbackReport = z.object({
  id: Sha256,
  state: Rollback.shape.state,
  sentence: z.string(),
  reason: z.string(),
  noticed: z.string().describe('how'),
  times: z
    .object({
      toNotice: z.number().optional().describe('from the first decision to the alarm'),
      toTrace: z.number().optional().describe('from the alarm, or else the first decision, to the plan'),
      toSuppression: z.number().optional().describe('from there to the pause: no message left after it'),
      toRollback: z.number().optional().describe('from there to the end of the last step'),
    })
    .describe('in seconds'),
  scope: RollbackScope.describe('as it was planned'),
  now: RollbackScope.describe('as it is'),
  stopped: z.array(z.string()),
  reverted: z.array(z.string()),
  compensated: z.array(z.string()),
  remains: z.array(z.string()),
  follows: z.array(z.string()),
  timeline: z.array(ReportLine),
  checkpoint: z.string().describe('signed: size and root of the log that it was made from'),
  asOf: Seq,
})
export type RollbackReport = z.infer<typeof RollbackReport>

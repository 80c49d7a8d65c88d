import { z } from 'zod'
import { Problem, Receipt } from './receipts.ts'
import { Name, Seq, SubjectId, Time } from './time.ts'
import { OptOutEffects } from './opt-outs.ts'

/** What can come of a message: what providers distinguish, in one vocabulary; and what people say of it. */
export const OutcomeType = z.enum([
  'queued',
  'sent',
  'delivered',
  'deferred',
  'rejected',
  'bounced',
  'failed',
  'opened',
  'clicked',
  'converted',
  'complained',
  'unsubscribed',
  'subscribed',
  'autoresponded',
  'ticket',
  'appeal',
  'unknown',
])
export type OutcomeType = z.infer<typeof OutcomeType>

/** Why a message did not, or will not, arrive. */
export const RejectReason = z.enum(['invalid', 'bounced', 'timed_out', 'blocked', 'spam', 'unsubscribed', 'other'])
export type RejectReason = z.infer<typeof RejectReason>

/** By what an outcome was tied to its action. */
export const OutcomeTie = z.enum(['message', 'action', 'recipient'])
export type OutcomeTie = z.infer<typeof OutcomeTie>

const Text = z.string().min(1).max(2000)

/** What `POST /v1/outcomes` takes: what came of a message, from a system that is no provider with a webhook. */
export const OutcomeReport = z.strictObject({
  id: z.string().min(1).max(256).describe('so that the same one, sent again, is one'),
  type: OutcomeType.exclude(['ticket', 'appeal', 'unknown']),
  time: Time.optional().describe('when it happened; default: now'),
  action: z.string().min(1).max(512).optional().describe('id of the action, or the idempotency key of its claim'),
  message: z.string().min(1).max(512).optional().describe('the provider’s id of the message'),
  recipient: z.string().min(1).max(512).optional().describe('the address that it went to'),
  identifier: z.string().min(1).max(512).optional().describe('the person'),
  subject: SubjectId.optional().describe('or their subject id'),
  subjectType: z.string().min(1).max(128).optional(),
  channel: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/)
    .default('email'),
  campaign: z.string().min(1).max(200).optional().describe('of an outcome that is tied to no action'),
  hard: z.boolean().optional().describe('of a bounce: nothing will ever reach this address'),
  reason: RejectReason.optional(),
  description: Text.optional(),
  url: Text.optional().describe('that was clicked'),
  value: z.number().optional().describe('of a conversion'),
  metadata: z.record(z.string().max(200), z.union([z.string().max(2000), z.number(), z.boolean()])).optional(),
})
export type OutcomeReport = z.input<typeof OutcomeReport>

export const OutcomeBatch = z.object({ outcomes: z.array(OutcomeReport).min(1).max(1000) })
export type OutcomeBatch = z.input<typeof OutcomeBatch>

/** A person writes to support about a message, or appeals against a decision. */
export const Ticket = z.strictObject({
  id: z.string().min(1).max(256),
  kind: z.enum(['ticket', 'complaint', 'appeal']).describe('complaint: it counts as one, as a click on "spam" does'),
  time: Time.optional().describe('when it was written; default: now'),
  action: z.string().min(1).max(512).optional(),
  message: z.string().min(1).max(512).optional().describe('the provider’s id of the message that it answers'),
  recipient: z.string().min(1).max(512).optional().describe('the address that it came from'),
  identifier: z.string().min(1).max(512).optional(),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional(),
  channel: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/)
    .default('email'),
  text: z.string().max(100_000).optional().describe('what was written; sealed with the person’s key'),
  optOut: z.boolean().default(false).describe('the person wants no marketing any more'),
})
export type Ticket = z.input<typeof Ticket>

export const TicketBatch = z.object({ tickets: z.array(Ticket).min(1).max(1000) })
export type TicketBatch = z.input<typeof TicketBatch>

/** What became of one outcome. */
export const PlacedOutcome = z.union([
  z.object({
    type: OutcomeType,
    receipt: Receipt,
    action: Seq.optional().describe('the action that it is about'),
    tie: OutcomeTie.optional(),
    late: z.boolean().optional().describe('true: it happened long before it came'),
    optOut: z
      .object({ receipt: Receipt, effects: OptOutEffects.optional() })
      .optional()
      .describe('what it says is an opt-out, and durable'),
    undeliverable: z
      .object({ withheld: z.number().int().describe('queued sends to this address that no sender gets now') })
      .optional(),
  }),
  z.object({ type: OutcomeType, problem: Problem }),
])
export type PlacedOutcome = z.infer<typeof PlacedOutcome>

export const OutcomeResults = z.object({
  recorded: z.number().int(),
  duplicate: z.number().int(),
  conflict: z.number().int().describe('other content under a known id: kept, and counted as nothing'),
  refused: z.number().int(),
  tied: z.number().int(),
  untied: z.number().int(),
  results: z.array(PlacedOutcome),
})
export type OutcomeResults = z.infer<typeof OutcomeResults>

/** An outcome as it is shown: nothing of what is sealed. */
export const OutcomeRow = z.object({
  seq: Seq,
  type: OutcomeType,
  time: z.string(),
  recorded: z.string(),
  provider: z.string(),
  webhook: z.string().optional(),
  late: z.boolean(),
  action: Seq.optional(),
  tie: OutcomeTie.optional(),
  tied: Seq.optional().describe(
    'the position from which on it is tied: its own, or that of a delivery that came later',
  ),
  subject: SubjectId,
  campaign: z.string().optional(),
  creative: z.string().optional(),
  agent: z.string().optional(),
  prompt: z.string().optional(),
  model: z.string().optional(),
})
export type OutcomeRow = z.infer<typeof OutcomeRow>

export const OutcomesQuery = z.object({
  action: z.string().optional().describe('id of an action, or seq:N'),
  identifier: z.string().optional(),
  subjectType: z.string().optional(),
  campaign: z.string().optional(),
  type: OutcomeType.optional(),
  untied: z.enum(['true', 'false']).optional().describe('true: only what is tied to no action'),
  from: Time.optional(),
  to: Time.optional(),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(50),
  before: z.coerce.number<number>().int().nonnegative().optional().describe('cursor: only positions before this one'),
})
export type OutcomesQuery = z.input<typeof OutcomesQuery>

export const FoundOutcomes = z.object({ outcomes: z.array(OutcomeRow), next: Seq.optional(), asOf: Seq })
export type FoundOutcomes = z.infer<typeof FoundOutcomes>

/** By what outcomes are counted. */
export const OutcomeBy = z.enum(['campaign', 'creative', 'agent', 'prompt', 'model', 'provider'])
export type OutcomeBy = z.infer<typeof OutcomeBy>

export const OutcomeCountsQuery = z.object({
  by: OutcomeBy.default('campaign'),
  since: Time.optional().describe('by the time of the outcome, and of the send'),
  until: Time.optional(),
  environment: Name.optional(),
  asOf: z.coerce.number<number>().int().nonnegative().optional().describe('knowing only records before this position'),
})
export type OutcomeCountsQuery = z.input<typeof OutcomeCountsQuery>

export const OutcomeCounts = z.object({
  by: OutcomeBy,
  groups: z.array(
    z.object({
      key: z.string().describe('empty: what has none'),
      sent: z.number().int().describe('actions that a sender has reported as sent; by provider: not known, 0'),
      outcomes: z.record(
        z.string(),
        z.object({
          events: z.number().int(),
          actions: z.number().int().describe('different actions that they are about'),
        }),
      ),
    }),
  ),
  untied: z.number().int(),
  asOf: Seq,
})
export type OutcomeCounts = z.infer<typeof OutcomeCounts>

/** A webhook that is configured, and what it got since the server started. */
export const WebhookState = z.object({
  name: z.string(),
  provider: z.string(),
  version: z.number().int(),
  path: z.string().describe('where the provider posts to; a token is not shown'),
  ready: z.boolean().describe('false: its secret cannot be read'),
  problem: z.string().optional(),
  received: z.number().int().describe('requests that were let in'),
  events: z.number().int(),
  refused: z.number().int().describe('requests without a good signature or token'),
  unreadable: z.number().int().describe('let in, and not to be read as events'),
  last: z.string().optional().describe('time of the last request that was let in'),
  recorded: z.number().int().describe('outcomes on record, of all time'),
})
export type WebhookState = z.infer<typeof WebhookState>

export const Webhooks = z.object({
  webhooks: z.array(WebhookState),
  unknown: z.number().int().describe('requests to webhooks that are not configured, all refused'),
})
export type Webhooks = z.infer<typeof Webhooks>

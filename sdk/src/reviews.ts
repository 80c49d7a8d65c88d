import { z } from 'zod'
import { ActionDecision, CopyPart, EnvelopeSignature, Verdict } from './actions.ts'
import { Receipt } from './receipts.ts'
import { Seq, Sha256, Time } from './time.ts'

export const ReviewsQuery = z.object({
  assigned: z.string().optional().describe('only what is assigned to this reviewer'),
  campaign: z.string().optional(),
  overdue: z.enum(['true', 'false']).optional(),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(100),
})
export type ReviewsQuery = z.input<typeof ReviewsQuery>

/** An action that waits for somebody's decision. */
export const Pending = z.object({
  action: z.string(),
  seq: Seq,
  type: z.string(),
  actor: z.string(),
  campaign: z.string().optional(),
  since: z.string(),
  due: z.string(),
  overdue: z.boolean(),
  assigned: z.string().optional(),
  statement: Sha256.describe('of what would be approved: give it with the approval'),
  approvals: z.number().int(),
  needed: z.number().int(),
  reason: z.string(),
})
export type Pending = z.infer<typeof Pending>

export const ReviewQueue = z.object({ pending: z.array(Pending), overdue: z.number().int(), asOf: Seq })
export type ReviewQueue = z.infer<typeof ReviewQueue>

/** What a reviewer does. An approval is of exactly the content whose statement it names. */
export const ReviewStep = z.discriminatedUnion('step', [
  z.object({ step: z.literal('assign'), to: z.string().min(1).max(128), due: Time.optional() }),
  z.object({
    step: z.literal('approve'),
    statement: Sha256,
    signature: EnvelopeSignature.optional(),
    note: z.string().max(2000).optional(),
  }),
  z.object({ step: z.literal('reject'), note: z.string().min(1).max(2000) }),
  z.object({
    step: z.literal('edit'),
    copy: z.array(CopyPart).min(1).max(20),
    note: z.string().max(2000).optional(),
  }),
])
export type ReviewStep = z.infer<typeof ReviewStep>

export const Reviewed = z.object({
  action: z.string(),
  step: z.enum(['assign', 'approve', 'reject', 'edit']),
  decision: ActionDecision.describe('of the action after this'),
  reason: z.string(),
  statement: Sha256.optional(),
  verdicts: z.array(Verdict).optional().describe('of the gates, asked again'),
  diff: z
    .array(z.object({ part: z.string(), diff: z.string() }))
    .optional()
    .describe('of an edit, as `diff -u`'),
  receipt: Receipt,
})
export type Reviewed = z.infer<typeof Reviewed>

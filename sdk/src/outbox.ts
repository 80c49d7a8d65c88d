import { z } from 'zod'
import { ActionType, CopyPart } from './actions.ts'
import { OptOutLink } from './opt-outs.ts'
import { Problem, Receipt } from './receipts.ts'
import { Seq, Time } from './time.ts'

export const ClaimRequest = z.object({
  channel: z.string().max(32).optional(),
  campaign: z.string().max(200).optional(),
  types: z.array(ActionType).optional(),
  environment: z.string().max(128).default('production'),
  limit: z.number().int().min(1).max(1000).default(100),
  lease: z
    .number()
    .int()
    .min(1)
    .max(86_400)
    .default(300)
    .describe('seconds; what is not acknowledged by then is given out again'),
})
export type ClaimRequest = z.input<typeof ClaimRequest>

/** What a sender is to send, once its claim is durable. */
export const Claimed = z.object({
  claim: Seq.describe('acknowledge by this'),
  action: z.string(),
  seq: Seq.describe('the record of the action'),
  idempotencyKey: z.string().describe('the same each time that this action is given out'),
  attempt: z.number().int().min(1),
  until: z.string(),
  type: ActionType,
  channel: z.string().optional(),
  campaign: z.string().optional(),
  entity: z.string().optional(),
  address: z.string().optional(),
  copy: z.array(CopyPart).optional(),
  value: z.record(z.string(), z.unknown()).optional(),
  optOut: OptOutLink.optional().describe('of what an objection to marketing ends: headers of the e-mail (RFC 8058)'),
})
export type Claimed = z.infer<typeof Claimed>

export const Claims = z.object({
  claims: z.array(Claimed),
  withheld: z.number().int().describe('looked at, and not given out: consent or a quarantine stands against them'),
  waiting: z.number().int().describe('still queued after this'),
})
export type Claims = z.infer<typeof Claims>

export const Acknowledgement = z.object({
  claim: Seq,
  status: z
    .enum(['sent', 'failed', 'returned'])
    .describe('failed: it will not be tried again; returned: it was not tried, and is queued again'),
  providerId: z.string().max(512).optional().describe('the id by which the provider calls the message'),
  reason: z.string().max(2000).optional(),
  time: Time.optional(),
})
export type Acknowledgement = z.infer<typeof Acknowledgement>

export const Acknowledged = z.object({
  results: z.array(
    z.union([
      z.object({
        claim: Seq,
        status: z.enum(['sent', 'failed', 'returned']),
        late: z.boolean().optional().describe('true: its lease was over'),
        withdrawn: Seq.optional().describe('a withdrawal that was recorded between the claim and this'),
        receipt: Receipt,
      }),
      z.object({ claim: Seq, problem: Problem }),
    ]),
  ),
})
export type Acknowledged = z.infer<typeof Acknowledged>

export const OutboxState = z.object({
  queued: z.number().int(),
  leased: z.number().int(),
  campaigns: z.array(z.object({ campaign: z.string(), channel: z.string(), queued: z.number().int() })),
})
export type OutboxState = z.infer<typeof OutboxState>

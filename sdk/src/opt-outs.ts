import { z } from 'zod'
import { Channel } from './consents.ts'
import { Problem, Receipt } from './receipts.ts'
import { SubjectId, Time } from './time.ts'

/** Somebody wants no marketing any more: an objection, by its own time. */
export const OptOut = z.strictObject({
  id: z.string().min(1).max(256).optional().describe('so that the same one, sent again, is one; best with its time'),
  identifier: z.string().min(1).max(512).optional(),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional().describe('default: customer'),
  channel: Channel.optional().describe('default: every channel'),
  time: Time.optional().describe('when it was said; default: now'),
  note: z.string().max(2000).optional().describe('where it was said; sealed with the person’s key'),
})
export type OptOut = z.infer<typeof OptOut>

export const OptOutBatch = z.object({ optOuts: z.array(OptOut).min(1).max(1000) })
export type OptOutBatch = z.infer<typeof OptOutBatch>

/** What an opt-out did to sends. */
export const OptOutEffects = z.object({
  suppressed: z.number().int().describe('queued sends that can no longer be claimed'),
  withSenders: z
    .number()
    .int()
    .default(0)
    .describe('sends that a sender had been given and not yet acknowledged: they may still go out, or be given back'),
  flagged: z.number().int().describe('sends released or made since the person’s own word'),
  suppressedAfter: z
    .number()
    .optional()
    .describe('seconds from the time of the opt-out to its record, from which on nothing could be claimed'),
})
export type OptOutEffects = z.infer<typeof OptOutEffects>

export const OptOutResults = z.object({
  recorded: z.number().int(),
  duplicate: z.number().int(),
  conflict: z.number().int().describe('other content under a known id: each counts as an opt-out all the same'),
  refused: z.number().int(),
  results: z.array(
    z.discriminatedUnion('status', [
      z.object({
        status: z.enum(['recorded', 'duplicate', 'conflict']),
        subject: SubjectId,
        channel: Channel.optional(),
        time: Time,
        receipt: Receipt,
        effects: OptOutEffects.optional(),
      }),
      z.object({ status: z.literal('refused'), problem: Problem }),
    ]),
  ),
})
export type OptOutResults = z.infer<typeof OptOutResults>

export const OptOutLinkRequest = z.object({
  identifier: z.string().min(1).max(512).optional(),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional(),
  channel: Channel.optional(),
})
export type OptOutLinkRequest = z.infer<typeof OptOutLinkRequest>

/** An address at which one person, and nobody else, is opted out by one click (RFC 8058), without a key. */
export const OptOutLink = z.object({
  url: z.url(),
  headers: z.object({ 'List-Unsubscribe': z.string(), 'List-Unsubscribe-Post': z.string() }).describe('of the e-mail'),
})
export type OptOutLink = z.infer<typeof OptOutLink>

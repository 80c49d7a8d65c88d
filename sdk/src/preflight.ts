import { z } from 'zod'
import { ActionProposal, CopyPart, Finding } from './actions.ts'
import { SubjectId } from './time.ts'

/** What a campaign would send, to whom: nothing is recorded. */
export const PreflightRequest = z.object({
  proposal: ActionProposal.omit({ id: true, entity: true, subject: true, signatures: true }).describe(
    'what each of them would get',
  ),
  identifiers: z.array(z.string().min(1).max(512)).max(200_000).default([]),
  subjects: z.array(SubjectId).max(200_000).default([]),
})
export type PreflightRequest = z.input<typeof PreflightRequest>

export const Preflight = z.object({
  campaign: z.string(),
  recipients: z.number().int(),
  ready: z.number().int(),
  withoutBasis: z.number().int().describe('no consent, nor another basis, is on record for them'),
  objected: z.number().int().describe('of those without: they withdrew or object'),
  capped: z.number().int().describe('a policy refuses them now: caps, quiet hours'),
  held: z.number().int().describe('a person would have to approve'),
  refused: z.number().int().describe('a gate refuses what they would get'),
  quarantined: z.number().int(),
  unknown: z.number().int().describe('of those without: nothing is known of them'),
  erased: z.number().int(),
  repeated: z.number().int().describe('named more than once'),
  reasons: z.array(z.object({ gate: z.string(), code: z.string(), message: z.string(), recipients: z.number().int() })),
  copy: z
    .array(z.object({ part: CopyPart.shape.part, marked: z.string(), findings: z.array(Finding) }))
    .describe('the offending copy, with what was found between ⟦ and ⟧'),
  asOf: z.number().int(),
})
export type Preflight = z.infer<typeof Preflight>

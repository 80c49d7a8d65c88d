import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Seq } from './time.ts'

/** What actions have in common, and by which they are stopped: a model or prompt as `name@version`, or all its versions. */
export const ScopeKind = z.enum(['agent', 'campaign', 'creative', 'model', 'prompt'])
export type ScopeKind = z.infer<typeof ScopeKind>

export const ActionScope = z.object({
  kind: ScopeKind,
  name: z
    .string()
    .min(1)
    .max(200)
    .refine((name) => !name.startsWith('@'), 'has no name before the @'),
})
export type ActionScope = z.infer<typeof ActionScope>

export const PauseRequest = ActionScope.extend({
  reason: z.string().min(1).max(2000),
})
export type PauseRequest = z.infer<typeof PauseRequest>

/** A pause in force, or one that has ended. What is queued under it is in quarantine: no sender gets it. */
export const Pause = z.object({
  kind: ScopeKind,
  name: z.string(),
  paused: z.boolean(),
  reason: z.string(),
  by: z.string().describe('the key that did it'),
  since: z.string().describe('when it was recorded'),
  seq: Seq,
  quarantined: z.number().int().describe('released actions that wait under it'),
  claimed: z.number().int().describe('those that a sender has already'),
})
export type Pause = z.infer<typeof Pause>

export const PauseDone = Pause.extend({ receipt: Receipt })
export type PauseDone = z.infer<typeof PauseDone>

/** Released actions that were taken back: no sender ever gets them. */
export const Recalled = z.object({
  kind: ScopeKind,
  name: z.string(),
  recalled: z.number().int().describe('waited, and will never be sent'),
  claimed: z.number().int().describe('a sender had them already: what became of them is to be seen'),
  receipt: Receipt,
})
export type Recalled = z.infer<typeof Recalled>

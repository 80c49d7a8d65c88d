// An action as it is shown to others: everything on record about it, without personal content. What the proposer said
// stands here as its statement, so that an export can say no more than was signed.
//
// Whoever makes a view fills it from the records; the exports beside this file are pure functions of it.
import type { ActionDecision, ActionStatement, ConsentVerdict, EnvelopeSignature, GateOutcome } from '@whence/sdk'
import type { Micros } from '../../../record/time.ts'

/** A step that somebody took, at a position of the log. `by` names an agent, an approver or an API key: never a person. */
export interface ViewStep {
  readonly seq: number
  readonly at: Micros
  readonly by: string
}

export interface ViewVerdict {
  readonly gate: string
  readonly kind: string
  /** name@vN */
  readonly policy: string
  readonly fingerprint: string
  readonly outcome: GateOutcome
  readonly shadow?: boolean
  /** Codes of findings; their messages may quote the copy, and stay behind. */
  readonly codes: readonly string[]
}

export interface ViewEdit extends ViewStep {
  readonly statement: ActionStatement
  readonly signatures: readonly EnvelopeSignature[]
}

export interface ActionView {
  /** The position of the record `action/1`. */
  readonly seq: number
  readonly statement: ActionStatement
  /** Over this statement: the agent's, and those of approvers where it was not edited. */
  readonly signatures: readonly EnvelopeSignature[]
  /** When the proposer decided it by its own word, else when it was recorded. */
  readonly decided: Micros
  readonly recorded: Micros
  /** The file of the actor that was in force. */
  readonly agent?: { readonly name: string; readonly version: number; readonly owner: string }
  readonly verdicts: readonly ViewVerdict[]
  readonly decision: ActionDecision
  /** True: the agent is in shadow, and nothing of it was released. */
  readonly shadow?: boolean
  /** What the consent gate found. Absent where no person is concerned. */
  readonly consent?: Pick<ConsentVerdict, 'allowed' | 'code' | 'basis' | 'policy' | 'receipt'>
  /** `approved`: and others must approve it too. */
  readonly reviews: readonly (ViewStep & { readonly outcome: 'approved' | 'released' | 'refused' })[]
  /** Each replaces the output before it, and has a statement of its own. */
  readonly edits: readonly ViewEdit[]
  readonly claims: readonly (ViewStep & { readonly until: Micros })[]
  readonly deliveries: readonly (ViewStep & { readonly outcome: string })[]
  /** Of the snapshots and predictions that it names, those that are on record. */
  readonly snapshots: readonly { readonly seq: number; readonly view: string }[]
  readonly predictions: readonly { readonly seq: number; readonly model: string; readonly snapshot?: number }[]
  /** What came of it, as far as it is linked: opens, clicks, complaints. */
  readonly outcomes: readonly { readonly seq: number; readonly at: Micros; readonly kind: string }[]
  /** Taken back: paused, quarantined, reverted. */
  readonly invalidated?: ViewStep & { readonly how: string }
}

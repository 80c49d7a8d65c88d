// What a gate is given, and what it says. Gates see facts, never tables: the same facts give the same verdict, so that it
// can be given again under other policies.
import type { ActionProposal, CopyPart, Finding, GateOutcome } from '@whence/sdk'
import type { ConsentVerdict } from '../consent/verdict.ts'

/** Everything that a chain of gates may judge by. */
export interface GateFacts {
  readonly proposal: ActionProposal
  /** What a person would read, as it would be sent. */
  readonly copy: readonly CopyPart[]
  /** When it is judged, in microseconds. */
  readonly at: number
  /** Absent where no person is concerned. */
  readonly consent: ConsentVerdict | undefined
  /** How often something was released to this person on this channel within so many microseconds before now. */
  sends(window: number): number
  /** Whose an e-mail address or telephone number in the copy is, as far as identifiers of ours tell. */
  contact(identifier: string): 'recipient' | 'other' | 'unknown'
}

/** What one gate found. `inputs` is what it judged by: versions, counts, receipts; nothing personal. */
export interface Judgement {
  readonly outcome: GateOutcome
  readonly findings: readonly Finding[]
  readonly inputs: Readonly<Record<string, unknown>>
}

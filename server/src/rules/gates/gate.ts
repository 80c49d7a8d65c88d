// What a gate is given, and what it says. Gates see facts, never tables: the same facts give the same verdict, so that it
// can be given again under other policies.
import type { ActionProposal, CopyPart, Finding, GateOutcome } from '@whence/sdk'
import type { ConsentVerdict } from '../consent/verdict.ts'
import type { Reading } from './reading.ts'

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

/** What one gate saw. `counts`: it found what it is there for; findings that do not count are told all the same. */
export interface Seen {
  readonly counts: boolean
  readonly findings: readonly Finding[]
  readonly inputs: Readonly<Record<string, unknown>>
  /** Where that is not what the gate does with what it finds. */
  readonly outcome?: GateOutcome
}

/** What gates of all kinds share while one action is judged. */
export interface Judging {
  readonly facts: GateFacts
  /** The copy, read once. */
  readonly readings: readonly Reading[]
  readonly ask: AskScorer
}

/** A gate that was made ready from its configuration. */
export type Gate = (judging: Judging) => Seen | Promise<Seen>

/** What a scorer is sent, and how much patience it is owed. */
export interface ScorerCall {
  readonly url: string
  readonly body: string
  readonly timeoutMs: number
  /** A longer answer is not read to its end. */
  readonly mostBytes: number
  /** The name of the variable that holds the bearer token by which the scorer knows us. */
  readonly token?: string
}

/** What came back: a body, or why there is none. Never throws, and never takes longer than it may. */
export type ScorerReply =
  | { readonly status: number; readonly body: string }
  | { readonly failure: 'timeout' | 'too_long' | 'unreachable' | 'redirect' | 'no_secret'; readonly reason: string }

/** How scorers are reached: the only thing here that leaves the process, and so it is handed in. */
export type AskScorer = (call: ScorerCall) => Promise<ScorerReply>

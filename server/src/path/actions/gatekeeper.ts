// All that judges a proposal before anybody is reached: consent or another basis first, then the chains in force.
import type { Verdict } from '@whence/sdk'
import type { GateFacts } from '../../rules/gates/gate.ts'

export interface Judged {
  readonly verdicts: readonly Verdict[]
  /** The actor is in shadow: nothing of it is released. */
  readonly shadow: boolean
  /** Digest of the statement about the action. */
  readonly statement?: string
}

export interface Gatekeeper {
  judge(facts: GateFacts): Promise<Judged>
  /** A text without what looks personal in it. */
  mask(text: string): string
}

// All that judges a proposal before anybody is reached: consent or another basis first, then the chains in force.
import type { ConsentVerdict, Verdict } from '@whence/sdk'
import { hash } from 'node:crypto'
import { mask } from '../../rules/gates/pii/mask.ts'
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

/** Consent alone. */
export const consentFirst: Gatekeeper = {
  judge: async ({ consent }) => ({ verdicts: consent === undefined ? [] : [consentVerdict(consent)], shadow: false }),
  mask,
}

function consentVerdict({ allowed, code, reason, ...rest }: ConsentVerdict): Verdict {
  return {
    gate: 'consent',
    kind: 'consent',
    policy: rest.policy ?? 'none',
    fingerprint: hash('sha256', rest.policy ?? 'none'),
    outcome: allowed ? 'pass' : 'refuse',
    findings: allowed ? [] : [{ code: `consent.${code}`, message: reason }],
    inputs: { code, reason, ...rest },
  }
}

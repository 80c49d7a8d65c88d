// Whether a proposal is signed by whom it says. The statement that signatures are over is made of the proposal itself, so
// that a signature over anything else is none.
import { LedgerFault } from '@whence/ledger'
import { checkSignatures, statementBytes, statementOfParsed } from '@whence/sdk'
import type { ActionProposal, ActionStatement } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Judgement } from '../gates/gate.ts'
import { mustSign } from './agent.ts'
import type { AgentInForce } from './agent.ts'

export type Verified =
  | { state: 'signed'; statement: ActionStatement; digest: string; keys: readonly string[] }
  | { state: 'unsigned'; statement: ActionStatement; digest: string }
  | { state: 'forged'; statement: ActionStatement; digest: string; reason: string; keyids: readonly string[] }

/** What is stated of a proposal, and the bytes that signatures are over. */
export interface Stated {
  readonly statement: ActionStatement
  readonly bytes: Uint8Array
  /** SHA-256 of the bytes, in hex. */
  readonly digest: string
}

/** Throws `invalid` for a proposal that has no canonical form. */
export function stated(proposal: ActionProposal): Stated {
  try {
    const statement = statementOfParsed(proposal)
    const bytes = statementBytes(statement)
    return { statement, bytes, digest: hash('sha256', bytes, 'hex') }
  } catch (cause) {
    if (!(cause instanceof LedgerFault)) throw cause
    throw new Fault('invalid', `the action has no statement: ${cause.message}`, { cause })
  }
}

/**
 * Verifies the signatures of a proposal under the keys of its actor, as they are in force. Each must hold: one that none
 * of these keys bears out makes the proposal forged, whatever the others are.
 */
export async function verifySignatures(proposal: ActionProposal, agent: AgentInForce | undefined): Promise<Verified> {
  const { statement, bytes, digest } = stated(proposal)
  const { signatures = [], actor } = proposal
  if (signatures.length === 0) return { state: 'unsigned', statement, digest }
  const own = agent?.policy.name === actor.id && agent.policy.type === actor.type ? agent.policy.keys : []
  const { signed, unverified } = await checkSignatures(bytes, signatures, own)
  if (unverified.length === 0) return { state: 'signed', statement, digest, keys: signed }
  const known = new Set(own.map(({ keyid }) => keyid))
  const strange = unverified.some(({ keyid }) => keyid !== '' && !known.has(keyid))
  return {
    state: 'forged',
    statement,
    digest,
    keyids: unverified.map(({ keyid }) => keyid),
    reason: strange
      ? 'a signature names a key that the file of the actor does not list'
      : 'a signature is not over this statement, or not by the key that it names',
  }
}

/** What a gate says of it: a forged signature is refused, and so is a missing one where the agent must sign. */
export function signatureVerdict(agent: AgentInForce | undefined, verified: Verified): Judgement {
  const { state, digest } = verified
  const inputs = {
    state,
    statement: digest,
    ...(agent ? { agent: `${agent.policy.name}@v${agent.version}` } : {}),
    ...(verified.state === 'signed' ? { keys: verified.keys } : {}),
  }
  if (verified.state === 'forged')
    return { outcome: 'refuse', findings: [{ code: 'signature.forged', message: verified.reason }], inputs }
  if (state === 'unsigned' && agent && mustSign(agent.policy)) {
    const message = 'it is not signed, and the file of its actor asks for a signature; see whence agents sign'
    return { outcome: 'refuse', findings: [{ code: 'signature.missing', message }], inputs }
  }
  return { outcome: 'pass', findings: [], inputs }
}

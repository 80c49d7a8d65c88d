// An action as it is recorded: what is kept of the proposal, under which identity, and what was decided.
import { canonicalize } from '@whence/ledger'
import type { ActionDecision, ActionProposal, CopyPart, Verdict } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { HmacKey } from '../../record/subjects/hmac.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'

export const STREAM = 'whence.actions'
export const THOUGHTS = 'whence.thoughts'

/** A proposal with digests in the place of the texts that are not kept. */
export type KeptProposal = ActionProposal & {
  /** The prompts without what looks personal in them, where the proposal asked for that. */
  masked?: { text?: string; system?: string }
}

/** What Whence adds to a proposal: sealed with it. */
export interface Decided {
  readonly decision: ActionDecision
  readonly reason: string
  readonly verdicts: readonly Verdict[]
  readonly shadow?: true
  /** Digest of the statement that signatures are over. */
  readonly statement?: string
}

export interface OpenedAction extends Decided {
  readonly seq: number
  readonly time: string
  readonly recorded: string
  /** Whose it is; of an action that concerns nobody, its actor's. */
  readonly subject: string
  readonly personal: boolean
  readonly refs: Readonly<Record<string, string>>
  readonly source: string
  readonly proposedBy: string
  readonly proposal: KeptProposal
}

/** The same proposal gives the same bytes: they are what makes it the same record. */
export function keptOf({ prompt, thought, ...rest }: ActionProposal, mask: (text: string) => string): KeptProposal {
  const kept: KeptProposal = rest
  if (thought !== undefined) kept.thoughtSha256 = hash('sha256', thought)
  if (prompt === undefined) return kept
  const { text, system, ...said } = prompt
  kept.prompt = said
  if (text !== undefined) kept.prompt.sha256 = hash('sha256', text)
  if (system !== undefined) kept.prompt.systemSha256 = hash('sha256', system)
  if (said.keep === 'masked')
    kept.masked = {
      ...(text === undefined ? {} : { text: mask(text) }),
      ...(system === undefined ? {} : { system: mask(system) }),
    }
  return kept
}

export function contentOf(kept: KeptProposal): Uint8Array {
  return Buffer.from(canonicalize(kept as never))
}

export function actionIdentity(idKey: HmacKey, source: string, id: string): Buffer {
  return identityOf(idKey, placeBytes({ kind: 'action/1', stream: STREAM, source, id }))
}

const MESSAGE = Buffer.from('whence/message/v1\0')

/** The keyed digest of a provider's id of a message: such ids may name a person. */
export function messageDigest(idKey: HmacKey, providerId: string): string {
  return hmac(idKey, Buffer.concat([MESSAGE, Buffer.from(providerId)]))
    .toString('hex')
    .slice(0, 32)
}

/** Opens an action and checks it. Throws `altered`, and `not_found` for a record that is none; undefined when erased. */
export function openAction(ledger: Ledger, seq: number): OpenedAction | undefined {
  if (seq >= ledger.size || kindOf(ledger.entry(seq)) !== 'action')
    throw new Fault('not_found', `record ${seq} is no action`)
  const opened = ledger.open(seq)
  if (opened.state !== 'open') return undefined
  const { entry, header, content, subject } = opened
  return {
    ...(header.decided as Decided),
    seq,
    time: String(header.time),
    recorded: entry.recorded,
    subject,
    personal: entry.refs.personal === 'true',
    refs: entry.refs,
    source: entry.source,
    proposedBy: entry.actor,
    proposal: JSON.parse(Buffer.from(content).toString('utf8')) as KeptProposal,
  }
}

/** A recorded proposal as gates see it again, with the copy that stands now. */
export function proposalOf(
  { masked: _, output, ...proposal }: KeptProposal,
  copy: readonly CopyPart[],
): ActionProposal {
  // An output without copy stays one: its statement is signed.
  if (output?.copy === undefined && copy.length === 0) return output === undefined ? proposal : { ...proposal, output }
  return { ...proposal, output: { ...output, copy: [...copy] } }
}

/** What a reviewer made of the copy. */
export function editedCopy(ledger: Ledger, seq: number): CopyPart[] {
  const opened = ledger.open(seq)
  if (opened.state !== 'open') return []
  return (JSON.parse(Buffer.from(opened.content).toString('utf8')) as { copy: CopyPart[] }).copy
}

// Statements signed: DSSE (https://github.com/secure-systems-lab/dsse, protocol.md 1.0.0). An agent signs; approvers sign
// the same bytes.
import { fromBase64, joinBytes, LedgerFault, parseCanonical, toBase64, toUtf8 } from '@whence/ledger'
import type { z } from 'zod'
import type { ActionProposal, EnvelopeSignature } from './actions.ts'
import type { AgentKey, PublicKey } from './agent-keys.ts'
import { ActionStatement, Envelope, statementBytes, statementOf } from './statements.ts'

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

/**
 * The bytes that a DSSE signature is over: the payload and its type, each after its length, so that neither can be taken
 * for the other.
 *
 * @example pae('t', toUtf8('hi')) // the bytes of 'DSSEv1 1 t 2 hi'
 */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = toUtf8(payloadType)
  return joinBytes(toUtf8(`DSSEv1 ${type.length} `), type, toUtf8(` ${payload.length} `), payload)
}

/** Signs a statement: for the agent whose action it is, or for whoever approves it. */
export async function signStatement(statement: ActionStatement, key: AgentKey): Promise<EnvelopeSignature> {
  const sig = await key.sign(pae(PAYLOAD_TYPE, statementBytes(statement)))
  return { keyid: key.keyid, sig: toBase64(sig) }
}

/**
 * A proposal with one signature more, ready to be sent.
 *
 * @example await client.act({ actions: [await signProposal(proposal, key)] })
 */
export async function signProposal<P extends z.input<typeof ActionProposal>>(
  proposal: P,
  key: AgentKey,
): Promise<P & { signatures: EnvelopeSignature[] }> {
  const signature = await signStatement(statementOf(proposal), key)
  return { ...proposal, signatures: [...(proposal.signatures ?? []), signature] }
}

/** A statement and its signatures as one document. */
export function envelopeOf(statement: ActionStatement, signatures: readonly EnvelopeSignature[]): Envelope {
  // Some verifiers refuse an envelope in which one key signs twice.
  const once = new Map(signatures.map(({ keyid, sig }) => [`${keyid} ${sig}`, { keyid, sig }]))
  return { payloadType: PAYLOAD_TYPE, payload: toBase64(statementBytes(statement)), signatures: [...once.values()] }
}

export interface CheckedSignatures {
  /** Ids of the keys that signed, each once. */
  signed: string[]
  /** Signatures that none of the given keys bears out. */
  unverified: EnvelopeSignature[]
}

/**
 * Which keys signed a payload. The id of a key narrows which are tried and proves nothing: a signature without one is
 * tried under all of them. Signatures in anything but base64 count as unverified.
 */
export async function checkSignatures(
  payload: Uint8Array,
  signatures: readonly { keyid?: string | undefined; sig: string }[],
  keys: readonly PublicKey[],
  payloadType = PAYLOAD_TYPE,
): Promise<CheckedSignatures> {
  const message = pae(payloadType, payload)
  const signed = new Set<string>()
  const unverified: EnvelopeSignature[] = []
  for (const { keyid = '', sig } of signatures) {
    const bytes = anyBase64(sig)
    const by = bytes && (await firstOf(keys, (key) => fits(key, keyid) && key.verify(message, bytes)))
    if (by) signed.add(by.keyid)
    else unverified.push({ keyid, sig })
  }
  return { signed: [...signed], unverified }
}

export type EnvelopeVerdict =
  | { ok: true; statement: ActionStatement; signed: string[]; unverified: EnvelopeSignature[] }
  | { ok: false; code: EnvelopeProblem; reason: string }

export type EnvelopeProblem =
  | 'envelope' // not the JSON of an envelope
  | 'payload_type' // of something that is no in-toto statement
  | 'signature' // fewer of the given keys signed than were asked for
  | 'statement' // signed, and yet no statement about an action in its canonical form

/**
 * Verifies an envelope (an object, or its JSON) against keys that are trusted for it: at least `threshold` different ones
 * must have signed. What is signed must be canonical JSON, so that no repeated name can say two things.
 */
export async function verifyEnvelope(
  envelope: unknown,
  keys: readonly PublicKey[],
  { threshold = 1 }: { threshold?: number } = {},
): Promise<EnvelopeVerdict> {
  const read = Envelope.safeParse(typeof envelope === 'string' ? parsed(envelope) : envelope)
  const payload = read.success ? anyBase64(read.data.payload) : undefined
  if (!read.success || !payload) return problem('envelope', 'it is no DSSE envelope in JSON')
  const { payloadType, signatures } = read.data
  const { signed, unverified } = await checkSignatures(payload, signatures, keys, payloadType)
  if (signed.length < Math.max(1, threshold))
    return problem(
      'signature',
      `${signed.length} of the ${keys.length} trusted keys signed it, and ${Math.max(1, threshold)} must have`,
    )
  if (payloadType !== PAYLOAD_TYPE) return problem('payload_type', `its payload is not ${PAYLOAD_TYPE}`)
  let said: unknown
  try {
    said = parseCanonical(payload)
  } catch (error) {
    if (!(error instanceof LedgerFault)) throw error
    return problem('statement', `what is signed is not canonical JSON: ${error.message}`)
  }
  const statement = ActionStatement.safeParse(said)
  if (!statement.success) return problem('statement', 'what is signed is no statement about an action, in a known form')
  return { ok: true, statement: statement.data, signed, unverified }
}

function problem(code: EnvelopeProblem, reason: string): EnvelopeVerdict {
  return { ok: false, code, reason }
}

function fits(key: PublicKey, keyid: string): boolean {
  return keyid === '' || key.keyid === keyid
}

async function firstOf<T>(items: readonly T[], is: (item: T) => boolean | Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await is(item)) return item
  return undefined
}

/** DSSE allows both alphabets of base64; otherwise there is one text for the same bytes. */
function anyBase64(text: string): Uint8Array | undefined {
  try {
    return fromBase64(/[-_]/.test(text) ? text.replaceAll('-', '+').replaceAll('_', '/') : text)
  } catch {
    return undefined
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

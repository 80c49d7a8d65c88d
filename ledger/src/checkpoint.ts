// Checkpoints (C2SP tlog-checkpoint): what a log says about itself at one size.
import { fromBase64, fromDecimal, toBase64 } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import { COSIGNATURE, NOTE_SIGNATURE, parseNote, parseVerifierKey, signNote, signNoteSync, verifyNote } from './note.ts'
import type { Signer, SyncSigner, VerifierKey } from './note.ts'
import { checkHash, checkSize } from './tree.ts'
import type { Hash } from './tree.ts'

/** The log `origin` has `size` leaves, and their tree this root (32 bytes). */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Hash }

/** A witness saw this checkpoint to be consistent with all before it, at this time (seconds since 1970). */
export type Cosigned = { readonly witness: string; readonly time: number }

/** A checkpoint that its log signed, and the trusted witnesses that cosigned it. */
export type SignedCheckpoint = Checkpoint & { readonly cosignatures: readonly Cosigned[] }

/** Whom to trust, and for which log. */
export type CheckpointTrust = {
  /** The origin expected, if it is not the name of the log's key. */
  readonly origin?: string
  /** Verifier keys of witnesses (type 4) whose cosignatures are reported; one that fails rejects the checkpoint. */
  readonly witnesses?: readonly (string | VerifierKey)[]
}

/**
 * Writes the text of a checkpoint: origin, size and root, a line each. Throws `bad-checkpoint` for an origin that is
 * empty or holds a line break, `out-of-range` for an impossible size, `bad-hash` for a root that is not 32 bytes.
 *
 * @example formatCheckpoint({ origin: 'ledger.example/demo', size: 3, root }) // 'ledger.example/demo\n3\nLP73…LNo=\n'
 */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  if (!isOrigin(origin))
    throw new LedgerFault('bad-checkpoint', `${JSON.stringify(origin)} cannot be the origin of a log`)
  return `${origin}\n${checkSize(size)}\n${toBase64(checkHash(root))}\n`
}

/**
 * Reads the text of a checkpoint (without signatures). Throws `bad-checkpoint` for anything that `formatCheckpoint`
 * would not write; extension lines are refused, because no one audits them.
 *
 * @example parseCheckpoint('ledger.example/demo\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n').size // 3
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, end, ...more] = text.split('\n')
  if (!isOrigin(origin) || size === undefined || root === undefined || end !== '' || more.length > 0) {
    throw new LedgerFault('bad-checkpoint', 'expected the three lines of a checkpoint: origin, size and root')
  }
  try {
    return { origin, size: fromDecimal(size), root: checkHash(fromBase64(root)) }
  } catch (cause) {
    throw new LedgerFault('bad-checkpoint', `the size or root in the checkpoint of ${origin} is malformed`, cause)
  }
}

/**
 * Signs a checkpoint: the signed note. The first signer is the log, and its name the origin unless the log was set up
 * otherwise. Throws as `formatCheckpoint` and `signNote` do.
 *
 * @example await signCheckpoint({ origin, size, root }, await signerFromSeed(origin, seed))
 */
export function signCheckpoint(checkpoint: Checkpoint, ...signers: readonly Signer[]): Promise<string> {
  return signNote(formatCheckpoint(checkpoint), ...signers)
}

/**
 * As `signCheckpoint`, at once.
 *
 * @example signCheckpointSync({ origin, size, root }, { name: origin, publicKey, sign: (bytes) => sign(null, bytes, key) })
 */
export function signCheckpointSync(checkpoint: Checkpoint, ...signers: readonly SyncSigner[]): string {
  return signNoteSync(formatCheckpoint(checkpoint), ...signers)
}

/**
 * Verifies a signed checkpoint with the verifier key of its log. Throws `bad-note`, `unsigned`, `bad-signature`,
 * `bad-checkpoint`, `bad-key`, or `wrong-origin` if it is another log's.
 *
 * @example const { size, root } = await verifyCheckpoint(file, vkey, { witnesses: [witnessKey] })
 */
export async function verifyCheckpoint(
  note: string | Uint8Array,
  logKey: string | VerifierKey,
  trust: CheckpointTrust = {},
): Promise<SignedCheckpoint> {
  const log = keyOfType(NOTE_SIGNATURE, logKey)
  const witnesses = (trust.witnesses ?? []).map((key) => keyOfType(COSIGNATURE, key))
  const { text, signatures } = await verifyNote(note, [log, ...witnesses])
  if (!signatures.some(({ key }) => key === log)) {
    throw new LedgerFault('unsigned', `the checkpoint carries no signature by its log ${log.name}`)
  }
  const checkpoint = parseCheckpoint(text)
  const origin = trust.origin ?? log.name
  if (checkpoint.origin !== origin) {
    throw new LedgerFault('wrong-origin', `the checkpoint is of the log ${checkpoint.origin}, not of ${origin}`)
  }
  const cosignatures = signatures.flatMap(({ key, time }) => (time === undefined ? [] : { witness: key.name, time }))
  return { ...checkpoint, cosignatures }
}

/**
 * What a signed checkpoint claims, without verifying it. Throws `bad-note` or `bad-checkpoint`.
 *
 * @example claimedCheckpoint(file).size
 */
export function claimedCheckpoint(note: string | Uint8Array): Checkpoint {
  return parseCheckpoint(parseNote(note).text)
}

function keyOfType(type: VerifierKey['type'], given: string | VerifierKey): VerifierKey {
  const key = typeof given === 'string' ? parseVerifierKey(given) : given
  if (key.type !== type) {
    const role = type === NOTE_SIGNATURE ? 'a log (type 1)' : 'a witness (type 4)'
    throw new LedgerFault('bad-key', `the verifier key of ${key.name} is not that of ${role}`)
  }
  return key
}

function isOrigin(origin: string | undefined): origin is string {
  // oxlint-disable-next-line no-control-regex
  return origin !== undefined && origin !== '' && !/[\u0000-\u001f]/.test(origin) && origin.isWellFormed()
}

// Signed notes (C2SP signed-note): text, an empty line, and signature lines. Cosignatures (C2SP tlog-cosignature) are
// signature lines of their own type, over the text and a time.
import { verifyEd25519 } from './ed25519.ts'
import { fromBase64, fromUtf8, joinBytes, toBase64, toHex, toUtf8 } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import { sha256 } from './sha256.ts'

/** The type bytes of the signatures that we know, both Ed25519. */
export const NOTE_SIGNATURE = 0x01
export const COSIGNATURE = 0x04

/** A public key as one who verifies holds it, and the text that states it. */
export type VerifierKey = {
  readonly name: string
  /** 8 hex digits. */
  readonly id: string
  readonly type: typeof NOTE_SIGNATURE | typeof COSIGNATURE
  readonly publicKey: Uint8Array
  /** `name+id+base64(type || public key)`. */
  readonly text: string
}

/** One who signs: `sign` gives the 64 bytes of an Ed25519 signature over the bytes. */
export type Signer = {
  readonly name: string
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>
}
/** One who signs at once, with a key in memory. */
export type SyncSigner = Omit<Signer, 'sign'> & { sign(bytes: Uint8Array): Uint8Array }

/** A signature line as it stands: a claim, not yet verified. */
export type SignatureLine = {
  readonly name: string
  readonly id: string
  /** What follows the key id: 64 bytes, or 8 bytes of time and 64 bytes for a cosignature. */
  readonly signature: Uint8Array
}

/** A note taken apart; `text` includes its final newline. */
export type Note = { readonly text: string; readonly signatures: readonly SignatureLine[] }

/** A signature that holds; `time` (seconds since 1970) only for a cosignature. */
export type VerifiedSignature = { readonly key: VerifierKey; readonly time?: number }

/** A note of which at least one signature by a trusted key holds, and none fails. */
export type VerifiedNote = { readonly text: string; readonly signatures: readonly VerifiedSignature[] }

const ED25519_BYTES = 64
const TIME_BYTES = 8
const MAX_NOTE_BYTES = 1_000_000
const MAX_SIGNATURES = 100

/**
 * The verifier key of a public key (32 bytes). Throws `bad-key` for a name that is empty or holds a space or a plus,
 * and for a public key of another length.
 *
 * @example verifierKey('ledger.example/demo', publicKey).text // 'ledger.example/demo+bef2874b+Adda…1Ea'
 */
export function verifierKey(
  name: string,
  publicKey: Uint8Array,
  type: VerifierKey['type'] = NOTE_SIGNATURE,
): VerifierKey {
  if (!isKeyName(name))
    throw new LedgerFault('bad-key', `${JSON.stringify(name)} cannot name a key: no spaces, no plus`)
  if (publicKey.length !== 32) throw new LedgerFault('bad-key', `an Ed25519 key has 32 bytes, not ${publicKey.length}`)
  const material = joinBytes(Uint8Array.of(type), publicKey)
  const id = toHex(sha256(joinBytes(toUtf8(`${name}\n`), material)).subarray(0, 4))
  return { name, id, type, publicKey, text: `${name}+${id}+${toBase64(material)}` }
}

/**
 * Reads a verifier key. Throws `bad-key` if it is malformed, of an unknown type, or if its id is not that of its key.
 *
 * @example parseVerifierKey('ledger.example/demo+bef2874b+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea').name
 */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, encoded] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/s.exec(text) ?? []
  if (name === undefined || encoded === undefined) {
    throw new LedgerFault('bad-key', 'expected a verifier key: name+8 hex digits+base64')
  }
  let material: Uint8Array
  try {
    material = fromBase64(encoded)
  } catch (cause) {
    throw new LedgerFault('bad-key', `the verifier key of ${JSON.stringify(name)} is not base64`, cause)
  }
  const type = material[0]
  if (type !== NOTE_SIGNATURE && type !== COSIGNATURE) {
    throw new LedgerFault('bad-key', `verifier key of type ${type}: only Ed25519 (1) and cosignature/v1 (4) are known`)
  }
  const key = verifierKey(name, material.slice(1), type)
  if (key.text !== text) throw new LedgerFault('bad-key', `the id in the verifier key of ${name} is not its key's id`)
  return key
}

/**
 * Signs a text (which ends in a newline) and returns the note. Throws `bad-note` for a text that no note can hold.
 *
 * @example await signNote('ledger.example/demo\n0\n47DEQpj8…\n', await signerFromSeed('ledger.example/demo', seed))
 */
export async function signNote(text: string, ...signers: readonly Signer[]): Promise<string> {
  const bytes = noteBytes(text)
  const lines = await Promise.all(signers.map(async (signer) => signatureLine(signer, await signer.sign(bytes))))
  return `${text}\n${lines.join('')}`
}

/**
 * As `signNote`, at once.
 *
 * @example signNoteSync(text, { name, publicKey, sign: (bytes) => crypto.sign(null, bytes, privateKey) })
 */
export function signNoteSync(text: string, ...signers: readonly SyncSigner[]): string {
  const bytes = noteBytes(text)
  return `${text}\n${signers.map((signer) => signatureLine(signer, signer.sign(bytes))).join('')}`
}

/**
 * The bytes that a cosignature/v1 signs: the note's text and the time (seconds since 1970).
 *
 * @example cosignedBytes(checkpointText, 1_700_000_000)
 */
export function cosignedBytes(text: string, time: number): Uint8Array {
  return toUtf8(`cosignature/v1\ntime ${time}\n${text}`)
}

/**
 * Takes a note apart, verifying nothing. Throws `bad-note` unless it is one: UTF-8 without control characters but
 * newline, the last empty line followed by 1 to 100 signature lines, at most 1 MB.
 *
 * @example parseNote(file).signatures.map((line) => line.name)
 */
export function parseNote(note: string | Uint8Array): Note {
  const whole = typeof note === 'string' ? note : readText(note)
  checkText(whole)
  const end = whole.lastIndexOf('\n\n')
  if (end < 0 || !whole.endsWith('\n')) throw malformed('there is no empty line before its signatures')
  const text = whole.slice(0, end + 1)
  const lines = whole.slice(end + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`)
  return { text, signatures: lines.map(parseSignatureLine) }
}

/**
 * Verifies a note: signatures by unknown keys are ignored, every signature by a trusted key must hold, and there must
 * be one. Throws `bad-note`, `bad-signature` or `unsigned`.
 *
 * @example const { text } = await verifyNote(file, [parseVerifierKey(vkey)])
 */
export async function verifyNote(note: string | Uint8Array, trusted: readonly VerifierKey[]): Promise<VerifiedNote> {
  const { text, signatures } = parseNote(note)
  const verified = new Map<VerifierKey, VerifiedSignature>()
  for (const line of signatures) {
    const key = trusted.find(({ name, id }) => name === line.name && id === line.id)
    if (key === undefined) continue
    const signature = await verifySignature(text, line, key)
    if (signature === undefined) {
      throw new LedgerFault('bad-signature', `the signature by ${key.name} does not verify: the note was altered`)
    }
    if (!verified.has(key)) verified.set(key, signature)
  }
  if (verified.size === 0) {
    const names = trusted.map(({ name }) => name).join(', ')
    throw new LedgerFault('unsigned', `the note carries no signature by a trusted key (${names || 'none given'})`)
  }
  return { text, signatures: [...verified.values()] }
}

async function verifySignature(
  text: string,
  { signature }: SignatureLine,
  key: VerifierKey,
): Promise<VerifiedSignature | undefined> {
  if (key.type === NOTE_SIGNATURE) {
    const holds = signature.length === ED25519_BYTES && (await verifyEd25519(key.publicKey, toUtf8(text), signature))
    return holds ? { key } : undefined
  }
  if (signature.length !== TIME_BYTES + ED25519_BYTES) return undefined
  const time = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0))
  if (!Number.isSafeInteger(time)) return undefined
  const holds = await verifyEd25519(key.publicKey, cosignedBytes(text, time), signature.subarray(TIME_BYTES))
  return holds ? { key, time } : undefined
}

function signatureLine(signer: Pick<Signer, 'name' | 'publicKey'>, signature: Uint8Array): string {
  const { name, id } = verifierKey(signer.name, signer.publicKey)
  if (signature.length !== ED25519_BYTES) {
    throw new LedgerFault('bad-signature', `the signer ${name} gave ${signature.length} bytes, not ${ED25519_BYTES}`)
  }
  return `— ${name} ${toBase64(joinBytes(idBytes(id), signature))}\n`
}

function parseSignatureLine(line: string): SignatureLine {
  const [, name, encoded] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  if (name === undefined || encoded === undefined || !isKeyName(name)) {
    throw malformed(`${JSON.stringify(line.slice(0, 60))} is not a signature line`)
  }
  let bytes: Uint8Array
  try {
    bytes = fromBase64(encoded)
  } catch (cause) {
    throw malformed(`the signature by ${name} is not base64`, cause)
  }
  if (bytes.length < 5) throw malformed(`the signature by ${name} is too short`)
  return { name, id: toHex(bytes.subarray(0, 4)), signature: bytes.slice(4) }
}

function noteBytes(text: string): Uint8Array {
  checkText(text)
  if (!text.endsWith('\n')) throw malformed('its text does not end in a newline')
  return toUtf8(text)
}

function readText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw malformed('it is not UTF-8', cause)
  }
}

function checkText(text: string): void {
  if (text.length > MAX_NOTE_BYTES) throw malformed('it is longer than 1 MB')
  // oxlint-disable-next-line no-control-regex
  if (!text.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed('it holds control characters')
}

function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}+\u0000-\u001f]/u.test(name)
}

function idBytes(id: string): Uint8Array {
  return Uint8Array.from([0, 2, 4, 6], (at) => Number.parseInt(id.slice(at, at + 2), 16))
}

function malformed(reason: string, cause?: unknown): LedgerFault {
  return new LedgerFault('bad-note', `not a signed note: ${reason}`, cause)
}

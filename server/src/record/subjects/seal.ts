// Sealing: a payload about a person is encrypted under that person's key and bound to its place, so that destroying the
// key makes it unreadable, and so that no other content can be passed off as it. docs/spec/ledger.md, "Sealed payloads".
import { createCipheriv, createDecipheriv, createHmac, hash, randomFillSync, timingSafeEqual } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { hmac, hmacKey } from './hmac.ts'
import type { HmacKey } from './hmac.ts'

/**
 * What a sealed payload is bound to. To find a record again its own id is used (`identityOf`); to bind a payload, the id
 * that its entry shows, which is that identity in hex: so whoever holds the key needs nothing but the entry to open it.
 */
export interface Place {
  readonly kind: string
  readonly stream: string
  readonly source: string
  readonly id: string
}

/** The keys of one subject, derived from its 32-byte key. */
export interface SubjectKeys {
  readonly encrypt: Uint8Array
  readonly bind: HmacKey
}

/** What the entry says of a sealed payload. Digests in hex. */
export interface Compartment {
  /** JSON pointers into the payload that this compartment holds; [""] is the whole. */
  pointers: string[]
  /** Recognises the subject's records to who holds the key; unlinkable to everyone else. */
  tag: string
  /** HMAC-SHA256 of the source's content under `r`: binds the content, dies with the key. */
  commit: string
  /** Digest and length of the stored bytes: nonce 12, ciphertext, authentication tag 16. */
  sha256: string
  bytes: number
}

/** The plaintext: what Whence adds, and the source's bytes as they came. */
export interface Opened {
  readonly header: Record<string, unknown>
  readonly content: Uint8Array
}

export function deriveKeys(key: Uint8Array): SubjectKeys {
  const keys = createHmac('sha512', key).update('whence/subject-keys/v1').digest()
  return { encrypt: keys.subarray(0, 32), bind: hmacKey('sha512', keys.subarray(32, 64)) }
}

/** The bytes of a place: each field with its length, so that no two places share them. Versions of a kind do. */
export function placeBytes(place: Place): Buffer {
  const kind = place.kind.split('/', 1)[0]!
  return Buffer.from(
    `${kind.length}:${kind}${place.stream.length}:${place.stream}${place.source.length}:${place.source}${place.id}`,
  )
}

/** The keyed digest under which a record is recognised when it comes again: 16 bytes. */
export function identityOf(idKey: HmacKey, place: Buffer): Buffer {
  return hmac(idKey, place).subarray(0, 16)
}

/** `r` (32 bytes) opens the commitment of one record without the subject's key; `tag` (16 bytes) marks it. */
export function binding(keys: SubjectKeys, place: Buffer): { r: Buffer; tag: Buffer } {
  const both = hmac(keys.bind, place)
  return { r: both.subarray(0, 32), tag: both.subarray(32, 48) }
}

export function commitment(r: Uint8Array, content: Uint8Array): Buffer {
  return hmac(hmacKey('sha256', r), content)
}

const nonces = Buffer.alloc(12 * 1024)
let nonceAt = nonces.length

function nonce(): Buffer {
  if (nonceAt === nonces.length) {
    randomFillSync(nonces)
    nonceAt = 0
  }
  nonceAt += 12
  return Buffer.from(nonces.subarray(nonceAt - 12, nonceAt))
}

/** Encrypts header and content for one place. `content` undefined keeps nothing but the binding (a dropped event). */
export function seal(
  keys: SubjectKeys,
  place: Buffer,
  tag: Buffer,
  commit: Buffer,
  header: object,
  content: Uint8Array | undefined,
): { compartment: Compartment; stored: Buffer } {
  if (content === undefined) {
    const empty = Buffer.alloc(0)
    return {
      compartment: {
        pointers: [],
        tag: tag.toString('hex'),
        commit: commit.toString('hex'),
        sha256: hash('sha256', empty),
        bytes: 0,
      },
      stored: empty,
    }
  }
  const head = Buffer.from(JSON.stringify(header))
  const iv = nonce()
  const cipher = createCipheriv('aes-256-gcm', keys.encrypt, iv).setAAD(place)
  const plain = Buffer.allocUnsafe(4 + head.length + content.length)
  plain.writeUInt32BE(head.length, 0)
  head.copy(plain, 4)
  plain.set(content, 4 + head.length)
  const body = cipher.update(plain)
  cipher.final()
  const stored = Buffer.concat([iv, body, cipher.getAuthTag()])
  return {
    compartment: {
      pointers: [''],
      tag: tag.toString('hex'),
      commit: commit.toString('hex'),
      sha256: hash('sha256', stored),
      bytes: stored.length,
    },
    stored,
  }
}

/** Decrypts, and checks digest, authentication and commitment. Throws `altered`, naming what differs. */
export function open(keys: SubjectKeys, place: Buffer, compartment: Compartment, stored: Uint8Array): Opened {
  if (stored.length !== compartment.bytes || hash('sha256', stored) !== compartment.sha256) {
    throw new Fault('altered', 'the stored payload is not the one on record: its SHA-256 differs')
  }
  if (compartment.bytes === 0) throw new Fault('not_found', 'the content of this record was dropped under its contract')
  const decipher = createDecipheriv('aes-256-gcm', keys.encrypt, stored.subarray(0, 12)).setAAD(place)
  decipher.setAuthTag(stored.subarray(stored.length - 16))
  let plain: Buffer
  try {
    plain = Buffer.concat([decipher.update(stored.subarray(12, stored.length - 16)), decipher.final()])
  } catch (cause) {
    throw new Fault('altered', 'the payload does not open under the key of its subject', { cause })
  }
  const split = 4 + plain.readUInt32BE(0)
  const opened = {
    header: JSON.parse(plain.toString('utf8', 4, split)) as Record<string, unknown>,
    content: plain.subarray(split),
  }
  const { r, tag } = binding(keys, place)
  const commit = commitment(r, opened.content)
  if (
    !timingSafeEqual(tag, Buffer.from(compartment.tag, 'hex')) ||
    !timingSafeEqual(commit, Buffer.from(compartment.commit, 'hex'))
  ) {
    throw new Fault('altered', 'the content is not the one that the record commits to')
  }
  return opened
}

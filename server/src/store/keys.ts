// The key store: the one mutable, secret part. Whoever has this folder and the key-encryption key can read what is
// sealed; what is overwritten here can be read by nobody.
//
//   keys/log.key    the log's Ed25519 private key, PKCS #8 PEM
//   keys/kek        the key-encryption key, 64 hex digits, unless it comes from elsewhere
//   keys/secrets    the lookup key and the id key, wrapped
//   keys/subjects   slots of 128 bytes, one a subject
//   keys/erasures   the lookup digests of erased subjects, 64 hex digits a line: replayed at every start
import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { Fault } from '../fault.ts'
import type { Files, GrowingFile } from './files.ts'

export const SLOT_BYTES = 128

/** A mebibyte. */
const SLOTS_AT_ONCE = 8192

/** One subject's place: what finds it (`lookup`), what names it (`id`), what opens it (`wrapped`). */
export interface Slot {
  readonly index: number
  readonly state: 'live' | 'destroyed'
  /** Days since 1970 for the key of a stream's day, 0 for a person's. */
  readonly day: number
  /** 16 random bytes in hex; zeros when destroyed. */
  readonly id: string
  /** HMAC of the identifier under the lookup key, in hex. It stays, so that nothing provisions the subject again. */
  readonly lookup: string
}

export interface KeyStore {
  /** HMAC-SHA256 of a text under the lookup key, in hex. */
  lookup(text: string): string
  readonly idKey: Uint8Array
  /**
   * Ids of subjects that are live in the file although an erasure is noted, as in a backup that is older than it. They
   * are to be erased again before anything of them is read.
   */
  readonly revived: readonly string[]
  find(lookup: string): Slot | undefined
  findById(id: string): Slot | undefined
  /** Makes a subject in memory, with its 32-byte key. It becomes durable with the journal frame that first carries its slot. */
  mint(lookup: string, day?: number): { slot: Slot; key: Uint8Array }
  /** The subject's 32-byte key. Throws `altered` if the slot does not open. */
  unwrap(slot: Slot): Uint8Array
  /** The slots made since the last call, encoded: index and 128 bytes each. They go into the next journal frame. */
  takeNew(): { index: number; bytes: Uint8Array }[]
  /** Takes up a slot from a replayed journal frame. */
  replay(index: number, bytes: Uint8Array): void
  /** Writes pending slots and syncs. */
  flush(): Promise<void>
  /** Notes the erasure, then overwrites key and id with zeros, in place, and syncs. */
  destroy(slots: readonly Slot[]): Promise<void>
  slots(): Iterable<Slot>
  /** Checks every slot's checksum and that its key opens; one line for each problem. */
  check(): { path: string; code: string; message: string }[]
  close(): Promise<void>
}

/** Where the key-encryption key comes from. */
export type KekSource = { kind: 'environment'; value: string } | { kind: 'file'; path: string; made: boolean }

/** Reads the key-encryption key (32 bytes), making the file on a first start. */
export async function loadKek(files: Files, source: KekSource, holdsSecrets = false): Promise<Uint8Array> {
  if (source.kind === 'environment') return parseKek(source.value, 'WHENCE_KEK')
  const stored = files.read(source.path)
  if (stored) return parseKek(Buffer.from(stored).toString('utf8').trim(), source.path)
  if (!source.made || holdsSecrets) {
    throw new Fault(
      'refused_start',
      `the key-encryption key ${source.path} does not exist: restore it from where you keep secrets, or correct WHENCE_KEK_FILE`,
    )
  }
  const kek = randomBytes(32)
  await files.replace(source.path, Buffer.from(`${kek.toString('hex')}\n`), { mode: 0o600 })
  await files.syncFolder(dirname(source.path))
  return kek
}

function parseKek(text: string, where: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  throw new Fault('refused_start', `the key-encryption key in ${where} is not 64 hex digits (32 bytes)`)
}

export async function openKeyStore(files: Files, folder: string, kek: Uint8Array): Promise<KeyStore> {
  const secrets = await loadSecrets(files, `${folder}/secrets`, kek)
  const path = `${folder}/subjects`
  const file = await files.grow(path, { mode: 0o600 })
  const erasures = await files.grow(`${folder}/erasures`, { mode: 0o600 })
  if (file.size % SLOT_BYTES !== 0) await file.truncate(file.size - (file.size % SLOT_BYTES))

  const known: Slot[] = []
  const raw = new Map<number, Uint8Array>()
  const byLookup = new Map<string, number>()
  const byId = new Map<string, number>()
  const unsynced = new Set<number>()
  let fresh: number[] = []

  const remember = (index: number, bytes: Uint8Array): void => {
    const slot = decodeSlot(index, bytes)
    const before = known[index]
    if (before?.id) byId.delete(before.id)
    known[index] = slot
    byLookup.set(slot.lookup, index)
    if (slot.state === 'live') byId.set(slot.id, index)
  }
  const stored = (slot: Slot): Uint8Array =>
    raw.get(slot.index) ?? files.readAt(path, slot.index * SLOT_BYTES, SLOT_BYTES)

  const destroy = async (slots: readonly Slot[]): Promise<void> => {
    for (const slot of slots) {
      const gone = encodeSlot({ ...slot, state: 'destroyed', id: '' }, undefined)
      raw.delete(slot.index)
      unsynced.delete(slot.index)
      await file.overwrite(slot.index * SLOT_BYTES, gone)
      remember(slot.index, gone)
    }
    await file.sync()
  }

  const all = files.size(path) ? files.readAt(path, 0, file.size) : new Uint8Array()
  const empty: number[] = []
  for (let index = 0; index * SLOT_BYTES < all.length; index++) {
    const bytes = all.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES)
    if (bytes.every((byte) => byte === 0)) empty.push(index)
    else remember(index, bytes)
  }
  const erased = new Set(
    Buffer.from(files.read(`${folder}/erasures`) ?? [])
      .toString('latin1')
      .split('\n'),
  )
  const noted = known.filter((slot) => erased.has(slot.lookup) && !isGone(stored(slot)))
  const revived = noted.filter((slot) => slot.state === 'live')
  // In the middle of their destruction the power went.
  const torn = noted.filter((slot) => slot.state === 'destroyed')
  if (torn.length > 0) await destroy(torn)

  return {
    idKey: secrets.id,
    revived: revived.map(({ id }) => id),
    lookup: (text) => createHmac('sha256', secrets.lookup).update(text).digest('hex'),
    find(lookup) {
      const index = byLookup.get(lookup)
      return index === undefined ? undefined : known[index]
    },
    findById(id) {
      const index = byId.get(id)
      return index === undefined ? undefined : known[index]
    },
    mint(lookup, day = 0) {
      const [id, key] = [randomBytes(16), randomBytes(32)]
      const slot: Slot = { index: known.length, state: 'live', day, id: id.toString('hex'), lookup }
      const bytes = encodeSlot(slot, wrap(kek, key, id))
      raw.set(slot.index, bytes)
      unsynced.add(slot.index)
      fresh.push(slot.index)
      remember(slot.index, bytes)
      return { slot, key }
    },
    unwrap(slot) {
      const bytes = stored(slot)
      try {
        if (!intact(bytes)) throw new Error('its checksum differs')
        return unwrap(kek, bytes.subarray(56, 116), Buffer.from(slot.id, 'hex'))
      } catch (cause) {
        throw new Fault(
          'altered',
          `the key in slot ${slot.index} of ${path} does not open: the key store is altered, or the key-encryption key is another one`,
          { cause },
        )
      }
    },
    takeNew() {
      const taken = fresh
      fresh = []
      // Those that a flush has written meanwhile are durable already.
      return taken.flatMap((index) => (raw.has(index) ? [{ index, bytes: raw.get(index)! }] : []))
    },
    replay(index, bytes) {
      const slot = decodeSlot(index, bytes)
      if (known[index]?.state === 'destroyed' || erased.has(slot.lookup)) return
      raw.set(index, bytes)
      unsynced.add(index)
      remember(index, bytes)
    },
    async flush() {
      const indices = [...unsynced]
      if (indices.length === 0) return
      for (const run of runsOf(indices.filter((index) => raw.has(index)))) {
        await file.overwrite(run[0]! * SLOT_BYTES, Buffer.concat(run.map((index) => raw.get(index)!)))
      }
      await file.sync()
      for (const index of indices) {
        unsynced.delete(index)
        raw.delete(index)
      }
    },
    async destroy(slots) {
      await erasures.append([Buffer.from(slots.map((slot) => `${slot.lookup}\n`).join(''))])
      await erasures.sync()
      for (const slot of slots) erased.add(slot.lookup)
      await destroy(slots)
    },
    slots: () => known.filter((slot) => slot !== undefined),
    check() {
      const lost = empty.filter((index) => known[index] === undefined)
      const problems = lost.map((index) => ({ path, code: 'missing', message: `slot ${index} is empty` }))
      for (const slot of known) {
        if (!slot) continue
        const bytes = stored(slot)
        if (!intact(bytes))
          problems.push({ path, code: 'altered', message: `slot ${slot.index}: its checksum differs` })
        else if (slot.state === 'live') {
          try {
            unwrap(kek, bytes.subarray(56, 116), Buffer.from(bytes.subarray(8, 24)))
          } catch {
            problems.push({ path, code: 'altered', message: `slot ${slot.index}: its key does not open` })
          }
        }
      }
      return problems
    },
    async close() {
      await file.close()
      await erasures.close()
    },
  } satisfies KeyStore
}

// A slot: state u8 · kind u8 · 2 zeros · crc32 u32 · id 16 · lookup 32 · nonce 12 · wrapped key 48 · day u32 · 8 zeros.

function encodeSlot(slot: Slot, wrapped: Uint8Array | undefined): Uint8Array {
  const bytes = Buffer.alloc(SLOT_BYTES)
  bytes[0] = slot.state === 'live' ? 1 : 2
  if (slot.id) bytes.write(slot.id, 8, 'hex')
  bytes.write(slot.lookup, 24, 'hex')
  if (wrapped) bytes.set(wrapped, 56)
  bytes.writeUInt32LE(slot.day, 116)
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
  return bytes
}

function decodeSlot(index: number, bytes: Uint8Array): Slot {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const state = bytes[0] === 1 ? 'live' : 'destroyed'
  return {
    index,
    state,
    day: buffer.readUInt32LE(116),
    id: state === 'live' ? buffer.toString('hex', 8, 24) : '',
    lookup: buffer.toString('hex', 24, 56),
  }
}

function intact(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length !== SLOT_BYTES || buffer.readUInt32LE(4) !== crc32(buffer.subarray(8))) return false
  const [state, kind, ...rest] = bytes.subarray(0, 4)
  return state === (isGone(bytes) ? 2 : 1) && kind === 0 && rest.every((byte) => byte === 0)
}

/** Whether a slot holds neither id nor key. */
function isGone(bytes: Uint8Array): boolean {
  return bytes.subarray(8, 24).every((byte) => byte === 0) && bytes.subarray(56, 116).every((byte) => byte === 0)
}

/** AES-256-GCM: nonce 12, key 32, authentication tag 16: 60 bytes. */
function wrap(kek: Uint8Array, key: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', kek, nonce).setAAD(context)
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()])
}

function unwrap(kek: Uint8Array, wrapped: Uint8Array, context: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', kek, wrapped.subarray(0, 12)).setAAD(context)
  decipher.setAuthTag(wrapped.subarray(44, 60))
  return Buffer.concat([decipher.update(wrapped.subarray(12, 44)), decipher.final()])
}

async function loadSecrets(
  files: Files,
  path: string,
  kek: Uint8Array,
): Promise<{ lookup: Uint8Array; id: Uint8Array }> {
  const stored = files.read(path)
  if (!stored) {
    const secrets = { lookup: randomBytes(32), id: randomBytes(32) }
    const text = Object.entries(secrets).map(
      ([name, key]) => `${name} ${Buffer.from(wrap(kek, key, Buffer.from(name))).toString('hex')}\n`,
    )
    await files.replace(path, Buffer.from(text.join('')), { mode: 0o600 })
    await files.syncFolder(dirname(path))
    return secrets
  }
  const lines = new Map(
    Buffer.from(stored)
      .toString('latin1')
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  )
  try {
    return {
      lookup: unwrap(kek, Buffer.from(lines.get('lookup')!, 'hex'), Buffer.from('lookup')),
      id: unwrap(kek, Buffer.from(lines.get('id')!, 'hex'), Buffer.from('id')),
    }
  } catch (cause) {
    throw new Fault(
      'refused_start',
      `${path} does not open: the key-encryption key is not the one it was made with, or the file is altered. Restore the key, or the folder, from a backup.`,
      { cause },
    )
  }
}

/** What an erasure record says of a destroyed key: enough to recognise the key, nothing of it. */
export function keyFingerprint(key: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from('whence/key-fingerprint/v1'), key]), 'hex').slice(0, 32)
}

export type { GrowingFile }

/** Slots that lie side by side, written in one piece: one by one, a hundred thousand new people hold publication up. */
function runsOf(indices: readonly number[]): number[][] {
  const runs: number[][] = []
  for (const index of indices.toSorted((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run && run.at(-1)! + 1 === index && run.length < SLOTS_AT_ONCE) run.push(index)
    else runs.push([index])
  }
  return runs
}

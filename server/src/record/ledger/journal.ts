// The journal: the commit point. A frame is one group commit; it counts wholly or not at all.
//
//   frame   = "WHJ1" · body length u32 · crc32(body) u32 · body                                        little endian
//   body    = first u48 · records u32 · slots u32 · checkpoint length u16 · checkpoint · slots · records
//   slot    = index u32 · 128 bytes of the key store
//   record  = entry length u16 · payload length u32 · trailer 64 · entry · payload
//
// A trailer is the record's line in the index (archive.ts), with the payload's place still open.
import { crc32 } from 'node:zlib'
import { Fault } from '../../fault.ts'
import type { Files, GrowingFile } from '../../store/files.ts'
import { SLOT_BYTES } from '../../store/keys.ts'
import { INDEX_BYTES } from './archive.ts'

const MAGIC = 0x314a4857
const HEAD = 12

export interface JournalRecord {
  readonly entry: Uint8Array
  readonly payload: Uint8Array
  /** 64 bytes: see archive.ts. */
  readonly line: Uint8Array
}

export interface Frame {
  readonly first: number
  readonly records: readonly JournalRecord[]
  readonly slots: readonly { index: number; bytes: Uint8Array }[]
  /** The signed checkpoint of the tree that includes this frame. */
  readonly checkpoint: string
}

export function encodeFrame(frame: Frame): Uint8Array[] {
  const note = Buffer.from(frame.checkpoint)
  let length = 16 + note.length + frame.slots.length * (4 + SLOT_BYTES)
  for (const { entry, payload } of frame.records) length += 6 + INDEX_BYTES + entry.length + payload.length
  const bytes = Buffer.allocUnsafe(HEAD + length)
  let at = HEAD
  bytes.writeUIntLE(frame.first, at, 6)
  bytes.writeUInt32LE(frame.records.length, at + 6)
  bytes.writeUInt32LE(frame.slots.length, at + 10)
  bytes.writeUInt16LE(note.length, at + 14)
  note.copy(bytes, at + 16)
  at += 16 + note.length
  for (const slot of frame.slots) {
    bytes.writeUInt32LE(slot.index, at)
    bytes.set(slot.bytes, at + 4)
    at += 4 + SLOT_BYTES
  }
  for (const { entry, payload, line } of frame.records) {
    bytes.writeUInt16LE(entry.length, at)
    bytes.writeUInt32LE(payload.length, at + 2)
    bytes.set(line, at + 6)
    bytes.set(entry, at + 6 + INDEX_BYTES)
    at += 6 + INDEX_BYTES + entry.length
    bytes.set(payload, at)
    at += payload.length
  }
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(length, 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD)), 8)
  return [bytes]
}

function decodeFrame(body: Buffer): Frame {
  const first = body.readUIntLE(0, 6)
  const noteLength = body.readUInt16LE(14)
  const checkpoint = body.toString('utf8', 16, 16 + noteLength)
  let at = 16 + noteLength
  const slots: { index: number; bytes: Uint8Array }[] = []
  for (let left = body.readUInt32LE(10); left > 0; left--) {
    slots.push({ index: body.readUInt32LE(at), bytes: new Uint8Array(body.subarray(at + 4, at + 4 + SLOT_BYTES)) })
    at += 4 + SLOT_BYTES
  }
  const records: JournalRecord[] = []
  for (let left = body.readUInt32LE(6); left > 0; left--) {
    const entryEnd = at + 6 + INDEX_BYTES + body.readUInt16LE(at)
    const payloadEnd = entryEnd + body.readUInt32LE(at + 2)
    if (payloadEnd > body.length) throw new RangeError('a record reaches beyond its frame')
    records.push({
      line: body.subarray(at + 6, at + 6 + INDEX_BYTES),
      entry: body.subarray(at + 6 + INDEX_BYTES, entryEnd),
      payload: body.subarray(entryEnd, payloadEnd),
    })
    at = payloadEnd
  }
  return { first, records, slots, checkpoint }
}

/**
 * The journal's files, `<folder>/<first position>.wal`. `append` resolves when the frame is durable; after it has
 * rejected once, the journal must not be used again.
 */
export class Journal {
  readonly #files: Files
  readonly #folder: string
  #current: GrowingFile | undefined
  /** The frame that is being written. */
  #appending: Promise<void> = Promise.resolve()

  constructor(files: Files, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  /**
   * Reads the frames that begin at `from` or later, in order. What follows the last whole frame of the last file is a
   * torn tail and is cut off; anything else that does not read is refused (`refused_start`).
   */
  async *replay(from: number): AsyncGenerator<Frame> {
    const names = this.#names()
    for (const [i, name] of names.entries()) {
      const path = `${this.#folder}/${name}`
      const bytes = Buffer.from(this.#files.read(path) ?? [])
      let at = 0
      while (at < bytes.length) {
        const whole = at + HEAD <= bytes.length && at + HEAD + bytes.readUInt32LE(at + 4) <= bytes.length
        const end = whole ? at + HEAD + bytes.readUInt32LE(at + 4) : bytes.length
        const body = bytes.subarray(at + HEAD, end)
        if (!whole || bytes.readUInt32LE(at) !== MAGIC || crc32(body) !== bytes.readUInt32LE(at + 8)) {
          if (i < names.length - 1 || frameFollows(bytes, at + 1)) {
            throw new Fault(
              'refused_start',
              `the journal ${path} is damaged at byte ${at}, before its end: acknowledged records stand behind it. Restore the data folder from a backup; docs/operations.md says how.`,
            )
          }
          const file = await this.#files.grow(path)
          await file.truncate(at)
          await file.sync()
          await file.close()
          return
        }
        const frame = decodeFrame(body)
        if (frame.first >= from) yield frame
        at = end
      }
    }
  }

  append(frame: Frame): Promise<void> {
    this.#appending = this.#append(frame)
    return this.#appending
  }

  async #append(frame: Frame): Promise<void> {
    const file = (this.#current ??= await this.#files.grow(
      `${this.#folder}/${String(frame.first).padStart(16, '0')}.wal`,
    ))
    await file.append(encodeFrame(frame))
    await file.sync()
  }

  /**
   * The next frame begins a new file, so that the files so far can be dropped once they are published. A frame that is
   * being written still goes to the file before.
   */
  async rotate(): Promise<void> {
    const file = this.#current
    this.#current = undefined
    await this.#appending.catch(() => {})
    await file?.close()
  }

  /** Removes the files that hold only records before `published`. */
  async drop(published: number): Promise<void> {
    const names = this.#names()
    let removed = false
    for (const [i, name] of names.entries()) {
      const path = `${this.#folder}/${name}`
      if (path === this.#current?.path) break
      const next = names[i + 1]
      if (next !== undefined && Number.parseInt(next, 10) > published) break
      if (next === undefined && Number.parseInt(name, 10) >= published) break
      await this.#files.remove(path)
      removed = true
    }
    if (removed) await this.#files.syncFolder(this.#folder)
  }

  #names(): string[] {
    return this.#files.list(this.#folder).filter((name) => name.endsWith('.wal'))
  }
}

/** Whether a whole frame stands anywhere at or after `from`: then what came before it was not a torn tail. */
function frameFollows(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf('WHJ1', from, 'latin1'); at >= 0; at = bytes.indexOf('WHJ1', at + 1, 'latin1')) {
    if (at + HEAD > bytes.length) return false
    const end = at + HEAD + bytes.readUInt32LE(at + 4)
    if (end <= bytes.length && crc32(bytes.subarray(at + HEAD, end)) === bytes.readUInt32LE(at + 8)) return true
  }
  return false
}

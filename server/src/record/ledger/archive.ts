// What lies beside the tree: the payloads, in segments of 65,536 records each, and the index, one line of 64 bytes a
// record, which holds all that the writer must know of a past record without opening it.
//
//   line = offset u48 · length u32 · flags u8 · 0 · stream u32 · identity 16 · subject 16 · commit 16      little endian
//
// `subject` is what links a sealed record to its subject. It stands here and not in the tree, and an erasure overwrites
// it with zeros: then nothing links the records of that person any more.
import { hash } from 'node:crypto'
import type { Files, GrowingFile } from '../../store/files.ts'

export const INDEX_BYTES = 64
/** Records in a segment. */
export const SEGMENT = 65_536

/** An event that belongs to its stream (it passed, was flagged, or was released). */
export const MEMBER = 1
/** The payload is sealed. */
const SEALED = 2
/** The subject was erased. */
export const ERASED = 4

export interface IndexLine {
  readonly offset: number
  readonly length: number
  readonly member: boolean
  readonly sealed: boolean
  readonly erased: boolean
  /** First four bytes of the SHA-256 of the stream's name. */
  readonly stream: number
  readonly identity: Buffer
  /** Hex; zeros when there is none, or it was erased. */
  readonly subject: string
  /** The first 16 bytes of the commitment to the source's content (of a clear payload: of its SHA-256). */
  readonly commit: Buffer
}

const numbers = new Map<string, number>()

export function streamNumber(stream: string): number {
  let number = numbers.get(stream)
  if (number === undefined) {
    number = Buffer.from(hash('sha256', stream, 'hex').slice(0, 8), 'hex').readUInt32LE(0)
    if (numbers.size >= 10_000) numbers.clear()
    numbers.set(stream, number)
  }
  return number
}

export function encodeLine(line: Omit<IndexLine, 'offset' | 'erased'>): Buffer {
  const bytes = Buffer.alloc(INDEX_BYTES)
  bytes.writeUInt32LE(line.length, 6)
  bytes[10] = (line.member ? MEMBER : 0) | (line.sealed ? SEALED : 0)
  bytes.writeUInt32LE(line.stream, 12)
  line.identity.copy(bytes, 16, 0, 16)
  if (line.subject) bytes.write(line.subject, 32, 'hex')
  line.commit.copy(bytes, 48, 0, 16)
  return bytes
}

export function decodeLine(bytes: Uint8Array): IndexLine {
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const flags = line[10]!
  return {
    offset: line.readUIntLE(0, 6),
    length: line.readUInt32LE(6),
    member: (flags & MEMBER) !== 0,
    sealed: (flags & SEALED) !== 0,
    erased: (flags & ERASED) !== 0,
    stream: line.readUInt32LE(12),
    identity: line.subarray(16, 32),
    subject: line.toString('hex', 32, 48),
    commit: line.subarray(48, 64),
  }
}

export class Archive {
  readonly #files: Files
  readonly #folder: string
  readonly #index: GrowingFile
  #segment: { number: number; file: GrowingFile } | undefined
  #size: number

  private constructor(files: Files, folder: string, index: GrowingFile, size: number) {
    this.#files = files
    this.#folder = folder
    this.#index = index
    this.#size = size
  }

  /**
   * Opens the archive of a published log of `size` records. What was written beyond it stays until `cut`: whether the
   * checkpoint that says `size` is to be trusted shows only later.
   */
  static async open(files: Files, folder: string, size: number): Promise<Archive | { have: number }> {
    const index = await files.grow(`${folder}/index`)
    const have = Math.floor(index.size / INDEX_BYTES)
    if (have < size) {
      await index.close()
      return { have }
    }
    const archive = new Archive(files, folder, index, size)
    if (size > 0 && (await archive.#open(Math.floor((size - 1) / SEGMENT))).size < archive.#end()) {
      await archive.close()
      return { have: size - 1 }
    }
    return archive
  }

  /** Records whose lines are there, beyond the published ones too. */
  get lineCount(): number {
    return Math.floor(this.#index.size / INDEX_BYTES)
  }

  /** Whether the last line goes on where the one before it ends, and has this length. */
  endsWith(length: number): boolean {
    const last = this.line(this.#size - 1)
    const before = (this.#size - 1) % SEGMENT === 0 ? undefined : this.line(this.#size - 2)
    return last.length === length && (!before || last.offset === before.offset + before.length)
  }

  /** Cuts off what was written beyond the published log: the journal holds it, and it is written again. */
  async cut(): Promise<void> {
    await this.#index.truncate(this.#size * INDEX_BYTES)
    if (this.#size > 0) await (await this.#open(Math.floor((this.#size - 1) / SEGMENT))).truncate(this.#end())
  }

  #end(): number {
    const { offset, length } = this.line(this.#size - 1)
    return offset + length
  }

  get indexPath(): string {
    return this.#index.path
  }

  segmentPath(seq: number): string {
    return `${this.#folder}/${String(Math.floor(seq / SEGMENT)).padStart(6, '0')}.bin`
  }

  /** Appends the payloads and lines of the next records and syncs. */
  async append(records: readonly { payload: Uint8Array; line: Uint8Array }[]): Promise<void> {
    const lines = Buffer.allocUnsafe(records.length * INDEX_BYTES)
    for (let from = 0; from < records.length;) {
      const number = Math.floor((this.#size + from) / SEGMENT)
      const to = Math.min(records.length, (number + 1) * SEGMENT - this.#size)
      const segment = await this.#open(number)
      let offset = segment.size
      for (let i = from; i < to; i++) {
        const { payload, line } = records[i]!
        lines.set(line, i * INDEX_BYTES)
        lines.writeUIntLE(offset, i * INDEX_BYTES, 6)
        offset += payload.length
      }
      const payloads = records.slice(from, to).map(({ payload }) => payload)
      if (offset > segment.size) await segment.append([Buffer.concat(payloads)])
      await segment.sync()
      from = to
    }
    await this.#index.append([lines])
    await this.#index.sync()
    this.#size += records.length
  }

  line(seq: number): IndexLine {
    return decodeLine(this.#files.readAt(this.#index.path, seq * INDEX_BYTES, INDEX_BYTES))
  }

  /** The lines of [from, to), read in one piece; 64 bytes each. */
  lines(from: number, to: number): Buffer {
    return Buffer.from(this.#files.readAt(this.#index.path, from * INDEX_BYTES, (to - from) * INDEX_BYTES))
  }

  payload(seq: number, line: IndexLine): Uint8Array {
    if (line.length === 0) return new Uint8Array()
    return this.#files.readAt(this.segmentPath(seq), line.offset, line.length)
  }

  /** Unlinks records from their subject: overwrites it with zeros and marks the line as erased. */
  async unlink(seqs: readonly number[]): Promise<void> {
    for (const seq of seqs) {
      const line = Buffer.from(this.#files.readAt(this.#index.path, seq * INDEX_BYTES, INDEX_BYTES))
      line[10] = line[10]! | ERASED
      line.fill(0, 32, 48)
      await this.#index.overwrite(seq * INDEX_BYTES, line)
    }
    await this.#index.sync()
  }

  async close(): Promise<void> {
    await this.#segment?.file.close()
    await this.#index.close()
  }

  async #open(number: number): Promise<GrowingFile> {
    if (this.#segment?.number === number) return this.#segment.file
    await this.#segment?.file.close()
    const file = await this.#files.grow(this.segmentPath(number * SEGMENT))
    this.#segment = { number, file }
    return file
  }
}

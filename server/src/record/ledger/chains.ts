// The records of each subject, newest first, found without a search: every record points at the one before it of the
// same subject. In memory, 5 bytes a record and about 40 a subject; made again at each start from the index, whose lines
// name the subject until an erasure overwrites it.
import { ERASED, MEMBER } from './archive.ts'

const CHUNK = 1 << 16
/** A stream beyond those that one byte can name. */
const UNNAMED = 255

export class Chains {
  /** Position + 1 of the record before it of the same subject; 0: none. */
  readonly #before: Uint32Array[] = []
  /** 0: no event that belongs to its stream; else the place of the stream's number in `#streams`, + 1. */
  readonly #stream: Uint8Array[] = []
  readonly #streams: number[] = []
  #count = 0

  /** 16 bytes a subject; zeros once it was erased. */
  readonly #ids: Buffer[] = []
  /** Position + 1 of its newest record. */
  #newest = new Uint32Array(1 << 10)
  #subjects = 0
  /** Open addressing by the id's first bytes, which are random: place of the subject + 1. */
  #table = new Int32Array(1 << 11)

  /** Records that are in it. */
  get count(): number {
    return this.#count
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return (
      this.#before.length * CHUNK * 5 + this.#ids.length * CHUNK * 16 + 4 * (this.#newest.length + this.#table.length)
    )
  }

  /** Adds the next record by its line in the index, which begins at `at`: positions are given in order, from 0. */
  add(lines: Uint8Array, at = 0): void {
    const seq = this.#count++
    const place = seq % CHUNK
    if (place === 0) {
      this.#before.push(new Uint32Array(CHUNK))
      this.#stream.push(new Uint8Array(CHUNK))
    }
    const flags = lines[at + 10]!
    if ((flags & ERASED) !== 0 || isZero(lines, at + 32)) return
    const subject = this.#find(lines, at + 32) ?? this.#take(lines, at + 32)
    const chunk = Math.floor(seq / CHUNK)
    this.#before[chunk]![place] = this.#newest[subject]!
    this.#newest[subject] = seq + 1
    if ((flags & MEMBER) !== 0) this.#stream[chunk]![place] = this.#name(word(lines, at + 12))
  }

  /**
   * The positions of a subject's records in [from, before), newest first; with `stream` (its number) only the events that
   * belong to that stream. `isOf` is asked where the stream has no name of one byte.
   */
  *of(
    subject: string,
    { from, before }: { from: number; before: number },
    only?: { stream: number; isOf(seq: number): boolean },
  ): Generator<number, void, undefined> {
    const id = Buffer.from(subject, 'hex')
    if (id.length !== 16 || isZero(id, 0)) return
    const found = this.#find(id, 0)
    if (found === undefined) return
    const name = only ? this.#streams.indexOf(only.stream) + 1 : 0
    for (let next = this.#newest[found]!; next > from;) {
      const seq = next - 1
      const chunk = Math.floor(seq / CHUNK)
      next = this.#before[chunk]![seq % CHUNK]!
      if (seq >= before) continue
      if (only) {
        const there = this.#stream[chunk]![seq % CHUNK]!
        if (there === 0 || (there === UNNAMED ? !only.isOf(seq) : there !== name)) continue
      }
      yield seq
    }
  }

  /** Forgets a subject: nothing leads to its records any more, nor from one of them to another. */
  forget(subject: string): void {
    const id = Buffer.from(subject, 'hex')
    const found = id.length !== 16 || isZero(id, 0) ? undefined : this.#find(id, 0)
    if (found === undefined) return
    for (let next = this.#newest[found]!; next > 0;) {
      const chunk = Math.floor((next - 1) / CHUNK)
      const place = (next - 1) % CHUNK
      next = this.#before[chunk]![place]!
      this.#before[chunk]![place] = 0
      this.#stream[chunk]![place] = 0
    }
    this.#newest[found] = 0
    // Its place in the table stays taken, or what was placed behind it would not be found.
    this.#ids[Math.floor(found / CHUNK)]!.fill(0, (found % CHUNK) * 16, (found % CHUNK) * 16 + 16)
  }

  #name(stream: number): number {
    let place = this.#streams.indexOf(stream)
    if (place < 0 && this.#streams.length < UNNAMED - 1) place = this.#streams.push(stream) - 1
    return place < 0 ? UNNAMED : place + 1
  }

  #find(id: Uint8Array, at: number): number | undefined {
    const mask = this.#table.length - 1
    for (let place = word(id, at) & mask; ; place = (place + 1) & mask) {
      const subject = this.#table[place]! - 1
      if (subject < 0) return undefined
      const own = this.#ids[Math.floor(subject / CHUNK)]!
      const from = (subject % CHUNK) * 16
      let i = 0
      while (i < 16 && own[from + i] === id[at + i]) i++
      if (i === 16) return subject
    }
  }

  #take(id: Uint8Array, at: number): number {
    const subject = this.#subjects++
    if (subject % CHUNK === 0) this.#ids.push(Buffer.alloc(CHUNK * 16))
    this.#ids[Math.floor(subject / CHUNK)]!.set(id.subarray(at, at + 16), (subject % CHUNK) * 16)
    if (subject >= this.#newest.length) {
      const grown = new Uint32Array(this.#newest.length * 2)
      grown.set(this.#newest)
      this.#newest = grown
    }
    if (this.#subjects * 5 > this.#table.length * 3) {
      this.#table = new Int32Array(this.#table.length * 2)
      for (let each = 0; each < this.#subjects; each++) {
        const own = this.#ids[Math.floor(each / CHUNK)]!
        const from = (each % CHUNK) * 16
        if (!isZero(own, from)) this.#place(own, from, each)
      }
    } else this.#place(id, at, subject)
    return subject
  }

  #place(id: Uint8Array, at: number, subject: number): void {
    const mask = this.#table.length - 1
    let place = word(id, at) & mask
    while (this.#table[place] !== 0) place = (place + 1) & mask
    this.#table[place] = subject + 1
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return false
  return true
}

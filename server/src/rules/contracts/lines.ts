/** A line of a stream of lines, numbered from 1. `bytes` of a line that is too long is its length. */
export type Line =
  | { number: number; bytes: Uint8Array }
  | { number: number; blank: true }
  | { number: number; tooLong: true; bytes: number }

/** The byte-order mark of UTF-8. */
const mark = [0xef, 0xbb, 0xbf]

/**
 * Cuts chunks into lines that end with LF or CRLF. A line over the limit (its end not counted) is skipped while it
 * comes in, never held; a byte-order mark before the first line is no part of it. Lines may share the memory of the
 * chunk that held them whole: do not write into a chunk afterwards.
 *
 * ```
 * const splitter = new LineSplitter(8 << 20)
 * for await (const chunk of body) for (const line of splitter.push(chunk)) …
 * for (const line of splitter.end()) …
 * ```
 */
export class LineSplitter {
  readonly #limit: number
  #number = 0
  /** The beginning of a line whose end has not come: its bytes while they are within the limit, and how many came. */
  #held = new Uint8Array(0)
  #length = 0
  #lastByte = 0

  constructor(limitBytes: number) {
    this.#limit = limitBytes
  }

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = []
    let start = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, start)
      if (end < 0) break
      if (this.#length === 0) lines.push(this.#line(chunk.subarray(start, end)))
      else {
        this.#hold(chunk.subarray(start, end))
        lines.push(this.#heldLine())
      }
      start = end + 1
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
    return lines
  }

  /** The last line, when no line end followed it. */
  end(): Line[] {
    return this.#length === 0 ? [] : [this.#heldLine()]
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const before = this.#length
    const room = this.#room()
    this.#length += bytes.length
    this.#lastByte = bytes[bytes.length - 1] as number
    if (this.#length <= room) {
      if (this.#length > this.#held.length) {
        const larger = new Uint8Array(Math.min(room, Math.max(this.#length, 2 * this.#held.length)))
        larger.set(this.#held.subarray(0, before))
        this.#held = larger
      }
      this.#held.set(bytes, before)
    } else if (before <= room) {
      // Too long: only the beginning is kept, which may be the mark.
      const most = mark.length
      this.#held = Uint8Array.of(...this.#held.subarray(0, Math.min(before, most)), ...bytes.subarray(0, most))
    }
  }

  /** Bytes that a line within the limit may have: the CR of its end, and before the first line the mark. */
  #room(): number {
    return this.#limit + 1 + (this.#number === 0 ? mark.length : 0)
  }

  #heldLine(): Line {
    const held = this.#held
    const length = this.#length
    const tooLong = length > this.#room()
    this.#held = new Uint8Array(0)
    this.#length = 0
    if (!tooLong) return this.#line(held.subarray(0, length))
    const number = ++this.#number
    const around = (number === 1 && isMarked(held) ? mark.length : 0) + (this.#lastByte === 0x0d ? 1 : 0)
    return { number, tooLong: true, bytes: length - around }
  }

  #line(whole: Uint8Array): Line {
    const number = ++this.#number
    const end = whole.at(-1) === 0x0d ? whole.length - 1 : whole.length
    const bytes = whole.subarray(number === 1 && isMarked(whole) ? mark.length : 0, end)
    if (bytes.length > this.#limit) return { number, tooLong: true, bytes: bytes.length }
    return isBlank(bytes) ? { number, blank: true } : { number, bytes }
  }
}

function isMarked(bytes: Uint8Array): boolean {
  return mark.every((byte, at) => bytes[at] === byte)
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

/** A line of a stream of lines, numbered from 1. `bytes` of a line that is too long is its length. */
export type Line =
  | { number: number; bytes: Uint8Array }
  | { number: number; blank: true }
  | { number: number; tooLong: true; bytes: number }

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
    const length = this.#length + bytes.length
    // One byte more than the limit may yet be the CR of the line's end, three the mark before the first line.
    const room = this.#limit + 1 + (this.#number === 0 ? 3 : 0)
    if (length <= room) {
      if (length > this.#held.length) {
        const larger = new Uint8Array(Math.min(room, Math.max(length, 2 * this.#held.length)))
        larger.set(this.#held.subarray(0, this.#length))
        this.#held = larger
      }
      this.#held.set(bytes, this.#length)
    }
    this.#length = length
    this.#lastByte = bytes[bytes.length - 1] as number
  }

  #heldLine(): Line {
    const held = this.#held
    const length = this.#length
    const ending = this.#lastByte === 0x0d ? 1 : 0
    this.#held = new Uint8Array(0)
    this.#length = 0
    if (length > held.length) return { number: ++this.#number, tooLong: true, bytes: length - ending }
    return this.#line(held.subarray(0, length))
  }

  #line(whole: Uint8Array): Line {
    const number = ++this.#number
    const marked = number === 1 && whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf
    const end = whole.at(-1) === 0x0d ? whole.length - 1 : whole.length
    const bytes = whole.subarray(marked ? 3 : 0, end)
    if (bytes.length > this.#limit) return { number, tooLong: true, bytes: bytes.length }
    return isBlank(bytes) ? { number, blank: true } : { number, bytes }
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

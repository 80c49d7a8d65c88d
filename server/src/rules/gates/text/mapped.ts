// Text that was rewritten (folded, freed of tags), with the way back: whatever is found in it can be shown where it
// stands in the text as it came.

/** UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A text, and which piece of the original each of its code units came from. */
export interface Mapped {
  readonly text: string
  /** The piece of the original that a piece of `text` stands for. */
  origin(start: number, end: number): Span
}

/** A text that was not rewritten. */
export function unmapped(text: string): Mapped {
  return { text, origin: (start, end) => ({ start, end }) }
}

/** Writes a text piece by piece, each of which says where it came from, in the order of the original. */
export class Rewriting {
  readonly #from: Mapped
  #text = ''
  #starts: Uint32Array
  #ends: Uint32Array
  #length = 0

  /** @param from what is rewritten: where the result points to is what `from` points to. */
  constructor(from: Mapped) {
    this.#from = from
    this.#starts = new Uint32Array(from.text.length + 16)
    this.#ends = new Uint32Array(from.text.length + 16)
  }

  get text(): string {
    return this.#text
  }

  /** `text` stands for what lies from `start` to `end` in what is rewritten. */
  put(text: string, start: number, end: number): void {
    while (this.#length + text.length > this.#starts.length) this.#grow()
    const origin = this.#from.origin(start, end)
    for (let n = 0; n < text.length; n++) {
      this.#starts[this.#length] = origin.start
      this.#ends[this.#length++] = origin.end
    }
    this.#text += text
  }

  /** What lies from `start` to `end`, as it is. */
  copy(start: number, end: number): void {
    while (this.#length + end - start > this.#starts.length) this.#grow()
    for (let at = start; at < end; at++) {
      const origin = this.#from.origin(at, at + 1)
      this.#starts[this.#length] = origin.start
      this.#ends[this.#length++] = origin.end
    }
    this.#text += this.#from.text.slice(start, end)
  }

  done(): Mapped {
    const [starts, ends] = [this.#starts, this.#ends]
    return {
      text: this.#text,
      origin: (start, end) => ({ start: starts[start] ?? 0, end: ends[Math.max(start, end - 1)] ?? 0 }),
    }
  }

  #grow(): void {
    const more = new Uint32Array(this.#starts.length * 2)
    more.set(this.#starts)
    this.#starts = more
    const moreEnds = new Uint32Array(this.#ends.length * 2)
    moreEnds.set(this.#ends)
    this.#ends = moreEnds
  }
}

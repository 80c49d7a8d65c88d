// Text that was rewritten (folded, freed of tags), with the way back: whatever is found in it can be shown where it
// stands in the text as it came.

/** UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A text, and which piece of the original each of its code units came from. */
export class Mapped {
  readonly text: string
  /** Of each code unit, where its piece of the original begins and ends; none where text and original are the same. */
  readonly #pieces: { readonly starts: Uint32Array; readonly ends: Uint32Array } | undefined

  constructor(text: string, pieces?: { starts: Uint32Array; ends: Uint32Array }) {
    this.text = text
    this.#pieces = pieces
  }

  /** The same pieces under another text of the same length. */
  as(text: string): Mapped {
    return new Mapped(text, this.#pieces)
  }

  startOf(at: number): number {
    if (!this.#pieces) return at
    return at < this.text.length ? this.#pieces.starts[at]! : this.#end
  }

  /** Where the piece of the code unit before `at` ends. */
  endOf(at: number): number {
    if (!this.#pieces || at === 0) return at
    return at <= this.text.length ? this.#pieces.ends[at - 1]! : this.#end
  }

  /** The piece of the original that a piece of `text` stands for. */
  origin(start: number, end: number): Span {
    const from = this.startOf(start)
    // Nothing is found where nothing stands, but a place is always one.
    return { start: from, end: end > start ? Math.max(from, this.endOf(end)) : from }
  }

  get #end(): number {
    return this.#pieces!.ends[this.text.length - 1] ?? 0
  }
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

  get length(): number {
    return this.#length
  }

  /** `text` stands for what lies from `start` to `end` in what is rewritten. */
  put(text: string, start: number, end: number): void {
    this.#room(text.length)
    const [first, last] = [this.#from.startOf(start), end > start ? this.#from.endOf(end) : this.#from.startOf(start)]
    for (let n = 0; n < text.length; n++) {
      this.#starts[this.#length] = first
      this.#ends[this.#length++] = last
    }
    this.#text += text
  }

  /** What lies from `start` to `end`, as it is. */
  copy(start: number, end: number): void {
    this.#room(end - start)
    for (let at = start; at < end; at++) {
      this.#starts[this.#length] = this.#from.startOf(at)
      this.#ends[this.#length++] = this.#from.endOf(at + 1)
    }
    this.#text += this.#from.text.slice(start, end)
  }

  done(): Mapped {
    return new Mapped(this.#text, { starts: this.#starts, ends: this.#ends })
  }

  #room(more: number): void {
    if (this.#length + more <= this.#starts.length) return
    const length = Math.max(this.#starts.length * 2, this.#length + more)
    const [starts, ends] = [new Uint32Array(length), new Uint32Array(length)]
    starts.set(this.#starts)
    ends.set(this.#ends)
    this.#starts = starts
    this.#ends = ends
  }
}

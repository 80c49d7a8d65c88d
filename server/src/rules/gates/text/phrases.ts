// Many phrases looked for at once (Aho and Corasick): the time is that of reading the text, however many there are.

/** A phrase that was found, by its number, in the words that were searched. */
export interface PhraseFound {
  readonly phrase: number
  readonly start: number
  readonly end: number
}

export class Phrases {
  /** Where a node goes by a code unit: node * 65536 + unit. */
  readonly #next = new Map<number, number>()
  readonly #fail: number[] = [0]
  /** The phrases that end at a node. */
  readonly #ends: (number[] | undefined)[] = [undefined]
  /** The nearest node, by failing, at which a phrase ends. */
  readonly #also: number[] = [0]
  readonly #lengths: number[] = []
  /** Where the first node goes: nearly every character of a text is asked of it, and nearly none goes on. */
  readonly #first = new Int32Array(65_536)

  /** Each phrase as `words` gives it, with a space at its beginning; one at its end, unless it is a beginning only. */
  constructor(phrases: readonly string[]) {
    for (const phrase of phrases) this.#add(phrase)
    this.#link()
  }

  /** All that occur, in the order of their ends. `most` bounds how many. */
  find(text: string, most: number): PhraseFound[] {
    const found: PhraseFound[] = []
    let node = 0
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      let next = node === 0 ? this.#first[unit]! : (this.#next.get(node * 65536 + unit) ?? 0)
      while (next === 0 && node !== 0) {
        node = this.#fail[node]!
        next = node === 0 ? this.#first[unit]! : (this.#next.get(node * 65536 + unit) ?? 0)
      }
      node = next
      if (node === 0) continue
      for (let end = this.#ends[node] ? node : this.#also[node]!; end !== 0; end = this.#also[end]!) {
        for (const phrase of this.#ends[end]!) {
          if (found.length >= most) return found
          found.push({ phrase, start: at + 1 - this.#lengths[phrase]!, end: at + 1 })
        }
      }
    }
    return found
  }

  #add(phrase: string): void {
    let node = 0
    for (let at = 0; at < phrase.length; at++) {
      const key = node * 65536 + phrase.charCodeAt(at)
      let next = this.#next.get(key)
      if (next === undefined) {
        next = this.#fail.push(0) - 1
        this.#ends.push(undefined)
        this.#also.push(0)
        this.#next.set(key, next)
      }
      node = next
    }
    if (node !== 0) (this.#ends[node] ??= []).push(this.#lengths.length)
    this.#lengths.push(phrase.length)
  }

  /** Breadth first, so that what a node fails to is linked before it. */
  #link(): void {
    const children: [unit: number, node: number][][] = this.#fail.map(() => [])
    for (const [key, node] of this.#next) children[Math.floor(key / 65536)]!.push([key % 65536, node])
    for (const [unit, node] of children[0]!) this.#first[unit] = node
    const open = [0]
    for (let at = 0; at < open.length; at++) {
      const parent = open[at]!
      for (const [unit, node] of children[parent]!) {
        let back = this.#fail[parent]!
        if (parent !== 0) {
          while (back !== 0 && !this.#next.has(back * 65536 + unit)) back = this.#fail[back]!
          this.#fail[node] = this.#next.get(back * 65536 + unit) ?? 0
        }
        const fail = this.#fail[node]!
        this.#also[node] = this.#ends[fail] ? fail : this.#also[fail]!
        open.push(node)
      }
    }
  }
}

// The definitions of RFC 6962, section 2.1, word for word. Slow: what the tests hold the tree and its proofs against.
import { leafHash, nodeHash, emptyRoot } from './tree.ts'
import type { Hash } from './tree.ts'

/** A list of entries, with the three definitions of the RFC over it. */
export class Definition {
  readonly #leaves: readonly Hash[]
  readonly #known = new Map<string, Hash>()

  constructor(entries: readonly Uint8Array[]) {
    this.#leaves = entries.map(leafHash)
  }

  /** MTH(D[from:to]). */
  root(to: number, from = 0): Hash {
    if (to === from) return emptyRoot()
    if (to - from === 1) return this.#leaves[from]!
    const known = this.#known.get(`${from}-${to}`)
    if (known) return known
    const middle = from + largestPowerBelow(to - from)
    const root = nodeHash(this.root(middle, from), this.root(to, middle))
    this.#known.set(`${from}-${to}`, root)
    return root
  }

  /** PATH(m, D[from:to]). */
  inclusion(m: number, to: number, from = 0): Hash[] {
    if (to - from === 1) return []
    const k = largestPowerBelow(to - from)
    return m < k
      ? [...this.inclusion(m, from + k, from), this.root(to, from + k)]
      : [...this.inclusion(m - k, to, from + k), this.root(from + k, from)]
  }

  /** PROOF(m, D[0:n]). */
  consistency(m: number, n: number): Hash[] {
    return this.#subproof(m, n, 0, true)
  }

  #subproof(m: number, to: number, from: number, complete: boolean): Hash[] {
    if (m === to - from) return complete ? [] : [this.root(to, from)]
    const k = largestPowerBelow(to - from)
    return m <= k
      ? [...this.#subproof(m, from + k, from, complete), this.root(to, from + k)]
      : [...this.#subproof(m - k, to, from + k, false), this.root(from + k, from)]
  }
}

function largestPowerBelow(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

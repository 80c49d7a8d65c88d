// Signatures that do not cover the body: each is good for the body that it came with first, and for no other. Held in memory,
// the latest so many; a signature also ends with its window.
import { hash } from 'node:crypto'

const KEPT = 200_000

export class Seen {
  readonly #bodies = new Map<string, string>()

  /** Whether this body is the first that came with this signature, or the same again. */
  isSame(once: string, body: Uint8Array): boolean {
    const digest = hash('sha256', body, 'base64')
    const known = this.#bodies.get(once)
    if (known !== undefined) return known === digest
    this.#bodies.set(once, digest)
    if (this.#bodies.size > KEPT) this.#bodies.delete(this.#bodies.keys().next().value!)
    return true
  }
}

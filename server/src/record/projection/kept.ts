// Answers from tables, kept in memory while no record has been added that they depend on.
import type { Follower } from './follower.ts'

/**
 * Promises that an answer is never older than the records of its kinds that were durable when it was asked for. Whoever
 * is given an answer shares it with others, and must not change it.
 */
export class Kept<Answer> {
  readonly #follower: Pick<Follower, 'next' | 'reach' | 'formed'>
  readonly #kinds: readonly string[]
  readonly #most: number
  readonly #answers = new Map<string, Promise<Answer>>()
  /** The last record of the kinds when these answers were read. */
  #readAt: number | undefined

  /** `kinds`: all those whose records change the answers. `most`: answers that it may hold. */
  constructor(follower: Pick<Follower, 'next' | 'reach' | 'formed'>, kinds: readonly string[], most = 256) {
    this.#follower = follower
    this.#kinds = kinds
    this.#most = most
  }

  async of(key: string, read: () => Promise<Answer>): Promise<Answer> {
    await this.#follower.reach(...this.#kinds)
    const last = this.#follower.formed(...this.#kinds)
    // One more is on its way into the tables: what is read now may be from before it.
    if (last >= this.#follower.next) return read()
    if (last !== this.#readAt) {
      this.#answers.clear()
      this.#readAt = last
    }
    const kept = this.#answers.get(key)
    if (kept) return kept
    const answer = read()
    if (this.#answers.size >= this.#most) this.#answers.delete(this.#answers.keys().next().value!)
    this.#answers.set(key, answer)
    answer.catch(() => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key)
    })
    return answer
  }
}

// Messages, by what is known of each: so that a fact told twice counts once, in whatever order facts come.
import { facts } from './observation.ts'
import type { Fact, Observation } from './observation.ts'

/** A message is remembered so long after it was first heard of; what comes later is not counted. */
export const REMEMBERED = 45 * 86_400_000_000

export interface Message {
  readonly message: number
  readonly group: string
  /** When it was first heard of: the record, and its time. */
  readonly first: number
  readonly recorded: number
  /** Facts, as bits in the order of `facts`. */
  known: number
}

export function bit(fact: Fact): number {
  return 1 << facts.indexOf(fact)
}

export class Messages {
  /** In the order in which they were first heard of. */
  readonly #known = new Map<number, Message>()
  readonly #wanted: number

  /** Only these facts are remembered. */
  constructor(wanted: readonly Fact[]) {
    this.#wanted = wanted.reduce((bits, fact) => bits | bit(fact), 0)
  }

  get size(): number {
    return this.#known.size
  }

  get(message: number): Message | undefined {
    return this.#known.get(message)
  }

  /** Takes a fact in: the message and what was known before; undefined where that is nothing new. */
  add({ message, at, recorded, fact }: Observation, group: string): { message: Message; before: number } | undefined {
    const learned = bit(fact) & this.#wanted
    if (learned === 0) return undefined
    const known = this.#known.get(message)
    if (known === undefined) {
      const added: Message = { message, group, first: at, recorded, known: learned }
      this.#known.set(message, added)
      return { message: added, before: 0 }
    }
    if ((known.known & learned) !== 0) return undefined
    const before = known.known
    known.known |= learned
    return { message: known, before }
  }

  /** Forgets what is too old at a time. */
  forget(now: number): void {
    for (const [key, { recorded }] of this.#known) {
      if (recorded >= now - REMEMBERED) return
      this.#known.delete(key)
    }
  }
}

// Long questions that are under way, and how far each is.
import { Fault } from '../fault.ts'
import type { Caller } from '../rules/access/access.ts'

export interface Far {
  done: number
  total?: number
}

/** Long questions under way, by whose key and under which name. Nothing is kept of one that is over. */
export class Jobs {
  readonly #under = new Map<string, Far>()

  async follow<T>(
    caller: Caller,
    job: string | undefined,
    work: (onProgress: (done: number, total?: number) => void) => Promise<T>,
  ): Promise<T> {
    if (job === undefined) return work(() => {})
    const name = `${caller.id} ${job}`
    if (this.#under.has(name))
      throw new Fault('conflict', `the job "${job}" is under way: give each question a name of its own`)
    this.#under.set(name, { done: 0 })
    try {
      return await work((done, total) => void this.#under.set(name, total === undefined ? { done } : { done, total }))
    } finally {
      this.#under.delete(name)
    }
  }

  of(caller: Caller, job: string): Far {
    const found = this.#under.get(`${caller.id} ${job}`)
    if (!found) throw new Fault('not_found', `no job "${job}" of this key is under way: it is over, or has not begun`)
    return found
  }
}

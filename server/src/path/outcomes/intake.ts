// What was told waits here for the next batch: lookups and appends are made for many requests at once, and no more waits
// than can be held. Beyond that a request is refused before anything of it is taken: the provider tries again.
import type { OutcomeResults } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Recording, Telling } from './recording.ts'
import type { Told } from './told.ts'

/** Outcomes that may wait, and that are recorded at once. */
export interface IntakeLimits {
  waiting: number
  batch: number
}

export const intakeLimits: IntakeLimits = { waiting: 20_000, batch: 1000 }

interface Waiting extends Telling {
  resolve(results: OutcomeResults): void
  reject(error: unknown): void
}

export class Intake {
  readonly #recording: Pick<Recording, 'record'>
  readonly #limits: IntakeLimits
  readonly #queue: Waiting[] = []
  #waiting = 0
  #running: Promise<void> | undefined

  constructor(recording: Pick<Recording, 'record'>, limits: IntakeLimits = intakeLimits) {
    this.#recording = recording
    this.#limits = limits
  }

  /** Outcomes that were taken and are not yet recorded. */
  get waiting(): number {
    return this.#waiting
  }

  /** Durable when it resolves. Throws `overloaded` before anything is taken. */
  take(told: readonly Told[], caller: Caller): Promise<OutcomeResults> {
    if (told.length === 0) return Promise.resolve(nothing())
    if (this.#waiting > 0 && this.#waiting + told.length > this.#limits.waiting)
      return Promise.reject(
        new Fault('overloaded', `${this.#waiting} outcomes wait to be recorded: try again in a second`),
      )
    this.#waiting += told.length
    return new Promise((resolve, reject) => {
      this.#queue.push({ told, caller, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when what was taken until now is recorded. */
  async settled(): Promise<void> {
    await this.#running
  }

  /** One batch after the other: what the last of them demands is done before the next begins. */
  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // Requests that come in the same turn are taken together.
      await new Promise((resolve) => setImmediate(resolve))
      const batch: Waiting[] = []
      for (let size = 0; this.#queue.length > 0;) {
        const next = this.#queue[0]!.told.length
        if (batch.length > 0 && size + next > this.#limits.batch) break
        size += next
        batch.push(this.#queue.shift()!)
      }
      try {
        const results = await this.#recording.record(batch)
        for (const [i, one] of batch.entries()) {
          const result = results[i]!
          if (result instanceof Fault) one.reject(result)
          else one.resolve(result)
        }
      } catch (error) {
        for (const one of batch) one.reject(error)
      }
      for (const { told } of batch) this.#waiting -= told.length
    }
    this.#running = undefined
  }
}

export function nothing(): OutcomeResults {
  return { recorded: 0, duplicate: 0, conflict: 0, refused: 0, tied: 0, untied: 0, results: [] }
}

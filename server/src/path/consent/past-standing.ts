// Whether somebody might have been asked, as it was known at an earlier position: by what they had said, and under the
// purposes in force then.
import type { Follower } from '../../record/projection/follower.ts'
import { statedPurposes } from '../../rules/consent/purposes.ts'
import type { PurposesPolicy, StatedPurpose } from '../../rules/consent/purposes.ts'
import type { ConsentQuestion, ConsentVerdict } from '../../rules/consent/verdict.ts'
import type { Database } from '../../store/database.ts'
import type { PolicyBook } from '../events/policy-book.ts'
import type { ConsentStanding } from './standing.ts'

/** A file of purposes, as it would be put into force. */
export interface TriedPurposes {
  readonly policy: PurposesPolicy
  readonly version: number
}

/** What was in force, and what it stated. */
interface PurposesThen {
  readonly inForce: readonly TriedPurposes[]
  readonly stated: readonly StatedPurpose[]
}

export class PastStanding {
  readonly #parts: {
    follower: Follower
    database: Database
    policies: PolicyBook<PurposesPolicy>
    standing: ConsentStanding
  }
  /** By the position of the plan that put them into force: nothing comes into force between two plans. */
  readonly #purposes = new Map<number, Promise<PurposesThen>>()

  constructor(parts: {
    follower: Follower
    database: Database
    policies: PolicyBook<PurposesPolicy>
    standing: ConsentStanding
  }) {
    this.#parts = parts
  }

  /** What a check answered at some time, when the log had `asOf` records. */
  async check(question: ConsentQuestion, asOf: number): Promise<ConsentVerdict> {
    const { stated } = await this.#purposesOf(asOf)
    return this.#parts.standing.checkBefore(question, asOf, stated)
  }

  /**
   * What it would have answered with these purposes in the place of those that were in force then under their names; with
   * `remove` without any others.
   */
  trying(given: readonly TriedPurposes[], remove: boolean): PastStanding['check'] {
    const names = new Set(given.map(({ policy }) => policy.name))
    const made = new Map<PurposesThen, readonly StatedPurpose[]>()
    return async (question, asOf) => {
      const then = await this.#purposesOf(asOf)
      let stated = made.get(then)
      if (stated === undefined) {
        const kept = remove ? [] : then.inForce.filter(({ policy }) => !names.has(policy.name))
        stated = statedPurposes([...kept, ...given].sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1)))
        made.set(then, stated)
      }
      return this.#parts.standing.checkBefore(question, asOf, stated)
    }
  }

  async #purposesOf(asOf: number): Promise<PurposesThen> {
    const { follower, database, policies } = this.#parts
    await follower.reach('plan', policies.form.kind)
    const [last] = await database.query<{ seq: bigint | null }>(
      'select max(seq) as seq from declaration_plan where seq < $1',
      [BigInt(asOf)],
    )
    const plan = Number(last?.seq ?? -1)
    let found = this.#purposes.get(plan)
    if (found === undefined) {
      found = policies.inForce(asOf).then((inForce) => ({ inForce, stated: statedPurposes(inForce) }))
      // Whoever asks next tries again.
      found.catch(() => this.#purposes.delete(plan))
      this.#purposes.set(plan, found)
    }
    return found
  }
}

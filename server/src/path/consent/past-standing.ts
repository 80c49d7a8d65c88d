// Whether somebody might have been asked, as it was known at an earlier position: by what they had said, and under the
// purposes in force then.
import type { Follower } from '../../record/projection/follower.ts'
import { statedPurposes } from '../../rules/consent/purposes.ts'
import type { PurposesPolicy, StatedPurpose } from '../../rules/consent/purposes.ts'
import type { ConsentQuestion, ConsentVerdict } from '../../rules/consent/verdict.ts'
import type { Database } from '../../store/database.ts'
import type { PolicyBook } from '../events/policy-book.ts'
import type { ConsentStanding } from './standing.ts'

export class PastStanding {
  readonly #parts: {
    follower: Follower
    database: Database
    policies: PolicyBook<PurposesPolicy>
    standing: ConsentStanding
  }
  /** By the position of the plan that put them into force: nothing comes into force between two plans. */
  readonly #purposes = new Map<number, Promise<readonly StatedPurpose[]>>()

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
    return this.#parts.standing.checkBefore(question, asOf, await this.#purposesOf(asOf))
  }

  async #purposesOf(asOf: number): Promise<readonly StatedPurpose[]> {
    const { follower, database, policies } = this.#parts
    await follower.reach('plan', policies.form.kind)
    const [last] = await database.query<{ seq: bigint | null }>(
      'select max(seq) as seq from declaration_plan where seq < $1',
      [BigInt(asOf)],
    )
    const plan = Number(last?.seq ?? -1)
    let found = this.#purposes.get(plan)
    if (found === undefined) {
      found = policies.inForce(asOf).then(statedPurposes)
      // Whoever asks next tries again.
      found.catch(() => this.#purposes.delete(plan))
      this.#purposes.set(plan, found)
    }
    return found
  }
}

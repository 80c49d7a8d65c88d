// Under which keys, beside their own, somebody's outcomes lie: those of their addresses and messages, from before it was known
// whose they are.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'
import { openAction } from '../actions/recorded.ts'
import { addressOf } from './projection.ts'
import { plainAddress } from './recorded.ts'

export class OutcomeOwners {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
  }

  /**
   * Subjects that stand for addresses and messages of people. Every address that these people were written to is among them,
   * whether something was told of it or not: so that nothing is recorded under it again once they are erased. An address that
   * two people share goes with the first of them.
   */
  async addresses(people: readonly string[]): Promise<string[]> {
    if (people.length === 0) return []
    await this.#follower.reach('event', 'action', 'delivery')
    const told = await this.#database.query<{ sealed: string }>(
      'select distinct sealed from outcome where subject = any($1::text[]) and unowned',
      [people],
    )
    const written = await this.#database.query<{ action: bigint }>(
      'select min(action) as action from outcome_address where subject = any($1::text[]) group by address',
      [people],
    )
    const subjects = new Set(told.map(({ sealed }) => sealed))
    for (const { action } of written) {
      const opened = openAction(this.#ledger, Number(action))
      const address = opened && addressOf(opened.proposal)
      if (address === undefined) continue
      const subject = this.#ledger.subjects.mint('email', plainAddress(address))
      if (subject !== 'erased') subjects.add(subject.id)
    }
    for (const id of people) subjects.delete(id)
    return [...subjects]
  }
}

// Events, from the contracts that judge them to what is kept aside.
import { ContractBook } from '../path/events/contract-book.ts'
import { Emissions } from '../path/events/emissions.ts'
import { Events } from '../path/events/events.ts'
import { Quarantine } from '../path/events/quarantine.ts'
import { RecentEvents } from '../path/events/recent.ts'
import type { KeyStore } from '../store/keys.ts'
import type { Closing } from './closing.ts'
import type { Recorded } from './record.ts'

const HOUR = 3_600_000

export async function wireEvents(recorded: Recorded): Promise<{
  contracts: ContractBook
  recentEvents: RecentEvents
  events: Events
  emissions: Emissions
  quarantine: Quarantine
}> {
  const { ledger, follower, database, clock } = recorded
  const contracts = new ContractBook(follower, database, clock)
  await contracts.load()
  const recentEvents = new RecentEvents()
  const events = new Events(ledger, contracts, clock, recentEvents)
  return {
    contracts,
    recentEvents,
    events,
    emissions: new Emissions(recorded),
    quarantine: new Quarantine({ ...recorded, contracts, events }),
  }
}

/** Destroys the day keys whose retention is over: now, and every hour. */
export async function expireQuarantine(quarantine: Quarantine, keys: KeyStore, closing: Closing): Promise<void> {
  await quarantine.expire(keys)
  const sweep = setInterval(
    () =>
      void quarantine
        .expire(keys)
        .catch((error: unknown) => console.error('whence: expiring quarantine failed:', error)),
    HOUR,
  )
  closing.add(() => clearInterval(sweep))
}

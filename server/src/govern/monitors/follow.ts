// Hands the log to monitors, in its order, up to a record: facts from their table, copy from the log.
import type { AlarmBody } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Drift } from '../../rules/monitors/monitor.ts'
import type { Database } from '../../store/database.ts'
import { writtenActions } from './copy.ts'
import { observations } from './observations.ts'
import type { Watching } from './watching.ts'

/** Hears of each alarm, at the record that made it so. */
export async function follow(
  { ledger, database }: { ledger: Ledger; database: Database },
  watching: readonly Watching[],
  to: number,
  alarm: (body: AlarmBody, one: Watching) => Promise<void> | void,
): Promise<void> {
  const rates = watching.filter((one) => !one.readsCopy && one.next < to)
  const drifts = watching.filter((one) => one.readsCopy && one.next < to)
  if (rates.length > 0)
    for await (const page of observations(database, { from: least(rates), to }))
      for (const observation of page)
        for (const one of rates) for (const body of one.observe(observation)) await alarm(body, one)
  if (drifts.length > 0) {
    let read = 0
    for await (const action of writtenActions(ledger, { from: least(drifts), to })) {
      if (++read % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
      for (const one of drifts) {
        if (action.at < one.next) continue
        for (const body of one.read(await action.for(one.monitor.metric as Drift))) await alarm(body, one)
      }
    }
  }
  for (const one of [...rates, ...drifts]) one.reached(to)
}

const least = (those: readonly Watching[]): number => Math.min(...those.map(({ next }) => next))

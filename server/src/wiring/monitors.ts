// Monitors, from the facts that they count to the alarms that they raise.
import { alarmProjection, Alarms } from '../govern/monitors/alarms.ts'
import { Monitors } from '../govern/monitors/monitors.ts'
import type { MonitorParts } from '../govern/monitors/monitors.ts'
import { observationProjection } from '../govern/monitors/observations.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import type { Projection } from '../record/projection/follower.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export function monitorProjections(ledger: Ledger): Projection[] {
  return [observationProjection((seq) => ledger.entry(seq)), alarmProjection]
}

export function wireMonitors(
  recorded: Recorded,
  book: Policies['monitors'],
): { alarms: Alarms; monitors: Monitors; monitorParts: MonitorParts } {
  const alarms = new Alarms(recorded)
  const monitorParts: MonitorParts = { ...recorded, book, alarms }
  return { alarms, monitors: new Monitors(monitorParts), monitorParts }
}

// Monitors, from the facts that they count to the alarms that they raise.
import { alarmProjection, Alarms } from '../govern/monitors/alarms.ts'
import { Monitors } from '../govern/monitors/monitors.ts'
import type { MonitorParts } from '../govern/monitors/monitors.ts'
import { observationProjection } from '../govern/monitors/observations.ts'
import { PolicyBook } from '../path/events/policy-book.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import type { Follower, Projection } from '../record/projection/follower.ts'
import type { Clock } from '../record/time.ts'
import { monitorForm } from '../rules/monitors/monitor.ts'
import type { Monitor } from '../rules/monitors/monitor.ts'
import type { Database } from '../store/database.ts'

export function monitorProjections(ledger: Ledger): Projection[] {
  return [observationProjection((seq) => ledger.entry(seq)), alarmProjection]
}

export function wireMonitors(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }): {
  alarms: Alarms
  monitors: Monitors
  monitorParts: MonitorParts
  monitorFiles: PolicyBook<Monitor>
} {
  const alarms = new Alarms(parts)
  const monitorFiles = new PolicyBook(monitorForm, parts)
  const monitorParts: MonitorParts = { ...parts, book: monitorFiles, alarms }
  return { alarms, monitors: new Monitors(monitorParts), monitorParts, monitorFiles }
}

// Monitors and alarms over HTTP: each a call of one step.
import type { monitorEndpoints } from '@whence/sdk'
import { Fault } from '../fault.ts'
import type { Alarms } from '../govern/monitors/alarms.ts'
import type { MonitorParts, Monitors } from '../govern/monitors/monitors.ts'
import { testMonitors } from '../govern/monitors/replay.ts'
import type { Handlers } from './handlers.ts'

export interface MonitorSteps {
  alarms: Alarms
  monitors: Monitors
  monitorParts: MonitorParts
}

export function monitorHandlers({
  alarms,
  monitors,
  monitorParts,
}: MonitorSteps): Pick<Handlers, keyof typeof monitorEndpoints> {
  return {
    monitors: () => monitors.list(),
    testMonitors: ({ body }) => testMonitors(monitorParts, body),
    alarms: async ({ query }) => {
      await monitors.catchUp()
      return alarms.list(query)
    },
    clearAlarm: ({ path, body, caller }) => alarms.clear(position(path.seq!), body, caller),
  }
}

function position(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Fault('invalid', `"${text}" is no position of an alarm: they are whole numbers`)
}

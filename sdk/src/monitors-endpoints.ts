// Monitors: how they stand, what they raised, and what others would have raised.
import type { Endpoint } from './endpoints.ts'
import {
  AlarmClearance,
  Alarms,
  AlarmsQuery,
  ClearedAlarm,
  Monitors,
  MonitorTested,
  MonitorTestRequest,
} from './monitors.ts'

export const monitorEndpoints = {
  monitors: {
    method: 'GET',
    path: '/v1/monitors',
    scope: 'read',
    summary: 'The monitors in force: evidence, threshold and counts of each group, as of now',
    answer: { json: Monitors },
  },
  testMonitors: {
    method: 'POST',
    path: '/v1/monitors/test',
    scope: 'read',
    summary: 'Replay what was recorded under other monitors: which alarms they would have raised; nothing is changed',
    body: MonitorTestRequest,
    answer: { json: MonitorTested },
  },
  alarms: {
    method: 'GET',
    path: '/v1/alarms',
    scope: 'read',
    summary: 'Alarms that monitors raised, newest first',
    query: AlarmsQuery,
    answer: { json: Alarms },
  },
  clearAlarm: {
    method: 'POST',
    path: '/v1/alarms/{seq}/clear',
    scope: 'admin',
    summary: 'An alarm is dealt with: its group is watched anew, and gates that it raised are lowered',
    body: AlarmClearance,
    answer: { json: ClearedAlarm },
  },
} as const satisfies Record<string, Endpoint>

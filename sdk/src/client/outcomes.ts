// What came of messages, and the monitors that watch it.
import type {
  AlarmClearance,
  Alarms,
  AlarmsQuery,
  ClearedAlarm,
  MonitorTestRequest,
  MonitorTested,
  Monitors,
} from '../monitors.ts'
import type {
  FoundOutcomes,
  OutcomeCounts,
  OutcomeCountsQuery,
  OutcomeReport,
  OutcomeResults,
  OutcomesQuery,
  Ticket,
  Webhooks,
} from '../outcomes.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class OutcomeCalls extends Calls {
  /** Records what came of messages. Durable when it resolves. */
  recordOutcomes(outcomes: readonly OutcomeReport[]): Promise<OutcomeResults> {
    return this.transport.json(endpoints.recordOutcomes, { body: json({ outcomes }) })
  }

  /** Outcomes, newest first. */
  outcomes(query: OutcomesQuery = {}): Promise<FoundOutcomes> {
    return this.transport.json(endpoints.outcomes, { query })
  }

  /** How many were sent, and what came of them. */
  outcomeCounts(query: OutcomeCountsQuery = {}): Promise<OutcomeCounts> {
    return this.transport.json(endpoints.outcomeCounts, { query })
  }

  /** Records support tickets, complaints and appeals. Durable when it resolves. */
  recordTickets(tickets: readonly Ticket[]): Promise<OutcomeResults> {
    return this.transport.json(endpoints.recordTickets, { body: json({ tickets }) })
  }

  /** The webhooks that are configured. */
  webhooks(): Promise<Webhooks> {
    return this.transport.json(endpoints.webhooks)
  }

  /** How the monitors in force stand. */
  monitors(): Promise<Monitors> {
    return this.transport.json(endpoints.monitors)
  }

  /** Which alarms other monitors would have raised. */
  testMonitors(request: MonitorTestRequest): Promise<MonitorTested> {
    return this.transport.json(endpoints.testMonitors, { body: json(request) })
  }

  /** What monitors raised, newest first. */
  alarms(query: AlarmsQuery = {}): Promise<Alarms> {
    return this.transport.json(endpoints.alarms, { query })
  }

  /** An alarm is dealt with. */
  clearAlarm(seq: number, clearance: AlarmClearance): Promise<ClearedAlarm> {
    return this.transport.json(endpoints.clearAlarm, { path: { seq: String(seq) }, body: json(clearance) })
  }
}

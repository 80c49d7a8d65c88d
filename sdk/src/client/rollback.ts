// When it was wrong: pauses, whom it concerns, rollbacks, and the systems that they reach.
import type { ConnectedObject, ConnectedState, Connectors } from '../connectors.ts'
import type { Pause, PauseDone, PauseRequest, Recalled } from '../pauses.ts'
import type { PlaybookInForce } from '../playbooks.ts'
import type {
  Rollback,
  RollbackApply,
  RollbackPlan,
  RollbackReport,
  RollbackRequest,
  RollbackScope,
  Rollbacks,
  ScopeQuery,
  ScopedAction,
  ScopedPrediction,
} from '../rollbacks.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class RollbackCalls extends Calls {
  /** Stops what a scope sends; in force when it resolves. */
  pause(request: PauseRequest): Promise<PauseDone> {
    return this.transport.json(endpoints.pause, { body: json(request) })
  }

  /** Lets a scope go on. */
  resume(request: PauseRequest): Promise<PauseDone> {
    return this.transport.json(endpoints.resume, { body: json(request) })
  }

  /** Takes back, for good, what is queued under a scope. */
  recall(request: PauseRequest & { id: string }): Promise<Recalled> {
    return this.transport.json(endpoints.recall, { body: json(request) })
  }

  /** The pauses in force. */
  pauses(): Promise<Pause[]> {
    return this.transport.json(endpoints.pauses)
  }

  /** Whom a cause concerns, and what can be done about it. */
  scope(query: ScopeQuery): Promise<RollbackScope> {
    return this.transport.json(endpoints.scope, { query })
  }

  /** The decisions of a scope, in the order of the log. */
  scopeActions(query: ScopeQuery): AsyncGenerator<ScopedAction> {
    return this.transport.rows(endpoints.scopeActions, { query })
  }

  /** Every prediction of a scope: those with records of their own, then the rows of batches. */
  scopePredictions(query: ScopeQuery): AsyncGenerator<ScopedPrediction> {
    return this.transport.rows(endpoints.scopePredictions, { query })
  }

  /** What a rollback would do. Nothing is done. */
  planRollback(request: RollbackRequest): Promise<RollbackPlan> {
    return this.transport.json(endpoints.planRollback, { body: json(request) })
  }

  /** Runs the plan that was shown; the same again goes on where it stopped. */
  applyRollback(request: RollbackApply): Promise<Rollback> {
    return this.transport.json(endpoints.applyRollback, { body: json(request) })
  }

  /** Lets a rollback go on: what was done is not done again. */
  resumeRollback(id: string): Promise<Rollback> {
    return this.transport.json(endpoints.resumeRollback, { path: { id } })
  }

  /** A rollback, by its id or the beginning of it. */
  rollback(id: string): Promise<Rollback> {
    return this.transport.json(endpoints.rollback, { path: { id } })
  }

  /** What a rollback was about and what was done, each line with the record behind it. */
  rollbackReport(id: string): Promise<RollbackReport> {
    return this.transport.json(endpoints.rollbackReport, { path: { id } })
  }

  /** The same as one page. */
  rollbackReportText(id: string, format: 'markdown' | 'html' = 'markdown'): Promise<string> {
    return this.transport.text(endpoints.rollbackReportText, { path: { id }, query: { format } })
  }

  /** All rollbacks, newest first. */
  rollbacks(): Promise<Rollbacks> {
    return this.transport.json(endpoints.rollbacks)
  }

  /** A playbook in force. */
  playbook(name: string): Promise<PlaybookInForce> {
    return this.transport.json(endpoints.playbook, { path: { name } })
  }

  /** The connected systems in force. */
  connectors(): Promise<Connectors> {
    return this.transport.json(endpoints.connectors)
  }

  /** Asks the system that owns something how it stands now. */
  connectedState(query: ConnectedObject): Promise<ConnectedState> {
    return this.transport.json(endpoints.connectedState, { query })
  }
}

// What was decided wrongly: whom it concerns, what would be done about it, and what was done.
import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import {
  Rollback,
  RollbackApply,
  RollbackPlan,
  RollbackReport,
  RollbackRequest,
  Rollbacks,
  RollbackScope,
  ScopedAction,
  ScopeQuery,
} from './rollbacks.ts'

export const rollbackEndpoints = {
  scope: {
    method: 'GET',
    path: '/v1/rollbacks/scope',
    scope: 'read',
    summary: 'Whom a cause concerns: decisions, people, what became of them, and what can be done about it',
    query: ScopeQuery,
    answer: { json: RollbackScope },
  },
  scopeActions: {
    method: 'GET',
    path: '/v1/rollbacks/scope/actions',
    scope: 'read',
    summary: 'The decisions of a scope, one a line, in the order of the log',
    query: ScopeQuery,
    answer: { rows: ScopedAction },
  },
  planRollback: {
    method: 'POST',
    path: '/v1/rollbacks/plan',
    scope: 'rollback',
    summary: 'What a rollback would do, what it cannot undo, and whom it concerns; nothing is done',
    body: RollbackRequest,
    answer: { json: RollbackPlan },
  },
  applyRollback: {
    method: 'POST',
    path: '/v1/rollbacks/apply',
    scope: 'rollback',
    summary: 'Run exactly the plan that was shown; the same again goes on where it stopped',
    body: RollbackApply,
    answer: { json: Rollback },
  },
  resumeRollback: {
    method: 'POST',
    path: '/v1/rollbacks/{id}/resume',
    scope: 'rollback',
    summary: 'Let a rollback go on that was cut off, or of which a step failed; what was done is not done again',
    answer: { json: Rollback },
  },
  rollback: {
    method: 'GET',
    path: '/v1/rollbacks/{id}',
    scope: 'read',
    summary: 'A rollback: its plan, and what became of each step',
    answer: { json: Rollback },
  },
  rollbackReport: {
    method: 'GET',
    path: '/v1/rollbacks/{id}/report',
    scope: 'read',
    summary: 'What happened when, who was concerned, what was stopped, reverted and made good, and what remains',
    answer: { json: RollbackReport },
  },
  rollbackReportText: {
    method: 'GET',
    path: '/v1/rollbacks/{id}/report/text',
    scope: 'read',
    summary: 'The same as one page',
    query: z.object({ format: z.enum(['markdown', 'html']).default('markdown') }),
    answer: { text: 'Markdown, or one HTML page' },
  },
  rollbacks: {
    method: 'GET',
    path: '/v1/rollbacks',
    scope: 'read',
    summary: 'All rollbacks, newest first',
    answer: { json: Rollbacks },
  },
} as const satisfies Record<string, Endpoint>

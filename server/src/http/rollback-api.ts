// Pauses, scopes and rollbacks over HTTP: each a call of one step.
import type { pauseEndpoints, rollbackEndpoints } from '@whence/sdk'
import type { Pauses } from '../path/actions/pauses.ts'
import type { Rollbacks } from '../govern/rollback/rollbacks.ts'
import { reportRollback } from '../govern/rollback/report.ts'
import { rollbackMarkdown, rollbackPage } from '../govern/reports/rollback-report.ts'
import { scopedActions, scopeOf } from '../govern/rollback/scope.ts'
import type { PlanParts } from '../govern/rollback/plan.ts'
import type { ScopeParts } from '../govern/rollback/scope.ts'
import type { Handlers } from './handlers.ts'

export interface RollbackSteps {
  pauses: Pauses
  rollbacks: Rollbacks
  scoping: ScopeParts & Pick<PlanParts, 'playbook'>
}

export function rollbackHandlers({
  pauses,
  rollbacks,
  scoping,
}: RollbackSteps): Pick<Handlers, keyof typeof pauseEndpoints | keyof typeof rollbackEndpoints> {
  return {
    pause: ({ body, caller }) => pauses.set(body, true, caller),
    resume: ({ body, caller }) => pauses.set(body, false, caller),
    recall: ({ body: { id, kind, name, reason }, caller }) => pauses.recall({ kind, name }, { id, reason }, caller),
    pauses: async () => pauses.list(),
    scope: ({ query }) => scopeOf(scoping, query),
    scopeActions: async ({ query }) => scopedActions(scoping, query),
    planRollback: ({ body }) => rollbacks.plan(body),
    applyRollback: ({ body: { plan, ...request }, caller }) => rollbacks.apply(request, plan, caller),
    resumeRollback: ({ path, caller }) => rollbacks.again(path.id!, caller),
    rollback: ({ path }) => rollbacks.get(path.id!),
    rollbackReport: ({ path }) => reportRollback(scoping, rollbacks, path.id!),
    async rollbackReportText({ path, query }) {
      const report = await reportRollback(scoping, rollbacks, path.id!)
      return query.format === 'html' ? rollbackPage(report) : rollbackMarkdown(report)
    },
    rollbacks: () => rollbacks.list(),
  }
}

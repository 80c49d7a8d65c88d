// Plans over HTTP.
import type { Planner } from '../govern/changes/plan.ts'
import type { Handlers } from './handlers.ts'

export function planHandlers(planner: Planner): Pick<Handlers, 'plan' | 'apply'> {
  return {
    plan: ({ body }) => planner.plan(body),
    apply: ({ body, caller }) => planner.apply(body, caller),
  }
}

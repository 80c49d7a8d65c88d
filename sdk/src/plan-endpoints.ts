// Declarations: what applying them would do, and doing it.
import { Applied } from './declarations.ts'
import type { Endpoint } from './endpoints.ts'
import { ApplyRequest, Plan, PlanRequest } from './plans.ts'

export const planEndpoints = {
  plan: {
    method: 'POST',
    path: '/v1/plans',
    scope: 'read',
    summary: 'What applying contracts, feature views and policies would change, and for whom; changes nothing',
    body: PlanRequest,
    answer: { json: Plan },
  },
  apply: {
    method: 'POST',
    path: '/v1/declarations',
    scope: 'admin',
    summary: 'Put contracts, feature views and policies into force, all or none; exactly a plan, where one is named',
    body: ApplyRequest,
    answer: { json: Applied },
  },
} as const satisfies Record<string, Endpoint>

// The predictions behind what was decided wrongly.
import type { Endpoint } from './endpoints.ts'
import { ScopedPrediction, ScopeQuery } from './rollbacks.ts'

export const scopeEndpoints = {
  scopePredictions: {
    method: 'GET',
    path: '/v1/rollbacks/scope/predictions',
    scope: 'read',
    summary: 'The predictions of a scope, one a line: those with records of their own, then the rows of batches',
    query: ScopeQuery,
    answer: { rows: ScopedPrediction },
  },
} as const satisfies Record<string, Endpoint>

// Trials: past actions under other files, and an agent in shadow beside another.
import { AgentComparison, AgentComparisonQuery } from './agent-comparisons.ts'
import type { Endpoint } from './endpoints.ts'
import { GateTrial, GateTrialRequest } from './gate-trials.ts'

export const trialEndpoints = {
  tryGates: {
    method: 'POST',
    path: '/v1/gates/test',
    // Files may ask what stands in a copy, and whom to send it to: a scorer's address is theirs.
    scope: 'admin',
    summary: 'Judge past actions under other gates, term lists and agents: what would be decided; nothing is recorded',
    body: GateTrialRequest,
    answer: { json: GateTrial },
  },
  agentComparison: {
    method: 'GET',
    path: '/v1/agents/{name}/comparison',
    scope: 'read',
    summary:
      'What an agent in shadow proposed beside its incumbent: agreement, verdicts, and what came of the incumbent’s',
    query: AgentComparisonQuery,
    answer: { json: AgentComparison },
  },
} as const satisfies Record<string, Endpoint>

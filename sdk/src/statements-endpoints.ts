// Who acts and signs.
import { AgentInfo, Agents, AgentsQuery } from './agents.ts'
import type { Endpoint } from './endpoints.ts'

export const statementsEndpoints = {
  agents: {
    method: 'GET',
    path: '/v1/agents',
    scope: 'read',
    summary: 'All agents and approvers in force, with their keys',
    query: AgentsQuery,
    answer: { json: Agents },
  },
  agent: {
    method: 'GET',
    path: '/v1/agents/{name}',
    scope: 'read',
    summary: 'An agent or approver as its file in force declares it',
    query: AgentsQuery,
    answer: { json: AgentInfo },
  },
} as const satisfies Record<string, Endpoint>

// Who acts and signs, and what was signed of an action.
import { AgentInfo, Agents, AgentsQuery } from './agents.ts'
import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import { StatedAction } from './statements.ts'

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
  actionStatement: {
    method: 'GET',
    path: '/v1/actions/{id}/statement',
    scope: 'read',
    summary: 'What was signed of an action: an envelope for its statement, and for that of each edit',
    answer: { json: StatedAction },
  },
  actionProv: {
    method: 'GET',
    path: '/v1/actions/{id}/prov',
    scope: 'read',
    summary: 'An action as W3C PROV (PROV-JSON)',
    answer: { json: z.record(z.string(), z.unknown()) },
  },
  actionOpenLineage: {
    method: 'GET',
    path: '/v1/actions/{id}/openlineage',
    scope: 'read',
    summary: 'An action as a run event of OpenLineage, without anything about a person',
    answer: { json: z.record(z.string(), z.unknown()) },
  },
} as const satisfies Record<string, Endpoint>

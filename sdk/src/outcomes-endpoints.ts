// Outcomes: what came of actions. Providers post theirs to /v1/webhooks/{provider}/{name}, in their own forms.
import type { Endpoint } from './endpoints.ts'
import {
  FoundOutcomes,
  OutcomeBatch,
  OutcomeCounts,
  OutcomeCountsQuery,
  OutcomeResults,
  OutcomesQuery,
  TicketBatch,
  Webhooks,
} from './outcomes.ts'

export const outcomesEndpoints = {
  recordOutcomes: {
    method: 'POST',
    path: '/v1/outcomes',
    scope: 'ingest',
    summary: 'Record what came of messages; unsubscribes and complaints are opt-outs, durable when this answers',
    body: OutcomeBatch,
    answer: { json: OutcomeResults },
  },
  outcomes: {
    method: 'GET',
    path: '/v1/outcomes',
    scope: 'read',
    summary: 'Outcomes by action, person, campaign, type or time, newest first',
    query: OutcomesQuery,
    answer: { json: FoundOutcomes },
  },
  outcomeCounts: {
    method: 'GET',
    path: '/v1/outcomes/counts',
    scope: 'read',
    summary: 'How many were sent and what came of them, by campaign, creative, agent, prompt, model or provider',
    query: OutcomeCountsQuery,
    answer: { json: OutcomeCounts },
  },
  recordTickets: {
    method: 'POST',
    path: '/v1/tickets',
    scope: 'ingest',
    summary: 'Record support tickets, complaints and appeals, tied to the messages that they are about',
    body: TicketBatch,
    answer: { json: OutcomeResults },
  },
  webhooks: {
    method: 'GET',
    path: '/v1/webhooks',
    scope: 'read',
    summary: 'The webhooks that are configured, and what they got since the server started',
    answer: { json: Webhooks },
  },
} as const satisfies Record<string, Endpoint>

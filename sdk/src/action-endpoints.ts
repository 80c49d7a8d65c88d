// Actions: proposed, reviewed, claimed by senders, and told about.
import { ActionExplanation, ActionsQuery, FoundActions } from './action-explanations.ts'
import { ActionResults, CopyPart, DecidedAction } from './actions.ts'
import type { Endpoint } from './endpoints.ts'
import { ProposedAction, ProposedBatch } from './flat-actions.ts'
import { z } from 'zod'
import { Acknowledged, Acknowledgement, ClaimRequest, Claims, OutboxState } from './outbox.ts'
import { Preflight, PreflightRequest } from './preflight.ts'
import { Seq, Sha256 } from './time.ts'
import { Reviewed, ReviewQueue, ReviewsQuery, ReviewStep } from './reviews.ts'

export const actionEndpoints = {
  propose: {
    method: 'POST',
    path: '/v1/actions',
    scope: 'propose',
    summary: 'Propose an action: released, held for approval, or refused; the same id and content again is a duplicate',
    body: ProposedAction,
    answer: { json: DecidedAction },
  },
  proposeAll: {
    method: 'POST',
    path: '/v1/actions/batch',
    scope: 'propose',
    summary: 'Propose many actions; each is judged and answered by itself',
    body: ProposedBatch,
    answer: { json: ActionResults },
  },
  action: {
    method: 'GET',
    path: '/v1/actions/{id}',
    scope: 'read',
    summary: 'From a message to everything behind it; what looks personal in it is masked',
    answer: { json: ActionExplanation },
  },
  actions: {
    method: 'GET',
    path: '/v1/actions',
    scope: 'read',
    summary: 'Find actions by person, message, campaign, actor, model, prompt, state or time, newest first',
    query: ActionsQuery,
    answer: { json: FoundActions },
  },
  actionCopy: {
    method: 'GET',
    path: '/v1/actions/{id}/copy',
    scope: 'review',
    summary: 'The copy of an action as it stands, unmasked: for whoever approves it',
    answer: { json: z.object({ action: z.string(), copy: z.array(CopyPart), statement: Sha256.optional() }) },
  },
  actionThought: {
    method: 'GET',
    path: '/v1/actions/{id}/thought',
    scope: 'reasoning',
    summary: 'The chain of thought of a high-risk action',
    answer: { json: z.object({ action: z.string(), thought: z.string(), seq: Seq }) },
  },
  claim: {
    method: 'POST',
    path: '/v1/outbox/claim',
    scope: 'send',
    summary: 'Take released actions to send; consent is asked again, and each claim is durable before it is answered',
    body: ClaimRequest,
    answer: { json: Claims },
  },
  acknowledge: {
    method: 'POST',
    path: '/v1/outbox/acknowledge',
    scope: 'send',
    summary: 'Say what became of claims; the same again is a duplicate',
    body: z.object({ results: z.array(Acknowledgement).min(1).max(1000) }),
    answer: { json: Acknowledged },
  },
  outbox: {
    method: 'GET',
    path: '/v1/outbox',
    scope: 'read',
    summary: 'How much waits for senders',
    answer: { json: OutboxState },
  },
  preflight: {
    method: 'POST',
    path: '/v1/campaigns/{id}/preflight',
    scope: 'read',
    summary: 'Before a launch: how many of an audience would get this now, and why the others would not',
    body: PreflightRequest,
    answer: { json: Preflight },
  },
  reviews: {
    method: 'GET',
    path: '/v1/reviews',
    scope: 'read',
    summary: 'What waits for somebody’s approval, the soonest due first',
    query: ReviewsQuery,
    answer: { json: ReviewQueue },
  },
  review: {
    method: 'POST',
    path: '/v1/actions/{id}/reviews',
    scope: 'review',
    summary: 'Assign, approve, edit or reject a held action; an edit voids approvals, and nobody approves their own',
    body: ReviewStep,
    answer: { json: Reviewed },
  },
} as const satisfies Record<string, Endpoint>

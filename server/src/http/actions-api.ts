// Actions over HTTP: each a call of one step.
import type { Actions } from '../path/actions/actions.ts'
import { explainAction } from '../path/actions/explain.ts'
import type { ExplainActionParts } from '../path/actions/explain.ts'
import { findActions } from '../path/actions/find.ts'
import type { Judging } from '../path/actions/judging.ts'
import type { Standing } from '../rules/consent/verdict.ts'
import type { Claims } from '../path/actions/claims.ts'
import type { Pauses } from '../path/actions/pauses.ts'
import { preflight } from '../path/actions/preflight.ts'
import type { Reviews } from '../path/actions/reviews.ts'
import type { actionEndpoints } from '@whence/sdk'
import type { Handlers } from './handlers.ts'

export interface ActionSteps {
  actions: Actions
  claims: Claims
  reviews: Reviews
  standing: Standing
  judging: Judging
  pauses: Pauses
}

/** What the explanation of an action asks of the rest. */
export type Explaining = Pick<
  ExplainActionParts,
  'ledger' | 'follower' | 'database' | 'clock' | 'prediction' | 'traces' | 'outcomes'
>

export function actionHandlers(
  { actions, claims, reviews, standing, judging, pauses }: ActionSteps,
  explaining: Explaining,
): Pick<Handlers, keyof typeof actionEndpoints> {
  return {
    propose: ({ body, caller }) => actions.propose(body, caller),
    proposeAll: ({ body, caller }) => actions.proposeAll(body.actions, caller),
    action: ({ path }) => explainAction({ ...explaining, actions, standing, mask: judging.mask }, path.id!),
    actions: ({ query }) => findActions(explaining, query),
    actionCopy: ({ path }) => reviews.copy(path.id!),
    actionThought: ({ path }) => actions.thought(path.id!),
    claim: ({ body, caller, base }) => claims.claim(body, caller, base),
    acknowledge: ({ body, caller }) => claims.acknowledge(body.results, caller),
    outbox: async () => claims.state(),
    preflight: ({ path, body }) => preflight({ ledger: explaining.ledger, judging, pauses }, path.id!, body),
    reviews: ({ query }) => reviews.queue(query),
    review: ({ path, body, caller }) => reviews.review(path.id!, body, caller),
  }
}

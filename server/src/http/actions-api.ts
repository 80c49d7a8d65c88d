// Actions over HTTP: each a call of one step.
import type { Actions } from '../path/actions/actions.ts'
import type { Claims } from '../path/actions/claims.ts'
import type { Reviews } from '../path/actions/reviews.ts'
import type { actionEndpoints } from '@whence/sdk'
import type { Handlers } from './handlers.ts'

export interface ActionSteps {
  actions: Actions
  claims: Claims
  reviews: Reviews
}

export function actionHandlers({
  actions,
  claims,
  reviews,
}: ActionSteps): Pick<Handlers, keyof typeof actionEndpoints> {
  return {
    propose: ({ body, caller }) => actions.propose(body, caller),
    proposeAll: ({ body, caller }) => actions.proposeAll(body.actions, caller),
    claim: ({ body, caller }) => claims.claim(body, caller),
    acknowledge: ({ body, caller }) => claims.acknowledge(body.results, caller),
    outbox: async () => claims.state(),
    reviews: ({ query }) => reviews.queue(query),
    review: ({ path, body, caller }) => reviews.review(path.id!, body, caller),
  }
}

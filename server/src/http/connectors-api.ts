// The endpoints of connected systems, each a call of its step.
import type { Connectors } from '../path/actions/connectors/connectors.ts'
import type { Handlers } from './handlers.ts'

export function connectorHandlers(connectors: Connectors): Pick<Handlers, 'connectors' | 'connectedState'> {
  return {
    connectors: () => connectors.list(),
    connectedState: ({ query }) => connectors.state(query),
  }
}

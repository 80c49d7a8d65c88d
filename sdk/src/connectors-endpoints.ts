// Connected systems: which there are, and how what they own stands.
import { ConnectedObject, ConnectedState, Connectors } from './connectors.ts'
import type { Endpoint } from './endpoints.ts'

export const connectorEndpoints = {
  connectors: {
    method: 'GET',
    path: '/v1/connectors',
    scope: 'read',
    summary: 'The connected systems in force: where they are, and what they own',
    answer: { json: Connectors },
  },
  connectedState: {
    method: 'GET',
    path: '/v1/connectors/state',
    scope: 'admin',
    summary: 'Ask the system that owns a campaign, price, flag or segment how it stands now',
    query: ConnectedObject,
    answer: { json: ConnectedState },
  },
} as const satisfies Record<string, Endpoint>

// Features of single people, straight from the ledger.
import type { Endpoint } from './endpoints.ts'
import { Online, OnlineQuery, OnlineRequest } from './online.ts'

export const onlineEndpoints = {
  online: {
    method: 'GET',
    path: '/v1/features/online',
    scope: 'read',
    summary: 'Features of some people from some views, as of every acknowledged event, or of any two clocks',
    query: OnlineQuery,
    answer: { json: Online },
  },
  onlineMany: {
    method: 'POST',
    path: '/v1/features/online',
    scope: 'read',
    summary: 'The same for long lists, and for identifiers that should not stand in an address',
    body: OnlineRequest,
    answer: { json: Online },
  },
} as const satisfies Record<string, Endpoint>

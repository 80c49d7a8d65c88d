// What emitters say of themselves, and what the ledger holds of their numbers.
import { EmissionReceipts, EmissionReport, Emitters, EmittersQuery } from './emissions.ts'
import type { Endpoint } from './endpoints.ts'

export const emissionEndpoints = {
  reportEmissions: {
    method: 'POST',
    path: '/v1/emitters/{emitter}/reports',
    scope: 'ingest',
    summary: 'What an emitter was given and what became of it, by its own word: its losses are recorded with it',
    body: EmissionReport,
    answer: { json: EmissionReceipts },
  },
  emitters: {
    method: 'GET',
    path: '/v1/emitters',
    scope: 'read',
    summary: 'All emitters: their own last word, and which of their numbers stand on the ledger',
    query: EmittersQuery,
    answer: { json: Emitters },
  },
} as const satisfies Record<string, Endpoint>

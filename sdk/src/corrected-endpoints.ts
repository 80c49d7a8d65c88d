// What would have been decided under the configuration that a rollback goes back to. Nothing is written.
import { Corrected, CorrectedQuery, CorrectedRequest, CorrectedRow } from './corrected.ts'
import type { Endpoint } from './endpoints.ts'
import { PlaybookInForce } from './playbooks.ts'

export const correctedEndpoints = {
  corrected: {
    method: 'POST',
    path: '/v1/rollbacks/corrected',
    scope: 'read',
    summary: 'Compute the predictions of a cause again under a corrected model or feature view, and say which differ',
    body: CorrectedRequest,
    answer: { json: Corrected },
  },
  correctedRows: {
    method: 'GET',
    path: '/v1/rollbacks/corrected/rows',
    scope: 'read',
    summary: 'Every prediction of them that would have been different, one a line, in the order of the log',
    query: CorrectedQuery,
    answer: { rows: CorrectedRow },
  },
  playbook: {
    method: 'GET',
    path: '/v1/playbooks/{name}',
    scope: 'read',
    summary: 'A playbook in force: how far it goes, who is told, and what is left to people',
    answer: { json: PlaybookInForce },
  },
} as const satisfies Record<string, Endpoint>

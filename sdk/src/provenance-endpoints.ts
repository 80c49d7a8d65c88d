// Which events each feature value of a snapshot was made from.
import type { Endpoint } from './endpoints.ts'
import { ProvenanceQuery, ProvenanceRow, ProvenanceTable } from './provenance.ts'

export const provenanceEndpoints = {
  provenance: {
    method: 'GET',
    path: '/v1/snapshots/{id}/provenance',
    scope: 'read',
    summary: 'For each feature of each row of a snapshot the events that it was made from, a row each',
    query: ProvenanceQuery,
    answer: { rows: ProvenanceRow },
  },
  provenanceTable: {
    method: 'POST',
    path: '/v1/snapshots/{id}/provenance',
    scope: 'admin',
    summary: 'Add the provenance of a snapshot to the table audit.VIEW_vN; the same snapshot again changes nothing',
    answer: { json: ProvenanceTable },
  },
} as const satisfies Record<string, Endpoint>

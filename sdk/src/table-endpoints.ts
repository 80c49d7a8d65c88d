// Tables over HTTP, beside the Iceberg catalog at /iceberg that engines attach to.
import type { Endpoint } from './endpoints.ts'
import { ExpireTables, TableDetail, TableList, TablesExpired } from './tables.ts'

export const tableEndpoints = {
  tables: {
    method: 'GET',
    path: '/v1/tables',
    scope: 'read',
    summary: 'The Iceberg tables: events, feature snapshots, training sets, predictions',
    answer: { json: TableList },
  },
  table: {
    method: 'GET',
    path: '/v1/tables/{name}',
    scope: 'read',
    summary: 'A table: columns, and every snapshot that can be read',
    answer: { json: TableDetail },
  },
  expireTables: {
    method: 'POST',
    path: '/v1/tables/expirations',
    scope: 'admin',
    summary: 'Let old snapshots go, but for those that a live model or a prediction needs',
    body: ExpireTables,
    answer: { json: TablesExpired },
  },
} as const satisfies Record<string, Endpoint>

// Tables over HTTP.
import type { TableSummary, tableEndpoints } from '@whence/sdk'
import { expireTables } from '../govern/expiry/expiry.ts'
import type { ExpiryParts } from '../govern/expiry/expiry.ts'
import { formatTime } from '../record/time.ts'
import type { Head } from '../record/tables/book.ts'
import type { Handlers } from './handlers.ts'

export function tableHandlers(steps: ExpiryParts): Pick<Handlers, keyof typeof tableEndpoints> {
  const { tables, follower } = steps
  return {
    async tables() {
      const heads = await tables.list()
      const counts = await tables.counts()
      return { tables: heads.map((head) => summaryOf(head, counts.get(head.name) ?? 0)), asOf: follower.next }
    },
    async table({ path }) {
      const { head, metadata, sha256 } = await tables.get(path.name!)
      return {
        ...summaryOf(head, metadata.snapshots.length),
        uuid: head.uuid,
        metadata: { path: head.metadata, sha256 },
        columns: head.schema.fields.map(({ id, name, type }) => ({ id, name, type })),
        partition: head.partition.map(({ column, transform }) => ({ column, transform })),
        history: metadata.snapshots.map((snapshot) => {
          const { operation = '', ...summary } = snapshot.summary
          const parent = snapshot['parent-snapshot-id']
          return {
            id: String(snapshot['snapshot-id']),
            ...(parent === undefined ? {} : { parent: String(parent) }),
            at: formatTime(snapshot['timestamp-ms'] * 1000),
            operation,
            rows: Number(summary['total-records']),
            files: Number(summary['total-data-files']),
            schema: snapshot['schema-id'],
            summary,
          }
        }),
      }
    },
    expireTables: ({ body, caller }) => expireTables(steps, body, caller),
  }
}

function summaryOf(head: Head, snapshots: number): TableSummary {
  return {
    name: head.name,
    seq: head.seq,
    version: head.version,
    rows: head.rows,
    snapshots,
    ...(head.snapshot === undefined ? {} : { snapshot: String(head.snapshot) }),
    location: head.location,
  }
}

// The log itself, its tables, keys, erasures and anchors.
import type {
  Anchor,
  AnchorRequest,
  Erasure,
  ErasureRequest,
  IssuedKey,
  KeyInfo,
  KeyRequest,
  LedgerRecords,
  RecordsQuery,
  Status,
  Verification,
} from '../governance.ts'
import type { ExpireTables, TableDetail, TableList, TablesExpired } from '../tables.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class GovernanceCalls extends Calls {
  records(query: RecordsQuery = {}): Promise<LedgerRecords> {
    return this.transport.json(endpoints.records, { query })
  }

  /** A `tlog-proof` that any verifier of that format checks offline. */
  recordProof(seq: number): Promise<string> {
    return this.transport.text(endpoints.recordProof, { path: { seq } })
  }

  tables(): Promise<TableList> {
    return this.transport.json(endpoints.tables)
  }

  /** A table by its name, as in `features.engagement_v1`. Throws `not_found`. */
  table(name: string): Promise<TableDetail> {
    return this.transport.json(endpoints.table, { path: { name } })
  }

  /** Lets old snapshots of tables go; those that are needed are named in the answer. */
  expireTables(request: ExpireTables): Promise<TablesExpired> {
    return this.transport.json(endpoints.expireTables, { body: json(request) })
  }

  /** Makes a person's sealed data unreadable, for ever. */
  erase(request: ErasureRequest): Promise<Erasure> {
    return this.transport.json(endpoints.erase, { body: json(request) })
  }

  keys(): Promise<KeyInfo[]> {
    return this.transport.json(endpoints.keys)
  }

  issueKey(request: KeyRequest): Promise<IssuedKey> {
    return this.transport.json(endpoints.issueKey, { body: json(request) })
  }

  revokeKey(id: string): Promise<KeyInfo> {
    return this.transport.json(endpoints.revokeKey, { path: { id } })
  }

  anchor(request: AnchorRequest): Promise<Anchor> {
    return this.transport.json(endpoints.anchor, { body: json(request) })
  }

  status(): Promise<Status> {
    return this.transport.json(endpoints.status)
  }

  verify(): Promise<Verification> {
    return this.transport.json(endpoints.verify)
  }
}

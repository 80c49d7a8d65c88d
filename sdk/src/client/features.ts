// Features: snapshots, values online, and where each value came from.
import type { FeatureRow, Materialize, Snapshot } from '../features.ts'
import type { Online, OnlineQuery, OnlineRequest } from '../online.ts'
import type { ProvenanceQuery, ProvenanceRow, ProvenanceTable } from '../provenance.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class FeatureCalls extends Calls {
  materialize(request: Materialize): Promise<Snapshot> {
    return this.transport.json(endpoints.materialize, { body: json(request) })
  }

  snapshot(id: number): Promise<Snapshot> {
    return this.transport.json(endpoints.snapshot, { path: { id } })
  }

  /** The rows of a snapshot as they arrive; throws `unreachable` when the answer breaks off before its end. */
  snapshotRows(id: number): AsyncIterable<FeatureRow> {
    return this.transport.rows(endpoints.snapshotRows, { path: { id } })
  }

  /** Features of some people from some views. Lists stand in the address, with commas between. */
  online(query: OnlineQuery): Promise<Online> {
    return this.transport.json(endpoints.online, { query })
  }

  /** As `online`, for long lists, and for identifiers that should not stand in an address. */
  onlineMany(request: OnlineRequest): Promise<Online> {
    return this.transport.json(endpoints.onlineMany, { body: json(request) })
  }

  /** The events that each feature value was made from, as they arrive; throws `unreachable` when the answer breaks off. */
  provenance(id: number, query: ProvenanceQuery = {}): AsyncIterable<ProvenanceRow> {
    return this.transport.rows(endpoints.provenance, { path: { id }, query })
  }

  /** Adds the provenance of a snapshot to the table `audit.VIEW_vN`, which any engine reads. Repeatable. */
  provenanceTable(id: number): Promise<ProvenanceTable> {
    return this.transport.json(endpoints.provenanceTable, { path: { id } })
  }
}

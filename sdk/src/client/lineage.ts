// Lineage: what others tell of it, and the graph.
import type { LineageBatch, LineageEventsQuery, LineageReceipt, ReceivedLineageEvents } from '../collector.ts'
import { WhenceError } from '../error.ts'
import type {
  LineageCoverage,
  LineageCoverageQuery,
  LineageExportQuery,
  LineageNodeDetail,
  LineageNodeQuery,
  LineageNodes,
  LineageNodesQuery,
  LineageRunDetail,
  LineageRunQuery,
} from '../lineage-names.ts'
import type {
  LineageDiff,
  LineageDiffQuery,
  LineageExplainQuery,
  LineageExplained,
  LineageImpact,
  LineageImpactQuery,
  WhatIf,
  WhatIfRequest,
} from '../lineage.ts'
import type { Call } from '../transport.ts'
import { endpoints } from '../endpoints.ts'
import { compress, json } from './bodies.ts'
import { Calls } from './calls.ts'

export class LineageCalls extends Calls {
  /** Records one OpenLineage event, as a value or as its bytes; durable when this returns, and repeatable. */
  async collect(event: object | string | Uint8Array, options: { gzip?: boolean } = {}): Promise<LineageReceipt> {
    const answer = await this.transport.json(endpoints.collect, { body: await lineage(event, options.gzip) })
    if ('receipt' in answer) return answer
    throw new WhenceError('usage', 0, 'collect takes one event: collectBatch takes several.')
  }

  /** Records OpenLineage events, each by itself. Undefined: all were recorded, and there is nothing to say of any. */
  async collectBatch(
    events: readonly object[] | string | Uint8Array,
    options: { gzip?: boolean } = {},
  ): Promise<LineageBatch | undefined> {
    return this.transport.jsonOrNothing(endpoints.collectBatch, { body: await lineage(events, options.gzip) })
  }

  /** OpenLineage events as they were received. Go on at `next` until it is `asOf`. */
  collected(query: LineageEventsQuery = {}): Promise<ReceivedLineageEvents> {
    return this.transport.json(endpoints.collected, { query })
  }

  /** Where a name, a column (`ID#FIELD`) or a run (`run:ID`) comes from; page by page, with `cursor`. */
  lineageExplain(query: LineageExplainQuery): Promise<LineageExplained> {
    return this.transport.json(endpoints.lineageExplain, { query })
  }

  /** What depends on it. The counts are over everything that is reached, on whichever page. */
  lineageImpact(query: LineageImpactQuery): Promise<LineageImpact> {
    return this.transport.json(endpoints.lineageImpact, { query })
  }

  lineageDiff(query: LineageDiffQuery): Promise<LineageDiff> {
    return this.transport.json(endpoints.lineageDiff, { query })
  }

  /** What a planned change of columns would break. It changes nothing. */
  whatIf(request: WhatIfRequest): Promise<WhatIf> {
    return this.transport.json(endpoints.whatIf, { body: json(request) })
  }

  lineageNodes(query: LineageNodesQuery = {}): Promise<LineageNodes> {
    return this.transport.json(endpoints.lineageNodes, { query })
  }

  lineageNode(query: LineageNodeQuery): Promise<LineageNodeDetail> {
    return this.transport.json(endpoints.lineageNode, { query })
  }

  lineageRun(query: LineageRunQuery): Promise<LineageRunDetail> {
    return this.transport.json(endpoints.lineageRun, { query })
  }

  lineageCoverage(query: LineageCoverageQuery = {}): Promise<LineageCoverage> {
    return this.transport.json(endpoints.lineageCoverage, { query })
  }

  /** Recorded OpenLineage events, a line each, or PROV-JSON, as it arrives; throws `unreachable` when it breaks off. */
  lineageExport(query: LineageExportQuery = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.transport.bytes(endpoints.lineageExport, { query })
  }
}

async function lineage(events: unknown, gzip = false): Promise<NonNullable<Call['body']>> {
  const bytes = typeof events === 'string' || events instanceof Uint8Array ? events : JSON.stringify(events)
  const type = 'application/json'
  return gzip ? { type, bytes: await compress(bytes), encoding: 'gzip' } : { type, bytes }
}

// Lineage as others read it.
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { LineageGraph } from '../../../record/lineage/graph.ts'
import { openLineageEvents } from './openlineage.ts'
import { provJson, runsFrom } from './prov.ts'

export interface ExportQuery {
  readonly format: 'openlineage' | 'prov'
  readonly node?: string | undefined
  readonly direction: 'backward' | 'forward' | 'both'
  readonly asOf?: number | undefined
}

/** Throws before the first piece where the node is not known; afterwards the answer is under way. */
export async function exported(
  { graph, ledger }: { graph: LineageGraph; ledger: Ledger },
  { format, node, direction, asOf: wanted }: ExportQuery,
): Promise<{ type: string; pieces: AsyncIterable<string | Uint8Array> }> {
  await graph.reach()
  const asOf = Math.min(wanted ?? graph.head, graph.head)
  const runs = node === undefined ? undefined : await runsFrom(graph, node, direction, asOf)
  const known = runs === undefined ? {} : { runs }
  return format === 'prov'
    ? { type: 'application/json', pieces: provJson(graph, { asOf, ...known }) }
    : { type: 'application/x-ndjson', pieces: openLineageEvents(ledger, asOf, runs) }
}

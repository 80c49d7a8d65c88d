// The runs behind a run. Our streams have no runs of their own: where a way ends at a stream read up to a position, it
// goes on with what the stream's upstream datasets held when that position was recorded.
import type { LineageGraph, RunWalkNode } from '../../record/lineage/graph.ts'
import type { Micros } from '../../record/time.ts'

export interface PastRun {
  run: string
  job?: string
  depth: number
  ended?: Micros
}

export interface PastVersion {
  dataset: string
  version?: string
  depth: number
}

export interface History {
  runs: PastRun[]
  versions: PastVersion[]
  truncated: boolean
}

const MOST = 2000

/** Everything behind a run, nearest first. `recordedAt` is the time of the record before a position. */
export async function historyOf(
  graph: LineageGraph,
  run: string,
  { depth, asOf }: { depth: number; asOf: number },
  recordedAt: (position: number) => Micros | undefined,
): Promise<History> {
  const runs = new Map<string, PastRun>()
  const versions = new Map<string, PastVersion>()
  let truncated = false
  for (let from = [`run:${run}`], base = 0; from.length > 0 && base <= depth;) {
    const walk = await graph.walkRuns({ from, direction: 'backward', depth: depth - base, asOf, limit: MOST })
    truncated ||= walk.truncated
    const fresh = walk.nodes.filter((node) => remember(node, base, runs, versions))
    const streams = fresh.flatMap((node) =>
      node.kind === 'version' && node.dataset.startsWith('stream:') ? [{ node, depth: node.depth + base }] : [],
    )
    const next = new Map<string, number>()
    for (const { node, depth: at } of streams) {
      const time = /^\d{1,15}$/.test(node.version ?? '') ? recordedAt(Number(node.version)) : undefined
      if (time === undefined) continue
      for (const id of await upstreamOf(graph, node.dataset, asOf)) {
        const held = await graph.lastRunBefore(id, time, asOf)
        if (held) next.set(`version:${id}@${held.version}`, at + 2)
      }
    }
    from = [...next.keys()]
    base = Math.min(...next.values())
  }
  const nearest = <T extends { depth: number }>(all: Iterable<T>): T[] => [...all].sort((a, b) => a.depth - b.depth)
  return { runs: nearest(runs.values()), versions: nearest(versions.values()), truncated }
}

/** The datasets that a stream's contract says it is loaded from. */
export async function upstreamOf(graph: LineageGraph, stream: string, asOf: number): Promise<string[]> {
  const { nodes } = await graph.walk({ from: [stream], direction: 'backward', level: 'names', depth: 2, asOf })
  return nodes.filter(({ kind }) => kind === 'dataset').map(({ id }) => id)
}

function remember(
  node: RunWalkNode,
  base: number,
  runs: Map<string, PastRun>,
  versions: Map<string, PastVersion>,
): boolean {
  const depth = node.depth + base
  if (node.kind === 'run') {
    if (runs.has(node.run)) return false
    const { run, job, ended } = node
    runs.set(run, { run, depth, ...(job === undefined ? {} : { job }), ...(ended === undefined ? {} : { ended }) })
    return true
  }
  if (versions.has(node.id)) return false
  const { dataset, version } = node
  versions.set(node.id, { dataset, depth, ...(version === undefined ? {} : { version }) })
  return true
}

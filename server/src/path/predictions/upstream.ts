// From a prediction's streams and training data on into the pipelines that feed them: what the lineage graph knows.
import type { UpstreamLineage } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import type { Completeness, LineageGraph, WalkEdge, WalkNode } from '../../record/lineage/graph.ts'
import { sourcesOf } from '../../record/lineage/sources.ts'
import type { Micros } from '../../record/time.ts'

const DEPTH = 20
const MOST = 1000
const SHOWN = 50

/** Walks back from those of these nodes that the graph has. Undefined where it has none of them. */
export async function upstreamLineage(
  graph: LineageGraph,
  ids: readonly string[],
  { asOf, now }: { asOf?: number | undefined; now: Micros },
): Promise<UpstreamLineage | undefined> {
  await graph.reach()
  const position = asOf ?? graph.head
  const from: string[] = []
  for (const id of new Set(ids)) if (await knows(graph, id, position)) from.push(id)
  if (from.length === 0) return undefined
  const walk = await graph.walk({
    from,
    direction: 'backward',
    level: 'names',
    depth: DEPTH,
    asOf: position,
    limit: MOST,
  })
  const ends = sourcesOf(walk.nodes, walk.edges, walk.truncated ? 0 : DEPTH)
  const sources = ends.filter(({ kind }) => kind === 'dataset')
  const streams = walk.nodes.filter(({ kind }) => kind === 'stream')
  const lack = await graph.completeness(
    walk.nodes.map(({ id }) => id),
    position,
    now,
  )
  const shown = streams.map(({ id, name }) => ({ name, upstream: isFed(id, walk.edges) }))
  return {
    sources: sources.slice(0, SHOWN).map(({ id, namespace, name, depth }) => ({ id, namespace, name, depth })),
    sourceCount: sources.length,
    datasets: count(walk.nodes, 'dataset'),
    jobs: walk.nodes.filter(({ kind, namespace }) => kind === 'job' && namespace !== 'whence').length,
    streams: shown,
    notes: notesOf(shown, lack, walk.truncated),
    openRuns: lack.openCount,
    silentJobs: lack.silentCount,
    depth: DEPTH,
    truncated: walk.truncated,
    asOf: position,
  }
}

async function knows(graph: LineageGraph, id: string, asOf: number): Promise<boolean> {
  try {
    await graph.resolve(id, asOf)
    return true
  } catch (error) {
    if (isFault(error, 'not_found')) return false
    throw error
  }
}

/** Our own job `ingest STREAM` feeds every stream; what counts is whether it reads anything. */
function isFed(stream: string, edges: readonly WalkEdge[]): boolean {
  const writers = new Set(edges.filter(({ to }) => to === stream).map(({ from }) => from))
  return (
    edges.some(({ to, how }) => how === 'read' && writers.has(to)) ||
    [...writers].some((id) => !id.startsWith('job:whence:'))
  )
}

const count = (nodes: readonly WalkNode[], kind: string): number => nodes.filter((node) => node.kind === kind).length

function notesOf(
  streams: readonly { name: string; upstream: boolean }[],
  { openCount, silentCount, pending, unread }: Completeness,
  truncated: boolean,
): string[] {
  const many = (n: number, one: string, more: string): string => `${n.toLocaleString('en')} ${n === 1 ? one : more}`
  const dark = streams.filter(({ upstream }) => !upstream).map(({ name }) => name)
  return [
    ...(truncated ? ['More lies upstream than was looked at.'] : []),
    ...(pending > 0 ? [`${many(pending, 'record is', 'records are')} not in the lineage graph yet.`] : []),
    ...(unread > 0 ? [`${many(unread, 'record', 'records')} could not be read for the lineage graph.`] : []),
    ...(openCount > 0 ? [`${many(openCount, 'run upstream', 'runs upstream')} began and never ended.`] : []),
    ...(silentCount > 0
      ? [`${many(silentCount, 'job upstream has', 'jobs upstream have')} been silent for three times their rhythm.`]
      : []),
    ...(dark.length > 0 ? [`Nothing is known to feed ${dark.join(', ')}: the contract names no upstream.`] : []),
  ]
}

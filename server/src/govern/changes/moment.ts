// The position that a question is about: given as itself, as a time, a run, or a version of a dataset.
import { Fault } from '../../fault.ts'
import { positionOfCursor } from '../../record/lineage/cursor.ts'
import { parseVersionId } from '../../record/lineage/graph.ts'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'

export interface MomentQuery {
  asOf?: number | undefined
  at?: string | undefined
  asOfRun?: string | undefined
  asOfVersion?: string | undefined
  /** Of an earlier answer: its position holds, whatever else is said. */
  cursor?: string | undefined
}

/**
 * Waits until the graph and the tables of predictions and policies hold what is durable, and gives the position. Throws `invalid` for
 * the future.
 */
export async function positionOf(
  { graph, follower, clock }: { graph: LineageGraph; follower: Follower; clock: Clock },
  query: MomentQuery,
): Promise<number> {
  await graph.reach()
  await follower.reach('prediction', 'predictions', 'erasure', 'policy')
  const given = [query.asOf, query.at, query.asOfRun, query.asOfVersion].filter((each) => each !== undefined)
  if (given.length > 1) throw new Fault('invalid', 'say one of asOf, at, asOfRun and asOfVersion, not several')
  if (query.cursor !== undefined) return bounded(positionOfCursor(query.cursor), graph.head)
  if (query.asOf !== undefined) return bounded(query.asOf, graph.head)
  if (query.at !== undefined) {
    const time = timeOf(query.at)
    if (time > clock.now()) throw new Fault('invalid', `${query.at} is in the future`)
    return graph.positionOf({ time })
  }
  if (query.asOfRun !== undefined) return graph.positionOf({ run: query.asOfRun.replace(/^run:/, '') })
  if (query.asOfVersion !== undefined) {
    const { dataset, version } = versionOf(query.asOfVersion)
    const { id } = await graph.resolve(dataset)
    return graph.positionOf({ dataset: id, version })
  }
  return graph.head
}

function bounded(position: number, head: number): number {
  if (position > head) throw new Fault('invalid', `position ${position} is in the future: the log ends at ${head}`)
  return position
}

/** `ID@VERSION`, apart at the last `@` that has something behind it; or the id of a version, as answers have it. */
export function versionOf(text: string): { dataset: string; version: string } {
  const named = parseVersionId(text)
  if (named) return named
  const [, dataset, version] = /^(.+)@([^@]+)$/s.exec(text) ?? []
  if (dataset === undefined || version === undefined)
    throw new Fault('invalid', `"${text}" is no version of a dataset: write ID@VERSION`)
  return { dataset, version }
}

export function timeOf(text: string): Micros {
  const time = parseTime(text)
  if (time === undefined) throw new Fault('invalid', `"${text}" is no time, or lies outside of the years 1684 to 2255`)
  return time
}

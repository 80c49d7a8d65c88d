// One run: what it said of itself, and what it read and wrote.
import type { LineageRunDetail, LineageRunQuery } from '@whence/sdk'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import { positionOf } from './moment.ts'

export interface RunParts {
  graph: LineageGraph
  follower: Follower
  clock: Clock
}

export async function runOf(parts: RunParts, { run, ...moment }: LineageRunQuery): Promise<LineageRunDetail> {
  const { started, updated, ended, facets, inputs, outputs, ...found } = await parts.graph.run(
    run,
    await positionOf(parts, moment),
  )
  return {
    ...found,
    started: formatTime(started),
    updated: formatTime(updated),
    ...(ended === undefined ? {} : { ended: formatTime(ended) }),
    facets: facets.map(({ time, ...facet }) => ({ ...facet, time: formatTime(time) })),
    inputs: inputs.map((input) => ({ ...input })),
    outputs: outputs.map((output) => ({ ...output })),
  }
}

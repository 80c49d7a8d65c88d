// One side of a diff: what was asked for, found as the run that made it, with everything that this run is known by.
import { Fault } from '../../fault.ts'
import type { LineageGraph, RunDetail, RunOutput } from '../../record/lineage/graph.ts'
import { formatTime } from '../../record/time.ts'
import { versionOf } from './moment.ts'

export interface Side {
  id: string
  /** Absent: nobody says which run made it. */
  run?: RunDetail
  /** What the run made of the dataset that was asked for. */
  output?: RunOutput
  dataset?: string
  version?: string
}

/** `opens@1`, `model:opens@1`, `run:ID`, `snapshot/42`, `ID@VERSION`, or a dataset: then its latest version. */
export async function sideOf(graph: LineageGraph, text: string, asOf: number): Promise<Side> {
  const run = /^run:(.+)$/s.exec(text)?.[1] ?? (/^snapshot[/:]\d+$/.test(text) ? text.replace(':', '/') : undefined)
  if (run !== undefined) {
    const detail = await graph.run(run, asOf)
    const [output] = detail.outputs
    return { id: `run:${run}`, run: detail, ...(output ? { output, dataset: output.dataset } : {}) }
  }
  const whole = await node(graph, text, asOf)
  if (whole !== undefined) {
    const latest = (await graph.versionsOf(whole, asOf, 1))[0]
    if (!latest) throw new Fault('not_found', `no version of ${whole} is known: no run that wrote it has completed`)
    return made(graph, latest.dataset, latest.version, latest.run, asOf)
  }
  const { dataset, version } = versionOf(text)
  const id = (await graph.resolve(dataset, asOf)).id
  const all = await graph.versionsOf(id, asOf, 10_000)
  const found = all.find((each) => each.version === version)
  if (!found) {
    const latest = all.slice(0, 3).map((each) => each.version)
    const known = latest.length === 0 ? 'none is known' : `the latest known are ${latest.join(', ')}`
    throw new Fault('not_found', `${id} has no version "${version}": ${known}`)
  }
  // Under the name by which it was written.
  return made(graph, found.dataset, version, found.run, asOf)
}

/** A model version is a node, and a view's version too: their names hold an `@`. */
async function node(graph: LineageGraph, text: string, asOf: number): Promise<string | undefined> {
  const model = /^[^:#]+@v?\d+$/.test(text) ? [`model:${text.replace(/@v(\d+)$/, '@$1')}`, `view:${text}`] : []
  for (const id of [text, ...model]) {
    try {
      return (await graph.resolve(id, asOf)).id
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'not_found') throw error
    }
  }
  return undefined
}

async function made(
  graph: LineageGraph,
  dataset: string,
  version: string,
  run: string | undefined,
  asOf: number,
): Promise<Side> {
  const id = /^(model|training):/.test(dataset) ? dataset : `${dataset}@${version}`
  if (run === undefined) return { id, dataset, version }
  const detail = await graph.run(run, asOf)
  const output = detail.outputs.find((each) => each.dataset === dataset)
  return { id, run: detail, dataset, version, ...(output ? { output } : {}) }
}

export function shownSide({ id, run, version, output }: Side): {
  id: string
  run?: string
  job?: string
  version?: string
  time?: string
} {
  const named = version ?? output?.version
  const time = run?.ended ?? run?.updated
  return {
    id,
    ...(run ? { run: run.id } : {}),
    ...(run?.job === undefined ? {} : { job: run.job }),
    ...(named === undefined ? {} : { version: named }),
    ...(time === undefined ? {} : { time: formatTime(time) }),
  }
}

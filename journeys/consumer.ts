// The consumer scenarios of the official OpenLineage compatibility suite, and how they are fed to a server.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import type { Client } from '@whence/sdk'
import { files, stateOf } from './lineage-state.ts'
import type { RunState, State } from './lineage-state.ts'
import { Site } from './site.ts'

const events = new URL('../../shared/openlineage/events/', import.meta.url).pathname

/** Why the shared events cannot be read here. */
export const skip = existsSync(events) ? false : 'the shared OpenLineage folder is not here'

/** The events of a folder in file-name order, as they stand. */
export function eventsOf(folder: string): { name: string; text: string }[] {
  const found = files(events + folder)
  assert.ok(found.length > 0, `${folder} has events`)
  return found
}

/** A server of its own that was fed these, one request each. */
export async function fed(t: TestContext, texts: readonly string[]): Promise<{ client: Client; site: Site }> {
  const site = await Site.make()
  t.after(() => site.remove())
  const { client } = await site.start()
  for (const text of texts) await client.collect(text)
  return { client, site }
}

/** Fed backwards, and with every event twice (once as it stands, once written otherwise), the state is the same. */
export async function sameInAnyOrder(t: TestContext, texts: readonly string[], state: State): Promise<void> {
  const otherwise = (text: string): string => JSON.stringify(JSON.parse(text), null, 3)
  for (const [how, order] of [
    ['backwards', texts.toReversed()],
    ['every event twice', texts.flatMap((text) => [text, text, otherwise(text)])],
  ] as const) {
    const { client } = await fed(t, order)
    assert.deepEqual(await stateOf(client), state, how)
  }
}

/** The rules that the events broke, event by event. */
export async function violations(client: Client): Promise<string[][]> {
  const { events: received, next, asOf } = await client.collected({ limit: 1000 })
  assert.equal(next, asOf)
  return received.map((event) => event.violations.map(({ rule }) => rule))
}

/** What is expected of a run, in a form that can be written by hand. */
export interface ExpectedRun {
  job: string
  state: string
  started: string
  ended: string
  parent?: string
  /** `DATASET @ VERSION`, by time; `DATASET unknown`. */
  reads?: string[]
  /** `DATASET @ VERSION`, and the statistics of its writing. */
  writes?: string[]
  facets: string[]
}

export function shown(run: RunState): ExpectedRun {
  const { job, state, started, ended, parent, inputs, outputs, facets } = run
  const reads = inputs.map(({ dataset, version, resolved }) =>
    version === undefined ? `${dataset} ${resolved}` : `${dataset} @ ${version} ${resolved}`,
  )
  const writes = outputs.map(({ dataset, version, here }) => {
    const { rowCount, size } = (here.outputStatistics ?? {}) as { rowCount?: number; size?: number }
    const statistics = rowCount === undefined ? '' : ` ${rowCount} rows ${size} bytes`
    return `${dataset}${version === undefined ? '' : ` @ ${version}`}${statistics}`
  })
  return {
    job: job!,
    state: state!,
    started,
    ended: ended!,
    ...(parent === undefined ? {} : { parent }),
    ...(reads.length === 0 ? {} : { reads }),
    ...(writes.length === 0 ? {} : { writes }),
    facets: Object.keys(facets),
  }
}

/** The facets that a state holds are those of the events, of each name the one that is latest in event time. */
export function holdsFacets(state: State, texts: readonly string[]): void {
  type Facets = Record<string, unknown>
  interface Event {
    eventTime: string
    run: { runId: string; facets: Facets }
    job: { namespace: string; name: string; facets: Facets }
    inputs: { namespace: string; name: string; facets: Facets }[]
    outputs: { namespace: string; name: string; facets: Facets }[]
  }
  const held = new Map<string, Facets>()
  const say = (id: string, facets: Facets): void => void held.set(id, { ...held.get(id), ...facets })
  const encoded = (namespace: string): string => namespace.replaceAll(':', '%3A')
  const byTime = texts
    .map((text) => JSON.parse(text) as Event)
    .toSorted((a, b) => Date.parse(a.eventTime) - Date.parse(b.eventTime))
  for (const { run, job, inputs, outputs } of byTime) {
    say(run.runId, run.facets)
    say(`job:${encoded(job.namespace)}:${job.name}`, job.facets)
    for (const { namespace, name, facets } of [...inputs, ...outputs])
      say(`dataset:${encoded(namespace)}:${name}`, facets)
  }
  for (const [id, facets] of held) {
    const found = state.runs[id] ?? state.jobs[id] ?? state.datasets[id]
    assert.deepEqual(found?.facets, facets, id)
  }
}

export const runsOf = (state: State): Record<string, ExpectedRun> =>
  Object.fromEntries(Object.entries(state.runs).map(([id, run]) => [id, shown(run)]))
export const keysOf = (facets: Record<string, unknown>): string[] => Object.keys(facets)
export const producersOf = (state: State): string[] => [
  ...new Set(Object.values(state.runs).map(({ producer }) => producer)),
]
export const jobType = (processingType: string, type: string) => ({
  processingType,
  integration: 'SPARK',
  jobType: type,
})
export const spark = (version: string): string =>
  `https://github.com/OpenLineage/OpenLineage/tree/${version}/integration/spark`

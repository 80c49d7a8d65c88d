// The graph of lineage as a whole, asked for through the public API: what two logs of the same events have in common.
// Positions, and what follows from them, are left out.
import { globSync, readFileSync } from 'node:fs'
import type { Client, LineageEdge, LineageNodeDetail, LineageRunDetail } from '@whence/sdk'

type Facets = Record<string, unknown>
type Version = Omit<LineageNodeDetail['versions'][number], 'seq'>

export interface JobState {
  facets: Facets
  /** `parent job:…`, `child job:…`. */
  jobs: string[]
  /** Ids, the latest first. */
  runs: string[]
}

export interface DatasetState {
  facets: Facets
  names: string[]
  fields: string[]
  /** The latest first. */
  versions: Version[]
  /** `create TIME`. */
  lifecycle: string[]
}

export type RunState = Omit<LineageRunDetail, 'asOf' | 'facets' | 'events' | 'first' | 'last'> & { facets: Facets }

export interface State {
  jobs: Record<string, JobState>
  datasets: Record<string, DatasetState>
  runs: Record<string, RunState>
  /** `FROM read TO`, `FROM write TO`, and the two names of a `symlink` in order. */
  edges: string[]
  /** `FROM HOW TRANSFORMATION TO`, with what else is said of it behind. */
  columns: string[]
}

export async function stateOf(client: Client): Promise<State> {
  const state: State = { jobs: {}, datasets: {}, runs: {}, edges: [], columns: [] }
  const edges = new Set<string>()
  const columns = new Set<string>()
  const { nodes } = await client.lineageNodes({ limit: 1000 })
  for (const { id, kind, field } of nodes) {
    if (field !== undefined || (kind !== 'job' && kind !== 'dataset')) continue
    const node = await client.lineageNode({ node: id, limit: 1000 })
    const near = await client.lineageExplain({ node: id, level: 'names', depth: 1 })
    for (const edge of near.edges) edges.add(flowOf(edge))
    if (kind === 'job') {
      state.jobs[id] = {
        facets: byName(node.facets),
        jobs: node.jobs.map(({ how, id: other }) => `${how} ${other}`),
        runs: node.runs.map((run) => run.id),
      }
      for (const run of node.runs) state.runs[run.id] = await runOf(client, run.id)
      continue
    }
    state.datasets[id] = {
      facets: byName(node.facets),
      names: node.names,
      fields: node.fields.toSorted(),
      versions: node.versions.map(({ seq: _, ...version }) => version),
      lifecycle: node.lifecycle.map(({ change, time }) => `${change} ${time}`),
    }
    if (node.fields.length === 0) continue
    const fields = await client.lineageExplain({ node: id, level: 'columns', depth: 1 })
    for (const edge of fields.edges) columns.add(columnOf(edge))
  }
  return { ...state, edges: [...edges].toSorted(), columns: [...columns].toSorted() }
}

async function runOf(client: Client, run: string): Promise<RunState> {
  const { asOf: _, events: __, first: ___, last: ____, facets, ...said } = await client.lineageRun({ run })
  const named = <T extends { dataset: string }>(list: readonly T[]): T[] =>
    list.toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1))
  return { ...said, inputs: named(said.inputs), outputs: named(said.outputs), facets: byName(facets) }
}

function byName(facets: readonly { name: string; body: unknown }[]): Facets {
  return Object.fromEntries(facets.map(({ name, body }) => [name, body]))
}

function flowOf({ from, to, how }: LineageEdge): string {
  return how === 'symlink' ? [from, to].toSorted().join(' symlink ') : `${from} ${how} ${to}`
}

function columnOf({ from, to, how, transformation, masking, basis, job }: LineageEdge): string {
  const more = [basis === 'stated' ? '' : basis, masking === true ? 'masked' : '', job].filter(Boolean)
  return [from, how, transformation ?? '-', to, ...more].join(' ')
}

/** A facet without what every facet has. */
export function bare(facet: unknown): unknown {
  const { _producer, _schemaURL, ...rest } = facet as Record<string, unknown>
  return rest
}

/** The files of a folder, in the order of their paths, as they stand. */
export function files(folder: string): { name: string; text: string }[] {
  return globSync('**/*.{json,ndjson}', { cwd: folder })
    .toSorted()
    .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }))
}

// How far a change of some fields reaches: along column lineage where there is any, and where a job says nothing about
// columns, into everything that it writes; that is told apart.
import type { LineageGraph, WalkEdge, WalkNode } from '../../record/lineage/graph.ts'

export interface FieldReach {
  depth: number
  /** Every step of one way to it carries the value, or is a use that our own expressions show. */
  certain: boolean
  /** It is reached only through something that says nothing about columns. */
  possible: boolean
  /** The last step of the surest way; none for a start. */
  by?: WalkEdge
  /** The starts from which it is reached. */
  starts: Set<string>
}

export interface Reach {
  /** By id, with `#`. */
  fields: Map<string, FieldReach>
  /** Datasets that may be concerned as a whole: the job between says nothing about columns. */
  wholes: Map<string, { depth: number; from: string; job?: string; starts: Set<string> }>
  /** Jobs that read what is reached. `certain`: they use a reached field, and say so. */
  jobs: Map<string, { depth: number; certain: boolean; reads: string; starts: Set<string> }>
  truncated: boolean
}

const MOST = 100_000

export const datasetOf = (id: string): string => (id.includes('#') ? id.slice(0, id.indexOf('#')) : id)

interface Names {
  readers: Map<string, string[]>
  writes: Map<string, string[]>
  flows: Map<string, string[]>
}

/** `certainly`: of a start, whether its users surely notice (a field that goes), or perhaps (one whose type changes). */
export async function reachOf(
  graph: LineageGraph,
  starts: ReadonlyMap<string, boolean>,
  { depth, asOf }: { depth: number; asOf: number },
): Promise<Reach> {
  const reach: Reach = { fields: new Map(), wholes: new Map(), jobs: new Map(), truncated: false }
  const ids = [...starts.keys()]
  const [columns, names] = [
    await walkAll(graph, ids, 'columns', depth, asOf, reach),
    await walkAll(graph, [...new Set(ids.map(datasetOf))], 'names', depth, asOf, reach),
  ]
  for (const [id, certain] of starts)
    reach.fields.set(id, { depth: 0, certain, possible: false, starts: new Set([id]) })
  spread(reach, columns.edges)
  const passage = namesOf(names.edges)
  const told = await toldOf(graph, names.nodes, asOf)
  // Each round goes on from the datasets that the round before could not tell columns of.
  for (let fresh = new Set([...reach.fields.keys()].map(datasetOf)); fresh.size > 0;) {
    const wholes = pass(reach, fresh, passage, told)
    fresh = new Set(wholes)
    if (wholes.length === 0) break
    const further = await walkAll(graph, wholes, 'columns', depth, asOf, reach)
    const before = new Set(reach.fields.keys())
    for (const edge of further.edges) {
      const whole = reach.wholes.get(datasetOf(edge.from))
      if (whole && !reach.fields.has(edge.from))
        reach.fields.set(edge.from, {
          depth: whole.depth,
          certain: false,
          possible: true,
          starts: new Set(whole.starts),
        })
    }
    spread(reach, further.edges)
    for (const id of reach.fields.keys()) if (!before.has(id)) fresh.add(datasetOf(id))
  }
  return reach
}

async function walkAll(
  graph: LineageGraph,
  from: readonly string[],
  level: 'names' | 'columns',
  depth: number,
  asOf: number,
  reach: Reach,
): Promise<{ nodes: readonly WalkNode[]; edges: readonly WalkEdge[] }> {
  const walk = await graph.walk({ from, direction: 'forward', level, depth, asOf, limit: MOST })
  reach.truncated ||= walk.truncated
  return walk
}

/** Carries certainty along the edges until nothing changes: each field changes at most once for each of its marks. */
function spread(reach: Reach, edges: readonly WalkEdge[]): void {
  const after = Map.groupBy(edges, ({ from }) => from)
  const queue = [...reach.fields.keys()]
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at]!
    const from = reach.fields.get(id)!
    for (const edge of after.get(id) ?? []) {
      const certain = from.certain && surely(edge)
      const known = reach.fields.get(edge.to)
      if (!known) {
        reach.fields.set(edge.to, {
          depth: from.depth + 1,
          certain,
          possible: from.possible,
          by: edge,
          starts: new Set(from.starts),
        })
        queue.push(edge.to)
        continue
      }
      const news = [...from.starts].filter((start) => !known.starts.has(start))
      const better = (certain && !known.certain) || (known.possible && !from.possible)
      if (!better && news.length === 0) continue
      for (const start of news) known.starts.add(start)
      if (certain && !known.certain) {
        known.certain = true
        if (known.by) known.by = edge
      }
      if (!from.possible) known.possible = false
      queue.push(edge.to)
    }
  }
  for (const edge of edges) {
    const from = reach.fields.get(edge.from)
    if (!from || edge.job === undefined) continue
    note(reach.jobs, edge.job, {
      depth: from.depth + 1,
      certain: from.certain && surely(edge),
      reads: edge.from,
      starts: from.starts,
    })
  }
}

/** A value that arrives, as its producer states or its SQL shows; or any use in an expression of ours. */
function surely({ how, basis, job }: WalkEdge): boolean {
  if (how === 'symlink' || how === 'rename') return true
  if (basis === 'conservative' || basis === 'unverified') return false
  return how === 'direct' || (how === 'indirect' && basis === 'verified' && (job ?? '').startsWith('job:whence:'))
}

function namesOf(edges: readonly WalkEdge[]): Names {
  const names: Names = { readers: new Map(), writes: new Map(), flows: new Map() }
  const add = (map: Map<string, string[]>, key: string, value: string): void => {
    const list = map.get(key)
    if (list) list.push(value)
    else map.set(key, [value])
  }
  for (const { from, to, how } of edges) {
    if (how === 'read') add(names.readers, from, to)
    else if (how === 'write') add(names.writes, from, to)
    else add(names.flows, from, to)
  }
  return names
}

/** What is told about columns. */
interface Told {
  /** `job dataset` for every job that says of which columns it makes those of a dataset; without a job `dataset dataset`. */
  covered: Set<string>
  /** From a dataset into datasets, where the edge begins or ends at one as a whole. */
  wholes: Map<string, { to: string; job: string | undefined }[]>
}

async function toldOf(graph: LineageGraph, nodes: readonly WalkNode[], asOf: number): Promise<Told> {
  const told: Told = { covered: new Set(), wholes: new Map() }
  const starts = nodes.filter(({ kind }) => kind !== 'job').map(({ id }) => id)
  if (starts.length === 0) return told
  const walk = await graph.walk({ from: starts, direction: 'backward', level: 'columns', depth: 1, asOf, limit: MOST })
  for (const { from: source, to: target, job } of walk.edges) {
    const [from, to] = [datasetOf(source), datasetOf(target)]
    // What a dataset makes of its own columns tells nothing of where it comes from.
    if (from === to) continue
    if (source === from || target === to) told.wholes.set(from, [...(told.wholes.get(from) ?? []), { to, job }])
    else told.covered.add(`${job ?? from}\0${to}`)
  }
  return told
}

/** Goes from datasets over jobs that say nothing about columns; gives what is new among the datasets behind them. */
function pass(reach: Reach, from: ReadonlySet<string>, names: Names, { covered, wholes }: Told): string[] {
  const fields = Map.groupBy(reach.fields, ([id]) => datasetOf(id))
  const found: string[] = []
  const queue = [...from]
  for (let at = 0; at < queue.length; at++) {
    const dataset = queue[at]!
    const whole = reach.wholes.get(dataset)
    const own = (fields.get(dataset) ?? []).map(([, each]) => each)
    const depth = whole?.depth ?? Math.min(...own.map((each) => each.depth))
    const starts = new Set([...(whole?.starts ?? []), ...own.flatMap((each) => [...each.starts])])
    const into = (to: string, job?: string): void => {
      if (reach.wholes.has(to)) return
      reach.wholes.set(to, {
        depth: depth + (job === undefined ? 1 : 2),
        from: dataset,
        starts,
        ...(job === undefined ? {} : { job }),
      })
      found.push(to)
      queue.push(to)
    }
    for (const job of names.readers.get(dataset) ?? []) {
      const outputs = names.writes.get(job) ?? []
      const dark = outputs.filter((to) => !covered.has(`${job}\0${to}`))
      if (dark.length > 0 || outputs.length === 0)
        note(reach.jobs, job, { depth: depth + 1, certain: false, reads: dataset, starts })
      for (const to of dark) into(to, job)
    }
    for (const { to, job } of wholes.get(dataset) ?? []) {
      if (job !== undefined) note(reach.jobs, job, { depth: depth + 1, certain: false, reads: dataset, starts })
      into(to, job)
    }
    for (const to of names.flows.get(dataset) ?? []) if (!covered.has(`${dataset}\0${to}`)) into(to)
  }
  return found
}

function note(
  jobs: Reach['jobs'],
  job: string,
  found: { depth: number; certain: boolean; reads: string; starts: ReadonlySet<string> },
): void {
  const known = jobs.get(job)
  if (!known) jobs.set(job, { ...found, starts: new Set(found.starts) })
  else {
    if (found.certain && !known.certain) Object.assign(known, { certain: true, reads: found.reads })
    known.depth = Math.min(known.depth, found.depth)
    for (const start of found.starts) known.starts.add(start)
  }
}

// The questions about lineage that one walk answers: explain, backward; impact, forward and on to people; names.
import type {
  LineageExplained,
  LineageExplainQuery,
  LineageImpact,
  LineageImpactQuery,
  LineageLevel,
  LineageNode,
  LineageNodeDetail,
  LineageNodeQuery,
  LineageNodes,
  LineageNodesQuery,
} from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Direction, LineageGraph, RunWalk, Walk } from '../../record/lineage/graph.ts'
import { sourcesOf } from '../../record/lineage/sources.ts'
import { parseNodeId } from '../../record/lineage/statement.ts'
import type { NodeKind } from '../../record/lineage/statement.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import { impactOf } from './impact.ts'
import { lackOf, sentencesOf } from './lack.ts'
import { positionOf, timeOf } from './moment.ts'
import { unreadNote } from './people.ts'
import type { CountedBatches } from './people.ts'

export interface LineageParts {
  graph: LineageGraph
  database: Database
  follower: Follower
  batches: CountedBatches
  clock: Clock
}

type Query = Required<Pick<LineageExplainQuery, 'node'>> & LineageExplainQuery
/** What explain and impact have in common. */
export type Answer = Omit<LineageExplained, 'sources' | 'sourceCount'>

/** Nodes that are looked at beyond those that are shown. */
const MOST = 100_000

/** A start: ids to walk from, and at which level. */
interface Start {
  id: string
  from: string[]
  level: LineageLevel
}

export class Lineage {
  readonly #parts: LineageParts

  constructor(parts: LineageParts) {
    this.#parts = parts
  }

  /** Where something comes from. */
  async explain(query: Query): Promise<LineageExplained> {
    const { answer, walked } = await this.#answer(query, 'backward')
    // Of a page that is cut nobody knows what the jobs on it read.
    const unfed = sourcesOf(walked.nodes, walked.edges, walked.truncated ? 0 : answer.depth).filter(
      // Asked for the columns of a dataset, it is no source of them itself.
      ({ depth, field }) => answer.level !== 'columns' || depth > 0 || field !== undefined,
    )
    const ends = await this.#withoutFed(unfed, answer, walked.truncated)
    return { ...answer, sources: ends.map(({ id }) => id).slice(0, 1000), sourceCount: ends.length }
  }

  /** What depends on something, and how many people that concerns. */
  async impact(query: LineageImpactQuery): Promise<LineageImpact> {
    const { answer, start } = await this.#answer(query, 'forward')
    const since = query.since === undefined ? undefined : timeOf(query.since)
    const depth = query.depth ?? 20
    const found = await impactOf(this.#parts, start.from, { level: start.level, depth, asOf: answer.asOf }, since)
    const notes = [...answer.notes]
    if (found.onlyPossible.length > 0)
      notes.push(
        found.onlyPossible.length === 1
          ? '1 of what is counted is reached only where no column lineage is known: it may not depend on this column.'
          : `${found.onlyPossible.length} of what is counted are reached only where no column lineage is known: they may not depend on this column.`,
      )
    notes.push(...unreadNote(found.counts.unreadPredictions))
    return { ...answer, notes, ...(query.since === undefined ? {} : { since: query.since }), ...found }
  }

  async nodes(query: LineageNodesQuery): Promise<LineageNodes> {
    const { graph } = this.#parts
    const asOf = await positionOf(this.#parts, query)
    const kinds = kindsOf(query.kinds)
    const limit = query.limit ?? 50
    const all: readonly NodeKind[] = kinds ?? ['dataset', 'job', 'stream', 'view', 'training', 'model']
    const found = query.q
      ? await graph.search(query.q, kinds, limit + 1, asOf)
      : (await graph.nodes(all, asOf)).slice(0, limit + 1)
    return {
      asOf,
      nodes: found.slice(0, limit).map((node) => ({ ...node })),
      truncated: found.length > limit,
    }
  }

  async node(query: LineageNodeQuery): Promise<LineageNodeDetail> {
    const { graph } = this.#parts
    const asOf = await positionOf(this.#parts, query)
    const node = await graph.resolve(query.node, asOf)
    const base = node.field === undefined ? node.id : node.id.slice(0, node.id.lastIndexOf('#'))
    const job = node.kind === 'job'
    const limit = query.limit ?? 20
    const [kin, facets, fields, runs, versions, lifecycle] = [
      await graph.kinOf(base, asOf),
      await graph.facets(base, asOf),
      job ? [] : await graph.fieldsOf(base, asOf),
      job ? await graph.runsOf(base, asOf, limit) : [],
      job ? [] : await graph.versionsOf(base, asOf, limit),
      await graph.lifecycleOf(base, asOf),
    ]
    return {
      asOf,
      ...node,
      names: [...kin.names],
      jobs: kin.jobs.map((other) => ({ ...other })),
      facets: facets.map(({ name, body, seq, time }) => ({ name, body, seq, time: formatTime(time) })),
      fields: fields.map(({ field }) => field!).filter((field) => field !== undefined),
      runs: runs.map(({ id, state, started, ended, first, last }) => ({
        id,
        ...(state === undefined ? {} : { state }),
        started: formatTime(started),
        ...(ended === undefined ? {} : { ended: formatTime(ended) }),
        first,
        last,
      })),
      versions: versions.map(({ version, run, job: by, time, seq }) => ({
        version,
        ...(run === undefined ? {} : { run }),
        ...(by === undefined ? {} : { job: by }),
        time: formatTime(time),
        seq,
      })),
      lifecycle: lifecycle.map(({ change, previous, time, seq }) => ({
        change,
        ...(previous === undefined ? {} : { previous }),
        time: formatTime(time),
        seq,
      })),
    }
  }

  /** `walked`: what was gone through, where only some kinds of it are shown. */
  async #answer(query: Query, direction: Direction): Promise<{ answer: Answer; walked: Page; start: Start }> {
    const { graph } = this.#parts
    const asOf = await positionOf(this.#parts, query)
    const start = await this.#start(query.node, query.level, asOf)
    const depth = query.depth ?? 20
    const walked = {
      direction,
      depth,
      asOf,
      limit: query.limit ?? 1000,
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
    }
    const kinds = kindsOf(query.kinds)
    const { level, from } = start
    const walk =
      level === 'runs'
        ? runPage(await graph.walkRuns({ from, ...walked }))
        : page(await graph.walk({ from, level, ...walked, ...(kinds ? { kinds } : {}) }))
    // What is not shown is walked through all the same: what is wrong with it concerns the answer.
    const whole =
      level === 'runs' || !kinds ? walk : page(await graph.walk({ from, level, direction, depth, asOf, limit: MOST }))
    // Between columns no job is reached; their edges name it.
    const by = level === 'columns' ? whole.edges.flatMap(({ job }) => job ?? []) : []
    const ids = [...new Set([...named(whole.nodes), ...by])]
    const columns = start.level === 'columns' ? direction : undefined
    const completeness = await lackOf(graph, ids, asOf, this.#parts.clock.now(), columns)
    const notes = sentencesOf(completeness, direction)
    if (walk.truncated)
      notes.unshift(`Only ${walk.nodes.length} of ${walk.total} nodes are shown: ask for the next page, or a depth.`)
    if (await this.#leadsOn(whole, { level, depth, asOf }, direction))
      notes.unshift(
        `It ends after ${depth} steps, and data ${direction === 'backward' ? 'comes from' : 'goes'} further than that: ask with a larger depth.`,
      )
    return { answer: { node: start.id, level, depth, notes, completeness, ...walk, asOf }, walked: whole, start }
  }

  /** Whether there is more behind the depth that was asked for. Of a page that is cut it is known anyway. */
  async #leadsOn(
    { nodes, truncated }: Page,
    { level, depth, asOf }: Pick<Answer, 'level' | 'depth' | 'asOf'>,
    direction: Direction,
  ): Promise<boolean> {
    const from = truncated ? [] : nodes.filter((node) => node.depth >= depth && isWalkable(node)).map(({ id }) => id)
    if (from.length === 0) return false
    const { graph } = this.#parts
    const next = { from, direction, depth: 1, asOf, limit: MOST } as const
    const beyond = level === 'runs' ? runPage(await graph.walkRuns(next)) : page(await graph.walk({ ...next, level }))
    const known = new Set(nodes.map(({ id }) => id))
    return beyond.nodes.some(({ id }) => !known.has(id))
  }

  /** Without those that something flows into beyond where the answer ends: at its depth, or on the next page. */
  async #withoutFed(
    ends: readonly LineageNode[],
    { level, depth, asOf }: Answer,
    truncated: boolean,
  ): Promise<LineageNode[]> {
    const { graph } = this.#parts
    const from = ends.filter((end) => (truncated || end.depth >= depth) && isWalkable(end)).map(({ id }) => id)
    if (from.length === 0) return [...ends]
    // Two steps: a job that makes something out of nothing feeds nobody.
    const further = { from, direction: 'backward', depth: 2, asOf, limit: MOST } as const
    const beyond =
      level === 'runs' ? runPage(await graph.walkRuns(further)) : page(await graph.walk({ ...further, level }))
    const still = new Set(sourcesOf(beyond.nodes, beyond.edges, 2).map(({ id }) => id))
    const asked = new Set(from)
    return ends.filter(({ id }) => !asked.has(id) || still.has(id))
  }

  async #start(text: string, level: LineageLevel | undefined, asOf: number): Promise<Start> {
    const { graph } = this.#parts
    const run = /^run:(.+)$/s.exec(text)?.[1]
    if (run !== undefined) {
      const detail = await graph.run(run, asOf)
      if (level === undefined || level === 'runs') return { id: `run:${run}`, from: [`run:${run}`], level: 'runs' }
      const from = detail.outputs.map(({ dataset }) => dataset)
      if (from.length === 0 && detail.job !== undefined) from.push(detail.job)
      if (from.length === 0)
        throw new Fault('not_found', `run ${run} names neither its job nor what it wrote: ask with level=runs`)
      return { id: `run:${run}`, from, level }
    }
    if (text.startsWith('version:')) return { id: text, from: [text], level: 'runs' }
    const { id, field, kind } = await graph.resolve(text, asOf)
    const wanted = level ?? (field === undefined ? 'names' : 'columns')
    if (wanted !== 'columns' && field !== undefined) {
      const whole = id.slice(0, id.lastIndexOf('#'))
      return { id, from: [whole], level: wanted }
    }
    if (wanted === 'columns' && kind === 'job')
      throw new Fault('invalid', `${id} is a job: ask for a dataset or one of its fields (ID#FIELD) with level=columns`)
    if (wanted === 'runs' && kind === 'job') {
      const runs = await graph.runsOf(id, asOf, 1)
      if (runs.length === 0) throw new Fault('not_found', `no run of ${id} is known: ask with level=names`)
      return { id, from: [`run:${runs[0]!.id}`], level: 'runs' }
    }
    return { id, from: [id], level: wanted }
  }
}

/** Behind a version that nobody knows nothing is known either. */
function isWalkable({ kind, version }: LineageNode): boolean {
  return kind !== 'version' || version !== undefined
}

export function kindsOf(kinds: string | undefined): readonly NodeKind[] | undefined {
  return kinds === undefined ? undefined : (kinds.split(',') as NodeKind[])
}

/** Ids of datasets and jobs among nodes, each once; of a field its dataset. */
export function named(nodes: readonly LineageNode[]): string[] {
  const ids = nodes.flatMap(({ id, kind, name, field, job }) => {
    if (kind === 'run') return job === undefined ? [] : [job]
    if (kind === 'version') return [name]
    return [field === undefined ? id : id.slice(0, id.lastIndexOf('#'))]
  })
  return [...new Set(ids)].filter((id) => parseNodeId(id) !== undefined)
}

type Page = Pick<Answer, 'nodes' | 'edges' | 'total' | 'truncated' | 'cursor'>

function page({ nodes, edges, total, truncated, cursor }: Walk): Page {
  return {
    nodes: nodes.map((node) => ({ ...node })),
    edges: edges.map((edge) => ({ ...edge })),
    total,
    truncated,
    ...(cursor === undefined ? {} : { cursor }),
  }
}

function runPage({ nodes, edges, total, truncated, cursor }: RunWalk): Page {
  return {
    nodes: nodes.map((node): LineageNode => {
      const { id, depth } = node
      if (node.kind === 'run') {
        const { run, job, state, started, ended } = node
        return {
          id,
          kind: 'run',
          name: run,
          depth,
          ...(job === undefined ? {} : { job }),
          ...(state === undefined ? {} : { state }),
          ...(started === undefined ? {} : { started: formatTime(started) }),
          ...(ended === undefined ? {} : { ended: formatTime(ended) }),
        }
      }
      const { dataset, version, time } = node
      return {
        id,
        kind: 'version',
        name: dataset,
        depth,
        ...(version === undefined ? {} : { version }),
        ...(time === undefined ? {} : { time: formatTime(time) }),
      }
    }),
    edges: edges.map((edge) => ({ ...edge })),
    total,
    truncated,
    ...(cursor === undefined ? {} : { cursor }),
  }
}

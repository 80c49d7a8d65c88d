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

export interface LineageParts {
  graph: LineageGraph
  database: Database
  follower: Follower
  clock: Clock
}

type Query = Required<Pick<LineageExplainQuery, 'node'>> & LineageExplainQuery
/** What explain and impact have in common. */
export type Answer = Omit<LineageExplained, 'sources' | 'sourceCount'>

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
    const { answer } = await this.#answer(query, 'backward')
    // Of a page that is cut nobody knows what the jobs on it read.
    const ends = sourcesOf(answer.nodes, answer.edges, answer.truncated ? 0 : answer.depth).filter(
      // Asked for the columns of a dataset, it is no source of them itself.
      ({ depth, field }) => answer.level !== 'columns' || depth > 0 || field !== undefined,
    )
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
      job ? [] : await graph.lifecycleOf(base, asOf),
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

  async #answer(query: Query, direction: Direction): Promise<{ answer: Answer; start: Start }> {
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
    const walk =
      start.level === 'runs'
        ? runPage(await graph.walkRuns({ from: start.from, ...walked }))
        : page(await graph.walk({ from: start.from, level: start.level, ...walked, ...(kinds ? { kinds } : {}) }))
    // Between columns no job is reached; their edges name it.
    const by = start.level === 'columns' ? walk.edges.flatMap(({ job }) => job ?? []) : []
    const ids = [...new Set([...named(walk.nodes), ...by])]
    const columns = start.level === 'columns' ? direction : undefined
    const completeness = await lackOf(graph, ids, asOf, this.#parts.clock.now(), columns)
    const notes = sentencesOf(completeness, direction)
    if (walk.truncated)
      notes.unshift(`Only ${walk.nodes.length} of ${walk.total} nodes are shown: ask for the next page, or a depth.`)
    return { answer: { node: start.id, level: start.level, depth, notes, completeness, ...walk, asOf }, start }
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

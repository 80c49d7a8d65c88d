// The counts that matter of an impact: views, model versions, those in use, their predictions, and people.
import type { ImpactCounts, LineageImpact, LineageLevel } from '@whence/sdk'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import { parseNodeId } from '../../record/lineage/statement.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Micros } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import { modelsServed, predictionsOf } from './people.ts'
import type { CountedBatches, PredictionsOf } from './people.ts'
import { datasetOf, reachOf } from './reach.ts'

export interface ImpactParts {
  graph: LineageGraph
  database: Database
  follower: Follower
  batches: CountedBatches
}

const MOST = 100_000

export type Concerned = Pick<
  LineageImpact,
  'counts' | 'featureViews' | 'models' | 'campaigns' | 'creatives' | 'onlyPossible'
>

/** Ids of names that are reached, those only perhaps apart; and snapshots, where runs are asked about. */
interface Reached {
  ids: Set<string>
  possible: Set<string>
  snapshots?: number[]
}

export async function impactOf(
  parts: ImpactParts,
  from: readonly string[],
  { level, depth, asOf }: { level: LineageLevel; depth: number; asOf: number },
  since: Micros | undefined,
): Promise<Concerned> {
  const { graph } = parts
  const starts = new Set(from.map(datasetOf))
  const reached =
    level === 'runs'
      ? await byRuns(graph, from, depth, asOf)
      : level === 'names'
        ? await byNames(graph, from, depth, asOf)
        : await byColumns(graph, from, depth, asOf)
  // A dataset counts once, however many names it has.
  const main = await graph.mainNames([...reached.ids, ...reached.possible, ...starts], asOf)
  const once = (ids: ReadonlySet<string>): Set<string> => new Set([...ids].map((id) => main.get(id)!))
  // What is known to be reached under one of its names is.
  const known = once(reached.ids.difference(reached.possible))
  reached.ids = once(reached.ids)
  reached.possible = once(reached.possible).difference(known)
  // A start is no consequence of itself; but a model version's predictions are what is asked for.
  for (const id of once(starts)) if (parseNodeId(id)?.name.kind !== 'model') reached.ids.delete(id)
  const models = new Set(namesOf(reached.ids, 'model'))
  const views = [...new Set([...namesOf(reached.ids, 'view'), ...namesOf(starts, 'view')])]
  const snapshots = reached.snapshots ?? (await snapshotsOf(parts, views, asOf))
  if (level !== 'runs')
    for (const model of await servedFrom(parts, snapshots, level, asOf)) {
      if (!models.has(model)) reached.possible.add(`model:${model}`)
      models.add(model)
      reached.ids.add(`model:${model}`)
    }
  const found = await predictionsOf(
    parts,
    { models: [...models], snapshots: level === 'runs' ? snapshots : [] },
    asOf,
    { from: since },
  )
  return {
    counts: countsOf(reached.ids, found),
    featureViews: namesOf(reached.ids, 'view').toSorted(),
    models: withUnused(found.models, [...models]),
    campaigns: found.campaigns,
    creatives: found.creatives,
    onlyPossible: level === 'columns' ? [...reached.possible].filter((id) => reached.ids.has(id)).toSorted() : [],
  }
}

export function countsOf(ids: ReadonlySet<string>, found: PredictionsOf): ImpactCounts {
  const of = (kind: string): number => namesOf(ids, kind).length
  return {
    datasets: of('dataset'),
    jobs: of('job'),
    streams: of('stream'),
    featureViews: of('view'),
    trainingSets: of('training'),
    modelVersions: new Set([...namesOf(ids, 'model'), ...found.models.map(({ model }) => model)]).size,
    deployedModels: found.models.length,
    predictions: found.predictions,
    predictionsInBatches: found.inBatches,
    people: found.people,
    erasedPredictions: found.erased,
    ...(found.unread === 0 ? {} : { unreadPredictions: found.unread }),
    campaigns: found.campaignCount,
    creatives: found.creativeCount,
  }
}

/** Model versions without a prediction are named too: nobody is concerned by them yet. */
export function withUnused(used: PredictionsOf['models'], models: readonly string[]): PredictionsOf['models'] {
  const known = new Set(used.map(({ model }) => model))
  const unused = models.filter((model) => !known.has(model)).toSorted()
  return [...used, ...unused.map((model) => ({ model, predictions: 0, people: 0 }))]
}

export function namesOf(ids: Iterable<string>, kind: string): string[] {
  return [...ids].flatMap((id) => {
    const parsed = parseNodeId(id)
    return parsed?.name.kind === kind ? [parsed.name.name] : []
  })
}

/** Our own jobs are how views and models are made, and no pipelines of anybody's. */
const ours = (id: string): boolean => id.startsWith('job:whence:')

async function byNames(graph: LineageGraph, from: readonly string[], depth: number, asOf: number): Promise<Reached> {
  const { nodes } = await graph.walk({ from, direction: 'forward', level: 'names', depth, asOf, limit: MOST })
  return { ids: new Set(nodes.map(({ id }) => id).filter((id) => !ours(id))), possible: new Set() }
}

async function byRuns(graph: LineageGraph, from: readonly string[], depth: number, asOf: number): Promise<Reached> {
  const { nodes } = await graph.walkRuns({ from, direction: 'forward', depth, asOf, limit: MOST })
  const ids = nodes.flatMap((node) => (node.kind === 'version' ? [node.dataset] : (node.job ?? [])))
  const snapshots = nodes.flatMap((node) =>
    node.kind === 'version' && node.dataset.startsWith('view:') && /^\d{1,15}$/.test(node.version ?? '')
      ? [Number(node.version)]
      : [],
  )
  return { ids: new Set(ids.filter((id) => !ours(id))), possible: new Set(), snapshots }
}

async function byColumns(graph: LineageGraph, from: readonly string[], depth: number, asOf: number): Promise<Reached> {
  const fields: string[] = []
  for (const id of from) {
    if (id.includes('#')) fields.push(id)
    else for (const field of await graph.fieldsOf(id, asOf)) fields.push(field.id)
  }
  const reach = await reachOf(graph, new Map(fields.map((id) => [id, true])), { depth, asOf })
  const known = new Set([...reach.fields].filter(([, { possible }]) => !possible).map(([id]) => datasetOf(id)))
  const ids = new Set([...reach.fields.keys()].map(datasetOf))
  for (const id of reach.wholes.keys()) ids.add(id)
  const possible = new Set([...ids].filter((id) => !known.has(id)))
  for (const [job, { reads }] of reach.jobs) {
    if (ours(job)) continue
    ids.add(job)
    // One that filters by a field depends on it, and says so.
    if (reach.fields.get(reads)?.possible ?? true) possible.add(job)
  }
  return { ids, possible }
}

async function snapshotsOf({ database, follower }: ImpactParts, views: string[], asOf: number): Promise<number[]> {
  if (views.length === 0) return []
  await follower.reach('snapshot')
  const rows = await database.query<{ id: bigint }>(
    'select id from snapshot where view = any($1::text[]) and id < $2 order by id',
    [views, BigInt(asOf)],
  )
  return rows.map(({ id }) => Number(id))
}

/**
 * Model versions that were served from snapshots. Of columns only those of whose inputs nothing is known: for the others
 * the columns have decided.
 */
export async function servedFrom(
  { database, follower, graph, batches }: ImpactParts,
  snapshots: readonly number[],
  level: LineageLevel,
  asOf: number,
): Promise<string[]> {
  if (snapshots.length === 0) return []
  await follower.reach('prediction')
  const models = await modelsServed({ database, batches }, snapshots, asOf)
  if (level !== 'columns') return models
  const dark: string[] = []
  for (const model of models)
    if ((await graph.fieldsOf(`model:${model}`, asOf).catch(() => [])).length === 0) dark.push(model)
  return dark
}

// What was made from a declaration that is about to change: snapshots, training sets, model versions, and where those
// are in use. It stays as it is; whoever makes it again gets what is planned.
import type { PlanDownstream } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import { impactOf, namesOf } from './impact.ts'
import type { ImpactParts } from './impact.ts'
import { datasetOf } from './reach.ts'

const DEPTH = 1000
const LISTED = 100
const WALKED = 100_000

/** Of all versions of a view, or of a stream. Undefined where nothing is made from it. */
export async function downstreamOf(
  parts: ImpactParts,
  of: { kind: 'view'; name: string; versions: number } | { kind: 'stream'; name: string },
): Promise<PlanDownstream | undefined> {
  const { graph } = parts
  await graph.reach()
  const asOf = graph.head
  const names = of.kind === 'view' ? versionsOf(of) : [of.name]
  const ids: string[] = []
  for (const name of names) {
    const id = nodeId({ kind: of.kind, namespace: '', name })
    if (await knows(parts, id, asOf)) ids.push(id)
  }
  if (ids.length === 0) return undefined
  const { nodes } = await graph.walk({
    from: ids,
    direction: 'forward',
    level: 'names',
    depth: DEPTH,
    asOf,
    limit: WALKED,
  })
  const reached = new Set(nodes.map(({ id }) => datasetOf(id)).filter((id) => !ids.includes(id)))
  const { models, featureViews } = await impactOf(parts, ids, { level: 'names', depth: DEPTH, asOf }, undefined)
  const views = [...new Set([...featureViews, ...(of.kind === 'view' ? names : [])])]
  const snapshots = await snapshotsOf(parts, views)
  const trainingSets = namesOf(reached, 'training').toSorted()
  const others = of.kind === 'view' ? [] : featureViews
  if (snapshots + trainingSets.length + models.length + others.length === 0) return undefined
  const aliases = await aliasesOf(parts)
  const over = (list: readonly unknown[]): number => Math.max(0, list.length - LISTED)
  return {
    snapshots,
    featureViews: others.slice(0, LISTED),
    trainingSets: trainingSets.slice(0, LISTED),
    models: models.slice(0, LISTED).map(({ model, predictions, people }) => ({
      model,
      predictions,
      people,
      aliases: aliases.get(model) ?? [],
    })),
    more: over(others) + over(trainingSets) + over(models),
  }
}

function versionsOf({ name, versions }: { name: string; versions: number }): string[] {
  return Array.from({ length: versions }, (_, index) => `${name}@v${index + 1}`)
}

async function knows({ graph }: ImpactParts, id: string, asOf: number): Promise<boolean> {
  try {
    await graph.resolve(id, asOf)
    return true
  } catch (error) {
    if (isFault(error, 'not_found')) return false
    throw error
  }
}

async function snapshotsOf({ database, follower }: ImpactParts, views: readonly string[]): Promise<number> {
  await follower.reach('snapshot')
  const [row] = await database.query<{ n: bigint }>('select count(*) as n from snapshot where view = any($1::text[])', [
    views,
  ])
  return Number(row!.n)
}

/** Aliases of model versions, `production/champion`, by `name@N`. */
async function aliasesOf({ database, follower }: ImpactParts): Promise<Map<string, string[]>> {
  await follower.reach('alias')
  const [there] = await database.query<{ table: string | null }>("select to_regclass('model_alias')::text as table")
  if (there!.table === null) return new Map()
  const rows = await database.query<{ model: string; alias: string }>(
    `select name || '@' || version as model, environment || '/' || alias as alias from model_alias
     where version is not null order by 1, 2`,
  )
  return new Map(
    [...Map.groupBy(rows, ({ model }) => model)].map(([model, those]) => [model, those.map(({ alias }) => alias)]),
  )
}

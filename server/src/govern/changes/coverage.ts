// Which models, streams and jobs have complete lineage from source to prediction, which stage is missing, and what the
// policies in force demand that is not there.
import type { LineageCoverage, LineageCoverageQuery, Requirement, Stage } from '@whence/sdk'
import type { PolicyBook } from '../../path/events/policy-book.ts'
import type { LineageGraph, NodeDetail, Walk } from '../../record/lineage/graph.ts'
import { sourcesOf } from '../../record/lineage/sources.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import { matches } from '../../rules/files/policy-file.ts'
import type { LineagePolicy } from '../../rules/lineage/policy.ts'
import type { Database } from '../../store/database.ts'
import { positionOf } from './moment.ts'

export interface CoverageParts {
  graph: LineageGraph
  database: Database
  follower: Follower
  policies: PolicyBook<LineagePolicy>
  clock: Clock
}

/** Of each of models, streams and jobs at most so many are looked at. */
const MOST = 2000
const EDGES = 200_000

export async function coverage(parts: CoverageParts, query: LineageCoverageQuery): Promise<LineageCoverage> {
  const { graph } = parts
  const asOf = await positionOf(parts, { asOf: query.asOf })
  const all = {
    models: await graph.nodes(['model'], asOf),
    streams: await graph.nodes(['stream'], asOf),
    jobs: (await graph.nodes(['job'], asOf)).filter(
      ({ namespace }) =>
        namespace !== 'whence' && (query.namespace === undefined || matches(query.namespace, namespace)),
    ),
  }
  const truncated = Object.values(all).some((nodes) => nodes.length > MOST)
  const newest = (nodes: readonly NodeDetail[]): NodeDetail[] =>
    nodes.toSorted((a, b) => b.appeared - a.appeared).slice(0, MOST)
  const predictions = await predictionsByModel(parts, asOf)
  const models: LineageCoverage['models'] = []
  for (const node of newest(all.models)) models.push(await modelCoverage(graph, node, predictions, asOf))
  const streams: LineageCoverage['streams'] = []
  for (const node of newest(all.streams)) streams.push(await streamCoverage(graph, node, asOf))
  const jobs: LineageCoverage['jobs'] = []
  const details = new Map<string, JobKnowledge>()
  const edges = await edgesOf(graph, newest(all.jobs), asOf)
  for (const node of newest(all.jobs)) {
    // Of a job that is gone nothing is demanded.
    const idle = !edges.read.has(node.id) && !edges.written.has(node.id)
    if (idle && (await graph.lifecycleOf(node.id, asOf)).at(-1)?.change === 'drop') continue
    const known = await jobKnowledge(graph, node, edges, asOf)
    details.set(node.id, known)
    const missing = (Object.keys(known) as Requirement[]).filter((requirement) => known[requirement] !== undefined)
    const detail = missing.map((requirement) => known[requirement]).join('; ')
    jobs.push({ job: node.id, complete: missing.length === 0, missing, ...(detail === '' ? {} : { detail }) })
  }
  const inForce = await parts.policies.inForce(asOf)
  const counted = [...models, ...streams, ...jobs.map(({ missing }) => ({ complete: !missing.includes('lineage') }))]
  const predicted = models.reduce((sum, { predictions: n }) => sum + n, 0)
  const traced = models.reduce((sum, { predictions: n, sources }) => sum + (sources > 0 ? n : 0), 0)
  return {
    asOf,
    auditCompleteness: share(counted.filter(({ complete }) => complete).length, counted.length),
    traceability: share(traced, predicted),
    models: badFirst(models),
    streams: badFirst(streams),
    jobs: badFirst(jobs),
    policies: inForce.map(({ policy, version, seq }) => ({ name: policy.name, version, seq })),
    violations: inForce.flatMap(({ policy }) =>
      policy.rules.flatMap(({ namespace, require }) =>
        newest(all.jobs)
          .filter((job) => matches(namespace, job.namespace))
          .flatMap((job) =>
            require.flatMap((requires) => {
              const why = details.get(job.id)?.[requires]
              return why === undefined ? [] : [{ policy: policy.name, rule: namespace, job: job.id, requires, why }]
            }),
          ),
      ),
    ),
    truncated,
  }
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)

function badFirst<T extends { complete: boolean }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => Number(a.complete) - Number(b.complete))
}

async function predictionsByModel(
  { database, follower }: CoverageParts,
  asOf: number,
): Promise<ReadonlyMap<string, number>> {
  await follower.reach('prediction')
  const bounded = asOf < follower.next
  const rows = await database.query<{ model: string; n: bigint }>(
    `select model, count(*) as n from prediction ${bounded ? 'where seq < $1' : ''} group by model`,
    bounded ? [BigInt(asOf)] : [],
  )
  return new Map(rows.map(({ model, n }) => [model, Number(n)]))
}

async function modelCoverage(
  graph: LineageGraph,
  node: NodeDetail,
  predictions: ReadonlyMap<string, number>,
  asOf: number,
): Promise<LineageCoverage['models'][number]> {
  const walk = await graph.walk({
    from: [node.id],
    direction: 'backward',
    level: 'names',
    asOf,
    limit: EDGES,
  })
  const has = (kind: string): boolean => walk.nodes.some((each) => each.kind === kind)
  const sources = sourceDatasets(walk)
  const made = predictions.get(node.name) ?? 0
  const missing: Stage[] = []
  if (sources.length === 0) missing.push('source')
  else if (!walk.nodes.some(({ kind, namespace }) => kind === 'job' && namespace !== 'whence')) {
    // A stream may be loaded straight from its source: no job stands between, and none is missing.
    const direct = sources.every((id) =>
      walk.edges.some(({ from, to }) => from === id && to.startsWith('job:whence:ingest ')),
    )
    if (!direct) missing.push('job')
  }
  if (!has('stream')) missing.push('stream')
  if (!has('view')) missing.push('view')
  if (!has('training')) missing.push('training')
  if (!(await codeKnown(graph, node.id, asOf))) missing.push('code')
  if (made === 0) missing.push('prediction')
  // A model that nobody uses yet lacks nothing.
  const complete = missing.every((stage) => stage === 'prediction')
  return { model: node.name, complete, missing, sources: sources.length, predictions: made }
}

/** Datasets into which nothing is known to flow. */
function sourceDatasets({ nodes, edges, truncated }: Walk): string[] {
  const ends = sourcesOf(nodes, edges, truncated ? 0 : Infinity)
  return ends.filter(({ kind }) => kind === 'dataset').map(({ id }) => id)
}

async function codeKnown(graph: LineageGraph, model: string, asOf: number): Promise<boolean> {
  const [version] = await graph.versionsOf(model, asOf, 1)
  if (version?.run === undefined) return false
  const run = await graph.run(version.run, asOf)
  const job = run.job === undefined ? [] : await graph.facets(run.job, asOf)
  return codeIn([...run.facets, ...job])
}

function codeIn(facets: readonly { name: string; body: unknown }[]): boolean {
  const member = (name: string, key: string): unknown =>
    (facets.find((facet) => facet.name === name)?.body as Record<string, unknown> | undefined)?.[key]
  return (
    [
      member('whence_codeVersion', 'gitCommit'),
      member('whence_codeVersion', 'imageDigest'),
      member('sourceCodeLocation', 'version'),
      member('whence_training', 'codeDigest'),
    ] as unknown[]
  ).some((value) => typeof value === 'string' && value !== '')
}

async function streamCoverage(
  graph: LineageGraph,
  node: NodeDetail,
  asOf: number,
): Promise<LineageCoverage['streams'][number]> {
  const walk = await graph.walk({ from: [node.id], direction: 'backward', level: 'names', asOf, limit: EDGES })
  const missing: Stage[] = sourceDatasets(walk).length === 0 ? ['source'] : []
  return { stream: node.name, complete: missing.length === 0, missing }
}

/** For each requirement why it is not met; undefined where it is. */
type JobKnowledge = Record<Requirement, string | undefined>

/** Which jobs read something, and which write something. */
async function edgesOf(
  graph: LineageGraph,
  jobs: readonly NodeDetail[],
  asOf: number,
): Promise<{ read: Set<string>; written: Set<string> }> {
  if (jobs.length === 0) return { read: new Set(), written: new Set() }
  const { edges } = await graph.walk({
    from: jobs.map(({ id }) => id),
    direction: 'both',
    level: 'names',
    depth: 1,
    asOf,
    limit: EDGES,
  })
  return {
    read: new Set(edges.flatMap(({ to, how }) => (how === 'read' ? [to] : []))),
    written: new Set(edges.flatMap(({ from, how }) => (how === 'write' ? [from] : []))),
  }
}

async function jobKnowledge(
  graph: LineageGraph,
  { id }: NodeDetail,
  { read, written }: { read: ReadonlySet<string>; written: ReadonlySet<string> },
  asOf: number,
): Promise<JobKnowledge> {
  const facets = await graph.facets(id, asOf)
  const [last] = await graph.runsOf(id, asOf, 1)
  const run = last && (await graph.run(last.id, asOf))
  const owners = (facets.find(({ name }) => name === 'ownership')?.body as { owners?: unknown } | undefined)?.owners
  const lineage =
    !read.has(id) && !written.has(id)
      ? 'it is not known to read or write anything'
      : !written.has(id)
        ? 'it is not known to write anything'
        : !read.has(id)
          ? 'it is not known to read anything'
          : undefined
  return {
    lineage,
    codeVersion: codeIn([...facets, ...(run?.facets ?? [])])
      ? undefined
      : 'neither the job nor its latest run names the version of its code',
    owner: Array.isArray(owners) && owners.length > 0 ? undefined : 'no owner is named',
  }
}

/** For /metrics, in the text format of Prometheus. A share of nothing is left out. */
export function coverageMetrics({ auditCompleteness, traceability, violations }: LineageCoverage): string[] {
  const gauge = (name: string, help: string, value: number | null): string[] =>
    value === null ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`]
  return [
    ...gauge(
      'whence_lineage_audit_completeness',
      'Share of model versions, streams and jobs whose lineage is complete.',
      auditCompleteness,
    ),
    ...gauge(
      'whence_lineage_traceability_coverage',
      'Share of predictions whose model version is traced to a source dataset.',
      traceability,
    ),
    ...gauge('whence_lineage_policy_violations', 'What lineage policies demand and is not there.', violations.length),
  ]
}

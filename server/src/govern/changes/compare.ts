// Two runs held against each other: what they read, what they made, with which code, parameters and results.
import type { Difference } from '@whence/sdk'
import { canonicalize } from '@whence/ledger'
import type { LineageGraph, RunDetail } from '../../record/lineage/graph.ts'
import { nodeId, parseNodeId } from '../../record/lineage/statement.ts'
import type { Side } from './side.ts'
import { unifiedDiff } from '../../rules/files/text-diff.ts'

/** The name under which things of both sides are held together: without the version that is part of ours. */
export function lineName(id: string): string {
  const parsed = parseNodeId(id)
  if (!parsed) return id
  const { kind, namespace, name } = parsed.name
  if (kind === 'view' || kind === 'model') return `${kind}:${name.replace(/@v?\d+$/, '')}`
  if (kind === 'training') return 'training'
  if (kind === 'job' && namespace === 'whence') {
    if (name.startsWith('join ')) return 'job:whence:join'
    return nodeId({ kind, namespace, name: name.replace(/@v?\d+$/, '') })
  }
  return id
}

/** What is known of a run beside its own facets: those of its job, as they held then. */
export interface Known {
  run: RunDetail
  job: Record<string, unknown>
  facets: Record<string, unknown>
}

export async function knownOf(graph: LineageGraph, run: RunDetail): Promise<Known> {
  // The job as it was known when this run was last heard of: a later run may have changed its SQL.
  const held = run.job === undefined ? [] : await graph.facets(run.job, run.last + 1).catch(() => [])
  const byName = (facets: readonly { name: string; body: unknown }[]): Record<string, unknown> =>
    Object.fromEntries(facets.map(({ name, body }) => [name, body]))
  return { run, job: byName(held), facets: byName(run.facets) }
}

export function compareRuns(before: Known, after: Known): Difference[] {
  const [a, b] = [before.run, after.run]
  return [
    ...(a.state === b.state ? [] : [changed('state', 'state', a.state, b.state)]),
    ...(a.producer === b.producer ? [] : [changed('producer', 'producer', a.producer, b.producer)]),
    ...compareInputs(a, b),
    ...compareCode(before, after),
    ...compareMaps('parameter', parametersOf(before), parametersOf(after)),
    ...compareMaps('quality', metricsOf(before), metricsOf(after)),
    ...outputsOf(a, b).flatMap(([one, other]) => [
      ...compareSchemas(one?.facets.schema, other?.facets.schema, nameOf((one ?? other)!.dataset)),
      ...compareMaps('rows', rowCounts(one), rowCounts(other), nameOf((one ?? other)!.dataset)),
      ...compareMaps('quality', qualityOf(one), qualityOf(other), nameOf((one ?? other)!.dataset)),
    ]),
  ]
}

/** What differs of two versions of which nobody knows the run. */
export function compareOutputs(before: Side, after: Side): Difference[] {
  return compareSchemas(before.output?.facets.schema, after.output?.facets.schema, '')
}

function compareInputs(a: RunDetail, b: RunDetail): Difference[] {
  const lines = (run: RunDetail): Map<string, string> =>
    new Map(run.inputs.map(({ dataset, version }) => [lineName(dataset), told(dataset, version)]))
  const inputs = compareMaps('input', lines(a), lines(b))
  const schemas = a.inputs.flatMap((input) => {
    const other = b.inputs.find(({ dataset }) => dataset === input.dataset)
    // A run that says nothing about the schema does not say that it is empty.
    if (!other || input.facets.schema === undefined || other.facets.schema === undefined) return []
    return compareSchemas(input.facets.schema, other.facets.schema, nameOf(input.dataset))
  })
  return [...inputs, ...schemas]
}

function told(dataset: string, version: string | undefined): string {
  const name = nameOf(dataset)
  if (dataset.startsWith('training:') || version === undefined)
    return version === undefined ? `${name}, version unknown` : name
  return dataset.startsWith('stream:') ? `${name} as of ${version}` : `${name} ${version}`
}

export const nameOf = (id: string): string => parseNodeId(id)?.name.name ?? id

function outputsOf(a: RunDetail, b: RunDetail): (readonly [Output, Output])[] {
  const names = new Set([...a.outputs, ...b.outputs].map(({ dataset }) => lineName(dataset)))
  const of = (run: RunDetail, name: string): Output => run.outputs.find(({ dataset }) => lineName(dataset) === name)
  return [...names].map((name) => [of(a, name), of(b, name)] as const)
}

/** Fields by name and type. Where one side says nothing, nothing is said to differ. */
export function compareSchemas(before: unknown, after: unknown, of: string): Difference[] {
  const fields = (schema: unknown): Map<string, string> | undefined => {
    const list = (schema as { fields?: unknown } | undefined)?.fields
    if (!Array.isArray(list)) return undefined
    return new Map(
      (list as { name?: unknown; type?: unknown }[]).flatMap((field) =>
        typeof field?.name === 'string'
          ? [[field.name, typeof field.type === 'string' ? field.type : ''] as const]
          : [],
      ),
    )
  }
  const [a, b] = [fields(before), fields(after)]
  if (!a || !b) return []
  return compareMaps('schema', a, b, of)
}

function compareCode(before: Known, after: Known): Difference[] {
  const [a, b] = [codeOf(before), codeOf(after)]
  const differences = compareMaps('code', a, b)
  for (const [facet, member] of [
    ['sql', 'query'],
    ['sourceCode', 'sourceCode'],
  ] as const) {
    const [one, other] = [textOf(before.job[facet], member), textOf(after.job[facet], member)]
    if (one === other) continue
    differences.push({
      what: 'code',
      name: facet,
      change: one === undefined ? 'added' : other === undefined ? 'removed' : 'changed',
      text: unifiedDiff(one ?? '', other ?? ''),
    })
  }
  return differences
}

const textOf = (facet: unknown, member: string): string | undefined => {
  const value = (facet as Record<string, unknown> | undefined)?.[member]
  return typeof value === 'string' ? value : undefined
}

function codeOf({ facets, job }: Known): Map<string, string> {
  const version = (facets.whence_codeVersion ?? job.whence_codeVersion) as Record<string, unknown> | undefined
  const source = job.sourceCodeLocation as Record<string, unknown> | undefined
  const digest = (facets.whence_training as Record<string, unknown> | undefined)?.codeDigest
  const engine = facets.processing_engine as Record<string, unknown> | undefined
  return strings({
    commit: version?.gitCommit,
    image: version?.imageDigest,
    repository: version?.repository ?? source?.repoUrl ?? source?.url,
    version: source?.version ?? source?.tag ?? source?.branch,
    path: source?.path,
    digest,
    engine: engine === undefined ? undefined : [engine.name, engine.version].filter(Boolean).join(' '),
  })
}

function parametersOf({ facets }: Known): Map<string, string> {
  const listed = (facets.executionParameters as { parameters?: unknown } | undefined)?.parameters
  const named = (Array.isArray(listed) ? (listed as Record<string, unknown>[]) : []).map(
    (each) => [String(each?.name ?? each?.key), each?.value] as const,
  )
  const training = facets.whence_training as { parameters?: object } | undefined
  const view = facets.whence_featureView as Record<string, unknown> | undefined
  return strings({
    ...training?.parameters,
    ...Object.fromEntries(named),
    'view fingerprint': view?.fingerprint,
    'as of': view?.asOf,
    'nominal time': (facets.nominalTime as Record<string, unknown> | undefined)?.nominalStartTime,
  })
}

function metricsOf({ facets }: Known): Map<string, string> {
  const training = facets.whence_training as { metrics?: object; qualityScorecardId?: unknown } | undefined
  return strings({ ...training?.metrics, scorecard: training?.qualityScorecardId })
}

type Output = RunDetail['outputs'][number] | undefined

function rowCounts(output: Output): Map<string, string> {
  const statistics = output?.here.outputStatistics as Record<string, unknown> | undefined
  return strings({ rows: statistics?.rowCount, bytes: statistics?.size, files: statistics?.fileCount })
}

function qualityOf(output: Output): Map<string, string> {
  const metrics = (output?.here.dataQualityMetrics ?? output?.facets.dataQualityMetrics) as
    | { columnMetrics?: Record<string, Record<string, unknown>> }
    | undefined
  const columns = Object.entries(metrics?.columnMetrics ?? {}).flatMap(([column, values]) =>
    Object.entries(values ?? {})
      .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
      .map(([name, value]) => [`${column} ${name}`, value] as const),
  )
  return strings(Object.fromEntries(columns))
}

function strings(values: Record<string, unknown>): Map<string, string> {
  return new Map(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined || value === null || value === '') return []
      return [[name, typeof value === 'string' ? value : canonicalize(value as never)] as const]
    }),
  )
}

function compareMaps(
  what: Difference['what'],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  of = '',
): Difference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  return names.flatMap((name) => {
    const [a, b] = [before.get(name), after.get(name)]
    if (a === b) return []
    return [changed(what, of === '' ? name : `${name} of ${of}`, a, b)]
  })
}

function changed(
  what: Difference['what'],
  name: string,
  before: string | undefined,
  after: string | undefined,
): Difference {
  return {
    what,
    name,
    change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }
}

// What an MLflow tracking store says, as what Whence is told of training runs, model versions and lineage.
//
// All of it is the store's word. Only digests of artifacts that lie at hand are computed, by the import.
import type { ModelVersionRequest, TrainingRunRequest } from '@whence/sdk'
import { facet, PRODUCER } from './mlflow-facets.ts'
import { namedUuid } from './uuid.ts'

export interface MlflowDataset {
  readonly name: string
  /** Of a pandas dataset MD5, cut to 8 hex digits, over the first 10,000 rows. */
  readonly digest: string
  readonly sourceType: string
  /** JSON, mostly with `uri`. */
  readonly source: string
  /** JSON, mostly with `mlflow_colspec`. */
  readonly schema?: string | undefined
  readonly context?: string | undefined
}

export interface MlflowRun {
  readonly id: string
  readonly experiment: string
  readonly name?: string | undefined
  readonly status: 'running' | 'finished' | 'failed' | 'killed'
  /** Milliseconds since 1970. */
  readonly started?: number | undefined
  readonly ended?: number | undefined
  readonly params: Readonly<Record<string, string>>
  /** The last value, and how many there are; undefined where that was not asked. */
  readonly metrics: Readonly<Record<string, { value: number; count: number | undefined }>>
  readonly tags: Readonly<Record<string, string>>
  readonly datasets: readonly MlflowDataset[]
}

/** Files of a model, with digests computed now. */
export interface MlflowArtifact {
  readonly uri: string
  readonly files: readonly { path: string; sha256: string; bytes: number }[]
  /** SHA-256 over the lines `<sha256>  <path>`, in the order of the paths. */
  readonly sha256: string
  readonly flavor?: string | undefined
}

export interface MlflowVersion {
  readonly model: string
  readonly version: number
  readonly run?: string | undefined
  readonly artifact?: MlflowArtifact | undefined
}

export interface MlflowStore {
  /** As it was given: a folder, a file, a URL. */
  readonly from: string
  readonly runs: readonly MlflowRun[]
  readonly versions: readonly MlflowVersion[]
  readonly aliases: readonly { model: string; alias: string; version: number }[]
  /** What could not be read, a sentence each. */
  readonly notes: readonly string[]
}

/** Tags that name people, or say again what is said elsewhere. */
const LEFT_OUT = /^mlflow\.(user|runName|log-model\.history|source\.|databricks\.|parentRunId$|note\.content$)/

const LONGEST_TAG = 5000
const LONGEST_VALUE = 10_000

/** The run as `POST /v1/training-runs` takes it. */
export function trainingRun(run: MlflowRun, artifacts: readonly MlflowArtifact[], from: string): TrainingRunRequest {
  const { tags } = run
  const flavors = artifacts.flatMap(({ flavor }) => flavor ?? [])
  const finite = Object.entries(run.metrics).filter(([, { value }]) => Number.isFinite(value))
  const kept = Object.entries(tags).filter(([key]) => !LEFT_OUT.test(key))
  const counts = Object.entries(run.metrics).flatMap(([key, { count }]) =>
    count === undefined ? [] : [[`mlflow.metric.count.${key}`, String(count)] as const],
  )
  const odd = Object.entries(run.metrics).flatMap(([key, { value }]) =>
    Number.isFinite(value) ? [] : [[`mlflow.metric.not_finite.${key}`, String(value)] as const],
  )
  const repository = tags['mlflow.source.git.repoURL']
  const commit = tags['mlflow.source.git.commit']
  const entryPoint = tags['mlflow.source.name']
  const code = {
    ...(repository ? { repository: withoutUser(repository) } : {}),
    ...(commit ? { commit } : {}),
    ...(entryPoint ? { entryPoint: fileOf(entryPoint) } : {}),
  }
  const files = artifacts.flatMap(({ uri, files: each }) =>
    each.map(({ path, sha256, bytes }) => ({ path, sha256, bytes, uri: `${uri}/${path}`.slice(0, 4000) })),
  )
  return {
    id: run.id,
    ...(run.name ? { name: run.name.slice(0, 1000) } : {}),
    ...(flavors[0] ? { framework: flavors[0].slice(0, 200) } : {}),
    status: run.status,
    ...(run.started === undefined ? {} : { started: timeOf(run.started) }),
    ...(run.ended === undefined ? {} : { ended: timeOf(run.ended) }),
    parameters: Object.fromEntries(
      Object.entries(run.params).map(([key, value]) => [key.slice(0, 500), value.slice(0, LONGEST_VALUE)]),
    ),
    metrics: Object.fromEntries(finite.map(([key, { value }]) => [key.slice(0, 500), value])),
    ...(Object.keys(code).length > 0 ? { code } : {}),
    datasets: run.datasets.slice(0, 100).map(({ name, digest, source, context }) => ({
      name: name.slice(0, 1000),
      digest: digestOf(digest),
      source: withoutUser(uriOf(source) ?? source).slice(0, 4000),
      ...(context ? { context: context.slice(0, 100) } : {}),
    })),
    ...(files.length > 0 ? { artifacts: files.slice(0, 1000) } : {}),
    tags: Object.fromEntries(
      [...kept, ...counts, ...odd, ['mlflow.experiment', run.experiment] as const].map(([key, value]) => [
        key.slice(0, 500),
        value.slice(0, LONGEST_TAG),
      ]),
    ),
    origin: { system: 'mlflow', id: run.id, uri: withoutUser(from).slice(0, 4000) },
  }
}

/** The digest of MLflow, labelled as what it is: nobody should take it for one of the content. */
export function digestOf(digest: string): string {
  return /^[0-9a-f]{8}$/.test(digest)
    ? `mlflow:${digest} (MD5 cut to 8 hex, first 10,000 rows)`
    : `mlflow:${digest.slice(0, 150)}`
}

/** What tells a version from all others: a change of its description or stage makes no other one. */
export const versionLabel = ({ model, version, run }: MlflowVersion): string =>
  `Version ${version} of the model ${model} in MLflow${run === undefined ? '' : `, of its run ${run}`}; its number here is our own.`

/** The version as `POST /v1/models` takes it. */
export function modelVersion(version: MlflowVersion, run: MlflowRun | undefined): ModelVersionRequest {
  const { artifact } = version
  const metrics = Object.entries(run?.metrics ?? {}).filter(([, { value }]) => Number.isFinite(value))
  return {
    name: modelName(version.model),
    description: versionLabel(version).slice(0, 2000),
    predicts: 'not said in MLflow',
    ...(version.run === undefined ? {} : { run: { id: version.run } }),
    ...(metrics.length > 0 ? { metrics: Object.fromEntries(metrics.map(([key, { value }]) => [key, value])) } : {}),
    ...(artifact ? { artifact: { sha256: artifact.sha256, uri: artifact.uri, format: 'mlflow-folder' } } : {}),
  }
}

/** Names of ours have letters, digits, "_", "-" and "."; another one keeps apart by a digest of the original. */
export function modelName(name: string): string {
  if (/^[A-Za-z0-9_.-]{1,128}$/.test(name)) return name
  return `${name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}.${namedUuid(`model ${name}`).slice(0, 8)}`
}

/** As `[a-z][a-z0-9_-]*`, or undefined where that cannot be. */
export function aliasName(alias: string): string | undefined {
  const name = alias.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '_')
  return /^(?!v\d+$)[a-z][a-z0-9_-]{0,63}$/.test(name) ? name : undefined
}

const CORE = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/'

/** The run as an OpenLineage event: what it read, and the model versions (`name@N` of ours) that it made. */
export function lineageEvent(run: MlflowRun, versions: readonly string[]): object | undefined {
  if (run.datasets.length === 0 && versions.length === 0) return undefined
  const commit = run.tags['mlflow.source.git.commit']
  const repository = run.tags['mlflow.source.git.repoURL']
  const eventType = { running: 'RUNNING', finished: 'COMPLETE', failed: 'FAIL', killed: 'ABORT' }[run.status]
  return {
    eventType,
    eventTime: timeOf(run.ended ?? run.started ?? 0),
    producer: PRODUCER,
    schemaURL: `${CORE}RunEvent`,
    run: {
      runId: namedUuid(`mlflow run ${run.id}`),
      facets: {
        processing_engine: facet('ProcessingEngineRun', { version: 'unknown', name: 'mlflow' }),
        ...(commit && /^[0-9a-f]{4,64}$/.test(commit)
          ? {
              whence_codeVersion: facet('CodeVersion', {
                gitCommit: commit,
                ...(repository ? { repository: withoutUser(repository) } : {}),
              }),
            }
          : {}),
      },
    },
    job: {
      namespace: 'mlflow',
      // Runs that shared a job would be taken to read each other's datasets.
      name: `${run.experiment}/${run.id}`,
      facets: {
        jobType: facet('JobTypeJob', { processingType: 'BATCH', integration: 'MLFLOW', jobType: 'RUN' }),
        ...(run.name ? { documentation: facet('DocumentationJob', { description: run.name }) } : {}),
      },
    },
    inputs: run.datasets.map(datasetOf),
    outputs: versions.map((version) => ({ namespace: 'whence', name: `model/${version}`, facets: {} })),
  }
}

function datasetOf({ name, digest, sourceType, source, schema }: MlflowDataset): object {
  const uri = uriOf(source)
  const fields = fieldsOf(schema)
  return {
    ...namesOf(uri, sourceType, name),
    facets: {
      version: facet('DatasetVersionDataset', { datasetVersion: `mlflow:${digest}` }),
      ...(fields.length > 0 ? { schema: facet('SchemaDataset', { fields }) } : {}),
      documentation: facet('DocumentationDataset', {
        description: `${name}, as MLflow has it; its digest is ${digestOf(digest)}`,
      }),
    },
  }
}

/** As OpenLineage names files and objects in stores; what has no address keeps the name that it has in MLflow. */
function namesOf(uri: string | undefined, sourceType: string, name: string): { namespace: string; name: string } {
  const [, scheme, authority, path] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)\/*([^?#]*)/i.exec(uri ?? '') ?? []
  if (scheme === 'file') return { namespace: 'file', name: `/${path}` }
  if (scheme !== undefined && path) return { namespace: `${scheme}://${authority!.replace(/^[^@]*@/, '')}`, name: path }
  if (uri !== undefined && sourceType === 'local') return { namespace: 'file', name: uri }
  return { namespace: `mlflow:${sourceType}`, name }
}

function uriOf(source: string): string | undefined {
  try {
    const value = JSON.parse(source) as Record<string, unknown> | null
    const uri = value?.uri ?? value?.url ?? value?.path
    return typeof uri === 'string' && uri !== '' ? uri : undefined
  } catch {
    return undefined
  }
}

function fieldsOf(schema: string | undefined): { name: string; type: string }[] {
  try {
    const { mlflow_colspec: columns } = JSON.parse(schema ?? '{}') as { mlflow_colspec?: unknown }
    if (!Array.isArray(columns)) return []
    return columns.flatMap((column: { name?: unknown; type?: unknown } | null) =>
      typeof column?.name === 'string'
        ? [{ name: column.name, type: typeof column.type === 'string' ? column.type : 'unknown' }]
        : [],
    )
  } catch {
    return []
  }
}

/** Addresses carry users and passwords now and then. */
function withoutUser(address: string): string {
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1')
}

/** The last part of a path: folders above it name users. */
function fileOf(path: string): string {
  return path.split(/[/\\]/).at(-1) || path
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

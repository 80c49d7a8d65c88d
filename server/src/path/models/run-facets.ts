// Training runs as OpenLineage tells of them: which events are about one, and what their facets say of it.
import { RunArtifact, RunCode, RunDataset, RunEnvironment, RunStatus } from '@whence/sdk'
import { z } from 'zod'
import type { Facets, RunState, Statement, Use } from '../../record/lineage/statement.ts'
import { formatTime } from '../../record/time.ts'
import type { Telling } from './training-run.ts'

/** Facets by which a run is known as a training; or its job's type is TRAINING. */
const MARKS = ['whence_trainingRun', 'whence_training']

export function isTraining({ run, job }: Statement): boolean {
  if (!run) return false
  if (MARKS.some((mark) => mark in run.facets || (job && mark in job.facets))) return true
  const type = member(job?.facets.jobType, 'jobType')
  return typeof type === 'string' && type.toUpperCase() === 'TRAINING'
}

/**
 * What one event says of a training run. Our facet first, then those of the specification. A member that is not as it
 * should be is left out: the record keeps it as it came.
 */
export function readTraining(statement: Statement): Telling {
  const { run, job, time } = statement
  const runFacets = run!.facets
  const jobFacets = job?.facets ?? {}
  const own = object(runFacets.whence_trainingRun ?? jobFacets.whence_trainingRun)
  const training = object(runFacets.whence_training ?? jobFacets.whence_training)
  const said: Telling = { origin: { system: 'openlineage', id: run!.id } }
  const put = <Name extends keyof Telling>(
    name: Name,
    schema: z.ZodType<Telling[Name]>,
    ...values: unknown[]
  ): void => {
    for (const value of values) {
      const read = value === undefined ? undefined : schema.safeParse(value)
      if (read?.success && read.data !== undefined) {
        said[name] = read.data
        return
      }
    }
  }
  put('name', z.string().min(1).max(1000), own.name, job && `${job.name.namespace}/${job.name.name}`)
  put('framework', z.string().min(1).max(200), own.framework, engine(runFacets.processing_engine))
  put('status', RunStatus, own.status, statusOf(run!.state))
  if (run!.state === 'START') said.started = formatTime(time)
  if (said.status !== undefined && said.status !== 'running') said.ended = formatTime(time)
  put('parameters', values, own.parameters, training.parameters, parametersOf(runFacets.executionParameters))
  put('metrics', numbers, own.metrics, training.metrics)
  put(
    'trainingSet',
    z.string().min(1).max(128),
    own.trainingSet,
    training.trainingSet,
    ownTrainingSet(statement.inputs),
  )
  put('code', RunCode, own.code, codeOf(runFacets, jobFacets))
  put('environment', RunEnvironment, own.environment)
  put('datasets', z.array(RunDataset).max(100), own.datasets, datasetsOf(statement.inputs))
  put('artifacts', z.array(RunArtifact).max(1000), own.artifacts)
  put('tags', z.record(z.string().max(500), z.string().max(5000)), own.tags)
  return said
}

const values = z.record(z.string().max(500), z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]))
const numbers = z.record(z.string().max(500), z.number())

function statusOf(state: RunState | undefined): RunStatus | undefined {
  if (state === 'START' || state === 'RUNNING') return 'running'
  if (state === 'COMPLETE') return 'finished'
  if (state === 'FAIL') return 'failed'
  return state === 'ABORT' ? 'killed' : undefined
}

/** An event without inputs says nothing of datasets: the one at the end may be short. */
function datasetsOf(inputs: readonly Use[]): unknown {
  const foreign = inputs.filter(({ name }) => name.kind === 'dataset')
  if (foreign.length === 0) return undefined
  return foreign.slice(0, 100).map(({ name, version }) => ({
    name: `${name.namespace}/${name.name}`.slice(0, 1000),
    ...(version === undefined ? {} : { source: `version ${version}`.slice(0, 4000) }),
  }))
}

const ownTrainingSet = (inputs: readonly Use[]): string | undefined =>
  inputs.find(({ name }) => name.kind === 'training')?.name.name

function codeOf(run: Facets, job: Facets): unknown {
  const version = object(run.whence_codeVersion ?? job.whence_codeVersion)
  const location = object(job.sourceCodeLocation)
  const code = {
    repository: version.repository ?? location.repoUrl ?? location.url,
    commit: version.gitCommit ?? location.version,
    dirty: version.dirty,
    entryPoint: location.path,
  }
  const known = Object.fromEntries(Object.entries(code).filter(([, value]) => value !== undefined))
  return Object.keys(known).length === 0 ? undefined : known
}

function parametersOf(facet: unknown): unknown {
  const list = member(facet, 'parameters')
  if (!Array.isArray(list)) return undefined
  return Object.fromEntries(list.map((each) => [String(member(each, 'key')), member(each, 'value') ?? null]))
}

function engine(facet: unknown): string | undefined {
  const { name, version } = object(facet)
  if (typeof name !== 'string') return undefined
  return typeof version === 'string' ? `${name} ${version}` : name
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

const member = (value: unknown, name: string): unknown => object(value)[name]

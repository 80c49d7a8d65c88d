// What a model version says about lineage: the run that trained it, from what, with which code, parameters and results.
import { ModelVersionRequest, TrainingRunRequest } from '@whence/sdk'
import type { RunStatus } from '@whence/sdk'
import type { FollowedRecord } from '../../record/projection/follower.ts'
import type { Facets, Link, Name, RunState, Statement } from '../../record/lineage/statement.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { jobName } from '../events/lineage.ts'
import { trainingName, viewName } from '../features/lineage.ts'
import type { AliasBody } from './aliases.ts'

export const modelNode = (version: string): Name => ({ kind: 'model', namespace: '', name: version })

/** Reads `model/1`. It is its producer's word; the producer is named. */
export function modelLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const body = ModelVersionRequest.parse(JSON.parse(Buffer.from(opened.content).toString('utf8')))
  const { name, version } = record.entry.refs
  const node = modelNode(`${name}@${version}`)
  const recorded = parseTime(record.entry.recorded)!
  const ended = body.run?.ended ?? body.run?.started
  const view = body.view?.replace(/@v?(\d+)$/, '@v$1')
  const training = body.trainingSet
  // Through its training set it rests on the view; without one it names the view itself.
  const read =
    training !== undefined
      ? [{ name: trainingName(training), version: training, facets: {}, here: {} }]
      : view?.includes('@')
        ? [{ name: viewName(view), facets: {}, here: {} }]
        : []
  return [
    {
      time: (ended === undefined ? undefined : parseTime(ended)) ?? recorded,
      producer: record.entry.source,
      // A version is trained once: versions that shared a job would be taken to read each other's training sets.
      job: { name: jobName(`train ${node.name}`), facets: sourceOf(body) },
      run: { id: body.run?.id ?? `model/${node.name}`, state: 'COMPLETE', facets: runFacets(body, node.name) },
      inputs: read,
      outputs: [
        {
          name: node,
          version: String(version),
          facets: {
            ...(body.model
              ? {
                  schema: {
                    fields: body.model.features.map(({ name: feature }) => ({ name: feature, type: 'double' })),
                  },
                }
              : {}),
            documentation: { description: body.description ?? body.predicts },
            whence_training: trainingOf(body, node.name),
            ...(body.artifact ? { whence_artifact: { ...body.artifact } } : {}),
          },
          here: {},
        },
      ],
      described: [],
      links: inputLinks(body, node, training, view),
      aliases: [],
      changes: [],
      jobs: [],
    },
  ]
}

type Body = ReturnType<(typeof ModelVersionRequest)['parse']>

/** Its features are known where the model's form is: then each is linked to the field it was trained on. */
function inputLinks({ model }: Body, node: Name, training: string | undefined, view: string | undefined): Link[] {
  const from = training !== undefined ? trainingName(training) : view?.includes('@') ? viewName(view) : undefined
  if (!model || !from) return []
  return model.features.map(({ name }) => ({
    from: { name: from, field: name },
    to: { name: node, field: name },
    how: 'direct',
    transformation: 'TRANSFORMATION',
    basis: 'verified',
  }))
}

function sourceOf({ run }: Body): Facets {
  const { repository, commit } = run?.code ?? {}
  if (repository === undefined) return {}
  return {
    sourceCodeLocation: { type: 'git', url: repository, ...(commit === undefined ? {} : { version: commit }) },
  }
}

function runFacets(body: Body, model: string): Facets {
  const { commit, repository } = body.run?.code ?? {}
  const parameters = body.run?.parameters
  return {
    ...(commit === undefined
      ? {}
      : { whence_codeVersion: { gitCommit: commit, ...(repository === undefined ? {} : { repository }) } }),
    ...(parameters
      ? {
          executionParameters: {
            parameters: Object.entries(parameters).map(([key, value]) => ({ key, name: key, value })),
          },
        }
      : {}),
    whence_training: trainingOf(body, model),
  }
}

function trainingOf({ run, metrics, trainingSet }: Body, model: string): Record<string, unknown> {
  const digest = run?.code?.sha256
  return {
    model,
    ...(trainingSet === undefined ? {} : { trainingSet }),
    ...(metrics ? { metrics } : {}),
    ...(digest === undefined ? {} : { codeDigest: `sha256:${digest}` }),
  }
}

/** Reads `run/1`: what is told of a run itself. Which version came of it, and from what, the version says. */
export function runLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const body = TrainingRunRequest.parse(JSON.parse(Buffer.from(opened.content).toString('utf8')))
  const { id, status, started, ended, ...told } = body
  const when = status === undefined || status === 'running' ? started : (ended ?? started)
  return [
    {
      ...nothing,
      time: (when === undefined ? undefined : parseTime(when)) ?? parseTime(record.entry.recorded)!,
      producer: record.entry.source,
      run: {
        id,
        ...(status === undefined ? {} : { state: STATES[status] }),
        // A run's records add to each other: each has a facet of its own.
        facets: { [`whence_trainingRun_${record.seq}`]: told },
      },
    },
  ]
}

const STATES: Record<RunStatus, RunState> = {
  running: 'RUNNING',
  finished: 'COMPLETE',
  failed: 'FAIL',
  killed: 'ABORT',
}

/** Reads `alias/1`: the version that it points at is described by it, the one before no longer. */
export function aliasLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as AliasBody
  const { model, alias, environment, version, previous, reason } = body
  const facet = `whence_alias_${environment}_${alias}`
  const use = (number: number, value: object) => ({
    name: modelNode(`${model}@${number}`),
    facets: { [facet]: value },
    here: {},
  })
  const said = { alias, environment, ...(reason === undefined ? {} : { reason }) }
  return [
    {
      ...nothing,
      time: parseTime(record.entry.recorded)!,
      producer: record.entry.source,
      described: [
        ...(version === null ? [] : [use(version, said)]),
        ...(previous === undefined || previous === version ? [] : [use(previous, { _deleted: true })]),
      ],
    },
  ]
}

const nothing = { inputs: [], outputs: [], described: [], links: [], aliases: [], changes: [], jobs: [] }

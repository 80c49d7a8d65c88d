import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Statement } from '../../record/lineage/statement.ts'
import { readAccepted } from '../../rules/lineage/event.ts'
import { isTraining, readTraining } from './run-facets.ts'
import { joinRun } from './training-run.ts'
import type { Telling, ToldRun } from './training-run.ts'

const join = (...tellings: Telling[]): ToldRun =>
  tellings.reduce<ToldRun | undefined>(
    (before, telling, seq) => joinRun(before, telling, { seq, recorded: `t${seq}` }),
    undefined,
  )!

test('a run is joined from its start and its end', () => {
  const run = join(
    {
      status: 'running',
      started: '2026-03-01T00:00:00Z',
      parameters: { C: 1, penalty: 'l2' },
      code: { commit: 'abc' },
    },
    {
      status: 'finished',
      ended: '2026-03-01T01:00:00Z',
      metrics: { auc: 0.7 },
      parameters: { C: 2 },
      code: { dirty: true },
    },
    { artifacts: [{ path: 'model.onnx', sha256: 'a'.repeat(64) }], environment: { packages: { numpy: '2.4' } } },
    {
      artifacts: [{ path: 'model.onnx', bytes: 7 }, { path: 'plot.png' }],
      environment: { packages: { scipy: '1.17' } },
    },
  )
  assert.deepEqual(run, {
    origin: { system: 'api' },
    status: 'finished',
    started: '2026-03-01T00:00:00Z',
    ended: '2026-03-01T01:00:00Z',
    parameters: { C: 2, penalty: 'l2' },
    metrics: { auc: 0.7 },
    code: { commit: 'abc', dirty: true },
    environment: { packages: { numpy: '2.4', scipy: '1.17' } },
    artifacts: [{ path: 'model.onnx', sha256: 'a'.repeat(64), bytes: 7 }, { path: 'plot.png' }],
    records: [
      { seq: 0, recorded: 't0', status: 'running' },
      { seq: 1, recorded: 't1', status: 'finished' },
      { seq: 2, recorded: 't2' },
      { seq: 3, recorded: 't3' },
    ],
  })
})

test('a start that comes late takes back no end', () => {
  const run = join(
    { status: 'failed', ended: '2026-03-01T01:00:00Z' },
    { status: 'running', started: '2026-03-01T00:00:00Z' },
  )
  assert.equal(run.status, 'failed')
  assert.equal(run.started, '2026-03-01T00:00:00Z')
})

const event = (facets: object, more: object = {}): Statement =>
  readAccepted(
    Buffer.from(
      JSON.stringify({
        eventType: 'COMPLETE',
        eventTime: '2026-03-01T01:00:00Z',
        producer: 'https://trainer.example',
        schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json',
        run: { runId: '01936893-9751-7a91-a2a0-a51101a3970c', facets },
        job: { namespace: 'ml', name: 'train' },
        ...more,
      }),
    ),
    0,
  )!

test('the facets of a training are read: ours first, then those of the specification', () => {
  const said = readTraining(
    event(
      {
        whence_trainingRun: {
          framework: 'xgboost 3.1',
          metrics: { auc: 0.71 },
          environment: { language: 'python 3.13' },
          artifacts: 'not a list',
        },
        executionParameters: { parameters: [{ key: 'depth', value: '4' }] },
        processing_engine: { name: 'spark', version: '4' },
      },
      {
        job: {
          namespace: 'ml',
          name: 'train',
          facets: {
            sourceCodeLocation: {
              type: 'git',
              url: 'https://git.example/r/train.py',
              repoUrl: 'https://git.example/r',
              version: 'c0ffee',
              path: 'train.py',
            },
          },
        },
        inputs: [
          { namespace: 'whence', name: 'training/readers' },
          { namespace: 'warehouse', name: 'rows', facets: { version: { datasetVersion: '7' } } },
        ],
      },
    ),
  )
  assert.deepEqual(said, {
    origin: { system: 'openlineage', id: '01936893-9751-7a91-a2a0-a51101a3970c' },
    name: 'ml/train',
    framework: 'xgboost 3.1',
    status: 'finished',
    ended: '2026-03-01T01:00:00.000000Z',
    parameters: { depth: '4' },
    metrics: { auc: 0.71 },
    trainingSet: 'readers',
    code: { repository: 'https://git.example/r', commit: 'c0ffee', entryPoint: 'train.py' },
    environment: { language: 'python 3.13' },
    datasets: [{ name: 'warehouse/rows', source: 'version 7' }],
  })
})

test('an event is about a training by its facets or by the type of its job, and not by a name', () => {
  assert.ok(isTraining(event({ whence_trainingRun: {} })))
  assert.ok(isTraining(event({ whence_training: { model: 'opens@1' } })))
  const job = (jobType: string) => ({
    job: { namespace: 'ml', name: 'x', facets: { jobType: { processingType: 'BATCH', integration: 'RAY', jobType } } },
  })
  assert.ok(isTraining(event({}, job('training'))))
  assert.ok(!isTraining(event({}, job('QUERY'))))
  assert.ok(!isTraining(event({}, { job: { namespace: 'ml', name: 'training' } })))
})

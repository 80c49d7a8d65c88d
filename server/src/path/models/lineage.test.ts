import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FollowedRecord } from '../../record/projection/follower.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { aliasLineage, modelLineage, runLineage } from './lineage.ts'

const followed = (kind: string, seq: number, body: object): FollowedRecord => {
  const entry = { kind, source: 'trainer', recorded: '2026-03-02T00:00:00.000000Z', refs: {} }
  const content = Buffer.from(JSON.stringify(body))
  return { seq, entry, open: () => ({ state: 'open', content }) } as unknown as FollowedRecord
}

test('a training run says how it stands, and what was told of it', () => {
  const [said] = runLineage(
    followed('run/1', 7, { id: 'run-1', status: 'finished', ended: '2026-03-01T12:00:00Z', metrics: { auc: 0.7 } }),
  )
  assert.equal(said!.time, parseTime('2026-03-01T12:00:00Z'))
  assert.deepEqual(said!.run, {
    id: 'run-1',
    state: 'COMPLETE',
    facets: { whence_trainingRun_7: { metrics: { auc: 0.7 } } },
  })
})

test('an alias describes the version that it points at, and no longer the one before', () => {
  const body = { model: 'opens', alias: 'champion', environment: 'production', version: 2, previous: 1 }
  const [said] = aliasLineage(followed('alias/1', 9, body))
  assert.deepEqual(
    said!.described.map(({ name, facets }) => [nodeId(name), facets]),
    [
      ['model:opens@2', { whence_alias_production_champion: { alias: 'champion', environment: 'production' } }],
      ['model:opens@1', { whence_alias_production_champion: { _deleted: true } }],
    ],
  )
})

function recordOf(body: object): FollowedRecord {
  const entry = {
    kind: 'model/1',
    source: 'trainer',
    recorded: '2026-03-02T00:00:00.000000Z',
    refs: { name: 'opens', version: '2' },
  }
  const content = Buffer.from(JSON.stringify({ name: 'opens', predicts: 'opens it', ...body }))
  return { seq: 50, entry, open: () => ({ state: 'open', content }) } as unknown as FollowedRecord
}

test('a model version is what its run made of its training set, with code, parameters and metrics', () => {
  const [said] = modelLineage(
    recordOf({
      view: 'engagement@3',
      trainingSet: 'readers',
      run: {
        id: 'run-7',
        ended: '2026-03-01T12:00:00Z',
        parameters: { depth: 4 },
        code: { repository: 'https://git.example/opens', commit: 'c0ffee' },
      },
      metrics: { auc: 0.7 },
      model: { form: 'logistic/1', intercept: 0, features: [{ name: 'clicks_30d', weight: 1 }] },
    }),
  )
  assert.equal(said!.time, parseTime('2026-03-01T12:00:00Z'))
  assert.equal(said!.producer, 'trainer')
  assert.equal(nodeId(said!.outputs[0]!.name), 'model:opens@2')
  assert.deepEqual(
    said!.inputs.map(({ name, version }) => [nodeId(name), version]),
    [['training:readers', 'readers']],
  )
  assert.equal(said!.run!.id, 'run-7')
  assert.deepEqual(said!.run!.facets, {
    whence_codeVersion: { gitCommit: 'c0ffee', repository: 'https://git.example/opens' },
    executionParameters: { parameters: [{ key: 'depth', name: 'depth', value: 4 }] },
    whence_training: { model: 'opens@2', trainingSet: 'readers', metrics: { auc: 0.7 } },
  })
  assert.deepEqual(said!.job!.facets, {
    sourceCodeLocation: { type: 'git', url: 'https://git.example/opens', version: 'c0ffee' },
  })
  assert.deepEqual(
    said!.links.map(({ from, to, how }) => [nodeId(from.name, from.field), nodeId(to.name, to.field), how]),
    [['training:readers#clicks_30d', 'model:opens@2#clicks_30d', 'direct']],
  )
})

test('a model version of which less was said has a run of its own name, and reads its view', () => {
  const [said] = modelLineage(recordOf({ view: 'engagement@v3' }))
  assert.equal(said!.run!.id, 'model/opens@2')
  assert.equal(said!.time, parseTime('2026-03-02T00:00:00Z'))
  assert.deepEqual(
    said!.inputs.map(({ name, version }) => [nodeId(name), version]),
    [['view:engagement@v3', undefined]],
  )
  assert.deepEqual(said!.links, [])
  assert.deepEqual(modelLineage(recordOf({ view: 'engagement' }))[0]!.inputs, [])
})

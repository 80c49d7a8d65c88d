import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { ownFacets } from './own-facets.ts'

const folder = new URL('../../../../docs/spec/facets/', import.meta.url)

/** What our schemas refer to, as far as they do. */
const core = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://openlineage.io/spec/2-0-2/OpenLineage.json',
  $defs: {
    BaseFacet: {
      type: 'object',
      properties: { _producer: { type: 'string' }, _schemaURL: { type: 'string' } },
      required: ['_producer', '_schemaURL'],
    },
  },
}
const base = { _producer: 'https://x.example', _schemaURL: 'urn:x' }
const digest = `sha256:${'0f'.repeat(32)}`
const action = { record: 7, type: 'send', decision: 'released', statement: '0f'.repeat(32) }
const call = { service: 'geo', version: '3', responseDigest: digest, respondedAt: '2026-01-12T00:00:00Z' }

/** Of each facet the smallest that fits, the fullest, and some that do not. */
const examples: Record<string, { fit: object[]; misfit: object[] }> = {
  whence_action: {
    fit: [
      action,
      {
        ...action,
        environment: 'production',
        purpose: 'marketing',
        risk: 'high',
        shadow: true,
        model: 'writer@7',
        prompt: 'subject-line@3',
        consent: 'given',
        gates: [{ gate: 'pii', policy: 'send@v2', outcome: 'hold', shadow: true, findings: ['pii.email'] }],
        approvals: [{ by: 'reviewer', outcome: 'released' }],
        invalidated: 'reverted',
        own: 1,
      },
    ],
    misfit: [
      {},
      { ...action, record: -1 },
      { ...action, decision: 'sent' },
      { ...action, statement: 'x' },
      { ...action, risk: 'none' },
      { ...action, gates: [{ gate: 'pii', outcome: 'pass' }] },
      { ...action, approvals: [{ by: '', outcome: 'released' }] },
    ],
  },
  whence_campaignContext: {
    fit: [
      { campaignId: 'spring_sale_2026' },
      { campaignId: 'c', creativeId: 'k', channel: 'email', audience: 'a', objective: 'o', own: [1] },
    ],
    misfit: [{}, { campaignId: '' }, { campaignId: 5 }, { campaignId: 'c', channel: null }],
  },
  whence_codeVersion: {
    fit: [
      { gitCommit: 'a1b2c3' },
      { imageDigest: digest },
      { gitCommit: 'ab'.repeat(20), repository: 'https://git.example/r', dirty: false, imageDigest: digest },
    ],
    misfit: [
      {},
      { gitCommit: 'main' },
      { gitCommit: 'A1B2C3' },
      { imageDigest: 'sha256:1' },
      { gitCommit: 'abcd', dirty: 1 },
    ],
  },
  whence_enrichmentCall: {
    fit: [{ calls: [call] }, { calls: [call, { service: 's', version: 'v', responseDigest: digest }] }],
    misfit: [
      {},
      { calls: [] },
      { calls: [{ ...call, responseDigest: 'x' }] },
      { calls: [{ ...call, respondedAt: 'today' }] },
      { calls: call },
    ],
  },
  whence_steps: {
    fit: [
      { steps: [] },
      { steps: [{ name: 'adults', sentence: 'dropped 15 rows', inputRows: 20, outputRows: 5, inputDigest: digest }] },
    ],
    misfit: [{}, { steps: [{ name: 'adults' }] }, { steps: [{ name: 'a', sentence: 's', outputDigest: 'x' }] }],
  },
  whence_featureView: {
    fit: [{ view: 'engagement@v3' }, { view: 'a b@v12', fingerprint: 'fp1:ab', snapshot: 17 }],
    misfit: [
      {},
      { view: 'engagement' },
      { view: 'engagement@3' },
      { view: 'e@v0' },
      { view: 'e@v1', snapshot: -1 },
      { view: 'e@v1', snapshot: 1.5 },
    ],
  },
  whence_training: {
    fit: [
      { model: 'buys@3' },
      {
        model: 'buys@3',
        trainingSet: 't-1',
        qualityScorecardId: 'q-7',
        parameters: { l2: 0.1, on: true, x: null },
        metrics: { auc: 0.7 },
      },
    ],
    misfit: [
      {},
      { model: 'buys' },
      { model: 'buys@v3' },
      { model: 'buys@3', metrics: { auc: 'good' } },
      { model: 'buys@3', parameters: { deep: {} } },
    ],
  },
  whence_trainingRun: {
    fit: [
      {},
      {
        name: 'nightly',
        framework: 'scikit-learn 1.7.2',
        status: 'failed',
        parameters: { C: 1, on: true, x: null },
        metrics: { auc: 0.7 },
        trainingSet: 't-1',
        code: { repository: 'https://git.example/r', commit: 'ab12', dirty: false, entryPoint: 'train.py' },
        environment: { language: 'python 3.13', platform: 'linux', image: 'i', packages: { numpy: '2.4' } },
        datasets: [{ name: 'rows', digest: 'x', source: 's3://b/rows', context: 'training' }],
        artifacts: [{ path: 'model.onnx', sha256: '0f'.repeat(32), uri: 's3://b/model.onnx' }],
      },
    ],
    misfit: [
      { status: 'done' },
      { metrics: { auc: 'good' } },
      { parameters: { deep: {} } },
      { datasets: [{}] },
      { artifacts: [{ path: 'm', sha256: 'x' }] },
      { environment: { packages: { numpy: 2 } } },
    ],
  },
  whence_inference: {
    fit: [
      { model: 'buys@3', confidence: 0.9 },
      { model: 'buys@3', confidence: 1, predictions: 500, snapshot: 0 },
    ],
    misfit: [
      { model: 'buys@3' },
      { model: 'buys@3', confidence: 1.1 },
      { model: 'buys@3', confidence: '0.5' },
      { confidence: 0.5 },
    ],
  },
  whence_privacyControl: {
    fit: [
      { control: 'k-anonymity' },
      { control: 'k', version: '2', purpose: 'p', lawfulBasis: 'consent', parameters: { k: 20 } },
    ],
    misfit: [{}, { control: '' }, { control: 'k', parameters: [] }],
  },
}

suite('facets of ours', () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, formats: { 'date-time': true } })
  ajv.addSchema(core)
  const schemas = globSync('*.json', { cwd: folder.pathname }).map((file) => ({
    file,
    schema: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
      $id: string
      $defs: Record<string, unknown>
      properties: Record<string, { $ref: string }>
    },
  }))

  test('each has a JSON Schema of 2020-12, under an id with its version', () => {
    assert.deepEqual(
      schemas.flatMap(({ schema }) => Object.keys(schema.properties)).toSorted(),
      Object.keys(ownFacets).toSorted(),
    )
    for (const { file, schema } of schemas) {
      const name = file.replace('.json', '')
      assert.equal(ajv.validateSchema(schema), true, file)
      assert.equal(schema.$id, `urn:whence:facets:1-0-0:${name}`)
      assert.deepEqual(Object.keys(schema.$defs), [name])
      const [key] = Object.keys(schema.properties)
      assert.equal(key, `whence_${name[6]!.toLowerCase()}${name.slice(7).replace('Facet', '')}`)
    }
  })

  test('schema and server agree about every example', () => {
    for (const { schema } of schemas) {
      const [key] = Object.keys(schema.properties)
      const fits = ajv.compile(schema)
      const { fit, misfit } = examples[key!]!
      for (const [facet, expected] of [...fit.map((each) => [each, true]), ...misfit.map((each) => [each, false])] as [
        object,
        boolean,
      ][]) {
        const whole = { ...base, ...facet }
        assert.equal(fits({ [key!]: whole }), expected, `schema of ${key}: ${JSON.stringify(facet)}`)
        assert.equal(ownFacets[key!]!.safeParse(whole).success, expected, `${key}: ${JSON.stringify(facet)}`)
      }
    }
  })
})

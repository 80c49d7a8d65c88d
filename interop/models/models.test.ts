// A scikit-learn pipeline as its own people run it: trained on an exported training set, registered as ONNX, scored in
// Python, its predictions sent through the Python client. Then every one of them is computed again here.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Client, Snapshot } from '@whence/sdk'
import { contract, stream } from '../../journeys/shop.ts'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'

const environment = process.env['WHENCE_MODELS']
const python = join(environment ?? '', process.platform === 'win32' ? 'Scripts' : 'bin', 'python')
const root = join(import.meta.dirname, '..', '..')

/** In CI nothing is skipped. */
function lacking(): string | false {
  if (process.env['CI'] === 'true') return false
  if (environment === undefined) return 'WHENCE_MODELS names no Python environment: see interop/README.md'
  const { status } = spawnSync(python, ['-c', 'import sklearn, skl2onnx, onnxruntime, pyarrow'])
  return status === 0 ? false : 'the Python of WHENCE_MODELS lacks what interop/models/requirements.txt names'
}

const features = ['letters_90d', 'opens_90d', 'opens_30d', 'largest']
const view = `
kind: FeatureView
name: reader
entity: customer
source: ${stream}
features:
  - { name: letters_90d, type: int64, window: 90d, filter: event = 'sent', expr: count(*) }
  - { name: opens_90d, type: int64, window: 90d, filter: event = 'opened', expr: count(*) }
  - { name: opens_30d, type: int64, window: 30d, filter: event = 'opened', expr: count(*) }
  - { name: largest, type: decimal, filter: event = 'bought', expr: max(amount) }
`

/** The same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

interface Trained {
  model: string
  run: string
  sha256: string
  trained: number
  scored: number
  missing: number
  yes: number
  largestDifference: number
  stats: { streams: Record<string, { emitted: number; lost?: unknown }> }
}

describe('a scikit-learn pipeline', { skip: lacking() }, () => {
  const people = Array.from({ length: 400 }, (_, i) => `cust-${i}`)
  let site: Site
  let server: Running
  let whence: Client
  let snapshot: Snapshot
  let keys: { ingest: string; read: string }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    await whence.apply({
      files: [
        { path: 'contracts/letters.yaml', text: contract() },
        { path: 'features/reader.yaml', text: view },
      ],
    })
    const random = numbers(7)
    const keen = people.map(() => random())
    let n = 0
    const events = people.flatMap((customer, i) =>
      Array.from({ length: 12 }, (_, week) => {
        const at = Date.parse('2026-01-05T08:00:00Z') + week * 5 * 86_400_000 + i * 1000
        const one = (event: string, minutes: number, more: object = {}) => ({
          id: `e-${++n}`,
          n,
          event,
          time: new Date(at + minutes * 60_000).toISOString(),
          received: new Date(at + minutes * 60_000 + 1000).toISOString(),
          customer,
          campaign: `week ${week}`,
          creative: 'A',
          ...more,
        })
        const opened = random() < keen[i]!
        const bought = opened && random() < 0.15
        return [
          one('sent', 0),
          ...(opened ? [one('opened', 30)] : []),
          ...(bought ? [one('bought', 50, { amount: Math.round(random() * 10_000) / 100 })] : []),
        ]
      }).flat(),
    )
    await whence.ingest(stream, events)
    await whence.createTrainingSet({
      id: 'readers',
      view: 'reader',
      label: 'opened the next one',
      spine: people.map((entity, i) => ({ entity, at: '2026-02-15T00:00:00Z', label: random() < keen[i]! })),
    })
    snapshot = await whence.materialize({ view: 'reader', at: '2026-03-10T00:00:00Z' })
    const issued = async (scope: 'ingest' | 'read') =>
      (await whence.issueKey({ name: `ml-${scope}`, scopes: [scope], source: 'ml' })).secret
    keys = { ingest: await issued('ingest'), read: await issued('read') }
    const exported = await site.whence('training-set', 'export', 'readers', '--out', 'readers.parquet')
    assert.equal(exported.code, 0, exported.stderr)
  })
  after(() => site?.remove())

  async function train(estimator: string): Promise<Trained> {
    const given = {
      url: server.url,
      key: keys.ingest,
      'read-key': keys.read,
      training: join(site.folder, 'readers.parquet'),
      'training-set': 'readers',
      view: 'reader@v1',
      snapshot: String(snapshot.id),
      spool: join(site.folder, `spool-${estimator}`),
      commit: '5f2b6c1d0e9a',
      estimator,
    }
    const child = spawn(
      python,
      [
        join(import.meta.dirname, 'train.py'),
        ...Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]),
        '--features',
        ...features,
      ],
      { env: { ...process.env, PYTHONPATH: join(root, 'clients', 'python') }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    )
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as Trained
  }

  for (const estimator of ['logistic', 'boosting']) {
    test(`${estimator}: every prediction is computed again, from its events to its score`, async (t) => {
      const trained = await train(estimator)
      assert.deepEqual([trained.trained, trained.scored], [people.length, people.length])
      assert.ok(trained.missing > 0, 'the imputer has something to do')
      assert.ok(trained.yes > 0 && trained.yes < trained.scored)
      t.diagnostic(`largest difference between doubles and ONNX in Python: ${trained.largestDifference}`)

      const ran = await site.whence('replay', '--model', trained.model, '--json')
      assert.equal(ran.code, 0, ran.stderr)
      const replayed = await whence.replay({ model: trained.model })
      assert.deepEqual(
        [replayed.population, replayed.compared, replayed.exact, replayed.causes],
        [people.length, people.length, people.length, {}],
      )

      const version = await whence.model(trained.model)
      assert.equal(version.tolerance, 1e-5)
      const found = await whence.find({ model: trained.model, limit: 20 })
      const explanations = await Promise.all(found.predictions.map(({ id }) => whence.explain(id!)))
      for (const { score, inputs, counterfactual } of explanations) {
        assert.equal(score.truth, 'recomputed')
        assert.ok(Math.abs(score.recomputed! - score.stored!) <= 1e-5)
        assert.deepEqual(new Set(inputs.map(({ truth }) => truth)), new Set(['recomputed']))
        assert.equal(counterfactual!.yes, score.stored! >= 0.5)
        for (const change of counterfactual!.changes)
          assert.equal(change.score >= 0.5, !counterfactual!.yes, 'the change named changes the decision')
      }
      assert.ok(
        explanations.some(({ counterfactual }) => counterfactual!.changes.length > 0),
        'for somebody one input decides',
      )
    })

    test(`${estimator}: the audit finds what it was made from`, async () => {
      const audit = await whence.modelAudit(`letters-${estimator}@1`)
      const marks = new Map(audit.items.map(({ what, truth }) => [what, truth]))
      assert.deepEqual(Object.fromEntries(marks), {
        record: 'recomputed',
        view: 'recomputed',
        contract: 'recomputed',
        'training set': 'recomputed',
        events: 'recomputed',
        snapshot: 'recomputed',
        run: 'asserted',
        code: 'asserted',
        environment: 'asserted',
        parameters: 'asserted',
        artifact: 'recomputed',
      })
      assert.deepEqual(audit.alerts, [])
    })
  }

  test('a score that was changed on its way is found', async () => {
    const { predictions } = await whence.find({ model: 'letters-boosting@1', limit: 1 })
    const id = predictions[0]!.id!
    const { score, entity } = await whence.explain(id)
    await whence.predict({
      model: 'letters-boosting@1',
      snapshot: snapshot.id,
      predictions: [{ id: 'changed', entity: entity!, score: score.stored! + 3e-5 }],
    })
    const { exact, causes } = await whence.replay({ model: 'letters-boosting@1' })
    assert.deepEqual([exact, causes], [people.length, { 'score differs': 1 }])
  })
})

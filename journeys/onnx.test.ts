// A model in ONNX: registered, its predictions explained and replayed, and what happens when its file is not what it was.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import type { Client, FeatureValue, ModelVersion } from '@whence/sdk'
import { logistic as onnxOf, random } from '../server/src/store/onnx.fixture.ts'
import { refused } from './answers.ts'
import { customers, follow, logistic, prediction, reader, scored } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const features = logistic.features.map(({ name }) => name)
/** The shop's model, as a converter would write it: single precision. */
const onnx = onnxOf(
  logistic.features.map(({ weight, scale }) => weight / scale),
  logistic.features.reduce((sum, { weight, mean, scale }) => sum - (weight * mean) / scale, logistic.intercept),
)
const sha256 = hash('sha256', onnx)
const threshold = 0.5

suite('a model in ONNX', () => {
  let site: Site
  let server: Running
  let whence: Client
  let thread: Thread
  let version: ModelVersion

  const request = {
    name: 'opens-onnx',
    predicts: 'opens the next letter',
    view: 'reader@v1',
    trainingSet: 'readers of winter',
    run: { id: 'run-7', code: { commit: 'c0ffee' } },
    artifact: { sha256, format: 'onnx' },
    signature: { inputs: [{ name: 'X', features }], output: { name: 'score' } },
    threshold,
  }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
  })
  after(() => site?.remove())

  test('is registered once its artifact is stored, and its signature is the model’s', async () => {
    await refused(whence.registerModel(request), 'invalid')
    await whence.putArtifact(sha256, onnx)
    const wrong = { ...request, signature: { ...request.signature, output: { name: 'probability' } } }
    assert.match(await refused(whence.registerModel(wrong), 'invalid'), /the outputs score \(float, \? x 1\)/)
    const drawn = random()
    await whence.putArtifact(hash('sha256', drawn), drawn)
    await refused(
      whence.registerModel({
        ...request,
        artifact: { sha256: hash('sha256', drawn), format: 'onnx' },
        signature: { inputs: [{ name: 'X', features: ['spent'] }], output: { name: 'score' } },
      }),
      'invalid',
    )
    version = await whence.registerModel(request)
    assert.equal(version.version, 1)
    assert.equal(version.tolerance, 1e-5)
    assert.equal((await whence.registerModel(request)).receipt!.status, 'duplicate')
  })

  test('its predictions are recomputed, within its tolerance; reasons stay the producer’s word', async () => {
    await whence.predict({
      model: 'opens-onnx@1',
      snapshot: thread.snapshot.id,
      predictions: customers.map((customer) => ({ ...prediction(customer), id: `o-${customer.split('-')[1]}` })),
    })
    const replayed = await whence.replay({ model: 'opens-onnx@1' })
    assert.deepEqual([replayed.compared, replayed.exact, replayed.misses], [customers.length, customers.length, []])
    const explained = await whence.explain('o-anna')
    const { score } = scored({ ...reader(customers[0]!) })
    assert.equal(explained.score.truth, 'recomputed')
    assert.equal(explained.score.stored, score)
    assert.notEqual(explained.score.recomputed, score, 'single precision is not double')
    assert.ok(Math.abs(explained.score.recomputed! - score) < 1e-6)
    assert.ok(explained.reasons.length === 3 && explained.reasons.every(({ truth }) => truth === 'asserted'))
  })

  test('names for each input the nearest change that would have changed the decision', async () => {
    const rows = customers.map((customer): Record<string, FeatureValue> => ({ ...reader(customer) }))
    for (const [i, customer] of customers.entries()) {
      const { counterfactual, claims } = await whence.explain(`o-${customer.split('-')[1]}`)
      const values = rows[i]!
      const yes = scored(values).score >= threshold
      assert.equal(counterfactual!.yes, yes)
      for (const feature of features) {
        const others = [...new Set(rows.map((row) => row[feature] as number))].filter(
          (value) => scored({ ...values, [feature]: value }).score >= threshold !== yes,
        )
        const nearest = others.sort(
          (a, b) => Math.abs(a - Number(values[feature])) - Math.abs(b - Number(values[feature])) || a - b,
        )[0]
        const change = counterfactual!.changes.find((each) => each.feature === feature)
        assert.equal(change?.to, nearest, `${customer} ${feature}`)
        assert.equal(counterfactual!.steady.includes(feature), nearest === undefined)
      }
      assert.ok(claims.some(({ subject, truth }) => subject === 'counterfactual' && truth === 'recomputed'))
    }
    assert.equal((await whence.explain('p-anna')).counterfactual, undefined, 'without a threshold there is no decision')
  })

  test('a score that the model does not give is contradicted', async () => {
    const score = scored({ ...reader(customers[1]!) }).score + 2e-5
    await whence.predict({
      model: 'opens-onnx@1',
      snapshot: thread.snapshot.id,
      predictions: [{ ...prediction(customers[1]!, 'o-wrong'), score }],
    })
    assert.equal((await whence.explain('o-wrong')).score.truth, 'contradicted')
    const { causes } = await whence.replay({ model: 'opens-onnx@1' })
    assert.deepEqual(causes, { 'score differs': 1 })
  })

  test('while its file is altered or gone, scores are as the producer says, and why is said', async () => {
    await server.stop()
    await writeFile(`${site.data}/artifacts/${sha256}`, onnxOf([1, 1, 1], 0))
    server = await site.start()
    whence = server.client
    const altered = await whence.explain('o-anna')
    assert.equal(altered.score.truth, 'asserted')
    assert.match(altered.claims.find(({ name }) => name === 'score')!.note!, /altered/)
    assert.equal(altered.counterfactual, undefined)
    assert.equal((await whence.verify()).ok, false)
    await rm(`${site.data}/artifacts/${sha256}`)
    assert.match((await whence.explain('o-anna')).claims.find(({ name }) => name === 'score')!.note!, /not stored/)
    const { causes } = await whence.replay({ model: 'opens-onnx@1' })
    assert.deepEqual(causes, { 'model cannot be scored': customers.length + 1 })
    await whence.putArtifact(sha256, onnx)
    assert.equal((await whence.explain('o-anna')).score.truth, 'recomputed')
    assert.equal((await whence.verify()).ok, true)
  })

  test('an erased person’s values are no example for others', async () => {
    const own = (feature: keyof ReturnType<typeof reader>) =>
      customers.find(
        (customer) => customers.filter((other) => reader(other)[feature] === reader(customer)[feature]).length === 1,
      )
    const feature = (['spent', 'opens_90d', 'opens_30d', 'letters_90d'] as const).find(
      (name) => own(name) !== undefined,
    )
    const gone = feature === undefined ? customers[9]! : own(feature)!
    await whence.erase({ identifier: gone, basis: 'request of the person' })
    const left = customers.filter((customer) => customer !== gone)
    for (const customer of left) {
      const { counterfactual } = await whence.explain(`o-${customer.split('-')[1]}`)
      for (const { feature: name, to } of counterfactual!.changes)
        assert.ok(
          left.some((other) => reader(other)[name as 'spent'] === to),
          `${name} ${String(to)}`,
        )
    }
    const erased = await whence.explain(`o-${gone.split('-')[1]}`)
    assert.equal(erased.counterfactual, undefined)
    assert.equal(erased.score.truth, 'erased')
  })
})

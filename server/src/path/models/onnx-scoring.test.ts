import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, suite, test } from 'node:test'
import type { ModelSignature, ModelVersion } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import { endless, float, int64, logistic, model, node, random, sociable, value } from '../../store/onnx.fixture.ts'
import { Onnx } from '../../store/onnx.ts'
import type { Artifacts } from './artifacts.ts'
import { OnnxScoring } from './onnx-scoring.ts'

/** A store in memory. */
const stored = new Map<string, Uint8Array>()
const artifacts = { read: async (sha256: string) => stored.get(sha256) } as unknown as Artifacts

function keep(bytes: Uint8Array): string {
  const sha256 = hash('sha256', bytes)
  stored.set(sha256, bytes)
  return sha256
}

const versionOf = (bytes: Uint8Array, signature: ModelSignature, tolerance = 1e-5) =>
  ({
    name: 'opens',
    version: 1,
    seq: 3,
    predicts: 'opens it',
    tolerance,
    artifact: { sha256: keep(bytes), format: 'onnx' },
    signature,
  }) satisfies ModelVersion
const one = (...features: string[]): ModelSignature => ({
  inputs: [{ name: 'X', features }],
  output: { name: 'score' },
})

suite('scoring of ONNX artifacts', () => {
  const onnx = new Onnx({ runWithin: 3000 })
  const scoring = new OnnxScoring(onnx, artifacts)
  after(() => onnx.close())

  const scorerOf = async (version: ModelVersion) => {
    const found = await scoring.scorerOf(version)
    assert.ok(found.able, found.able ? '' : found.why)
    return found.scorer
  }
  const refused = (version: ReturnType<typeof versionOf>, words: RegExp) =>
    assert.rejects(
      scoring.admit(version),
      (error) => isFault(error, 'invalid') && (assert.match(error.message, words), true),
    )

  test('features are put into the columns that the signature names', async () => {
    const version = versionOf(logistic([0.5, -0.25], 0.1), one('clicks', 'opens'))
    await scoring.admit(version)
    const scorer = await scorerOf(version)
    assert.deepEqual(scorer.features, ['clicks', 'opens'])
    const { score } = await scorer.score({ opens: 2, clicks: 4, other: 9 })
    assert.ok(Math.abs(score - 1 / (1 + Math.exp(-1.6))) < 1e-6)
    assert.ok(Number.isNaN((await scorer.score({ clicks: 1 })).score), 'a missing float is NaN, unless told otherwise')
    const told = versionOf(logistic([0.5, -0.25], 0.1), {
      inputs: [{ name: 'X', features: ['clicks', 'opens'], missing: 2 }],
      output: { name: 'score', column: 0 },
    })
    assert.equal((await (await scorerOf(told)).score({ clicks: 4 })).score, score)
  })

  test('a row scores alike alone and in company, over several runs', async () => {
    const weights = Array.from({ length: 24 }, (_, i) => Math.sin(i))
    const scorer = await scorerOf(versionOf(logistic(weights, 0.3), one(...weights.map((_, i) => `f${i}`))))
    const rows = Array.from({ length: 2500 }, (_, r) =>
      Object.fromEntries(weights.map((_, i) => [`f${i}`, Math.cos(r * 31 + i * 7)])),
    )
    const many = await scorer.scoreMany(rows)
    for (const r of [0, 1, 999, 1000, 2499]) assert.deepEqual(await scorer.score(rows[r]!), many[r])
    const reckoned = rows.map(
      (row) => 1 / (1 + Math.exp(-weights.reduce((sum, weight, i) => sum + weight * row[`f${i}`]!, 0.3))),
    )
    assert.ok(many.every(({ score }, r) => Math.abs(score - reckoned[r]!) < scorer.tolerance))
  })

  test('what a value cannot be is said of its row, and of no other', async () => {
    const mixed = model({
      nodes: [
        node('Cast', ['n'], ['nf'], [['to', 1n]]),
        node('Cast', ['yes'], ['yf'], [['to', 1n]]),
        node('Add', ['nf', 'yf'], ['score']),
      ],
      inputs: [value('n', ['N', 1], 7), value('yes', ['N', 1], 9)],
      outputs: [value('score', ['N', 1])],
    })
    const signature: ModelSignature = {
      inputs: [
        { name: 'n', features: ['count'] },
        { name: 'yes', features: ['consent'] },
      ],
      output: { name: 'score' },
    }
    const version = versionOf(mixed, signature)
    await scoring.admit(version)
    const scored = await (
      await scorerOf(version)
    ).scoreMany([
      { count: 3, consent: true },
      { count: null, consent: true },
      { count: 2.5, consent: true },
      { count: '7', consent: false },
      { count: 1, consent: 1 },
    ])
    assert.deepEqual(
      scored.map(({ score, problem }) => problem ?? score),
      [
        4,
        "count is missing, which the model's input n (int64) cannot take",
        "count is 2.5, which the model's input n (int64) cannot take",
        7,
        "consent is 1, which the model's input yes (bool) cannot take",
      ],
    )
  })

  test('a row that the model itself refuses does not speak for the others', async () => {
    const lookup = model({
      nodes: [node('Gather', ['table', 'i'], ['score'])],
      inputs: [value('i', ['N'], 7)],
      outputs: [value('score', ['N'])],
      initializers: [float('table', [3], 0.1, 0.2, 0.3)],
    })
    const version = versionOf(lookup, { inputs: [{ name: 'i', features: ['slot'] }], output: { name: 'score' } })
    const scored = await (await scorerOf(version)).scoreMany([{ slot: 0 }, { slot: 9 }, { slot: 2 }])
    assert.deepEqual(
      scored.map(({ score }) => Math.round(score * 10)),
      [1, Number.NaN, 3],
    )
    assert.match(scored[1]!.problem!, /runtime says/)
  })

  test('a signature that does not fit is refused with what the model has', async () => {
    const bytes = logistic([0.5, -0.25], 0.1)
    const has = /The model has the inputs X \(float, \? x 2\) and the outputs score \(float, \? x 1\)\./
    const wrong: [ModelSignature, RegExp][] = [
      [{ inputs: [{ name: 'Y', features: ['a', 'b'] }], output: { name: 'score' } }, /lacks the input X/],
      [one('a'), /2 columns, and 1 features/],
      [{ ...one('a', 'b'), output: { name: 'probability' } }, /no output probability/],
      [{ ...one('a', 'b'), output: { name: 'score', column: 1 } }, /no column 1/],
      [{ ...one('a', 'b'), inputs: [{ name: 'X', features: ['a', 'b'], type: 'double' }] }, /is float, not double/],
      [{ ...one('a', 'b'), inputs: [{ name: 'X', features: ['a', 'b'], shape: [null, 3] }] }, /another shape/],
      [{ ...one('a', 'b'), inputs: [{ name: 'X', features: ['a', 'b'], missing: 'x' }] }, /must be a number/],
      [{ ...one('a', 'b'), inputs: [...one('a', 'b').inputs, { name: 'Z', features: ['c'] }] }, /no input Z/],
    ]
    for (const [signature, words] of wrong) {
      await refused(versionOf(bytes, signature), words)
      await refused(versionOf(bytes, signature), has)
    }
    const { signature: _, ...bare } = versionOf(bytes, one('a', 'b'))
    await refused(bare as ReturnType<typeof versionOf>, /there is none/)
  })

  test('what cannot be checked later is not admitted', async () => {
    await refused(versionOf(random(), one('a')), /draws random numbers/)
    await refused(versionOf(sociable(), one('a')), /depends on those beside it/)
    const fixed = model({
      nodes: [node('Identity', ['X'], ['score'])],
      inputs: [value('X', [7, 1])],
      outputs: [value('score', [7, 1])],
    })
    await refused(versionOf(fixed, one('a')), /exactly 7 rows/)
    const folded = model({
      nodes: [node('ReduceSum', ['X', 'axes'], ['score'], [['keepdims', 0n]])],
      inputs: [value('X', ['N', 1])],
      outputs: [value('score', ['M'])],
      initializers: [int64('axes', [2], 0, 1)],
    })
    await refused(versionOf(folded, one('a')), /runtime says|not one number for each row/)
    await refused(
      { ...versionOf(logistic([1], 0), one('a')), artifact: { sha256: 'e'.repeat(64), format: 'onnx' } },
      /not stored/,
    )
    await refused(versionOf(Buffer.from('pickled'), one('a')), /no ONNX model/)
  })

  test('a model that takes one row at a time is given one at a time', async () => {
    const single = model({
      nodes: [node('Identity', ['X'], ['score'])],
      inputs: [value('X', [1, 1])],
      outputs: [value('score', [1, 1])],
    })
    const version = versionOf(single, one('a'))
    await scoring.admit(version)
    const scored = await (await scorerOf(version)).scoreMany([{ a: 1 }, { a: 2 }])
    assert.deepEqual(
      scored.map(({ score }) => score),
      [1, 2],
    )
  })

  test('a model that never ends is not admitted, and rests before it is run again', async () => {
    let now = 0
    const patient = new OnnxScoring(onnx, artifacts, () => now)
    const version = versionOf(endless(), one('a'))
    await assert.rejects(patient.admit(version), (error) => isFault(error, 'unavailable'))
    const found = await patient.scorerOf(version)
    assert.ok(!found.able && /more than 3 s/.test(found.why))
    now += 61_000
    assert.ok((await patient.scorerOf(version)).able)
  })

  test('other formats are not run', async () => {
    const found = await scoring.scorerOf({
      ...versionOf(logistic([1], 0), one('a')),
      artifact: { sha256: 'f'.repeat(64), format: 'pickle' },
    })
    assert.ok(!found.able && found.why.includes('form of its artifact'))
  })
})

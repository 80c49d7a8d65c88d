import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { isFault } from '../fault.ts'
import { custom, endless, greedy, logistic, outside, random } from './onnx.fixture.ts'
import { Onnx } from './onnx.ts'
import type { OnnxTensor } from './onnx.ts'

const column = (...values: number[]): Record<string, OnnxTensor> => ({
  X: { type: 'float32', data: Float32Array.from(values), dims: [values.length, 1] },
})
const of = (bytes: Uint8Array) => async () => bytes

suite('the ONNX runtime', () => {
  const onnx = new Onnx({ runWithin: 1500, memoryBytes: 256 * 1024 * 1024 })
  after(() => onnx.close())

  const refused = (bytes: Uint8Array, words: RegExp) =>
    assert.rejects(
      onnx.run(`k${Math.random()}`, of(bytes), column(1), 'score'),
      (error) => isFault(error, 'invalid') && words.test(error.message),
    )

  test('names inputs and outputs, and runs', async () => {
    const bytes = logistic([0.5, -0.25], 0.1)
    assert.deepEqual(await onnx.describe('a', of(bytes)), {
      inputs: [{ name: 'X', type: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'score', type: 'float32', shape: [null, 1] }],
    })
    const { data, dims } = await onnx.run(
      'a',
      () => assert.fail('it is loaded already'),
      { X: { type: 'float32', data: Float32Array.of(1, 2, -3, 4), dims: [2, 2] } },
      'score',
    )
    assert.deepEqual(dims, [2, 1])
    for (const [i, logit] of [0.1, -2.4].entries())
      assert.ok(Math.abs((data as Float32Array)[i]! - 1 / (1 + Math.exp(-logit))) < 1e-6)
  })

  test('refuses what is no model, and goes on', async () => {
    const whole = logistic([1], 0)
    await refused(new Uint8Array(), /no ONNX model/)
    await refused(Buffer.from('PK\u0003\u0004 this is a zip'), /no ONNX model/)
    await refused(whole.subarray(0, whole.length - 20), /no ONNX model|runtime says/)
    await refused(custom(), /operator that the runtime does not have|runtime says/)
    const { data } = await onnx.run('fine', of(whole), column(0), 'score')
    assert.equal(data[0], 0.5)
  })

  test('reads no file for weights that are said to lie in one', async () => {
    await refused(outside('/etc/hostname'), /another file/)
    await refused(outside('../../etc/hostname'), /another file/)
  })

  test('ends a loop that never ends; others are not kept waiting for ever', async () => {
    const stuck = onnx.run('endless', of(endless()), column(1), 'score')
    const next = onnx.run('after', of(logistic([1], 0)), column(0), 'score')
    await assert.rejects(stuck, (error) => isFault(error, 'unavailable'))
    assert.equal((await next).data[0], 0.5)
  })

  test('bounds the memory of a model', async () => {
    await refused(greedy(2n ** 28n), /memory/)
    await refused(greedy(2n ** 40n), /memory|runtime says/)
    assert.equal((await onnx.run('again', of(logistic([1], 0)), column(0), 'score')).data[0], 0.5)
  })

  test('keeps a bounded number of models open, and loads the others again', async () => {
    let loads = 0
    const ask = (i: number) =>
      onnx.run(`m${i}`, async () => (loads++, logistic([1], i)), column(0), 'score').then(({ data }) => data[0])
    const once = []
    for (let i = 0; i < 12; i++) once.push(await ask(i))
    const twice = []
    for (let i = 0; i < 12; i++) twice.push(await ask(i))
    assert.deepEqual(twice, once)
    assert.ok(loads > 12 && loads <= 24)
  })

  test('refuses a model that is too large before it is read', async () => {
    const small = new Onnx({ modelBytes: 100 })
    await assert.rejects(small.describe('x', of(logistic([1, 2, 3], 0))), (error) => isFault(error, 'too_large'))
    await small.close()
  })

  test('a model of random numbers gives others every time', async () => {
    const draw = async () => (await onnx.run('random', of(random()), column(0, 0), 'score')).data
    assert.notDeepEqual(await draw(), await draw())
  })
})

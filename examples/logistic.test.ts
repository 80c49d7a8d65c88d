import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auc, fit, score } from './logistic.ts'

/** Numbers between 0 and 1 that look random and are the same every time. */
function* numbers(): Generator<number, never> {
  for (let state = 7; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield state / 2 ** 32
  }
}

function drawn(count: number, truth: { intercept: number; a: number; b: number }) {
  const random = numbers()
  return Array.from({ length: count }, () => {
    const a = random.next().value * 4 - 2
    const b = random.next().value * 10
    const p = 1 / (1 + Math.exp(-(truth.intercept + truth.a * a + truth.b * b)))
    return { values: { a, b: b < 1 ? null : b }, label: random.next().value < p }
  })
}

test('finds the weights that made the labels', () => {
  const truth = { intercept: -2, a: 1.5, b: 0.4 }
  const model = fit(drawn(20_000, truth), { features: ['a', 'b'], missing: { b: 0.5 }, l2: 0 })
  const [a, b] = model.features.map((f) => f.weight / f.scale)
  const intercept = model.intercept - model.features.reduce((sum, f) => sum + (f.weight * f.mean) / f.scale, 0)
  assert.ok(Math.abs(a! - truth.a) < 0.08, `a ${a}`)
  assert.ok(Math.abs(b! - truth.b) < 0.03, `b ${b}`)
  assert.ok(Math.abs(intercept - truth.intercept) < 0.12, `intercept ${intercept}`)
})

test('is indifferent to a feature that never changes', () => {
  const rows = drawn(500, { intercept: 0, a: 1, b: 0 }).map((row) => ({ ...row, values: { ...row.values, one: 1 } }))
  const model = fit(rows, { features: ['a', 'one'] })
  assert.equal(model.features[1]!.weight, 0)
})

test('reads decimals given as strings, and puts the substitute for null', () => {
  const model = {
    form: 'logistic/1' as const,
    intercept: -1,
    features: [
      { name: 'value', weight: 2, mean: 1, scale: 4, missing: 0 },
      { name: 'days', weight: -1, mean: 0, scale: 1, missing: 3 },
    ],
  }
  const { score: p, reasons } = score(model, { value: '9.0000', days: null })
  assert.deepEqual(reasons, [
    { feature: 'value', contribution: 4 },
    { feature: 'days', contribution: -3 },
  ])
  assert.equal(p, 0.5)
})

test('AUC is 1 for a perfect order, 0.5 for none, and counts ties half', () => {
  const at = (scores: number[], labels: number[]) => auc(scores.map((s, i) => ({ score: s, label: labels[i]! })))
  assert.equal(at([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]), 1)
  assert.equal(at([0.5, 0.5, 0.5], [0, 1, 0]), 0.5)
  assert.equal(at([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]), 0.875)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FeatureValue } from '@whence/sdk'
import type { Inputs, Scorer } from '../models/scoring.ts'
import { counterfactualOf, nearestFirst } from './counterfactual.ts'

function scorerOf(features: string[], one: (inputs: Inputs) => number): Scorer {
  return {
    features,
    tolerance: 0,
    score: async (inputs) => ({ score: one(inputs) }),
    scoreMany: async (rows) => rows.map((row) => ({ score: one(row) })),
  }
}
const all = (values: Record<string, FeatureValue[]>) => async (feature: string) =>
  values[feature] && { values: values[feature], of: values[feature].filter((value) => value !== null).length }

test('values stand by how near they are: the lower of two as near first, null last', () => {
  assert.deepEqual(nearestFirst(5, [1, 4, 5, 6, 9, null]), [4, 6, 1, 9, null])
  assert.deepEqual(nearestFirst(null, [-2, 1, 3]), [1, -2, 3])
  assert.deepEqual(nearestFirst(7, ['12345678901234567890', 6, 8]), [6, 8, '12345678901234567890'])
  assert.deepEqual(nearestFirst('b', ['a', 'b', 'c']), ['a', 'c'])
  assert.deepEqual(nearestFirst(true, [false, true]), [false])
  assert.deepEqual(nearestFirst('2026-03-02', ['2026-01-01', '2026-03-01', '2026-03-09']), [
    '2026-03-01',
    '2026-03-09',
    '2026-01-01',
  ])
})

test('the nearest value that changes the decision is found, for each input', async () => {
  const scorer = scorerOf(
    ['clicks', 'opens', 'city', 'extra'],
    ({ clicks, opens, city }) => Number(clicks) / 10 + Number(opens) / 100 + (city === 'Ulm' ? 0.3 : 0),
  )
  const found = await counterfactualOf({
    scorer,
    threshold: 0.5,
    inputs: { clicks: 3, opens: 4, city: 'Bonn', extra: 1 },
    score: 0.34,
    occurring: all({ clicks: [0, 1, 4, 5, 9], opens: [0, 8, 15], city: ['Bonn', 'Jena', 'Ulm'] }),
  })
  assert.equal(found.yes, false)
  assert.deepEqual(
    found.changes.map(({ feature, from, to, steps }) => [feature, from, to, steps]),
    [
      ['clicks', 3, 5, 3],
      ['city', 'Bonn', 'Ulm', 2],
    ].sort((a, b) => Number(a[3]) - Number(b[3])),
  )
  assert.deepEqual([found.steady, found.untried, found.tried], [['opens'], ['extra'], 10])
})

test('a score exactly at the threshold is yes, and what cannot be scored changes nothing', async () => {
  const scorer = scorerOf(['a'], ({ a }) => (a === null ? Number.NaN : Number(a)))
  const question = { scorer, threshold: 1, inputs: { a: 1 }, score: 1, occurring: all({ a: [1, null] }) }
  const found = await counterfactualOf(question)
  assert.deepEqual([found.yes, found.changes, found.steady], [true, [], ['a']])
})

test('no nearer value that occurs changes the decision, and the one named does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: -50, max: 50 }),
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 7 }),
      async (values, from, weights) => {
        const score = (a: number): number => weights.reduce((sum, weight, i) => sum + weight * Math.sin(a * (i + 1)), 0)
        const scorer = scorerOf(['a'], ({ a }) => score(a as number))
        const { changes } = await counterfactualOf({
          scorer,
          threshold: 0,
          inputs: { a: from },
          score: score(from),
          occurring: all({ a: values.toSorted((x, y) => x - y) }),
        })
        const crossing = values.filter((value) => value !== from && score(value) >= 0 !== score(from) >= 0)
        const nearest = Math.min(...crossing.map((value) => Math.abs(value - from)))
        assert.equal(changes.length, crossing.length > 0 ? 1 : 0)
        for (const { to } of changes) {
          assert.ok(crossing.includes(to as number))
          assert.equal(Math.abs((to as number) - from), nearest)
        }
      },
    ),
  )
})

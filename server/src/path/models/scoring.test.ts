import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelVersion } from '@whence/sdk'
import { scoreLogistic } from './logistic.ts'
import { plainScoring } from './scoring.ts'

const version: ModelVersion = {
  name: 'opens',
  version: 1,
  seq: 7,
  predicts: 'opens it',
  tolerance: 1e-12,
  model: {
    form: 'logistic/1',
    intercept: -1,
    features: [
      { name: 'clicks', weight: 0.5, mean: 1, scale: 2, missing: 0 },
      { name: 'opens', weight: 0.25, mean: 0, scale: 1, missing: 3 },
    ],
  },
}

test('a logistic model is scored with exact reasons, alone and in company', async () => {
  const found = await plainScoring.scorerOf(version)
  assert.ok(found.able)
  const { scorer } = found
  assert.deepEqual(scorer.features, ['clicks', 'opens'])
  const rows = [{ clicks: 4, opens: 2 }, { clicks: null }, { clicks: 'text', opens: 1 }]
  const many = await scorer.scoreMany(rows)
  assert.deepEqual(many, await Promise.all(rows.map((row) => scorer.score(row))))
  const { score, contributions } = scoreLogistic(version.model!, rows[0]!)
  assert.deepEqual(many[0], { score, reasons: contributions })
  assert.ok(Number.isNaN(many[2]!.score))
})

test('a version without a form says why it cannot be scored', async () => {
  const { model: _, ...bare } = version
  const neither = await plainScoring.scorerOf(bare)
  assert.ok(!neither.able && neither.why.includes('artifact is recorded'))
  const other = await plainScoring.scorerOf({ ...bare, artifact: { sha256: 'a'.repeat(64) } })
  assert.ok(!other.able && other.why.includes('form of its artifact'))
})

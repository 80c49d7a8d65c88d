import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeatureValue } from '@whence/sdk'
import type { CompiledFeature } from '../features/compile.ts'
import type { Served } from './skew-served.ts'
import { SkewTally } from './skew-tally.ts'
import { deltaOf, readAs } from './skew-values.ts'

const feature = (tolerance?: number): CompiledFeature => ({
  name: 'opens',
  type: 'int64',
  source: 'letters',
  expr: 'count(*)',
  place: 'here',
  column: { name: 'opens', type: 'BIGINT' },
  ...(tolerance === undefined ? {} : { tolerance }),
})
const row: Served = { subject: 'a'.repeat(32), at: 0, asOf: 1, servedAt: 0, values: {}, place: { row: 0 } }
const tallied = (
  pairs: readonly [FeatureValue | undefined, FeatureValue][],
  { tolerance, own, examples = 2 }: { tolerance?: number; own?: number; examples?: number } = {},
) => {
  const tally = new SkewTally(feature(own), { tolerance, examples })
  for (const [served, offline] of pairs)
    if (served === undefined) tally.absent(row, offline)
    else tally.add(row, served, offline)
  tally.close()
  return tally.found()
}

test('mismatch, missing and extra are counted apart, and their ratios are of all rows compared', () => {
  const found = tallied([
    [1, 1],
    [1, 2],
    [null, 3],
    [4, null],
    [null, null],
    [undefined, 5],
    [undefined, null],
    [7, 9],
  ])
  assert.deepEqual([found.compared, found.mismatch, found.missing, found.extra], [8, 2, 2, 1])
  assert.deepEqual([found.mismatchRatio, found.missingRatio, found.extraRatio], [2 / 8, 2 / 8, 1 / 8])
  assert.equal(found.examples.length, 2)
  assert.deepEqual(found.behind, { unexplained: 2 })
})

test('of nothing compared there is no ratio, and a feature that no row has was not served', () => {
  const nothing = tallied([])
  assert.deepEqual([nothing.mismatchRatio, nothing.missingRatio, nothing.extraRatio], [null, null, null])
  const unserved = tallied([
    [undefined, 1],
    [undefined, 2],
  ])
  assert.deepEqual([unserved.compared, unserved.missing], [0, 0])
})

test('a difference within the tolerance is none: the question’s before the view’s', () => {
  const pairs: [FeatureValue, FeatureValue][] = [
    [1, 1.5],
    [1, 2],
  ]
  assert.equal(tallied(pairs).mismatch, 2)
  assert.equal(tallied(pairs, { own: 0.5 }).mismatch, 1)
  assert.equal(tallied(pairs, { own: 0.5, tolerance: 1 }).mismatch, 0)
  assert.equal(tallied(pairs, { own: 1, tolerance: 0 }).mismatch, 2)
})

test('the quantiles are over all rows that have both values, equal ones included', () => {
  // −5 … −1, ninety times 0, 1 … 6: 101 rows, of which the n-th is the quantile n/100.
  const deltas = [-5, -4, -3, -2, -1, ...Array<number>(90).fill(0), 1, 2, 3, 4, 5, 6]
  assert.equal(deltas.length, 101)
  const { deltas: found } = tallied(deltas.map((delta): [number, number] => [100 + delta, 100]))
  assert.deepEqual([found!.rows, found!.zero], [101, 90])
  assert.deepEqual(found!.quantiles, {
    min: -5,
    p05: deltas[5],
    p25: 0,
    p50: 0,
    p75: 0,
    p95: deltas[95],
    max: 6,
  })
  assert.equal(found!.mean, 6 / 101)
  const shifted = tallied(Array.from({ length: 21 }, (_, i): [number, number] => [i + 1, 0])).deltas!.quantiles
  assert.deepEqual(shifted, { min: 1, p05: 2, p25: 6, p50: 11, p75: 16, p95: 20, max: 21 })
})

test('pairs of names that differ are counted, the most frequent first', () => {
  const { pairs, deltas } = tallied([
    ['mail', 'web'],
    ['mail', 'web'],
    ['app', 'web'],
    ['web', 'web'],
    [true, false],
  ])
  assert.deepEqual(pairs, [
    { served: 'mail', offline: 'web', rows: 2 },
    { served: 'app', offline: 'web', rows: 1 },
    { served: true, offline: false, rows: 1 },
  ])
  assert.equal(deltas, undefined)
})

test('a served value is read as the feature’s type says', () => {
  const cases: [FeatureValue, string, FeatureValue][] = [
    ['3', 'BIGINT', 3],
    ['3.50', 'DECIMAL(18,2)', 3.5],
    ['-1e3', 'DOUBLE', -1000],
    ['12345678901234567890', 'BIGINT', '12345678901234567890'],
    [true, 'BIGINT', 1],
    ['TRUE', 'BOOLEAN', true],
    [0, 'BOOLEAN', false],
    ['maybe', 'BOOLEAN', 'maybe'],
    ['2026-03-01T01:00:00+01:00', 'TIMESTAMP', '2026-03-01T00:00:00.000000Z'],
    ['3', 'VARCHAR', '3'],
    ['', 'BIGINT', ''],
    [null, 'BIGINT', null],
    ['0x10', 'BIGINT', '0x10'],
  ]
  for (const [value, type, expected] of cases)
    assert.deepEqual(readAs(value, type), expected, `${String(value)} ${type}`)
  assert.equal(deltaOf('2026-03-01T00:00:01.000000Z', '2026-03-01T00:00:00.000000Z'), 1)
  assert.equal(deltaOf('a', 'b'), undefined)
  assert.equal(deltaOf(1, '1'), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeatureValue } from '@whence/sdk'
import { Look } from './bins.ts'
import type { Bins } from './bins.ts'

const binsOf = (values: readonly FeatureValue[], most = 4, at?: string): Bins => {
  const look = new Look()
  for (const value of values) look.add(value, at)
  return look.bins(most)
}
const label = (bins: Bins, value: FeatureValue, at?: string): string => bins.labels[bins.place(value, at)]!
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

test('numbers of many values fall between the quantiles of training; beyond them into the first and the last bin', () => {
  const bins = binsOf(range(100))
  assert.equal(bins.kind, 'numeric')
  assert.deepEqual(bins.labels, ['≤ 25', '25 … 50', '50 … 75', '> 75', 'other', 'none'])
  const expected: [FeatureValue, string][] = [
    [25, '≤ 25'],
    [25.0001, '25 … 50'],
    [75, '50 … 75'],
    [-1e9, '≤ 25'],
    [1e9, '> 75'],
    [null, 'none'],
    ['12345678901234567890', '> 75'],
    ['a name', 'other'],
  ]
  for (const [value, name] of expected) assert.equal(label(bins, value), name, String(value))
  const counts = bins.labels.map(() => 0)
  for (const value of range(100)) counts[bins.place(value, undefined)]!++
  assert.deepEqual(counts, [25, 25, 25, 25, 0, 0])
})

test('where half of the values are equal their edges count once', () => {
  const bins = binsOf([...Array<number>(100).fill(0), ...range(50).map((n) => n / 7)], 10)
  assert.equal(bins.labels[0], '≤ 0')
  assert.equal(new Set(bins.labels).size, bins.labels.length)
  assert.equal(label(bins, 0), '≤ 0')
})

test('few different numbers have a bin each, a new one falls into other', () => {
  const bins = binsOf([0, 1, 1, 2, 10, null])
  assert.equal(bins.kind, 'discrete')
  assert.deepEqual(bins.labels, ['0', '1', '2', '10', 'other', 'none'])
  assert.equal(label(bins, 3), 'other')
})

test('a constant, and nothing at all, have bins too', () => {
  assert.deepEqual(binsOf([7, 7, 7]).labels, ['7', 'other', 'none'])
  assert.equal(binsOf([7, 7, 7]).kind, 'constant')
  assert.deepEqual(binsOf([null, null]).labels, ['other', 'none'])
  assert.equal(label(binsOf([]), 3), 'other')
})

test('names are counted by value, the rarest as other; booleans are names', () => {
  const bins = binsOf(range(80).flatMap((n) => Array<string>(n).fill(`n-${n}`)))
  assert.equal(bins.kind, 'category')
  assert.equal(bins.labels.length, 52)
  assert.equal(label(bins, 'n-80'), 'n-80')
  assert.equal(label(bins, 'n-3'), 'other')
  assert.deepEqual(binsOf([true, false, true]).labels, ['true', 'false', 'other', 'none'])
  // A mixture of names and numbers is one of names.
  assert.equal(binsOf([1, 'one']).kind, 'category')
})

test('times are compared by their age at the row’s own time', () => {
  const look = new Look()
  const at = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T00:00:00Z`
  for (let day = 2; day <= 30; day++) look.add(at(1), at(day))
  const bins = look.bins(2)
  assert.equal(bins.kind, 'time')
  assert.equal(label(bins, '2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z'), bins.labels[0])
  assert.equal(label(bins, '2025-01-01T00:00:00Z', '2026-01-03T00:00:00Z'), bins.labels[1])
})

test('edges hold for more values than are remembered', () => {
  const bins = binsOf(
    Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 100_000),
    4,
  )
  const counts = bins.labels.map(() => 0)
  for (let i = 0; i < 100_000; i++) counts[bins.place(i, undefined)]!++
  for (const count of counts.slice(0, 4)) assert.ok(Math.abs(count - 25_000) < 1500, counts.join(' '))
})

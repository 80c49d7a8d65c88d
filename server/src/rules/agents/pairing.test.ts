import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { paired } from './pairing.ts'
import type { Proposed } from './pairing.ts'

const HOUR = 3_600_000_000
const one = (seq: number, hour: number, predictions: string[] = [], about = 'person'): Proposed => ({
  seq,
  about,
  at: hour * HOUR,
  predictions,
})
const told = (shadows: Proposed[], incumbents: Proposed[]) =>
  paired(shadows, incumbents).map(({ shadow, incumbent, by }) => [shadow.seq, incumbent.seq, by])

test('a prediction that both name pairs them, however far apart', () => {
  assert.deepEqual(told([one(1, 0, ['p'])], [one(2, 100, ['q', 'p']), one(3, 0)]), [[1, 2, 'prediction']])
})

test('else the same day in UTC, the nearest first, and each once', () => {
  assert.deepEqual(told([one(1, 10), one(2, 20)], [one(3, 12), one(4, 21), one(5, 22)]), [
    [2, 4, 'day'],
    [1, 3, 'day'],
  ])
  assert.deepEqual(told([one(1, 23)], [one(2, 25)]), [], 'an hour apart, on another day')
})

test('who or what it is about decides', () => {
  assert.deepEqual(told([one(1, 0, ['p'], 'anna')], [one(2, 0, ['p'], 'ben')]), [])
})

test('pairing is the same in any order, and takes nobody twice', () => {
  const proposals = fc.uniqueArray(
    fc.record({
      seq: fc.nat(1000),
      about: fc.constantFrom('a', 'b'),
      at: fc.nat(100).map((hour) => hour * HOUR),
      predictions: fc.subarray(['p', 'q', 'r']),
    }),
    { selector: ({ seq }) => seq, maxLength: 30 },
  )
  fc.assert(
    fc.property(proposals, fc.nat(30), (all, cut) => {
      const [shadows, incumbents] = [all.slice(0, cut), all.slice(cut)]
      const pairs = told(shadows, incumbents)
      const back = told(shadows.toReversed(), incumbents.toReversed())
      const sorted = (those: unknown[][]) => those.map(String).sort()
      assert.deepEqual(sorted(pairs), sorted(back))
      const seqs = pairs.flatMap(([a, b]) => [a, b])
      assert.equal(new Set(seqs).size, seqs.length)
      // Nobody who could be paired is left over on both sides.
      const rest = (those: Proposed[]) => those.filter(({ seq }) => !seqs.includes(seq))
      assert.deepEqual(told(rest(shadows), rest(incumbents)), [])
    }),
  )
})

test('a crowd on one day is paired in time that grows with it, not with its square', () => {
  const crowd = (first: number) => Array.from({ length: 5_000 }, (_, i) => one(first + i, i / 250, [], 'nobody'))
  const pairs = paired(crowd(0), crowd(5_000))
  assert.equal(pairs.length, 5_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { condition, groupOf, Groups, valueOf } from './segments.ts'

const marked = {
  model: 'opens@1',
  time: '2026-03-01T06:00:00Z',
  score: 0.73,
  about: { campaign: 'winter', channel: 'mail' },
  segments: ['vip', 'north'],
  decision: 'send',
  inputs: { opens_30d: 4, spent: null, vip: true },
}

test('a key reads what it names, and nothing that an object has by itself', () => {
  const expected: [string, unknown][] = [
    ['model', 'opens@1'],
    ['day', '2026-03-01'],
    ['campaign', 'winter'],
    ['about.channel', 'mail'],
    ['segment.north', 'yes'],
    ['segment.south', 'no'],
    ['segment', 'north, vip'],
    ['decision', 'send'],
    ['score/0.1', 0.73],
    ['feature.opens_30d', 4],
    ['feature.toString', undefined],
    ['about.__proto__', undefined],
    ['creative', undefined],
  ]
  for (const [key, value] of expected) assert.equal(valueOf(key, marked), value, key)
  assert.equal(valueOf('segment', {}), undefined)
  assert.equal(valueOf('segment.north', {}), 'no')
})

test('a condition takes a value, a half-open range of numbers, or null', () => {
  const holds: [string, string, boolean][] = [
    ['campaign', 'winter', true],
    ['campaign', 'summer', false],
    ['feature.opens_30d', '4', true],
    ['feature.opens_30d', '0..4', false],
    ['feature.opens_30d', '4..5', true],
    ['feature.opens_30d', '..5', true],
    ['feature.opens_30d', '5..', false],
    ['score', '0.5..1', true],
    ['feature.spent', 'null', true],
    ['feature.spent', '0..9', false],
    ['feature.vip', 'true', true],
    ['creative', 'null', true],
    ['segment', 'vip', true],
    ['segment', 'south', false],
    ['segment', 'null', false],
    ['segment.vip', 'yes', true],
    // Only numbers have ranges: of a name it is a name.
    ['campaign', 'a..z', false],
  ]
  for (const [key, value, expected] of holds) assert.equal(condition(key, value)(marked), expected, `${key}=${value}`)
  for (const [key, value] of [
    ['score', '1..0.5'],
    ['feature.opens_30d', '5..5'],
    ['score', 'e..e'],
    ['score/0.1', '0.7..0.8'],
  ] as const)
    assert.throws(
      () => condition(key, value),
      (error) => isFault(error, 'invalid'),
      `${key}=${value}`,
    )
})

test('numbers fall into groups of the width that the key names, also at the edges', () => {
  const group = (key: string, score: number): string => groupOf(key, { score })
  assert.equal(group('score/0.1', 0.73), '0.7..0.8')
  assert.equal(group('score/0.1', 0.7), '0.7..0.8')
  assert.equal(group('score/0.1', 0.3), '0.3..0.4')
  assert.equal(group('score/10', -3), '-10..0')
  assert.equal(group('score', 0.73), '0.73')
  assert.equal(groupOf('creative', marked), 'none')
  assert.throws(
    () => group('score/0', 1),
    (error) => isFault(error, 'invalid'),
  )
})

test('beyond two hundred groups the rest are counted as one', () => {
  const groups = new Groups(['day', 'campaign'], () => ({ n: 0 }))
  for (let i = 0; i < 1000; i++) groups.of({ time: '2026-03-01', about: { campaign: `c-${i}` } }).n++
  const all = groups.all()
  assert.equal(all.length, 201)
  assert.equal(
    all.reduce((sum, { tally }) => sum + tally.n, 0),
    1000,
  )
  assert.equal(all.find(({ key }) => key.campaign === 'other')!.tally.n, 800)
})

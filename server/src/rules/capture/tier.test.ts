import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches } from '../files/policy-file.ts'
import { capturePolicyForm } from './policy.ts'
import { captureOf } from './tier.ts'
import type { CaptureFacts } from './tier.ts'

const text = `
kind: CapturePolicy
name: loans
rules:
  - model: 'credit@*'
    consequential:
      - { name: high, scoreAtLeast: 0.9 }
      - { name: refused, decision: [deny, reject] }
      - { name: minors, segment: minor, scoreAtMost: 0.5 }
    routine: { sample: 0.25 }
`
const policy = capturePolicyForm.parse(text, 'capture.yaml')
const inForce = [{ policy, version: 3 }]
const facts = (more: Partial<CaptureFacts> = {}): CaptureFacts => ({
  model: 'credit@4',
  score: 0.6,
  flagged: false,
  chance: () => 0.5,
  ...more,
})

test('a prediction is consequential by score, by decision, by segment, or by its flag', () => {
  const rule = (more: Partial<CaptureFacts>) => captureOf(inForce, facts(more)).rule
  assert.equal(rule({ score: 0.9 }), 'high')
  assert.equal(rule({ decision: 'reject' }), 'refused')
  assert.equal(rule({ segments: ['adult', 'minor'], score: 0.5 }), 'minors')
  assert.equal(rule({ flagged: true }), 'flag')
  assert.deepEqual(captureOf(inForce, facts({ score: 0.95 })), {
    tier: 'consequential',
    rule: 'high',
    policy: 'loans@v3',
  })
})

test('all conditions of a criterion must hold, and a score that is no number meets none', () => {
  assert.equal(captureOf(inForce, facts({ segments: ['minor'], score: 0.6 })).tier, 'minimal')
  assert.equal(captureOf(inForce, facts({ score: Number.NaN })).tier, 'minimal')
})

test('of the others the sample is kept in full', () => {
  assert.deepEqual(captureOf(inForce, facts({ chance: () => 0.2499 })), { tier: 'sampled', policy: 'loans@v3' })
  assert.deepEqual(captureOf(inForce, facts({ chance: () => 0.25 })), { tier: 'minimal', policy: 'loans@v3' })
})

test('what no policy speaks of is kept in full', () => {
  assert.deepEqual(captureOf([], facts()), { tier: 'full' })
  assert.deepEqual(captureOf(inForce, facts({ model: 'churn@1', decision: 'deny' })), { tier: 'full' })
  assert.deepEqual(captureOf([], facts({ flagged: true })), { tier: 'consequential', rule: 'flag' })
})

test('of several policies for a model the one that keeps most holds', () => {
  const more = capturePolicyForm.parse(
    "kind: CapturePolicy\nname: more\nrules: [{ model: '*', routine: { sample: 1 } }]\n",
    'more.yaml',
  )
  const both = [...inForce, { policy: more, version: 1 }]
  assert.deepEqual(captureOf(both, facts({ chance: () => 0.99 })), { tier: 'sampled', policy: 'more@v1' })
  assert.equal(captureOf(both.toReversed(), facts({ decision: 'deny' })).rule, 'refused')
})

test('a policy that keeps more never makes less of a prediction', () => {
  const rank = { minimal: 0, sampled: 1, full: 2, consequential: 3 }
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      fc.boolean(),
      (a, b, chance, flagged) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        const tier = (sample: number): number => {
          const rules = [{ model: '*', consequential: [], routine: { sample } }]
          const one = { kind: 'CapturePolicy' as const, name: 'x', rules }
          return rank[captureOf([{ policy: one, version: 1 }], facts({ flagged, chance: () => chance })).tier]
        }
        assert.ok(tier(low) <= tier(high))
      },
    ),
  )
})

test('a pattern is matched in linear time', () => {
  assert.ok(matches('credit@*', 'credit@4'))
  assert.ok(matches('c?edit@4', 'credit@4'))
  assert.ok(!matches('credit@?', 'credit@12'))
  assert.ok(!matches('*a'.repeat(60), 'a'.repeat(59)))
})

for (const [what, line, broken] of [
  ['an unknown member', 7, text.replace('scoreAtLeast: 0.9', 'scoreAtLeast: 0.9, above: 1')],
  ['a criterion without a condition', 7, text.replace(', scoreAtLeast: 0.9', '')],
  ['bounds that no score meets', 9, text.replace('scoreAtMost: 0.5', 'scoreAtMost: 0.5, scoreAtLeast: 0.6')],
  ['a sample above one', 10, text.replace('sample: 0.25', 'sample: 25')],
  ['no rule', 4, 'kind: CapturePolicy\nname: x\nrules:\n  []\n'],
] as const) {
  test(`a policy with ${what} is refused, and the line named`, () => {
    assert.throws(() => capturePolicyForm.parse(broken, 'capture.yaml'), {
      code: 'invalid',
      message: new RegExp(`^capture.yaml line ${line}: `),
    })
  })
}

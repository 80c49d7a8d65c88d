import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decided, ruleOf } from './decision-rule.ts'
import type { Rescored } from './decision-rule.ts'

const of = (before: number, after: number, decision?: string): Rescored => ({ before, after, decision })

test('a threshold takes the names that were decided on its sides', () => {
  const all = [of(0.9, 0.1, 'send'), of(0.8, 0.7, 'send'), of(0.2, 0.6, 'skip'), of(0.5, 0.5, 'send')]
  const rule = ruleOf(all, { before: 0.5, after: 0.5 })
  assert.deepEqual(
    all.map((one) => decided(rule, one)),
    [
      { before: 'send', after: 'skip' },
      { before: 'send', after: 'send' },
      { before: 'skip', after: 'send' },
      // Exactly at the threshold is yes.
      { before: 'send', after: 'send' },
    ],
  )
  // One that was decided otherwise than the threshold says, would not be decided by it either.
  assert.equal(decided(rule, of(0.9, 0.1, 'skip')), undefined)
})

test('the versions before and after may each have a threshold of their own', () => {
  const rule = ruleOf([of(0.5, 0.5)], { before: 0.4, after: 0.6 })
  assert.deepEqual(decided(rule, of(0.5, 0.5)), { before: 'yes', after: 'no' })
})

test('decisions that are the same on both sides of a threshold were not made by it', () => {
  const rule = ruleOf([of(0.9, 0.1, 'logged'), of(0.1, 0.1, 'logged')], { before: 0.5, after: 0.5 })
  assert.deepEqual(decided(rule, of(0.9, 0.1, 'logged')), { before: 'yes', after: 'no' })
})

test('without a threshold the recorded decisions show the rule, and nothing is known between them', () => {
  const all = [of(0.1, 0, 'deny'), of(0.3, 0, 'deny'), of(0.5, 0, 'review'), of(0.9, 0, 'allow'), of(0.95, 0, 'allow')]
  const rule = ruleOf(all)
  assert.equal(rule.kind, 'observed')
  const would = (after: number) => decided(rule, of(0.2, after, 'deny'))?.after
  assert.equal(would(0.05), 'deny')
  assert.equal(would(0.25), 'deny')
  assert.equal(would(0.4), undefined)
  assert.equal(would(0.5), 'review')
  assert.equal(would(0.99), 'allow')
  // A prediction without a decision has the one of its band.
  assert.deepEqual(decided(rule, of(0.92, 0.2)), { before: 'allow', after: 'deny' })
})

test('decisions that overlap by score, or of one kind only, give no rule', () => {
  assert.equal(ruleOf([of(0.1, 0, 'a'), of(0.9, 0, 'a'), of(0.5, 0, 'b')]).kind, 'none')
  // The same score, decided both ways.
  assert.equal(ruleOf([of(0.5, 0, 'a'), of(0.5, 0, 'b')]).kind, 'none')
  assert.equal(ruleOf([of(0.5, 0, 'a')]).kind, 'none')
  assert.equal(ruleOf([of(0.5, 0)]).kind, 'none')
  assert.equal(ruleOf([]).kind, 'none')
  assert.equal(ruleOf(Array.from({ length: 51 }, (_, i) => of(i, 0, `d${i}`))).kind, 'none')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { lineagePolicyForm } from '../lineage/policy.ts'
import { matches } from './policy-file.ts'

test('a pattern means the namespaces that it spells, * for any characters and ? for one', () => {
  const meant = [
    ['marketing', 'marketing'],
    ['marketing*', 'marketing'],
    ['marketing*', 'marketing/eu'],
    ['*', ''],
    ['*.eu', 'sales.eu'],
    ['a?c', 'abc'],
    ['*a*b*', 'xxaxxbxx'],
    ['[a](.+)', '[a](.+)'],
  ] as const
  for (const [pattern, namespace] of meant) assert.ok(matches(pattern, namespace), `${pattern} means ${namespace}`)
  const not = [
    ['marketing', 'marketing2'],
    ['marketing*', 'a marketing'],
    ['a?c', 'ac'],
    ['*.eu', 'sales.us'],
    ['', 'x'],
    ['a.c', 'abc'],
  ] as const
  for (const [pattern, namespace] of not)
    assert.ok(!matches(pattern, namespace), `${pattern} does not mean ${namespace}`)
  assert.ok(!matches(`${'*a'.repeat(50)}b`, 'a'.repeat(2000)), 'many stars are matched in good time')
})

test('a policy file is read, and what cannot be meant is refused with its line', () => {
  const text =
    'kind: LineagePolicy\nname: marketing\nrules:\n  - namespace: marketing*\n    require: [lineage, owner]\n'
  assert.deepEqual(lineagePolicyForm.parse(text, 'policy.yaml').rules, [
    { namespace: 'marketing*', require: ['lineage', 'owner'] },
  ])
  for (const [wrong, where] of [
    [text.replace('owner', 'ownr'), /policy\.yaml line 5/],
    [text.replace('require', 'requires'), /policy\.yaml line [45]/],
    [text.replace(/rules:[^]*/, 'rules: []'), /rules/],
    ['kind: LineagePolicy\n\t- no yaml', /line 2/],
  ] as const)
    assert.throws(
      () => lineagePolicyForm.parse(wrong, 'policy.yaml'),
      (error: unknown) => isFault(error, 'invalid') && where.test(error.message),
      wrong,
    )
})

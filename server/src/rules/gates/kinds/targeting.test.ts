// The gates that read the proposal itself: protected attributes, and approval.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionProposal } from '@whence/sdk'
import { codes, verdictsOf } from '../testing.ts'

const g = async (gate: string, proposal: Partial<ActionProposal>) =>
  (await verdictsOf(`  - { name: g, ${gate} }`, { proposal }))['g']!

test('protected attributes in segments, labels, values and features', async () => {
  const found = async (proposal: Partial<ActionProposal>) => codes(await g('kind: protected', proposal))
  assert.deepEqual(await found({ segments: ['catholics-over-50'] }), ['protected.religion'])
  assert.deepEqual(await found({ segments: ['womenAged30'] }), ['protected.age', 'protected.gender'])
  assert.deepEqual(await found({ targeting: { maritalStatus: 'x' } }), ['protected.marital_status'])
  assert.deepEqual(await found({ targeting: { interest: 'Diabetes type 2' } }), ['protected.health'])
  assert.deepEqual(await found({ inputs: { features: { is_pregnant_score: 0.9 } } }), ['protected.pregnancy'])
  assert.deepEqual(await found({ targeting: { zipCode: '10115' } }), ['protected.proxy.ethnicity'])
  assert.deepEqual(await found({ targeting: { rеligion: 'x' } }), ['protected.religion'], 'a Cyrillic letter')
  assert.deepEqual(
    await found({ segments: ['spring-buyers', 'womens_shoes', 'homepage'], targeting: { clicks_30d: 3 } }),
    [],
  )
})

test('what was looked at may be allowed, and only that', async () => {
  const gate = "kind: protected, allow: ['zip*'], attributes: [ethnicity, gender]"
  assert.equal((await g(gate, { targeting: { zipCode: 'x' } })).outcome, 'pass')
  assert.equal((await g(gate, { targeting: { postcode: 'x' } })).outcome, 'hold')
  assert.equal((await g(gate, { targeting: { religion: 'x' } })).outcome, 'pass', 'not asked for')
  assert.equal((await g(`${gate}, proxies: false`, { targeting: { postcode: 'x' } })).outcome, 'pass')
})

test('a person decides on high risk, and on what the file names', async () => {
  assert.equal((await g('kind: approval', { risk: 'high' })).outcome, 'hold')
  assert.equal((await g('kind: approval', {})).outcome, 'pass')
  const gate =
    "kind: approval, when: { segments: ['vip-*'], value: [{ label: discount, atLeast: 30 }], channels: [sms], types: [bid] }"
  for (const proposal of [
    { segments: ['a', 'vip-gold'] },
    { output: { value: { discount: 30 } } },
    { output: { value: { discount: 'a lot' } } },
    { channel: 'sms' },
    { type: 'bid' as const },
  ])
    assert.equal((await g(gate, proposal)).outcome, 'hold', JSON.stringify(proposal))
  for (const proposal of [{ segments: ['vip'] }, { output: { value: { discount: 29.9 } } }, { risk: 'high' as const }])
    assert.equal((await g(gate, proposal)).outcome, 'pass', JSON.stringify(proposal))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gateChainForm } from './chain.ts'
import { judge } from './judge.ts'
import { termListForm } from './terms/term-list.ts'
import { codes, factsOf, verdictsOf } from './testing.ts'

const withdrawn = { allowed: false, code: 'withdrawn', reason: 'withdrew' } as const
const nobody = async () => ({ failure: 'unreachable', reason: 'nobody' }) as const

test('consent is judged first, whatever the file says, and without any file', async () => {
  const none = await judge({ chains: [], terms: [] }, factsOf({ consent: withdrawn }), nobody)
  assert.deepEqual(
    none.map(({ gate, policy, outcome }) => [gate, policy, outcome]),
    [['consent', 'built-in', 'refuse']],
  )
  const gates = '  - { name: risk, kind: approval }\n  - { name: may-we, kind: consent }'
  const verdicts = await verdictsOf(gates, { consent: withdrawn })
  assert.deepEqual(Object.keys(verdicts), ['may-we', 'risk'])
  assert.equal(verdicts['may-we']!.outcome, 'refuse')
  assert.deepEqual(codes(verdicts['may-we']), ['consent.withdrawn'])
})

test('consent cannot be put in shadow or asked twice', () => {
  const parse = (gates: string) => gateChainForm.parse(`kind: GateChain\nname: x\ngates:\n${gates}`, 'x.yaml')
  assert.throws(() => parse('  - { name: a, kind: consent, shadow: true }'), { code: 'invalid' })
  assert.throws(() => parse('  - { name: a, kind: consent }\n  - { name: b, kind: consent }'), { code: 'invalid' })
  assert.throws(() => parse('  - { name: a, kind: approval }\n  - { name: a, kind: disguise }'), /line 5.*before it/)
})

test('a send to nobody who is known is refused; what concerns nobody is not', async () => {
  const refused = await judge({ chains: [], terms: [] }, factsOf({ consent: undefined }), nobody)
  assert.deepEqual(codes(refused[0]), ['consent.nobody'])
  const bid = await judge({ chains: [], terms: [] }, factsOf({ consent: undefined, proposal: { type: 'bid' } }), nobody)
  assert.equal(bid[0]!.outcome, 'pass')
})

test('a verdict that is no clear yes denies', async () => {
  for (const allowed of [false, undefined, 'yes', 1, null]) {
    const consent = { allowed, code: 'unknown', reason: 'x' } as never
    const [verdict] = await judge({ chains: [], terms: [] }, factsOf({ consent }), nobody)
    assert.equal(verdict!.outcome, 'refuse', String(allowed))
  }
})

test('a gate in shadow says what it would have done, and so does its verdict', async () => {
  const gates = '  - { name: mail, kind: pii, shadow: true }\n  - { name: strict, kind: pii, finds: refuse }'
  const { mail, strict } = await verdictsOf(gates, { copy: { text: 'ask ana@example.org' } })
  assert.deepEqual([mail!.outcome, mail!.shadow], ['hold', true])
  assert.deepEqual([strict!.outcome, strict!.shadow], ['refuse', undefined])
})

test('the fingerprint follows the configuration and the lists that it reads', async () => {
  const print = async (gate: string, terms: string[] = []) =>
    (await verdictsOf(`  - ${gate}`, {}, { terms }))['g']!.fingerprint
  assert.equal(await print('{ name: g, kind: pii }'), await print('{ kind: pii, name: g, finds: hold }'))
  assert.notEqual(await print('{ name: g, kind: pii }'), await print('{ name: g, kind: pii, finds: refuse }'))
  const list = (term: string) => `kind: TermList\nname: l\nterms: [${term}]\n`
  const terms = '{ name: g, kind: terms, lists: [l] }'
  assert.equal(await print(terms, [list('a')]), await print(terms, [list('a')]))
  assert.notEqual(await print(terms, [list('a')]), await print(terms, [list('b')]))
})

test('a gate whose facts fail counts as one that found something', async () => {
  const gates =
    '  - { name: mail, kind: pii }\n  - { name: caps, kind: cedar, sends: { day: 24h }, policies: "permit(principal, action, resource);" }'
  const broken = () => {
    throw new Error('the table is gone')
  }
  const { mail, caps } = await verdictsOf(gates, { copy: { text: 'ana@example.org' }, contact: broken, sends: broken })
  assert.deepEqual([mail!.outcome, codes(mail)], ['hold', ['gate.failed']])
  assert.deepEqual([caps!.outcome, codes(caps)], ['refuse', ['gate.failed']])
})

test('a chain applies by type, channel, campaign, environment and agent', async () => {
  const gates = '  - { name: g, kind: approval, when: { risk: any } }'
  const asked = async (appliesTo: string, proposal = {}) =>
    (await verdictsOf(gates, { proposal: { campaign: 'spring-2', ...proposal } }, { appliesTo }))['g'] !== undefined
  assert.ok(await asked('{}'))
  assert.ok(await asked('{ campaigns: ["spring-*"], channels: [email], agents: [wri*], types: [send, edit] }'))
  assert.ok(!(await asked('{ campaigns: ["autumn-*"] }')))
  assert.ok(!(await asked('{ environments: [test] }')))
  assert.ok(!(await asked('{ agents: [reader] }')))
  assert.ok(!(await asked('{ types: [bid] }')))
  assert.ok(await asked('{ channels: [sms] }', { channel: undefined }), 'what names no channel slips through none')
})

test('a message whose copy is not given was read by nobody', async () => {
  const gates = '  - { name: mail, kind: pii }\n  - { name: risk, kind: approval }'
  const { mail, risk } = await verdictsOf(gates, { proposal: { output: { sha256: 'a'.repeat(64) } } })
  assert.deepEqual([mail!.outcome, codes(mail), risk!.outcome], ['hold', ['copy.absent'], 'pass'])
  const bid = await verdictsOf(gates, { proposal: { type: 'bid' } })
  assert.equal(bid['mail']!.outcome, 'pass', 'a bid has no copy')
})

test('verdicts name the version of the lists that were read', async () => {
  const chain = gateChainForm.parse('kind: GateChain\nname: x\ngates: [{ name: t, kind: terms, lists: [l] }]', 'x.yaml')
  const list = termListForm.parse('kind: TermList\nname: l\nterms: [a]', 'l.yaml')
  for (const version of [1, 3]) {
    const inForce = { chains: [{ policy: chain, version: 1 }], terms: [{ policy: list, version }] }
    const verdicts = await judge(inForce, factsOf({ copy: { text: 'hello' } }), nobody)
    assert.deepEqual(verdicts[1]!.inputs, { lists: [`l@v${version}`] })
  }
})

test('the same facts give the same verdicts', async () => {
  const gates =
    '  - { name: a, kind: disguise }\n  - { name: b, kind: brand, languages: [en] }\n  - { name: c, kind: pii }'
  const copy = { html: '<p>Hello there, this is <b>a</b> letter to you, +1 415 555 2671</p>' }
  assert.deepEqual(await verdictsOf(gates, { copy }), await verdictsOf(gates, { copy }))
})

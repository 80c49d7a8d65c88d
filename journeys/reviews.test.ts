// What gates hold waits for a person; whoever made it does not approve it, and an edit makes it another thing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createAgentKey, createClient, formatPublicKey, signProposal } from '@whence/sdk'
import type { AgentKey, Client } from '@whence/sdk'
import { purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let client: Client
let key: AgentKey

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  ;({ key } = await createAgentKey())
  const agent = `
kind: Agent
name: writer
owner: crm
keys: ['${formatPublicKey(key.publicKey)}']
configurations:
  subject-lines: { models: ['lines@*'], actions: [send], channels: [email] }
`
  const shadow = `
kind: Agent
name: newcomer
owner: crm
mode: shadow
beside: writer
configurations:
  all: { actions: [send] }
`
  await client.apply({
    files: [purposes, { path: 'writer.yaml', text: agent }, { path: 'newcomer.yaml', text: shadow }],
  })
})
after(() => site.remove())

const proposal = (id: string, entity: string) => ({
  id,
  type: 'send' as const,
  actor: { type: 'agent' as const, id: 'writer', configuration: 'subject-lines' },
  model: { name: 'lines', version: '2', provider: 'local' },
  entity,
  channel: 'email',
  purpose: 'newsletter',
  output: { copy: [{ part: 'subject', text: 'A line' }] },
})

test('an agent acts within an approved configuration and under its own signature, or not at all', async () => {
  const signed = await client.propose(await signProposal(proposal('sign-1', 's-1'), key))
  assert.equal(signed.decision, 'released', signed.reason)
  assert.deepEqual(signed.verdicts.map(({ gate, outcome }) => `${gate} ${outcome}`).slice(0, 3), [
    'consent pass',
    'agent pass',
    'signature pass',
  ])
  const unsigned = await client.propose(proposal('sign-2', 's-1'))
  assert.equal(unsigned.decision, 'refused')
  const { signatures } = await signProposal(proposal('sign-3', 's-1'), key)
  const forged = await client.propose({ ...proposal('sign-3', 's-1'), campaign: 'another', signatures })
  assert.equal(forged.decision, 'refused')
  assert.equal(forged.verdicts.find(({ gate }) => gate === 'signature')!.findings[0]!.code, 'signature.forged')
  const beyond = { ...proposal('sign-4', 's-1'), channel: 'sms' }
  const outside = await client.propose(await signProposal(beyond, key))
  assert.equal(outside.verdicts.find(({ gate }) => gate === 'agent')!.outcome, 'refuse')
  const stranger = await client.propose({ ...proposal('sign-5', 's-1'), actor: { type: 'agent', id: 'nobody' } })
  assert.equal(stranger.decision, 'refused')
})

test('an agent in shadow proposes, and nothing of it is ever released', async () => {
  const before = await client.outbox()
  const told = await client.propose({
    ...proposal('shadow-1', 's-2'),
    actor: { type: 'agent', id: 'newcomer', configuration: 'all' },
  })
  assert.deepEqual([told.decision, told.shadow], ['released', true])
  assert.deepEqual(await client.outbox(), before)
  assert.equal((await client.action('shadow-1')).state, 'shadow')
})

const chain = `
kind: GateChain
name: email
appliesTo: { channels: [email] }
gates:
  - { kind: pii, name: personal }
  - { kind: approval, name: people, approvals: 2, within: 4h, when: { segments: [minors] } }
  - kind: cedar
    name: caps
    sends: { day: 24h }
    policies: |
      permit(principal, action, resource);
      forbid(principal, action, resource) when { context.sends.day >= 3 };
`

const as = async (name: string, ...scopes: ('review' | 'read' | 'propose')[]): Promise<Client> => {
  const { secret } = await client.issueKey({ name, scopes })
  return createClient({ url: server.url, key: secret })
}

const risky = async (id: string, entity: string, words = 'For you') =>
  client.propose(
    await signProposal(
      { ...proposal(id, entity), segments: ['minors'], output: { copy: [{ part: 'subject', text: words }] } },
      key,
    ),
  )

test('a held action needs as many people as its gate says, none of whom made it', async () => {
  await client.apply({ files: [{ path: 'email.yaml', text: chain }] })
  const [ada, ben] = [await as('ada', 'review', 'read'), await as('ben', 'review', 'read')]
  const held = await risky('two-1', 't-1')
  assert.equal(held.decision, 'held', held.reason)
  const { pending } = await ada.reviews()
  assert.equal(pending.length, 1)
  assert.deepEqual([pending[0]!.action, pending[0]!.approvals, pending[0]!.needed], ['two-1', 0, 2])
  assert.equal(Date.parse(pending[0]!.due) - Date.parse(pending[0]!.since), 4 * 3600_000)
  const { statement } = pending[0]!
  const approve = (by: Client, digest = statement) => by.review('two-1', { step: 'approve', statement: digest })
  await assert.rejects(approve(client), { code: 'forbidden' }, 'its maker')
  await assert.rejects(approve(ada, 'f'.repeat(64)), { code: 'conflict' }, 'something else')
  await ada.review('two-1', { step: 'assign', to: 'ben' })
  assert.equal((await ada.reviews({ assigned: 'ben' })).pending.length, 1)
  assert.equal((await approve(ada)).decision, 'held')
  await assert.rejects(approve(ada), { code: 'conflict' }, 'twice by one')
  assert.deepEqual(
    (await client.claim({ channel: 'email' })).claims.map(({ action }) => action).includes('two-1'),
    false,
  )
  const done = await approve(ben)
  assert.equal(done.decision, 'released', done.reason)
  const { claims } = await client.claim({ channel: 'email' })
  assert.ok(claims.some(({ action }) => action === 'two-1'))
  await assert.rejects(approve(ben), { code: 'conflict' }, 'nothing is to be decided any more')
  const shown = await client.action('two-1')
  assert.deepEqual(
    shown.reviews.map(({ step }) => step),
    ['assign', 'approve', 'approve'],
  )
})

test('an edit voids approvals, is kept as a difference, judged again, and not approved by its editor', async () => {
  const [cora, dan, eve] = [await as('cora', 'review'), await as('dan', 'review'), await as('eve', 'review')]
  await risky('edit-1', 'e-1', 'Dear all\nGoodbye')
  const { statement } = await cora.actionCopy('edit-1')
  await cora.review('edit-1', { step: 'approve', statement: statement! })
  const edited = await dan.review('edit-1', {
    step: 'edit',
    copy: [{ part: 'subject', text: 'Dear all\nSee you, jane.roe@example.org' }],
  })
  assert.match(edited.diff![0]!.diff, /^-Goodbye$/m)
  assert.match(edited.diff![0]!.diff, /^\+See you/m)
  assert.ok(edited.verdicts!.some(({ gate, outcome }) => gate === 'personal' && outcome === 'hold'))
  assert.notEqual(edited.statement, statement)
  await assert.rejects(
    eve.review('edit-1', { step: 'approve', statement: statement! }),
    { code: 'conflict' },
    'an approval of what it said before',
  )
  await assert.rejects(dan.review('edit-1', { step: 'approve', statement: edited.statement! }), { code: 'forbidden' })
  assert.equal((await eve.review('edit-1', { step: 'approve', statement: edited.statement! })).decision, 'held')
  assert.equal((await cora.review('edit-1', { step: 'approve', statement: edited.statement! })).decision, 'released')
  const claimed = (await client.claim({ channel: 'email' })).claims.find(({ action }) => action === 'edit-1')
  assert.equal(claimed!.copy![0]!.text, 'Dear all\nSee you, jane.roe@example.org')
})

test('an approval after a withdrawal releases nothing', async () => {
  const [fay, gil] = [await as('fay', 'review'), await as('gil', 'review')]
  await risky('gone-1', 'g-1')
  const { statement } = await fay.actionCopy('gone-1')
  await fay.review('gone-1', { step: 'approve', statement: statement! })
  await client.object({ identifier: 'g-1', purpose: 'marketing' })
  const last = await gil.review('gone-1', { step: 'approve', statement: statement! })
  assert.equal(last.decision, 'refused')
  assert.equal((await client.action('gone-1')).state, 'refused')
})

test('a cap counts what is released, also within one request', async () => {
  const four = await Promise.all([1, 2, 3, 4].map((n) => signProposal({ ...proposal(`cap-${n}`, 'c-1') }, key)))
  const { results } = await client.proposeAll(four)
  assert.deepEqual(
    results.map((one) => 'decision' in one && one.decision),
    ['released', 'released', 'released', 'refused'],
  )
})

test('two approvers at once release once', async () => {
  const [hal, ida] = [await as('hal', 'review'), await as('ida', 'review')]
  await risky('race-1', 'r-1')
  const { statement } = await hal.actionCopy('race-1')
  const both = await Promise.all(
    [hal, ida].map((one) => one.review('race-1', { step: 'approve', statement: statement! })),
  )
  assert.deepEqual(both.map(({ decision }) => decision).sort(), ['held', 'released'])
})

test('a preflight says beforehand who would get it, and marks what is wrong with the copy', async () => {
  for (const entity of ['p-1', 'p-2'])
    await client.propose(await signProposal(proposal(`known-${entity}`, entity), key))
  await client.object({ identifier: 'p-2', purpose: 'marketing' })
  const told = await client.preflight('summer', {
    proposal: {
      type: 'send',
      actor: { type: 'agent', id: 'writer', configuration: 'subject-lines' },
      model: { name: 'lines', version: '2' },
      channel: 'email',
      purpose: 'newsletter',
      output: { copy: [{ part: 'text', text: 'Hello! Ask jane.roe@example.org.' }] },
    },
    identifiers: ['p-1', 'p-2', 'p-2', 'c-1', 'nobody-yet'],
  })
  assert.deepEqual(
    [told.recipients, told.ready, told.held, told.objected, told.capped, told.repeated],
    [5, 0, 2, 1, 1, 1],
    JSON.stringify(told.reasons),
  )
  assert.equal(told.copy[0]!.marked, 'Hello! Ask ⟦jane.roe@example.org⟧.')
  assert.deepEqual((await client.actions({ campaign: 'summer' })).actions, [], 'nothing is recorded')
})

test('the order of the whole log is checked', async () => {
  const { ok, checked } = await client.verify()
  assert.ok(ok)
  assert.ok(checked.claims! > 0)
})

// What gates hold waits for a person; whoever made it does not approve it, and an edit makes it another thing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createAgentKey, formatPublicKey, signProposal } from '@whence/sdk'
import type { AgentKey, Client } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    marketing: true
    grounds:
      - { basis: legitimate_interest, assessment: Existing customers expect it. }
`

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
    files: [
      { path: 'purposes.yaml', text: purposes },
      { path: 'writer.yaml', text: agent },
      { path: 'newcomer.yaml', text: shadow },
    ],
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

// The case of the subject line: an agent writes to somebody on the word of a model; an auditor asks why; the person opts
// out while more waits; nothing of it goes out, and the records say so.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createAgentKey, createClient, formatPublicKey, signProposal } from '@whence/sdk'
import type { AgentKey, Client } from '@whence/sdk'
import { customers, follow, modelName, prediction } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const WHO = customers[0]!

const purposes = `
kind: Purposes
name: shop
notices:
  - { version: '3', language: en, text: We write to you about offers. You can stop it at any time. }
purposes:
  - name: newsletter
    marketing: true
    channels: [email]
    grounds: [{ basis: consent, notices: ['3'] }]
`
const gates = `
kind: GateChain
name: email
appliesTo: { channels: [email] }
gates:
  - { kind: merge_tags, name: tags }
  - { kind: pii, name: personal }
`

let site: Site
let server: Running
let client: Client
let thread: Thread
let key: AgentKey

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  thread = await follow(client)
  ;({ key } = await createAgentKey())
  const agent = `
kind: Agent
name: subject-writer
owner: crm
keys: ['${formatPublicKey(key.publicKey)}']
configurations:
  subject-lines: { models: ['writer@*'], prompts: ['subject-line@*'], actions: [send], channels: [email] }
`
  await client.apply({
    files: [
      { path: 'purposes.yaml', text: purposes },
      { path: 'gates.yaml', text: gates },
      { path: 'agent.yaml', text: agent },
    ],
  })
  await client.predict({
    model: modelName,
    snapshot: thread.snapshot.id,
    predictions: [prediction(WHO, 'opens-a')],
  })
})
after(() => site.remove())

const propose = async (id: string, campaign: string, text = 'Your spring offer is here') =>
  client.propose(
    await signProposal(
      {
        id,
        type: 'send',
        actor: { type: 'agent', id: 'subject-writer', configuration: 'subject-lines' },
        campaign,
        creative: 'subject line A',
        entity: WHO,
        channel: 'email',
        purpose: 'newsletter',
        address: 'someone@example.com',
        model: { name: 'writer', version: '4', provider: 'local' },
        prompt: { template: 'subject-line', version: '7', text: 'Write a subject line.' },
        inputs: { predictions: ['opens-a'], snapshots: [thread.snapshot.id] },
        output: { copy: [{ part: 'subject', text }] },
      },
      key,
    ),
  )

test('without consent the agent reaches nobody; with it, one message is sent', async () => {
  const early = await propose('too-early', 'spring')
  assert.equal(early.decision, 'refused')
  assert.equal(early.verdicts[0]!.findings[0]!.code, 'consent.unknown')
  await client.recordConsents({
    consents: [
      {
        id: '6f1d0d0c-5b1c-4b34-9d0e-0d6a3c1a7e11',
        identifier: WHO,
        state: 'given',
        purposes: [{ purpose: 'newsletter' }],
        notice: { version: '3', language: 'en' },
        method: 'form',
      },
    ],
  })
  const told = await propose('line-a', 'spring')
  assert.equal(told.decision, 'released', told.reason)
  const [claimed] = (await client.claim()).claims
  await client.acknowledge([{ claim: claimed!.claim, status: 'sent', providerId: 'provider-1' }])
})

test('one explanation answers from the message to the events', async () => {
  const found = await client.actions({ message: 'provider-1' })
  assert.equal(found.actions[0]!.id, 'line-a')
  const told = await client.action('line-a')
  assert.equal(told.state, 'sent')
  assert.equal(told.integrity, 'intact')
  assert.deepEqual(
    told.verdicts.map(({ gate, outcome }) => `${gate} ${outcome}`),
    ['consent pass', 'agent pass', 'signature pass', 'tags pass', 'personal pass'],
  )
  const receipt = (told.verdicts[0]!.inputs as { receipt: { seq: number } }).receipt
  assert.ok(told.records.some(({ seq, kind }) => seq === receipt.seq && kind === 'consent/1'))
  assert.equal(told.prompt!.template, 'subject-line')
  const [why] = told.predictions
  assert.ok(why!.found && why!.truth === 'recomputed' && why!.events! > 0, JSON.stringify(why))
  const { code, stdout, stderr } = await site.whenceWith(
    { env: { WHENCE_URL: server.url, WHENCE_KEY: server.token } },
    'explain',
    'line-a',
  )
  assert.equal(code, 0, stderr)
  for (const words of ['subject-writer', 'subject-line 7', 'receipt', 'opens-a', 'was sent', 'all intact'])
    assert.ok(stdout.includes(words), `${words} in\n${stdout}`)
})

test('the person opts out while ten wait: none goes out, and the report says so', async () => {
  for (let n = 0; n < 10; n++) {
    const told = await propose(`waiting-${n}`, `summer-${n}`)
    assert.equal(told.decision, 'released', told.reason)
  }
  assert.equal((await client.outbox()).queued, 10)
  // They had said so before the first was sent, elsewhere: their own time counts for what is flagged.
  const told = await client.action('line-a')
  const { secret } = await client.issueKey({ name: 'esp', scopes: ['send'] })
  const sender = createClient({ url: server.url, key: secret })
  const { results } = await client.optOut({ optOuts: [{ identifier: WHO, time: told.time }] })
  const [optedOut] = results
  assert.ok(optedOut?.status === 'recorded')
  assert.equal(optedOut.effects!.suppressed, 10)
  assert.equal(optedOut.effects!.flagged, 1, 'the message that was sent since they said so')
  assert.ok(optedOut.effects!.suppressedAfter! > 0)
  assert.deepEqual((await sender.claim({ limit: 1000 })).claims, [])
  const { actions } = await client.actions({ identifier: WHO, state: 'suppressed' })
  assert.equal(actions.length, 10)
  for (const { id } of actions) {
    const told = await client.action(id!)
    assert.equal(told.withdrawal?.found, 'queued')
    assert.match(told.sentence, /suppressed before any sender had it/)
  }
  assert.equal((await propose('after', 'autumn')).decision, 'refused')
  const { ok, problems } = await client.verify()
  assert.ok(ok, JSON.stringify(problems))
})

// What an agent signed and an approver countersigned, as it is exported: whoever has the keys can verify it without us.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  createAgentKey,
  createClient,
  formatPublicKey,
  outputDigest,
  signProposal,
  signStatement,
  verifyEnvelope,
  WhenceError,
} from '@whence/sdk'
import type { AgentKey, Client, StatedAction } from '@whence/sdk'
import { purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let client: Client
let reviewer: Client
let agent: AgentKey
let approver: AgentKey

const files = (agentKey: AgentKey) => [
  purposes,
  {
    path: 'gates.yaml',
    text: 'kind: GateChain\nname: people\ngates:\n  - { kind: approval, name: somebody-looks, when: { risk: high } }\n',
  },
  {
    path: 'writer.yaml',
    text: `kind: Agent
name: writer
owner: growth
keys: [${formatPublicKey(agentKey.publicKey)}]
configurations:
  spring: { models: ['writer-large@*'], channels: [email], risk: high }
`,
  },
  {
    path: 'reviewer.yaml',
    text: `kind: Agent
name: reviewer
type: user
owner: growth
keys: [${formatPublicKey(approver.publicKey)}]
`,
  },
]

const proposal = (id: string) => ({
  id,
  type: 'send' as const,
  actor: { type: 'agent' as const, id: 'writer', configuration: 'spring' },
  entity: `customer-${id}`,
  address: `${id}@example.com`,
  channel: 'email',
  purpose: 'newsletter',
  campaign: 'spring',
  risk: 'high' as const,
  model: { name: 'writer-large', version: '7' },
  prompt: { template: 'subject-line', version: '3', text: 'Write to Anna', system: 'Be kind', keep: 'masked' as const },
  thought: 'Anna likes red',
  inputs: { snapshots: [0], predictions: ['nobody-knows'], datasets: ['catalog@2026-01-16'], features: { clicks: 3 } },
  output: { copy: [{ part: 'subject', text: 'Hello Anna' }], value: { offer: 'b' } },
})

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  ;[{ key: agent }, { key: approver }] = await Promise.all([createAgentKey(), createAgentKey()])
  await client.apply({ files: files(agent) })
  const { secret } = await client.issueKey({ name: 'reviewer', scopes: ['review', 'read'] })
  reviewer = createClient({ url: server.url, key: secret })
})
after(() => site.remove())

const keysOf = (...keys: AgentKey[]) => keys.map(({ publicKey }) => publicKey)

test('what the agent signed is exported and verifies, though texts were left out of the record', async () => {
  const told = await client.propose(await signProposal(proposal('one'), agent))
  assert.equal(told.decision, 'held', told.reason)
  const stated = await client.actionStatement('one')
  const [version, ...others] = stated.versions
  assert.deepEqual([stated.action, stated.seq, others], ['one', told.receipt.seq, []])
  assert.equal(version!.statement, told.statement)
  const verdict = await verifyEnvelope(version!.envelope, keysOf(agent))
  assert.ok(verdict.ok, JSON.stringify(verdict))
  assert.equal(verdict.statement.subject[0].digest.sha256, outputDigest(proposal('one').output))
  const text = Buffer.from(version!.envelope.payload, 'base64').toString()
  for (const personal of ['Anna', 'customer-one', 'one@example.com']) assert.ok(!text.includes(personal), personal)
})

test('an edit is another statement: the approver signs it, and the agent has not', async () => {
  await client.propose(await signProposal(proposal('two'), agent))
  const copy = [{ part: 'subject', text: 'Good morning' }]
  await client.review('two', { step: 'edit', copy })
  const before = await reviewer.actionStatement('two')
  const standing = before.versions.at(-1)!
  const read = await verifyEnvelope(
    { ...standing.envelope, signatures: before.versions[0]!.envelope.signatures },
    keysOf(agent),
  )
  assert.equal(read.ok, false, 'the signature of the agent is not over what the reviewer made of it')
  const signed = await countersigned(before)
  const done = await reviewer.review('two', { step: 'approve', statement: standing.statement, signature: signed })
  assert.equal(done.decision, 'released', done.reason)
  const { versions } = await client.actionStatement('two')
  const signers = await Promise.all(
    versions.map(async ({ envelope }) => {
      const verdict = await verifyEnvelope(envelope, keysOf(agent, approver))
      return verdict.ok ? verdict.signed : verdict.code
    }),
  )
  assert.deepEqual(signers, [[agent.keyid], [approver.keyid]])
})

test('approved as it is, both signatures stand over the same bytes; on the command line too', async () => {
  await client.propose(await signProposal(proposal('three'), agent))
  const stated = await reviewer.actionStatement('three')
  const signature = await countersigned(stated)
  await reviewer.review('three', { step: 'approve', statement: stated.versions[0]!.statement, signature })
  const [version] = (await client.actionStatement('three')).versions
  const verdict = await verifyEnvelope(version!.envelope, keysOf(agent, approver), { threshold: 2 })
  assert.ok(verdict.ok)
  await writeFile(join(site.folder, 'three.json'), JSON.stringify(version!.envelope))
  const ran = await site.whence('agents', 'verify', join(site.folder, 'three.json'), '--threshold', '2')
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /signed by +writer[\s\S]*signed by +reviewer/)
})

test('an approver who has only a shell exports, signs and approves', async () => {
  const made = await site.whence('agents', 'keygen', join(site.folder, 'shell.pem'), '--format', 'pem', '--json')
  const { key } = JSON.parse(made.stdout) as { key: string }
  const text = `kind: Agent\nname: shell\ntype: user\nowner: growth\nkeys: [${key}]\n`
  await client.apply({ files: [{ path: 'shell.yaml', text }] })
  await client.propose(await signProposal(proposal('four'), agent))
  const exported = await site.whence('actions', 'export', 'four')
  await writeFile(join(site.folder, 'four.json'), exported.stdout)
  const signed = await site.whence(
    'agents',
    'sign',
    join(site.folder, 'four.json'),
    '--key-file',
    join(site.folder, 'shell.pem'),
  )
  await writeFile(join(site.folder, 'four.signed.json'), signed.stdout)
  const { secret } = await client.issueKey({ name: 'shell', scopes: ['review', 'read'] })
  const [version] = (await client.actionStatement('four')).versions
  const by = ['--url', server.url, '--key', secret]
  const approve = ['reviews', 'approve', 'four', '--statement', version!.statement, '--signed']
  const bare = await site.whence(...approve, join(site.folder, 'shell.pem'), ...by)
  assert.equal(bare.code, 2, 'a file that is no envelope is told apart')
  const approved = await site.whence(...approve, join(site.folder, 'four.signed.json'), ...by)
  assert.equal(approved.code, 0, approved.stderr)
  const [signedVersion] = (await client.actionStatement('four')).versions
  assert.equal(signedVersion!.envelope.signatures.length, 2)
})

test('a bid, which has no copy, is stated, held and countersigned as well', async () => {
  const { address: _, output: __, ...rest } = proposal('bid')
  const bid = { ...rest, type: 'bid' as const, output: { value: { euros: 0.4 } } }
  const told = await client.propose(await signProposal(bid, agent))
  assert.equal(told.decision, 'held', told.reason)
  const stated = await reviewer.actionStatement('bid')
  const done = await reviewer.review('bid', {
    step: 'approve',
    statement: stated.versions[0]!.statement,
    signature: await countersigned(stated),
  })
  assert.equal(done.decision, 'released', done.reason)
})

test('a forged signature is refused, and so is none; nothing of either reaches a sender', async () => {
  const signed = await signProposal(proposal('forged'), agent)
  const told = await client.propose({ ...signed, campaign: 'summer' })
  assert.equal(told.decision, 'refused')
  assert.ok(told.verdicts.some(({ findings }) => findings.some(({ code }) => code === 'signature.forged')))
  const unsigned = await client.propose(proposal('unsigned'))
  assert.ok(unsigned.verdicts.some(({ findings }) => findings.some(({ code }) => code === 'signature.missing')))
  const { claims } = await client.claim({ limit: 100 })
  assert.ok(claims.every(({ action }) => action !== 'forged' && action !== 'unsigned'))
})

test('a key that is rotated signs no longer, and what it signed before still verifies as of then', async () => {
  const { seq, versions } = await client.actionStatement('one')
  const { key: next } = await createAgentKey()
  await client.apply({ files: files(next) })
  const late = await client.propose(await signProposal(proposal('late'), agent))
  assert.equal(late.decision, 'refused')
  const path = join(site.folder, 'one.json')
  await writeFile(path, JSON.stringify(versions[0]!.envelope))
  assert.equal((await site.whence('agents', 'verify', path)).code, 1)
  assert.equal((await site.whence('agents', 'verify', path, '--as-of', String(seq))).code, 0)
})

test('the views show the steps, and nobody', async () => {
  const prov = await client.actionProv('two')
  const labels = Object.values(prov['activity'] as Record<string, Record<string, string>>).map(
    (activity) => activity['prov:label'],
  )
  assert.deepEqual(labels, ['send proposed', 'gates judged', 'output edited', 'reviewed', 'claimed'])
  const event = await client.actionOpenLineage('two')
  assert.equal(event['eventType'], 'COMPLETE')
  for (const view of [prov, event])
    for (const personal of ['Anna', 'customer-two', 'two@example.com', 'morning'])
      assert.ok(!JSON.stringify(view).includes(personal), personal)
  const receipt = await client.collect(event)
  assert.ok('violations' in receipt && receipt.violations.length === 0)
})

test('after an erasure there is nothing left to export', async () => {
  await client.erase({ identifier: 'customer-two', basis: 'request of the person' })
  const gone = (error: unknown) => error instanceof WhenceError && error.code === 'not_found'
  await assert.rejects(client.actionStatement('two'), gone)
  await assert.rejects(client.actionProv('two'), gone)
  await assert.rejects(client.actionOpenLineage('two'), gone)
})

/** What the approver signs: the statement that stands, read from its envelope. */
async function countersigned({ versions }: StatedAction) {
  const { envelope } = versions.at(-1)!
  const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as Parameters<
    typeof signStatement
  >[0]
  return signStatement(statement, approver)
}

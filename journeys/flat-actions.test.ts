// A record of a system that knows nothing of Whence is taken as it is: read as a proposal, judged as one, and what it says
// of its own checks is kept as its own word.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Client, FlatAction } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'
import { json, send } from './request.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: marketing
    marketing: true
    grounds:
      - { basis: consent }
`

let site: Site
let server: Running
let client: Client

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  await client.apply({ files: [{ path: 'purposes.yaml', text: purposes }] })
})
after(() => site.remove())

const hash = createHash('sha256').update('Spring is here').digest('hex')
const record = (id: string, more: object = {}) => ({
  action_id: id,
  timestamp: '2026-01-16T10:00:00Z',
  actor: { type: 'service', id: 'subject-line-writer' },
  campaign_id: 'spring',
  model: { name: 'writer-large', version: '2026-01', provider: 'example', config: { temperature: 0.2, stop: ['\n'] } },
  prompt: 'Write a subject line for customer 12345',
  input_refs: ['customer_profile_v3:12345', 'catalog_snapshot:2026-01-16'],
  output: { content_hash: `sha256:${hash}`, artifact_id: 'artifact-7' },
  consent: { consent_receipt_id: 'r-1', consent_version: 'v2', opt_out: false },
  policy: { pii_detected: false, prohibited_terms: [] },
  lineage: { upstream_event_ids: ['e-1', 'e-2'], prov_model: 'PROV-O' },
  integrity: { signature: 'MEUCIQD', signature_key_id: 'key-1' },
  ...more,
})
const post = (body: unknown) => send(server, 'POST', '/v1/actions', { body: JSON.stringify(body), headers: json })

test('the record is taken as it is, and what it asserts of consent and signature makes no gate believe it', async () => {
  const { status, body } = await post(record('flat-1'))
  assert.equal(status, 200, body)
  const told = JSON.parse(body) as Awaited<ReturnType<Client['propose']>>
  assert.equal(told.decision, 'refused', 'nobody gave consent here, whatever receipt it names')
  const gate = (name: string) => told.verdicts.find((one) => one.gate === name)!
  assert.equal(gate('consent').findings[0]!.code, 'consent.unknown')
  assert.equal(gate('signature').inputs.state, 'unsigned', 'a signature over something else is none')
  const shown = await client.action('flat-1')
  assert.equal(shown.type, 'send')
  assert.equal(shown.time, '2026-01-16T10:00:00.000000Z')
  assert.deepEqual(shown.actor, { type: 'service', id: 'subject-line-writer' })
  assert.equal(shown.campaign, 'spring')
  assert.deepEqual(shown.model, {
    name: 'writer-large',
    version: '2026-01',
    provider: 'example',
    configuration: { temperature: 0.2, stop: '["\\n"]' },
  })
  assert.equal(
    shown.prompt?.sha256,
    createHash('sha256').update('Write a subject line for customer 12345').digest('hex'),
  )
  assert.deepEqual(shown.inputs, {
    profile: 'customer_profile_v3',
    datasets: ['catalog_snapshot:2026-01-16'],
    events: ['e-1', 'e-2'],
  })
  assert.deepEqual(shown.asserted, {
    piiDetected: false,
    prohibitedTerms: [],
    provModel: 'PROV-O',
    signature: 'MEUCIQD',
    signatureKeyId: 'key-1',
    consent: { receipt: 'r-1', version: 'v2', optOut: false },
  })
  const { subjects } = await client.subjects({ identifiers: ['12345'], subjectType: 'customer' })
  assert.equal(subjects[0], shown.subject)
  assert.equal((await client.actionStatement('flat-1')).versions[0]!.envelope.signatures.length, 0)
})

test('with consent on record it is released; a message of which no copy is given is held by whoever would read it', async () => {
  await client.recordConsents({
    consents: [{ id: 'c-1', identifier: '12345', state: 'given', purposes: [{ purpose: 'marketing' }] }],
  })
  assert.equal((await client.propose(record('flat-2') as FlatAction)).decision, 'released')
  assert.equal((await client.propose(record('flat-2') as FlatAction)).receipt.status, 'duplicate')
  await assert.rejects(client.propose(record('flat-2', { campaign_id: 'summer' }) as FlatAction), { code: 'conflict' })
  await client.apply({
    files: [{ path: 'gates.yaml', text: 'kind: GateChain\nname: mail\ngates: [{ name: pii, kind: pii }]\n' }],
  })
  const held = await client.propose(record('flat-3') as FlatAction)
  assert.equal(held.decision, 'held')
  assert.equal(held.verdicts.at(-1)!.findings[0]!.code, 'copy.absent')
  const opted = await client.propose(
    record('flat-4', { consent: { opt_out: true }, policy: { pii_detected: true } }) as FlatAction,
  )
  assert.equal(opted.decision, 'held', 'its word is no verdict, in either direction')
})

test('an agent needs its file and a configuration, as any other', async () => {
  const told = await client.propose(record('flat-5', { actor: { type: 'agent', id: 'writer' } }) as FlatAction)
  assert.equal(told.decision, 'refused')
  assert.equal(told.verdicts.find(({ gate }) => gate === 'agent')!.findings[0]!.code, 'agent.unknown')
})

test('what is wrong is told by the names of the record', async () => {
  for (const [more, where] of [
    [{ timestamp: 'yesterday' }, '/timestamp'],
    [{ actor: { type: 'robot', id: 'x' } }, '/actor/type'],
    [{ actor: undefined }, '/actor'],
    [{ output: { content_hash: 'md5:abc' } }, '/output/content_hash'],
    [{ input_refs: [] }, '/input_refs'],
    [{ input_refs: ['customer_profile:1', 'user:2'] }, '/input_refs/1'],
    [{ input_refs: [7] }, '/input_refs/0'],
    [{ consent: { opt_out: 'no' } }, '/consent/opt_out'],
    [{ policy: { prohibited_terms: 'none' } }, '/policy/prohibited_terms'],
    [{ lineage: { upstream_event_ids: ['x'.repeat(513)] } }, '/lineage/upstream_event_ids/0'],
    [{ integrity: { signature: 7 } }, '/integrity/signature'],
    [{ model: { version: '1' } }, '/model/name'],
    [{ colour: 'red' }, 'colour'],
    [{ action_id: '' }, '/action_id'],
  ] as const) {
    const { status, body } = await post(record('wrong', more))
    assert.equal(status, 400, where)
    assert.ok(body.includes(where), `${where}: ${body}`)
  }
  const { status } = await post({ action_id: 'x' })
  assert.equal(status, 400)
})

test('nulls say nothing, and a record that is no send needs nobody', async () => {
  const { status, body } = await post({
    action_id: 'flat-6',
    timestamp: null,
    action_type: 'bid',
    actor: { type: 'service', id: 'bidder', configuration: null },
    campaign_id: null,
    model: null,
    prompt: `sha256:${hash}`,
    input_refs: ['customer_snapshot:12345', 'odd', ':', 'x:', 'prediction:p-1', 'feature_snapshot:12', 'event:e-9'],
    output: null,
    consent: null,
    policy: null,
    lineage: { upstream_event_ids: null },
    integrity: null,
  })
  assert.equal(status, 200, body)
  const shown = await client.action('flat-6')
  assert.equal(shown.subject, undefined)
  assert.equal(shown.prompt?.sha256, hash)
  assert.equal(shown.asserted, undefined)
  assert.deepEqual(shown.inputs, {
    snapshots: [12],
    predictions: ['p-1'],
    events: ['e-9'],
    refs: ['customer_snapshot:12345', 'odd', ':', 'x:'],
  })
})

test('many in one request, and from a file by whence actions propose', async () => {
  const batch = await client.proposeAll([record('flat-7'), record('flat-8')] as FlatAction[])
  assert.equal(batch.results.length, 2)
  const file = join(site.folder, 'flat.ndjson')
  await writeFile(file, [record('flat-9'), record('flat-10')].map((one) => JSON.stringify(one)).join('\n'))
  const here = ['--url', server.url, '--key', server.token]
  const ran = await site.whence('actions', 'propose', file, '--json', ...here)
  assert.equal(ran.code, 0, ran.stderr)
  assert.deepEqual(
    (JSON.parse(ran.stdout) as { id: string }[]).map(({ id }) => id),
    ['flat-9', 'flat-10'],
  )
  await writeFile(file, JSON.stringify(record('flat-11', { output: { content_hash: 'abc' } })))
  const wrong = await site.whence('actions', 'propose', file, ...here)
  assert.match(wrong.stderr, /proposal 1: \/output\/content_hash/)
  const shown = await site.whence('explain', 'flat-1', ...here)
  assert.match(shown.stdout, /a signature by key key-1, not verified/)
})

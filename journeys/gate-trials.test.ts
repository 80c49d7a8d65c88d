// Gates are changed in a folder and tried on what was proposed before, by what was known then; nothing is recorded.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client, GateTrial } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    marketing: true
    grounds:
      - { basis: consent }
  - name: service
    grounds:
      - { basis: contract }
`
const chain = (gates: string, name = 'mail') => `kind: GateChain\nname: ${name}\ngates:\n${gates}\n`
const pii = chain('  - { name: pii, kind: pii }')
const terms = 'kind: TermList\nname: claims\nterms: [ risk free ]\n'
const agent = (more = '') =>
  `kind: Agent\nname: writer\nowner: mail\n${more}configurations:\n  usual: { channels: [email, push] }\n`

let site: Site
let server: Running
let client: Client
/** Microseconds; noon, so that hours that are tried lie far away. */
let now = Date.UTC(2026, 2, 6, 12) * 1000

before(async () => {
  site = await Site.make()
  server = await site.start({ clock: { now: () => ++now } })
  client = server.client
  await client.apply({
    files: [
      { path: 'purposes.yaml', text: purposes },
      { path: 'agent.yaml', text: agent() },
    ],
  })
})
after(() => site.remove())

const message = (id: string, entity: string, text: string, more: object = {}) => ({
  id,
  type: 'send' as const,
  actor: { type: 'agent' as const, id: 'writer', configuration: 'usual' },
  entity,
  channel: 'email',
  purpose: 'service',
  output: { copy: [{ part: 'text', text }] },
  ...more,
})
const tried = (files: Record<string, string>, more: Partial<Parameters<Client['tryGates']>[0]> = {}) =>
  client.tryGates({ files: Object.entries(files).map(([path, text]) => ({ path, text })), ...more })
const turned = ({ different }: GateTrial) =>
  different.map(({ id, before: was, after: is, gates }) => [
    id,
    `${was.decision} ${is.decision}`,
    gates.map(({ gate }) => gate).join(),
  ])

test('without a change nothing differs, and nothing is recorded', async () => {
  await client.propose(message('plain-1', 'p-1', 'hello'))
  await client.propose(message('plain-2', 'p-2', 'write to somebody@example.net'))
  await client.propose(message('plain-3', 'p-3', 'nobody agreed', { purpose: 'newsletter' }))
  const { size } = await client.status()
  const told = await tried({ 'agent.yaml': agent() })
  assert.deepEqual([told.actions, told.judged, told.changed, told.different], [3, 3, 0, []])
  assert.deepEqual(told.files, [
    { path: 'agent.yaml', kind: 'agent', name: 'writer', version: 'v1', change: 'unchanged' },
  ])
  assert.equal((await client.status()).size, size)
})

test('a new chain and a new list show whom they would stop, and which gate does', async () => {
  const told = await tried({ 'mail.yaml': pii, 'playbook.yaml': 'kind: Playbook\nname: other\n' })
  assert.deepEqual(turned(told), [['plain-2', 'released held', 'pii']])
  assert.deepEqual(told.different[0]!.gates[0]!.after, { outcome: 'hold' })
  assert.equal(told.different[0]!.gates[0]!.before, undefined)
  assert.deepEqual(told.ignored, ['playbook.yaml'])
  assert.ok(!JSON.stringify(told).includes('example.net'), 'what a gate found is not in the answer')
  await client.propose(message('claim-1', 'p-1', 'this is risk free'))
  const lists = await tried({
    'claims.yaml': terms,
    'mail.yaml': chain('  - { name: words, kind: terms, lists: [claims], finds: refuse }'),
  })
  assert.deepEqual(turned(lists), [['claim-1', 'released refused', 'words']])
  const silent = await tried({
    'claims.yaml': terms,
    'mail.yaml': chain('  - { name: words, kind: terms, lists: [claims], shadow: true }'),
  })
  assert.deepEqual([silent.decided, silent.changed], [0, 1], 'a gate in shadow is told, and decides nothing')
})

test('consent is as it was when an action was judged, whatever was said since', async () => {
  await client.recordConsents({
    consents: [
      {
        id: '7d3f2c1e-0000-4000-8000-000000000001',
        version: 1,
        identifier: 'agrees-1',
        state: 'given',
        purposes: [{ purpose: 'newsletter' }],
      },
    ],
  })
  const told = await client.propose(message('news-1', 'agrees-1', 'news', { purpose: 'newsletter' }))
  assert.equal(told.decision, 'released', told.reason)
  await client.object({ identifier: 'agrees-1', purpose: 'marketing' })
  const after = await client.propose(message('news-2', 'agrees-1', 'news', { purpose: 'newsletter' }))
  assert.equal(after.decision, 'refused')
  assert.deepEqual(turned(await tried({})), [])
  // Even where the purposes of now would say something else.
  await client.apply({
    files: [{ path: 'purposes.yaml', text: purposes.replace('basis: contract', 'basis: consent') }],
  })
  assert.deepEqual(turned(await tried({})), [])
  await client.apply({ files: [{ path: 'purposes.yaml', text: purposes }] })
})

test('purposes that are changed show whom they would have reached, and whom not', async () => {
  const now = await tried({ 'purposes.yaml': purposes })
  assert.deepEqual([now.changed, now.ignored], [0, []])
  assert.deepEqual(
    now.files.map(({ kind, name, change }) => [kind, name, change]),
    [['purposes', 'shop', 'unchanged']],
  )
  // Of those who agreed nothing changes; service rested on a contract, and nobody ever agreed to it.
  const stricter = await tried({ 'purposes.yaml': purposes.replace('basis: contract', 'basis: consent') })
  assert.deepEqual(stricter.files[0]!.change, 'changed')
  const refused = turned(stricter)
  assert.ok(refused.length > 1 && refused.every(([, both]) => both === 'released refused'), JSON.stringify(refused))
  assert.ok(!refused.some(([id]) => id!.startsWith('news')))
  assert.deepEqual(stricter.different[0]!.gates, [
    {
      gate: 'consent',
      kind: 'consent',
      policy: 'built-in',
      before: { outcome: 'pass' },
      after: { outcome: 'refuse' },
      message: stricter.different[0]!.gates[0]!.message,
    },
  ])
  assert.match(stricter.different[0]!.reason, /consent/)
  const looser = purposes.replace(
    '{ basis: consent }',
    '{ basis: legitimate_interest, assessment: Existing customers expect it. }',
  )
  // Who had said nothing would have been written to; who had objected by then would not.
  assert.deepEqual(turned(await tried({ 'purposes.yaml': looser })), [['plain-3', 'refused released', 'consent']])
  // Other purposes in the place of all that were in force then, and beside them.
  const other = purposes
    .replace('name: shop', 'name: club')
    .replaceAll(/newsletter|service/g, 'club $&')
    .replaceAll('club ', 'club_')
  const beside = await tried({ 'club.yaml': other })
  assert.deepEqual([beside.changed, beside.removed], [0, []])
  const instead = await tried({ 'club.yaml': other }, { remove: true })
  assert.deepEqual(instead.removed.toSorted(), ['agent writer', 'purposes shop'])
  assert.ok(turned(instead).every(([, both]) => both!.endsWith('refused')))
  await assert.rejects(tried({ 'purposes.yaml': purposes.replace('consent', 'whim') }), /purposes\.yaml line \d+/)
})

test('a cap counts what had been released by then, and hours are those of then', async () => {
  const capped = (most: number) =>
    chain(
      `  - name: cap\n    kind: cedar\n    sends: { day: 24h }\n    policies: |\n      permit(principal, action, resource);\n      @id("cap") forbid(principal, action, resource) when { context.sends.day >= ${most} };`,
    )
  for (const n of [1, 2, 3]) await client.propose(message(`cap-${n}`, 'c-1', 'hello'))
  const only = { campaign: 'other' }
  assert.equal((await tried({ 'cap.yaml': capped(0) }, only)).actions, 0)
  const told = turned(await tried({ 'cap.yaml': capped(2) })).filter(([id]) => id!.startsWith('cap'))
  assert.deepEqual(told, [['cap-3', 'released refused', 'cap']])
  const quiet = (from: number) =>
    chain(
      `  - name: quiet\n    kind: cedar\n    policies: |\n      permit(principal, action, resource);\n      @id("q") forbid(principal, action, resource) when { context.hour >= ${from} };`,
    )
  now += 6 * 3600e6
  assert.deepEqual(turned(await tried({ 'quiet.yaml': quiet(13) })), [], 'it was noon then, though it is six now')
  assert.ok((await tried({ 'quiet.yaml': quiet(12) })).decided > 0)
})

test('an agent that goes into shadow, loses its configuration or must sign', async () => {
  const shadow = await tried({ 'agent.yaml': agent('mode: shadow\nbeside: older\n') }, { limit: 1 })
  assert.deepEqual(
    shadow.decisions.map(({ after: is }) => is),
    [{ decision: 'released', shadow: true }],
  )
  assert.deepEqual([shadow.decided, shadow.next !== undefined], [1, true])
  const narrower = await tried({ 'agent.yaml': agent().replace('email, ', '') }, { limit: 1 })
  assert.deepEqual(turned(narrower), [['cap-3', 'released refused', 'agent']])
  const removed = await tried({}, { remove: true, limit: 1 })
  assert.deepEqual(removed.removed, ['agent writer'])
  assert.deepEqual(turned(removed), [['cap-3', 'released refused', 'agent']])
})

test('a scorer is taken at what it said, held against another threshold, and asked only where that is wanted', async () => {
  const sent: string[] = []
  const scorer = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += String(piece)))
    request.on('end', () => {
      sent.push(body)
      response.setHeader('content-type', 'application/json')
      response.end('{"score":0.5}')
    })
  })
  await new Promise<void>((resolve) => scorer.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(scorer.address() as AddressInfo).port}/`
  const toned = (threshold: number, name = 'tone') =>
    chain(
      `  - { name: ${name}, kind: scorer, url: "${url}", scorer: ${name}, version: "1", threshold: ${threshold} }`,
      'tone',
    )
  try {
    await client.apply({ files: [{ path: 'tone.yaml', text: toned(0.9) }] })
    await client.propose(message('tone-1', 't-1', 'hello'))
    assert.equal(sent.length, 1)
    const same = await tried({ 'tone.yaml': toned(0.9) }, { limit: 1 })
    assert.deepEqual([same.changed, same.scorers], [0, { asked: false, before: 1, never: 0 }])
    const stricter = await tried({ 'tone.yaml': toned(0.4) }, { limit: 1 })
    assert.deepEqual(turned(stricter), [['tone-1', 'released held', 'tone']])
    const other = await tried({ 'tone.yaml': toned(0.4, 'truth') }, { limit: 1 })
    assert.deepEqual([other.changed, other.scorers.never], [0, 1])
    assert.equal(sent.length, 1, 'nobody was asked')
    const asked = await tried({ 'tone.yaml': toned(0.4, 'truth') }, { limit: 1, scorers: true })
    assert.deepEqual(turned(asked), [['tone-1', 'released held', 'truth']])
    assert.equal(sent.length, 2)
  } finally {
    scorer.closeAllConnections()
    await new Promise((resolve) => scorer.close(resolve))
    await client.apply({ files: [{ path: 'tone.yaml', text: chain('  - { name: tricks, kind: disguise }', 'tone') }] })
  }
})

test('what cannot be judged again is counted with its reason', async () => {
  await client.propose(message('digest-1', 'd-1', 'x', { type: 'bid', output: { sha256: 'ab'.repeat(32) } }))
  await client.propose(message('gone-1', 'gone-1', 'hello'))
  await client.erase({ identifier: 'gone-1', basis: 'request' })
  const told = await tried({ 'mail.yaml': pii }, { limit: 2 })
  assert.deepEqual(told.unjudged, [{ why: 'erased', actions: 1 }])
  assert.equal(told.judged, 1, 'a bid without copy is judged as one')
  await client.apply({
    files: [{ path: 'tone.yaml', text: chain('  - { name: risky, kind: approval }', 'tone') }],
  })
  await client.propose(message('digest-2', 'd-2', 'x', { output: { sha256: 'ab'.repeat(32) } }))
  const unread = await tried({ 'mail.yaml': pii }, { limit: 1 })
  assert.deepEqual([unread.judged, unread.unjudged], [0, [{ why: 'copy', actions: 1 }]])
  assert.deepEqual((await tried({}, { limit: 1 })).unjudged, [], 'where no gate reads copy it is judged')
})

test('files that cannot be read are refused with their line; only an admin may try', async () => {
  await assert.rejects(tried({ 'mail.yaml': chain('  - { name: pii, kind: pi }') }), /mail\.yaml line 4/)
  await assert.rejects(tried({ 'a.yaml': pii, 'b.yaml': pii }), /a\.yaml declares gates mail too/)
  await assert.rejects(tried({}, { since: '2026-13-45T00:00:00Z' }), { code: 'invalid' })
  const { secret } = await client.issueKey({ name: 'reader', scopes: ['read', 'review'] })
  await assert.rejects(createClient({ url: server.url, key: secret }).tryGates({ files: [] }), { code: 'forbidden' })
})

test('whence gates test pages through everything and ends with 1 when something differs', async () => {
  const folder = join(site.folder, 'changed')
  await mkdir(folder)
  await writeFile(join(folder, 'mail.yaml'), pii)
  const many = Array.from({ length: 250 }, (_, i) =>
    message(`many-${i}`, `m-${i}`, i === 0 ? 'to a.b@example.net' : 'hi'),
  )
  await client.proposeAll(many)
  const here = ['--url', server.url, '--key', server.token]
  const ran = await site.whence('gates', 'test', folder, '--json', ...here)
  assert.equal(ran.code, 1, ran.stderr)
  const told = JSON.parse(ran.stdout) as GateTrial
  assert.ok(told.actions > 250 && told.next === undefined)
  assert.deepEqual(
    turned(told).filter(([id]) => id!.startsWith('many')),
    [['many-0', 'released held', 'pii']],
  )
  const shown = await site.whence('gates', 'test', folder, ...here)
  assert.equal(shown.code, 1)
  assert.match(shown.stdout, /would be decided otherwise/)
  assert.match(shown.stdout, /not judged again: their person was erased/)
  const none = await site.whence('gates', 'test', folder, '--campaign', 'nothing', ...here)
  assert.equal(none.code, 0, none.stderr)
})

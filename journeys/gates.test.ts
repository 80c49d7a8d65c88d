// Gates in force on a server: files of theirs are applied, judge what is proposed, and are replaced; what a scorer
// elsewhere does is its own affair.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    grounds:
      - { basis: contract }
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

let number = 0
async function propose(copy: Record<string, string>, more: object = {}) {
  number++
  return client.propose({
    id: `g-${number}`,
    type: 'send',
    actor: { type: 'service', id: 'mailer' },
    entity: `person-${number}`,
    channel: 'email',
    purpose: 'newsletter',
    output: { copy: Object.entries(copy).map(([part, text]) => ({ part, text })) },
    ...more,
  })
}
const apply = (text: string, path = 'gates.yaml') => client.apply({ files: [{ path, text }] })
const against = (told: Awaited<ReturnType<typeof propose>>) =>
  told.verdicts
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ gate, policy, outcome }) => `${gate} ${policy} ${outcome}`)

test('a chain judges from the moment that it is applied; a new version, from then on', async () => {
  const text = { text: 'write to somebody@example.net' }
  assert.equal((await propose(text)).decision, 'released')
  await apply('kind: GateChain\nname: mail\ngates:\n  - { name: pii, kind: pii }\n')
  const held = await propose(text)
  assert.deepEqual([held.decision, against(held)], ['held', ['pii mail@v1 hold']])
  await apply('kind: GateChain\nname: mail\ngates:\n  - { name: pii, kind: pii, finds: refuse }\n')
  const refused = await propose(text)
  assert.deepEqual([refused.decision, against(refused)], ['refused', ['pii mail@v2 refuse']])
  assert.notEqual(held.verdicts.at(-1)!.fingerprint, refused.verdicts.at(-1)!.fingerprint)
})

test('a file that cannot be read is refused with its line, and what was in force stays', async () => {
  for (const [text, line] of [
    ['kind: GateChain\nname: mail\ngates:\n  - { name: pii, kind: pi }\n', /gates.yaml line 4/],
    ['kind: GateChain\nname: mail\ngates:\n  - { name: c, kind: cedar, policies: "permit(" }\n', /line 4.*Cedar/],
    ['kind: GateChain\nname: mail\ngates: [', /gates.yaml line/],
  ] as const)
    await assert.rejects(apply(text), (error: Error) => line.test(error.message))
  const told = await propose({ text: 'write to somebody@example.net' })
  assert.deepEqual(against(told), ['pii mail@v2 refuse'])
})

test('another customer of ours in the copy is told from a stranger, and nothing of them is in the verdict', async () => {
  await apply('kind: GateChain\nname: mail\ngates:\n  - { name: pii, kind: pii }\n')
  await propose({ text: 'hello' }, { entity: 'known@example.net' })
  const told = await propose({ text: 'ask known@example.net or stranger@example.net' })
  const verdict = told.verdicts.find(({ gate }) => gate === 'pii')
  assert.deepEqual(
    verdict!.findings.map(({ code }) => code),
    ['pii.other_person.email', 'pii.email'],
  )
  assert.ok(!JSON.stringify(told.verdicts).includes('example.net'))
})

test('the example of the e-mail project is in force as it is shipped', async () => {
  const file = (name: string) =>
    readFileSync(new URL(`../examples/email/policies/${name}.yaml`, import.meta.url), 'utf8')
  await client.apply({ files: ['gates', 'claims'].map((name) => ({ path: `${name}.yaml`, text: file(name) })) })
  const told = await propose({ subject: 'You have won!', text: 'Dear {{first_name}}, v\u200biagra' })
  assert.equal(told.decision, 'refused')
  const gates = new Set(told.verdicts.filter(({ outcome }) => outcome !== 'pass').map(({ gate }) => gate))
  for (const gate of ['filled-in', 'words', 'tricks']) assert.ok(gates.has(gate), gate)
})

test('a scorer that hangs holds what it should have scored, and a gate in shadow holds nothing', async () => {
  const scorer = createServer(() => {})
  await new Promise<void>((resolve) => scorer.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(scorer.address() as AddressInfo).port}/`
  const gate = (more: string) =>
    `kind: GateChain\nname: tone\nappliesTo: { channels: [push] }\ngates:\n  - { name: tone, kind: scorer, url: "${url}", scorer: tone, version: "1", threshold: 1, timeout: 1s${more} }\n`
  try {
    await apply(gate(''), 'tone.yaml')
    const push = { channel: 'push' }
    const held = await propose({ text: 'hello' }, push)
    assert.ok(against(held).includes('tone tone@v1 hold'))
    assert.equal(held.decision, 'held')
    await apply(gate(', shadow: true'), 'tone.yaml')
    const told = await propose({ text: 'hello' }, push)
    const verdict = told.verdicts.find((one) => one.gate === 'tone')!
    assert.deepEqual([verdict.outcome, verdict.shadow, verdict.findings[0]!.code], ['hold', true, 'scorer.unanswered'])
  } finally {
    scorer.closeAllConnections()
    await new Promise((resolve) => scorer.close(resolve))
  }
})

test('verdicts are the same after a restart', async () => {
  const before = await propose({ text: 'write to somebody@example.net' }, { channel: 'sms' })
  await server.stop()
  client = (await site.start()).client
  const again = await propose({ text: 'write to somebody@example.net' }, { channel: 'sms' })
  const said = (told: typeof before) =>
    told.verdicts.map(({ gate, policy, fingerprint, outcome }) => [gate, policy, fingerprint, outcome])
  assert.deepEqual(said(again), said(before))
})

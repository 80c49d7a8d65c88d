// Systems that own some state, by files in force: found by what they own, asked through the API and the command line.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from '@whence/sdk'
import { farEnd } from '../server/src/path/actions/connectors/testing.ts'
import type { FarEnd } from '../server/src/path/actions/connectors/testing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let far: FarEnd

before(async () => {
  far = await farEnd()
  site = await Site.make({ WHENCE_CONNECTOR_SHOP: 'a-secret-of-the-shop' })
  server = await site.start()
})
after(async () => {
  await site.remove()
  await far.close()
})

const file = (name: string, owns: string, more = '') => ({
  path: `connectors/${name}.yaml`,
  text: `kind: Connector\nname: ${name}\ntype: http\nurl: ${far.url}\nowns: ${owns}\nretries: 0\n${more}`,
})

test('a plan puts a connector into force, and what it owns can be asked for', async () => {
  const shop = file(
    'shop',
    `{ campaigns: ['spring-*'], prices: ['sku-*'] }`,
    'credentials: { token: WHENCE_CONNECTOR_SHOP }',
  )
  const lacking = file('lacking', `{ flags: ['*'] }`, 'credentials: { token: WHENCE_CONNECTOR_NOT_SET }')
  const first = file('first', `{ segments: ['a*'] }`)
  const second = file('second', `{ segments: ['*b'] }`)
  await server.client.apply({ files: [shop, lacking, first, second] })
  const { connectors } = await server.client.connectors()
  assert.deepEqual(
    connectors.map(({ name, version, owns, missing }) => ({ name, version, owns, missing })),
    [
      { name: 'first', version: 1, owns: { segments: ['a*'] }, missing: [] },
      { name: 'lacking', version: 1, owns: { flags: ['*'] }, missing: ['WHENCE_CONNECTOR_NOT_SET'] },
      { name: 'second', version: 1, owns: { segments: ['*b'] }, missing: [] },
      { name: 'shop', version: 1, owns: { campaigns: ['spring-*'], prices: ['sku-*'] }, missing: [] },
    ],
  )

  far.campaigns.set('spring-sale', { status: 'running', sent: 7, toSend: 20 })
  far.objects.set('price/sku-1', 12)
  const campaign = await server.client.connectedState({ kind: 'campaign', id: 'spring-sale' })
  assert.deepEqual(
    [campaign.state, campaign.connector, campaign.value, campaign.counts],
    ['answered', 'shop@v1', 'running', { status: 'running', said: 'running', sent: 7, toSend: 20 }],
  )
  assert.equal((await server.client.connectedState({ kind: 'price', id: 'sku-1' })).value, 12)
  assert.deepEqual([...far.authorizations], ['Bearer a-secret-of-the-shop'])

  const state = async (kind: 'campaign' | 'flag' | 'segment', id: string) =>
    (await server.client.connectedState({ kind, id })).state
  assert.equal(await state('campaign', 'winter'), 'unowned')
  assert.equal(await state('flag', 'x'), 'unusable')
  assert.equal(await state('segment', 'ab'), 'contested')
})

test('the command line shows connectors and asks them', async () => {
  const list = await site.whence('connectors', 'list')
  assert.equal(list.code, 1, 'a secret is not set')
  assert.match(list.stdout, /shop@v1 +http .*campaigns spring-\*; prices sku-\*/)
  assert.match(list.stdout, /lacks WHENCE_CONNECTOR_NOT_SET/)
  const asked = await site.whence('connectors', 'ask', 'campaign', 'spring-sale')
  assert.equal(asked.code, 0, asked.stderr)
  assert.match(asked.stdout, /^campaign spring-sale: running, 7 sent of 20 /)
  const none = await site.whence('connectors', 'ask', 'campaign', 'winter', '--json')
  assert.equal(none.code, 1)
  assert.equal((JSON.parse(none.stdout) as { state: string }).state, 'unowned')
  assert.equal((await site.whence('connectors', 'ask', 'lamp', 'x')).code, 2)
})

test('asking is for admins; the list shows no secret', async () => {
  const { secret } = await server.client.issueKey({ name: 'reader', scopes: ['read'] })
  const reader = createClient({ url: server.url, key: secret })
  assert.ok(!JSON.stringify(await reader.connectors()).includes('a-secret'))
  await assert.rejects(reader.connectedState({ kind: 'price', id: 'sku-1' }), { code: 'forbidden' })
})

test('a connector that a plan takes out of force owns nothing any more', async () => {
  await server.client.apply({ files: [file('other', `{ flags: ['*'] }`)], remove: true })
  const { connectors } = await server.client.connectors()
  assert.deepEqual(
    connectors.map(({ name }) => name),
    ['other'],
  )
  assert.equal((await server.client.connectedState({ kind: 'price', id: 'sku-1' })).state, 'unowned')
})

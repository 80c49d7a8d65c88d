// A key that was given to an agent speaks for this agent and for nobody else, whatever else it may do.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { refused } from './answers.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let own: Client

const purposes = 'kind: Purposes\nname: shop\npurposes:\n  - { name: service, grounds: [{ basis: contract }] }\n'
const agent = (name: string) =>
  `kind: Agent\nname: ${name}\nowner: growth\nunsigned: allowed\nconfigurations:\n  any: { channels: [email] }\n`
const message = (id: string, actor: { type: 'agent' | 'user' | 'service'; id: string }) => ({
  id,
  type: 'send' as const,
  actor: { ...actor, configuration: 'any' },
  entity: 'c-1',
  channel: 'email',
  purpose: 'service',
  output: { copy: [{ part: 'text', text: 'hello' }] },
})
const writer = { type: 'agent' as const, id: 'writer' }

before(async () => {
  site = await Site.make()
  server = await site.start()
  await server.client.apply({
    files: [
      { path: 'purposes.yaml', text: purposes },
      { path: 'writer.yaml', text: agent('writer') },
      { path: 'other.yaml', text: agent('other') },
    ],
  })
  const issued = await site.whence(
    'keys',
    'issue',
    'writers-key',
    '--scope',
    'propose,ingest,read',
    '--agent',
    'writer',
  )
  assert.equal(issued.code, 0, issued.stderr)
  assert.match(issued.stderr, /of agent writer only/)
  own = createClient({ url: server.url, key: issued.stdout.trim() })
})
after(() => site?.remove())

test('its own actions are proposed, those of every other actor refused, and nothing of them is recorded', async () => {
  const told = await own.propose(message('own', writer))
  assert.equal(told.decision, 'released', told.reason)
  const { size } = await server.client.status()
  for (const actor of [
    { type: 'agent' as const, id: 'other' },
    { type: 'service' as const, id: 'writer' },
    { type: 'user' as const, id: 'writer' },
    { type: 'agent' as const, id: 'Writer' },
  ])
    await refused(own.propose(message('another', actor)), 'forbidden')
  assert.equal((await server.client.status()).size, size)
})

test('of a batch only its own are decided', async () => {
  const { results, released } = await own.proposeAll([
    message('batch-1', writer),
    message('batch-2', { type: 'agent', id: 'other' }),
    message('batch-3', writer),
  ])
  assert.equal(released, 2)
  assert.deepEqual(
    results.map((one) => ('problem' in one ? one.problem.code : one.decision)),
    ['released', 'forbidden', 'released'],
  )
})

test('what another key proposed under this id is not told either', async () => {
  await server.client.propose(message('secret', { type: 'agent', id: 'other' }))
  await refused(own.propose(message('secret', { type: 'agent', id: 'other' })), 'forbidden')
})

test('it is told with the key, holds after a restart and when the tables are made again; admin keys cannot be bound', async () => {
  await server.stop()
  await site.forgetTables()
  server = await site.start()
  const known = (await server.client.keys()).find(({ name }) => name === 'writers-key')
  assert.equal(known!.agent, 'writer')
  assert.match((await site.whence('keys', 'list')).stdout, /\(agent writer\)/)
  await refused(server.client.issueKey({ name: 'both', scopes: ['propose', 'admin'], agent: 'writer' }), 'invalid')
  const { secret } = await server.client.issueKey({ name: 'again', scopes: ['propose'], agent: 'writer' })
  const client = createClient({ url: server.url, key: secret })
  await refused(client.propose(message('later', { type: 'agent', id: 'other' })), 'forbidden')
  assert.equal((await client.propose(message('later', writer))).decision, 'released')
})

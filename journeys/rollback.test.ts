// Decisions that were wrong are stopped, taken back and made good, and one report tells it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { refused } from './answers.ts'
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
  - name: service
    grounds:
      - { basis: contract }
`

const agent = `
kind: Agent
name: writer
owner: growth
unsigned: allowed
configurations:
  any: { channels: [email] }
`

type Given = Partial<Parameters<Client['propose']>[0]>

const message = (id: string, entity: string, more: Given = {}) => ({
  id,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity,
  channel: 'email',
  purpose: 'newsletter',
  campaign: 'spring',
  address: `${entity}@example.com`,
  output: { copy: [{ part: 'subject', text: 'Spring is here' }] },
  ...more,
})

suite('what is paused', () => {
  let site: Site
  let server: Running
  let client: Client
  const scope = { kind: 'campaign' as const, name: 'spring', reason: 'complaints' }
  const queued = async () => (await client.claim({ limit: 1000 })).claims.map(({ action }) => action)
  const back = async (claims: { claim: number }[]) =>
    claims.length > 0 && client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'returned' as const })))

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await client.apply({
      files: [
        { path: 'purposes.yaml', text: purposes },
        { path: 'writer.yaml', text: agent },
      ],
    })
  })
  after(() => site.remove())

  test('goes to no sender until it is resumed, and what is proposed meanwhile is held', async () => {
    await client.proposeAll([message('p-1', 'c-1'), message('p-2', 'c-2', { campaign: 'summer' })])
    const paused = await client.pause(scope)
    assert.deepEqual([paused.paused, paused.quarantined, paused.claimed], [true, 1, 0])
    assert.equal((await client.pause(scope)).receipt.status, 'duplicate')
    const { claims, withheld } = await client.claim()
    assert.deepEqual([claims.map(({ action }) => action), withheld], [['p-2'], 1])
    const told = await client.propose(message('p-3', 'c-3'))
    assert.equal(told.decision, 'held')
    assert.equal(told.verdicts.at(-1)!.findings[0]!.code, 'paused')
    assert.equal(
      (await client.preflight('spring', { proposal: message('x', 'c-9'), identifiers: ['c-9'] })).quarantined,
      1,
    )
    await server.stop()
    server = await site.start()
    client = server.client
    assert.deepEqual(
      (await client.pauses()).map(({ kind, name, quarantined }) => [kind, name, quarantined]),
      [['campaign', 'spring', 1]],
    )
    assert.deepEqual((await client.claim()).claims, [])
    await client.resume({ ...scope, reason: 'looked into' })
    await refused(client.resume(scope), 'conflict')
    assert.deepEqual(await queued(), ['p-1'])
  })

  test('is a model or a prompt in one version or in all, an agent, a creative', async () => {
    const more = {
      actor: { type: 'agent' as const, id: 'writer', configuration: 'any' },
      model: { name: 'gpt', version: '2' },
      prompt: { template: 'offer', version: '7', keep: 'digest' as const },
      creative: 'A',
      campaign: 'kinds',
    }
    const told = await client.propose(message('k-1', 'k-1', more))
    assert.equal(told.decision, 'released', told.reason)
    for (const name of ['model:gpt', 'model:gpt@2', 'prompt:offer', 'prompt:offer@7', 'agent:writer', 'creative:A']) {
      const one = { kind: name.split(':')[0] as 'model', name: name.split(':')[1]!, reason: 'a look' }
      await client.pause(one)
      assert.deepEqual(await queued(), [], name)
      await client.resume(one)
    }
    await client.pause({ kind: 'model', name: 'gpt@3', reason: 'another version' })
    const { claims } = await client.claim()
    assert.deepEqual(
      claims.map(({ action }) => action),
      ['k-1'],
    )
    await back(claims)
    await client.recall({ kind: 'campaign', name: 'kinds', id: 'kinds', reason: 'done with it' })
  })

  test('and recalled is never sent; what a sender has already is known to be too late', async () => {
    await client.proposeAll([
      message('r-1', 'r-1', { campaign: 'recalled' }),
      message('r-2', 'r-2', { campaign: 'recalled' }),
    ])
    const { claims } = await client.claim({ campaign: 'recalled', limit: 1 })
    const request = { kind: 'campaign' as const, name: 'recalled', id: 'one', reason: 'a wrong discount' }
    const done = await client.recall(request)
    assert.deepEqual([done.recalled, done.claimed, done.receipt.status], [1, 1, 'recorded'])
    const again = await client.recall(request)
    assert.deepEqual([again.recalled, again.receipt.status], [0, 'duplicate'])
    assert.equal((await client.action('r-2')).state, 'recalled')
    const { results } = await client.acknowledge([{ claim: claims[0]!.claim, status: 'returned' }])
    assert.equal('withdrawn' in results[0]! && results[0].withdrawn, done.receipt.seq)
    assert.deepEqual(await queued(), [])
    // What is released later is another matter.
    await client.propose(message('r-3', 'r-3', { campaign: 'recalled' }))
    assert.deepEqual(await queued(), ['r-3'])
  })

  test('is the same after a restart and when the tables are made again, and no claim stands against it', async () => {
    await client.proposeAll([
      message('t-1', 't-1', { campaign: 'after' }),
      message('t-2', 't-2', { campaign: 'recalled' }),
    ])
    await client.pause({ kind: 'campaign', name: 'after', reason: 'a look' })
    await client.recall({ kind: 'campaign', name: 'recalled', id: 'two', reason: 'again' })
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    client = server.client
    assert.deepEqual(await queued(), [])
    assert.equal((await client.action('r-2')).state, 'recalled')
    assert.deepEqual((await client.pauses()).map(({ name }) => name).sort(), ['after', 'gpt@3'])
    const { ok, problems } = await client.verify()
    assert.deepEqual([ok, problems], [true, []])
  })
})

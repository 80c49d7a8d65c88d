// An agent writes to people: what is proposed is judged, what is released waits for a sender, and what somebody says
// meanwhile comes first.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { message, purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let client: Client

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  await client.apply({ files: [purposes] })
})
after(() => site.remove())

const acknowledged = async (claim: number, status: 'sent' | 'failed' | 'returned' = 'sent', by = client) => {
  const { results } = await by.acknowledge([{ claim, status, providerId: `m-${claim}` }])
  return results[0]!
}

test('a purpose that nobody stated is refused, and so is whoever is not known to agree', async () => {
  const unknown = await client.propose(message('unknown-1', 'u-1', { purpose: 'lottery' }))
  assert.equal(unknown.decision, 'refused')
  assert.equal(unknown.verdicts[0]!.gate, 'consent')
  assert.equal(unknown.verdicts[0]!.findings[0]!.code, 'consent.purpose')
  assert.deepEqual((await client.claim()).claims, [])
})

test('what is released is given to a sender once, with what it is to send, and acknowledged', async () => {
  const told = await client.propose(message('once-1', 'o-1'))
  assert.equal(told.decision, 'released', told.reason)
  const { claims, waiting } = await client.claim({ channel: 'email' })
  assert.deepEqual(
    claims.map(({ action, entity, address, copy, attempt }) => ({ action, entity, address, copy, attempt })),
    [
      {
        action: 'once-1',
        entity: 'o-1',
        address: 'o-1@example.com',
        copy: [{ part: 'subject', text: 'Spring is here' }],
        attempt: 1,
      },
    ],
  )
  assert.equal(waiting, 0)
  assert.deepEqual((await client.claim()).claims, [])
  const result = await acknowledged(claims[0]!.claim)
  assert.ok('receipt' in result && result.receipt.status === 'recorded')
  const again = await acknowledged(claims[0]!.claim)
  assert.ok('receipt' in again && again.receipt.status === 'duplicate')
  const other = await acknowledged(claims[0]!.claim, 'failed')
  assert.ok('problem' in other && other.problem.code === 'conflict')
  assert.equal((await client.action('once-1')).state, 'sent')
  const found = await client.actions({ message: `m-${claims[0]!.claim}` })
  assert.deepEqual(
    found.actions.map(({ id }) => id),
    ['once-1'],
  )
})

test('the same proposal again is answered as it was decided; other content under its id is a conflict', async () => {
  const first = await client.propose(message('again-1', 'a-1'))
  const second = await client.propose(message('again-1', 'a-1'))
  assert.equal(second.receipt.status, 'duplicate')
  assert.deepEqual({ ...second, receipt: 0 }, { ...first, receipt: 0 })
  await assert.rejects(client.propose(message('again-1', 'a-1', { campaign: 'summer' })), { code: 'conflict' })
  const { claims } = await client.claim()
  assert.equal(claims.length, 1)
  await acknowledged(claims[0]!.claim)
})

test('an objection takes back what waits, and is noted where a sender has it already', async () => {
  await client.proposeAll([
    message('late-1', 'l-1', { campaign: 'first' }),
    message('late-2', 'l-1', { campaign: 'second' }),
    message('late-3', 'l-1', { campaign: 'second', purpose: 'service' }),
  ])
  const { claims: held } = await client.claim({ campaign: 'first' })
  assert.equal(held.length, 1)
  const { seq } = await client.object({ identifier: 'l-1', purpose: 'marketing' })
  const { claims } = await client.claim()
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['late-3'],
    'only what rests on a contract still goes out',
  )
  const late = await acknowledged(held[0]!.claim)
  assert.ok('receipt' in late && late.withdrawn === seq)
  await acknowledged(claims[0]!.claim)
  const [first, second] = [await client.action('late-1'), await client.action('late-2')]
  assert.equal(first.state, 'sent')
  assert.equal(first.withdrawal?.found, 'with a sender')
  assert.equal(second.state, 'suppressed')
  assert.equal(second.withdrawal?.found, 'queued')
  assert.equal(second.withdrawal?.seq, seq)
  assert.ok(second.withdrawal?.suppressionMs !== undefined)
  assert.equal((await client.propose(message('late-4', 'l-1'))).decision, 'refused')
})

test('who objects elsewhere in the world is not concerned: each channel by itself', async () => {
  await client.propose(message('channel-1', 'ch-1'))
  await client.propose(message('channel-2', 'ch-1', { channel: 'sms' }))
  await client.object({ identifier: 'ch-1', purpose: 'marketing', channel: 'sms' })
  const { claims } = await client.claim()
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['channel-1'],
  )
  await acknowledged(claims[0]!.claim)
})

test('what was returned, or not acknowledged in time, is given out again; an old claim does not take a new one', async () => {
  let now = Date.now() * 1000
  const timed = await Site.make()
  try {
    const running = await timed.start({ clock: { now: () => now } })
    const by = running.client
    await by.apply({ files: [purposes] })
    await by.propose(message('back-1', 'b-1', { notBefore: new Date(now / 1000 + 60_000).toISOString() }))
    assert.equal((await by.claim()).claims.length, 0, 'its time has not come')
    now += 61_000_000
    const [first] = (await by.claim({ lease: 10 })).claims
    assert.equal(first!.attempt, 1)
    await acknowledged(first!.claim, 'returned', by)
    const [second] = (await by.claim({ lease: 10 })).claims
    assert.deepEqual([second!.attempt, second!.idempotencyKey], [2, first!.idempotencyKey])
    now += 11_000_000
    const [third] = (await by.claim({ lease: 10 })).claims
    assert.equal(third!.attempt, 3)
    const late = await acknowledged(second!.claim, 'returned', by)
    assert.ok('receipt' in late && late.late)
    assert.deepEqual((await by.claim()).claims, [], 'the third has it')
    await acknowledged(third!.claim, 'sent', by)
    assert.equal((await by.action('back-1')).state, 'sent')
    assert.equal((await by.action('back-1')).claims.length, 3)
  } finally {
    await timed.remove()
  }
})

test('a restart, and tables made anew, know what waits and what was taken back', async () => {
  await client.proposeAll([
    message('keep-1', 'k-1', { campaign: 'kept' }),
    message('keep-2', 'k-2', { campaign: 'kept' }),
    message('keep-3', 'k-3', { campaign: 'kept' }),
  ])
  await client.object({ identifier: 'k-2', purpose: 'marketing' })
  await client.object({ identifier: 'k-2', purpose: 'marketing', withdrawn: true })
  const [claimed] = (await client.claim({ campaign: 'kept', limit: 1 })).claims
  assert.equal(claimed!.action, 'keep-1')
  const before = await client.outbox()
  for (const anew of [false, true]) {
    await server.stop()
    if (anew) await site.forgetTables()
    server = await site.start(anew ? { rebuild: () => {} } : {})
    client = server.client
    assert.deepEqual(await client.outbox(), before)
    assert.equal((await client.action('keep-2')).state, 'suppressed', 'taken back stays taken back')
  }
  const { claims } = await client.claim({ campaign: 'kept' })
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['keep-3'],
  )
  await acknowledged(claims[0]!.claim)
})

test('many proposals at once are judged each by itself', async () => {
  const { results, released, refused } = await client.proposeAll([
    message('batch-1', 'ba-1'),
    message('batch-1', 'ba-1'),
    message('batch-2', 'ba-2', { purpose: 'lottery' }),
    { ...message('batch-3', 'ba-3'), subject: 'f'.repeat(32) },
    message('batch-4', 'ba-4', { notBefore: '2026-13-45T00:00:00Z' }),
  ])
  assert.deepEqual([released, refused], [1, 1])
  assert.deepEqual(
    results.map((one) => ('decision' in one ? one.decision : one.problem.code)),
    ['released', 'invalid', 'refused', 'invalid', 'invalid'],
  )
  for (const { claim } of (await client.claim()).claims) await acknowledged(claim)
})

test('keys: who proposes does not send, who sends does not propose, and another’s claim is not theirs', async () => {
  const key = async (scope: 'propose' | 'send' | 'read') => {
    const { secret } = await client.issueKey({ name: scope, scopes: [scope] })
    return createClient({ url: server.url, key: secret })
  }
  const [agent, sender, reader] = [await key('propose'), await key('send'), await key('read')]
  const { decision } = await agent.propose(message('keys-1', 'ke-1'))
  assert.equal(decision, 'released')
  await assert.rejects(agent.claim(), { code: 'forbidden' })
  await assert.rejects(sender.propose(message('keys-2', 'ke-2')), { code: 'forbidden' })
  await assert.rejects(reader.claim(), { code: 'forbidden' })
  const [claimed] = (await sender.claim()).claims
  const foreign = await acknowledged(claimed!.claim)
  assert.ok('problem' in foreign && foreign.problem.code === 'forbidden')
  const own = await acknowledged(claimed!.claim, 'sent', sender)
  assert.ok('receipt' in own)
})

test('what is shown is masked; a chain of thought is kept of what is risky, for one role', async () => {
  const thought = 'The customer seems to be in debt.'
  await client.propose(
    message('masked-1', 'ma-1', {
      output: { copy: [{ part: 'text', text: 'Write to jane.roe@example.org or pay by 4111 1111 1111 1111.' }] },
      prompt: { template: 'hello', version: '3', text: 'Tell jane.roe@example.org', keep: 'masked' },
      risk: 'high',
      thought,
    }),
  )
  await client.propose(message('masked-2', 'ma-2', { thought }))
  const shown = await client.action('masked-1')
  assert.ok(!JSON.stringify(shown).includes('jane.roe'), JSON.stringify(shown))
  assert.ok(!JSON.stringify(shown).includes('4111 1111'))
  assert.match(shown.prompt!.sha256!, /^[0-9a-f]{64}$/)
  await assert.rejects(client.actionThought('masked-1'), { code: 'forbidden' }, 'not even an admin, without the scope')
  const { secret } = await client.issueKey({ name: 'auditor', scopes: ['reasoning'] })
  const auditor = createClient({ url: server.url, key: secret })
  assert.equal((await auditor.actionThought('masked-1')).thought, thought)
  await assert.rejects(auditor.actionThought('masked-2'), { code: 'not_found' })
  for (const { claim } of (await client.claim()).claims) await acknowledged(claim)
})

test('who was erased gets nothing, and what waited for them is gone', async () => {
  await client.propose(message('erased-1', 'er-1'))
  const [claimed] = await client.claim().then(({ claims }) => claims)
  await acknowledged(claimed!.claim, 'returned')
  await client.erase({ identifier: 'er-1', basis: 'their request' })
  assert.deepEqual((await client.claim()).claims, [])
  const { results } = await client.proposeAll([message('erased-2', 'er-1')])
  assert.ok('problem' in results[0]! && results[0].problem.code === 'erased')
  await assert.rejects(client.action('erased-1'), { code: 'not_found' })
  await server.stop()
  server = await site.start()
  client = server.client
  assert.deepEqual((await client.claim()).claims, [])
})

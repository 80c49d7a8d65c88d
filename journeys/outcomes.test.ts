// What comes of messages: a provider tells of deliveries, opens and complaints; what it tells finds its action, and what a
// person says by it is obeyed before anybody is told that it was heard.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { activity, environment, event, files, message, post, sent, tell, TOKEN } from './mailing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let client: Client

before(async () => {
  site = await Site.make()
  server = await site.start({ environment })
  client = server.client
  await client.apply({ files })
})
after(() => site?.remove())

const now = (): string => new Date().toISOString()

test('what a provider tells is tied to the action, and counted by what the action was made with', async () => {
  const action = await sent(client, 'first', 'c-first')
  for (const type of ['delivered', 'opened', 'clicked']) {
    const { status, body } = await tell(server.url, event(type, 'first'))
    assert.equal(status, 200)
    assert.deepEqual(body, { recorded: 1, duplicate: 0, conflict: 0, refused: 0, tied: 1, untied: 0 })
  }
  const { outcomes } = await client.outcomes({ action: 'first' })
  assert.deepEqual(
    outcomes.map(({ type, action: of, tie, campaign, creative, agent, prompt, model, provider }) => ({
      type,
      of,
      tie,
      campaign,
      creative,
      agent,
      prompt,
      model,
      provider,
    })),
    ['clicked', 'opened', 'delivered'].map((type) => ({
      type,
      of: action,
      tie: 'message',
      campaign: 'spring',
      creative: 'green',
      agent: 'service:mailer',
      prompt: 'offer@7',
      model: 'writer@3',
      provider: 'mailersend',
    })),
  )
  for (const by of ['campaign', 'model', 'prompt', 'agent', 'creative'] as const) {
    const { groups } = await client.outcomeCounts({ by })
    const [group] = groups
    assert.equal(group!.sent, 1, by)
    assert.deepEqual(group!.outcomes.opened, { events: 1, actions: 1 }, by)
  }
  const before = await client.outcomeCounts({ asOf: outcomes.at(-1)!.seq })
  assert.deepEqual(before.groups, [{ key: 'spring', sent: 1, outcomes: {} }])
})

test('the explanation of an action goes on to what came of it', async () => {
  const told = await client.action('first')
  assert.deepEqual(
    told.outcomes.map(({ type }) => type),
    ['delivered', 'opened', 'clicked'],
  )
  for (const { seq } of told.outcomes)
    assert.ok(
      told.records.some((record) => record.seq === seq && record.integrity === 'intact'),
      `record ${seq} is among the evidence`,
    )
})

test('a complaint is an opt-out before it is answered: what waits is suppressed', async () => {
  await sent(client, 'spam', 'c-spam')
  await client.propose(message('spam-next', 'c-spam'))
  await client.propose(message('spam-service', 'c-spam', { purpose: 'service' }))
  const { status } = await tell(server.url, event('spam_complaint', 'spam'))
  assert.equal(status, 200)
  const { claims } = await client.claim()
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['spam-service'],
  )
  const suppressed = await client.action('spam-next')
  assert.equal(suppressed.state, 'suppressed')
  assert.equal(suppressed.withdrawal?.found, 'queued')
  assert.match((await client.action('spam')).alerts.join(' '), /complained/)
})

test('an unsubscription by the sender’s own system reports what it stopped', async () => {
  await sent(client, 'left', 'c-left')
  await client.propose(message('left-next', 'c-left'))
  const report = { id: 'left-1', type: 'unsubscribed' as const, message: 'm-left', time: now() }
  const told = await client.recordOutcomes([report])
  const [result] = told.results
  assert.ok(result && 'receipt' in result)
  assert.equal(result.tie, 'message')
  assert.equal(result.optOut?.effects?.suppressed, 1)
  const again = await client.recordOutcomes([report])
  assert.equal(again.duplicate, 1)
  assert.ok('receipt' in again.results[0]! && again.results[0].optOut?.receipt.status === 'duplicate')
})

test('a hard bounce keeps what waits for that address from every sender, until something arrives there', async () => {
  await sent(client, 'gone', 'c-gone')
  await client.propose(message('gone-next', 'c-gone'))
  await client.propose(message('gone-elsewhere', 'c-gone', { address: 'other@example.com' }))
  assert.equal((await tell(server.url, event('hard_bounced', 'gone'))).status, 200)
  const { claims, withheld } = await client.claim()
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['gone-elsewhere'],
  )
  assert.equal(withheld, 1)
  await tell(server.url, event('delivered', 'gone', { id: 'gone-after-all' }))
  assert.deepEqual(
    (await client.claim()).claims.map(({ action }) => action),
    ['gone-next'],
  )
})

test('an action that the sender named is found without the message; a recipient by what was sent there', async () => {
  const named = await sent(client, 'named', 'c-named')
  const byAction = await client.recordOutcomes([
    { id: 'n-1', type: 'converted', action: 'named', value: 12.5 },
    { id: 'n-2', type: 'opened', action: `${server.origin}/${named}` },
    { id: 'n-3', type: 'opened', action: 'nothing of this name' },
  ])
  assert.deepEqual(
    byAction.results.map((one) => ('receipt' in one ? [one.action, one.tie] : one)),
    [
      [named, 'action'],
      [named, 'action'],
      [undefined, undefined],
    ],
  )
  // Of this one the sender did not say how the provider calls it.
  await client.propose(message('silent', 'c-silent'))
  const { claims } = await client.claim()
  await client.acknowledge([{ claim: claims[0]!.claim, status: 'sent' }])
  const opened = (id: string, more: object) => ({
    id,
    type: 'opened' as const,
    recipient: 'C-Silent@example.com',
    ...more,
  })
  const bySend = await client.recordOutcomes([
    opened('s-1', {}),
    opened('s-2', { time: '2020-01-01T00:00:00Z' }),
    { ...opened('s-3', {}), recipient: 'stranger@example.com' },
  ])
  assert.deepEqual(
    bySend.results.map((one) => ('receipt' in one ? one.tie : one)),
    ['recipient', undefined, undefined],
  )
})

test('tickets and appeals are tied to the message that they are about; a complaint counts as one', async () => {
  const action = await sent(client, 'asked', 'c-asked')
  const told = await client.recordTickets([
    { id: 't-1', kind: 'ticket', message: 'm-asked', text: 'Where is my parcel, says c-asked' },
    { id: 't-2', kind: 'appeal', identifier: 'c-asked', action: 'asked', text: 'Why was I chosen?' },
    { id: 't-3', kind: 'complaint', recipient: 'c-asked@example.com', message: 'm-asked' },
  ])
  assert.deepEqual(
    told.results.map((one) => ('receipt' in one ? [one.type, one.action, one.optOut !== undefined] : one)),
    [
      ['ticket', action, false],
      ['appeal', action, false],
      ['complained', action, true],
    ],
  )
})

test('PROV and OpenLineage tell of outcomes', async () => {
  const prov = JSON.stringify(await client.actionProv('first'))
  const lineage = JSON.stringify(await client.actionOpenLineage('first'))
  for (const type of ['delivered', 'opened', 'clicked']) assert.match(prov, new RegExp(type))
  assert.match(lineage, /outcome/i)
})

test('webhooks are listed with what they got; secrets are not', async () => {
  await post(server.url, '/v1/webhooks/mailersend/mail', JSON.stringify(activity(event('opened', 'x'))))
  await post(server.url, '/v1/webhooks/mailersend/nobody', '{}')
  const { webhooks, unknown } = await client.webhooks()
  const mail = webhooks.find(({ name }) => name === 'mail')!
  assert.equal(mail.ready, true)
  assert.equal(mail.refused, 1)
  assert.ok(mail.received >= 6 && mail.recorded >= 6 && mail.last !== undefined)
  assert.equal(unknown, 1)
  assert.ok(!JSON.stringify(webhooks).includes(TOKEN))
  const listed = await site.whence('webhooks', 'list', '--json')
  assert.equal(listed.code, 0, listed.stderr)
})

test('outcomes go with the person, those too that came before anybody knew whose they are', async () => {
  await client.propose(message('erased', 'c-erased'))
  // Before the send is known: it lies under the address.
  const early = { ...event('opened', 'erased'), recipient: 'alias@example.com' }
  assert.equal((await tell(server.url, early)).body.untied, 1)
  const { claims } = await client.claim()
  await client.acknowledge(claims.map(({ claim, action }) => ({ claim, status: 'sent', providerId: `m-${action}` })))
  assert.equal((await tell(server.url, event('delivered', 'erased'))).body.tied, 1)
  const { outcomes } = await client.outcomes({ action: 'erased' })
  assert.equal(outcomes.length, 2)
  const erasure = await client.erase({ identifier: 'c-erased', basis: 'asked for it' })
  assert.equal(erasure.rowsDeleted.outcome, 2)
  const left = await client.outcomes({ limit: 1000 })
  assert.ok(!left.outcomes.some(({ seq }) => outcomes.some((one) => one.seq === seq)))
  // And nothing is recorded about them again, by whichever address.
  for (const recipient of ['alias@example.com', 'c-erased@example.com']) {
    const { status, body } = await tell(server.url, {
      ...event('clicked', 'erased'),
      id: `late-${recipient}`,
      recipient,
    })
    assert.equal(status, 200)
    assert.equal(body.refused, 1, recipient)
  }
  assert.deepEqual((await client.verify()).problems, [])
})

test('nothing personal stands outside of what is sealed', async () => {
  const { records } = await client.records({ from: 0, limit: 1000 })
  const text = JSON.stringify(records)
  for (const word of ['example.com', 'c-first', 'c-asked', 'm-first', 'parcel']) assert.ok(!text.includes(word), word)
})

test('the tables are the same when they are made again', async () => {
  const dump = async (): Promise<string> =>
    JSON.stringify([await client.outcomes({ limit: 1000 }), await client.outcomeCounts({ by: 'campaign' })])
  const before = await dump()
  await server.stop()
  await site.forgetTables()
  server = await site.start({ environment })
  client = server.client
  const again = await dump()
  assert.equal(again.replaceAll(/"asOf":\d+/g, ''), before.replaceAll(/"asOf":\d+/g, ''))
})

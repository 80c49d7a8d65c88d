import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, test } from 'node:test'
import { systemClock } from '../../../record/time.ts'
import { httpSystem } from '../../../store/connectors/http.ts'
import { ConfirmedConnector } from './confirmed.ts'
import { farEnd } from './testing.ts'
import type { FarEnd, Misbehaviour } from './testing.ts'

let far: FarEnd
beforeEach(async () => {
  far = await farEnd()
})
afterEach(() => far.close())

const connected = ({ timeoutMs = 300, retries = 1, confirmWithin = 60 } = {}) =>
  new ConfirmedConnector({
    name: 'shop',
    kind: 'http',
    policy: 'shop@v1',
    system: httpSystem({ url: far.url, authorization: undefined, timeoutMs }, new Map()),
    retries,
    confirmWithin,
    clock: systemClock,
    between: 5,
  })

const price = { kind: 'price', id: 'sku 1/€' } as const
const changes = () => far.requests.filter((line) => !line.startsWith('GET '))
const onChange =
  (does: Misbehaviour): Misbehaviour =>
  (request, response) =>
    request.method !== 'GET' && does(request, response)

test('a running campaign is paused, and its counts are told as they stand afterwards', async () => {
  far.campaigns.set('spring', { status: 'running', sent: 120, toSend: 500 })
  const paused = await connected().pause('spring')
  const { asked, ...told } = paused
  assert.match(asked, /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.deepEqual(told, {
    state: 'confirmed',
    detail: 'asked again, it shows that nothing more goes out',
    before: 'running',
    after: 'paused',
    acted: true,
    counts: { status: 'paused', said: 'paused', sent: 120, toSend: 500 },
    settled: true,
  })
  const again = await connected().pause('spring')
  assert.deepEqual([again.state, again.acted], ['confirmed', false])
  assert.equal(changes().length, 1, 'paused once')
})

test('what was on its way when it was paused is waited for, and said where it does not end', async () => {
  const campaign = { status: 'running', sent: 10, toSend: 50 }
  far.campaigns.set('spring', campaign)
  far.misbehave = ({ method }) => {
    if (method === 'GET' && campaign.status === 'paused' && campaign.sent < 13) campaign.sent++
    return false
  }
  const paused = await connected({ confirmWithin: 2000 }).pause('spring')
  assert.deepEqual([paused.state, paused.settled, paused.counts?.sent], ['confirmed', true, 13])

  campaign.status = 'running'
  far.misbehave = () => {
    campaign.sent++
    return false
  }
  const restless = await connected().pause('spring')
  assert.deepEqual([restless.state, restless.settled], ['confirmed', false])
})

test('a system that says yes and does nothing is not believed', async () => {
  far.campaigns.set('spring', { status: 'running' })
  far.obeys = () => false
  const paused = await connected().pause('spring')
  assert.deepEqual([paused.state, paused.before, paused.after], ['unconfirmed', 'running', 'running'])
  assert.equal(changes().length, 1, 'a yes is not asked for twice')
})

test('a system that takes its time is asked until it shows it', async () => {
  far.campaigns.set('spring', { status: 'running' })
  far.obeys = () => false
  far.misbehave = ({ method }) => {
    const gets = far.requests.filter((line) => line.startsWith('GET ')).length
    if (method === 'GET' && gets === 4) far.campaigns.get('spring')!.status = 'paused'
    return false
  }
  const paused = await connected({ confirmWithin: 5000 }).pause('spring')
  assert.equal(paused.state, 'confirmed')
})

test('a pause that is taken back while its counts are awaited is not confirmed', async () => {
  const campaign = { status: 'running', sent: 1 }
  far.campaigns.set('spring', campaign)
  let shown = 0
  far.misbehave = ({ method }) => {
    if (method === 'GET' && campaign.status === 'paused' && ++shown === 2) campaign.status = 'running'
    return false
  }
  assert.equal((await connected().pause('spring')).state, 'unconfirmed')
})

test('a value is written where it shows what was expected, and never twice', async () => {
  far.objects.set('price/sku 1/€', { amount: 8, currency: 'EUR' })
  const shop = connected()
  const expected = { currency: 'EUR', amount: 8 }
  const written = await shop.write(price, { amount: 10, currency: 'EUR' }, expected)
  assert.deepEqual([written.state, written.acted, written.after], ['confirmed', true, { amount: 10, currency: 'EUR' }])
  const again = await shop.write(price, { amount: 10, currency: 'EUR' }, expected)
  assert.deepEqual([again.state, again.acted], ['confirmed', false])
  const moved = await shop.write(price, { amount: 11, currency: 'EUR' }, expected)
  assert.deepEqual([moved.state, moved.acted, moved.before], ['moved', false, { amount: 10, currency: 'EUR' }])
  assert.deepEqual(changes(), [
    'PUT /objects/price/sku%201%2F%E2%82%AC {"value":{"amount":10,"currency":"EUR"},"expected":{"currency":"EUR","amount":8}}',
  ])
})

test('what was not there can be taken away again, and null is something', async () => {
  const shop = connected()
  const flag = { kind: 'flag', id: 'discounts' } as const
  assert.equal((await shop.write(flag, null, undefined)).state, 'confirmed')
  assert.deepEqual(far.objects.get('flag/discounts'), null)
  assert.deepEqual((await shop.write(flag, true, undefined)).state, 'moved')
  const gone = await shop.write(flag, undefined, null)
  assert.deepEqual([gone.state, far.objects.has('flag/discounts')], ['confirmed', false])
})

test('a campaign is resumed only where it is paused', async () => {
  far.campaigns.set('draft', { status: 'draft' })
  assert.equal((await connected().resume('draft')).state, 'moved')
  far.campaigns.set('spring', { status: 'paused' })
  assert.equal((await connected().resume('spring')).state, 'confirmed')
  assert.equal((await connected().write({ kind: 'campaign', id: 'spring' }, 'cancelled', 'running')).state, 'failed')
  assert.equal(changes().length, 1)
})

const answering =
  (status: number, headers = {}): Misbehaviour =>
  (_, response) => {
    response.writeHead(status, headers).end()
    return true
  }

const faults: [name: string, does: Misbehaviour, state: string, tried: number][] = [
  ['answers 500', answering(500), 'failed', 2],
  ['answers 429', answering(429), 'failed', 2],
  ['answers 403', answering(403), 'failed', 1],
  ['answers 422', answering(422), 'failed', 1],
  ['hangs', () => true, 'timed-out', 2],
  [
    'breaks off',
    (request) => {
      request.socket.destroy()
      return true
    },
    'failed',
    2,
  ],
  ['redirects', answering(307, { location: 'http://127.0.0.1:1/elsewhere' }), 'failed', 1],
]
for (const [name, does, state, tried] of faults) {
  test(`a change at which it ${name}: ${state}, after ${tried} requests`, async () => {
    far.objects.set('price/a', 1)
    far.misbehave = onChange(does)
    const written = await connected().write({ kind: 'price', id: 'a' }, 2, 1)
    assert.deepEqual([written.state, written.before, written.after, written.acted], [state, 1, 1, true])
    assert.equal(changes().length, tried)
  })

  test(`a campaign that cannot be looked at, because it ${name}: nothing is done`, async () => {
    far.campaigns.set('spring', { status: 'running' })
    far.misbehave = does
    const paused = await connected().pause('spring')
    assert.deepEqual([paused.state, paused.acted, 'before' in paused], [state, false, false])
    assert.deepEqual(changes(), [])
  })
}

for (const [name, body] of [
  ['half an answer', '{"status":"pau'],
  ['a page of HTML', '<html>Sign in</html>'],
  ['no object', '"paused"'],
  ['nothing', ''],
  ['null', 'null'],
  ['a status that is none', '{"status":{"paused":true}}'],
  ['too much', `{"status":"paused","more":"${'x'.repeat(2 << 20)}"}`],
] as const)
  test(`${name} for an answer is no confirmation`, async () => {
    far.campaigns.set('spring', { status: 'running' })
    far.misbehave = ({ method }, response) => {
      if (method !== 'GET' || changes().length === 0) return false
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      return true
    }
    const paused = await connected().pause('spring')
    assert.equal(paused.state, 'unconfirmed', paused.detail)
    assert.equal('after' in paused, false)
    assert.ok(!paused.detail.includes('Sign in'))
  })

test('an answer that stops halfway, and one that drips, are given up', async () => {
  far.campaigns.set('spring', { status: 'running' })
  far.misbehave = (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{"status"')
    return true
  }
  assert.equal((await connected({ retries: 0 }).pause('spring')).state, 'timed-out')
})

test('a change that was made although it was answered with an error, or not at all, is confirmed by looking', async () => {
  for (const [id, does] of [
    ['a', (response) => response.writeHead(502).end()],
    ['b', () => {}],
  ] as [string, (response: ServerResponse) => unknown][]) {
    far.objects.set(`price/${id}`, 1)
    far.misbehave = ({ method }, response) => {
      if (method === 'GET') return false
      far.objects.set(`price/${id}`, 2)
      does(response)
      return true
    }
    const written = await connected().write({ kind: 'price', id }, 2, 1)
    assert.equal(written.state, 'confirmed')
    assert.match(written.detail, /although/)
  }
  assert.equal(changes().length, 2, 'neither was asked for again')
})

test('a status or a count that is none is said as it is, and not guessed', async () => {
  far.campaigns.set('spring', { status: 'Winding down', sent: -1, toSend: 1e300 })
  const { value } = (await connected().counts('spring')) as { value: unknown }
  assert.deepEqual(value, { status: 'unknown', said: 'Winding down' })
  assert.equal((await connected().counts('other')).state, 'failed')
})

test('names that are steps, empty or broken lead nowhere', async () => {
  for (const id of ['..', '.', '', '\ud800']) {
    assert.equal((await connected().read({ kind: 'price', id })).state, 'failed')
    assert.equal((await connected().pause(id)).state, 'failed')
  }
  assert.deepEqual(far.requests, [])
})

test('two wishes for one object come one after the other', async () => {
  far.objects.set('price/a', 1)
  const shop = connected()
  const [first, second] = await Promise.all([
    shop.write({ kind: 'price', id: 'a' }, 2, 1),
    shop.write({ kind: 'price', id: 'a' }, 3, 1),
  ])
  assert.deepEqual([first.state, second.state, far.objects.get('price/a')], ['confirmed', 'moved', 2])
})

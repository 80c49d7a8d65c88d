// What providers send, held against what it should become: payloads that django-anymail and Amazon's guide publish.
import assert from 'node:assert/strict'
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../contracts/time.ts'
import { arrivalOf } from './arrival.ts'
import { providers } from './providers.ts'
import type { ProviderName } from './providers.ts'
import type { Arrival, ProviderEvent } from './provider.ts'

const folder = new URL('../../../../../shared/data/esp-webhooks/', import.meta.url)
const skip = existsSync(folder) ? false : 'the payloads of providers are not beside this checkout (shared/data)'
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8')
/** Payloads of others, of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
type Payload = any

const lines = (file: string): Payload[] =>
  read(file)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)

interface Vector {
  esp: ProviderName
  case: string
  payload: Payload
  expected_normalised: Record<string, Payload>
}

const json = (value: unknown, headers: Record<string, string> = {}): Promise<Arrival> =>
  arrivalOf((name) => ({ 'content-type': 'application/json', ...headers })[name], Buffer.from(JSON.stringify(value)))

const form = (fields: readonly [string, string][]): Promise<Arrival> =>
  arrivalOf(
    (name) => ({ 'content-type': 'application/x-www-form-urlencoded' })[name],
    Buffer.from(new URLSearchParams(fields.map(([name, value]) => [name, value])).toString()),
  )

/** A payload as the provider would post it. */
function posted({ esp, case: name, payload, expected_normalised: expected }: Vector): Promise<Arrival> {
  if (esp === 'mandrill') return form([['mandrill_events', JSON.stringify(payload)]])
  if (!name.startsWith('MailgunLegacy')) return json(payload)
  const fields = Object.entries(payload as Record<string, string | string[]>).flatMap(([field, value]) =>
    [value].flat().map((one): [string, string] => [field, one]),
  )
  if (!name.endsWith('metadata_key_conflicts')) return form(fields)
  // Mailgun mixes the variables of a message in: before the fields that it signs with, behind all others.
  const signed = new Set(['signature', 'timestamp', 'token'])
  const variables = Object.entries(expected.metadata as Record<string, string>)
  return form([
    ...variables.filter(([field]) => signed.has(field)),
    ...fields,
    ['signature', 'actual-signature'],
    ...variables.filter(([field]) => !signed.has(field)),
  ])
}

const theirNames: Record<string, (event: ProviderEvent) => unknown> = {
  event_type: ({ type }) => type,
  timestamp: ({ time }) => (time === undefined ? null : formatTime(time)),
  message_id: ({ message }) => message,
  event_id: ({ eventId }) => eventId,
  recipient: ({ recipient }) => recipient,
  reject_reason: ({ reason }) => reason,
  description: ({ description }) => description,
  mta_response: ({ response }) => response,
  user_agent: ({ userAgent }) => userAgent,
  click_url: ({ url }) => url,
  tags: ({ tags }) => [...tags],
  metadata: ({ metadata }) => metadata,
}

test('every payload becomes the event that it should', { skip }, async () => {
  const vectors = lines('anymail_webhook_vectors.jsonl') as Vector[]
  assert.equal(vectors.length, 77)
  let held = 0
  for (const vector of vectors) {
    const where = `${vector.esp} ${vector.case}`
    const [event, ...more] = providers[vector.esp].read(await posted(vector))
    assert.ok(event, where)
    for (const [name, expected] of Object.entries(vector.expected_normalised)) {
      const found = theirNames[name]!(event)
      const message = `${where}: ${name}`
      if (name === 'timestamp' && vector.esp === 'postmark') assertSameClock(vector, found as string, expected, message)
      else if (name === 'message_id') assert.equal(found, String(expected), message)
      else if (name === 'metadata') assert.deepEqual({ ...(found as object) }, expected ?? {}, message)
      else assert.deepEqual(found ?? null, expected, message)
      held++
    }
    if (vector.case.endsWith('test_multiple_bounce_event')) assert.equal(more[0]?.recipient, 'richard@example.com')
    else if (vector.case.endsWith('test_complaint_event')) assert.deepEqual(more, [], where)
  }
  assert.ok(held > 300, `${held} values were compared`)
})

/** What is expected of Postmark's times leaves their zone out: the clock is theirs, the instant is what counts. */
function assertSameClock({ payload }: Vector, found: string, expected: string, message: string): void {
  const stated = [payload.DeliveredAt, payload.BouncedAt, payload.ReceivedAt, payload.ChangedAt].find(Boolean) as string
  assert.equal(/^.{19}(?:\.\d{1,6})?/.exec(stated)![0], expected.replace(/(\.0{6})?Z$/, ''), message)
  assert.equal(found, formatTime(parseTime(stated.replace(/(\.\d{6})\d*/, '$1'))!), message)
}

test('every example of SES becomes events, with and without an envelope, and by Firehose', { skip }, async () => {
  const examples = lines('amazon_ses_event_examples.jsonl')
  assert.equal(examples.length, 25)
  const types: Record<string, string> = {
    Bounce: 'bounced',
    Complaint: 'complained',
    Delivery: 'delivered',
    Send: 'sent',
    Reject: 'rejected',
    Open: 'opened',
    Click: 'clicked',
    'Rendering Failure': 'failed',
    DeliveryDelay: 'deferred',
    Subscription: 'unsubscribed',
  }
  for (const { payload } of examples) {
    const said = payload.eventType ?? payload.notificationType
    const plain = providers.amazon_ses.read(await json(payload))
    assert.ok(plain.length > 0)
    for (const event of plain) {
      assert.equal(event.type, types[said], said)
      assert.equal(event.message, payload.mail.messageId)
      assert.match(event.recipient ?? '', /@example\.com$/)
      assert.ok(event.time !== undefined && event.time > parseTime('2016-01-01T00:00:00Z')!)
      assert.equal(event.hard, said === 'Bounce')
    }
    const firehose = { records: [{ data: Buffer.from(JSON.stringify(payload)).toString('base64') }] }
    assert.deepEqual(providers.amazon_ses.read(await json(firehose)), plain)
    const envelope = { Type: 'Notification', MessageId: 'm-1', TopicArn: 't', Message: JSON.stringify(payload) }
    const enveloped = providers.amazon_ses.read(await json(envelope))
    assert.deepEqual(
      enveloped.map(({ recipient, type }) => ({ recipient, type })),
      plain.map(({ recipient, type }) => ({ recipient, type })),
    )
    assert.equal(enveloped[0]!.eventId, 'm-1')
  }
})

test('a topic that is left, and one that is joined', async () => {
  const subscription = async (now: object, before: object): Promise<string> => {
    const event = {
      eventType: 'Subscription',
      mail: { messageId: 'm', destination: ['a@example.com'] },
      subscription: { newTopicPreferences: now, oldTopicPreferences: before },
    }
    return providers.amazon_ses.read(await json(event))[0]!.type
  }
  const topic = (status: string) => ({
    unsubscribeAll: false,
    topicSubscriptionStatus: [{ topicName: 'offers', subscriptionStatus: status }],
  })
  assert.equal(await subscription(topic('OptOut'), topic('OptIn')), 'unsubscribed')
  assert.equal(await subscription(topic('OptIn'), topic('OptOut')), 'subscribed')
  assert.equal(await subscription({ ...topic('OptIn'), unsubscribeAll: true }, topic('OptIn')), 'unsubscribed')
})

const DAY = 86_400_000_000

test('SendGrid: the published signatures hold or do not, and none holds for long', { skip }, async () => {
  const vectors = JSON.parse(read('sendgrid_signature_vectors.json')) as Payload[]
  assert.equal(vectors.length, 6)
  for (const vector of vectors) {
    const at = Number(vector.timestamp) * 1_000_000
    const verdict = async (now: number) =>
      providers.sendgrid.signature!(
        await arrivalOf(
          (name) =>
            ({
              'content-type': 'application/json',
              'x-twilio-email-event-webhook-signature': vector.signature_der_b64,
              'x-twilio-email-event-webhook-timestamp': vector.timestamp,
            })[name],
          Buffer.from(vector.payload),
        ),
        Buffer.from(vector.public_key_der_b64),
        { now, within: DAY },
      )
    const now = Number.isNaN(at) ? 1_600_112_502_000_000 : at + 60_000_000
    assert.equal((await verdict(now)).good, vector.valid, vector.name)
    assert.equal((await verdict(now + 2 * DAY)).good, false, `${vector.name}, two days later`)
  }
  const [first] = vectors
  const events = providers.sendgrid.read(await json(JSON.parse(first.payload)))
  assert.deepEqual(
    events.map(({ type, reason, recipient }) => ({ type, reason, recipient })),
    [{ type: 'rejected', reason: 'bounced', recipient: 'hello@world.com' }],
  )
})

const now = 1_700_000_000_000_000
const window = { now, within: DAY }
const key = Buffer.from('a-key-that-nobody-knows')

/** Of each scheme: a request that is good; what is changed makes it bad. */
const signing: Partial<Record<ProviderName, (body: string) => Promise<[Arrival, Uint8Array]>>> = {
  async mailgun() {
    const [timestamp, token] = [String(now / 1_000_000), 'a1b2']
    const signature = createHmac('sha256', key).update(`${timestamp}${token}`).digest('hex')
    return [await json({ signature: { timestamp, token, signature }, 'event-data': { event: 'opened' } }), key]
  },
  mailtrap: async (body) => [
    await arrivalOf(
      (name) => ({ 'mailtrap-signature': createHmac('sha256', key).update(body).digest('hex') })[name],
      Buffer.from(body),
    ),
    key,
  ],
  mailersend: async (body) => [
    await arrivalOf(
      (name) => ({ signature: createHmac('sha256', key).update(body).digest('hex') })[name],
      Buffer.from(body),
    ),
    key,
  ],
  async mandrill() {
    const url = 'https://whence.example/v1/webhooks/mandrill/main'
    const events = '[{"event":"open","_id":"m","ts":1}]'
    const signature = createHmac('sha1', key).update(`${url}mandrill_events${events}`).digest('base64')
    const body = Buffer.from(new URLSearchParams({ mandrill_events: events }).toString())
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-mandrill-signature': signature,
    }
    return [await arrivalOf((name) => headers[name], body, url), key]
  },
  async unisender_go() {
    const unsigned = JSON.stringify({ auth: key.toString(), event_name: 'transactional_email_status' })
    const auth = createHash('md5').update(unsigned).digest('hex')
    return [await json({ auth, event_name: 'transactional_email_status' }), key]
  },
  async postal(body) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signature = sign('sha1', Buffer.from(body), privateKey).toString('base64')
    const der = publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
    return [await arrivalOf((name) => ({ 'x-postal-signature': signature })[name], Buffer.from(body)), Buffer.from(der)]
  },
}

for (const [name, make] of Object.entries(signing))
  test(`${name}: a signature holds for what was signed, under its key, and for nothing else`, async () => {
    const check = providers[name as ProviderName].signature!
    const [arrival, right] = await make('{"events":[]}')
    assert.equal(check(arrival, right, window).good, true)
    assert.equal(check(arrival, Buffer.from('another key'), window).good, false, 'another key')
    assert.equal(check(arrival, Buffer.alloc(0), window).good, false, 'no key')
    const bare = await arrivalOf(
      (header) => (header === 'content-type' ? arrival.header(header) : undefined),
      Buffer.from('{}'),
    )
    assert.equal(check(bare, right, window).good, false, 'no signature')
    if (name === 'mailgun') {
      assert.equal(check(arrival, right, { ...window, now: now + 2 * DAY }).good, false, 'two days later')
      assert.equal(check(arrival, right, { ...window, now: now - DAY }).good, false, 'from the future')
      return
    }
    const altered = Buffer.concat([arrival.body, Buffer.from(name === 'mandrill' ? '&more=1' : ' ')])
    const changed = await arrivalOf((header) => arrival.header(header), altered, arrival.url)
    assert.equal(check(changed, right, window).good, false, 'another body')
  })

test('words that stand for nothing are unknown, whatever they are called', async () => {
  for (const word of ['constructor', '__proto__', 'toString', 'no such thing']) {
    assert.equal(providers.sendgrid.read(await json([{ event: word }]))[0]!.type, 'unknown')
    assert.equal(providers.mailtrap.read(await json({ events: [{ event: word }] }))[0]!.type, 'unknown')
    assert.equal(providers.postmark.read(await json({ RecordType: 'Bounce', Type: word }))[0]!.type, 'bounced')
    assert.equal(
      providers.unisender_go.read(await json({ event_name: 'transactional_email_status', status: word }))[0]!.type,
      'unknown',
    )
    assert.equal(providers.mailgun.read(await json({ 'event-data': { event: word } }))[0]!.type, 'unknown')
  }
})

test('what is no payload is refused or empty, and never breaks', async () => {
  const odd = [
    null,
    1,
    'text',
    [],
    {},
    [null],
    [[[]]],
    { events: 1 },
    { 'event-data': [] },
    { payload: null },
    { records: [{}] },
  ]
  for (const provider of Object.values(providers))
    for (const value of odd)
      try {
        for (const event of provider.read(await json(value))) assert.equal(typeof event.identity, 'string')
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid', JSON.stringify(value))
      }
  for (const text of ['', '{', '[', '{"a":', '\u0000', '[1,']) {
    const arrival = await arrivalOf(() => 'application/json', Buffer.from(text))
    for (const provider of Object.values(providers)) assert.throws(() => provider.read(arrival), { code: 'invalid' })
  }
})

test('the same event told again has the same identity, whatever the order of its names', async () => {
  const event = { event: 'open', email: 'a@example.com', timestamp: 1 }
  const turned = { timestamp: 1, email: 'a@example.com', event: 'open' }
  const [one, other] = providers.sendgrid.read(await json([event, turned]))
  assert.equal(one!.identity, other!.identity)
})

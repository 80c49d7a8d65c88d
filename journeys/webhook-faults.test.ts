// Webhooks that are repeated, out of order, forged, a year old, cut off, huge; of messages that nobody knows, or that are sent
// only later; and a server that ends in between.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@whence/sdk'
import { Intake } from '../server/src/path/outcomes/intake.ts'
import { nothing } from '../server/src/path/outcomes/intake.ts'
import type { Told } from '../server/src/path/outcomes/told.ts'
import { activity, environment, event, files, message, post, sent, tell, tellText, TOKEN } from './mailing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'
import { certificate, snsBody } from './sns-signer.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:mail'
const more = [
  {
    path: 'gun.yaml',
    text: 'kind: Webhook\nname: gun\nprovider: mailgun\nsignature: { env: WHENCE_WEBHOOK_GUN }\n',
  },
  { path: 'ses.yaml', text: `kind: Webhook\nname: ses\nprovider: amazon_ses\ntopics: ['${TOPIC}']\n` },
  { path: 'bare.yaml', text: 'kind: Webhook\nname: bare\nprovider: sendgrid\ntoken: { env: WHENCE_WEBHOOK_NONE }\n' },
]
const GUN = 'the-key-of-mailgun'

let site: Site
let server: Running
let client: Client
const asked: string[] = []
const options = {
  environment: { ...environment, WHENCE_WEBHOOK_GUN: GUN },
  fetch: async (url: string) => {
    asked.push(url)
    return { ok: true, status: 200, text: async () => certificate }
  },
}

before(async () => {
  site = await Site.make()
  server = await site.start(options)
  client = server.client
  await client.apply({ files: [...files, ...more] })
})
after(() => site?.remove())

async function size(): Promise<number> {
  return (await client.status()).size
}

/** Until something holds that is done in the background. */
async function until(what: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await what()); tries++) {
    assert.ok(tries < 400, 'it never came about')
    await wait(25)
  }
}

test('who does not show that it is the provider is refused, and leaves nothing but a count', async () => {
  const body = JSON.stringify(activity(event('opened', 'forged')))
  const before = await size()
  const refusals = await Promise.all([
    tell(server.url, event('spam_complaint', 'forged'), 'another key'),
    post(server.url, '/v1/webhooks/mailersend/mail', body),
    post(server.url, '/v1/webhooks/mailersend/mail', body, { signature: '' }),
    post(server.url, '/v1/webhooks/mailersend/mail/some-token', body),
    post(server.url, '/v1/webhooks/postmark/post', body),
    post(server.url, '/v1/webhooks/postmark/post/not-the-token-that-postmark-was-given', body),
    post(server.url, `/v1/webhooks/sendgrid/post/${TOKEN}`, body),
    post(server.url, '/v1/webhooks/sendgrid/bare/undefined', body),
    post(server.url, '/v1/webhooks/nobody/nothing', body),
    post(server.url, '/v1/webhooks/mailersend/constructor', body),
  ])
  for (const { status, body: said } of refusals) {
    assert.equal(status, 401)
    assert.deepEqual(said, refusals[0].body, 'whoever guesses learns nothing')
  }
  assert.equal(await size(), before)
  const { webhooks, unknown } = await client.webhooks()
  assert.deepEqual(
    Object.fromEntries(webhooks.map(({ name, refused, received, ready }) => [name, [refused, received, ready]])),
    { bare: [1, 0, false], gun: [0, 0, true], mail: [4, 0, true], post: [2, 0, true], ses: [0, 0, true] },
  )
  assert.equal(unknown, 3)
})

test('a webhook that is repeated adds nothing, one after the other or at once', async () => {
  await sent(client, 'twice', 'c-twice')
  const told = event('opened', 'twice')
  const answers = await Promise.all(Array.from({ length: 20 }, () => tell(server.url, told)))
  const sum = (name: string): number => answers.reduce((n, { body }) => n + Number(body[name]), 0)
  assert.deepEqual([sum('recorded'), sum('duplicate'), sum('conflict')], [1, 19, 0])
  // And one that says no time.
  const timeless = { ...told, id: 'timeless', time: undefined } as never
  assert.equal((await tell(server.url, timeless)).body.recorded, 1)
  await wait(5)
  assert.equal((await tell(server.url, timeless)).body.duplicate, 1)
})

test('other content under a known event is kept, counted as nothing, and demands nothing', async () => {
  await sent(client, 'other', 'c-other')
  await client.propose(message('other-next', 'c-other'))
  assert.equal((await tell(server.url, event('opened', 'other', { id: 'same' }))).body.recorded, 1)
  assert.equal((await tell(server.url, event('spam_complaint', 'other', { id: 'same' }))).body.conflict, 1)
  const { claims } = await client.claim()
  assert.deepEqual(
    claims.map(({ action }) => action),
    ['other-next'],
  )
  assert.equal((await client.outcomes({ action: 'other' })).outcomes.length, 1)
})

test('out of order, a year old, and of an unknown message', async () => {
  const action = await sent(client, 'order', 'c-order')
  for (const type of ['clicked', 'opened', 'delivered', 'sent']) await tell(server.url, event(type, 'order'))
  const year = new Date(Date.now() - 366 * 86_400_000).toISOString()
  await tell(server.url, event('opened', 'order', { id: 'old', time: year }))
  const { outcomes } = await client.outcomes({ action: 'order' })
  assert.equal(outcomes.filter((one) => one.action === action && !one.late).length, 4)
  const old = outcomes.find(({ late }) => late)!
  assert.equal(old.time.slice(0, 19), year.slice(0, 19))
  const strange = await tell(server.url, event('opened', 'nobody', { tags: ['spring-sale'] }))
  assert.deepEqual([strange.body.untied, strange.body.tied], [1, 0])
  const { outcomes: untied } = await client.outcomes({ untied: 'true' })
  assert.deepEqual(
    untied.map(({ campaign, action: of }) => [campaign, of]),
    [['spring-sale', undefined]],
  )
  assert.equal((await client.outcomeCounts()).untied, 1)
})

test('a complaint that comes before its send is obeyed when the send is known', async () => {
  await client.propose(message('early', 'c-early'))
  await client.propose(message('early-next', 'c-early'))
  const { claims } = await client.claim({ limit: 1 })
  const told = await tell(server.url, { ...event('spam_complaint', 'early'), recipient: 'alias-of-early@example.com' })
  assert.deepEqual([told.status, told.body.untied], [200, 1])
  await client.acknowledge([{ claim: claims[0]!.claim, status: 'sent', providerId: 'm-early' }])
  await until(async () => (await client.action('early-next')).state === 'suppressed')
  const [outcome] = (await client.outcomes({ action: 'early' })).outcomes
  assert.equal(outcome!.tie, 'message')
  assert.ok(outcome!.tied! > outcome!.seq, 'it was tied by the delivery')
})

test('what cannot be read is refused and counted; what is too large is not read', async () => {
  const before = await size()
  const whole = JSON.stringify(activity(event('opened', 'cut')))
  for (const text of [whole.slice(0, -20), '', '{"a":'.repeat(600), '\u0000'])
    assert.equal((await tellText(server.url, text)).status, 400)
  const huge = await tellText(server.url, `{"pad":"${'x'.repeat(6 * 1024 * 1024)}"}`).catch(() => ({ status: 413 }))
  assert.equal(huge.status, 413)
  const many = JSON.stringify(Array.from({ length: 10_001 }, () => ({})))
  assert.equal((await post(server.url, `/v1/webhooks/postmark/post/${TOKEN}`, many)).status, 200)
  assert.ok((await size()) <= before + 1, 'a list is one event of Postmark that nobody understands')
})

test('hostile texts are cut and kept, and name nothing', async () => {
  const told = activity({
    type: 'opened',
    id: `\u0000${'i'.repeat(5000)}`,
    message: 'm'.repeat(9000),
    recipient: `${'r'.repeat(900)}\ud800@example.com`,
    time: '99999-99-99',
    tags: Array.from({ length: 500 }, (_, i) => `__proto__${i}${'t'.repeat(900)}`),
  })
  const { status, body } = await tellText(server.url, JSON.stringify(told))
  assert.deepEqual([status, body.recorded], [200, 1])
  assert.equal((await tellText(server.url, JSON.stringify(told))).body.duplicate, 1)
  assert.deepEqual((await client.verify()).problems, [])
})

test('Mailgun: a signature is good for the body that it came with, while it is fresh', async () => {
  const signed = (event: string, age = 0, token = 't-1'): string => {
    const timestamp = String(Math.floor(Date.now() / 1000) - age)
    const signature = createHmac('sha256', GUN).update(`${timestamp}${token}`).digest('hex')
    return JSON.stringify({
      signature: { timestamp, token, signature },
      'event-data': { event, id: 'e', timestamp: 1_700_000_000.5, recipient: 'g@example.com' },
    })
  }
  const first = signed('opened')
  const { signature } = JSON.parse(first) as { signature: object }
  const forged = JSON.stringify({ ...(JSON.parse(signed('complained')) as object), signature })
  const path = '/v1/webhooks/mailgun/gun'
  assert.equal((await post(server.url, path, first)).body.recorded, 1)
  assert.equal((await post(server.url, path, first)).body.duplicate, 1)
  assert.equal((await post(server.url, path, forged)).status, 401)
  assert.equal((await post(server.url, path, signed('opened', 2 * 86_400, 't-2'))).status, 401)
  assert.equal((await post(server.url, path, signed('opened', 3600, 't-3'))).status, 200)
})

test('SNS: only topics that are listed, by certificates of SNS; a subscription to one is taken up', async () => {
  const path = '/v1/webhooks/amazon_ses/ses'
  const mail = { messageId: 'ses-1', destination: ['s@example.com'] }
  const said = JSON.stringify({ eventType: 'Bounce', mail, bounce: { bounceType: 'Permanent', bouncedRecipients: [] } })
  const good = { Message: said, MessageId: 'n-1', TopicArn: TOPIC }
  const first = snsBody(good)
  assert.equal((await post(server.url, path, first)).body.recorded, 1)
  assert.equal((await post(server.url, path, first, { 'content-type': 'text/plain' })).body.duplicate, 1)
  const known = asked.length
  const elsewhere = [
    'https://sns.eu-west-1.amazonaws.com.evil.example/a.pem',
    'http://sns.eu-west-1.amazonaws.com/a.pem',
    'https://evil.example/a.pem',
  ]
  for (const SigningCertURL of elsewhere)
    assert.equal((await post(server.url, path, snsBody({ ...good, MessageId: 'n-2', SigningCertURL }))).status, 401)
  assert.equal(asked.length, known, 'nothing is fetched from elsewhere')
  const foreign = { ...good, MessageId: 'n-3', TopicArn: 'arn:aws:sns:eu-west-1:999999999999:mail' }
  assert.equal((await post(server.url, path, snsBody(foreign))).status, 401)
  const old = { ...good, MessageId: 'n-4', Timestamp: '2020-01-01T00:00:00Z' }
  assert.equal((await post(server.url, path, snsBody(old))).status, 401)
  const altered = snsBody({ ...good, MessageId: 'n-5' }).replace('ses-1', 'ses-2')
  assert.equal((await post(server.url, path, altered)).status, 401)
  const confirm = (SubscribeURL: string): string =>
    snsBody({
      Type: 'SubscriptionConfirmation',
      Message: 'm',
      MessageId: 'n-6',
      Token: 't',
      TopicArn: TOPIC,
      SubscribeURL,
    })
  const url = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t'
  assert.equal((await post(server.url, path, confirm(url))).status, 200)
  assert.equal(asked.at(-1), url)
  assert.equal((await post(server.url, path, confirm('https://evil.example/'))).status, 400)
  assert.equal(asked.at(-1), url)
})

test('a queue that is full refuses with 503 and Retry-After, and loses nothing of what it took', async () => {
  const recorded: Told[] = []
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  const slow = {
    async record(tellings: readonly { told: readonly Told[] }[]) {
      await gate
      return tellings.map(({ told }) => (recorded.push(...told), { ...nothing(), recorded: told.length }))
    },
  }
  const intake = new Intake(slow, { waiting: 100, batch: 10 })
  const caller = { id: 'x', name: 'x', source: 'x', scopes: [] }
  const one = (n: number): Told => ({ id: `e-${n}` }) as Told
  const taken = Array.from({ length: 150 }, (_, n) => intake.take([one(n)], caller).then(() => n))
  const settled = Promise.allSettled(taken)
  open()
  const answers = await settled
  const good = answers.filter(({ status }) => status === 'fulfilled')
  assert.equal(good.length, 100)
  for (const answer of answers)
    if (answer.status === 'rejected') assert.equal((answer.reason as { code: string }).code, 'overloaded')
  assert.deepEqual(
    recorded.map(({ id }) => id),
    Array.from({ length: 100 }, (_, n) => `e-${n}`),
  )
  assert.equal(intake.waiting, 0)
})

test('a server that is killed keeps what it answered, and makes good what it had not done', async () => {
  await sent(client, 'killed', 'c-killed')
  await client.propose(message('killed-next', 'c-killed'))
  await server.stop()
  const child = site.spawn([(await import('./site.ts')).main, 'up', '--port', '0'], options.environment)
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const found = /http:\/\/[\d.]+:\d+/.exec(said)?.[0]
      if (found) resolve(found)
    })
    child.once('exit', () => reject(new Error(`it ended: ${said}`)))
  })
  const answered: string[] = []
  const telling = Array.from({ length: 300 }, async (_, n) => {
    const id = `kill-${n}`
    const answer = await tell(url, event('opened', 'killed', { id })).catch(() => undefined)
    if (answer?.status === 200) answered.push(id)
    if (answered.length === 60) child.kill('SIGKILL')
  })
  await Promise.all(telling)
  if (!child.killed) child.kill('SIGKILL')
  await new Promise((resolve) =>
    child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(0),
  )

  // As if it had ended between a complaint and its opt-out: the outcome stands on the log, and nothing followed.
  const bare = await site.ledger()
  const { ledger } = bare
  const subject = ledger.subjects.find('customer', 'c-killed')
  assert.ok(subject && subject !== 'erased')
  const content = {
    about: 'c-killed@example.com',
    type: 'complained',
    time: new Date().toISOString(),
    provider: 'mailersend',
  }
  await ledger.append(
    [
      {
        kind: 'event/1',
        stream: 'whence.outcomes',
        source: 'webhook:mail',
        id: 'mailersend:cut-short',
        time: Date.now() * 1000,
        subject,
        refs: { contract: 'whence.outcomes@1.0.0', outcome: 'passed', type: 'complained', provider: 'mailersend' },
        content: Buffer.from(JSON.stringify(content)),
        header: { channel: 'email', optsOut: true },
      },
    ],
    { actor: 'webhook' },
  )
  await bare.stop()
  server = await site.start(options)
  client = server.client
  assert.equal((await client.action('killed-next')).state, 'suppressed')
  for (const id of answered) {
    const again = await tell(server.url, event('opened', 'killed', { id }))
    assert.notEqual(again.body.recorded, 1, `${id} was answered and is gone`)
  }
  assert.deepEqual((await client.verify()).problems, [])
})

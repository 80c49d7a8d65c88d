// Released e-mails leave by SMTP: at least once, to one mailbox, as they were approved. The servers here are the package
// smtp-server, made to misbehave.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@whence/sdk'
import type { Client, CopyPart } from '@whence/sdk'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerOptions } from 'smtp-server'
import { messageIdOf, senderOf } from '../server/src/cli/sending/message.ts'
import { smtpServer } from '../server/src/cli/sending/send.ts'
import { send } from '../server/src/cli/sending/sending.ts'
import type { Sent, Wanted } from '../server/src/cli/sending/sending.ts'
import { SmtpLine } from '../server/src/store/smtp.ts'
import type { SmtpServer } from '../server/src/store/smtp.ts'
import { purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let sender: Client
let senderKey: string

before(async () => {
  site = await Site.make()
  server = await site.start()
  await server.client.apply({ files: [purposes] })
  ;({ secret: senderKey } = await server.client.issueKey({ name: 'sender', scopes: ['send'] }))
  sender = createClient({ url: server.url, key: senderKey })
})
after(() => site.remove())

let n = 0
/** Releases an e-mail, of a campaign of its own unless told otherwise. */
async function release(
  more: { copy?: CopyPart[]; address?: string | undefined; purpose?: string; campaign?: string; entity?: string } = {},
): Promise<{ campaign: string; id: string; seq: number }> {
  const id = `mail-${++n}`
  const campaign = more.campaign ?? `campaign-${n}`
  const { copy = [text('subject', 'Hello'), text('text', 'A line.')], entity = `c-${n}`, purpose = 'newsletter' } = more
  const { decision, receipt } = await server.client.propose({
    id,
    type: 'send',
    actor: { type: 'user', id: 'marketer' },
    campaign,
    entity,
    channel: 'email',
    purpose,
    ...('address' in more && more.address === undefined ? {} : { address: more.address ?? `reader${n}@example.com` }),
    output: { copy },
  })
  assert.equal(decision, 'released')
  return { campaign, id, seq: receipt.seq }
}
const text = (part: string, words: string): CopyPart => ({ part, text: words })

interface Got {
  to: string
  from: string
  raw: string
}
interface Sink {
  got: Got[]
  port: number
  server: SMTPServer
}
const open: Sink[] = []
afterEach(async () => {
  for (const sink of open.splice(0)) {
    for (const connection of sink.server.connections) connection.close()
    await new Promise<void>((resolve) => sink.server.close(() => resolve()))
  }
})

/** A server that keeps what it is given. */
async function sink(options: SMTPServerOptions = {}): Promise<Sink> {
  const got: Got[] = []
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        got.push({
          to: rcptTo.map(({ address }) => address).join(),
          from: mailFrom ? mailFrom.address : '',
          raw: Buffer.concat(chunks).toString('latin1'),
        })
        done()
      })
    },
    ...options,
  })
  smtp.on('error', () => {})
  const listening = smtp.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const one = { got, port: (listening.address() as AddressInfo).port, server: smtp }
  open.push(one)
  return one
}

const lineTo = (port: number, more: Partial<SmtpServer> = {}): SmtpLine =>
  new SmtpLine({
    host: '127.0.0.1',
    port,
    secure: false,
    tls: 'offered',
    user: undefined,
    password: undefined,
    ca: undefined,
    timeoutMs: 5000,
    ...more,
  })

async function sending(
  line: Pick<SmtpLine, 'open' | 'send' | 'quit'>,
  wanted: Partial<Wanted> & { campaign: string },
  { client = sender, stop = new AbortController().signal, said = [] as string[] } = {},
): Promise<Sent> {
  return send(
    {
      client,
      line,
      letterhead: {
        from: { name: 'Der Löwe, "Shop"', address: 'news@shop.example' },
        replyTo: undefined,
        publicUrl: 'https://whence.shop.example',
      },
      say: (sentence) => said.push(sentence),
      progress: () => {},
      stop,
      every: 20,
    },
    { channel: 'email', environment: undefined, limit: undefined, lease: 60, attempts: 12, watch: false, ...wanted },
  )
}

const header = (raw: string, name: string): string | undefined =>
  raw
    .slice(0, raw.indexOf('\r\n\r\n'))
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    ?.slice(name.length + 1)
    .trim()
const state = async (id: string) => (await server.client.action(id)).state
const error = (responseCode: number, message = 'no'): Error => Object.assign(new Error(message), { responseCode })

test('a released e-mail goes to its one mailbox, with its ids and the link to opt out, and is acknowledged', async () => {
  const { got, port } = await sink()
  const { campaign, id, seq } = await release()
  assert.deepEqual((await sending(lineTo(port), { campaign })).sent, 1)
  assert.equal(got.length, 1)
  const { raw, to, from } = got[0]!
  assert.deepEqual([to, from], [`reader${n}@example.com`, 'news@shop.example'])
  assert.equal(header(raw, 'To'), to)
  assert.match(header(raw, 'From')!, /<news@shop\.example>$/)
  assert.equal(header(raw, 'X-Whence-Action'), `${server.origin}/${seq}`)
  assert.equal(header(raw, 'X-Whence-Attempt'), '1')
  const messageId = messageIdOf(`${server.origin}/${seq}`, 'news@shop.example')
  assert.equal(header(raw, 'Message-ID'), messageId)
  assert.equal(header(raw, 'X-Mailer'), undefined)
  assert.equal(await state(id), 'sent')
  const { actions } = await server.client.actions({ message: messageId })
  assert.deepEqual(
    actions.map((one) => one.id),
    [id],
    'the message leads back to the action',
  )

  const link = /^<https:\/\/whence\.shop\.example(\/opt-out\/[\w-]+)>$/.exec(header(raw, 'List-Unsubscribe')!)![1]!
  assert.equal(header(raw, 'List-Unsubscribe-Post'), 'List-Unsubscribe=One-Click')
  const other = await release({ campaign, entity: `c-${n}` })
  const clicked = await fetch(`${server.url}${link}`, {
    method: 'POST',
    body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
  })
  assert.equal(clicked.status, 200)
  assert.equal((await sending(lineTo(port), { campaign })).sent, 0)
  assert.equal(await state(other.id), 'suppressed')
})

test('a service notice has no link to opt out of marketing', async () => {
  const { got, port } = await sink()
  const { campaign } = await release({ purpose: 'service' })
  assert.equal((await sending(lineTo(port), { campaign })).sent, 1)
  assert.equal(header(got[0]!.raw, 'List-Unsubscribe'), undefined)
})

test('copy arrives as it was approved: long lines, dots, other scripts, HTML', async () => {
  const { got, port } = await sink()
  const words = `.\r\n..\r\nFrom here\r\n${'lang '.repeat(2000)}\r\n.\r\nZwölf Boxkämpfer 🦁\r\n`
  const html = `<p>${'ж'.repeat(3000)}</p>`
  const subject = `Zwölf ${'🦁'.repeat(60)}`
  const { campaign } = await release({ copy: [text('subject', subject), text('text', words), text('html', html)] })
  assert.equal((await sending(lineTo(port), { campaign })).sent, 1)
  const { raw } = got[0]!
  for (const line of raw.split('\r\n')) assert.ok(line.length <= 998, `a line of ${line.length}`)
  // oxlint-disable-next-line no-control-regex
  assert.match(raw, /^[\x00-\x7f]*$/, 'nothing of 8 bits')
  assert.doesNotMatch(raw, /(?<!\r)\n|\r(?!\n)/, 'no bare CR or LF')
  const [, boundary] = /boundary="([^"]+)"/.exec(header(raw, 'Content-Type')!)!
  const parts = raw.split(`--${boundary}`).slice(1, 3)
  const decoded = parts.map((part) => {
    const [head, body] = [part.slice(0, part.indexOf('\r\n\r\n')), part.slice(part.indexOf('\r\n\r\n') + 4, -2)]
    if (/base64/i.test(head)) return Buffer.from(body, 'base64').toString()
    const bytes = body.replaceAll('=\r\n', '').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => {
      return String.fromCharCode(Number.parseInt(hex, 16))
    })
    return Buffer.from(bytes, 'latin1').toString()
  })
  assert.equal(decoded[0], words)
  assert.equal(decoded[1], html)
  const subjects = header(raw, 'Subject')!
    .split(' ')
    .map((word) => {
      const [, kind, content] = /^=\?UTF-8\?([BQ])\?(.*)\?=$/i.exec(word)!
      if (kind!.toUpperCase() === 'B') return Buffer.from(content!, 'base64').toString()
      const bytes = content!.replaceAll('_', ' ').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => {
        return String.fromCharCode(Number.parseInt(hex, 16))
      })
      return Buffer.from(bytes, 'latin1').toString()
    })
  assert.equal(subjects.join(''), subject)
})

const impossible: [what: string, more: Parameters<typeof release>[0]][] = [
  ['no address', { address: undefined }],
  ['two addresses', { address: 'a@example.com, b@example.com' }],
  ['an address with a name', { address: 'A <a@example.com>' }],
  ['an address with a line break', { address: 'a@example.com\r\nBcc: b@example.com' }],
  ['an address with a command', { address: 'a@example.com>\r\nRCPT TO:<b@example.com' }],
  ['an address with a space', { address: 'a b@example.com' }],
  ['a quoted address', { address: '"a@evil.example b"@example.com' }],
  ['no domain', { address: 'a@' }],
  ['a subject with a header in it', { copy: [text('subject', 'Hi\r\nBcc: all@example.com'), text('text', 'x')] }],
  ['a subject with a bare line feed', { copy: [text('subject', 'Hi\nBcc: all@example.com'), text('text', 'x')] }],
  ['a subject with a line separator', { copy: [text('subject', 'Hi\u2028Bcc: all@example.com'), text('text', 'x')] }],
  ['no subject', { copy: [text('text', 'x')] }],
  ['an empty body', { copy: [text('subject', 'x'), text('text', '')] }],
]
test('what cannot be sent as it is has failed, and the next is sent', async () => {
  const { got, port } = await sink()
  const campaign = 'impossible'
  const ids = []
  for (const [, more] of impossible) ids.push((await release({ ...more, campaign })).id)
  const last = await release({ campaign })
  const said: string[] = []
  const sent = await sending(lineTo(port), { campaign }, { said })
  assert.deepEqual([sent.sent, sent.failed], [1, impossible.length], said.join('\n'))
  for (const [i, id] of ids.entries()) assert.equal(await state(id), 'failed', impossible[i]![0])
  assert.equal(await state(last.id), 'sent')
  assert.equal(got.length, 1)
  assert.ok(!said.join().includes('example.com'), 'no address is said')
})

test('a refused mailbox fails for good; one that is put off waits and is sent by the next run', async () => {
  let greylisted = true
  const { got, port } = await sink({
    onRcptTo({ address }, _, done) {
      if (address.startsWith('gone')) return done(error(550, '5.1.1 <gone@example.com> unknown'))
      if (address.startsWith('grey') && greylisted) return done(error(451, '4.7.1 greylisted'))
      return done()
    },
  })
  const campaign = 'grey'
  const gone = await release({ campaign, address: 'gone@example.com' })
  const grey = await release({ campaign, address: 'grey@example.com' })
  const fine = await release({ campaign })
  const said: string[] = []
  const first = await sending(lineTo(port), { campaign }, { said })
  assert.deepEqual([first.sent, first.failed, first.later], [1, 1, 1])
  assert.ok(!said.join().includes('@'), said.join())
  assert.deepEqual(await Promise.all([gone, grey, fine].map(({ id }) => state(id))), ['failed', 'queued', 'sent'])
  greylisted = false
  const second = await sending(lineTo(port), { campaign })
  assert.deepEqual([second.sent, got.at(-1)!.to], [1, 'grey@example.com'])
  assert.equal(await state(grey.id), 'sent')
})

test('a mailbox that is put off for ever fails in the end', async () => {
  const { port } = await sink({ onRcptTo: (_, __, done) => done(error(450)) })
  const { campaign, id } = await release()
  assert.equal((await sending(lineTo(port), { campaign, attempts: 2 })).later, 1)
  assert.equal((await sending(lineTo(port), { campaign, attempts: 2 })).failed, 1)
  assert.equal(await state(id), 'failed')
})

test('a message that is refused when it was heard fails, and one put off then waits', async () => {
  const answers = [error(554, '5.7.1 spam'), error(452, '4.3.1 full')]
  const { port } = await sink({
    onData(stream, _, done) {
      stream.resume().on('end', () => done(answers.shift()))
    },
  })
  const campaign = 'heard'
  const [first, second] = [await release({ campaign }), await release({ campaign })]
  const sent = await sending(lineTo(port), { campaign })
  assert.deepEqual([sent.failed, sent.later, sent.sent], [1, 1, 0])
  assert.deepEqual([await state(first.id), await state(second.id)], ['failed', 'queued'])
})

test('a connection lost when the message was on its way: it goes out again after the lease, and says so', async () => {
  let lose = true
  const { got, port } = await sink({
    onData(stream, session, done) {
      let raw = ''
      stream.on('data', (chunk: Buffer) => (raw += chunk.toString('latin1')))
      stream.on('end', () => {
        got.push({ to: session.envelope.rcptTo[0]!.address, from: '', raw })
        if (!lose) return done()
        lose = false
        // It has the message, and nobody hears that.
        for (const connection of open[0]!.server.connections) connection.close()
      })
    },
  })
  const { campaign, id, seq } = await release()
  const said: string[] = []
  const first = await sending(lineTo(port), { campaign, lease: 3 }, { said })
  assert.deepEqual([first.unknown, first.sent, first.later], [1, 0, 0])
  assert.match(said.join(), /goes out again when its lease is over/)
  assert.equal((await sending(lineTo(port), { campaign, lease: 3 })).sent, 0, 'the lease holds')
  await until(async () => (await sending(lineTo(port), { campaign }, { said })).again === 1)
  assert.match(said.join(), /may have arrived, under the same Message-ID/)
  assert.equal(await state(id), 'sent')
  assert.equal(got.length, 2)
  assert.deepEqual(
    got.map(({ raw }) => header(raw, 'Message-ID')),
    Array.from({ length: 2 }, () => messageIdOf(`${server.origin}/${seq}`, 'news@shop.example')),
  )
  assert.deepEqual(
    got.map(({ raw }) => header(raw, 'X-Whence-Attempt')),
    ['1', '2'],
  )
})

test('a sender killed between sending and acknowledging: the next one sends it again, after the lease', async () => {
  let heard: () => void
  const hearing = new Promise<void>((resolve) => (heard = resolve))
  const { got, port } = await sink()
  const { campaign, id } = await release()
  const client = {
    claim: sender.claim.bind(sender),
    // It never gets this far.
    acknowledge: (): Promise<never> => (heard(), new Promise(() => {})),
  } as unknown as Client
  const line = lineTo(port)
  void sending(line, { campaign, lease: 3 }, { client })
  await hearing
  line.close()
  assert.equal(got.length, 1)
  const said: string[] = []
  await until(async () => (await sending(lineTo(port), { campaign }, { said })).sent === 1)
  assert.equal(got.length, 2)
  assert.equal(header(got[0]!.raw, 'Message-ID'), header(got[1]!.raw, 'Message-ID'))
  assert.match(said.join(), /attempt 2/)
  assert.equal(await state(id), 'sent')
})

test('an acknowledgement that is not heard is said again, and nothing more is sent while nobody hears', async () => {
  const { got, port } = await sink()
  const campaign = 'deaf'
  for (let i = 0; i < 3; i++) await release({ campaign })
  let failures = 2
  const flaky = {
    claim: sender.claim.bind(sender),
    acknowledge: (results: Parameters<Client['acknowledge']>[0]) =>
      failures-- > 0 ? Promise.reject(new Error('gone')) : sender.acknowledge(results),
  } as unknown as Client
  const sent = await sending(lineTo(port), { campaign }, { client: flaky })
  assert.deepEqual([sent.sent, sent.unacknowledged, got.length], [3, 0, 3])
})

test('two senders at once: nothing goes out twice', async () => {
  const { got, port } = await sink()
  const campaign = 'two'
  for (let i = 0; i < 30; i++) await release({ campaign })
  const both = await Promise.all([sending(lineTo(port), { campaign }), sending(lineTo(port), { campaign })])
  assert.equal(both[0].sent + both[1].sent, 30)
  assert.equal(new Set(got.map(({ to }) => to)).size, 30)
  assert.equal(got.length, 30)
})

test('a limit is kept, and a pause of the server too: nothing is claimed that cannot be sent', async () => {
  const { got, port } = await sink()
  const campaign = 'limited'
  for (let i = 0; i < 3; i++) await release({ campaign })
  assert.equal((await sending(lineTo(port), { campaign, limit: 2 })).sent, 2)
  assert.equal(got.length, 2)
  const free = createServer()
  free.listen(0, '127.0.0.1')
  await once(free, 'listening')
  const nobody = (free.address() as AddressInfo).port
  free.close()
  await once(free, 'close')
  const stopped = await sending(lineTo(nobody), { campaign })
  assert.equal(stopped.stopped, 'it cannot be reached, or broke off')
  assert.equal((await sending(lineTo(port), { campaign })).sent, 1, 'it was not claimed')
})

test('a server that will not let us send at all fails no message', async () => {
  const campaign = 'not-us'
  const [first, second] = [await release({ campaign }), await release({ campaign })]
  const refusing = await sink({ onMailFrom: (_, __, done) => done(error(550, '5.7.1 not you')) })
  const sent = await sending(lineTo(refusing.port), { campaign })
  assert.deepEqual([sent.failed, sent.later, sent.stopped], [0, 2, '550 5.7.1 at MAIL FROM'])
  const wrong = await sink({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth: (_, __, done) => done(error(535, '5.7.8 wrong')),
  })
  const unauthorised = await sending(lineTo(wrong.port, { user: 'me', password: 'x' }), { campaign })
  assert.equal(unauthorised.stopped, 'it does not take the credentials (535)')
  assert.deepEqual([await state(first.id), await state(second.id)], ['queued', 'queued'])
})

test('without TLS where it is required nothing is sent; nor to a certificate that nobody vouches for', async () => {
  const { campaign, id } = await release()
  const plain = await sink()
  const stripped = await sending(lineTo(plain.port, { tls: 'required', user: 'me', password: 'x' }), { campaign })
  assert.equal(stripped.stopped, 'no TLS connection that can be trusted')
  const selfSigned = await sink({ disabledCommands: [] })
  for (const tls of ['required', 'offered'] as const) {
    const untrusted = await sending(lineTo(selfSigned.port, { tls }), { campaign })
    assert.equal(untrusted.stopped, 'no TLS connection that can be trusted')
  }
  assert.deepEqual([plain.got.length, selfSigned.got.length], [0, 0])
  assert.equal(await state(id), 'queued')
})

test(
  'credentials and messages go over TLS to a server whose certificate is trusted',
  { skip: spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed' },
  async () => {
    const [keyFile, ca] = [join(site.folder, 'key.pem'), join(site.folder, 'ca.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', ca, '-days', '2', ...subject]
    execFileSync('openssl', ['req', ...made], { stdio: 'pipe' })
    const users: string[] = []
    const options: SMTPServerOptions = {
      disabledCommands: [],
      authOptional: false,
      key: readFileSync(keyFile),
      cert: readFileSync(ca),
      onAuth({ username, password }, session, done) {
        users.push(`${username} ${password} ${session.secure}`)
        done(null, { user: username })
      },
    }
    const credentials = { host: 'localhost', tls: 'required', user: 'me', password: 'p@ss', ca } as const
    for (const secure of [false, true]) {
      const { got, port } = await sink({ ...options, secure })
      const { campaign } = await release()
      const sent = await sending(lineTo(port, { ...credentials, secure }), { campaign })
      assert.equal(sent.stopped, undefined)
      assert.equal(got.length, 1)
    }
    assert.deepEqual(users, ['me p@ss true', 'me p@ss true'])
  },
)

test('a server that never answers is waited for no longer than agreed', async () => {
  const silent = createServer(() => {})
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { campaign, id } = await release()
  const { stopped } = await sending(lineTo((silent.address() as AddressInfo).port, { timeoutMs: 200 }), { campaign })
  silent.close()
  assert.equal(stopped, 'no answer in time')
  assert.equal(await state(id), 'queued')
})

test('an address with a domain of another script goes out in ASCII', async () => {
  const { got, port } = await sink()
  const { campaign } = await release({ address: 'leser@bücher.example' })
  assert.equal((await sending(lineTo(port), { campaign })).sent, 1)
  assert.match(header(got[0]!.raw, 'To')!, /leser@xn--bcher-kva\.example/)
})

test('watching: it goes on until it is stopped, and gives back what was put off', async () => {
  const { got, port } = await sink({
    onRcptTo: ({ address }, _, done) => done(address.startsWith('grey') ? error(451) : null),
  })
  const campaign = 'watched'
  const grey = await release({ campaign, address: 'grey@example.com' })
  const stop = new AbortController()
  const running = sending(lineTo(port), { campaign, watch: true }, { stop: stop.signal })
  await until(async () => (await state(grey.id)) === 'claimed')
  const later = await release({ campaign })
  await until(async () => (await state(later.id)) === 'sent')
  assert.equal(await state(grey.id), 'claimed', 'held, so that it is not asked for at once again')
  stop.abort()
  const sent = await running
  assert.deepEqual([sent.sent, sent.later, got.length], [1, 1, 1])
  assert.equal(await state(grey.id), 'queued')
})

test('the command line sends, with a key that may do nothing else, and prints no address and no password', async () => {
  const { got, port } = await sink({ allowInsecureAuth: true, onAuth: (_, __, done) => done(null, { user: 'me' }) })
  const { campaign, id } = await release()
  await release({ campaign, address: 'nobody' })
  const ran = await site.whenceWith(
    { env: { WHENCE_SMTP: `smtp://me:hunter2@127.0.0.1:${port}`, WHENCE_KEY: senderKey, WHENCE_URL: server.url } },
    'send',
    '--from',
    'Shop <news@shop.example>',
    '--campaign',
    campaign,
    '--json',
  )
  const said = `${ran.stdout}${ran.stderr}`
  assert.equal(ran.code, 1, said)
  const { sent, failed } = JSON.parse(ran.stdout) as Sent
  assert.deepEqual([sent, failed, got.length, await state(id)], [1, 1, 1, 'sent'])
  assert.ok(!said.includes('hunter2') && !said.includes('@example.com'), said)
})

test('options that cannot be meant are refused before anything is claimed', () => {
  const args = (values: Record<string, string>) => ({ values, positionals: [] })
  const server = (smtp: string, more = {}) => smtpServer({ env: {} }, args({ smtp, ...more }))
  const { host, port, tls, secure, user, password } = server('smtp://me:p%40ss@mail.example')
  assert.deepEqual(
    { host, port, tls, secure, user, password },
    {
      host: 'mail.example',
      port: 587,
      tls: 'required',
      secure: false,
      user: 'me',
      password: 'p@ss',
    },
  )
  assert.deepEqual(
    ['smtps://mail.example', 'smtp://127.0.0.1:25', 'smtp://[::1]:25', 'smtp://127.0.0.1.example'].map((url) => {
      const one = server(url)
      return `${one.host} ${one.port} ${one.tls}`
    }),
    ['mail.example 465 required', '127.0.0.1 25 offered', '::1 25 offered', '127.0.0.1.example 587 required'],
  )
  assert.equal(server('smtp://mail.example', { tls: 'none' }).tls, 'none')
  for (const wrong of ['http://127.0.0.1', 'smtp://', 'mail.example', 'smtp://mail.example/x'])
    assert.throws(() => server(wrong), { code: 'usage' })
  assert.throws(() => server('smtp://mail.example', { tls: 'maybe' }), { code: 'usage' })
  for (const wrong of ['', 'Shop', 'a@shop.example, b@shop.example', 'a@shop.example\r\nBcc: b@shop.example'])
    assert.throws(() => senderOf(wrong, '--from'), { code: 'usage' })
})

/** Waits for something that comes by itself. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await holds()) return
    await wait(50)
  }
  assert.fail('it never came to pass')
}

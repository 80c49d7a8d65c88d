// Released e-mails, sent by `whence send` through an SMTP server that we did not write: what it took is what was approved.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import type { ActionProposal } from '@whence/sdk'
import { purposes } from '../../journeys/messages.ts'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'

const environment = process.env['WHENCE_MAILING']
const python = join(environment ?? '', process.platform === 'win32' ? 'Scripts' : 'bin', 'python')

function lacking(): string | false {
  if (process.env['CI'] === 'true') return false
  if (environment === undefined) return 'WHENCE_MAILING names no Python environment: see interop/README.md'
  if (spawnSync('openssl', ['version']).status !== 0) return 'openssl is not installed'
  return spawnSync(python, ['-c', 'import aiosmtpd']).status === 0 ? false : 'aiosmtpd is not installed there'
}

/** A message as the server read it. */
interface Taken {
  from: string
  to: string[]
  tls: boolean
  user: string
  headers: Record<string, string>
  parts: { type: string; text: string }[]
  defects: string[]
}

suite('whence send, to aiosmtpd', { skip: lacking() }, () => {
  let site: Site
  let server: Running
  let mailbox: ChildProcess
  let port = 0
  let ca = ''
  let key = ''
  const taken: Taken[] = []

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await server.client.apply({ files: [purposes] })
    ;({ secret: key } = await server.client.issueKey({ name: 'sender', scopes: ['send'] }))
    const keyFile = join(site.folder, 'key.pem')
    ca = join(site.folder, 'ca.pem')
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', ca, '-days', '2', ...subject]
    execFileSync('openssl', ['req', ...made], { stdio: 'pipe' })
    mailbox = spawn(python, [join(import.meta.dirname, 'mailbox.py'), ca, keyFile, 'shop', 'p@ss word'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: mailbox.stdout! })
    port = await new Promise<number>((resolve, reject) => {
      mailbox.once('exit', (code) => reject(new Error(`the mailbox ended with ${code}`)))
      lines.on('line', (line) => {
        const said = JSON.parse(line) as { port: number } | Taken
        if ('port' in said) resolve(said.port)
        else taken.push(said)
      })
    })
  })
  after(async () => {
    mailbox?.kill()
    await site?.remove()
  })

  const release = async (id: string, address: string, copy: NonNullable<ActionProposal['output']>['copy']) => {
    const { decision, reason } = await server.client.propose({
      id,
      type: 'send',
      actor: { type: 'user', id: 'marketer' },
      campaign: 'spring',
      entity: id,
      channel: 'email',
      purpose: 'newsletter',
      address,
      output: { copy },
    })
    assert.equal(decision, 'released', reason)
  }
  const send = (password: string) => {
    const env = {
      WHENCE_URL: server.url,
      WHENCE_KEY: key,
      WHENCE_SMTP: `smtp://shop:${encodeURIComponent(password)}@localhost:${port}`,
    }
    const from = 'Bücher & Mehr <news@shop.example>'
    const options = ['--from', from, '--tls', 'required', '--ca', ca, '--lease', '10', '--json']
    return site.whenceWith({ env }, 'send', ...options)
  }
  const state = async (id: string) => (await server.client.action(id)).state

  test('takes nothing with a wrong password, and nothing has failed', async () => {
    await release('m-1', 'reader@example.com', [
      { part: 'subject', text: 'Grüße — 20 % auf alles ✓' },
      { part: 'text', text: `.A line that begins with a dot\n${'long '.repeat(400)}\nFrom here on, ünïcode 日本語` },
      { part: 'html', text: '<p>Grüße</p>' },
    ])
    const { code, stderr, stdout } = await send('wrong')
    assert.equal(code, 1)
    assert.match(`${stdout}${stderr}`, /credentials/)
    assert.deepEqual([taken.length, await state('m-1')], [0, 'queued'])
  })

  test('takes each as it was approved, over TLS; a mailbox that is not there fails, one put off is sent later', async () => {
    const copy = [
      { part: 'subject', text: 'Hello' },
      { part: 'text', text: 'A line.' },
    ]
    await release('m-2', 'nobody@example.com', copy)
    await release('m-3', 'later@example.com', copy)
    const ran = await send('p@ss word')
    assert.ok(!`${ran.stdout}${ran.stderr}`.includes('p@ss'), 'no secret is shown')
    for (let tries = 0; (await state('m-3')) !== 'sent' && tries < 5; tries++) await send('p@ss word')
    assert.deepEqual([await state('m-1'), await state('m-2'), await state('m-3')], ['sent', 'failed', 'sent'])

    const [first, ...others] = taken.toSorted((a, b) => (a.to[0]! < b.to[0]! ? 1 : -1))
    assert.deepEqual([others.length, others[0]!.to], [1, ['later@example.com']])
    assert.deepEqual(
      [first!.from, first!.to, first!.tls, first!.user, first!.defects],
      ['news@shop.example', ['reader@example.com'], true, 'shop', []],
    )
    const { subject, from, 'list-unsubscribe-post': post, 'message-id': messageId } = first!.headers
    assert.deepEqual([subject, post], ['Grüße — 20 % auf alles ✓', 'List-Unsubscribe=One-Click'])
    assert.match(from!, /Bücher & Mehr/)
    const [plain, html] = first!.parts
    assert.deepEqual([plain!.type, html!.type, html!.text.trim()], ['text/plain', 'text/html', '<p>Grüße</p>'])
    assert.equal(
      plain!.text.replaceAll('\r\n', '\n').trimEnd(),
      `.A line that begins with a dot\n${'long '.repeat(400)}\nFrom here on, ünïcode 日本語`,
    )
    // A complaint that names the message leads back to the action.
    const { actions } = await server.client.actions({ message: messageId! })
    assert.deepEqual(
      actions.map(({ id }) => id),
      ['m-1'],
    )
  })
})

// A scorer that lets in only whom it knows: it is asked with a secret that the file names and does not hold.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const SECRET = 'the-token-of-the-scorer'
const seen: (string | undefined)[] = []
const scorer = createServer((request, response) => {
  seen.push(request.headers.authorization)
  request.resume().on('end', () => {
    const known = request.headers.authorization === `Bearer ${SECRET}`
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(known ? '{"score":0.1}' : '{}')
  })
})
let site: Site
let server: Running

const purposes = 'kind: Purposes\nname: shop\npurposes:\n  - { name: service, grounds: [{ basis: contract }] }\n'
const message = (id: string) => ({
  id,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity: 'c-1',
  channel: 'email',
  purpose: 'service',
  output: { copy: [{ part: 'text', text: 'hello' }] },
})

before(async () => {
  await new Promise<void>((resolve) => scorer.listen(0, '127.0.0.1', resolve))
  site = await Site.make({ WHENCE_SCORER_TONE: SECRET })
})
after(async () => {
  await site?.remove()
  scorer.closeAllConnections()
  scorer.close()
})

test('with the secret it is asked; without it nothing is released, and it is said which variable is missing', async () => {
  const url = `http://127.0.0.1:${(scorer.address() as AddressInfo).port}/`
  const tone = (token: string) =>
    `kind: GateChain\nname: tone\ngates:\n  - { name: tone, kind: scorer, url: "${url}", scorer: tone, version: "1", threshold: 0.9, unanswered: pass, credentials: { token: ${token} } }\n`
  server = await site.start()
  const apply = (token: string) =>
    server.client.apply({
      files: [
        { path: 'purposes.yaml', text: purposes },
        { path: 'tone.yaml', text: tone(token) },
      ],
    })
  await apply('WHENCE_SCORER_TONE')
  const told = await server.client.propose(message('with'))
  assert.equal(told.decision, 'released', told.reason)
  assert.deepEqual(seen, [`Bearer ${SECRET}`])
  assert.ok(!JSON.stringify(await server.client.action('with')).includes(SECRET))

  await apply('WHENCE_SCORER_MISSING')
  const closed = await server.client.propose(message('without'))
  assert.equal(closed.decision, 'held')
  assert.match(closed.reason, /WHENCE_SCORER_MISSING is not set/)
  assert.equal(seen.length, 1, 'nobody was asked')

  await apply('WHENCE_SCORER_TONE')
  await server.stop()
  site.env.WHENCE_SCORER_TONE = 'another'
  server = await site.start()
  const open = await server.client.propose(message('wrong'))
  assert.deepEqual(seen.at(-1), 'Bearer another')
  // This file takes no answer for a yes; the credentials that it named were there.
  assert.equal(open.decision, 'released')
  assert.match(JSON.stringify(open.verdicts), /does not take the credentials/)
})

test('a file that would send off another variable of the server is refused', async () => {
  const text =
    'kind: GateChain\nname: thief\ngates:\n  - { name: t, kind: scorer, url: "https://thief.example/", scorer: t, version: "1", threshold: 1, credentials: { token: DATABASE_URL } }\n'
  await assert.rejects(server.client.apply({ files: [{ path: 'thief.yaml', text }] }), /begins with WHENCE_SCORER_/)
})

// A listmonk server, as its documentation says that it answers. Nothing here shows that a listmonk does.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { listmonkSystem } from './listmonk.ts'
import { authorizationOf } from './request.ts'

const campaigns = [
  { id: 1, name: 'Spring sale', status: 'running', sent: 120, to_send: 500, started_at: null, tags: [] },
  { id: 2, name: 'Spring sale, again', status: 'draft', sent: 0, to_send: 0 },
  { id: 3, name: 'Twice', status: 'running', sent: 0, to_send: 0 },
  { id: 4, name: 'Twice', status: 'running', sent: 0, to_send: 0 },
  { id: 5, name: 'Later', status: 'scheduled', sent: 0, to_send: 9 },
]
// The one that is meant stands on the third page.
const others = Array.from({ length: 120 }, (_, i) => ({ id: 100 + i, name: `Other ${i}`, status: 'draft', sent: 0 }))
campaigns.unshift(...(others as never[]))
const requests: string[] = []
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (text: string) => (body += text))
  request.on('end', () => {
    const url = new URL(request.url!, 'http://x')
    if (request.method !== 'GET') requests.push(`${request.method} ${url.pathname} ${body}`)
    const send = (status: number, answer: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    if (request.headers.authorization !== `Basic ${Buffer.from('api:token').toString('base64')}`)
      return send(403, { message: 'invalid session' })
    if (url.pathname === '/api/campaigns') {
      const [page, per_page] = ['page', 'per_page'].map((name) => Number(url.searchParams.get(name))) as [
        number,
        number,
      ]
      const results = campaigns.slice((page - 1) * per_page, page * per_page)
      return send(200, { data: { results, query: '', total: campaigns.length, per_page, page } })
    }
    const one = campaigns.find(({ id }) => url.pathname.split('/')[3] === String(id))
    if (one === undefined) return send(400, { message: 'Campaign not found' })
    if (request.method === 'PUT') one.status = (JSON.parse(body) as { status: string }).status
    return send(200, { data: one })
  })
})
let url = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => void server.close())

const listmonk = (password = 'token') =>
  listmonkSystem(
    { url, authorization: authorizationOf({ user: 'api', password }), timeoutMs: 2000 },
    new Map([
      ['second', '4'],
      ['gone', '99'],
    ]),
  )

test('a campaign is the one of this very name, or of the number that the file gives', async () => {
  const value = { status: 'running', said: 'running', sent: 120, toSend: 500 }
  assert.deepEqual(await listmonk().campaign('Spring sale'), { value })
  const status = async (name: string) => JSON.stringify(await listmonk().campaign(name))
  assert.match(await status('second'), /"running"/)
  assert.match(await status('Twice'), /it has 2 campaigns of this name/)
  assert.match(await status('Spring'), /no campaign of this name/)
  assert.match(await status('gone'), /it answers 400/)
})

test('a campaign is paused by its number; what is scheduled becomes a draft', async () => {
  await listmonk().setStatus('Spring sale', 'paused')
  await listmonk().setStatus('Later', 'paused')
  assert.deepEqual(requests, [
    'PUT /api/campaigns/1/status {"status":"paused"}',
    'PUT /api/campaigns/5/status {"status":"draft"}',
  ])
  assert.equal(JSON.stringify(await listmonk().campaign('Later')).includes('"draft"'), true)
})

test('credentials that it does not take are told so, without them', async () => {
  const reply = await listmonk('wrong').campaign('Spring sale')
  assert.deepEqual(reply, { failure: 'refused', reason: 'it answers 403: it does not take the credentials' })
})

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { test, type TestContext } from 'node:test'
import { patientFetch } from './patient-fetch.ts'

async function listening(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`
}

test('sends method, headers and body, and answers like fetch', async (t) => {
  const url = await listening(t, async (request, response) => {
    let body = ''
    for await (const part of request) body += String(part)
    const { method, headers } = request
    response
      .writeHead(503, { 'retry-after': '2' })
      .end(`${method} ${String(headers['x-one'])} ${headers['content-length']} ${body}`)
  })
  const answer = await patientFetch(url, { method: 'POST', headers: { 'x-one': '1' }, body: 'ä' })
  assert.equal(answer.status, 503)
  assert.equal(answer.headers.get('retry-after'), '2')
  assert.equal(await answer.text(), 'POST 1 2 ä')
})

test('fails when nothing answers, when the answer breaks off, and when it is told to stop', async (t) => {
  const url = await listening(t, (request, response) => {
    if (request.url === '/silent') return
    response.write('half')
    setTimeout(() => response.destroy(), 10)
  })
  await assert.rejects(patientFetch('http://127.0.0.1:9/', {}), /ECONNREFUSED/)
  const half = await patientFetch(url, {})
  await assert.rejects(half.text())
  await assert.rejects(patientFetch(`${url}silent`, { signal: AbortSignal.timeout(20) }))
})

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { askScorer, withSecrets } from './scorer-http.ts'
import type { ScorerResponse } from './scorer-http.ts'

/** What a scorer that answers so is to us, and the requests that it got. */
async function asking(
  answer: RequestListener,
  timeoutMs = 5000,
): Promise<{ reply: ScorerResponse; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${body}`)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`
  try {
    return { reply: await askScorer({ url, body: '{"text":"x"}', timeoutMs, mostBytes: 1024 }), requests }
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

const failure = (reply: ScorerResponse): string | undefined => ('failure' in reply ? reply.failure : undefined)

test('an answer comes with its status', async () => {
  const { reply, requests } = await asking((_, response) => response.writeHead(200).end('{"score":1}'))
  assert.deepEqual(reply, { status: 200, body: '{"score":1}' })
  assert.deepEqual(requests, ['POST /score {"text":"x"}'])
  assert.deepEqual((await asking((_, response) => response.writeHead(503).end('no'))).reply, {
    status: 503,
    body: 'no',
  })
})

test('a scorer that hangs is waited for no longer than agreed', async () => {
  assert.equal(failure((await asking(() => {}, 100)).reply), 'timeout')
  const halfway = await asking((_, response) => response.writeHead(200).write('{"sc'), 100)
  assert.equal(failure(halfway.reply), 'timeout')
  const dripping = await asking((_, response) => {
    response.writeHead(200)
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }, 200)
  assert.equal(failure(dripping.reply), 'timeout')
})

test('an answer of megabytes is not read to its end, packed or not', async () => {
  const endless = await asking((_, response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  assert.equal(failure(endless.reply), 'too_long')
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const packed = await asking((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
  assert.equal(failure(packed.reply), 'too_long')
})

test('redirects are not followed', async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    const { reply, requests } = await asking((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    )
    assert.deepEqual([failure(reply), requests.length], ['redirect', 1])
  }
})

test('a scorer that is not there, hangs up or talks nonsense', async () => {
  const nobody = await askScorer({ url: 'http://127.0.0.1:1/', body: '{}', timeoutMs: 2000, mostBytes: 10 })
  assert.equal(failure(nobody), 'unreachable')
  assert.equal(failure((await asking((request) => request.socket.destroy())).reply), 'unreachable')
  assert.equal(failure((await asking((request) => request.socket.end('nonsense\r\n\r\n'))).reply), 'unreachable')
})

test('a secret is sent as a bearer token to the address that is named, and not where it redirects to', async () => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    const good = request.headers.authorization === 'Bearer s3cret'
    if (request.url === '/moved') response.writeHead(307, { location: '/score' }).end()
    else response.writeHead(good ? 200 : 401).end(good ? '{"score":0}' : 'no')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const call = { body: '{}', timeoutMs: 5000, mostBytes: 1024 }
  try {
    const ask = withSecrets(askScorer, { WHENCE_SCORER_A: 's3cret', WHENCE_SCORER_B: 'other', WHENCE_SCORER_E: '' })
    const to = (path: string, token?: string) => ask({ ...call, url: `${url}${path}`, ...(token ? { token } : {}) })
    assert.deepEqual(await to('/score', 'WHENCE_SCORER_A'), { status: 200, body: '{"score":0}' })
    assert.deepEqual(await to('/score', 'WHENCE_SCORER_B'), { status: 401, body: 'no' })
    assert.equal(failure(await to('/moved', 'WHENCE_SCORER_A')), 'redirect')
    assert.deepEqual(await to('/score'), { status: 401, body: 'no' })
    assert.deepEqual(seen, ['Bearer s3cret', 'Bearer other', 'Bearer s3cret', undefined])
    for (const token of ['WHENCE_SCORER_E', 'WHENCE_SCORER_NONE', 'constructor']) {
      const reply = await to('/score', token)
      assert.deepEqual(reply, { failure: 'no_secret', reason: `${token} is not set in the environment of the server` })
    }
    assert.equal(seen.length, 4, 'without its secret nobody is asked')
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

test('a secret that no header can carry reaches nobody, and stands in no reason', async () => {
  const ask = withSecrets(askScorer, { WHENCE_SCORER_A: 'two\nlines' })
  const reply = await ask({
    url: 'http://127.0.0.1:1/',
    token: 'WHENCE_SCORER_A',
    body: '{}',
    timeoutMs: 99,
    mostBytes: 9,
  })
  assert.equal(failure(reply), 'unreachable')
  assert.ok(!JSON.stringify(reply).includes('lines'))
})

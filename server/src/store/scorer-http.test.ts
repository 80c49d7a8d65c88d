import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { askScorer } from './scorer-http.ts'
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

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Client, createClient, endpoints, WhenceError, type ClientOptions } from './index.ts'

type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void

async function server(t: TestContext, handler: Handler, options: Partial<ClientOptions> = {}): Promise<Client> {
  const http = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
    handler(Object.assign(request, { text }), response)
  })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  t.after(() => http.close())
  const { port } = http.address() as { port: number }
  return createClient({ url: `http://127.0.0.1:${port}/`, key: 'wk_test', ...options })
}

const answer = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const ingested = {
  stream: 'clicks',
  contract: 'clicks@1.0.0',
  accounting: { received: 2, passed: 2, flagged: 0, quarantined: 0, dropped: 0, duplicate: 0, conflict: 0, refused: 0 },
  blank: [],
  first: 7,
  last: 8,
  results: [],
}

const fails = (code: string, status: number) => (error: unknown) =>
  error instanceof WhenceError && error.code === code && error.status === status

test('has a method for every endpoint, and no others', () => {
  const methods = Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== 'constructor')
  assert.deepEqual(methods.toSorted(), Object.keys(endpoints).toSorted())
})

test('sends events as NDJSON, with their place in the file, under the bearer key', async (t) => {
  let seen: [string | undefined, string | undefined, string] | undefined
  const client = await server(t, (request, response) => {
    seen = [request.url, request.headers.authorization, request.text]
    answer(response, 200, ingested)
  })
  const result = await client.ingest('clicks', [{ a: 1 }, { a: 'ü' }], { file: 'märz.csv', line: 2, gzip: true })
  assert.equal(result.last, 8)
  assert.deepEqual(seen, [
    '/v1/streams/clicks/events?file=m%C3%A4rz.csv&line=2',
    'Bearer wk_test',
    '{"a":1}\n{"a":"ü"}\n',
  ])
})

test('keeps the bytes of NDJSON as they are given', async (t) => {
  let seen = ''
  const client = await server(t, (request, response) => {
    seen = request.text
    answer(response, 200, ingested)
  })
  await client.ingest('clicks', '{"n": 9007199254740993}\r\n{"n')
  assert.equal(seen, '{"n": 9007199254740993}\r\n{"n')
})

test('percent-encodes what stands in a path, and refuses what would leave it', async (t) => {
  let url: string | undefined
  const client = await server(t, (request, response) => {
    url = request.url
    answer(response, 200, { url: 'http://127.0.0.1/explain/x?t=1', expires: '2026-03-20T10:00:00.000000Z' })
  })
  await client.link('a/b?c#d é')
  assert.equal(url, '/v1/predictions/a%2Fb%3Fc%23d%20%C3%A9/links')
  await assert.rejects(client.explain('..'), fails('usage', 0))
  await assert.rejects(client.explain(''), fails('usage', 0))
})

test('turns a problem into an error with its code, status, message and details', async (t) => {
  const client = await server(t, (_, response) =>
    answer(response, 404, {
      error: { code: 'not_found', message: 'No stream is called "x".', details: { near: 'y' } },
    }),
  )
  await assert.rejects(client.stream('x'), (error) => {
    assert.ok(fails('not_found', 404)(error))
    assert.equal((error as WhenceError).message, 'No stream is called "x".')
    assert.deepEqual((error as WhenceError).details, { near: 'y' })
    return true
  })
})

test('says so when the answer is not one of this API', async (t) => {
  const client = await server(t, (request, response) => {
    if (request.url === '/v1/streams') return response.writeHead(502).end('<h1>Bad Gateway</h1>')
    if (request.url === '/v1/keys') return response.end('not json')
    return answer(response, 200, { size: 'many' })
  })
  await assert.rejects(client.streams(), fails('unexpected_answer', 502))
  await assert.rejects(client.keys(), fails('unexpected_answer', 200))
  await assert.rejects(client.status(), fails('unexpected_answer', 200))
})

test('says so when no server answers', async () => {
  const client = createClient({ url: 'http://127.0.0.1:9', key: 'wk_test' })
  await assert.rejects(client.status(), fails('unreachable', 0))
})

test('waits as long as an overloaded server asks, then sends the same again', async (t) => {
  const bodies: string[] = []
  const waits: number[] = []
  const client = await server(
    t,
    (request, response) => {
      bodies.push(request.text)
      if (bodies.length < 3) {
        answer(response, 503, { error: { code: 'overloaded', message: 'The queue is full.' } }, { 'retry-after': '2' })
      } else answer(response, 200, ingested)
    },
    { wait: async (milliseconds) => void waits.push(milliseconds) },
  )
  await client.ingest('clicks', [{ a: 1 }])
  assert.deepEqual(bodies, ['{"a":1}\n', '{"a":1}\n', '{"a":1}\n'])
  assert.deepEqual(waits, [2000, 2000])
})

test('gives up on an overloaded server after a bounded number of tries', async (t) => {
  let calls = 0
  const waits: number[] = []
  const client = await server(
    t,
    (_, response) => {
      calls++
      answer(response, 503, { error: { code: 'overloaded', message: 'The queue is full.' } })
    },
    { tries: 4, wait: async (milliseconds) => void waits.push(milliseconds) },
  )
  await assert.rejects(client.status(), fails('overloaded', 503))
  assert.equal(calls, 4)
  assert.deepEqual(waits, [250, 500, 1000])
})

test('does not repeat what failed for another reason', async (t) => {
  let calls = 0
  const client = await server(t, (_, response) => {
    calls++
    answer(response, 507, { error: { code: 'disk_full', message: 'The disk reserve is reached.' } })
  })
  await assert.rejects(client.ingest('clicks', [{}]), fails('disk_full', 507))
  assert.equal(calls, 1)
})

const subject = (n: number) => n.toString(16).padStart(32, '0')

test('streams rows as they arrive, across the borders of chunks and characters', async (t) => {
  const client = await server(t, async (_, response) => {
    const rows = Buffer.from([1, 2].map((n) => JSON.stringify({ subject: subject(n), values: { k: '✓' } })).join('\n'))
    for (let i = 0; i < rows.length; i += 7) {
      response.write(rows.subarray(i, i + 7))
      await new Promise(setImmediate)
    }
    response.end()
  })
  const seen: unknown[] = []
  for await (const row of client.snapshotRows(12)) seen.push(row)
  assert.deepEqual(
    seen,
    [1, 2].map((n) => ({ subject: subject(n), values: { k: '✓' } })),
  )
})

test('tells rows that broke off from rows that ended', async (t) => {
  const client = await server(t, (_, response) => {
    response.write(JSON.stringify({ subject: subject(1), values: {} }) + '\n')
    setTimeout(() => response.destroy(), 20)
  })
  const seen: unknown[] = []
  await assert.rejects(
    async () => {
      for await (const row of client.snapshotRows(12)) seen.push(row)
    },
    fails('unreachable', 0),
  )
  assert.equal(seen.length, 1)
})

test('ends the transfer when the reader stops reading', async (t) => {
  let closed: () => void
  const ended = new Promise<void>((done) => (closed = done))
  const client = await server(t, (_, response) => {
    const line = JSON.stringify({ subject: subject(1), values: { filler: 'x'.repeat(10_000) } }) + '\n'
    const more = () => {
      while (!response.destroyed && response.write(line));
    }
    response.on('drain', more).on('close', () => closed())
    more()
  })
  for await (const row of client.snapshotRows(12)) {
    assert.ok(row)
    break
  }
  await ended
})

test('stops when told to', async (t) => {
  const stop = new AbortController()
  const client = await server(t, () => stop.abort(new Error('enough')), { signal: stop.signal })
  await assert.rejects(client.status(), /enough/)
})

test('sends OpenLineage events, one or several, and says when there is nothing to say', async (t) => {
  const seen: [string | undefined, string | undefined, string][] = []
  const receipt = { seq: 3, leaf: 'ab'.repeat(32), recorded: '2026-03-20T10:00:00.000000Z', status: 'recorded' }
  const batch = {
    status: 'partial_success',
    summary: { received: 2, successful: 1, failed: 1, retriable: 1, non_retriable: 0 },
    failed_events: [{ index: 1, reason: 'overloaded', retriable: true }],
    flagged_events: [],
  }
  const client = await server(t, (request, response) => {
    seen.push([request.url, request.headers['content-encoding'], request.text])
    if (request.text === '[]') response.writeHead(204).end()
    else if (request.text.startsWith('[')) answer(response, 200, batch)
    else answer(response, 201, { receipt, violations: [] })
  })
  assert.deepEqual((await client.collect({ a: 1 }, { gzip: true })).receipt, receipt)
  assert.equal(await client.collectBatch([]), undefined)
  assert.deepEqual(await client.collectBatch('[1,2]'), batch)
  await assert.rejects(client.collect([]), fails('unexpected_answer', 200))
  await assert.rejects(client.collect('[1,2]'), fails('usage', 0))
  assert.deepEqual(seen.slice(0, 2), [
    ['/api/v1/lineage', 'gzip', '{"a":1}'],
    ['/api/v1/lineage/batch', undefined, '[]'],
  ])
})

// The door of OTLP as its specification has it: answers and refusals in the encoding of the request, and everything bounded.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { once } from 'node:events'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { encodeRequest } from '../server/src/rules/traces/otlp.fixture.ts'
import type { JsonSpan } from '../server/src/rules/traces/otlp.fixture.ts'
import { WireReader } from '../server/src/rules/files/wire.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const span = (over: Partial<JsonSpan> = {}): JsonSpan => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
  name: 'chat',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000001000000000',
  attributes: [{ key: 'gen_ai.operation.name', value: { stringValue: 'chat' } }],
  ...over,
})
const request = (...spans: JsonSpan[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const bodies = {
  'application/json': (...spans: JsonSpan[]) => Buffer.from(JSON.stringify(request(...spans))),
  'application/x-protobuf': (...spans: JsonSpan[]) => encodeRequest(request(...spans)),
} as const
type Type = keyof typeof bodies
const types = Object.keys(bodies) as Type[]

/** The fields of a message, as numbers and texts. */
function fields(bytes: Uint8Array): Record<number, string | number> {
  const reader = new WireReader(bytes, (why) => new TypeError(why) as never)
  const found: Record<number, string | number> = {}
  while (!reader.atEnd) {
    const field = reader.field()
    const value = reader.value()
    found[field] = typeof value === 'bigint' ? Number(value) : Buffer.from(value).toString()
  }
  return found
}

suite('the door of OTLP', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
  })
  after(() => site?.remove())

  const post = async (
    body: Uint8Array,
    headers: Record<string, string>,
    key: string | undefined = server.token,
    path = '/v1/traces',
  ) => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
      body: body as Uint8Array<ArrayBuffer>,
    })
    return {
      status: response.status,
      type: response.headers.get('content-type')?.split(';')[0],
      retry: response.headers.get('retry-after'),
      bytes: new Uint8Array(await response.arrayBuffer()),
    }
  }
  /** A connection on which a body was left unread is closed, and `fetch` may still have taken it up. */
  const status = () => server.client.status().catch(() => server.client.status())

  /** What a google.rpc.Status says, in either encoding. */
  const statusOf = ({ type, bytes }: { type: string | undefined; bytes: Uint8Array }): [number, string] => {
    if (type === 'application/json') {
      const { code, message } = JSON.parse(Buffer.from(bytes).toString()) as { code: number; message: string }
      return [code, message]
    }
    const { 1: code, 2: message } = fields(bytes)
    return [Number(code), String(message)]
  }

  for (const type of types) {
    test(`takes ${type}, with gzip too, and says nothing when all is well`, async () => {
      for (const gzip of [false, true]) {
        const given = span()
        const body = bodies[type](given)
        const answer = await post(gzip ? gzipSync(body) : body, {
          'content-type': `${type}; charset=utf-8`,
          ...(gzip ? { 'content-encoding': 'gzip' } : {}),
        })
        assert.equal(answer.status, 200)
        assert.equal(answer.type, type)
        assert.equal(Buffer.from(answer.bytes).toString(), type === 'application/json' ? '{}' : '')
        assert.equal((await server.client.trace(given.traceId)).spans.length, 1)
      }
      assert.equal((await post(bodies[type](), { 'content-type': type })).status, 200, 'no spans are no mistake')
    })

    test(`says in ${type} what of it was not taken`, async () => {
      const [good, bad] = [span(), span({ traceId: '00'.repeat(16) })]
      const answer = await post(bodies[type](good, bad, bad), { 'content-type': type })
      assert.equal(answer.status, 200)
      assert.equal(answer.type, type)
      let told: [number, string]
      if (type === 'application/json') {
        const { partialSuccess } = JSON.parse(Buffer.from(answer.bytes).toString()) as {
          partialSuccess: { rejectedSpans: string; errorMessage: string }
        }
        assert.equal(partialSuccess.rejectedSpans, '2', 'int64 is text')
        told = [2, partialSuccess.errorMessage]
      } else {
        const { 1: rejected, 2: message } = fields(Buffer.from(answer.bytes.subarray(2)))
        assert.equal(answer.bytes[0], 0x0a)
        told = [Number(rejected), String(message)]
      }
      assert.deepEqual(told, [2, '2 spans refused: its trace id is not 16 bytes, of which one is not zero'])
      assert.equal((await server.client.trace(good.traceId)).spans.length, 1)
    })

    test(`refuses in ${type}, with a status as gRPC has them`, async () => {
      const body = bodies[type](span())
      const { secret } = await server.client.issueKey({ name: 'reader', scopes: ['read'] })
      const gzip = { 'content-encoding': 'gzip' }
      for (const [http, code, given, headers, key] of [
        [401, 16, body, {}, ''],
        [401, 16, body, {}, 'wk_unknown'],
        [403, 7, body, {}, secret],
        [400, 3, body.subarray(0, body.length - 1), {}],
        [400, 3, Buffer.from('hello'), {}],
        [400, 3, body, gzip],
        [400, 3, gzipSync(body).subarray(0, 30), gzip],
        [400, 3, body, { 'content-encoding': 'br' }],
        [413, 8, Buffer.alloc(20 * 1024 * 1024 + 1, 0x20), {}],
        // A bomb: it is not unpacked beyond what a request may have.
        [413, 8, gzipSync(Buffer.alloc(300 * 1024 * 1024, 0x20)), gzip],
        [413, 8, bodies[type](...Array.from({ length: 10_001 }, () => span({ attributes: [] }))), {}],
      ] as const) {
        const { size } = await status()
        const answer = await post(given, { 'content-type': type, ...headers }, key)
        assert.equal(answer.status, http)
        assert.equal(answer.type, type)
        const [said, message] = statusOf(answer)
        assert.equal(said, code, message)
        assert.ok(message.length > 20, message)
        assert.equal((await status()).size, size, 'nothing is recorded')
      }
    })
  }

  test('refuses what is neither, and says what to send', async () => {
    for (const type of ['text/plain', 'application/x-ndjson', 'application/protobuf', '']) {
      const answer = await post(Buffer.from('{}'), { 'content-type': type })
      assert.equal(answer.status, 415)
      assert.deepEqual(statusOf(answer), [
        3,
        'spans come as application/x-protobuf or application/json: say in Content-Type which',
      ])
    }
    for (const type of ['application/grpc', 'application/grpc+proto'])
      for (const path of ['/v1/traces', '/opentelemetry.proto.collector.trace.v1.TraceService/Export']) {
        const answer = await post(Buffer.from('{}'), { 'content-type': type }, server.token, path)
        assert.equal(answer.status, 415)
        assert.match(statusOf(answer)[1], /not gRPC: set OTEL_EXPORTER_OTLP_PROTOCOL=http\/protobuf/)
      }
  })

  test('tells a client that begins with HTTP/2 that it speaks HTTP/1.1', async () => {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    let said = ''
    socket.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(socket, 'close', { signal: AbortSignal.timeout(30_000) })
    assert.match(said, /^HTTP\/1\.1 \d{3} /)
    assert.match(said, /OTEL_EXPORTER_OTLP_PROTOCOL=http\/protobuf/)
  })

  test('is closed while the server cannot take more, says when to come again, and has lost nothing', async () => {
    const other = await Site.make()
    try {
      // Nothing is published, so that what is durable piles up.
      const full = await other.start({ ledger: { publishEvery: 1_000_000_000, limits: { unpublishedBytes: 50_000 } } })
      const send = (spans: JsonSpan[]) =>
        fetch(`${full.url}/v1/traces`, {
          method: 'POST',
          headers: { authorization: `Bearer ${full.token}`, 'content-type': 'application/json' },
          body: bodies['application/json'](...spans) as Uint8Array<ArrayBuffer>,
        })
      const first = Array.from({ length: 200 }, () => span({ traceId: 'cd'.repeat(16) }))
      assert.equal((await send(first)).status, 200)
      const answer = await send([span()])
      assert.equal(answer.status, 503)
      assert.equal(answer.headers.get('retry-after'), '1')
      assert.equal(((await answer.json()) as { code: number }).code, 14)
      assert.equal((await full.client.trace('cd'.repeat(16))).spans.length, 200)
    } finally {
      await other.remove()
    }
  })

  test('takes the same spans twice at once as one', async () => {
    const spans = Array.from({ length: 50 }, () => span({ traceId: 'ab'.repeat(16) }))
    const sent = types.flatMap((type) =>
      [spans, spans.toReversed()].map((given) => post(bodies[type](...given), { 'content-type': type })),
    )
    for (const answer of await Promise.all(sent)) assert.equal(answer.status, 200)
    const { spans: found } = await server.client.trace('ab'.repeat(16))
    assert.equal(found.length, 50)
    assert.equal(new Set(found.map((each) => each.seq)).size, 50)
  })
})

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { isFault } from '../../fault.ts'
import { encodeRequest, message, varint } from './otlp.fixture.ts'
import type { JsonPair, JsonRequest, JsonSpan, JsonValue } from './otlp.fixture.ts'
import { readOtlpJson } from './otlp-json.ts'
import { readOtlpProtobuf } from './otlp-protobuf.ts'
import type { Arrival, OtlpSpan } from './span.ts'

const json = (request: unknown): Arrival[] => readOtlpJson(Buffer.from(JSON.stringify(request)))
const request = (...spans: JsonSpan[]): JsonRequest => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
const least = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
}
const taken = (arrivals: Arrival[]): OtlpSpan[] =>
  arrivals.map((arrival) => {
    assert.ok('span' in arrival, JSON.stringify(arrival))
    return arrival.span
  })

suite('an export request', () => {
  test('in JSON, as a sender writes it: ids in capitals, integers as text or numbers, members that nobody knows', () => {
    const [span] = taken(
      json({
        resourceSpans: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'my.service' } }] },
            scopeSpans: [
              {
                scope: { name: 'my.library', version: '1.0.0' },
                spans: [
                  {
                    ...least,
                    traceId: least.traceId.toUpperCase(),
                    spanId: 'EEE19B7EC3C1B174',
                    parentSpanId: 'EEE19B7EC3C1B173',
                    name: "I'm a server span",
                    kind: 'SPAN_KIND_SERVER',
                    status: { code: 'STATUS_CODE_ERROR', message: 'not read' },
                    flags: 256,
                    future: { field: 1 },
                    attributes: [
                      { key: 'a', value: { intValue: '42' } },
                      { key: 'b', value: { intValue: 42 } },
                      { key: 'c', value: { intValue: '9007199254740993' } },
                      { key: 'd', value: { doubleValue: 'NaN' } },
                      { key: 'e', value: { doubleValue: 1e300 } },
                      { key: 'f', value: { bytesValue: 'AQI=' } },
                      { key: 'g', value: {} },
                      { key: 'h' },
                      {
                        key: 'i',
                        value: { kvlistValue: { values: [{ key: '__proto__', value: { boolValue: true } }] } },
                      },
                      { key: 'j', value: { arrayValue: {} } },
                      { key: 'a', value: { stringValue: 'the last holds' } },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
    assert.equal(span!.traceId, least.traceId)
    assert.equal(span!.parentId, 'eee19b7ec3c1b173')
    assert.equal(span!.kind, 'server')
    assert.equal(span!.status, 'error')
    assert.equal(span!.start, 1_544_712_660_000_000)
    assert.equal(span!.resource.get('service.name'), 'my.service')
    const { i, ...rest } = Object.fromEntries(span!.attributes) as Record<string, unknown>
    assert.deepEqual(rest, {
      a: 'the last holds',
      b: 42,
      c: '9007199254740993',
      d: 'NaN',
      e: 1e300,
      f: { bytes: 'AQI=' },
      g: null,
      h: null,
      j: [],
    })
    assert.deepEqual(Object.entries(i as object), [['__proto__', true]])
  })

  test('in protocol buffers, byte for byte, with fields that nobody knows', () => {
    const parts = [
      '0a3912371235', // resource_spans { scope_spans { spans {
      '0a105b8efff798038103d269b633813fc60c', // trace_id
      '1208eee19b7ec3c1b174', // span_id
      '3002', // kind
      '39004859e3faeb6f15', // start_time_unix_nano
      '410012f41efbeb6f15', // end_time_unix_nano
      '4a030a0161', // attributes { key: "a" }
    ]
    const bytes = Buffer.from(parts.join(''), 'hex')
    const unknown = [message(99, Buffer.from('x')), Buffer.from('850700000001', 'hex'), Buffer.from('c03e07', 'hex')]
    const whole = Buffer.concat([bytes, ...unknown])
    const [read] = taken(readOtlpProtobuf(whole))
    assert.equal(read!.traceId, least.traceId)
    assert.equal(read!.spanId, least.spanId)
    assert.equal(read!.kind, 'server')
    assert.equal(read!.start, 1_544_712_660_000_000)
    assert.equal(read!.end, 1_544_712_661_000_000)
    assert.deepEqual([...read!.attributes], [['a', null]])
  })

  test('says the same in both encodings', () => {
    fc.assert(
      fc.property(requests, (given) => {
        assert.deepEqual(readOtlpProtobuf(encodeRequest(given)), json(given))
      }),
      { numRuns: 300 },
    )
  })

  test('says the same as OpenTelemetry’s own serializers write it, in both encodings', async () => {
    const exporter = new InMemorySpanExporter()
    const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
    for (const attributes of fc.sample(attributesOfSdk, 100)) {
      const made = provider.getTracer('any').startSpan('any', { attributes })
      made.addEvent('event', attributes)
      made.recordException(new Error('not read'))
      made.end()
    }
    const spans = [...exporter.getFinishedSpans()]
    await provider.shutdown()
    const inJson = readOtlpJson(JsonTraceSerializer.serializeRequest(spans)!)
    const inProtobuf = readOtlpProtobuf(ProtobufTraceSerializer.serializeRequest(spans)!)
    assert.equal(inJson.length, spans.length)
    assert.deepEqual(inProtobuf, inJson)
    for (const [i, { traceId, spanId, attributes }] of taken(inJson).entries()) {
      assert.deepEqual([traceId, spanId], [spans[i]!.spanContext().traceId, spans[i]!.spanContext().spanId])
      assert.deepEqual([...attributes.keys()], Object.keys(spans[i]!.attributes))
    }
  })

  test('a span without what makes it one is refused by itself', () => {
    for (const [over, reason] of [
      [{ traceId: '' }, /trace id/],
      [{ traceId: '0'.repeat(32) }, /trace id/],
      [{ traceId: 'abc' }, /trace id/],
      [{ traceId: Buffer.from('anna@example.org').toString('hex') }, /trace id is text/],
      [{ spanId: '0'.repeat(16) }, /span id/],
      [{ spanId: '00'.repeat(9) }, /span id/],
      [{ parentSpanId: 'ab' }, /parent/],
      [{ startTimeUnixNano: '0' }, /when it began/],
      [{ startTimeUnixNano: '18446744073709551615' }, /when it began/],
    ] as const) {
      const given = request({ ...least, ...over }, least)
      for (const arrivals of [json(given), readOtlpProtobuf(encodeRequest(given))]) {
        assert.ok('refused' in arrivals[0]!)
        assert.match(arrivals[0].refused, reason)
        assert.ok('span' in arrivals[1]!, 'the next one is taken')
      }
    }
  })

  test('what ends before it began ends when it began', () => {
    const [span] = taken(json(request({ ...least, endTimeUnixNano: '1' })))
    assert.equal(span!.end, span!.start)
  })
})

suite('a request that nobody means well with', () => {
  const good = encodeRequest(request({ ...least, attributes: [{ key: 'a', value: { stringValue: 'b' } }] }))
  const fails = (code: 'invalid' | 'too_large', read: () => unknown) =>
    assert.throws(read, (error) => isFault(error, code))

  test('is refused wherever it is cut off, or is a request that is shorter', () => {
    for (let at = 1; at < good.length; at++) fails('invalid', () => readOtlpProtobuf(good.subarray(0, at)))
    const text = Buffer.from(JSON.stringify(request(least)))
    for (let at = 0; at < text.length; at++) fails('invalid', () => readOtlpJson(text.subarray(0, at)))
    assert.deepEqual(readOtlpProtobuf(Buffer.alloc(0)), [])
    assert.deepEqual(json({}), [])
  })

  test('never breaks the reader, whatever bytes it has', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Nearly good: one byte is another.
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const changed = Uint8Array.from(good)
        changed[at] = byte
        return changed
      }),
    )
    fc.assert(
      fc.property(bytes, (given) => {
        for (const read of [readOtlpProtobuf, readOtlpJson]) {
          try {
            read(given)
          } catch (error) {
            assert.ok(isFault(error, 'invalid'), String(error))
          }
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('of the wrong shape is refused', () => {
    for (const given of [
      [],
      'x',
      7,
      null,
      { resourceSpans: {} },
      { resourceSpans: [7] },
      { resourceSpans: [{ scopeSpans: 'x' }] },
      { resourceSpans: [{ scopeSpans: [{ spans: [null] }] }] },
      request({ ...least, startTimeUnixNano: 'now' }),
      request({ ...least, attributes: [{ key: 'a', value: { intValue: '1.5' } }] }),
      request({ ...least, attributes: [{ key: 'a', value: { arrayValue: { values: 'x' } } } as never] }),
    ])
      fails('invalid', () => json(given))
    // Wire types that do not fit: a trace id that is a number, a start that is text.
    for (const bytes of ['0801', '3a0161']) fails('invalid', () => readOtlpProtobuf(inSpan(Buffer.from(bytes, 'hex'))))
    // Groups, and a number that never ends.
    for (const bytes of ['0b', 'ffffffffffffffffffffff01'])
      fails('invalid', () => readOtlpProtobuf(Buffer.from(bytes, 'hex')))
  })

  test('with more spans than a request may have is refused before they are read', () => {
    const many = Array.from({ length: 10_001 }, () => message(2, Buffer.alloc(0)))
    fails('too_large', () => readOtlpProtobuf(message(1, message(2, ...many))))
    fails('too_large', () => json({ resourceSpans: [{ scopeSpans: [{ spans: many.map(() => ({})) }] }] }))
    const braces = Buffer.from(`{"resourceSpans":[${'{},'.repeat(2_000_001)}{}]}`)
    fails('too_large', () => readOtlpJson(braces))
    fails('invalid', () => readOtlpJson(Buffer.from('['.repeat(1_000_000))))
  })

  test('loses what is nested too deep, what is too much, and nothing else', () => {
    const deep = (levels: number): JsonValue =>
      Array.from({ length: levels }).reduce<JsonValue>(
        (value, _, i) =>
          i % 2 === 0 ? { arrayValue: { values: [value] } } : { kvlistValue: { values: [{ key: 'k', value }] } },
        { stringValue: 'bottom' },
      )
    const attributes: JsonPair[] = [
      { key: 'good', value: { stringValue: 'stays' } },
      { key: 'deep', value: deep(31) },
      { key: 'deeper', value: deep(32) },
      { key: 'wide', value: { arrayValue: { values: Array.from({ length: 30_000 }, () => ({ boolValue: true })) } } },
    ]
    const given = request({ ...least, attributes })
    for (const [span] of [taken(json(given)), taken(readOtlpProtobuf(encodeRequest(given)))]) {
      assert.deepEqual([...span!.attributes.keys()], ['good', 'deep'])
      assert.equal(span!.lost, 2)
    }
    // Far deeper than any stack.
    const heads: Buffer[] = []
    for (let i = 0, length = 0; i < 200_000; i++) {
      // Lists within lists, from the innermost out.
      heads.push(Buffer.concat([Buffer.from([i % 2 === 0 ? 0x0a : 0x2a]), varint(BigInt(length))]))
      length += heads.at(-1)!.length
    }
    const bottomless = Buffer.concat(heads.toReversed())
    const [span] = taken(
      readOtlpProtobuf(inSpan(ids, message(9, Buffer.from('0a0161', 'hex'), message(2, bottomless)))),
    )
    assert.equal(span!.attributes.size, 0)
    assert.equal(span!.lost, 1)
    const many = request({
      ...least,
      attributes: Array.from({ length: 1500 }, (_, i) => ({ key: `k${i}`, value: { boolValue: true } })),
      events: Array.from({ length: 1500 }, () => ({ name: 'e' })),
      droppedAttributesCount: 3,
      droppedLinksCount: 4,
    })
    for (const [one] of [taken(json(many)), taken(readOtlpProtobuf(encodeRequest(many)))]) {
      assert.equal(one!.attributes.size, 1000)
      assert.equal(one!.events.length, 1000)
      assert.equal(one!.lost, 1007)
    }
  })

  test('with text that is no UTF-8 reads as text that is', () => {
    const bad = Buffer.from('0a01ff', 'hex')
    const value = message(2, Buffer.from('0a03f09f98', 'hex'))
    const [span] = taken(readOtlpProtobuf(inSpan(ids, message(9, bad, value))))
    const [[key, read]] = [...span!.attributes] as [[string, string]]
    assert.ok(key.isWellFormed() && read.isWellFormed())
    const half =
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"\\ud800","value":{"stringValue":"\\udc00"}}]}]}]}]}'
    assert.doesNotThrow(() => readOtlpJson(Buffer.from(half)))
    fails('invalid', () => readOtlpJson(Buffer.from([0x7b, 0xff, 0x7d])))
  })
})

const ids = Buffer.concat([
  message(1, Buffer.from(least.traceId, 'hex')),
  message(2, Buffer.from(least.spanId, 'hex')),
  Buffer.from('39004859e3faeb6f15', 'hex'),
])

function inSpan(...fields: Buffer[]): Buffer {
  return message(1, message(2, message(2, ...fields)))
}

const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.record({ stringValue: fc.string({ unit: 'binary' }) }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) }),
    fc.record({
      doubleValue: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    }),
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')) }),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie('value'), { maxLength: 4 }) }) }),
    fc.record({
      kvlistValue: fc.record({
        values: fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value: tie('value') }), { maxLength: 4 }),
      }),
    }),
  ),
})).value

const pairs = fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value }), { maxLength: 5 })
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((each) => Buffer.from(each).toString('hex'))
const nanos = fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String)
const span: fc.Arbitrary<JsonSpan> = fc.record({
  traceId: hex(16),
  spanId: hex(8),
  parentSpanId: fc.oneof(hex(8), fc.constant('')),
  name: fc.string(),
  kind: fc.nat(7),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes: pairs,
  droppedAttributesCount: fc.nat(9),
  events: fc.array(fc.record({ name: fc.string({ unit: 'binary' }), attributes: pairs }), { maxLength: 3 }),
  status: fc.record({ code: fc.nat(3) }),
})
const requests: fc.Arbitrary<JsonRequest> = fc.record({
  resourceSpans: fc.array(
    fc.record({
      resource: fc.record({ attributes: pairs }),
      scopeSpans: fc.array(fc.record({ spans: fc.array(span, { maxLength: 3 }) }), { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
})

/** What the SDK takes as the value of an attribute. */
const attributesOfSdk = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 10 }),
  fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.array(fc.string(), { maxLength: 4 }),
    fc.array(fc.integer(), { maxLength: 4 }),
  ),
  { maxKeys: 6 },
)

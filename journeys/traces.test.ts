// An agent that OpenTelemetry's JavaScript SDK traces: its spans become what is known of an action, in whatever encoding,
// order and number they come.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { Trace } from '@whence/sdk'
import { decide, encodings, spansOf, traced } from './agent.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const types = { json: 'application/json', protobuf: 'application/x-protobuf' } as const

suite('an agent traced by OpenTelemetry', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
  })
  after(() => site?.remove())

  for (const encoding of encodings)
    for (const gzip of [false, true])
      test(`is understood in ${encoding}${gzip ? ', with gzip' : ''}`, async () => {
        const { provider, flush } = traced(server, encoding, { gzip })
        const action = `send-${encoding}-${gzip}`
        const id = decide(provider, { action })
        await flush()
        const trace = await server.client.trace(id)
        assert.deepEqual(
          new Set(trace.spans.map(({ operation }) => operation)),
          new Set(['chat', 'execute_tool', 'invoke_agent']),
        )
        const told = trace.actions[0]!
        assert.deepEqual(told.actor, { type: 'agent', id: 'subject-line', version: '3' })
        assert.deepEqual(told.model, {
          name: 'gpt-4o',
          version: 'gpt-4o-2024-08-06',
          provider: 'openai',
          configuration: { max_tokens: 200, temperature: 0.2 },
        })
        assert.deepEqual(told.prompt, { template: 'subject-line', version: '7' })
        assert.deepEqual(told.usage, { input: 120, output: 16 })
        assert.deepEqual(
          told.tools.map(({ name, status }) => [name, status]),
          [['look_up', 'unset']],
        )
        assert.deepEqual(Object.keys(told.contents!).toSorted(), [
          'copy.subject',
          'copy.text',
          'input',
          'output',
          'system',
          'thought',
        ])
        assert.equal(told.evaluations[0]!.score, 0.9)
        assert.equal(told.campaign, 'spring-sale')
        const named = new Set(trace.spans.map(({ subject }) => subject))
        assert.equal(named.size, 1, 'all are sealed under the person whom the span above them names')
        assert.ok(!named.has(undefined))
        assert.deepEqual(
          (await server.client.traces({ action })).map(({ trace: found }) => found),
          [id],
        )
      })

  /** Sends spans as they are, in this order; the answer's body. */
  const send = async (
    spans: readonly ReadableSpan[],
    encoding: keyof typeof types,
    to = server,
  ): Promise<Uint8Array> => {
    const serializer = encoding === 'json' ? JsonTraceSerializer : ProtobufTraceSerializer
    const response = await fetch(`${to.url}/v1/traces`, {
      method: 'POST',
      headers: { authorization: `Bearer ${to.token}`, 'content-type': types[encoding] },
      body: serializer.serializeRequest([...spans])! as Uint8Array<ArrayBuffer>,
    })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), types[encoding])
    return new Uint8Array(await response.arrayBuffer())
  }

  test('completes the same action whatever the order, the number and the encoding of its spans', async () => {
    let id = ''
    // Each names its person itself: in requests of their own nothing stands above them.
    const whom = { 'whence.entity': 'user-43' }
    const spans = await spansOf((provider) => void (id = decide(provider, { action: 'send-order', chat: whom })))
    const orders = [[[0, 1, 2]], [[2], [1], [0]], [[1], [0, 2], [1, 0]], [[2, 1, 0, 2, 1]]]
    const told: unknown[] = []
    for (const [i, order] of orders.entries()) {
      const other = await Site.make()
      try {
        const elsewhere = await other.start()
        for (const [j, batch] of order.entries())
          await send(
            batch.map((k) => spans[k]!),
            encodings[(i + j) % 2]!,
            elsewhere,
          )
        const trace = await elsewhere.client.trace(id)
        assert.equal(trace.spans.length, 3, 'a span that came twice is one')
        told.push(withoutKeys(trace))
        await elsewhere.stop()
      } finally {
        await other.remove()
      }
    }
    // Whether a span is sealed with the one above it depends on whether both came together; what it says does not.
    for (const each of told) assert.deepEqual(each, told[0])
  })

  test('says the same after a restart and after a rebuild', async () => {
    const { provider, flush } = traced(server, 'protobuf')
    const id = decide(provider, { action: 'send-restart' })
    await flush()
    const { asOf: _, ...told } = await server.client.trace(id)
    for (const options of [{}, { rebuild: () => {} }]) {
      await server.stop()
      server = await site.start(options)
      const { asOf: __, ...again } = await server.client.trace(id)
      assert.deepEqual(again, told)
    }
  })

  test('a text that is known is found again by its digest', async () => {
    const { provider, flush } = traced(server, 'json')
    const first = decide(provider, { action: 'send-digest-1' })
    const second = decide(provider, { action: 'send-digest-2', agent: { 'whence.copy.text': 'Other words.' } })
    await flush()
    const of = async (id: string) => (await server.client.trace(id)).actions[0]!.contents!
    const [one, two] = [await of(first), await of(second)]
    assert.equal(one['copy.subject']!.digest, two['copy.subject']!.digest)
    assert.notEqual(one['copy.text']!.digest, two['copy.text']!.digest)
    // The line was the answer of the model: the texts in both are the same.
    assert.equal(one.output!.text, one['copy.subject']!.text)
    assert.ok(!JSON.stringify(one).includes(hash('sha256', 'Your spring offer, Anna')), 'nobody can guess at it')
  })

  test('is shown by the command line as a tree', async () => {
    const { provider, flush } = traced(server, 'protobuf')
    const id = decide(provider, { action: 'send-shown' })
    await flush()
    for (const [args, code] of [
      [[id], 0],
      [['--action', 'nobody knows'], 1],
    ] as const) {
      const ran = await site.whence('traces', 'show', ...args)
      assert.equal(ran.code, code, ran.stderr)
      if (code !== 0) continue
      assert.match(ran.stdout, /^ {2}invoke_agent subject-line/m)
      assert.match(ran.stdout, /^ {2}[├└] chat gpt-4o {2}.*120 tokens in, 16 out/m)
      assert.match(ran.stdout, /^ {2}[├└] execute_tool look_up/m)
      assert.match(ran.stdout, /actor +agent subject-line @ 3$/m)
      assert.match(ran.stdout, /model +gpt-4o @ gpt-4o-2024-08-06 of openai$/m)
    }
    const { stdout } = await site.whence('traces', 'show', '--action', 'send-shown', '--json')
    assert.deepEqual(JSON.parse(stdout), [await server.client.trace(id)])
  })

  test('becomes an action where it asks for that, once, and only with a key that may propose', async () => {
    const asks = { 'whence.action.propose': true }
    const spans = await spansOf((provider) => void decide(provider, { action: 'send-proposed', agent: asks }))
    const { secret } = await server.client.issueKey({ name: 'tracer', scopes: ['ingest'] })
    const refused = await send(spans, 'json', { ...server, token: secret })
    assert.match(Buffer.from(refused).toString(), /this key may not/)
    await assert.rejects(server.client.action('send-proposed'), { code: 'not_found' })
    for (const encoding of ['json', 'protobuf', 'json'] as const)
      assert.ok((await send(spans, encoding)).length < 3, 'there is nothing to be said of it')
    assert.equal((await server.client.status()).records.action, 1, 'sent again, it is the same')
    const told = await server.client.action('send-proposed')
    const said = JSON.stringify(told)
    for (const name of ['subject-line', 'spring-sale', 'gpt-4o-2024-08-06']) assert.ok(said.includes(name), name)
    // Without a policy that lets it pass, nobody is written to.
    assert.notEqual(told.decision, 'released')
    const bound = await server.client.issueKey({ name: 'bound', scopes: ['ingest', 'propose'], agent: 'another' })
    const foreign = await spansOf((provider) => void decide(provider, { action: 'send-foreign', agent: asks }))
    assert.match(
      Buffer.from(await send(foreign, 'json', { ...server, token: bound.secret })).toString(),
      /could not be proposed \(forbidden\)/,
    )
    await assert.rejects(server.client.action('send-foreign'), { code: 'not_found' })
    const other = await spansOf(
      (provider) => void decide(provider, { action: 'send-odd', agent: { ...asks, 'whence.channel': 'No channel' } }),
    )
    assert.match(
      Buffer.from(await send(other, 'json')).toString(),
      /could not be proposed: it is no proposal at \/channel/,
    )
  })

  test('another span under the same ids is refused, and the first one stays', async () => {
    const [span] = await spansOf((provider) => {
      provider
        .getTracer('t')
        .startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } })
        .end()
    })
    await send([span!], 'protobuf')
    const answer = await send(
      [Object.create(span!, { attributes: { value: { 'gen_ai.operation.name': 'embeddings' } } }) as ReadableSpan],
      'json',
    )
    const { partialSuccess } = JSON.parse(Buffer.from(answer).toString()) as {
      partialSuccess: { rejectedSpans: string; errorMessage: string }
    }
    assert.equal(partialSuccess.rejectedSpans, '1')
    assert.match(partialSuccess.errorMessage, /another span is on record/)
    const { spans } = await server.client.trace(span!.spanContext().traceId)
    assert.deepEqual(
      spans.map(({ operation }) => operation),
      ['chat'],
    )
  })

  test('an erased person takes their spans along, and no more are taken', async () => {
    const { provider, flush } = traced(server, 'json')
    const whom = { 'whence.entity': 'user-44' }
    const id = decide(provider, { action: 'send-erased', agent: whom })
    await flush()
    assert.equal((await server.client.trace(id)).spans.length, 3)
    const erasure = await server.client.erase({ identifier: 'user-44', basis: 'request of the person' })
    assert.equal(erasure.rowsDeleted.span, 3)
    await assert.rejects(server.client.trace(id), { code: 'not_found' })
    const spans = await spansOf((other) => void decide(other, { agent: whom }))
    const message = JSON.parse(Buffer.from(await send(spans, 'json')).toString()).partialSuccess.errorMessage as string
    assert.match(message, /3 spans refused: the person that it names was erased/)
    await server.stop()
    server = await site.start({ rebuild: () => {} })
    await assert.rejects(server.client.trace(id), { code: 'not_found' })
  })
})

/** What a server adds of its own: keyed digests differ from log to log, and subjects are random. */
function withoutKeys({ actions, spans }: Trace): unknown {
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll(/hmac:[0-9a-f]{64}/g, 'hmac'))
  return plain({
    actions: actions.map(({ tools, ...action }) => ({ ...action, tools: tools.map(({ seq: _, ...tool }) => tool) })),
    spans: spans.map(({ seq: _, subject: __, ...span }) => span),
  })
}

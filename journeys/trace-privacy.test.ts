// Whatever a span says of a person, and wherever it says it, stands in no file, no table, no answer and no line of the log.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Trace } from '@whence/sdk'
import { encodeRequest } from '../server/src/rules/traces/otlp.fixture.ts'
import type { JsonPair, JsonRequest, JsonSpan, JsonValue } from '../server/src/rules/traces/otlp.fixture.ts'
import { openDatabase } from '../server/src/store/database.ts'
import { walk } from '../server/src/store/files.ts'
import { found } from './leaks.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const email = 'zora.quill7719@example.org'
const phone = '+1 415 555 2671'
const card = '4111 1111 1111 1111'
const canaries = [email, 'zora.quill7719', phone, phone.replaceAll(' ', ''), card, card.replaceAll(' ', '')]
/** As a text with all of them, and one by one: some stand alone in a value, some in a sentence. */
const texts = [
  `Write to Zora (${email}, ${phone}, card ${card}) about boots.`,
  email,
  phone,
  phone.replaceAll(' ', ''),
  card,
  card.replaceAll(' ', ''),
]

/** Every attribute that the reading of spans asks for by name, as its source has them. */
const asked = [
  ...new Set(
    globSync('*.ts', { cwd: fileURLToPath(new URL('../server/src/rules/traces/', import.meta.url)) })
      .filter((file) => !file.includes('.test.') && !file.includes('.fixture.'))
      .flatMap((file) => [
        ...readFileSync(new URL(`../server/src/rules/traces/${file}`, import.meta.url), 'utf8').matchAll(
          /'((?:gen_ai|whence|error|service|deployment)\.[a-z_.]+)'/g,
        ),
      ])
      .map(([, name]) => name!),
  ),
]
const configuration = ['temperature', 'top_p', 'seed', 'stop_sequences', 'choice.count'].map(
  (name) => `gen_ai.request.${name}`,
)
const names = [...asked.map((name) => (name.endsWith('.') ? `${name}text` : name)), ...configuration]

/** A value in every form that an attribute may have. */
const values = (text: string): JsonValue[] => [
  { stringValue: text },
  { bytesValue: Buffer.from(text).toString('base64') },
  { arrayValue: { values: [{ stringValue: text }, { arrayValue: { values: [{ stringValue: text }] } }] } },
  { kvlistValue: { values: [{ key: text, value: { stringValue: text } }] } },
  { stringValue: JSON.stringify([{ role: text, parts: [{ type: 'text', content: text }], finish_reason: text }]) },
  { stringValue: JSON.stringify([{ role: 'user', parts: [{ type: text, name: text, id: text, arguments: text }] }]) },
  {
    stringValue: JSON.stringify([
      { role: 'assistant', content: text, tool_calls: [{ id: text, function: { name: text, arguments: text } }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: text },
          { type: 'tool_call', id: text, name: text },
        ],
      },
    ]),
  },
]
const numbers: JsonValue[] = [
  { intValue: card.replaceAll(' ', '') },
  { intValue: phone.replaceAll(/[+ ]/g, '') },
  { doubleValue: 4111111111111111 },
]

/** Sixteen bytes of text, where random ones belong. */
const textId = Buffer.from(email.slice(0, 16)).toString('hex')

function spanWith(over: Partial<JsonSpan>): JsonSpan {
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'chat',
    kind: 3,
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000001000000000',
    ...over,
    attributes: [{ key: 'gen_ai.operation.name', value: { stringValue: 'chat' } }, ...(over.attributes ?? [])],
  }
}

/** Spans of which each has the canaries in one place. */
function* spans(): Generator<JsonSpan> {
  for (const text of texts) {
    yield spanWith({ name: text })
    yield spanWith({ traceState: text })
    yield spanWith({ status: { code: 2, message: text } })
    yield spanWith({ attributes: [{ key: text, value: { stringValue: 'known' } }] })
    for (const value of values(text)) {
      yield spanWith({ attributes: [{ key: 'user.email', value }] })
      yield spanWith({
        attributes: [
          { key: `gen_ai.prompt.0.content`, value },
          { key: 'gen_ai.prompt.0.role', value },
        ],
      })
      yield spanWith({ attributes: [{ key: `gen_ai.completion.${text}`, value }] })
      for (const key of names) {
        // A person who is named is taken in under a keyed digest, and seals the span: below there are such spans too.
        if (key === 'whence.entity' || key === 'whence.subject') continue
        yield spanWith({ attributes: [{ key, value }] })
      }
      const own: JsonPair[] = names.map((key) => ({ key, value }))
      for (const name of [
        text,
        'exception',
        'gen_ai.choice',
        'gen_ai.user.message',
        'gen_ai.evaluation.result',
        'gen_ai.content.prompt',
        'gen_ai.client.inference.operation.details',
      ])
        yield spanWith({
          events: [
            {
              name,
              attributes: [
                ...own.filter(({ key }) => !key.startsWith('whence.')),
                ...['exception.message', 'exception.stacktrace', 'content', 'message', 'tool_calls', text].map(
                  (key) => ({
                    key,
                    value,
                  }),
                ),
              ],
            },
          ],
        })
      yield spanWith({
        links: [
          {
            traceId: randomBytes(16).toString('hex'),
            spanId: randomBytes(8).toString('hex'),
            traceState: text,
            attributes: [{ key: text, value }],
          },
        ],
      })
    }
    // Sealed: the span names a person, by what must not be found.
    for (const entity of [email, phone, 'user-1'])
      yield spanWith({
        name: text,
        attributes: [
          { key: 'whence.entity', value: { stringValue: entity } },
          ...names
            .filter((key) => key !== 'whence.entity' && key !== 'whence.subject')
            .map((key) => ({ key, value: { stringValue: text } })),
          { key: 'baggage', value: { stringValue: text } },
        ],
      })
  }
  for (const value of numbers) for (const key of [...names, 'user.id']) yield spanWith({ attributes: [{ key, value }] })
  // Refused: an id that is text.
  yield spanWith({ traceId: textId })
  yield spanWith({ attributes: [{ key: 'whence.subject', value: { stringValue: email } }] })
  // Proposed, which says why it cannot be.
  yield spanWith({
    attributes: names.map((key) => ({
      key,
      value:
        key === 'whence.action.propose'
          ? { boolValue: true }
          : { stringValue: key === 'whence.action.type' ? 'send' : email },
    })),
  })
}

function* requests(): Generator<JsonRequest> {
  const all = [...spans()]
  for (let i = 0; i < all.length; i += 250) {
    const text = texts[(i / 250) % texts.length]!
    const trace = randomBytes(16).toString('hex')
    const attributes = ['service.name', 'deployment.environment.name', 'enduser.id', text].flatMap((key) =>
      values(text).map((value) => ({ key, value })),
    )
    yield {
      resourceSpans: [
        {
          resource: { attributes },
          scopeSpans: [
            {
              scope: { name: text, version: text, attributes },
              spans: all
                .slice(i, i + 250)
                .map((span) => ({ ...span, traceId: span.traceId === textId ? textId : trace })),
              schemaUrl: text,
            },
          ],
          schemaUrl: text,
        },
      ],
    }
  }
}

async function send({ url, token }: Running, type: string, body: Uint8Array): Promise<string> {
  const response = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': type,
      baggage: `user=${email}`,
      tracestate: `user=${email}`,
      'user-agent': email,
    },
    body: body as Uint8Array<ArrayBuffer>,
  })
  assert.ok(response.status < 500, `status ${response.status}`)
  return response.text()
}

for (const capture of ['digest', 'masked'])
  for (const encoding of ['json', 'protobuf'])
    suite(`what spans in ${encoding} say of a person, WHENCE_CAPTURE_CONTENT=${capture}`, () => {
      test('is kept nowhere', async () => {
        assert.ok(names.length > 70, 'the names are those that the source asks for')
        const site = await Site.make({ WHENCE_CAPTURE_CONTENT: capture })
        const log = console.error
        let said = ''
        console.error = (...parts: unknown[]) => void (said += parts.map(String).join(' '))
        try {
          const server = await site.start()
          const ids: string[] = []
          for (const request of requests()) {
            ids.push(request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!.traceId)
            const [type, body] =
              encoding === 'json'
                ? ['application/json', Buffer.from(JSON.stringify(request))]
                : ['application/x-protobuf', encodeRequest(request)]
            said += await send(server, type, body)
            // What is cut off, or no request at all, is refused without a word of it.
            said += await send(server, type, body.subarray(0, body.length - 3))
            said += await send(server, 'text/plain', body)
          }
          const { records } = await server.client.status()
          assert.ok(records.span! > 2000, `${records.span} spans were recorded`)
          const answers: Trace[] = []
          for (const id of ids)
            answers.push(
              ...(await server.client.trace(id).then(
                (trace) => [trace],
                () => [],
              )),
            )
          assert.equal(answers.flatMap(({ spans: shown }) => shown).length, records.span)
          said += JSON.stringify(answers)
          said += JSON.stringify(await server.client.traces({ action: email }))
          const masked = answers.flatMap(({ spans: shown }) => shown.map((span) => span.masked)).filter(Boolean)
          assert.equal(masked.length > 0, capture === 'masked')
          if (capture === 'masked')
            assert.match(JSON.stringify(masked), /Write to Zora \(\[email\], \[phone\], card \[card\]\)/)
          await server.stop()
          console.error = log
          assert.deepEqual(found(Buffer.from(said), canaries), [], 'answers and log')
          for (const path of await walk(site.data))
            assert.deepEqual(found(await readFile(join(site.data, path)), canaries), [], path)
          await tablesHoldNone(site)
        } finally {
          console.error = log
          await site.remove()
        }
      })
    })

async function tablesHoldNone(site: Site): Promise<void> {
  const { databaseUrl, schema, data } = site.config
  const database = await openDatabase({ url: databaseUrl, schema, folder: join(data, 'database') })
  try {
    const tables = await database.query<{ name: string }>(
      'select table_name as name from information_schema.tables where table_schema = current_schema()',
    )
    for (const { name } of tables) {
      const all = await database.query<{ row: string }>(`select row_to_json(t)::text as row from "${name}" t`)
      assert.deepEqual(found(Buffer.from(all.map(({ row }) => row).join('\n')), canaries), [], name)
    }
  } finally {
    await database.close()
  }
}

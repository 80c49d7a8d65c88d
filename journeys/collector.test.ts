// OpenLineage producers at the door: what they send is taken as they send it, each event by itself, and kept through
// restarts and rebuilds.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, afterEach, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { LineageBatch, LineageReceipt, ReceivedLineageEvent } from '@whence/sdk'
import { addsUp, collect, refused } from './answers.ts'
import { json, ndjson, send } from './request.ts'
import type { Answer } from './request.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const door = '/api/v1/lineage'

const run = (n: number) => `01936893-9751-7a91-a2a0-${String(n).padStart(12, '0')}`
let made = 0

/** An event without a fault. */
const event = (over: object = {}) => ({
  eventType: 'COMPLETE',
  eventTime: '2026-03-20T10:00:00.123456Z',
  producer: 'https://orchestrator.example/v1',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: run(++made) },
  job: { namespace: 'nightly', name: 'load' },
  inputs: [{ namespace: 'db', name: 'raw.sends' }],
  outputs: [{ namespace: 'db', name: 'sends' }],
  ...over,
})

const simplified = {
  eventType: 'COMPLETE',
  run: { runId: 'job-1234-20260112-3' },
  producer: 'feature-pipeline:v2.1',
  job: { namespace: 'marketing', name: 'user_campaign_aggregates' },
  inputs: [{ namespace: 'events', name: 'email_send_events@2026-01-12T00:00:00Z' }],
  outputs: [{ namespace: 'feature_store', name: 'fs_user_open_rate_v1' }],
  facets: { codeVersion: { gitCommit: 'a1b2c3' }, campaignContext: { campaignId: 'spring_sale_2026' } },
}

suite('the collector', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
  })
  after(() => site?.remove())

  afterEach(async () => {
    const { client } = server
    assert.equal((await client.collect(event())).receipt.status, 'recorded', 'the next good one is taken')
    const status = await client.status()
    assert.equal(status.follower.lag, 0, status.warnings.join())
    assert.ok(!status.warnings.some((warning) => warning.includes('follow')), status.warnings.join())
    addsUp((await client.collected()).sinceStart)
  })

  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = json): Promise<Answer> =>
    send(server, 'POST', path, { body, headers })
  const taken = (answer: Answer): LineageReceipt => {
    assert.equal(answer.status, 201, answer.body)
    return JSON.parse(answer.body) as LineageReceipt
  }
  const batch = (answer: Answer): LineageBatch => {
    assert.equal(answer.status, 200, answer.body)
    return JSON.parse(answer.body) as LineageBatch
  }
  const rules = ({ violations }: { violations: { rule: string }[] }) => violations.map(({ rule }) => rule)
  const received = async (): Promise<ReceivedLineageEvent[]> => {
    const all: ReceivedLineageEvent[] = []
    for (let from = 0; ;) {
      const page = await server.client.collected({ from, limit: 7 })
      all.push(...page.events)
      assert.ok(page.next > from || page.next === page.asOf)
      if (page.next === page.asOf) return all
      from = page.next
    }
  }
  const payloadOf = async (seq: number): Promise<string> => {
    const { records } = await server.client.records({ from: seq, limit: 1 })
    return (records[0]!.entry.payload as { sha256: string }).sha256
  }

  test('takes an event as a client sends it, zipped or not, and knows it again', async () => {
    const text = JSON.stringify(event())
    const first = taken(await post(door, text))
    assert.deepEqual([first.receipt.status, first.violations], ['recorded', []])
    const again = taken(await post(door, gzipSync(` ${text}\n`), { ...json, 'content-encoding': 'gzip' }))
    assert.deepEqual(again.receipt, { ...first.receipt, status: 'duplicate' })
    const many = await post(`${door}/batch`, `[${text},${text}]`)
    assert.deepEqual([many.status, many.body], [204, ''], 'nothing is to be said of duplicates')
    const [entry] = (await server.client.records({ from: first.receipt.seq, limit: 1 })).records
    assert.equal(entry!.entry.kind, 'lineage/1')
    assert.equal(entry!.entry.stream, 'whence.lineage')
    assert.equal(entry!.entry.id, `sha256:${await payloadOf(first.receipt.seq)}`)
    assert.equal(entry!.entry.time, '2026-03-20T10:00:00.123456Z')
    assert.deepEqual(entry!.entry.refs, { event: 'run' })
  })

  test('takes the simplified form, and says what it lacks', async () => {
    const answer = taken(await post(door, JSON.stringify(simplified)))
    assert.deepEqual(
      new Set(rules(answer)),
      new Set([
        'eventTime.required',
        'schemaURL.required',
        'run.runId.uuid',
        'dataset.version',
        'event.facets',
        'facet.prefix',
        'facet.producer',
        'facet.schemaURL',
      ]),
    )
    const [entry] = (await server.client.records({ from: answer.receipt.seq, limit: 1 })).records
    assert.deepEqual(new Set((entry!.entry.refs as { failed: string }).failed.split(',')), new Set(rules(answer)))
    const shown = (await received()).find(({ seq }) => seq === answer.receipt.seq)!
    assert.equal(shown.run, 'job-1234-20260112-3')
    assert.deepEqual(shown.job, { namespace: 'marketing', name: 'user_campaign_aggregates' })
    assert.deepEqual(rules(shown), rules(answer))
  })

  test('answers a batch event by event', async () => {
    assert.equal((await post(`${door}/batch`, '[]')).status, 204)
    assert.equal((await post(`${door}/batch`, JSON.stringify([event(), event()]))).status, 204)
    const { schemaURL: _, ...bare } = event()
    const mixed = [event(), { no: 'event' }, bare, event({ run: {} }), event({ job: { namespace: 'n', name: '' } }), 5]
    const answer = batch(await post(`${door}/batch`, JSON.stringify(mixed)))
    assert.equal(answer.status, 'partial_success')
    assert.deepEqual(answer.summary, { received: 6, successful: 2, failed: 4, retriable: 0, non_retriable: 4 })
    assert.deepEqual(
      answer.failed_events.map(({ index, reason, retriable }) => [index, reason.split(' ', 1)[0], retriable]),
      [
        [1, 'event.kind', false],
        [3, 'run.runId.required', false],
        [4, 'name.empty', false],
        [5, 'event.object', false],
      ],
    )
    assert.deepEqual(
      answer.flagged_events.map((flagged) => [flagged.index, rules(flagged)]),
      [[2, ['schemaURL.required']]],
    )
    // The same list as lines, and at the door for one event.
    for (const path of [door, `${door}/batch`]) {
      const lines = batch(await post(path, mixed.map((item) => JSON.stringify(item)).join('\n'), ndjson))
      assert.deepEqual(lines, answer)
      assert.deepEqual(batch(await post(path, JSON.stringify(mixed))), answer)
    }
    const { client } = server
    assert.equal(await client.collectBatch([event()], { gzip: true }), undefined)
    assert.equal((await client.collectBatch([event(), {}]))!.summary.failed, 1)
  })

  test('answers 400, with the rule, what is no event', async () => {
    const { size } = await server.client.status()
    for (const [body, rule] of [
      ['{}', 'event.kind'],
      ['[1', 'no JSON array'],
      ['', 'empty'],
      ['{"job"', 'json.syntax'],
      ['"a" "b"', 'json.syntax'],
      ['"job"', 'event.object'],
      ['null', 'event.object'],
      [JSON.stringify(event({ run: {} })), 'run.runId.required'],
      [JSON.stringify(event({ job: { namespace: 'n' } })), 'name.required'],
      [JSON.stringify(event({ outputs: [{ namespace: '', name: 'x' }] })), 'name.empty'],
      [JSON.stringify(event({ job: { namespace: 'n', name: 'x'.repeat(4001) } })), 'name.length'],
      [JSON.stringify(event({ job: { namespace: 'n', name: 'a\0b' } })), 'name.characters'],
      [JSON.stringify(event({ job: { namespace: 'n', name: 'a\ud800' } })), 'name.characters'],
      [`{"job":${'['.repeat(600)}${']'.repeat(600)}}`, 'json.depth'],
    ] as const) {
      const answer = await post(door, body)
      assert.deepEqual([answer.status, answer.code], [400, 'invalid'], body.slice(0, 100))
      assert.ok(answer.body.includes(rule), `${answer.body} says ${rule}`)
    }
    const large = await post(
      door,
      JSON.stringify(event({ run: { runId: run(0), facets: { x: { y: 'z'.repeat(8 << 20) } } } })),
    )
    assert.deepEqual([large.status, large.code], [413, 'too_large'])
    for (const headers of [{ 'content-type': 'text/csv' }, { ...json, 'content-encoding': 'br' }])
      assert.equal((await post(door, JSON.stringify(event()), headers)).status, 400)
    assert.equal((await server.client.status()).size, size, 'nothing is recorded')
  })

  test('takes what is hostile and can be understood, and its tables follow', async () => {
    const wide = Array.from({ length: 10_000 }, (_, i) => `column ${i}`)
    const facet = { _producer: 'https://x.example', _schemaURL: 'https://x.example/schema' }
    const source = { namespace: 'db', name: 'raw.sends', field: 'a' }
    const hostile: [string, string[]][] = [
      [JSON.stringify(event({ job: { namespace: 'a:b/c#d', name: '%00/../ä\u202e😀' } })), []],
      [JSON.stringify(event({ job: { namespace: 'x'.repeat(4000), name: '名'.repeat(4000) } })), []],
      [JSON.stringify(event({ inputs: [{ namespace: 'db', name: 'sends' }] })), []],
      [
        JSON.stringify(
          event({
            outputs: [
              {
                namespace: 'db',
                name: 'wide',
                facets: {
                  schema: { ...facet, fields: wide.map((name) => ({ name, type: 'text' })) },
                  columnLineage: {
                    ...facet,
                    fields: Object.fromEntries(wide.map((name) => [name, { inputFields: [source] }])),
                  },
                },
              },
            ],
          }),
        ),
        [],
      ],
      [
        JSON.stringify(
          event({ run: { runId: run(1), facets: { my_facet: { ...facet, text: 'x'.repeat(5 << 20) } } } }),
        ),
        [],
      ],
      [
        JSON.stringify(event({ run: { runId: run(2), facets: { my_facet: { ...facet, text: 'a\0b\ud800' } } } })),
        ['text.characters'],
      ],
      [JSON.stringify(event()).replace('"run":{', '"run":{"facets":{"__proto__":{"polluted":1}},'), ['key.proto']],
      [JSON.stringify(event()).replace('"inputs"', '"inputs":[],"inputs"'), ['json.key']],
      [JSON.stringify(event({ run: { runId: run(3), facets: { a_b: null } } })), ['facet.null']],
      [JSON.stringify(event({ inputs: null, outputs: [null, 3] })), ['datasets.array', 'dataset.object']],
      [
        JSON.stringify(event({ eventType: 'COMPLETED', eventTime: '2026-03-20T10:00:00' })),
        ['eventTime.zone', 'eventType.enum'],
      ],
      [
        JSON.stringify(event({ eventTime: 'yesterday', producer: null })),
        ['eventTime.unreadable', 'producer.required'],
      ],
    ]
    for (const [body, broken] of hostile) {
      const answer = taken(await post(door, body))
      assert.deepEqual(new Set(rules(answer)), new Set(broken), body.slice(0, 300))
    }
    assert.equal(({} as { polluted?: number }).polluted, undefined)
  })

  test('refuses a strict key whatever differs from the specification, and no one else', async () => {
    const { client } = server
    const strict = await client.issueKey({ name: 'strict', scopes: ['ingest'], strict: true })
    const lenient = await client.issueKey({ name: 'lenient', scopes: ['ingest'] })
    assert.deepEqual([strict.strict, lenient.strict], [true, undefined])
    const as = (secret: string, body: unknown) =>
      send({ url: server.url, token: secret }, 'POST', door, { body: JSON.stringify(body), headers: json })
    const { schemaURL: _, ...bare } = event()
    const answer = await as(strict.secret, bare)
    assert.deepEqual([answer.status, answer.code], [400, 'invalid'])
    assert.match(answer.body, /schemaURL\.required/)
    assert.equal((await as(strict.secret, event())).status, 201)
    assert.equal((await as(lenient.secret, bare)).status, 201)
    const keys = (await client.keys()).filter(({ strict }) => strict)
    assert.deepEqual(
      keys.map(({ id }) => id),
      [strict.id],
    )
    const reader = await client.issueKey({ name: 'reader', scopes: ['read'] })
    assert.equal((await as(reader.secret, event())).status, 403)
    assert.equal((await as('wk_wrong', event())).status, 401)
    await server.stop()
    server = await site.start()
    assert.equal((await as(strict.secret, bare)).status, 400, 'after a restart too')
  })

  test('keeps everything through a restart, and through tables that are made again', async () => {
    const before = await received()
    assert.ok(before.length > 10)
    const duplicate = await server.client.collect(simplified)
    assert.equal(duplicate.receipt.status, 'duplicate')
    await server.stop()
    server = await site.start()
    assert.deepEqual(await received(), before)
    await server.stop()
    await site.forgetTables()
    server = await site.start({ rebuild: () => {} })
    assert.deepEqual(await received(), before)
    assert.deepEqual((await server.client.collect(simplified)).receipt, duplicate.receipt)
    const verification = await server.client.verify()
    assert.deepEqual(verification.problems, [])
  })

  test('answers 503 with Retry-After when it is overloaded, and loses nothing that it took', async () => {
    await server.stop()
    server = await site.start({
      ledger: {
        limits: {
          queueRecords: 1,
          queueBytes: 1 << 30,
          unpublishedBytes: 1 << 30,
          turnRecords: 32,
          smallFrame: 128,
          frameRecords: 4096,
        },
      },
    })
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const body = JSON.stringify(event())
        const sent = request(new URL(door, server.url), {
          method: 'POST',
          headers: { ...json, authorization: `Bearer ${server.token}` },
        })
        sent.end(body)
        const [response] = await once(sent, 'response')
        const text = Buffer.concat(await collect<Buffer>(response)).toString()
        if (response.statusCode === 503) {
          assert.match(response.headers['retry-after'], /^\d+$/)
          assert.equal(JSON.parse(text).error.code, 'overloaded')
        }
        return response.statusCode as number
      }),
    )
    const counts = Map.groupBy(statuses, (status) => status)
    assert.deepEqual(new Set(counts.keys()), new Set([201, 503]))
    const { sinceStart } = await server.client.collected()
    assert.equal(sinceStart.passed, counts.get(201)!.length)
    // The client waits and comes again.
    const all = await Promise.all(Array.from({ length: 5 }, () => server.client.collect(event())))
    assert.ok(all.every(({ receipt }) => receipt.status === 'recorded'))
    await refused(server.client.collect({}), 'invalid')
    await server.stop()
    server = await site.start()
  })
})

// Lineage when things go wrong: the process dies between the log and the graph, the same runs come from several sides at
// once, and events are broken, huge, late, or contradict each other. Each has a stated outcome.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { readLock } from '../../server/src/store/lock.ts'
import { refused } from '../answers.ts'
import { stateOf } from '../lineage-state.ts'
import { json, ndjson, send } from '../request.ts'
import { main, Site } from '../site.ts'
import type { Running } from '../site.ts'

const door = '/api/v1/lineage'
const facet = { _producer: 'https://x.example', _schemaURL: 'https://x.example/schema' }
const run = (n: number) => `01936893-9751-7a91-a2a0-${String(n).padStart(12, '0')}`
const day = (n: number) => new Date(Date.UTC(2026, 0, n, 10)).toISOString()
const dataset = (name: string, facets: object = {}) => ({ namespace: 'db', name, facets })

const event = (n: number, over: object = {}) => ({
  eventType: 'COMPLETE',
  eventTime: day(1),
  producer: 'https://orchestrator.example/v1',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: run(n) },
  job: { namespace: 'etl', name: 'load' },
  inputs: [dataset('raw')],
  outputs: [dataset('clean')],
  ...over,
})

/** Runs of a few jobs that change what they read and write, each with a START and an end. */
const history = (runs: number): object[] =>
  Array.from({ length: runs }, (_, n) => {
    const fields = { c: { inputFields: [{ namespace: 'db', name: `t${n % 5}`, field: `c${n % 3}` }] } }
    const over = {
      job: { namespace: 'etl', name: `job ${n % 4}` },
      inputs: [dataset(`t${n % 5}`), dataset(`t${(n * 7) % 11}`)],
      outputs: [dataset(`t${5 + (n % 7)}`, { columnLineage: { ...facet, fields } })],
    }
    const end = n % 9 === 0 ? 'FAIL' : 'COMPLETE'
    return [
      event(n, { ...over, eventType: 'START', eventTime: day(n), outputs: [] }),
      event(n, { ...over, eventType: end, eventTime: day(n + 1) }),
    ]
  }).flat()

async function fresh(t: TestContext): Promise<{ site: Site; server: Running; client: Client }> {
  const site = await Site.make()
  t.after(() => site.remove())
  const server = await site.start()
  return { site, server, client: server.client }
}

async function stateAfter(t: TestContext, events: readonly object[]): Promise<unknown> {
  const { client } = await fresh(t)
  await client.collectBatch(events)
  return stateOf(client)
}

suite('lineage, when', () => {
  test('the process is killed between the log and the graph, is the same after the next start', async (t) => {
    const events = history(60)
    const expected = await stateAfter(t, events)
    const site = await Site.make()
    t.after(() => site.remove())
    let sent = 0
    // Killed as soon as a part is acknowledged, whatever the graph has taken up by then; twice, then left in peace.
    for (const part of [40, 40]) {
      const child = site.spawn([main, 'up', '--port', '0', '--json'])
      const ended = once(child, 'close')
      await once(child.stdout!, 'data')
      const { url, token } = readLock(site.data)!
      const client = createClient({ url: url!, key: token! })
      // The last of the part before comes again: nobody knows whether its answer arrived.
      await client.collectBatch(events.slice(Math.max(0, sent - 5), sent + part))
      sent += part
      child.kill('SIGKILL')
      await ended
    }
    const server = await site.start()
    await server.client.collectBatch(events.slice(sent))
    assert.deepEqual(await stateOf(server.client), expected)
    assert.deepEqual((await server.client.verify()).problems, [])
    const taken = await server.client.collected({ limit: 1000 })
    assert.equal(taken.events.length, events.length, 'nothing twice, nothing lost')
  })

  test('the log was written and the graph never was, is the same', async (t) => {
    const events = history(30)
    const { site, server, client } = await fresh(t)
    await client.collectBatch(events)
    const expected = await stateOf(client)
    await server.stop()
    await site.forgetTables()
    const again = await site.start()
    assert.deepEqual(await stateOf(again.client), expected)
  })

  test('batches with the same runs come at the same time, is as if they had come one after the other', async (t) => {
    const events = history(40)
    const expected = await stateAfter(t, events)
    const { server, client } = await fresh(t)
    const other = createClient({
      url: server.url,
      key: (await client.issueKey({ name: 'other', scopes: ['ingest'] })).secret,
    })
    await Promise.all([
      client.collectBatch(events),
      client.collectBatch(events.toReversed()),
      other.collectBatch(events.filter((_, i) => i % 2 === 0)),
      ...events.slice(0, 20).map((one) => client.collect(one)),
    ])
    assert.deepEqual(await stateOf(client), expected)
  })

  test('the same bytes without a time come from two producers, says of each when it came, rebuilt or not', async (t) => {
    const { site, server, client } = await fresh(t)
    const other = createClient({
      url: server.url,
      key: (await client.issueKey({ name: 'other', scopes: ['ingest'] })).secret,
    })
    const { eventTime: _, ...timeless } = event(1)
    for (let i = 0; i < 5; i++)
      await Promise.all([client.collect(timeless), other.collect(timeless), client.collect(timeless)])
    const before = await stateOf(client)
    await server.stop()
    await site.forgetTables()
    const again = await site.start()
    assert.deepEqual(await stateOf(again.client), before)
    assert.equal((await again.client.lineageRun({ run: run(1) })).events, 2, 'one of each producer')
  })

  test('a batch holds good, bad and huge events, takes what is good and names the rest', async (t) => {
    const { server, client } = await fresh(t)
    const huge = event(3, { run: { runId: run(3), facets: { big: { ...facet, text: 'x'.repeat(9 << 20) } } } })
    const large = event(4, { run: { runId: run(4), facets: { big: { ...facet, text: 'x'.repeat(5 << 20) } } } })
    const deep = `{"job":{"namespace":"etl","name":"deep","facets":{"x":${'{"a":'.repeat(600)}1${'}'.repeat(600)}}}}`
    const lines = [
      JSON.stringify(event(1)),
      '{"no": "event"}',
      'no json at all',
      JSON.stringify(huge),
      JSON.stringify(large),
      deep,
      JSON.stringify(event(2, { outputs: [dataset('x'.repeat(4001))] })),
      JSON.stringify(event(5, { eventType: null, inputs: null, producer: undefined })),
      `{"a":1,${JSON.stringify(event(6)).slice(1)}`,
      JSON.stringify(event(7)),
    ]
    for (const headers of [ndjson, { ...ndjson, 'content-encoding': 'gzip' }]) {
      const text = lines.join('\n')
      const body = 'content-encoding' in headers ? gzipSync(text) : text
      const answer = await send(server, 'POST', `${door}/batch`, { body, headers })
      assert.equal(answer.status, 200, answer.body.slice(0, 500))
      const { status, summary, failed_events, flagged_events } = JSON.parse(answer.body) as Exclude<
        Awaited<ReturnType<Client['collectBatch']>>,
        undefined
      >
      assert.equal(status, 'partial_success')
      assert.deepEqual([summary.received, summary.successful, summary.failed], [10, 5, 5])
      assert.deepEqual(
        failed_events.map(({ index, reason, retriable }) => [index, reason.split(' ', 1)[0], retriable]),
        [
          [1, 'event.kind', false],
          [2, 'json.syntax', false],
          [3, 'event.size', false],
          [5, 'json.depth', false],
          [6, 'name.length', false],
        ],
      )
      assert.deepEqual(
        flagged_events.map(({ index, violations }) => [index, violations.map(({ rule }) => rule).toSorted()]),
        [[7, ['datasets.array', 'eventType.enum', 'producer.required']]],
      )
    }
    const { runs } = await client.lineageNode({ node: 'job:etl:load' })
    assert.deepEqual(new Set(runs.map(({ id }) => id)), new Set([1, 4, 5, 6, 7].map(run)))
  })

  test('a body is a bomb of zeros, is refused, and the next one is taken', async (t) => {
    const { server, client } = await fresh(t)
    const zipped = { 'content-encoding': 'gzip' }
    const one = await send(server, 'POST', door, {
      body: gzipSync(Buffer.alloc(200 << 20, 0x20)),
      headers: { ...json, ...zipped },
    })
    assert.deepEqual([one.status, one.code], [413, 'too_large'])
    const many = await send(server, 'POST', `${door}/batch`, {
      body: gzipSync(Buffer.alloc(200 << 20, 0x78)),
      headers: { ...ndjson, ...zipped },
    })
    assert.match(many.body, /event\.size/)
    const cut = gzipSync(JSON.stringify(event(1)))
    for (const body of [cut.subarray(0, cut.length - 10), Buffer.from('no gzip')])
      assert.equal((await send(server, 'POST', door, { body, headers: { ...json, ...zipped } })).code, 'invalid')
    assert.equal((await client.collect(event(1))).receipt.status, 'recorded')
  })

  test('names are those of JavaScript itself, or as long as they may be, holds and answers them', async (t) => {
    const { server, client } = await fresh(t)
    const percent = '%'.repeat(4000)
    const names = [
      '__proto__',
      'constructor',
      'hasOwnProperty',
      'toString',
      'a:b/c#d%23',
      'run:x',
      '名'.repeat(4000),
      percent,
    ]
    for (const [i, name] of names.entries()) {
      const fields = `{"${name}":{"inputFields":[{"namespace":"${name}","name":"${name}","field":"${name}"}]}}`
      const facets = `{"columnLineage":{"_producer":"https://x.example","_schemaURL":"https://x.example/s","fields":${fields}},"${name}":{"v":1}}`
      const body = JSON.stringify(
        event(i, {
          job: { namespace: name, name, facets: { x: { ...facet } } },
          inputs: [{ namespace: name, name }],
          outputs: [{ namespace: name, name: 'out', facets: 'FACETS' }],
        }),
      ).replace('"FACETS"', () => facets)
      const answer = await send(server, 'POST', door, { body, headers: json })
      assert.equal(answer.status, 201, answer.body.slice(0, 300))
      const encoded = name.replace(/[%#]/g, encodeURIComponent)
      const node = `dataset:${encoded.replaceAll(':', '%3A')}:${encoded}`
      const impact = await client.lineageImpact({ node: `${node}#${encoded}` })
      assert.deepEqual(
        impact.nodes.map((each) => [each.namespace, each.field]),
        // The facet of the keys __proto__ is read for its names; only in what is kept it has no place.
        [
          [name, name],
          [name, name],
        ],
      )
      const whole = await client.lineageExplain({ node: `dataset:${encoded.replaceAll(':', '%3A')}:out` })
      assert.deepEqual(
        whole.nodes.map((each) => each.name),
        ['out', name, name],
      )
      assert.deepEqual(whole.sources, [node])
      const plan = await client.whatIf({ changes: [{ dataset: node, field: name, change: 'drop' }] })
      assert.ok(plan.consequences.some((each) => each.name === 'out' && each.field === name))
      const out = await client.lineageNode({ node: `dataset:${encoded.replaceAll(':', '%3A')}:out` })
      if (name !== '__proto__') assert.deepEqual(out.facets.find((held) => held.name === name)?.body, { v: 1 })
    }
    assert.deepEqual(Object.keys(Object.prototype), [])
    await client.collect(event(100))
  })

  test('a schema would grow without bound, or a dataset has ten thousand names, answers all the same', async (t) => {
    const { client } = await fresh(t)
    let fields: object[] = []
    for (let i = 0; i < 250; i++) fields = [{ name: `${'c'.repeat(8000)}${i}`, type: 'struct', fields }]
    const { violations } = await client.collect(
      event(1, { outputs: [dataset('deep', { schema: { ...facet, fields } })] }),
    )
    assert.deepEqual([...new Set(violations.map(({ rule }) => rule))], ['facet.name'])
    assert.deepEqual((await client.lineageNode({ node: 'dataset:db:deep' })).fields, [])
    const long = 'x'.repeat(4000)
    const target = Array.from({ length: 95_000 }, (_, i) => [
      `c${i}`,
      { inputFields: [{ namespace: 'db', name: 'raw', field: 'x' }] },
    ])
    const links = await client.collect(
      event(2, {
        outputs: [
          { namespace: long, name: long, facets: { columnLineage: { ...facet, fields: Object.fromEntries(target) } } },
        ],
      }),
    )
    assert.deepEqual(
      links.violations.map(({ rule }) => rule),
      ['links.many'],
    )
    const reached = await client.lineageImpact({ node: 'dataset:db:raw#x', limit: 1 })
    assert.ok(reached.total > 8000)
    const identifiers = Array.from({ length: 10_000 }, (_, i) => ({ namespace: 's', name: `s${i}`, type: 'TABLE' }))
    await client.collect(event(3, { outputs: [dataset('many', { symlinks: { ...facet, identifiers } })] }))
    const { nodes, sourceCount } = await client.lineageExplain({
      node: 'dataset:s:s9999',
      limit: 10_000,
      kinds: 'dataset',
    })
    assert.equal(nodes.length, 10_000)
    assert.equal(sourceCount, 1, 'what the job reads; ten thousand names are one dataset')
  })

  test('a run contradicts itself, adds up what it said', async (t) => {
    const { client } = await fresh(t)
    await client.collect(event(1, { eventType: 'START', inputs: [dataset('a')], outputs: [] }))
    await client.collect(event(1, { eventTime: day(2), inputs: [dataset('b')] }))
    await client.collect(
      event(1, { eventTime: day(2), eventType: 'FAIL', job: { namespace: 'etl', name: 'other' }, inputs: [] }),
    )
    const said = await client.lineageRun({ run: run(1) })
    assert.equal(said.state, 'FAIL', 'of two ends at one moment the graver')
    assert.deepEqual(new Set(said.inputs.map((input) => input.dataset)), new Set(['dataset:db:a', 'dataset:db:b']))
    assert.deepEqual((await client.lineageNode({ node: 'dataset:db:clean' })).versions, [], 'it has made no version')
  })

  test('an end is missing, or a beginning, or an event is a year late, says so and keeps what is newer', async (t) => {
    const { client } = await fresh(t)
    await client.collect(event(1, { eventType: 'START', eventTime: day(400) }))
    const started = await client.lineageExplain({ node: 'dataset:db:clean' })
    assert.deepEqual([started.completeness.openCount, started.sources], [1, ['dataset:db:raw']])
    await client.collect(event(2, { eventTime: day(401), inputs: [dataset('newer')] }))
    const ended = await client.lineageRun({ run: run(2) })
    assert.deepEqual([ended.state, ended.started], ['COMPLETE', ended.ended])
    await client.collect(event(3, { eventTime: day(1), inputs: [dataset('a year ago')] }))
    const { nodes } = await client.lineageExplain({ node: 'dataset:db:clean' })
    assert.deepEqual(nodes.map(({ name }) => name).toSorted(), ['clean', 'load', 'newer'])
    assert.equal((await client.lineageRun({ run: run(3) })).state, 'COMPLETE')
  })

  test('times have nanoseconds, other zones or none, keeps their order', async (t) => {
    const { client } = await fresh(t)
    const times: [string, string, string[]][] = [
      ['2026-01-01T10:00:00.123456789Z', '2026-01-01T10:00:00.123456Z', []],
      ['2026-01-01T12:00:00.5+02:00', '2026-01-01T10:00:00.500000Z', []],
      ['2026-01-01T10:00:01', '2026-01-01T10:00:01.000000Z', ['eventTime.zone']],
      ['2026-01-01T10:00:02.1234567891Z', '2026-01-01T10:00:02.123456Z', ['eventTime.format']],
    ]
    for (const [i, [eventTime, , broken]] of times.entries()) {
      const { violations } = await client.collect(event(i, { eventTime, inputs: [dataset(`of ${i}`)] }))
      assert.deepEqual(
        violations.map(({ rule }) => rule),
        broken,
      )
    }
    const { versions } = await client.lineageNode({ node: 'dataset:db:clean' })
    assert.deepEqual(
      versions.map(({ time }) => time),
      times.map(([, time]) => time).toReversed(),
    )
  })

  test('nobody may, or a question means nothing, is refused and changes nothing', async (t) => {
    const { server, client } = await fresh(t)
    await client.collect(
      event(1, { outputs: [dataset('clean', { schema: { ...facet, fields: [{ name: 'kind', type: 'text' }] } })] }),
    )
    const as = async (...scopes: ('ingest' | 'read')[]) =>
      createClient({
        url: server.url,
        key: (await client.issueKey({ name: `for-${scopes.join('.')}`, scopes })).secret,
      })
    const [sender, reader] = [await as('ingest'), await as('read')]
    await refused(reader.collect(event(2)), 'forbidden')
    await refused(reader.collectBatch([event(2)]), 'forbidden')
    await refused(sender.lineageImpact({ node: 'raw' }), 'forbidden')
    await refused(sender.whatIf({ changes: [{ dataset: 'raw', field: 'x', change: 'drop' }] }), 'forbidden')
    // What one pipeline sent under its key is recorded as its own, and as no other's.
    await sender.collect(event(3))
    const { events } = await client.collected()
    assert.deepEqual(
      events.map(({ source }) => source),
      ['local', 'for-ingest'],
    )
    const { size } = await client.status()
    for (const [field, near] of [
      ['knd', 'did you mean'],
      ['kind#', 'nothing is called'],
    ] as const)
      assert.match(
        await refused(reader.whatIf({ changes: [{ dataset: 'clean', field, change: 'drop' }] }), 'not_found'),
        new RegExp(near),
      )
    await refused(reader.whatIf({ changes: [{ dataset: 'nowhere', field: 'x', change: 'drop' }] }), 'not_found')
    await refused(reader.lineageImpact({ node: 'run:nobody' }), 'not_found')
    await refused(reader.lineageExplain({ node: 'raw', cursor: 'x' }), 'invalid')
    await refused(reader.lineageExplain({ node: 'raw', cursor: '99999999.0.0123456789abcdef' }), 'invalid')
    await refused(reader.lineageExplain({ node: 'raw', asOfVersion: 'raw' }), 'invalid')
    for (const [text, where] of [
      ['kind: LineagePolicy\nname: p\nrules: [{ namespace: "*", require: [everything] }]\n', /line 3/],
      ['kind: LineagePolicy\nname: p\nrules: []\n', /line 3/],
      ['kind: LineagePolicy\nname: [p\n', /line/],
      ['kind: LineagePolicy\nname: p\nrules: [{ namespace: "*", require: [owner], unless: x }]\n', /line 3/],
    ] as const)
      assert.match(await refused(client.apply({ files: [{ path: 'policies/p.yaml', text }] }), 'invalid'), where)
    assert.deepEqual((await client.lineageCoverage()).policies, [])
    assert.equal((await client.status()).size, size, 'nothing is recorded of it')
  })
})

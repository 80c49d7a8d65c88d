// The official Python client, with both of its HTTP transports, against a running server.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { LineageNodeDetail } from '@whence/sdk'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { lacking, run } from './environment.ts'
import { readAsProv } from './prov.ts'
import { eventOf, relayTo } from './relay.ts'
import type { Relay } from './relay.ts'

const script = join(import.meta.dirname, 'python', 'emit.py')

interface Emitted {
  runs: { nightly: string; load: string; report: string }
  delivered: boolean
  stats: { pending?: number; success?: number; failed?: number }
}

describe('the Python client of OpenLineage', { skip: lacking('openlineage.client') }, () => {
  let site: Site
  let server: Running
  let relay: Relay
  let key: { id: string; secret: string }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    relay = await relayTo(server.url)
    key = await server.client.issueKey({ name: 'nightly', scopes: ['ingest'], source: 'pipelines/nightly' })
  })
  after(async () => {
    await relay?.close()
    await site?.remove()
  })

  async function emit(namespace: string, secret: string, ...args: string[]): Promise<unknown> {
    const given = ['--url', relay.url, '--key', secret, '--namespace', namespace]
    const { code, stdout, stderr } = await run('python', [script, ...given, ...args])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }

  for (const [namespace, transport, gzip] of [
    ['plain', 'http', false],
    ['packed', 'http', true],
    ['queued', 'async_http', false],
    ['queued-packed', 'async_http', true],
  ] as const) {
    const what = `${transport}${gzip ? ', gzip' : ''}`

    test(`${what}: every event is taken, and nothing in it differs from the specification`, async () => {
      const first = relay.exchanges.length
      const from = (await server.client.status()).size
      const args = ['--transport', transport, ...(gzip ? ['--gzip'] : [])]
      const { delivered, stats } = (await emit(namespace, key.secret, ...args)) as Emitted
      assert.equal(delivered, true)
      if (transport === 'async_http') assert.deepEqual(stats, { pending: 0, success: 9, failed: 0 })

      const exchanges = relay.exchanges.slice(first)
      assert.equal(exchanges.length, 9)
      for (const { path, headers, status } of exchanges) {
        assert.equal(path, '/api/v1/lineage')
        assert.equal(status, 201)
        assert.equal(headers['content-encoding'], gzip ? 'gzip' : undefined)
        assert.equal(headers.authorization, `Bearer ${key.secret}`)
      }
      const { events } = await server.client.collected({ from })
      assert.equal(events.length, 9)
      for (const event of events) {
        assert.equal(event.source, 'pipelines/nightly')
        assert.equal(event.producer, 'https://git.example/shop/pipelines')
        assert.deepEqual(event.violations, [], JSON.stringify(event))
      }
      assert.deepEqual(events.map(({ event, eventType }) => eventType ?? event).toSorted(), [
        'COMPLETE',
        'COMPLETE',
        'FAIL',
        'RUNNING',
        'START',
        'START',
        'START',
        'dataset',
        'job',
      ])
    })

    test(`${what}: the graph holds what was sent`, async () => {
      await holds(namespace)
    })
  }

  test('the same bytes again, in any order, are duplicates and change nothing', async () => {
    const sent = relay.exchanges.filter(({ status }) => status === 201)
    const before = await pictured('plain')
    for (const { headers, sent: body } of sent.toReversed()) {
      const answer = await fetch(`${server.url}/api/v1/lineage`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key.secret}`,
          'content-type': 'application/json',
          ...(headers['content-encoding'] === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
        },
        body: Uint8Array.from(body),
      })
      assert.equal(answer.status, 201)
      assert.equal(((await answer.json()) as { receipt: { status: string } }).receipt.status, 'duplicate')
    }
    assert.deepEqual(await pictured('plain'), before)
  })

  test('the same bytes in the opposite order make the same graph elsewhere', async () => {
    const elsewhere = await Site.make()
    try {
      const other = await elsewhere.start()
      const sent = relay.exchanges.filter(({ status }) => status === 201).toReversed()
      const events = sent.map((exchange) => JSON.parse(Buffer.from(eventOf(exchange)).toString()) as object)
      await other.client.collectBatch(events, { gzip: true })
      assert.deepEqual(withoutPositions(await pictured('plain', other)), withoutPositions(await pictured('plain')))
    } finally {
      await elsewhere.remove()
    }
  })

  test('a wrong key, a revoked one, and one that may only read: the client raises', async () => {
    const { size } = await server.client.status()
    const wrong = { raised: 'HTTPError', status: 401 }
    assert.deepEqual(await emit('wrong', 'wk_wrong', '--once'), wrong)
    const reader = await server.client.issueKey({ name: 'reader', scopes: ['read'] })
    assert.deepEqual(await emit('wrong', reader.secret, '--once'), { raised: 'HTTPError', status: 403 })
    const other = await server.client.issueKey({ name: 'other', scopes: ['ingest'] })
    assert.deepEqual(await emit('wrong', other.secret, '--once'), { raised: null })
    await server.client.revokeKey(other.id)
    assert.deepEqual(await emit('wrong', other.secret, '--once'), wrong)
    const { events } = await server.client.collected({ from: size })
    assert.equal(events.length, 1, 'only what the good key sent is there')
  })

  test('an answer is lost: the client sends the event again, and it is there once', async () => {
    const { size } = await server.client.status()
    const first = relay.exchanges.length
    relay.loseNext()
    assert.deepEqual(await emit('lost', key.secret, '--once', '--gzip'), { raised: null })
    const statuses = relay.exchanges
      .slice(first)
      .map(({ answer }) => (JSON.parse(answer) as { receipt: { status: string } }).receipt.status)
    assert.deepEqual(statuses, ['recorded', 'duplicate'])
    assert.equal((await server.client.collected({ from: size })).events.length, 1)
  })

  test('a queue behind a wrong key: the client counts what it could not deliver', async () => {
    const { delivered, stats } = (await emit('wrong', 'wk_wrong', '--transport', 'async_http')) as Emitted
    assert.equal(delivered, true, 'nothing is left in the queue')
    assert.equal(stats.success, 0)
    assert.ok(stats.failed! > 0)
  })

  test('the prov package reads what is exported of it', async () => {
    await readAsProv(site, { entities: 8, activities: 12 })
  })

  const raw = (namespace: string) => `dataset:postgres%3A//shop.example%3A5432:${namespace}.raw.orders`
  const orders = (namespace: string) => `dataset:s3%3A//shop-warehouse:${namespace}/orders`

  /** What can be asked of one namespace, without the position at which it was asked. */
  async function pictured(namespace: string, { client } = server): Promise<unknown> {
    const [node, walk, columns] = [
      await client.lineageNode({ node: orders(namespace) }),
      await client.lineageExplain({ node: orders(namespace) }),
      await client.lineageExplain({ node: orders(namespace), level: 'columns' }),
    ]
    return [node, walk, columns].map(({ asOf: _, ...rest }) => rest)
  }

  async function holds(namespace: string): Promise<void> {
    const { client } = server
    const load = await client.lineageNode({ node: `job:${namespace}:load_orders` })
    assert.equal(load.runs.length, 1)
    assert.equal(load.runs[0]!.state, 'COMPLETE')
    assert.equal(load.runs[0]!.started, '2026-03-06T01:00:10.123456Z')
    assert.equal(load.runs[0]!.ended, '2026-03-06T01:04:00.123456Z')
    assert.deepEqual(bodyOf(load, 'ownership')['owners'], [{ name: 'team:orders', type: 'MAINTAINER' }])
    assert.match(String(bodyOf(load, 'sql')['query']), /^select order_id/)
    assert.equal(bodyOf(load, 'sourceCodeLocation')['version'], '5f3c1e0a9b7d4c6e8f2a1b3c5d7e9f0a1b2c3d4e')
    assert.equal(bodyOf(load, 'documentation')['description'], 'Orders of the day, as the warehouse has them')
    assert.equal(bodyOf(load, 'jobType')['integration'], 'CRON')
    assert.deepEqual(bodyOf(load, 'tags')['tags'], [{ key: 'tier', value: 'gold', source: 'SHOP' }])

    const report = await client.lineageNode({ node: `job:${namespace}:refresh_report` })
    assert.deepEqual(
      report.runs.map(({ state }) => state),
      ['FAIL'],
    )

    const loaded = await client.lineageNode({ node: orders(namespace) })
    assert.deepEqual(loaded.fields.toSorted(), ['customer', 'euros', 'order_id'])
    assert.deepEqual(
      loaded.versions.map(({ version, run: by }) => [version, by]),
      [['snapshot-77', load.runs[0]!.id]],
    )
    assert.deepEqual(
      loaded.lifecycle.map(({ change }) => change),
      ['overwrite'],
    )
    const { fields } = await client.lineageNode({ node: raw(namespace) })
    assert.deepEqual(fields.toSorted(), ['cents', 'customer', 'note', 'order_id'])

    const back = await client.lineageExplain({ node: orders(namespace) })
    assert.ok(back.sources.includes(raw(namespace)), back.sources.join())
    const edges = back.edges.map(({ from, to, how }) => `${from} ${how} ${to}`)
    assert.ok(edges.includes(`${raw(namespace)} read job:${namespace}:load_orders`), edges.join('\n'))
    assert.ok(edges.includes(`job:${namespace}:load_orders write ${orders(namespace)}`), edges.join('\n'))
    // The name of the table in a catalogue is another name of the same dataset.
    const glue = `dataset:glue%3A//eu:${namespace}.shop.orders`
    assert.ok((await client.lineageExplain({ node: glue })).sources.includes(raw(namespace)))

    const columns = await client.lineageExplain({ node: `${orders(namespace)}#euros` })
    const direct = columns.edges.filter(({ how }) => how === 'direct')
    assert.deepEqual(
      direct.map(({ from, to, basis }) => [from, to, basis]),
      [[`${raw(namespace)}#cents`, `${orders(namespace)}#euros`, 'stated']],
    )
    assert.ok(columns.edges.some(({ how, transformation }) => how === 'indirect' && transformation === 'FILTER'))
    assert.deepEqual(columns.sources, [`${raw(namespace)}#cents`])
    const customer = await client.lineageExplain({ node: `${orders(namespace)}#customer` })
    assert.ok(customer.edges.some(({ from, masking }) => from === `${raw(namespace)}#customer` && masking))

    const runs = await client.lineageExplain({ node: `run:${load.runs[0]!.id}` })
    const read = runs.edges.find(({ how }) => how === 'read')
    assert.equal(read?.resolved, 'stated')
    assert.ok(read.from.endsWith('@2026-03-05T24'), read.from)

    const impact = await client.lineageImpact({ node: `${raw(namespace)}#cents` })
    assert.ok(impact.nodes.some(({ id }) => id === `${orders(namespace)}#euros`))
  }
})

/** An answer without positions of the log, and with its lists in one order. */
function withoutPositions(answer: unknown): unknown {
  if (Array.isArray(answer)) {
    const parts = answer.map((part): [string, unknown] => {
      const without = withoutPositions(part)
      return [JSON.stringify(without), without]
    })
    return parts.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part)
  }
  if (typeof answer !== 'object' || answer === null) return answer
  const positions = new Set(['asOf', 'seq', 'appeared', 'first', 'last'])
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([name]) => !positions.has(name))
      .map(([name, value]) => [name, withoutPositions(value)]),
  )
}

function bodyOf(node: LineageNodeDetail, facet: string): Record<string, unknown> {
  const found = node.facets.find(({ name }) => name === facet)
  assert.ok(found, `${node.id} has no facet ${facet}, only ${node.facets.map(({ name }) => name).join()}`)
  return found.body as Record<string, unknown>
}

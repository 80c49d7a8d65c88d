// A Spark job in this process's place, with OpenLineage's listener: nothing in the job knows of it.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { lackingSpark, run, sparkSettings } from './environment.ts'
import { readAsProv } from './prov.ts'
import { relayTo, eventOf } from './relay.ts'
import type { Relay } from './relay.ts'

const job = join(import.meta.dirname, 'spark', 'job.py')

/** Spark fetches it by itself, from the place that its Ivy settings name. */
const listener = 'io.openlineage:openlineage-spark_2.13:1.53.0'

describe('Spark with OpenLineage’s listener', { skip: lackingSpark() }, () => {
  let site: Site
  let server: Running
  let relay: Relay
  let work: string
  let secret: string

  before(async () => {
    site = await Site.make()
    server = await site.start()
    relay = await relayTo(server.url)
    secret = (await server.client.issueKey({ name: 'spark', scopes: ['ingest'], source: 'shop/spark' })).secret
    work = join(site.folder, 'spark')
    await mkdir(work)
    await writeFile(join(work, 'orders.csv'), 'order_id,customer_id,cents\n1,a,100\n2,b,250\n3,a,50\n4,c,0\n')
    await writeFile(
      join(work, 'customers.csv'),
      'id,country,email\na,AT,a@example.org\nb,BE,b@example.org\nc,AT,c@example.org\n',
    )
    const conf = {
      'spark.extraListeners': 'io.openlineage.spark.agent.OpenLineageSparkListener',
      'spark.openlineage.transport.type': 'http',
      'spark.openlineage.transport.url': relay.url,
      'spark.openlineage.transport.endpoint': '/api/v1/lineage',
      'spark.openlineage.transport.auth.type': 'api_key',
      'spark.openlineage.transport.auth.apiKey': secret,
      'spark.openlineage.transport.compression': 'gzip',
      'spark.openlineage.namespace': 'shop',
    }
    const { code, stdout, stderr } = await run('python', [job, work], {
      cwd: work,
      env: sparkSettings(work, listener, conf),
    })
    assert.equal(code, 0, stdout + stderr)
  })
  after(async () => {
    await relay?.close()
    await site?.remove()
  })

  const file = (name: string) => `dataset:file:${work}/${name}`

  test('every event is taken, and the key stands in none of them', async () => {
    assert.ok(relay.exchanges.length >= 4, String(relay.exchanges.length))
    for (const exchange of relay.exchanges) {
      assert.equal(exchange.status, 201, exchange.answer)
      assert.equal(exchange.headers['content-encoding'], 'gzip')
      assert.ok(!Buffer.from(eventOf(exchange)).includes(secret))
    }
    const { events } = await server.client.collected()
    assert.equal(events.length, relay.exchanges.length)
    assert.deepEqual([...new Set(events.map(({ source }) => source))], ['shop/spark'])
    assert.deepEqual(
      events.flatMap(({ violations }) => violations),
      [],
    )
  })

  test('its runs are complete: the application, and the query in it', async () => {
    const { nodes } = await server.client.lineageNodes({ kinds: 'job' })
    const jobs = nodes.filter(({ namespace }) => namespace === 'shop').map(({ id }) => id)
    assert.equal(jobs.length, 2, jobs.join())
    for (const node of jobs) {
      const { runs } = await server.client.lineageNode({ node })
      assert.deepEqual(
        runs.map(({ state }) => state),
        ['COMPLETE'],
        node,
      )
    }
  })

  test('the files are datasets with their schemas, joined by the job', async () => {
    const { client } = server
    const { facets, versions } = await client.lineageNode({ node: file('orders_by_country') })
    const schema = facets.find(({ name }) => name === 'schema')!.body as { fields: { name: string; type: string }[] }
    assert.deepEqual(
      schema.fields.map(({ name, type }) => [name, type]),
      [
        ['country', 'string'],
        ['orders', 'long'],
        ['cents', 'long'],
      ],
    )
    assert.equal(versions.length, 1, 'one run wrote it')
    const { sources, nodes } = await client.lineageExplain({ node: file('orders_by_country') })
    assert.deepEqual(sources.toSorted(), [file('customers.csv'), file('orders.csv')])
    assert.equal(nodes.filter(({ kind }) => kind === 'job').length, 1)
    const forward = await client.lineageImpact({ node: file('customers.csv') })
    assert.ok(forward.nodes.some(({ id }) => id === file('orders_by_country')))
  })

  test('columns come from columns: what is added up, and what only joins, filters or groups', async () => {
    const { edges } = await server.client.lineageExplain({ node: file('orders_by_country'), level: 'columns' })
    const told = (column: string, how: string) =>
      edges
        .filter((edge) => edge.to === `${file('orders_by_country')}#${column}` && edge.how === how)
        .map(({ from, basis, transformation }) => [from, basis, transformation])
    assert.deepEqual(told('country', 'direct'), [[`${file('customers.csv')}#country`, 'stated', 'IDENTITY']])
    assert.deepEqual(told('cents', 'direct'), [[`${file('orders.csv')}#cents`, 'stated', 'AGGREGATION']])
    assert.deepEqual(told('orders', 'direct'), [[`${file('orders.csv')}#order_id`, 'stated', 'AGGREGATION']])
    const indirect = edges.filter(({ how }) => how === 'indirect').map(({ from }) => from)
    assert.deepEqual([...new Set(indirect)].toSorted(), [
      `${file('customers.csv')}#country`,
      `${file('customers.csv')}#id`,
      `${file('orders.csv')}#cents`,
      `${file('orders.csv')}#customer_id`,
    ])
    // The address was read and went nowhere.
    const mail = await server.client.lineageImpact({ node: `${file('customers.csv')}#email` })
    assert.ok(!mail.edges.some(({ how }) => how === 'direct' || how === 'indirect'))
  })

  test('the prov package reads what is exported of it', async () => {
    await readAsProv(site, { entities: 3, activities: 2 })
  })
})

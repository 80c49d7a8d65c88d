// Column lineage that nobody states: a job carries its SQL, and what it tells of is labelled as ours.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const common = {
  producer: 'https://ledger.example/jobs',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
}
const facet = (name: string): object => ({
  _producer: common.producer,
  _schemaURL: `https://openlineage.io/spec/facets/1-0-0/${name}.json`,
})
const table = (name: string, columns: readonly string[]): object => ({
  namespace: 'postgres://shop.example:5432',
  name: `shop.public.${name}`,
  facets: {
    schema: { ...facet('SchemaDatasetFacet'), fields: columns.map((column) => ({ name: column, type: 'text' })) },
  },
})

function event(query: string, time: string, run: number): object {
  return {
    ...common,
    eventType: 'COMPLETE',
    eventTime: time,
    run: { runId: `01900000-0000-7000-8000-00000000000${run}` },
    job: { namespace: 'shop', name: 'sends', facets: { sql: { ...facet('SQLJobFacet'), query } } },
    inputs: [table('raw', ['id', 'cust', 'kind', 'at'])],
    outputs: [table('sends', ['event_id', 'customer_id'])],
  }
}

suite('columns that a job’s SQL tells of', () => {
  let site: Site
  let running: Running

  before(async () => {
    site = await Site.make()
    running = await site.start()
  })
  after(() => site?.remove())

  const columns = async () => {
    const { edges } = await running.client.lineageExplain({
      node: 'dataset:postgres%3A//shop.example%3A5432:shop.public.sends#customer_id',
      level: 'columns',
    })
    return edges
      .filter(({ basis }) => basis !== undefined)
      .map(({ from, how, basis }) => [from.split(':').at(-1), how, basis])
  }

  test('are derived and labelled, with what filters them', async () => {
    await running.client.collect(
      event(
        "insert into public.sends select id as event_id, cust as customer_id from public.raw where kind = 'send'",
        '2026-03-01T00:00:00Z',
        1,
      ),
    )
    assert.deepEqual(
      (await columns()).toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)),
      [
        ['shop.public.raw#cust', 'direct', 'verified'],
        ['shop.public.raw#kind', 'indirect', 'verified'],
      ],
    )
  })

  test('follow the SQL of the latest run, and are there again after a rebuild', async () => {
    await running.client.collect(
      event('insert into public.sends select id, id from public.raw', '2026-03-02T00:00:00Z', 2),
    )
    const now = [['shop.public.raw#id', 'direct', 'verified']]
    assert.deepEqual(await columns(), now)
    await running.stop()
    running = await site.start({ rebuild: () => {} })
    assert.deepEqual(await columns(), now)
  })

  test('are not, where the producer states columns itself', async () => {
    const stated = event('insert into public.sends select id, id from public.raw', '2026-03-03T00:00:00Z', 3) as {
      outputs: { facets: object }[]
    }
    Object.assign(stated.outputs[0]!.facets, {
      columnLineage: {
        ...facet('ColumnLineageDatasetFacet'),
        fields: {
          customer_id: {
            inputFields: [{ namespace: 'postgres://shop.example:5432', name: 'shop.public.raw', field: 'at' }],
          },
        },
      },
    })
    await running.client.collect(stated)
    assert.deepEqual(await columns(), [['shop.public.raw#at', 'direct', 'stated']])
  })
})

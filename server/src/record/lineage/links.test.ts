// What a producer states about columns, and takes back; explicit edges past the job that states them.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import type { Link, Statement } from './statement.ts'
import { nodeId } from './statement.ts'
import { dataset, dump, job, openTestGraph, ran, statement } from './testing.ts'

const link = (from: string, field: string, to: string, into: string): Link => ({
  from: { name: dataset(from), field },
  to: { name: dataset(to), field: into },
  how: 'direct',
  basis: 'stated',
})
const id = (name: string, field?: string) => nodeId(dataset(name), field)

suite('column edges', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
  })
  after(() => db.drop())

  const opened = async (t: { after: (fn: () => Promise<void>) => void }, ...said: Statement[]) => {
    const world = await openTestGraph(
      db,
      said.map((one) => [one]),
    )
    t.after(() => world.follower.stop())
    return world
  }

  test('end with a columnLineage that says there are none, whenever it comes, and stay known as of before', async (t) => {
    const stated = ran('j', 'r1', 1, 'COMPLETE', ['a'], ['b'], { links: [link('a', 'x', 'b', 'y')] })
    const silent = ran('j', 'r2', 2, 'COMPLETE', ['a'], ['b'])
    const none = ran('j', 'r3', 3, 'COMPLETE', ['a'], ['b'], { unlinked: [dataset('b')] })
    const again = ran('j', 'r4', 4, 'COMPLETE', ['a'], ['b'], { links: [link('a', 'x', 'b', 'y')] })
    const { graph, say } = await opened(t, stated, silent, none)
    const reached = async (asOf?: number) =>
      (
        await graph.walk({
          from: [id('b')],
          direction: 'backward',
          level: 'columns',
          ...(asOf === undefined ? {} : { asOf }),
        })
      ).nodes.some((node) => node.id === id('a', 'x'))
    assert.deepEqual([await reached(1), await reached(2), await reached(3)], [true, true, false])
    await say(again)
    assert.equal(await reached(), true)
    const orders = [
      [stated, silent, none],
      [none, silent, stated],
      [silent, none, stated, none],
    ]
    const dumps = []
    for (const order of orders) dumps.push(await dump(db, (await opened(t, ...order)).graph))
    assert.deepEqual(dumps[1], dumps[0])
    assert.deepEqual(dumps[2], dumps[0])
  })

  test('of a dataset that the job does not write join it to its sources directly, and other jobs as stated', async (t) => {
    const whole = (from: Link['from']['name'], to: Link['to']['name']): Link => ({
      from: { name: from },
      to: { name: to },
      how: 'direct',
      basis: 'stated',
    })
    const { graph } = await opened(
      t,
      statement(1, {
        job: { name: job('catalog'), facets: {} },
        links: [
          whole(dataset('orders'), dataset('enriched')),
          whole(job('enrich'), dataset('enriched')),
          whole(job('extract'), job('enrich')),
        ],
      }),
      statement(2, {
        job: { name: job('other'), facets: {} },
        outputs: [{ name: dataset('written'), facets: {}, here: {} }],
        links: [whole(dataset('read'), dataset('written'))],
      }),
    )
    const walk = async (from: string) =>
      (await graph.walk({ from: [from], direction: 'forward', level: 'names' })).edges
        .map(({ from: source, to, how }) => `${source.split(':').at(-1)} ${how} ${to.split(':').at(-1)}`)
        .sort()
    assert.deepEqual(await walk(id('orders')), ['orders flow enriched', 'orders read catalog'])
    assert.deepEqual(await walk(nodeId(job('extract'))), ['enrich flow enriched', 'extract flow enrich'])
    assert.deepEqual(await walk(id('read')), ['other write written', 'read read other'])
  })
})

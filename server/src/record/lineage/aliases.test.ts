// Two names of one dataset (symlinks): whatever was told under one of them holds under the other.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { isFault } from '../../fault.ts'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import { dataset, graphDuring, ran, use } from './testing.ts'
import type { Said, TestGraph } from './testing.ts'

const schema = (...names: string[]) => ({ fields: names.map((name) => ({ name, type: 'text' })) })
const [path, hive, other] = [dataset('/warehouse/t'), dataset('default.t', 'hive'), dataset('default.t', 'other')]

suite('names of one dataset', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
  })
  after(() => db.drop())

  const graphOf = (t: TestContext, ...records: Said[]): Promise<TestGraph> => graphDuring(t, db, records)
  const history = [
    ran('load', 'r1', 1, 'COMPLETE', [], [use(path, { facets: { schema: schema('a'), dataSource: { uri: 'x' } } })], {
      aliases: [[path, hive]],
      changes: [{ name: path, change: 'create' }],
    }),
    ran('copy', 'r2', 2, 'COMPLETE', [use(hive, { facets: { schema: schema('a', 'b') } })], ['copy']),
  ]

  test('have each other’s facets, their own first, the same fields, and the same fate', async (t) => {
    for (const records of [history, history.toReversed()]) {
      const { graph } = await graphOf(t, ...records)
      for (const [id, own] of [
        ['dataset:db:/warehouse/t', schema('a')],
        ['dataset:hive:default.t', schema('a', 'b')],
      ] as const) {
        const facets = (await graph.facets(id)).map(({ name, body }) => [name, body])
        assert.deepEqual(facets, [
          ['dataSource', { uri: 'x' }],
          ['schema', own],
        ])
        assert.deepEqual((await graph.fieldsOf(id)).map(({ field }) => field!).toSorted(), ['a', 'b'])
        assert.deepEqual(
          (await graph.lifecycleOf(id)).map(({ change }) => change),
          ['create'],
        )
      }
    }
  })

  test('have each other’s fields', async (t) => {
    const { graph } = await graphOf(t, ...history)
    assert.equal((await graph.resolve('dataset:db:/warehouse/t#b')).id, 'dataset:hive:default.t#b')
    assert.equal((await graph.resolve('default.t#a')).id, 'dataset:hive:default.t#a', 'its own first')
    await assert.rejects(graph.resolve('default.t#c'), (error) => isFault(error, 'not_found'))
    await assert.rejects(graph.resolve('copy#a'), (error) => isFault(error, 'not_found'))
  })

  test('are no two datasets: a bare name that both have means the one', async (t) => {
    const { graph, say } = await graphOf(t, ...history, ran('older', 'r3', 3, 'COMPLETE', [use(other)], []))
    await assert.rejects(graph.resolve('default.t'), (error) => isFault(error, 'invalid'))
    await say(ran('load', 'r4', 4, 'COMPLETE', [], [use(path)], { aliases: [[path, other]] }))
    assert.equal((await graph.resolve('default.t')).id, 'dataset:hive:default.t')
    assert.deepEqual(
      new Set((await graph.mainNames(['dataset:hive:default.t', 'dataset:other:default.t', 'run:r1'])).values()),
      new Set(['dataset:db:/warehouse/t', 'run:r1']),
    )
  })

  test('are missing once, under the one that is read', async (t) => {
    const { graph } = await graphOf(
      t,
      ran('copy', 'r1', 1, 'COMPLETE', [use(hive)], ['copy'], {
        aliases: [
          [path, hive],
          [hive, other],
        ],
      }),
    )
    const ids = [other, path, hive].map(({ namespace, name }) => `dataset:${namespace}:${name}`)
    for (const order of [ids, ids.toReversed()])
      assert.deepEqual((await graph.completeness(order, undefined, 0)).unknownInputs, ['dataset:hive:default.t'])
  })

  test('a run that drops has written no version', async (t) => {
    const { graph } = await graphOf(
      t,
      ran('tidy', 'r1', 1, 'COMPLETE', [], [use(path), 'copy'], { changes: [{ name: path, change: 'drop' }] }),
    )
    assert.deepEqual(
      (await graph.run('r1')).outputs.map(({ dataset: of, version }) => [of, version]),
      [
        ['dataset:db:/warehouse/t', undefined],
        ['dataset:db:copy', 'r1'],
      ],
    )
  })
})

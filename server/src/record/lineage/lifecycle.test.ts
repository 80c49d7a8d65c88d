// What becomes of datasets, and which jobs and names belong together, besides the flow of data.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import type { LifecycleChange, Statement } from './statement.ts'
import { dataset, job, graphDuring, ran } from './testing.ts'
import type { Said, TestGraph } from './testing.ts'

const changing = (...changes: LifecycleChange['change'][]): Partial<Statement> => ({
  changes: changes.map((change) => ({ name: dataset('clean'), change })),
})

suite('what becomes of a dataset', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
  })
  after(() => db.drop())

  const graphOf = (t: TestContext, ...records: Said[]): Promise<TestGraph> => graphDuring(t, db, records)
  const writersOf = async ({ graph }: TestGraph): Promise<string[]> => {
    const { nodes } = await graph.walk({ from: ['clean'], direction: 'backward', level: 'names', depth: 1 })
    return nodes.flatMap(({ kind, name }) => (kind === 'job' ? [name] : [])).sort()
  }

  const history = [
    ran('tidy', 'r1', 1, 'START', [], ['clean'], changing('drop')),
    ran('tidy', 'r1', 2, 'COMPLETE', [], ['clean'], changing('drop')),
    ran('load', 'r2', 3, 'START', ['raw'], ['clean'], changing('create')),
    ran('load', 'r2', 4, 'COMPLETE', ['raw'], ['clean'], changing('create')),
  ]

  test('a job that drops writes nothing, also when another makes the dataset anew', async (t) => {
    for (const records of [history, history.toReversed()])
      assert.deepEqual(await writersOf(await graphOf(t, ...records)), ['load'])
  })

  test('one that drops and makes it in one run has written it, whoever makes it after', async (t) => {
    const world = await graphOf(t, ...history)
    await world.say(ran('replace', 'r3', 5, 'START', ['raw'], ['clean'], changing('drop')))
    assert.deepEqual(await writersOf(world), [])
    await world.say(ran('replace', 'r3', 6, 'COMPLETE', ['raw'], ['clean'], changing('create')))
    assert.deepEqual(await writersOf(world), ['replace'])
    await world.say(ran('load', 'r4', 7, 'COMPLETE', ['raw'], ['clean'], changing('create')))
    assert.deepEqual(await writersOf(world), ['load', 'replace'])
  })

  test('it is told once, however many events of a run say it', async (t) => {
    const { graph } = await graphOf(t, ...history)
    assert.deepEqual(
      (await graph.lifecycleOf('clean')).map(({ change, time, seq }) => [change, time, seq]),
      [
        ['drop', 2, 0],
        ['create', 4, 2],
      ],
    )
    assert.deepEqual(
      (await graph.lifecycleOf('clean', 1)).map(({ change, time }) => [change, time]),
      [['drop', 1]],
    )
  })

  test('its other names are told, and of a job those around it', async (t) => {
    const { graph } = await graphOf(
      t,
      ran('daily.load', 'r1', 1, 'COMPLETE', [], ['clean'], {
        aliases: [[dataset('clean'), dataset('b.clean')]],
        jobs: [
          { from: job('daily'), to: job('daily.load'), how: 'parent' },
          { from: job('daily.fetch'), to: job('daily.load'), how: 'before' },
        ],
      }),
      ran('copy', 'r2', 2, 'COMPLETE', [], ['c.clean'], { aliases: [[dataset('c.clean'), dataset('b.clean')]] }),
    )
    const kin = async (id: string, asOf?: number) => graph.kinOf(id, asOf)
    assert.deepEqual(await kin('clean'), { names: ['dataset:db:b.clean', 'dataset:db:c.clean'], jobs: [] })
    assert.deepEqual((await kin('clean', 1)).names, ['dataset:db:b.clean'])
    assert.deepEqual((await kin('daily.load')).jobs, [
      { id: 'job:etl:daily.fetch', how: 'before' },
      { id: 'job:etl:daily', how: 'parent' },
    ])
    assert.deepEqual((await kin('daily')).jobs, [{ id: 'job:etl:daily.load', how: 'child' }])
    assert.deepEqual((await kin('daily.fetch')).jobs, [{ id: 'job:etl:daily.load', how: 'after' }])
  })
})

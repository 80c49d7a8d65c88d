import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { isFault } from '../../fault.ts'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import type { Direction, Level, Walk, WalkEdge, WalkNode } from './graph.ts'
import type { Link, Statement } from './statement.ts'
import { nodeId } from './statement.ts'
import { dataset, job, graphDuring, ran, statement, use } from './testing.ts'
import type { Said, TestGraph } from './testing.ts'

/** In any order. */
const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort()
const code = (expected: Parameters<typeof isFault>[1]) => (error: unknown) => isFault(error, expected)
const link = (from: string, to: string, more: Partial<Link> = {}): Link => {
  const end = (text: string): Link['from'] => {
    const [name, field] = text.split('#')
    return { name: dataset(name!), ...(field === undefined ? {} : { field }) }
  }
  return { from: end(from), to: end(to), how: 'direct', basis: 'stated', ...more }
}
const schema = (...fields: string[]) => ({ schema: { fields: fields.map((name) => ({ name, type: 'text' })) } })
/** Without what all names of a test share. */
const short = (id: string): string =>
  id.replace(/^(dataset:db|job:etl):/, '').replace(/version:dataset:db:/, 'version:')
const idsOf = (walk: Pick<Walk, 'nodes'>): string[] => walk.nodes.map(({ id }) => short(id))

suite('the lineage graph', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
  })
  after(() => db.drop())

  const graphOf = (t: TestContext, ...records: Said[]): Promise<TestGraph> => graphDuring(t, db, records)
  const walked = async (
    { graph }: TestGraph,
    from: string,
    direction: Direction,
    level: Level = 'names',
    asOf?: number,
  ): Promise<string[]> =>
    idsOf(await graph.walk({ from: [from], direction, level, ...(asOf === undefined ? {} : { asOf }) }))

  test('walks from what was read to what was made of it, and back, nearest first', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['clean']),
      ran('sum', 'r2', 2, 'COMPLETE', ['clean', 'rates'], ['totals']),
    )
    assert.deepEqual(await walked(world, 'raw', 'forward'), ['raw', 'load', 'clean', 'sum', 'totals'])
    assert.deepEqual(await walked(world, 'totals', 'backward'), ['totals', 'sum', 'clean', 'rates', 'load', 'raw'])
    const walk = await world.graph.walk({ from: ['totals'], direction: 'backward', level: 'names', depth: 2 })
    assert.deepEqual(
      walk.nodes.map(({ id, depth }) => [short(id), depth]),
      [
        ['totals', 0],
        ['sum', 1],
        ['clean', 2],
        ['rates', 2],
      ],
    )
    assert.deepEqual(
      sorted(walk.edges.map(({ from, to, how, appeared }) => [short(from), short(to), how, appeared])),
      sorted([
        ['clean', 'sum', 'read', 1],
        ['rates', 'sum', 'read', 1],
        ['sum', 'totals', 'write', 1],
      ]),
    )
  })

  test('takes an input away with the next run that does not read it, and knows it as of before', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 1, 'COMPLETE', ['old', 'raw'], ['clean']),
      ran('load', 'r2', 2, 'COMPLETE', ['raw'], ['clean']),
    )
    assert.deepEqual(await walked(world, 'clean', 'backward'), ['clean', 'load', 'raw'])
    assert.deepEqual((await walked(world, 'clean', 'backward', 'names', 1)).sort(), ['clean', 'load', 'old', 'raw'])
    await world.say(ran('load', 'r3', 3, 'COMPLETE', ['old', 'raw'], ['clean']))
    assert.deepEqual((await walked(world, 'clean', 'backward')).sort(), ['clean', 'load', 'old', 'raw'])
    assert.deepEqual(await walked(world, 'clean', 'backward', 'names', 2), ['clean', 'load', 'raw'])
  })

  test('keeps a job joined to each dataset that it was the last to write, with what it read since', async (t) => {
    const world = await graphOf(
      t,
      ran('export', 'r1', 1, 'COMPLETE', ['a'], ['monday']),
      ran('export', 'r2', 2, 'COMPLETE', ['b'], ['tuesday']),
    )
    assert.deepEqual(await walked(world, 'export', 'forward'), ['export', 'monday', 'tuesday'])
    assert.deepEqual(await walked(world, 'export', 'backward'), ['export', 'a', 'b'])
    await world.say(ran('other', 'r3', 3, 'COMPLETE', [], ['monday']))
    assert.deepEqual(await walked(world, 'export', 'both'), ['export', 'b', 'tuesday'])
  })

  test('adds up the events of one run, in which only the end names what was written', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 2, 'COMPLETE', [], ['clean']),
      ran('load', 'r1', 1, 'START', ['raw'], []),
    )
    assert.deepEqual(await walked(world, 'clean', 'backward'), ['clean', 'load', 'raw'])
  })

  test('counts what a failed run read and wrote as edges, and makes no version of it', async (t) => {
    const world = await graphOf(t, ran('load', 'r1', 1, 'FAIL', ['raw'], ['clean']))
    assert.deepEqual(await walked(world, 'raw', 'forward'), ['raw', 'load', 'clean'])
    assert.deepEqual(await world.graph.versionsOf('clean'), [])
  })

  test('takes two names of one dataset for one node, whenever the symlink comes', async (t) => {
    const symlink = statement(9, { aliases: [[dataset('clean'), dataset('s3/clean')]] })
    const load = ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['s3/clean'])
    const sum = ran('sum', 'r2', 2, 'COMPLETE', ['clean'], ['totals'])
    for (const log of [
      [symlink, load, sum],
      [load, sum, symlink],
    ]) {
      const world = await graphOf(t, ...log)
      const { nodes } = await world.graph.walk({ from: ['raw'], direction: 'forward', level: 'names' })
      assert.deepEqual(
        nodes.map(({ id, depth }) => [short(id), depth]),
        [
          ['raw', 0],
          ['load', 1],
          ['s3/clean', 2],
          ['clean', 2],
          ['sum', 3],
          ['totals', 4],
        ],
      )
      assert.deepEqual(
        (await world.graph.versionsOf('clean')).map(({ version }) => version),
        ['r1'],
      )
      await world.follower.stop()
    }
  })

  test('hands the past of a renamed dataset on, its fields too', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 1, 'COMPLETE', [use('raw', { facets: schema('x') })], [use('old', { facets: schema('x') })], {
        links: [link('raw#x', 'old#x')],
      }),
      statement(2, {
        described: [use('new', { facets: schema('x') })],
        changes: [{ name: dataset('new'), change: 'rename', previous: dataset('old') }],
      }),
    )
    assert.deepEqual(await walked(world, 'new', 'backward'), ['new', 'old', 'load', 'raw'])
    assert.deepEqual(await walked(world, 'new#x', 'backward', 'columns'), ['new#x', 'old#x', 'raw#x'])
  })

  test('ends the edges of a dropped dataset, and brings them back when it is written again', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['clean']),
      ran('sum', 'r2', 2, 'COMPLETE', ['clean'], ['totals']),
      ran('tidy', 'r3', 3, 'COMPLETE', [], ['clean'], { changes: [{ name: dataset('clean'), change: 'drop' }] }),
    )
    assert.deepEqual(await walked(world, 'clean', 'both'), ['clean'])
    assert.deepEqual((await walked(world, 'clean', 'both', 'names', 2)).length, 5)
    await world.say(ran('load', 'r4', 4, 'COMPLETE', ['raw'], ['clean']))
    assert.deepEqual(await walked(world, 'clean', 'both'), ['clean', 'load', 'sum', 'raw', 'totals'])
    assert.deepEqual(
      (await world.graph.lifecycleOf('clean')).map(({ change, time }) => [change, time]),
      [['drop', 3]],
    )
  })

  test('ends on cycles and on a job that reads what it writes', async (t) => {
    const world = await graphOf(
      t,
      ran('one', 'r1', 1, 'COMPLETE', ['a'], ['a', 'b']),
      ran('two', 'r2', 2, 'COMPLETE', ['b'], ['a']),
    )
    assert.deepEqual((await walked(world, 'a', 'both')).sort(), ['a', 'b', 'one', 'two'])
    const { edges } = await world.graph.walk({ from: ['a'], direction: 'forward', level: 'names' })
    assert.equal(edges.length, new Set(edges.map(({ from, to }) => `${from} ${to}`)).size)
  })

  test('goes through a ladder of columns once, however many ways lead up', async (t) => {
    const steps = Array.from({ length: 18 }, (_, i): Link[] => [
      link(`l${i}#a`, `l${i + 1}#a`),
      link(`l${i}#a`, `l${i + 1}#b`),
      link(`l${i}#b`, `l${i + 1}#a`),
      link(`l${i}#b`, `l${i + 1}#b`),
    ])
    const world = await graphOf(t, ...steps.map((links, i) => statement(i + 1, { links })))
    const walk = await world.graph.walk({ from: ['l18'], direction: 'backward', level: 'columns' })
    assert.equal(walk.nodes.filter(({ field }) => field !== undefined).length, 38)
    assert.equal(walk.edges.length, 72)
  })

  test('takes what concerns a dataset as a whole to concern each of its fields', async (t) => {
    const world = await graphOf(
      t,
      ran(
        'load',
        'r1',
        1,
        'COMPLETE',
        [use('raw', { facets: schema('x', 'filter') })],
        [use('clean', { facets: schema('x', 'y') })],
        { links: [link('raw#x', 'clean#x'), link('raw#filter', 'clean', { how: 'indirect' })] },
      ),
    )
    assert.deepEqual((await walked(world, 'clean#y', 'backward', 'columns')).sort(), ['clean', 'clean#y', 'raw#filter'])
    assert.deepEqual((await walked(world, 'raw#filter', 'forward', 'columns')).sort(), [
      'clean',
      'clean#x',
      'clean#y',
      'raw#filter',
    ])
    assert.deepEqual((await walked(world, 'raw', 'forward', 'columns')).sort(), [
      'clean',
      'clean#x',
      'clean#y',
      'raw',
      'raw#filter',
      'raw#x',
    ])
  })

  test('replaces the columns of a job for a dataset with its latest, and never mixes them with its SQL', async (t) => {
    const world = await graphOf(
      t,
      ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['clean'], {
        links: [link('raw#x', 'clean#x', { basis: 'verified' })],
      }),
      ran('load', 'r2', 2, 'COMPLETE', ['raw'], ['clean'], {
        links: [link('raw#y', 'clean#x'), link('raw#y', 'clean#y')],
      }),
      ran('load', 'r3', 3, 'COMPLETE', ['raw'], ['clean'], { links: [link('raw#y', 'clean#x')] }),
    )
    assert.deepEqual(await walked(world, 'clean#x', 'backward', 'columns'), ['clean#x', 'raw#y'])
    assert.deepEqual(await walked(world, 'clean#x', 'backward', 'columns', 1), ['clean#x', 'raw#x'])
    assert.deepEqual(
      (await world.graph.fieldsOf('clean')).map(({ field }) => field),
      ['x'],
    )
    const { edges } = await world.graph.walk({ from: ['clean'], direction: 'backward', level: 'columns' })
    // The edge that stayed is the one of the record that brought it.
    assert.deepEqual(
      edges.map(({ basis, job: by, appeared }) => [basis, by, appeared]),
      [['stated', nodeId(job('load')), 1]],
    )
  })

  test('cuts an answer at its limit, says so, and goes on where it stopped, also when the graph has grown', async (t) => {
    const world = await graphOf(
      t,
      ...Array.from({ length: 12 }, (_, i) =>
        ran(`j${i}`, `r${i}`, i + 1, 'COMPLETE', ['raw', `d${i - 1}`], [`d${i}`]),
      ),
    )
    const query = { from: ['raw'], direction: 'forward', level: 'names' } as const
    const whole = await world.graph.walk(query)
    assert.equal(whole.truncated, false)
    const nodes: WalkNode[] = []
    const edges: WalkEdge[] = []
    let cursor: string | undefined
    do {
      const page = await world.graph.walk({ ...query, limit: 5, ...(cursor === undefined ? {} : { cursor }) })
      assert.equal(page.total, whole.total)
      assert.equal(page.asOf, whole.asOf)
      nodes.push(...page.nodes)
      edges.push(...page.edges)
      cursor = page.cursor
      assert.equal(page.truncated, cursor !== undefined)
      await world.say(ran('late', `l${nodes.length}`, 50, 'COMPLETE', ['raw'], [`late${nodes.length}`]))
    } while (cursor !== undefined)
    assert.deepEqual(nodes, whole.nodes)
    assert.deepEqual(sorted(edges), sorted(whole.edges))
    const { cursor: other } = await world.graph.walk({ ...query, limit: 5 })
    await assert.rejects(world.graph.walk({ ...query, direction: 'both', cursor: other! }), code('invalid'))
    assert.deepEqual(
      new Set((await world.graph.walk({ ...query, kinds: ['job'] })).nodes.map(({ kind }) => kind)),
      new Set(['job']),
    )
  })

  test('finds a node by its bare name when one has it, and names the nearest otherwise', async (t) => {
    const { graph } = await graphOf(
      t,
      ran(
        'load',
        'r1',
        1,
        'COMPLETE',
        ['raw.sends', use(dataset('sends', 'duckdb://crm')), use(dataset('twice', 'one'))],
        [use(dataset('twice', 'two'))],
      ),
    )
    assert.equal((await graph.resolve('raw.sends')).id, 'dataset:db:raw.sends')
    assert.equal((await graph.resolve('dataset:db:raw.sends')).id, 'dataset:db:raw.sends')
    assert.equal((await graph.resolve('dataset:duckdb%3A//crm:sends')).id, 'dataset:duckdb%3A//crm:sends')
    assert.equal(
      (await graph.resolve('dataset:duckdb://crm:sends')).id,
      'dataset:duckdb%3A//crm:sends',
      'as it is said',
    )
    await assert.rejects(graph.resolve('job:duckdb://crm:sends'), code('not_found'))
    await assert.rejects(graph.resolve('twice'), code('invalid'))
    await assert.rejects(graph.resolve('aw.sends'), /did you mean .*dataset:db:raw\.sends/)
    await assert.rejects(graph.resolve('raw.sends', 0), code('not_found'))
    await assert.rejects(graph.resolve('raw.sends', 99), code('invalid'))
    assert.deepEqual(
      (await graph.search('TWICE', undefined, 1)).map(({ id }) => id),
      ['dataset:one:twice'],
    )
  })

  test('holds any name and any facet, and gives them back as they came', async (t) => {
    const hostile = ['a/b:c#d%25', 'nul\0', '\ud800', '表', 'x'.repeat(4000), '__proto__', "'; drop table"]
    const facets = { ['nul\0']: { '\udfff': '\0', schema: null }, empty: null }
    const { graph } = await graphOf(
      t,
      ...hostile.map((name, i) =>
        ran(name, name, i + 1, 'COMPLETE', [use(dataset(name, name), { facets, version: name })], [use(`${name}2`)]),
      ),
    )
    for (const name of hostile) {
      const id = nodeId(dataset(name, name))
      const node = await graph.resolve(id)
      assert.deepEqual([node.namespace, node.name], [name, name])
      assert.deepEqual(
        new Map((await graph.facets(id)).map((facet) => [facet.name, facet.body])),
        new Map(Object.entries(facets)),
      )
      const run = await graph.run(name)
      assert.deepEqual([run.id, run.inputs[0]!.version, run.job], [name, name, nodeId(job(name))])
    }
  })

  test('has of each facet the latest in event time, however it came, and forgets what was taken back', async (t) => {
    const facet = (time: number, facets: object): Statement =>
      statement(time, { described: [use('a', { facets: { ...facets } })] })
    const { graph } = await graphOf(
      t,
      facet(3, { owner: 'later', note: 1 }),
      facet(2, { owner: 'earlier' }),
      facet(4, { note: { _deleted: true } }),
    )
    assert.deepEqual(await graph.facets('a'), [{ name: 'owner', body: 'later', seq: 0, time: 3 }])
    assert.deepEqual(
      (await graph.facets('a', 2)).map(({ name }) => name),
      ['note', 'owner'],
    )
    assert.deepEqual(
      [...(await graph.facetNames(['dataset'])).values()].map((names) => [...names]),
      [['owner']],
    )
  })

  test('does not stop at a record that does not read, and counts it', async (t) => {
    const world = await graphOf(t, ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['clean']))
    await world.say('unreadable', ran('sum', 'r2', 2, 'COMPLETE', ['clean'], ['totals']))
    assert.equal((await walked(world, 'raw', 'forward')).length, 5)
    assert.equal((await world.graph.completeness([], undefined, 0)).unread, 1)
  })

  suite('of runs and versions', () => {
    test('knows the version that a run named, else the last one complete before it began', async (t) => {
      const { graph } = await graphOf(
        t,
        ran('load', 'l1', 10, 'COMPLETE', [], [use('raw', { version: 'v1' })]),
        ran('load', 'l2', 20, 'START', [], ['raw']),
        ran('sum', 's1', 25, 'COMPLETE', ['raw', 'elsewhere'], ['totals']),
        ran('load', 'l2', 30, 'COMPLETE', [], []),
        ran('sum', 's2', 35, 'COMPLETE', ['raw'], ['totals']),
        ran('sum', 's3', 40, 'COMPLETE', [use('raw', { version: 'v1' })], ['totals']),
      )
      const read = async (id: string) =>
        (await graph.run(id)).inputs.map(({ dataset: of, version, resolved }) => [short(of), version, resolved])
      assert.deepEqual(
        sorted(await read('s1')),
        sorted([
          ['elsewhere', undefined, 'unknown'],
          ['raw', 'v1', 'by time'],
        ]),
      )
      assert.deepEqual(await read('s2'), [['raw', 'l2', 'by time']])
      assert.deepEqual(await read('s3'), [['raw', 'v1', 'stated']])
      assert.deepEqual(
        (await graph.versionsOf('raw')).map(({ version, run, time }) => [version, run, time]),
        [
          ['l2', 'l2', 30],
          ['v1', 'l1', 10],
        ],
      )
      assert.equal((await graph.lastRunBefore('raw', 29))?.run, 'l1')
      assert.equal(await graph.lastRunBefore('raw', 9), undefined)

      const back = await graph.walkRuns({ from: ['totals'], direction: 'backward' })
      assert.deepEqual(idsOf(back as never), ['version:totals@s3', 'run:s3', 'version:raw@v1', 'run:l1'])
      const forward = await graph.walkRuns({ from: ['version:dataset:db:raw@v1'], direction: 'forward' })
      assert.deepEqual(idsOf(forward as never).sort(), [
        'run:s1',
        'run:s3',
        'version:raw@v1',
        'version:totals@s1',
        'version:totals@s3',
      ])
      assert.deepEqual(
        sorted(forward.edges.filter(({ how }) => how === 'read').map(({ to, resolved }) => [to, resolved])),
        sorted([
          ['run:s1', 'by time'],
          ['run:s3', 'stated'],
        ]),
      )
      const cut = await graph.walkRuns({ from: ['run:s2'], direction: 'backward', limit: 1 })
      assert.deepEqual([cut.total, cut.truncated], [3, true])
      const rest = await graph.walkRuns({ from: ['run:s2'], direction: 'backward', limit: 5, cursor: cut.cursor! })
      assert.deepEqual(idsOf(rest as never), ['version:raw@l2', 'run:l2'])
    })

    test('says the state of a run, its versions and its times as they were known', async (t) => {
      const { graph } = await graphOf(
        t,
        ran('load', 'r1', 1, 'START', ['raw'], ['clean'], {
          run: { id: 'r1', state: 'START', facets: { a: 1 }, parent: 'p' },
        }),
        ran('load', 'r1', 5, 'COMPLETE'),
        ran('load', 'r1', 7, 'FAIL', [], [use('clean', { here: { rows: 3 } })]),
        ran('load', 'r1', 6, 'COMPLETE'),
      )
      const at = async (asOf: number) => {
        const { state, started, updated, ended, events } = await graph.run('run:r1', asOf)
        return [state, started, updated, ended, events]
      }
      assert.deepEqual(await at(1), ['START', 1, 1, undefined, 1])
      assert.deepEqual(await at(2), ['COMPLETE', 1, 5, 5, 2])
      assert.deepEqual(await at(4), ['FAIL', 1, 7, 7, 4])
      const known = async (asOf: number) => (await graph.versionsOf('clean', asOf)).map(({ version }) => version)
      assert.deepEqual([await known(1), await known(2), await known(3)], [[], ['r1'], []])
      const run = await graph.run('r1')
      assert.deepEqual(
        [run.parent, run.facets, run.outputs[0]!.here],
        ['p', [{ name: 'a', body: 1, seq: 0, time: 1 }], { rows: 3 }],
      )
      assert.deepEqual(
        (await graph.runsOf('load')).map(({ id }) => id),
        ['r1'],
      )
      await assert.rejects(graph.run('r1', 0), code('not_found'))
    })

    test('gives the position behind a time, a run and a version', async (t) => {
      const { graph } = await graphOf(
        t,
        ran('load', 'r1', 1, 'START', [], ['clean']),
        ran('load', 'r1', 2, 'COMPLETE'),
        ran('load', 'r2', 3, 'COMPLETE', [], ['clean']),
      )
      // Recorded at one, two and three seconds.
      const time = async (seconds: number) => graph.positionOf({ time: seconds * 1_000_000 })
      assert.deepEqual([await time(0), await time(1), await time(1.5), await time(9)], [0, 0, 1, 3])
      assert.equal(await graph.positionOf({ run: 'r1' }), 2)
      assert.equal(await graph.positionOf({ dataset: 'clean', version: 'r1' }), 2)
      await assert.rejects(graph.positionOf({ run: 'r9' }), code('not_found'))
      await assert.rejects(graph.positionOf({ dataset: 'clean', version: 'r9' }), code('not_found'))
    })

    test('says which jobs fell silent, which runs never ended and what comes from nowhere', async (t) => {
      const { graph } = await graphOf(
        t,
        ...[10, 20, 30, 40].map((time) => ran('daily', `d${time}`, time, 'COMPLETE', ['raw'], ['clean'])),
        ran('twice', 't1', 10, 'COMPLETE', [], ['x']),
        ran('twice', 't2', 11, 'COMPLETE', [], ['x']),
        ran('daily', 'd50', 45, 'START', ['raw'], []),
      )
      const ids = (await graph.nodes(['dataset', 'job'])).map(({ id }) => id)
      const lack = await graph.completeness(ids, undefined, 76)
      assert.deepEqual(lack.silent, [{ job: nodeId(job('daily')), last: 45, rhythm: 10 }])
      assert.deepEqual(lack.open, [{ run: 'd50', job: nodeId(job('daily')), started: 45, updated: 45 }])
      assert.deepEqual(lack.unknownInputs, [nodeId(dataset('raw'))])
      assert.equal(lack.pending, 0)
      assert.deepEqual((await graph.completeness(ids, undefined, 75)).silent, [])
      assert.deepEqual((await graph.completeness(ids, 6, 76)).open, [])
    })

    test('says how many records are not in it yet', async (t) => {
      const { log, graph, follower } = await graphOf(t, ran('load', 'r1', 1, 'COMPLETE', ['raw'], ['clean']))
      assert.equal((await graph.completeness([], 1, 9)).pending, 0)
      await follower.stop()
      log.append(...[2, 3, 4].map((time) => ran('load', `r${time}`, time, 'COMPLETE', ['raw'], ['clean'])))
      assert.equal((await graph.completeness([], 1, 9)).pending, 3)
    })

    test('says of which jobs no columns are told, where columns were followed', async (t) => {
      const stated = (from: string, to: string): Link => ({
        from: { name: dataset(from), field: 'x' },
        to: { name: dataset(to), field: 'x' },
        how: 'direct',
        basis: 'stated',
      })
      const { graph } = await graphOf(
        t,
        ran('told', 'r1', 1, 'COMPLETE', ['raw'], ['clean'], { links: [stated('raw', 'clean')] }),
        ran('dark', 'r2', 2, 'COMPLETE', ['raw'], ['other']),
        ran('own', 'r3', 3, 'COMPLETE', ['raw'], ['self'], { links: [stated('self', 'self')] }),
        ran('source', 'r4', 4, 'COMPLETE', [], ['raw']),
      )
      const around = async (name: string, way?: 'backward' | 'forward') =>
        (await graph.completeness([nodeId(dataset(name))], undefined, 9, way)).withoutColumns
      assert.deepEqual(await around('raw', 'forward'), [nodeId(job('dark')), nodeId(job('own'))])
      assert.deepEqual(await around('raw', 'backward'), [], 'what a job makes of nothing has no columns to tell of')
      assert.deepEqual(await around('clean', 'backward'), [])
      assert.deepEqual(await around('other', 'backward'), [nodeId(job('dark'))])
      assert.deepEqual(await around('raw'), [], 'asked for datasets alone')
    })
  })
})

// The promises that hold of every log: any order and repetition gives the same graph, a position gives the graph of the
// records before it, and a rebuild gives the tables that were there.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { openTestDatabase } from '../../store/testing.ts'
import type { TestDatabase } from '../../store/testing.ts'
import type { Facets, Link, RunState, Statement, Use } from './statement.ts'
import { dataset, dump, job, openTestGraph, statement, tables } from './testing.ts'

const names = fc.constantFrom('a', 'b', 'c', 'd')
const fields = fc.constantFrom('x', 'y', 'z')
const facets: fc.Arbitrary<Facets> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  fc.record({
    schema: fc.subarray(['x', 'y', 'z']).map((list) => ({ fields: list.map((name) => ({ name })) })),
  }),
  fc.record({ owner: fc.oneof(fc.constantFrom('one', 'two'), fc.constant({ _deleted: true })) }),
)
const use: fc.Arbitrary<Use> = fc
  .record({ name: names, version: fc.option(fc.constantFrom('1', '2'), { nil: undefined }), facets })
  .map(({ name, version, facets: said }) => ({
    name: dataset(name),
    ...(version === undefined ? {} : { version }),
    facets: said,
    here: {},
  }))
const uses = fc.array(use, { maxLength: 2 })
const link: fc.Arbitrary<Link> = fc
  .record({
    from: names,
    fromField: fc.option(fields, { nil: undefined }),
    to: names,
    toField: fc.option(fields, { nil: undefined }),
    basis: fc.constantFrom<Link['basis'][]>('stated', 'verified'),
    how: fc.constantFrom<Link['how'][]>('direct', 'indirect'),
  })
  .map(({ from, fromField, to, toField, basis, how }) => ({
    from: { name: dataset(from), ...(fromField === undefined ? {} : { field: fromField }) },
    to: { name: dataset(to), ...(toField === undefined ? {} : { field: toField }) },
    how,
    basis,
  }))
const change = fc
  .record({ name: names, change: fc.constantFrom('drop', 'create', 'overwrite', 'rename'), previous: names })
  .map(({ name, change: what, previous }) => ({
    name: dataset(name),
    change: what,
    ...(what === 'rename' ? { previous: dataset(previous) } : {}),
  }))
const states = fc.option(fc.constantFrom<RunState[]>('START', 'RUNNING', 'COMPLETE', 'FAIL'), { nil: undefined })
const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<T[]>([]) }, fc.array(one, { minLength: 1, maxLength: 2 }))

const world: fc.Arbitrary<Statement> = fc
  .record({
    time: fc.integer({ min: 1, max: 5 }),
    job: fc.constantFrom('j', 'k', 'l', undefined),
    run: fc.constantFrom('r1', 'r2', 'r3', undefined),
    state: states,
    jobFacets: facets,
    inputs: uses,
    outputs: uses,
    described: some(use),
    links: some(link),
    aliases: some(fc.tuple(names, names)),
    changes: some(change),
    unlinked: some(names),
    isDropped: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, fc.constant(true)),
    parents: some(fc.constantFrom('j', 'k')),
  })
  .map((one) =>
    statement(one.time, {
      ...(one.job === undefined ? {} : { job: { name: job(one.job), facets: one.jobFacets } }),
      ...(one.run === undefined || one.job === undefined
        ? {}
        : { run: { id: one.run, facets: {}, ...(one.state === undefined ? {} : { state: one.state }) } }),
      inputs: one.inputs,
      outputs: one.outputs,
      described: one.described,
      links: one.links,
      aliases: one.aliases.map(([a, b]) => [dataset(a), dataset(b)] as const),
      unlinked: one.unlinked.map((name) => dataset(name)),
      changes: [
        ...one.changes,
        ...(one.job !== undefined && one.isDropped ? [{ name: job(one.job), change: 'drop' as const }] : []),
      ],
      jobs:
        one.job === undefined ? [] : one.parents.map((from) => ({ from: job(from), to: job(one.job!), how: 'parent' })),
    }),
  )
const logs = fc.array(
  world.map((one) => [one]),
  { minLength: 1, maxLength: 7 },
)

suite('the graph of any small world', () => {
  let db: TestDatabase
  before(async () => {
    db = await openTestDatabase()
  })
  after(() => db.drop())

  const graphOf = async (records: readonly (readonly Statement[])[]): Promise<unknown> => {
    const { graph, follower } = await openTestGraph(db, records)
    try {
      return await dump(db, graph)
    } finally {
      await follower.stop()
    }
  }

  test('is the same for any order and repetition of what was said', async () => {
    const shuffled = logs.chain((log) =>
      fc.tuple(
        fc.constant(log),
        fc.shuffledSubarray([...log, ...log], { minLength: log.length * 2, maxLength: log.length * 2 }),
      ),
    )
    await fc.assert(
      fc.asyncProperty(shuffled, async ([log, other]) => assert.deepEqual(await graphOf(other), await graphOf(log))),
      { numRuns: 60 },
    )
  })

  test('as of a position is the graph of the records before it', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (log) => {
        const prefixes = []
        for (let end = 0; end <= log.length; end++) prefixes.push(await graphOf(log.slice(0, end)))
        const { graph, follower } = await openTestGraph(db, log)
        for (const [asOf, prefix] of prefixes.entries()) assert.deepEqual(await dump(db, graph, asOf), prefix)
        await follower.stop()
      }),
      { numRuns: 30 },
    )
  })

  test('has the same tables and walks, whether followed record by record, in batches, or rebuilt', async () => {
    const cut = logs.chain((log) =>
      fc.tuple(fc.constant(log), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 7, maxLength: 7 })),
    )
    await fc.assert(
      fc.asyncProperty(cut, async ([log, sizes]) => {
        const live = await openTestGraph(db)
        const walk = (graph: typeof live.graph) =>
          graph.walk({
            from: log[0]![0]!.inputs.map(({ name }) => `dataset:db:${name.name}`),
            direction: 'both',
            level: 'columns',
          })
        for (let at = 0, i = 0; at < log.length; at += sizes[i++]!) {
          await live.say(...log.slice(at, at + sizes[i]!))
          // So that memory follows in as many steps as the tables do.
          await live.graph.nodes(['job'])
        }
        const followed = await tables(db)
        const walked = await walk(live.graph)
        await live.follower.stop()
        const again = await openTestGraph(db, log)
        assert.deepEqual(await tables(db), followed)
        assert.deepEqual(await walk(again.graph), walked)
        await again.follower.stop()
      }),
      {
        numRuns: 60,
        // A job tells of columns of what it does not write, is dropped, and comes back.
        examples: [
          [
            [
              [
                [
                  statement(1, {
                    job: { name: job('j'), facets: {} },
                    run: { id: 'r1', facets: {} },
                    changes: [{ name: dataset('c'), change: 'drop' }],
                  }),
                ],
                [
                  statement(1, {
                    job: { name: job('l'), facets: {} },
                    run: { id: 'r1', facets: {} },
                    links: [
                      { from: { name: dataset('a') }, to: { name: dataset('c') }, how: 'direct', basis: 'stated' },
                    ],
                  }),
                ],
                [
                  statement(1, {
                    job: { name: job('j'), facets: {} },
                    run: { id: 'r3', facets: {} },
                    outputs: [{ name: dataset('c'), facets: {}, here: {} }],
                  }),
                ],
              ],
              [1, 1, 1, 1, 1, 1, 1],
            ],
          ],
        ],
      },
    )
  })
})

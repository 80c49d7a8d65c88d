// What users of other back ends complain of, one test each, in their words. None of it may come true here.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client, LineageExplainQuery, LineageNode } from '@whence/sdk'
import { refused } from './answers.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const facet = { _producer: 'https://x.example', _schemaURL: 'https://x.example/schema' }
let made = 0
const newRun = () => `01936893-9751-7a91-a2a0-${String(++made).padStart(12, '0')}`
const dataset = (name: string, facets: object = {}) => ({ namespace: 'db', name, facets })
const id = (name: string) => `dataset:db:${name}`
const job = (name: string) => `job:etl:${name}`
const day = (n: number) => `2026-03-${String(n).padStart(2, '0')}T10:00:00Z`
const idsOf = ({ nodes }: { nodes: LineageNode[] }) => nodes.map((node) => node.id)
const from = (source: string, field: string) => ({ inputFields: [{ namespace: 'db', name: source, field }] })
const columns = (fields: object) => ({ columnLineage: { ...facet, fields } })

suite('what users complain of:', () => {
  let site: Site
  let server: Running
  let whence: Client

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
  })
  after(() => site?.remove())

  /** An event of a run; gives the run's id. */
  const ran = async (
    of: string,
    n: number,
    inputs: (string | object)[],
    outputs: (string | object)[],
    over: { run?: string; eventType?: string } = {},
  ): Promise<string> => {
    const { run = newRun(), eventType = 'COMPLETE' } = over
    const uses = (list: (string | object)[]) => list.map((one) => (typeof one === 'string' ? dataset(one) : one))
    const { violations } = await whence.collect({
      eventType,
      eventTime: day(n),
      producer: 'https://orchestrator.example/v1',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
      run: { runId: run },
      job: { namespace: 'etl', name: of },
      inputs: uses(inputs),
      outputs: uses(outputs),
    })
    assert.deepEqual(violations, [])
    return run
  }
  const upstream = async (node: string, query: Omit<LineageExplainQuery, 'node'> = {}) =>
    new Set(idsOf(await whence.lineageExplain({ node, ...query })))
  const downstream = async (node: string, query: Omit<LineageExplainQuery, 'node'> = {}) =>
    new Set(idsOf(await whence.lineageImpact({ node, ...query })))

  test('no lineage of a past version or run, or as of a time', async () => {
    const first = await ran('past', 1, ['past-old'], ['past'])
    const then = new Date(Date.now() + 2).toISOString()
    await new Promise((resolve) => setTimeout(resolve, 5))
    const second = await ran('past', 2, ['past-new'], ['past'])
    assert.deepEqual(await upstream(id('past')), new Set([id('past'), job('past'), id('past-new')]))
    const old = new Set([id('past'), job('past'), id('past-old')])
    assert.deepEqual(await upstream(id('past'), { at: then }), old)
    assert.deepEqual(await upstream(id('past'), { asOfRun: first }), old)
    assert.deepEqual(await upstream(id('past'), { asOfVersion: `${id('past')}@${first}` }), old)
    const { asOf } = await whence.lineageExplain({ node: id('past'), asOfRun: first })
    assert.deepEqual(await upstream(id('past'), { asOf }), old)
    // Of one version, whatever is known by now.
    assert.ok((await upstream(`version:${id('past')}@${first}`)).has(`run:${first}`))
    assert.ok((await upstream(`run:${second}`)).has(`version:${id('past-new')}@`), 'nobody knows which version')
  })

  test('the version that an input names is ignored', async () => {
    const versioned = (version: string) => dataset('rates', { version: { ...facet, datasetVersion: version } })
    const one = await ran('rate', 1, [], [versioned('v@1')])
    const two = await ran('rate', 2, [], [versioned('v@2')])
    const stale = await ran('bill', 3, [versioned('v@1')], ['bills'])
    const current = await ran('bill', 4, ['rates'], ['bills'])
    const read = async (run: string) =>
      (await whence.lineageRun({ run })).inputs.map(({ version, resolved }) => [version, resolved])
    assert.deepEqual(await read(stale), [['v@1', 'stated']])
    assert.deepEqual(await read(current), [['v@2', 'by time']])
    const reached = await upstream(`run:${stale}`)
    assert.ok(reached.has(`run:${one}`) && !reached.has(`run:${two}`))
    // An id from an answer is good for every question.
    const named = [...reached].find((each) => each.startsWith('version:') && each.includes('rates'))
    assert.ok((await downstream(named!)).has(`run:${stale}`))
    const { asOf } = await whence.lineageExplain({ node: id('rates'), asOfVersion: named! })
    const diff = await whence.lineageDiff({ from: named!, to: `version:${id('rates')}@v%402` })
    assert.deepEqual([diff.from.run, diff.to.run], [one, two])
    assert.ok(asOf < diff.asOf)
  })

  test('the same job with other outputs or inputs in each run loses the earlier ones', async () => {
    const runs = [
      await ran('parts', 1, ['part-1'], ['embedded-1']),
      await ran('parts', 2, ['part-2'], ['embedded-2']),
      await ran('parts', 3, ['part-3'], ['embedded-3']),
    ]
    const reached = await downstream(job('parts'))
    for (const n of [1, 2, 3]) {
      assert.ok(reached.has(id(`embedded-${n}`)))
      assert.ok((await upstream(id(`embedded-${n}`))).has(id(`part-${n}`)))
      const own = await downstream(`run:${runs[n - 1]}`)
      assert.deepEqual(own, new Set([`run:${runs[n - 1]}`, `version:${id(`embedded-${n}`)}@${runs[n - 1]}`]))
    }
  })

  test('what is deleted still joins what it no longer joins', async () => {
    await ran('load', 1, ['d1'], ['d2'])
    await ran('clean', 1, ['d2'], ['d3'])
    await ran('serve', 1, ['d3'], ['d4'])
    const before_ = await whence.lineageImpact({ node: id('d1') })
    assert.ok(idsOf(before_).includes(id('d4')))
    await ran('tidy', 2, [], [dataset('d3', { lifecycleStateChange: { ...facet, lifecycleStateChange: 'DROP' } })])
    assert.deepEqual(await downstream(id('d1')), new Set([id('d1'), job('load'), id('d2'), job('clean')]))
    assert.ok((await downstream(id('d1'), { asOf: before_.asOf })).has(id('d4')), 'as it was known then')
    // A job that is gone: until it runs again, nothing flows through it.
    await ran('clean', 3, ['d2'], ['d3'])
    await ran('serve', 3, ['d3'], ['d4'])
    await whence.collect({
      eventTime: day(4),
      producer: 'https://orchestrator.example/v1',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent',
      job: {
        namespace: 'etl',
        name: 'clean',
        facets: { lifecycleStateChange: { ...facet, lifecycleStateChange: 'DROP' } },
      },
    })
    assert.deepEqual(await downstream(id('d1')), new Set([id('d1'), job('load'), id('d2')]))
    assert.deepEqual(await upstream(id('d4')), new Set([id('d4'), job('serve'), id('d3')]))
    assert.deepEqual(
      (await whence.lineageNode({ node: job('clean') })).lifecycle.map(({ change }) => change),
      ['drop'],
    )
    const covered = async () => (await whence.lineageCoverage()).jobs.map((each) => each.job)
    assert.ok(!(await covered()).includes(job('clean')))
    await ran('clean', 2, ['d2'], ['d3'])
    assert.ok(!(await downstream(id('d1'))).has(id('d4')), 'what was before, told late')
    await ran('clean', 5, ['d2'], ['d3'])
    assert.ok((await downstream(id('d1'))).has(id('d4')))
    assert.ok((await covered()).includes(job('clean')))
  })

  test('duplicates, and symlinks that come late, make two graphs of one', async () => {
    await ran('write', 1, [], ['/lake/t'])
    await ran('write', 1, [], ['/lake/t'], { run: `01936893-9751-7a91-a2a0-${String(made).padStart(12, '0')}` })
    await ran('use', 2, ['hive.t'], ['report'])
    assert.ok(!(await upstream(id('report'))).has(job('write')))
    const identifiers = [{ namespace: 'db', name: 'hive.t', type: 'TABLE' }]
    await ran('write', 3, [], [dataset('/lake/t', { symlinks: { ...facet, identifiers } })])
    const explained = await whence.lineageExplain({ node: id('report') })
    assert.ok(idsOf(explained).includes(job('write')))
    assert.deepEqual(explained.sources, [id('/lake/t')])
    assert.equal((await whence.lineageImpact({ node: job('write') })).counts.datasets, 2, 'and it counts once')
  })

  test('RUNNING events break lineage', async () => {
    const run = newRun()
    await ran('stream', 1, ['topic'], ['sink'], { run, eventType: 'START' })
    for (let n = 2; n < 6; n++) await ran('stream', n, [], [], { run, eventType: 'RUNNING' })
    const answer = await whence.lineageExplain({ node: id('sink') })
    assert.deepEqual(idsOf(answer), [id('sink'), job('stream'), id('topic')])
    assert.deepEqual(
      answer.completeness.open.map((open) => open.run),
      [run],
    )
    await ran('stream', 7, [], [], { run })
    assert.deepEqual(idsOf(await whence.lineageExplain({ node: id('sink') })), idsOf(answer))
  })

  test('the impact of a column ends after one hop', async () => {
    for (let n = 0; n < 8; n++) {
      const [source, target] = [`hop-${n}`, `hop-${n + 1}`]
      await ran(`hop-${n}`, 1, [source], [dataset(target, columns({ [`c${n + 1}`]: from(source, `c${n}`) }))])
    }
    const answer = await whence.lineageImpact({ node: `${id('hop-0')}#c0` })
    assert.deepEqual(
      answer.nodes.map((node) => [node.id, node.depth]),
      Array.from({ length: 9 }, (_, n) => [`${id(`hop-${n}`)}#c${n}`, n]),
    )
    const plan = await whence.whatIf({ changes: [{ dataset: id('hop-0'), field: 'c0', change: 'drop' }] })
    assert.equal(
      plan.consequences.filter(({ certainty, kind }) => certainty === 'breaks' && kind === 'dataset').length,
      8,
    )
  })

  test('stale edges of columns are kept: taken back, they end at once, and only from then on', async () => {
    const stated = dataset('wide', columns({ a: from('narrow', 'x'), b: from('narrow', 'y') }))
    await ran('widen', 1, ['narrow'], [stated])
    const { asOf } = await whence.lineageImpact({ node: `${id('narrow')}#x` })
    await ran('widen', 2, ['narrow'], [dataset('wide', columns({ b: from('narrow', 'y') }))])
    assert.ok(!(await upstream(`${id('wide')}#b`)).has(`${id('narrow')}#x`))
    await refused(whence.lineageImpact({ node: `${id('narrow')}#x` }), 'not_found')
    assert.ok((await downstream(`${id('narrow')}#x`, { asOf })).has(`${id('wide')}#a`))
    await ran('widen', 3, ['narrow'], [dataset('wide', { columnLineage: { ...facet, _deleted: true } })])
    await refused(whence.lineageImpact({ node: `${id('narrow')}#y` }), 'not_found')
    await ran('widen', 4, ['narrow'], [stated])
    assert.ok((await downstream(`${id('narrow')}#x`)).has(`${id('wide')}#a`))
    await ran('widen', 5, ['narrow'], [dataset('wide', columns({}))])
    await refused(whence.lineageImpact({ node: `${id('narrow')}#x` }), 'not_found')
  })

  test('an empty answer while the index lags looks like no impact', async () => {
    const events = Array.from({ length: 1500 }, (_, i) => ({
      eventType: 'COMPLETE',
      eventTime: day(1),
      producer: 'https://orchestrator.example/v1',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
      run: { runId: newRun() },
      job: { namespace: 'etl', name: `lag-${i}` },
      inputs: [dataset('lag-source')],
      outputs: [dataset(`lag-${i}`)],
    }))
    assert.equal(await whence.collectBatch(events), undefined)
    const { counts, completeness } = await whence.lineageImpact({ node: id('lag-source') })
    assert.deepEqual([counts.datasets, counts.jobs, completeness.pending], [1500, 1500, 0])
  })

  test('nothing says that a producer has gone quiet, or that a run never ended, where columns or kinds are asked for', async () => {
    const stated = dataset('quiet-out', columns({ y: from('quiet-in', 'x') }))
    for (const n of [1, 2, 3]) await ran('quiet', n, ['quiet-in'], [stated])
    const open = await ran('quiet', 4, ['quiet-in'], [stated], { eventType: 'START' })
    for (const query of [
      { node: id('quiet-in') },
      { node: id('quiet-in'), kinds: 'dataset' },
      { node: `${id('quiet-in')}#x` },
    ]) {
      const { completeness, notes } = await whence.lineageImpact(query)
      assert.deepEqual(
        [completeness.open.map(({ run }) => run), completeness.silent.map((silent) => silent.job)],
        [[open], [job('quiet')]],
        JSON.stringify(query),
      )
      assert.ok(notes.some((note) => note.includes('never ended')) && notes.some((note) => note.includes('silent')))
    }
  })

  test('a graph that is too large is cut without a word, and its pages do not fit together', async () => {
    for (let layer = 0; layer < 12; layer++) {
      for (const side of ['a', 'b']) {
        const fields = {
          c: { inputFields: ['a', 'b'].map((other) => from(`big-${layer}-${other}`, 'c').inputFields[0]) },
        }
        const inputs = ['a', 'b'].map((other) => `big-${layer}-${other}`)
        await ran(`big-${layer}-${side}`, 1, inputs, [dataset(`big-${layer + 1}-${side}`, columns(fields))])
      }
    }
    const node = id('big-12-a')
    for (const query of [
      { node, level: 'names' as const },
      { node: `${node}#c`, level: 'columns' as const },
      { node, level: 'runs' as const },
      { node, level: 'names' as const, kinds: 'dataset' },
    ]) {
      const whole = await whence.lineageExplain({ ...query, depth: 100 })
      assert.ok(!whole.truncated && whole.cursor === undefined && whole.total === whole.nodes.length)
      const [nodes, edges] = [[] as LineageNode[], [] as object[]]
      let cursor: string | undefined
      do {
        const page = await whence.lineageExplain({ ...query, depth: 100, limit: 7, ...(cursor ? { cursor } : {}) })
        nodes.push(...page.nodes)
        edges.push(...page.edges)
        assert.deepEqual([page.total, page.truncated], [whole.total, page.cursor !== undefined])
        assert.equal(page.asOf, whole.asOf, 'as of one position, though the graph grows')
        assert.ok(
          page.sources.every((source) => whole.sources.includes(source)),
          'nothing is a source of a page only',
        )
        cursor = page.cursor
        // Something else is said between the pages.
        if (nodes.length < 15) await ran('big-11-a', 2, ['big-elsewhere'], ['big-12-a'])
      } while (cursor !== undefined)
      assert.deepEqual(nodes, whole.nodes)
      const sorted = (list: object[]) => list.map((edge) => JSON.stringify(edge)).toSorted()
      assert.deepEqual(sorted(edges), sorted(whole.edges))
      await refused(
        whence.lineageExplain({ ...query, depth: 99, cursor: `${whole.asOf}.7.0123456789abcdef` }),
        'invalid',
      )
      // Back to where it was, for the next question.
      await ran('big-11-a', 3, ['big-11-a', 'big-11-b'], ['big-12-a'])
    }
    const shallow = await whence.lineageExplain({ node, depth: 2 })
    assert.deepEqual(shallow.sources, [], 'where the depth ends, no source is')
    assert.ok(
      shallow.notes.some((note) => note.includes('ask with a larger depth')),
      shallow.notes.join(),
    )
    assert.ok(!(await whence.lineageExplain({ node, depth: 100 })).notes.some((note) => note.includes('depth')))
  })

  test('explicit edges past the job that states them are lost', async () => {
    await whence.collect({
      eventTime: day(1),
      producer: 'https://catalog.example',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent',
      job: {
        namespace: 'etl',
        name: 'catalog',
        facets: {
          lineage: {
            ...facet,
            entries: [
              {
                namespace: 'db',
                name: 'enriched',
                type: 'DATASET',
                inputs: [
                  { namespace: 'db', name: 'orders', type: 'DATASET' },
                  { namespace: 'etl', name: 'enrich', type: 'JOB' },
                ],
              },
            ],
          },
        },
      },
    })
    assert.deepEqual(await upstream(id('enriched')), new Set([id('enriched'), id('orders'), job('enrich')]))
  })
})

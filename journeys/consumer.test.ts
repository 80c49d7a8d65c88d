// The consumer scenarios of the official OpenLineage compatibility suite that are neither of Airflow nor of Hive: fed in
// file-name order, and then held field by field against what their events say, as people read them.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  eventsOf,
  fed,
  holdsFacets,
  jobType,
  keysOf,
  producersOf,
  runsOf,
  sameInAnyOrder,
  skip,
  spark,
  violations,
} from './consumer.ts'
import type { ExpectedRun } from './consumer.ts'
import { bare, stateOf } from './lineage-state.ts'
import type { State } from './lineage-state.ts'

suite('consumer scenarios of the official suite', { skip }, () => {
  test('simple_run_event: a run whose id is no UUID', async (t) => {
    const texts = eventsOf('compat-consumer/simple_run_event/events').map(({ text }) => text)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)
    const [job, input, output] = [
      'job:job_namespace:job_name',
      'dataset:bigquery:test.table.input',
      'dataset:bigquery:test.table.output',
    ]
    const time = '2023-04-04T13:21:16.098000Z'
    assert.deepEqual(state, {
      jobs: { [job]: { facets: {}, jobs: [], runs: ['run_id'] } },
      datasets: {
        [input]: { facets: {}, names: [], fields: [], versions: [], lifecycle: [] },
        [output]: {
          facets: {},
          names: [],
          fields: [],
          versions: [{ version: 'run_id', run: 'run_id', job, time }],
          lifecycle: [],
        },
      },
      runs: {
        run_id: {
          id: 'run_id',
          job,
          state: 'COMPLETE',
          started: time,
          updated: time,
          ended: time,
          producer: 'producer',
          facets: {},
          inputs: [{ dataset: input, resolved: 'unknown', facets: {}, here: {} }],
          outputs: [{ dataset: output, version: 'run_id', facets: {}, here: {} }],
        },
      },
      edges: [`${input} read ${job}`, `${job} write ${output}`],
      columns: [],
    } satisfies State)
    assert.deepEqual(await violations(client), [['producer.uri', 'run.runId.uuid']])
    const explained = await client.lineageExplain({ node: output })
    assert.deepEqual(explained.sources, [input])
    assert.deepEqual(explained.completeness.unknownInputs, [input])
    assert.equal(explained.completeness.openCount, 0)
    await sameInAnyOrder(t, texts, state)
  })

  test('CLL: columns, direct and indirect, of a table that joins two', async (t) => {
    const texts = eventsOf('compat-consumer/CLL/events').map(({ text }) => text)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)
    const application = 'job:testColumnLevelLineage:open_lineage_integration_create_table'
    const create1 = `${application}.execute_create_table_command.cll_test_cll_source1`
    const create2 = `${application}.execute_create_table_command.cll_test_cll_source2`
    const select = `${application}.execute_create_hive_table_as_select_command.default_tbl1`
    const path = (table: string): string => `dataset:file:/tmp/cll_test/${table}`
    const hive = (table: string): string => `dataset:file%3A/tmp/cll_test:default.${table}`
    const [one, two, tbl1] = [path('cll_source1'), path('cll_source2'), path('tbl1')]
    const at = (time: string): string => `2024-08-06T13:26:${time}000Z`
    const runs = {
      application: '019127de-fd25-7707-bfa4-3ec02693a531',
      create1: '019127df-00a2-743c-b714-df7e6dcadb2b',
      create2: '019127df-074d-7d1b-b8d8-8a2c16a2fe60',
      select: '019127df-0850-72bc-b214-b255290588a6',
    }

    assert.deepEqual(runsOf(state), {
      [runs.application]: {
        job: application,
        state: 'COMPLETE',
        started: at('49.980'),
        ended: at('54.353'),
        facets: ['environment-properties', 'processing_engine', 'spark_applicationDetails', 'spark_properties'],
      },
      [runs.create1]: {
        job: create1,
        state: 'COMPLETE',
        started: at('51.809'),
        ended: at('53.465'),
        parent: runs.application,
        writes: [`${one} @ ${runs.create1}`],
        // What only the START said is still there.
        facets: [
          'environment-properties',
          'parent',
          'processing_engine',
          'spark.logicalPlan',
          'spark_properties',
          'spark_unknown',
        ],
      },
      // Nobody sent its START.
      [runs.create2]: {
        job: create2,
        state: 'COMPLETE',
        started: at('53.511'),
        ended: at('53.511'),
        parent: runs.application,
        writes: [`${two} @ ${runs.create2}`],
        facets: ['environment-properties', 'parent', 'processing_engine', 'spark.logicalPlan', 'spark_properties'],
      },
      // The statistics are those of the second RUNNING: the COMPLETE has none.
      [runs.select]: {
        job: select,
        state: 'COMPLETE',
        started: at('53.776'),
        ended: at('54.340'),
        parent: runs.application,
        reads: [`${one} @ ${runs.create1} by time`, `${two} @ ${runs.create2} by time`],
        writes: [`${tbl1} @ ${runs.select} 0 rows 0 bytes`],
        facets: [
          'environment-properties',
          'parent',
          'processing_engine',
          'spark.logicalPlan',
          'spark_jobDetails',
          'spark_properties',
        ],
      },
    } satisfies Record<string, ExpectedRun>)
    assert.deepEqual(producersOf(state), [spark('1.19.0-SNAPSHOT')])
    for (const run of Object.values(state.runs)) {
      assert.equal(run.root, undefined)
      assert.deepEqual(bare(run.facets.processing_engine), {
        version: '3.3.4',
        name: 'spark',
        openlineageAdapterVersion: '1.19.0-SNAPSHOT',
      })
    }
    assert.deepEqual(bare(state.runs[runs.select]!.facets.spark_jobDetails), { jobId: 0 })

    assert.deepEqual(
      Object.entries(state.jobs)
        .map(([id, { jobs, runs: of, facets }]) => [id, jobs, of, keysOf(facets), bare(facets.jobType)] as const)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
      [
        [
          application,
          [`child ${select}`, `child ${create1}`, `child ${create2}`],
          [runs.application],
          ['jobType'],
          jobType('NONE', 'APPLICATION'),
        ],
        [select, [`parent ${application}`], [runs.select], ['jobType'], jobType('BATCH', 'SQL_JOB')],
        [create1, [`parent ${application}`], [runs.create1], ['jobType'], jobType('BATCH', 'SQL_JOB')],
        [create2, [`parent ${application}`], [runs.create2], ['jobType'], jobType('BATCH', 'SQL_JOB')],
      ],
    )

    // Each table by its path and by its name in Hive: one dataset with two names.
    assert.deepEqual(
      Object.keys(state.datasets).toSorted(),
      ['cll_source1', 'cll_source2', 'tbl1'].flatMap((table) => [path(table), hive(table)]).toSorted(),
    )
    for (const [table, fields, facets, [version, job, time]] of [
      [
        'cll_source1',
        { a: 'integer', b: 'string' },
        ['dataSource', 'lifecycleStateChange', 'schema', 'symlinks'],
        [runs.create1, create1, at('53.465')],
      ],
      [
        'cll_source2',
        { a: 'integer', c: 'integer' },
        ['dataSource', 'lifecycleStateChange', 'schema', 'symlinks'],
        [runs.create2, create2, at('53.511')],
      ],
      [
        'tbl1',
        { ident: 'integer', trans: 'string', agg: 'long' },
        ['columnLineage', 'dataSource', 'lifecycleStateChange', 'schema', 'symlinks'],
        [runs.select, select, at('54.340')],
      ],
    ] as const) {
      const held = state.datasets[path(table)]!
      assert.deepEqual(held.fields, Object.keys(fields).toSorted(), table)
      assert.deepEqual(keysOf(held.facets), facets, table)
      assert.deepEqual(bare(held.facets.schema), {
        fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
      })
      assert.deepEqual(bare(held.facets.dataSource), { name: 'file', uri: 'file' })
      assert.deepEqual(bare(held.facets.symlinks), {
        identifiers: [{ namespace: 'file:/tmp/cll_test', name: `default.${table}`, type: 'TABLE' }],
      })
      assert.deepEqual(held.versions, [{ version, run: version, job, time }], table)
      // Four events say that tbl1 is created: it happened once.
      assert.deepEqual(held.lifecycle, [`create ${time}`], table)
      assert.deepEqual(held.names, [hive(table)], table)
      assert.deepEqual(state.datasets[hive(table)], { ...held, names: [path(table)] }, 'and so under its other name')
    }

    assert.deepEqual(
      state.edges,
      [
        `${create1} write ${one}`,
        `${create2} write ${two}`,
        `${one} read ${select}`,
        `${two} read ${select}`,
        `${select} write ${tbl1}`,
        `${hive('cll_source1')} symlink ${one}`,
        `${hive('cll_source2')} symlink ${two}`,
        `${hive('tbl1')} symlink ${tbl1}`,
      ].toSorted(),
    )
    const columns = (to: string, from: Record<string, string[]>): string[] =>
      Object.entries(from).flatMap(([source, ways]) => ways.map((way) => `${source} ${way} ${tbl1}#${to} ${select}`))
    const every = {
      [`${one}#a`]: ['indirect GROUP_BY', 'indirect JOIN', 'indirect FILTER'],
      [`${one}#b`]: ['indirect GROUP_BY'],
      [`${two}#a`]: ['indirect JOIN', 'indirect FILTER'],
    }
    assert.deepEqual(
      state.columns,
      [
        ...columns('ident', { ...every, [`${one}#a`]: ['direct IDENTITY', ...every[`${one}#a`]!] }),
        ...columns('trans', { ...every, [`${one}#b`]: ['direct TRANSFORMATION', 'indirect GROUP_BY'] }),
        ...columns('agg', { ...every, [`${two}#c`]: ['direct AGGREGATION'] }),
      ].toSorted(),
    )
    assert.deepEqual(
      await violations(client),
      Array.from({ length: 9 }, () => []),
    )
    holdsFacets(state, texts)

    // Nothing flows into what is created empty: there its way begins.
    const explained = await client.lineageExplain({ node: tbl1 })
    assert.deepEqual(explained.sources.toSorted(), [one, two])
    assert.deepEqual(
      explained.nodes.map(({ id, depth }) => `${depth} ${id}`).toSorted(),
      [
        ...[tbl1, hive('tbl1')].map((id) => `0 ${id}`),
        `1 ${select}`,
        ...[one, hive('cll_source1'), two, hive('cll_source2')].map((id) => `2 ${id}`),
        ...[create1, create2].map((id) => `3 ${id}`),
      ].toSorted(),
    )
    assert.deepEqual(explained.completeness.unknownInputs, [])
    // A column is found under either name of its table.
    for (const node of [`${tbl1}#agg`, `${hive('tbl1')}#agg`, 'default.tbl1#agg']) {
      const column = await client.lineageExplain({ node })
      assert.deepEqual(column.sources.toSorted(), [`${one}#a`, `${one}#b`, `${two}#a`, `${two}#c`], node)
    }
    const impact = await client.lineageImpact({ node: 'default.cll_source2#c' })
    assert.deepEqual(
      impact.nodes.map(({ id, depth }) => `${depth} ${id}`),
      [`0 ${two}#c`, `1 ${tbl1}#agg`],
    )
    // Columns are told of on every way, also of the one that only filters: nothing is a mere possibility.
    for (const { counts, onlyPossible } of [impact, await client.lineageImpact({ node: `${two}#a` })])
      assert.deepEqual([counts.datasets, counts.jobs, onlyPossible], [1, 1, []])
    const byRun = await client.lineageExplain({ node: `run:${runs.select}` })
    assert.deepEqual(
      byRun.nodes.map(({ id }) => id).toSorted(),
      [
        ...[runs.select, runs.create1, runs.create2].map((run) => `run:${run}`),
        `version:${one}@${runs.create1}`,
        `version:${two}@${runs.create2}`,
      ].toSorted(),
    )
    await sameInAnyOrder(t, texts, state)
  })

  test('spark_dataproc_bigquery_shakespeare: what is read, grouped and written to a file', async (t) => {
    const texts = eventsOf('compat-consumer/spark_dataproc_bigquery_shakespare/events').map(({ text }) => text)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)
    const application = 'job:default:shakespeare_on_spark'
    const [plan, write] = [
      `${application}.adaptive_spark_plan`,
      `${application}.adaptive_spark_plan.outputs_1729097570970`,
    ]
    const [words, counts] = [
      'dataset:bigquery:bigquery-public-data.samples.shakespeare',
      'dataset:file:/tmp/outputs/1729097570970',
    ]
    const runs = {
      application: '0192963f-929e-731b-a075-9bb14bf41d38',
      plan: '0192963f-c099-7dff-8d04-a90a16c16859',
      write: '0192963f-f6f8-71c0-8380-500bc70883ee',
    }
    const on = (time: string): string => `2024-10-16T16:53:${time}000Z`
    const said = ['gcp_dataproc_spark', 'parent', 'processing_engine', 'spark_jobDetails', 'spark_properties']
    assert.deepEqual(runsOf(state), {
      [runs.application]: {
        job: application,
        state: 'COMPLETE',
        started: on('08.979'),
        ended: on('51.884'),
        facets: ['gcp_dataproc_spark', 'processing_engine', 'spark_applicationDetails', 'spark_properties'],
      },
      // Its RUNNING events name no inputs, and take none back.
      [runs.plan]: {
        job: plan,
        state: 'COMPLETE',
        started: on('33.451'),
        ended: on('46.748'),
        parent: runs.application,
        reads: [`${words} unknown`],
        facets: said,
      },
      // The COMPLETE counted again: its statistics are later.
      [runs.write]: {
        job: write,
        state: 'COMPLETE',
        started: on('47.366'),
        ended: on('51.761'),
        parent: runs.application,
        reads: [`${words} unknown`],
        writes: [`${counts} @ ${runs.write} 1 rows 9 bytes`],
        facets: said,
      },
    } satisfies Record<string, ExpectedRun>)
    // The latest event that says it.
    assert.deepEqual(bare(state.runs[runs.plan]!.facets.spark_jobDetails), { jobId: 1 })
    assert.deepEqual(bare(state.runs[runs.write]!.facets.spark_jobDetails), { jobId: 3 })
    assert.deepEqual(
      Object.entries(state.jobs)
        .map(([id, { jobs, runs: of, facets }]) => [id, jobs, of, keysOf(facets)] as const)
        .toSorted(([one], [other]) => (one < other ? -1 : 1)),
      [
        [application, [`child ${plan}`, `child ${write}`], [runs.application], ['gcp_lineage', 'jobType']],
        [plan, [`parent ${application}`], [runs.plan], ['gcp_lineage', 'jobType']],
        [write, [`parent ${application}`], [runs.write], ['gcp_lineage', 'jobType']],
      ],
    )
    assert.deepEqual(Object.keys(state.datasets).toSorted(), [words, counts].toSorted())
    const word = 'A single unique word (where whitespace is the delimiter) extracted from a corpus.'
    assert.deepEqual(bare(state.datasets[words]!.facets.schema), {
      fields: [
        { name: 'word', type: 'string', description: word },
        { name: 'word_count', type: 'long', description: 'The number of times this word appears in this corpus.' },
        { name: 'corpus', type: 'string', description: 'The work from which this word was extracted.' },
        { name: 'corpus_date', type: 'long', description: 'The year in which this corpus was published.' },
      ],
    })
    assert.deepEqual(state.datasets[words]!.fields, ['corpus', 'corpus_date', 'word', 'word_count'])
    assert.deepEqual(keysOf(state.datasets[words]!.facets), ['dataSource', 'schema'])
    assert.deepEqual(state.datasets[words]!.versions, [])
    assert.deepEqual(bare(state.datasets[counts]!.facets.schema), {
      fields: [
        { name: 'word', type: 'string', description: word },
        { name: 'sum(word_count)', type: 'long' },
      ],
    })
    assert.deepEqual(keysOf(state.datasets[counts]!.facets), ['columnLineage', 'dataSource', 'schema'])
    assert.deepEqual(state.datasets[counts]!.versions, [
      { version: runs.write, run: runs.write, job: write, time: on('51.761') },
    ])
    assert.deepEqual(
      state.edges,
      [`${words} read ${plan}`, `${words} read ${write}`, `${write} write ${counts}`].toSorted(),
    )
    assert.deepEqual(
      state.columns,
      [
        `${words}#word_count indirect FILTER ${counts}#word ${write}`,
        `${words}#word direct IDENTITY ${counts}#word ${write}`,
        `${words}#word indirect GROUP_BY ${counts}#word ${write}`,
        `${words}#word indirect FILTER ${counts}#word ${write}`,
        `${words}#word indirect GROUP_BY ${counts}#sum(word_count) ${write}`,
        `${words}#word indirect FILTER ${counts}#sum(word_count) ${write}`,
        `${words}#word_count direct AGGREGATION ${counts}#sum(word_count) ${write}`,
        `${words}#word_count indirect FILTER ${counts}#sum(word_count) ${write}`,
      ].toSorted(),
    )
    assert.deepEqual(
      await violations(client),
      Array.from({ length: 12 }, () => []),
    )
    holdsFacets(state, texts)
    const impact = await client.lineageImpact({ node: `${words}#corpus` })
    assert.deepEqual(
      impact.nodes.map(({ id }) => id),
      [`${words}#corpus`],
      'nothing is made of this column',
    )
    const explained = await client.lineageExplain({ node: counts })
    assert.deepEqual(explained.sources, [words])
    await sameInAnyOrder(t, texts, state)
  })
})

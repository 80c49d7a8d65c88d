// The consumer scenarios of the official OpenLineage compatibility suite in which Spark creates, fills and copies tables
// of Hive: fed in file-name order, which for one of them is not the order in which it happened, and held field by field.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { WhenceError } from '@whence/sdk'
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

const hdfs = (table: string): string => `dataset:hdfs%3A//dataproc-producer-test-m:/user/hive/warehouse/${table}`
const hive = (table: string): string => `dataset:hive%3A//dataproc-producer-test-m%3A9083:default.${table}`
const [t1, t2] = [hdfs('t1'), hdfs('t2')]
const cli = 'job:default:cl_i_test_application'
const insertT2 = `${cli}.execute_insert_into_hive_table.warehouse_t2`
const schema = {
  fields: [
    { name: 'a', type: 'integer' },
    { name: 'b', type: 'string' },
  ],
}
const ctas = 'CREATE TABLE IF NOT EXISTS t2 AS SELECT * FROM t1;'
const parentRun = '019299c5-12f5-7946-b5b2-c6abab662e20'
const insertT2Run = '019299c5-73cf-7069-a70f-74eb8070b577'
const at = (time: string): string => `2024-10-17T09:${time}000Z`
const copied = ['a', 'b'].map((field) => `${t1}#${field} direct IDENTITY ${t2}#${field} ${insertT2}`)

suite('consumer scenarios of Spark with Hive', { skip }, () => {
  test('spark_dataproc_simple_producer_test: one run, whose parent sent nothing', async (t) => {
    const texts = eventsOf('compat-consumer/spark_dataproc_simple_producer_test/events').map(({ text }) => text)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)
    assert.deepEqual(runsOf(state), {
      [insertT2Run]: {
        job: insertT2,
        state: 'COMPLETE',
        started: at('18:26.825'),
        ended: at('18:29.267'),
        parent: parentRun,
        reads: [`${t1} unknown`],
        writes: [`${t2} @ ${insertT2Run} 2 rows 8 bytes`],
        facets: ['gcp_dataproc_spark', 'parent', 'processing_engine', 'spark_jobDetails', 'spark_properties'],
      },
    } satisfies Record<string, ExpectedRun>)
    assert.deepEqual(producersOf(state), [spark('1.23.0')])
    assert.deepEqual(bare(state.runs[insertT2Run]!.facets.spark_jobDetails), { jobId: 1 })
    await assert.rejects(
      client.lineageRun({ run: parentRun }),
      (error) => error instanceof WhenceError && error.code === 'not_found',
    )
    assert.deepEqual(
      Object.entries(state.jobs).map(([id, { jobs, runs, facets }]) => [id, jobs, runs, keysOf(facets)]),
      [
        [insertT2, [`parent ${cli}`], [insertT2Run], ['gcp_lineage', 'jobType', 'sql']],
        [cli, [`child ${insertT2}`], [], []],
      ],
    )
    assert.deepEqual(bare(state.jobs[insertT2]!.facets.sql), { query: ctas })
    assert.deepEqual(bare(state.jobs[insertT2]!.facets.gcp_lineage), {
      origin: { sourceType: 'DATAPROC', name: 'projects/gcp-open-lineage-testing/regions/us-west1/unknown/' },
    })
    assert.deepEqual(state.datasets[t1]!.versions, [])
    assert.deepEqual(state.datasets[t2]!.versions, [
      { version: insertT2Run, run: insertT2Run, job: insertT2, time: at('18:29.267') },
    ])
    for (const [table, facets] of [
      ['t1', ['dataSource', 'schema', 'symlinks']],
      ['t2', ['columnLineage', 'dataSource', 'schema', 'symlinks']],
    ] as const) {
      const held = state.datasets[hdfs(table)]!
      assert.deepEqual(keysOf(held.facets), facets)
      assert.deepEqual(bare(held.facets.schema), schema)
      assert.deepEqual(held.fields, ['a', 'b'])
      assert.deepEqual(held.lifecycle, [])
      assert.deepEqual(held.names, [hive(table)])
      assert.deepEqual(state.datasets[hive(table)], { ...held, names: [hdfs(table)] })
    }
    assert.equal(Object.keys(state.datasets).length, 4)
    assert.deepEqual(
      state.edges,
      [
        `${t1} read ${insertT2}`,
        `${insertT2} write ${t2}`,
        `${t1} symlink ${hive('t1')}`,
        `${t2} symlink ${hive('t2')}`,
      ].toSorted(),
    )
    assert.deepEqual(state.columns, copied)
    assert.deepEqual(await violations(client), [[], [], [], []])
    holdsFacets(state, texts)
    const explained = await client.lineageExplain({ node: hive('t2') })
    assert.deepEqual(explained.sources, [t1])
    assert.deepEqual(explained.completeness.unknownInputs, [t1])
    await sameInAnyOrder(t, texts, state)
  })

  test('spark_dataproc_simple_producer_test_complete: dropped, created, filled and copied, and told out of order', async (t) => {
    const found = eventsOf('compat-consumer/spark_dataproc_simple_producer_test_complete/events')
    // The drops come last, and were first.
    assert.deepEqual(
      found.map(({ name }) => name),
      [1, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `${n}.json`),
    )
    const texts = found.map(({ text }) => text)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)
    const older = (table: string): string =>
      `dataset:hdfs%3A//dataproc-producer-test-m/user/hive/warehouse:default.${table}`
    const [drop, createT1, insertT1, selectT2] = [
      `${cli}.drop_table`,
      `${cli}.execute_create_table_command.warehouse_t1`,
      `${cli}.execute_insert_into_hive_table.warehouse_t1`,
      `${cli}.execute_create_hive_table_as_select_command.default_t2`,
    ]
    const runs = {
      dropT1: '019299c5-364c-79a9-9d83-659761b84279',
      dropT2: '019299c5-4630-75cc-a27a-33e6e55ec50d',
      createT1: '019299c5-4f43-7e45-aa6f-c65164159854',
      insertT1: '019299c5-5488-7db5-a64e-11439fc53117',
      selectT2: '019299c5-6ff9-7864-8dd7-e8142a2b6047',
    }
    const said = ['gcp_dataproc_spark', 'parent', 'processing_engine', 'spark_properties']
    const withDetails = [...said.slice(0, 3), 'spark_jobDetails', 'spark_properties']
    const common = { state: 'COMPLETE', parent: parentRun }
    assert.deepEqual(runsOf(state), {
      [parentRun]: {
        job: cli,
        state: 'COMPLETE',
        started: at('17:51.101'),
        ended: at('18:32.504'),
        facets: ['gcp_dataproc_spark', 'processing_engine', 'spark_applicationDetails', 'spark_properties'],
      },
      // What drops a table makes no version of it.
      [runs.dropT1]: {
        ...common,
        job: drop,
        started: at('18:11.500'),
        ended: at('18:14.755'),
        writes: [t1],
        facets: said,
      },
      [runs.dropT2]: {
        ...common,
        job: drop,
        started: at('18:14.923'),
        ended: at('18:14.923'),
        writes: [t2],
        facets: said,
      },
      [runs.createT1]: {
        ...common,
        job: createT1,
        started: at('18:17.298'),
        ended: at('18:17.298'),
        writes: [`${t1} @ ${runs.createT1}`],
        facets: said,
      },
      [runs.insertT1]: {
        ...common,
        job: insertT1,
        started: at('18:19.239'),
        ended: at('18:25.647'),
        writes: [`${t1} @ ${runs.insertT1} 2 rows 8 bytes`],
        facets: withDetails,
      },
      // It names no input: that is the business of the run inside it.
      [runs.selectT2]: {
        ...common,
        job: selectT2,
        started: at('18:26.061'),
        ended: at('18:29.268'),
        writes: [`${t2} @ ${runs.selectT2}`],
        facets: said,
      },
      [insertT2Run]: {
        ...common,
        job: insertT2,
        started: at('18:26.825'),
        ended: at('18:29.267'),
        reads: [`${t1} @ ${runs.insertT1} by time`],
        writes: [`${t2} @ ${insertT2Run} 2 rows 8 bytes`],
        facets: withDetails,
      },
    } satisfies Record<string, ExpectedRun>)
    assert.deepEqual(bare(state.runs[parentRun]!.facets.processing_engine), {
      version: '3.5.1',
      name: 'spark',
      openlineageAdapterVersion: '1.23.0',
    })

    const queries: Record<string, [runs: string[], query?: string]> = {
      [cli]: [[parentRun]],
      // Of the job as it was last: the later of two drops.
      [drop]: [[runs.dropT2, runs.dropT1], 'DROP TABLE IF EXISTS t2;'],
      [createT1]: [[runs.createT1], 'CREATE TABLE IF NOT EXISTS t1 (a INT, b STRING);'],
      [insertT1]: [[runs.insertT1], 'INSERT INTO t1 VALUES (1,2),(3,4);'],
      [selectT2]: [[runs.selectT2], ctas],
      [insertT2]: [[insertT2Run], ctas],
    }
    assert.deepEqual(Object.keys(state.jobs).toSorted(), Object.keys(queries).toSorted())
    for (const [id, [of, query]] of Object.entries(queries)) {
      const { runs: held, jobs, facets } = state.jobs[id]!
      assert.deepEqual(held, of, id)
      assert.deepEqual((facets.sql as { query?: string } | undefined)?.query, query, id)
      assert.deepEqual(bare(facets.jobType), id === cli ? jobType('NONE', 'APPLICATION') : jobType('BATCH', 'SQL_JOB'))
      if (id !== cli) assert.deepEqual(jobs, [`parent ${cli}`])
    }
    assert.equal(state.jobs[cli]!.jobs.length, 5)

    // The drop said that the table has no columns; what was said later holds.
    for (const [table, facets, versions, lifecycle] of [
      [
        't1',
        ['dataSource', 'lifecycleStateChange', 'schema', 'symlinks'],
        [
          { version: runs.insertT1, run: runs.insertT1, job: insertT1, time: at('18:25.647') },
          { version: runs.createT1, run: runs.createT1, job: createT1, time: at('18:17.298') },
        ],
        [`drop ${at('18:14.755')}`, `create ${at('18:17.298')}`],
      ],
      [
        't2',
        ['columnLineage', 'dataSource', 'lifecycleStateChange', 'schema', 'symlinks'],
        [
          { version: runs.selectT2, run: runs.selectT2, job: selectT2, time: at('18:29.268') },
          { version: insertT2Run, run: insertT2Run, job: insertT2, time: at('18:29.267') },
        ],
        [`drop ${at('18:14.923')}`, `create ${at('18:29.268')}`],
      ],
    ] as const) {
      const held = state.datasets[hdfs(table)]!
      assert.deepEqual(keysOf(held.facets), facets)
      assert.deepEqual(bare(held.facets.schema), schema)
      assert.deepEqual(bare(held.facets.lifecycleStateChange), { lifecycleStateChange: 'CREATE' })
      assert.deepEqual(bare(held.facets.symlinks), {
        identifiers: [{ namespace: 'hive://dataproc-producer-test-m:9083', name: `default.${table}`, type: 'TABLE' }],
      })
      assert.deepEqual(held.fields, ['a', 'b'])
      assert.deepEqual(held.versions, versions)
      assert.deepEqual(held.lifecycle, lifecycle)
      // Before it was created it had another name in the catalogue; names hold for good.
      assert.deepEqual(held.names, [older(table), hive(table)])
      assert.deepEqual(state.datasets[hive(table)], { ...held, names: [older(table), hdfs(table)].toSorted() })
    }
    assert.equal(Object.keys(state.datasets).length, 6)

    // Nothing is written by the job that drops.
    assert.deepEqual(
      state.edges,
      [
        `${createT1} write ${t1}`,
        `${insertT1} write ${t1}`,
        `${selectT2} write ${t2}`,
        `${insertT2} write ${t2}`,
        `${t1} read ${insertT2}`,
        `${older('t1')} symlink ${t1}`,
        `${older('t2')} symlink ${t2}`,
        `${t1} symlink ${hive('t1')}`,
        `${t2} symlink ${hive('t2')}`,
      ].toSorted(),
    )
    // What the producer states; the SELECT * of the run around it names no columns that were not stated.
    assert.deepEqual(state.columns, copied)
    assert.deepEqual(
      await violations(client),
      Array.from({ length: 16 }, () => []),
    )
    holdsFacets(state, texts)

    // Two catalogues have a default.t2, and it is one table.
    const explained = await client.lineageExplain({ node: 'default.t2' })
    assert.deepEqual(explained.sources, [t1])
    assert.deepEqual(
      explained.nodes.map(({ id, depth }) => `${depth} ${id}`).toSorted(),
      [
        ...[t2, hive('t2'), older('t2')].map((id) => `0 ${id}`),
        ...[insertT2, selectT2].map((id) => `1 ${id}`),
        ...[t1, hive('t1'), older('t1')].map((id) => `2 ${id}`),
        ...[insertT1, createT1].map((id) => `3 ${id}`),
      ].toSorted(),
    )
    const both = await client.lineageImpact({ node: hive('t1') })
    assert.deepEqual(
      both.nodes.map(({ id, depth }) => `${depth} ${id}`).toSorted(),
      [
        ...[t1, hive('t1'), older('t1')].map((id) => `0 ${id}`),
        `1 ${insertT2}`,
        ...[t2, hive('t2'), older('t2')].map((id) => `2 ${id}`),
      ].toSorted(),
    )
    assert.deepEqual([both.counts.datasets, both.counts.jobs], [1, 1], 'a dataset with three names counts once')
    const diff = await client.lineageDiff({ from: `${t1}@${runs.createT1}`, to: `${t1}@${runs.insertT1}` })
    assert.deepEqual(
      diff.differences.map(({ what, name, change, after }) => [what, name, change, after]),
      [
        ['code', 'sql', 'changed', undefined],
        ['rows', `rows of /user/hive/warehouse/t1`, 'added', '2'],
        ['rows', `bytes of /user/hive/warehouse/t1`, 'added', '8'],
      ],
    )
    await sameInAnyOrder(t, texts, state)
  })
})

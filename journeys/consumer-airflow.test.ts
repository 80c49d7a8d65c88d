// Airflow's consumer scenario of the official OpenLineage compatibility suite: three DAGs, of which one copies files
// through BigQuery and one moves files about, fed in file-name order and held field by field.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { eventsOf, fed, holdsFacets, sameInAnyOrder, shown, skip, violations } from './consumer.ts'
import type { ExpectedRun } from './consumer.ts'
import { bare, stateOf } from './lineage-state.ts'

const job = (name: string): string => `job:airflow:${name}`
const bucket = (name: string): string => `dataset:gs%3A//mock-bucket:${name}`
const table = (name: string): string => `dataset:bigquery:mock-project.test.${name}`
const file = (path: string): string => `dataset:file:${path}`
const at = (time: string): string => `2024-11-26T13:${time}Z`

const bq = '01936893-9751-7a91-a2a0-a51101a3970c'
const upload = '01936893-9751-7b3c-8f76-8ac6d0e5f8a3'
const copy = '01936893-9751-7b10-a4a7-cd7454722d0f'
const download = '01936893-9751-7150-bbde-96d39c5c4c8d'
const dag = '01936894-494e-7b5c-938a-7b0fcc5f8eb9'
const task0 = '01936894-494e-7c48-be1c-4a3656eb1868'
const hook = '01936898-5bd1-70bf-9ca2-4953116e45e1'
const uploadForDeletion = '01936898-5bd1-78a2-bf21-3df49fddd032'
const uploadFromFile = '01936898-5bd1-7215-b04d-472cd95b85cb'
const remove = '01936898-5bd1-7d18-b1a0-109de253e28f'
const uploadFromData = '01936898-5bd1-7e2c-a5f9-48dbad475045'
const rewrite = '01936898-5bd1-7385-8bb5-6bd09ba1cf8d'
const copyTask = '01936898-5bd1-7008-a3b8-5dea7d6595a7'
const downloadToFile = '01936898-5bd1-7361-b2db-2d87f2713657'
const downloadToData = '01936898-5bd1-7ff8-a0bf-4df451e2d3d8'
const compose = '01936898-5bd1-7511-9abf-a140907e6cb3'

const dagFacets = ['airflowDagRun', 'airflowState', 'nominalTime', 'processing_engine']
const queryFacets = ['airflow', 'externalQuery', 'nominalTime', 'parent', 'processing_engine']
const taskFacets = ['airflow', 'nominalTime', 'parent', 'processing_engine', 'unknownSourceAttribute']

const run = (name: string, started: string, ended: string, facets: string[], more: Partial<ExpectedRun> = {}) => ({
  job: job(name),
  state: 'COMPLETE',
  started: at(started),
  ended: at(ended),
  ...more,
  facets,
})

/** What was read is the version that was complete before the task began. */
const runs: Record<string, ExpectedRun> = {
  [bq]: run('BQ', '05:23.809955', '05:39.809127', dagFacets),
  [upload]: run('BQ.upload', '05:25.547948', '05:29.606867', queryFacets, {
    parent: bq,
    reads: [`${bucket('copied.csv')} unknown`, `${bucket('test.csv')} unknown`],
    writes: [`${table('upload')} @ ${upload}`],
  }),
  [copy]: run('BQ.copy', '05:31.724484', '05:34.626595', queryFacets, {
    parent: bq,
    reads: [`${table('upload')} @ ${upload} by time`],
    writes: [`${table('upload_cp')} @ ${copy}`],
  }),
  [download]: run('BQ.download', '05:37.621840', '05:39.460005', queryFacets, {
    parent: bq,
    reads: [`${table('upload_cp')} @ ${copy} by time`],
    writes: [`${bucket('result.csv')} @ ${download}`],
  }),
  [dag]: run('dag', '06:09.256873', '06:10.140104', dagFacets),
  [task0]: run('dag.task_0', '06:09.459839', '06:09.683986', taskFacets, { parent: dag }),
  [hook]: run('gcs_hook', '10:36.695796', '10:46.731930', dagFacets),
  [uploadForDeletion]: run('gcs_hook.upload_for_deletion', '10:37.152892', '10:41.007302', taskFacets, {
    parent: hook,
    writes: [`${bucket('to_be_deleted.txt')} @ ${uploadForDeletion}`],
  }),
  [uploadFromFile]: run('gcs_hook.upload_from_file', '10:37.154149', '10:41.007315', taskFacets, {
    parent: hook,
    reads: [`${file('/files/temp/data.txt')} unknown`],
    writes: [`${bucket('uploaded_file.txt')} @ ${uploadFromFile}`],
  }),
  // Airflow says that what is deleted is read.
  [remove]: run('gcs_hook.delete', '10:42.323021', '10:42.916825', taskFacets, {
    parent: hook,
    reads: [`${bucket('to_be_deleted.txt')} @ ${uploadForDeletion} by time`],
  }),
  [uploadFromData]: run('gcs_hook.upload_from_data', '10:42.323097', '10:42.939210', taskFacets, {
    parent: hook,
    writes: [`${bucket('uploaded_data.txt')} @ ${uploadFromData}`],
  }),
  [rewrite]: run('gcs_hook.rewrite_task', '10:44.189483', '10:44.750985', taskFacets, {
    parent: hook,
    reads: [`${bucket('uploaded_file.txt')} @ ${uploadFromFile} by time`],
    writes: [`${bucket('copy_of_uploaded_file.txt')} @ ${rewrite}`],
  }),
  [copyTask]: run('gcs_hook.copy_task', '10:44.202975', '10:44.755944', taskFacets, {
    parent: hook,
    reads: [`${bucket('uploaded_data.txt')} @ ${uploadFromData} by time`],
    writes: [`${bucket('copy_of_uploaded_data.txt')} @ ${copyTask}`],
  }),
  [downloadToFile]: run('gcs_hook.download_to_file', '10:45.313896', '10:45.874270', taskFacets, {
    parent: hook,
    reads: [`${bucket('uploaded_file.txt')} @ ${uploadFromFile} by time`],
    writes: [`${file('/files/temp/downloaded_file.txt')} @ ${downloadToFile}`],
  }),
  [downloadToData]: run('gcs_hook.download_to_data', '10:45.313743', '10:45.871349', taskFacets, {
    parent: hook,
    reads: [`${bucket('uploaded_data.txt')} @ ${uploadFromData} by time`],
  }),
  [compose]: run('gcs_hook.compose_task', '10:45.314003', '10:46.074886', taskFacets, {
    parent: hook,
    reads: [
      `${bucket('copy_of_uploaded_data.txt')} @ ${copyTask} by time`,
      `${bucket('copy_of_uploaded_file.txt')} @ ${rewrite} by time`,
      `${bucket('uploaded_data.txt')} @ ${uploadFromData} by time`,
      `${bucket('uploaded_file.txt')} @ ${uploadFromFile} by time`,
    ],
    writes: [`${bucket('compose_result.txt')} @ ${compose}`],
  }),
}

const nominal: Record<string, string> = {
  BQ: '2024-11-26T13:05:23.281750+00:00',
  dag: '2024-11-26T13:06:08.846147+00:00',
  gcs_hook: '2024-11-26T13:10:35.729678+00:00',
}

/** The text of the tasks that are functions; those of Airflow’s own operators say nothing of it. */
const sourceCode: Record<string, { language: string; sourceCode: string }> = {
  'dag.task_0': { language: 'bash', sourceCode: 'exit 0;' },
  'gcs_hook.upload_for_deletion': {
    language: 'python',
    sourceCode:
      'def upload_for_deletion():\n    GCSHook().upload(\n        bucket_name=B,\n        object_name="to_be_deleted.txt",\n        data="to be deleted",\n    )\n',
  },
  'gcs_hook.delete': {
    language: 'python',
    sourceCode:
      'def delete():\n    GCSHook().delete(\n        bucket_name=B,\n        object_name="to_be_deleted.txt",\n    )\n',
  },
  'gcs_hook.upload_from_data': {
    language: 'python',
    sourceCode:
      'def upload_from_data():\n    GCSHook().upload(\n        bucket_name=B,\n        object_name="uploaded_data.txt",\n        data="1234",\n    )\n',
  },
  'gcs_hook.download_to_data': {
    language: 'python',
    sourceCode:
      'def download_to_data():\n    GCSHook().download(\n        bucket_name=B,\n        object_name="uploaded_data.txt",\n    )\n',
  },
}

suite('the consumer scenario of Airflow', { skip }, () => {
  test('airflow: three DAGs with their tasks', async (t) => {
    const texts = eventsOf('compat-consumer/airflow/events').map(({ text }) => text)
    assert.equal(texts.length, 32)
    const { client } = await fed(t, texts)
    const state = await stateOf(client)

    assert.deepEqual(Object.fromEntries(Object.entries(state.runs).map(([id, held]) => [id, shown(held)])), runs)
    for (const held of Object.values(state.runs)) {
      assert.equal(held.producer, 'https://github.com/apache/airflow/tree/providers-openlineage/1.14.0')
      assert.equal(held.root, undefined)
      assert.equal(held.updated, held.ended)
      const [name] = held.job!.slice('job:airflow:'.length).split('.') as [string]
      // Only the START events say these.
      assert.deepEqual(bare(held.facets.nominalTime), {
        nominalStartTime: nominal[name],
        nominalEndTime: nominal[name],
      })
      assert.deepEqual(bare(held.facets.processing_engine), {
        name: 'Airflow',
        openlineageAdapterVersion: '1.14.0',
        version: '3.0.0.dev0',
      })
    }
    const said = (id: string, facet: string): Record<string, unknown> =>
      bare(state.runs[id]!.facets[facet]) as Record<string, unknown>
    assert.deepEqual(said(bq, 'airflowState'), {
      dagRunState: 'success',
      tasksState: { copy: 'success', download: 'success', upload: 'success' },
    })
    const query = (id: string): object => ({ externalQueryId: id, source: 'bigquery' })
    assert.deepEqual(
      said(upload, 'externalQuery'),
      query('***_BQ_upload_2024_11_26T13_05_23_281750_00_00_34eb25f32cc5ebf55db94226de92832c'),
    )
    assert.deepEqual(said(copy, 'externalQuery'), query('***_1732626332070201_3cff1da525a6e01f42e15d1dc755f7c2'))
    assert.deepEqual(
      said(download, 'externalQuery'),
      query('***_BQ_download_2024_11_26T13_05_23_281750_00_00_ad560f2c57ecc4fcf7c5f01d429ff956'),
    )
    // Said by both events of the task: that of the COMPLETE knows how long it took.
    assert.equal((said(upload, 'airflow').taskInstance as { duration?: number }).duration, 4.058919)

    // Each task belongs to its DAG, and has run once.
    const names = Object.values(runs).map((each) => each.job)
    assert.deepEqual(Object.keys(state.jobs).toSorted(), names.toSorted())
    for (const [id, { job: name }] of Object.entries(runs)) {
      const held = state.jobs[name]!
      const own = name.slice('job:airflow:'.length)
      const [parent, task] = own.split('.') as [string, string | undefined]
      assert.deepEqual(held.runs, [id], own)
      assert.deepEqual(
        held.jobs,
        task === undefined
          ? names
              .filter((other) => other.startsWith(`${name}.`))
              .map((other) => `child ${other}`)
              .toSorted()
          : [`parent ${job(parent)}`],
        own,
      )
      assert.deepEqual(bare(held.facets.jobType), {
        integration: 'AIRFLOW',
        jobType: task === undefined ? 'DAG' : 'TASK',
        processingType: 'BATCH',
      })
      // Only the START names the owner; the COMPLETE does not take them back.
      assert.deepEqual(bare(held.facets.ownership), { owners: [{ name: '***' }] }, own)
      const kinds = task === undefined ? ['airflow', 'jobType', 'ownership'] : ['jobType', 'ownership']
      const code = task === undefined || parent === 'BQ' ? [] : ['sourceCode']
      assert.deepEqual(Object.keys(held.facets), [...kinds, ...code], own)
      if (sourceCode[own]) assert.deepEqual(bare(held.facets.sourceCode), sourceCode[own], own)
    }

    const fields = ['a', 'b', 'c', 'd']
    const schema = { fields: fields.map((name) => ({ fields: [], name, type: 'INTEGER' })) }
    const written = Object.entries(runs).flatMap(([id, { job: by, ended, writes = [] }]) =>
      writes.map((write) => [write.split(' @ ')[0]!, { version: id, run: id, job: by, time: ended }] as const),
    )
    const versions = new Map(written)
    const columned = [
      bucket('copied.csv'),
      bucket('test.csv'),
      table('upload'),
      table('upload_cp'),
      bucket('result.csv'),
    ]
    const plain = [
      ...['to_be_deleted', 'uploaded_file', 'uploaded_data', 'copy_of_uploaded_file', 'copy_of_uploaded_data'].map(
        (name) => bucket(`${name}.txt`),
      ),
      bucket('compose_result.txt'),
      file('/files/temp/data.txt'),
      file('/files/temp/downloaded_file.txt'),
    ]
    assert.deepEqual(Object.keys(state.datasets).toSorted(), [...columned, ...plain].toSorted())
    for (const [id, held] of Object.entries(state.datasets)) {
      const version = versions.get(id)
      assert.deepEqual(held.versions, version === undefined ? [] : [version], id)
      assert.deepEqual([held.names, held.lifecycle], [[], []], id)
      if (plain.includes(id)) assert.deepEqual([held.facets, held.fields], [{}, []], id)
      else {
        assert.deepEqual(held.fields, fields, id)
        assert.deepEqual(bare(held.facets.schema), schema, id)
        assert.deepEqual(Object.keys(held.facets), version === undefined ? ['schema'] : ['columnLineage', 'schema'], id)
      }
    }

    assert.deepEqual(
      state.edges,
      [
        `${bucket('copied.csv')} read ${job('BQ.upload')}`,
        `${bucket('test.csv')} read ${job('BQ.upload')}`,
        `${job('BQ.upload')} write ${table('upload')}`,
        `${table('upload')} read ${job('BQ.copy')}`,
        `${job('BQ.copy')} write ${table('upload_cp')}`,
        `${table('upload_cp')} read ${job('BQ.download')}`,
        `${job('BQ.download')} write ${bucket('result.csv')}`,
        `${job('gcs_hook.upload_for_deletion')} write ${bucket('to_be_deleted.txt')}`,
        `${bucket('to_be_deleted.txt')} read ${job('gcs_hook.delete')}`,
        `${file('/files/temp/data.txt')} read ${job('gcs_hook.upload_from_file')}`,
        `${job('gcs_hook.upload_from_file')} write ${bucket('uploaded_file.txt')}`,
        `${job('gcs_hook.upload_from_data')} write ${bucket('uploaded_data.txt')}`,
        `${bucket('uploaded_file.txt')} read ${job('gcs_hook.rewrite_task')}`,
        `${job('gcs_hook.rewrite_task')} write ${bucket('copy_of_uploaded_file.txt')}`,
        `${bucket('uploaded_data.txt')} read ${job('gcs_hook.copy_task')}`,
        `${job('gcs_hook.copy_task')} write ${bucket('copy_of_uploaded_data.txt')}`,
        `${bucket('uploaded_file.txt')} read ${job('gcs_hook.download_to_file')}`,
        `${job('gcs_hook.download_to_file')} write ${file('/files/temp/downloaded_file.txt')}`,
        `${bucket('uploaded_data.txt')} read ${job('gcs_hook.download_to_data')}`,
        `${bucket('uploaded_file.txt')} read ${job('gcs_hook.compose_task')}`,
        `${bucket('uploaded_data.txt')} read ${job('gcs_hook.compose_task')}`,
        `${bucket('copy_of_uploaded_file.txt')} read ${job('gcs_hook.compose_task')}`,
        `${bucket('copy_of_uploaded_data.txt')} read ${job('gcs_hook.compose_task')}`,
        `${job('gcs_hook.compose_task')} write ${bucket('compose_result.txt')}`,
      ].toSorted(),
    )
    // Stated in the older way: one transformation for the whole field.
    assert.deepEqual(
      state.columns,
      fields
        .flatMap((field) => [
          `${bucket('copied.csv')}#${field} direct IDENTITY ${table('upload')}#${field} ${job('BQ.upload')}`,
          `${bucket('test.csv')}#${field} direct IDENTITY ${table('upload')}#${field} ${job('BQ.upload')}`,
          `${table('upload')}#${field} direct IDENTITY ${table('upload_cp')}#${field} ${job('BQ.copy')}`,
          `${table('upload_cp')}#${field} direct IDENTITY ${bucket('result.csv')}#${field} ${job('BQ.download')}`,
        ])
        .toSorted(),
    )
    assert.deepEqual(
      await violations(client),
      Array.from({ length: 32 }, () => []),
    )
    holdsFacets(state, texts)

    const explained = await client.lineageExplain({ node: `${bucket('result.csv')}#a` })
    assert.deepEqual(
      explained.nodes.map(({ id, depth }) => `${depth} ${id}`).toSorted(),
      [
        `0 ${bucket('result.csv')}#a`,
        `1 ${table('upload_cp')}#a`,
        `2 ${table('upload')}#a`,
        `3 ${bucket('copied.csv')}#a`,
        `3 ${bucket('test.csv')}#a`,
      ].toSorted(),
    )
    assert.deepEqual(explained.sources.toSorted(), [`${bucket('copied.csv')}#a`, `${bucket('test.csv')}#a`])
    const composed = await client.lineageExplain({ node: 'compose_result.txt' })
    // One file came from outside, the other was made of a text in a task.
    assert.deepEqual(composed.sources.toSorted(), [file('/files/temp/data.txt'), bucket('uploaded_data.txt')])
    assert.deepEqual(composed.completeness.unknownInputs, [file('/files/temp/data.txt')])
    assert.equal(composed.completeness.openCount, 0)
    const impact = await client.lineageImpact({ node: file('/files/temp/data.txt') })
    assert.deepEqual([impact.counts.datasets, impact.counts.jobs], [4, 4])
    assert.deepEqual(
      impact.nodes
        .filter(({ kind }) => kind === 'dataset')
        .map(({ id }) => id)
        .toSorted(),
      [
        file('/files/temp/data.txt'),
        bucket('uploaded_file.txt'),
        bucket('copy_of_uploaded_file.txt'),
        file('/files/temp/downloaded_file.txt'),
        bucket('compose_result.txt'),
      ].toSorted(),
    )
    await sameInAnyOrder(t, texts, state)
  })
})

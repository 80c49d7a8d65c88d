// dbt with its OpenLineage wrapper, on DuckDB: the pipeline in front of the e-mail example, run twice with a model that
// changed in between. The stream is loaded from its mart, so a prediction's past goes on into the raw table.
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Explanation, LineageDiff, LineageExplained } from '@whence/sdk'
import { email } from '../../examples/email/example.ts'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { writeRaw } from './dbt/raw.ts'
import { lacking, run } from './environment.ts'
import { readAsProv } from './prov.ts'
import { relayTo } from './relay.ts'
import type { Relay } from './relay.ts'

const project = join(import.meta.dirname, 'dbt')
const customers = 300

/** Names as dbt gives them: the namespace is the warehouse's file, jobs and tables have their schema. */
const warehouse = 'duckdb://warehouse.duckdb'
const table = (name: string) => `dataset:duckdb%3A//warehouse.duckdb:warehouse.${name}`
const raw = table('main_raw.platform_events')
const refunds = table('main_raw.refunds')
const staged = table('main_staging.stg_platform_events')
const mart = table('main_marts.email_events')
const stagingJob = 'job:crm-pipeline:warehouse.main_staging.email_pipeline.stg_platform_events'
const martJob = 'job:crm-pipeline:warehouse.main_marts.email_pipeline.email_events'

describe('dbt with OpenLineage', { skip: lacking('openlineage.dbt', 'dbt.adapters.duckdb') }, () => {
  let site: Site
  let server: Running
  let relay: Relay
  let work: string
  let key: string

  before(async () => {
    site = await Site.make()
    server = await site.start()
    relay = await relayTo(server.url)
    key = (await server.client.issueKey({ name: 'dbt', scopes: ['ingest'], source: 'crm/dbt' })).secret
    work = join(site.folder, 'project')
    await mkdir(work)
    for (const part of ['dbt_project.yml', 'profiles.yml', 'models'])
      await cp(join(project, part), join(work, part), { recursive: true })
    await writeRaw(work, customers)
    await dbt('dbt', 'seed')
    await dbt('dbt-ol', 'run')
  })
  after(async () => {
    await relay?.close()
    await site?.remove()
  })

  async function dbt(program: string, command: string): Promise<void> {
    const { code, stdout, stderr } = await run(program, [command], {
      cwd: work,
      env: {
        DBT_PROFILES_DIR: work,
        OPENLINEAGE_NAMESPACE: 'crm-pipeline',
        OPENLINEAGE__TRANSPORT__TYPE: 'http',
        OPENLINEAGE__TRANSPORT__URL: relay.url,
        OPENLINEAGE__TRANSPORT__COMPRESSION: 'gzip',
        OPENLINEAGE__TRANSPORT__AUTH__TYPE: 'api_key',
        OPENLINEAGE__TRANSPORT__AUTH__API_KEY: key,
      },
    })
    assert.equal(code, 0, stdout + stderr)
  }

  test('every event is taken, compressed as it came', async () => {
    assert.equal(relay.exchanges.length, 6)
    for (const { status, headers, answer } of relay.exchanges) {
      assert.equal(status, 201, answer)
      assert.equal(headers['content-encoding'], 'gzip')
    }
    const { events } = await server.client.collected()
    assert.deepEqual([...new Set(events.map(({ source }) => source))], ['crm/dbt'])
    assert.deepEqual(
      events.flatMap(({ violations }) => violations),
      [],
    )
  })

  test('the mart comes from the raw table by two jobs, of one run of dbt', async () => {
    const { client } = server
    const answer = await client.lineageExplain({ node: mart })
    assert.deepEqual(answer.sources, [raw])
    assert.deepEqual(
      answer.nodes.map(({ id, depth }) => [id, depth]),
      [
        [mart, 0],
        [martJob, 1],
        [staged, 2],
        [stagingJob, 3],
        [raw, 4],
      ],
    )
    for (const job of [martJob, stagingJob]) {
      const { runs, facets } = await client.lineageNode({ node: job })
      assert.deepEqual(
        runs.map(({ state }) => state),
        ['COMPLETE'],
      )
      assert.ok(facets.some(({ name }) => name === 'sql'))
    }
    assert.deepEqual(answer.completeness.open, [])
  })

  test('a column of the mart comes from the columns of the raw table that dbt names', async () => {
    const sources = async (column: string) =>
      (await server.client.lineageExplain({ node: `${mart}#${column}` })).sources
    assert.deepEqual(await sources('order_value'), [`${raw}#order_cents`])
    assert.deepEqual(await sources('customer_id'), [`${raw}#contact`])
    assert.deepEqual(await sources('time'), [`${raw}#occurred`])
  })

  test('what dbt left in its target folder, imported elsewhere, makes the same graph of names and columns', async () => {
    const elsewhere = await Site.make()
    try {
      const { client } = await elsewhere.start()
      const profiles = join(work, 'profiles.yml')
      const of = ['--profiles', profiles, '--dataset-namespace', warehouse, '--job-namespace', 'crm-pipeline']
      const imported = await elsewhere.whence('lineage', 'import', join(work, 'target'), ...of)
      assert.equal(imported.code, 0, imported.stdout + imported.stderr)
      const back = async (asked: typeof client, node: string) => (await asked.lineageExplain({ node })).edges
      const told = (edges: LineageExplained['edges']) =>
        edges.map(({ from, how, to }) => `${from} ${how} ${to}`).toSorted()
      assert.deepEqual(told(await back(client, mart)), told(await back(server.client, mart)))

      // dbt's wrapper states which columns become which. Of what is imported we tell it from the SQL, and say so; and
      // we tell what is filtered by, too.
      for (const column of ['order_value', 'customer_id']) {
        const [stated, derived] = [
          await back(server.client, `${mart}#${column}`),
          await back(client, `${mart}#${column}`),
        ]
        assert.deepEqual(told(derived.filter(({ how }) => how === 'direct')), told(stated))
        assert.ok(stated.every(({ basis }) => basis === 'stated'))
        assert.ok(derived.length > 0 && derived.every(({ basis }) => basis !== 'stated'))
        assert.ok(told(derived).includes(`${raw}#contact indirect ${staged}`), told(derived).join('\n'))
      }
    } finally {
      await elsewhere.remove()
    }
  })

  test('a prediction about a customer is explained back to the raw table', async () => {
    const { client } = server
    const contract = await readFile(join(email.folder, 'contracts/email_events.yaml'), 'utf8')
    const view = await readFile(join(email.folder, 'features/customer_engagement.yaml'), 'utf8')
    const upstream = `      upstream: [{ namespace: '${warehouse}', name: warehouse.main_marts.email_events, fields: same }]\n`
    await client.apply({
      files: [
        { path: 'contracts/email_events.yaml', text: contract + upstream },
        { path: 'features/customer_engagement.yaml', text: view },
      ],
    })
    const file = join(work, 'events.ndjson')
    const unloaded = await run('python', [join(project, 'unload.py'), join(work, 'warehouse.duckdb'), file])
    assert.equal(unloaded.code, 0, unloaded.stderr)
    const { accounting } = await client.ingest('email_events', await readFile(file, 'utf8'))
    assert.ok(accounting.received > 3000)
    assert.equal(accounting.passed + accounting.flagged, accounting.received, JSON.stringify(accounting))

    const files = { email_events: file }
    const model = await email.train(client, files)
    const snapshot = await client.materialize({ view: email.view, at: email.at })
    const scored = await email.score(client, model, snapshot, files)
    assert.ok(scored > 200, String(scored))

    const explained = await site.whence('explain', `pred-${email.explain.number}`, '--json')
    assert.equal(explained.code, 0, explained.stderr)
    const { score, lineage } = JSON.parse(explained.stdout) as Explanation
    assert.equal(score.truth, 'recomputed')
    assert.deepEqual(
      lineage?.sources.map(({ id }) => id),
      [raw],
    )
    assert.deepEqual([lineage.datasets, lineage.jobs, lineage.openRuns], [3, 2, 0])
    assert.deepEqual(lineage.streams, [{ name: 'email_events', upstream: true }])
    const told = await site.whence('explain', `pred-${email.explain.number}`)
    assert.ok(told.stdout.includes('warehouse.main_raw.platform_events'), told.stdout)

    // And the way forward: a column of the raw table matters to as many people as have predictions.
    const impact = await client.lineageImpact({ node: `${raw}#order_cents` })
    assert.deepEqual(impact.featureViews, ['customer_engagement@v1'])
    assert.deepEqual(
      impact.models.map(({ model: name, people }) => [name, people]),
      [['opens_subject_a@1', scored]],
    )
    assert.equal(impact.counts.people, scored)
  })

  test('a changed model: the difference between the two runs is that change', async () => {
    for (const changed of ['email_events.sql', 'email_events.yml'])
      await cp(join(project, 'changed', changed), join(work, 'models/marts', changed))
    await rm(join(work, 'target'), { recursive: true })
    await dbt('dbt-ol', 'run')
    const { runs } = await server.client.lineageNode({ node: martJob })
    assert.equal(runs.length, 2)
    const [later, earlier] = runs.map(({ id }) => id)
    const ran = await site.whence('lineage', 'diff', `run:${earlier}`, `run:${later}`, '--json')
    assert.equal(ran.code, 0, ran.stderr)
    const diff = JSON.parse(ran.stdout) as LineageDiff

    const told = diff.differences.map(({ what, name, change }) => `${change} ${what} ${name}`)
    assert.deepEqual(told.toSorted(), [
      'added input dataset:duckdb%3A//warehouse.duckdb:warehouse.main_raw.refunds',
      'added schema refund_cents of warehouse.main_marts.email_events',
      // It reads what the first of its models wrote in this run.
      'changed code sql',
      'changed input dataset:duckdb%3A//warehouse.duckdb:warehouse.main_staging.stg_platform_events',
    ])
    const text = diff.differences.find(({ what }) => what === 'code')!.text!
    const lines = text.split('\n').filter((line) => /^[+-](?![+-])/.test(line))
    assert.deepEqual(lines, [
      '-    cast(order_cents / 100.0 as decimal(18, 2)) as order_value',
      '+    cast((order_cents - coalesce(refunds.refund_cents, 0)) / 100.0 as decimal(18, 2)) as order_value,',
      '+    refunds.refund_cents',
      '+left join "warehouse"."main_raw"."refunds" as refunds on refunds.order_number = order_id',
    ])
    assert.deepEqual(diff.upstream, [], 'nothing differs in what ran before')

    const order = await server.client.lineageExplain({ node: `${mart}#order_value` })
    assert.deepEqual(order.sources.toSorted(), [`${raw}#order_cents`, `${refunds}#refund_cents`])
  })

  test('what is known now is not what was known when the prediction was made', async () => {
    const { runs } = await server.client.lineageNode({ node: martJob })
    const then = await server.client.lineageExplain({ node: `${mart}#order_value`, asOfRun: runs[1]!.id })
    assert.deepEqual(then.sources, [`${raw}#order_cents`])
    const impact = await server.client.lineageImpact({ node: refunds })
    assert.deepEqual(impact.featureViews, ['customer_engagement@v1'])
  })

  test('the prov package reads what is exported of it', async () => {
    await readAsProv(site, { entities: 4, activities: 6 })
  })
})

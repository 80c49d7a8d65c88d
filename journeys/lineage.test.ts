// A column of a source table is to be renamed. Lineage says whom that concerns; it is done all the same; a prediction
// goes wrong; and the way back leads to the run that did it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client, LineageDiff, LineageImpact, ModelVersion, Snapshot } from '@whence/sdk'
import { refused } from './answers.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const raw = 'dataset:postgres%3A//shop:public.mail_log'
const cleaned = 'dataset:warehouse:mail.events'
const people = Array.from({ length: 12 }, (_, i) => `cust-${i + 1}-4471`)

const contract = `
apiVersion: v3.1.0
kind: DataContract
id: mail
version: 1.0.0
status: active
team: [{ username: mail-data, role: owner }]
schema:
  - name: mail
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: kind, logicalType: string }
      - { name: time, logicalType: timestamp, required: true }
      - { name: customer, logicalType: string, required: true, classification: personal }
      - { name: amount, logicalType: number, physicalType: 'decimal(18,2)' }
customProperties:
  - property: whence
    value:
      eventId: id
      eventTime: time
      knownAt: eventTime
      subject: customer
      upstream:
        - namespace: warehouse
          name: mail.events
          fields: { id: id, kind: kind, time: happened_at, customer: customer_id, amount: amount }
`
const view = `
kind: FeatureView
name: engagement
owner: growth-ml
entity: customer
source: mail
features:
  - { name: clicks_30d, type: int64, window: 30d, filter: kind = 'clicked', expr: count(*) }
  - { name: spent, type: decimal, expr: 'coalesce(sum(amount), 0)' }
`
const policy = `
kind: LineagePolicy
name: pipelines
rules:
  - namespace: airflow*
    require: [lineage, codeVersion, owner]
`

const files = [
  { path: 'contracts/mail.yaml', text: contract },
  { path: 'features/engagement.yaml', text: view },
]

/** A run of the job that cleans the source table into what the stream is loaded from. */
function cleaning(
  run: string,
  time: string,
  columns: { click: string | undefined; commit: string; sql: string; rows: number },
) {
  const facet = { _producer: 'https://airflow.example', _schemaURL: 'https://openlineage.example/facet' }
  const source = ['id', 'customer_id', columns.click ?? 'action', 'at', 'amount']
  const field = (name: string, from?: string): [string, { inputFields: object[] }] => [
    name,
    {
      inputFields:
        from === undefined
          ? []
          : [
              {
                namespace: 'postgres://shop',
                name: 'public.mail_log',
                field: from,
                transformations: [{ type: 'DIRECT', subtype: 'IDENTITY' }],
              },
            ],
    },
  ]
  const linked = [
    field('id', 'id'),
    field('kind', columns.click),
    field('happened_at', 'at'),
    field('customer_id', 'customer_id'),
    field('amount', 'amount'),
  ].filter(([, { inputFields }]) => inputFields.length > 0)
  return {
    eventType: 'COMPLETE',
    eventTime: time,
    producer: 'https://airflow.example',
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId: run, facets: { whence_codeVersion: { ...facet, gitCommit: columns.commit } } },
    job: {
      namespace: 'airflow',
      name: 'clean_mail',
      facets: { sql: { ...facet, query: columns.sql } },
    },
    inputs: [
      {
        namespace: 'postgres://shop',
        name: 'public.mail_log',
        facets: {
          schema: { ...facet, fields: source.map((name) => ({ name, type: name === 'amount' ? 'numeric' : 'text' })) },
        },
      },
    ],
    outputs: [
      {
        namespace: 'warehouse',
        name: 'mail.events',
        facets: {
          schema: {
            ...facet,
            fields: [
              'id',
              ...(columns.click === undefined ? [] : ['kind']),
              'happened_at',
              'customer_id',
              'amount',
            ].map((name) => ({ name, type: 'text' })),
          },
          columnLineage: { ...facet, fields: Object.fromEntries(linked) },
        },
        outputFacets: { outputStatistics: { ...facet, rowCount: columns.rows } },
      },
    ],
  }
}

const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()
const good = '01935d2e-0000-7000-8000-000000000001'
const bad = '01935d2e-0000-7000-8000-000000000002'

const sqlBefore = `SELECT id, action AS kind, at AS happened_at,\n       customer_id, amount\nFROM public.mail_log`
const sqlAfter = sqlBefore.replace(', action AS kind', '')

const model = {
  name: 'opens',
  predicts: 'opens the next mail',
  view: 'engagement@v1',
  model: {
    form: 'logistic/1' as const,
    intercept: -1,
    features: [
      { name: 'clicks_30d', weight: 0.9 },
      { name: 'spent', weight: 0.01 },
    ],
  },
}

suite('a column is renamed', () => {
  let site: Site
  let server: Running
  let whence: Client
  let snapshots: Snapshot[]
  let versions: ModelVersion[]
  let wholesome: LineageImpact

  const events = (day: number, kind: string | undefined) =>
    people.map((customer, i) => ({
      id: `m-${day}-${i}`,
      ...(kind === undefined ? {} : { kind: i % 3 === 0 ? kind : 'sent' }),
      time: ago(day),
      customer,
      amount: 5,
    }))

  const predict = async (version: ModelVersion, snapshot: Snapshot, prefix: string) => {
    const values = new Map<string, Record<string, number>>()
    for await (const row of whence.snapshotRows(snapshot.id))
      values.set(row.subject, row.values as Record<string, number>)
    const { subjects } = await whence.subjects({ identifiers: people })
    const { results } = await whence.predict({
      model: `opens@${version.version}`,
      snapshot: snapshot.id,
      predictions: people.map((_, i) => {
        const inputs = values.get(subjects[i]!)!
        const logit = -1 + 0.9 * Number(inputs.clicks_30d) + 0.01 * Number(inputs.spent)
        return {
          id: `${prefix}-${i}`,
          subject: subjects[i]!,
          score: 1 / (1 + Math.exp(-logit)),
          inputs,
          about: { campaign: 'spring', creative: i % 2 === 0 ? 'A' : 'B' },
        }
      }),
    })
    assert.ok(results.every(({ status }) => status === 'recorded'))
  }

  const train = async (id: string, view_: string): Promise<ModelVersion> => {
    const set = await whence.createTrainingSet({
      id,
      view: view_,
      label: 'opened',
      spine: people.map((entity, i) => ({ entity, at: ago(0.001), label: i % 2 === 0 })),
    })
    return whence.registerModel({
      ...model,
      trainingSet: set.id,
      run: { id: `train-${id}`, code: { commit: id === 'set-1' ? 'aaaa111' : 'bbbb222' }, parameters: { set: id } },
      metrics: { auc: id === 'set-1' ? 0.74 : 0.51 },
    })
  }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    await whence.apply({ files })
    await whence.collect(cleaning(good, ago(3), { click: 'action', commit: 'c1ea4', sql: sqlBefore, rows: 12 }))
    await whence.ingest('mail', events(2, 'clicked'))
    const snapshot = await whence.materialize({ view: 'engagement' })
    const version = await train('set-1', 'engagement')
    await predict(version, snapshot, 'before')
    snapshots = [snapshot]
    versions = [version]
  })
  after(() => site?.remove())

  test('impact of the column names the view, the model version and the number of people', async () => {
    wholesome = await whence.lineageImpact({ node: `${raw}#action` })
    assert.equal(wholesome.level, 'columns')
    assert.deepEqual(wholesome.featureViews, ['engagement@v1'])
    assert.deepEqual(
      wholesome.models.map(({ model: name, people: n, predictions }) => ({ name, n, predictions })),
      [{ name: 'opens@1', n: people.length, predictions: people.length }],
    )
    const {
      featureViews,
      modelVersions,
      deployedModels,
      predictions,
      people: concerned,
      campaigns,
      creatives,
    } = wholesome.counts
    assert.deepEqual(
      { featureViews, modelVersions, deployedModels, predictions, concerned, campaigns, creatives },
      {
        featureViews: 1,
        modelVersions: 1,
        deployedModels: 1,
        predictions: 12,
        concerned: 12,
        campaigns: 1,
        creatives: 2,
      },
    )
    assert.deepEqual(wholesome.onlyPossible, [])
    assert.equal(wholesome.truncated, false)
    const later = await whence.lineageImpact({
      node: `${raw}#action`,
      since: new Date(Date.now() + 86_400_000).toISOString(),
    })
    assert.deepEqual([later.counts.modelVersions, later.counts.deployedModels, later.counts.people], [1, 0, 0])
  })

  test('the same question at the level of names, from the table', async () => {
    const { counts, models } = await whence.lineageImpact({ node: raw })
    assert.equal(counts.people, people.length)
    assert.equal(counts.streams, 1)
    assert.equal(counts.jobs, 1)
    assert.deepEqual(
      models.map(({ model: name }) => name),
      ['opens@1'],
    )
  })

  test('from a training set on: the model version, that it is in use, and for how many', async () => {
    const { nodes, counts } = await whence.lineageImpact({ node: 'training:set-1' })
    assert.ok(nodes.some(({ id }) => id === 'model:opens@1'))
    const { modelVersions, deployedModels, predictions, people: concerned } = counts
    assert.deepEqual([modelVersions, deployedModels, predictions, concerned], [1, 1, people.length, people.length])
    const back = await whence.lineageExplain({ node: 'model:opens@1' })
    for (const id of ['training:set-1', 'view:engagement@v1', 'stream:mail', raw])
      assert.ok(
        back.nodes.some((node) => node.id === id),
        id,
      )
  })

  test('what-if says what breaks, and why', async () => {
    const report = await whence.whatIf({ changes: [{ dataset: raw, field: 'action', change: 'rename', to: 'event' }] })
    const breaks = report.consequences.filter(({ certainty }) => certainty === 'breaks')
    const of = (id: string) => breaks.find((each) => each.id === id)
    assert.match(of('view:engagement@v1#clicks_30d')?.why ?? '', /counts rows where kind = 'clicked'/)
    assert.deepEqual(of('view:engagement@v1#clicks_30d')?.owners, ['growth-ml'])
    assert.match(of('stream:mail#kind')?.why ?? '', /lets an event lack it/)
    assert.match(of('model:opens@1')?.why ?? '', /clicks_30d/)
    assert.ok(of('training:set-1'))
    assert.ok(of('job:airflow:clean_mail'))
    assert.equal(of('view:engagement@v1#spent'), undefined, 'spent does not use it')
    assert.deepEqual(report.breaking, {
      ...report.breaking,
      features: 1,
      featureViews: 1,
      modelVersions: 1,
      people: 12,
    })
    assert.match(
      report.sentence,
      /Renaming action of public\.mail_log breaks 1 feature of 1 feature view and 1 model version, with predictions about 12 people/,
    )
    const required = await whence.whatIf({ changes: [{ dataset: raw, field: 'customer_id', change: 'drop' }] })
    const stream = required.consequences.find(({ id }) => id === 'stream:mail#customer')
    assert.match(stream?.why ?? '', /mail@1\.0\.0 requires it: events without it are quarantined/)
    await refused(whence.whatIf({ changes: [{ dataset: raw, field: 'acton', change: 'drop' }] }), 'not_found')
  })

  test('a new type breaks what states another, and might break the rest', async () => {
    const report = await whence.whatIf({
      changes: [{ dataset: cleaned, field: 'amount', change: 'retype', to: 'varchar' }],
    })
    const certainty = (id: string) => report.consequences.find((each) => each.id === id)?.certainty
    assert.equal(certainty('stream:mail#amount'), 'breaks')
    const same = await whence.whatIf({
      changes: [{ dataset: cleaned, field: 'amount', change: 'retype', to: 'decimal(20,4)' }],
    })
    assert.ok(same.consequences.length > 0)
    assert.ok(same.consequences.every((each) => each.certainty === 'might break'))
  })

  test('the change is made anyway, and a prediction goes wrong', async () => {
    await whence.collect(cleaning(bad, ago(0), { click: undefined, commit: 'bad0bad', sql: sqlAfter, rows: 12 }))
    await whence.ingest('mail', events(0.1, undefined))
    snapshots.push(await whence.materialize({ view: 'engagement' }))
    versions.push(await train('set-2', 'engagement'))
    await predict(versions[1]!, snapshots[1]!, 'after')
    const now = await whence.lineageImpact({ node: `${raw}#action` })
    assert.equal(now.counts.people, 0, 'nothing flows from that column any more')
    const then = await whence.lineageImpact({ node: `${raw}#action`, asOf: wholesome.asOf })
    assert.deepEqual(then, wholesome, 'as of then the answer is as it was')
  })

  test('diff of the two model versions names the run that dropped the column', async () => {
    const diff = await whence.lineageDiff({ from: 'opens@1', to: 'opens@2' })
    const own = (what: string, name: string) =>
      diff.differences.find((each) => each.what === what && each.name === name)
    assert.deepEqual(own('code', 'commit'), {
      what: 'code',
      name: 'commit',
      change: 'changed',
      before: 'aaaa111',
      after: 'bbbb222',
    })
    assert.equal(own('quality', 'auc')?.after, '0.51')
    assert.equal(own('parameter', 'set')?.after, 'set-2')
    assert.deepEqual([own('input', 'training')?.before, own('input', 'training')?.after], ['set-1', 'set-2'])
    assert.deepEqual([diff.rows?.before, diff.rows?.after], [12, 12])
    const step = culprit(diff)
    assert.equal(step?.before?.run, good)
    assert.equal(step?.after?.run, bad)
    const found = step.differences.map(({ what, name, change }) => `${what} ${name} ${change}`)
    assert.ok(found.includes('schema kind of mail.events removed'), found.join('\n'))
    assert.ok(found.includes('code commit changed'))
    assert.match(step.differences.find(({ name }) => name === 'sql')?.text ?? '', /^-SELECT id, action AS kind/m)
  })

  test('diff of the two snapshots compares their rows and finds the same run', async () => {
    const [one, other] = snapshots as [Snapshot, Snapshot]
    const diff = await whence.lineageDiff({ from: `snapshot/${one.id}`, to: `snapshot/${other.id}` })
    assert.deepEqual(
      [diff.rows?.before, diff.rows?.after, diff.rows?.added, diff.rows?.removed],
      [12, 12, 12, 12],
      'everybody has spent more since',
    )
    assert.equal(culprit(diff)?.after?.run, bad)
    const same = await whence.lineageDiff({ from: `snapshot/${one.id}`, to: `snapshot/${one.id}` })
    assert.deepEqual([same.differences, same.upstream, same.rows?.added], [[], [], 0])
    const runs = await whence.lineageDiff({ from: `run:${good}`, to: `run:${bad}` })
    assert.ok(runs.differences.some(({ what, name }) => what === 'schema' && name.startsWith('kind of')))
  })

  test('explain as of the time before shows where the feature came from then', async () => {
    const feature = 'view:engagement@v1#clicks_30d'
    const now = await whence.lineageExplain({ node: feature })
    assert.ok(!now.nodes.some(({ id }) => id === `${raw}#action`))
    const then = await whence.lineageExplain({ node: feature, asOf: wholesome.asOf })
    assert.ok(then.nodes.some(({ id }) => id === `${raw}#action`))
    assert.ok(then.sources.includes(`${raw}#action`))
    const byRun = await whence.lineageExplain({ node: feature, asOfRun: good })
    assert.ok(byRun.asOf < then.asOf)
    await refused(whence.lineageExplain({ node: feature, asOf: 10_000_000 }), 'invalid')
    await refused(whence.lineageExplain({ node: feature, asOf: 1, at: ago(1) }), 'invalid')
  })

  test('the explanation of a prediction goes on to the source table', async () => {
    const explained = await whence.explain('after-0')
    const { lineage } = explained
    assert.ok(lineage)
    assert.deepEqual(
      lineage.sources.map(({ id }) => id),
      [raw],
    )
    assert.ok(lineage.jobs >= 1)
    assert.equal(lineage.truncated, false)
    const told = await site.whence('explain', 'after-0')
    assert.match(told.stdout, /public\.mail_log/)
  })

  test('an erased person is counted no more', async () => {
    await whence.erase({ identifier: people[0]!, basis: 'request' })
    const { counts } = await whence.lineageImpact({ node: raw })
    assert.equal(counts.people, people.length - 1)
    assert.equal(counts.erasedPredictions, 2)
  })

  test('coverage says what is complete; a policy’s violations are listed and make the command fail', async () => {
    const before_ = await whence.lineageCoverage()
    assert.deepEqual(
      before_.models.map(({ model: name, complete, sources }) => [name, complete, sources]),
      [
        ['opens@2', true, 1],
        ['opens@1', true, 1],
      ],
    )
    assert.deepEqual(before_.streams, [{ stream: 'mail', complete: true, missing: [] }])
    assert.equal(before_.traceability, 1)
    assert.deepEqual(before_.violations, [])
    assert.equal((await site.whence('lineage', 'coverage')).code, 0)
    const applied = await whence.apply({ files: [...files, { path: 'policies/pipelines.yaml', text: policy }] })
    assert.deepEqual(applied.applied.find(({ kind }) => kind === 'policy')?.change, 'new')
    const { violations, policies } = await whence.lineageCoverage()
    assert.deepEqual(
      policies.map(({ name, version }) => [name, version]),
      [['pipelines', 1]],
    )
    assert.deepEqual(
      violations.map(({ job, requires }) => [job, requires]),
      [['job:airflow:clean_mail', 'owner']],
    )
    const told = await site.whence('lineage', 'coverage')
    assert.equal(told.code, 1)
    assert.match(told.stdout, /no owner is named/)
    const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } })
    const text = await metrics.text()
    assert.match(text, /^whence_lineage_traceability_coverage 1$/m)
    assert.match(text, /^whence_lineage_audit_completeness /m)
  })

  test('the command line says it in each form', async () => {
    const impact = await site.whence('lineage', 'impact', raw)
    assert.equal(impact.code, 0, impact.stderr)
    assert.match(impact.stdout, /people\s+11/)
    const explained = await site.whence('lineage', 'explain', 'model:opens@1')
    assert.equal(explained.code, 0, explained.stderr)
    assert.match(explained.stdout, /public\.mail_log/)
    const diff = await site.whence('lineage', 'diff', 'opens@1', 'opens@2')
    assert.equal(diff.code, 0, diff.stderr)
    assert.match(diff.stdout, /clean_mail/)
    for (const [format, wanted] of [
      ['text', /BREAKS/],
      ['markdown', /^### 🔴 Lineage impact/],
      ['csv', /^certainty,kind,name/],
      ['html', /^<!doctype html>/],
      ['json', /"consequences"/],
    ] as const) {
      const ran = await site.whence('lineage', 'what-if', '--drop', `${raw}#amount`, '--format', format)
      assert.equal(ran.code, 1, ran.stderr)
      assert.match(ran.stdout, wanted)
    }
    const nodes = await site.whence('lineage', 'nodes', 'mail')
    assert.match(nodes.stdout, /stream:mail/)
    assert.equal((await site.whence('lineage', 'nodes', 'no such thing')).code, 1)
    assert.equal((await site.whence('lineage', 'what-if', '--drop', 'nothing')).code, 2)
  })

  test('the tables, made again from the log, give the same answers', async () => {
    const questions = () =>
      Promise.all([
        whence.lineageImpact({ node: raw }),
        whence.lineageExplain({ node: 'model:opens@2', level: 'runs' }),
        whence.lineageDiff({ from: 'opens@1', to: 'opens@2' }),
      ])
    const before_ = await questions()
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    whence = server.client
    const again = await questions()
    const whole = (answers: object) =>
      JSON.parse(JSON.stringify(answers).replaceAll(/"asOf":\d+/g, '"asOf":0')) as object
    assert.deepEqual(whole(again), whole(before_))
  })
})

function culprit(diff: LineageDiff) {
  return diff.upstream.find(({ name }) => name === 'clean_mail')
}

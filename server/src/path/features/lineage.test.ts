import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FollowedRecord } from '../../record/projection/follower.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import type { Column, ColumnType } from '../../store/columns.ts'
import { openProver } from '../../store/prover.ts'
import { snapshotLineage, trainingLineage, viewLineage } from './lineage.ts'
import { testFolder } from './testing.ts'
import { parseView } from './view.ts'
import { usesOf } from './uses.ts'

const { columns } = await testFolder()

const view = `
kind: FeatureView
name: engagement
owner: growth
entity: customer
source: clicks
features:
  - { name: clicks_30d, type: int64, window: 30d, filter: "event = 'clicked'", expr: count(*) }
  - { name: spent, type: decimal, expr: "sum(case when Kind = 'order' then amount else 0 end) filter (where ok)" }
  - { name: last_offer, type: string, expr: 'last(field.offer order by rank, time)' }
  - { name: dearest, type: string, source: orders, expr: 'arg_max(title, price)' }
  - { name: days_since, type: double, expr: "date_diff('day', max(time), as_of) / 2.0" }
`

const prover = openProver()
after(() => prover.close())
const clicks = contractOf('clicks', 'event kind amount! ok? offer rank#')
const orders = contractOf('orders', 'title price!')
const reading = {
  parser: columns,
  prover,
  contract: (stream: string, version: string) =>
    [clicks, orders].find((contract) => contract.stream === stream && contract.version === version),
}
const refs = { name: 'engagement', version: '3', fingerprint: 'fp1:x', contracts: 'clicks@1.0.0 orders@1.0.0' }

/** A contract with these columns: `!` decimal, `?` boolean, `#` integer, else text. */
function contractOf(stream: string, fields: string): Contract {
  const types: Record<string, ColumnType> = { '!': 'DECIMAL(18,2)', '?': 'BOOLEAN', '#': 'BIGINT' }
  const named = fields.split(' ').map((field): Column => ({
    name: field.replace(/[!?#]$/, ''),
    type: types[field.at(-1)!] ?? 'VARCHAR',
  }))
  return { id: stream, stream, version: '1.0.0', columns: named } as unknown as Contract
}

function recordOf(kind: string, content: string, refs: Record<string, string> = {}): FollowedRecord {
  const entry = { kind, recorded: '2026-03-01T00:00:00.000000Z', refs }
  return { seq: 42, entry, open: () => ({ state: 'open', content: Buffer.from(content) }) } as unknown as FollowedRecord
}

test('a feature uses the columns of its expression, each for what it is used for', async () => {
  const parsed = parseView(view, 'engagement.yaml')
  const uses = await columns.session(async (session) => {
    const found: Record<string, string[]> = {}
    for (const feature of parsed.features)
      found[feature.name] = (await usesOf(session, feature)).map(({ column, purpose }) => `${column}: ${purpose}`)
    return found
  })
  const always = ['subject: subject', 'time: window']
  assert.deepEqual(uses, {
    clicks_30d: ['event: filter', ...always],
    spent: ['kind: condition', 'amount: value', 'ok: filter', ...always],
    last_offer: ['offer: value', 'rank: order', 'time: order', ...always],
    dearest: ['title: value', 'price: order', ...always],
    days_since: ['time: value', ...always],
  })
})

test('a view is a node whose features come from fields of its streams: values directly, conditions indirectly', async () => {
  const [said] = await viewLineage(reading)(recordOf('view/1', view, refs))
  assert.equal(nodeId(said!.outputs[0]!.name), 'view:engagement@v3')
  assert.equal(nodeId(said!.job!.name), 'job:whence:materialize engagement@v3')
  assert.equal(said!.run, undefined)
  assert.deepEqual(
    said!.inputs.map(({ name }) => nodeId(name)),
    ['stream:clicks', 'stream:orders'],
  )
  const links = said!.links.filter(({ to }) => to.field === 'spent' || to.field === 'dearest')
  assert.deepEqual(
    links.map(({ from, to, how, basis }) => [nodeId(from.name, from.field), to.field, how, basis]),
    [
      ['stream:clicks#kind', 'spent', 'indirect', 'verified'],
      ['stream:clicks#amount', 'spent', 'direct', 'verified'],
      ['stream:clicks#ok', 'spent', 'indirect', 'verified'],
      ['stream:clicks#subject', 'spent', 'indirect', 'verified'],
      ['stream:clicks#time', 'spent', 'indirect', 'verified'],
      ['stream:orders#title', 'dearest', 'direct', 'verified'],
      ['stream:orders#price', 'dearest', 'indirect', 'verified'],
      ['stream:orders#subject', 'dearest', 'indirect', 'verified'],
      ['stream:orders#time', 'dearest', 'indirect', 'verified'],
    ],
  )
  assert.deepEqual(said!.outputs[0]!.facets.ownership, { owners: [{ name: 'growth' }] })
})

test('without the contracts that a view was applied with nothing is called verified, and the view says why', async () => {
  const { contracts: _, ...unnamed } = refs
  for (const [given, cause] of [
    [unnamed, /does not name the contracts/],
    [{ ...refs, contracts: 'clicks@1.0.0 orders@9.0.0' }, /no contract of stream orders/],
  ] as const) {
    const [said] = await viewLineage(reading)(recordOf('view/1', view, given))
    assert.ok(said!.links.length > 0)
    assert.deepEqual(new Set(said!.links.map(({ basis }) => basis)), new Set(['unverified']))
    const { unverified } = said!.outputs[0]!.facets.whence_featureView as { unverified: string }
    assert.match(unverified, cause)
  }
})

test('a feature that this parser no longer reads may rest on everything of its stream', async () => {
  const [said] = await viewLineage(reading)(recordOf('view/1', view.replace('count(*)', "'count(('"), refs))
  const links = said!.links.filter(({ to }) => to.field === 'clicks_30d')
  assert.deepEqual(
    links.map(({ from, basis }) => [nodeId(from.name, from.field), basis]),
    [['stream:clicks', 'conservative']],
  )
})

const computed = {
  view: 'engagement@v3',
  fingerprint: 'fp1:x',
  at: '2026-02-28T00:00:00.000000Z',
  asOf: 41,
  rows: 5,
  rowsDigest: 'd',
  inputs: [{ stream: 'clicks', contract: 'clicks@1.0.0' }],
  engine: { duckdb: '1.4', semantics: 1 },
}

test('a snapshot is a run that read its streams as of its position and wrote a version of the view', () => {
  const [said] = snapshotLineage(recordOf('snapshot/1', JSON.stringify(computed)))
  assert.equal(said!.run!.id, 'snapshot/42')
  assert.deepEqual(
    said!.inputs.map(({ name, version }) => [nodeId(name), version]),
    [['stream:clicks', '41']],
  )
  assert.deepEqual(
    said!.outputs.map(({ name, version, here }) => [nodeId(name), version, here.outputStatistics]),
    [['view:engagement@v3', '42', { rowCount: 5 }]],
  )
})

test('a training set is a run of its own that read the definition of the view, and no snapshot', () => {
  const body = {
    ...computed,
    id: 'readers',
    label: 'opened',
    columns: ['at', 'subject', 'label', 'clicks_30d'].map((name) => ({ name, type: 'BIGINT' })),
  }
  const [said] = trainingLineage(recordOf('training/1', JSON.stringify(body)))
  assert.equal(nodeId(said!.outputs[0]!.name), 'training:readers')
  assert.deepEqual(
    said!.inputs.map(({ name, version }) => [nodeId(name), version]),
    [
      ['view:engagement@v3', 'fp1:x'],
      ['stream:clicks', '41'],
    ],
  )
  assert.deepEqual(
    said!.links.map(({ from, to }) => [nodeId(from.name, from.field), nodeId(to.name, to.field)]),
    [['view:engagement@v3#clicks_30d', 'training:readers#clicks_30d']],
  )
})

test('a training set of several views reads each, and says which of its columns is whose', () => {
  const body = {
    ...computed,
    id: 'readers',
    label: 'opened',
    views: [
      { view: 'engagement@v3', fingerprint: 'fp1:x' },
      { view: 'spending@v1', fingerprint: 'fp1:y' },
    ],
    columns: ['at', 'label', 'engagement__present', 'clicks', 'spending__present', 'spending__total'].map((name) => ({
      name,
      type: 'BIGINT',
    })),
    viewColumns: [
      { column: 'engagement__present', view: 'engagement@v3', feature: 'present', present: true },
      { column: 'clicks', view: 'engagement@v3', feature: 'clicks' },
      { column: 'spending__present', view: 'spending@v1', feature: 'present', present: true },
      { column: 'spending__total', view: 'spending@v1', feature: 'total' },
    ],
  }
  const [said] = trainingLineage(recordOf('training/1', JSON.stringify(body)))
  assert.deepEqual(
    said!.inputs.map(({ name, version }) => [nodeId(name), version]),
    [
      ['view:engagement@v3', 'fp1:x'],
      ['view:spending@v1', 'fp1:y'],
      ['stream:clicks', '41'],
    ],
  )
  assert.deepEqual(
    said!.links.map(({ from, to }) => [nodeId(from.name, from.field), nodeId(to.name, to.field)]),
    [
      ['view:engagement@v3#clicks', 'training:readers#clicks'],
      ['view:spending@v1#total', 'training:readers#spending__total'],
    ],
  )
})

test('what was erased says nothing', async () => {
  const erased = { ...recordOf('view/1', ''), open: () => ({ state: 'erased' }) } as unknown as FollowedRecord
  assert.deepEqual(
    [...(await viewLineage(reading)(erased)), ...snapshotLineage(erased), ...trainingLineage(erased)],
    [],
  )
})

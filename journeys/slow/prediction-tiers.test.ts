// How much of a prediction is kept, by the policy in force; and what a complaint can still recover of one that was kept
// in the least form.
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { customers, follow, modelName, prediction, reader } from '../shop.ts'
import type { Thread } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

const policy = (sample: number): string => `
kind: CapturePolicy
name: letters
rules:
  - model: 'opens@*'
    consequential:
      - { name: refused, decision: deny }
      - { name: minors, segment: minor }
    routine: { sample: ${sample} }
`
const file = (sample: number) => ({ path: 'capture.yaml', text: policy(sample) })

let site: Site
let server: Running
let thread: Thread

before(async () => {
  site = await Site.make()
  server = await site.start()
  thread = await follow(server.client)
})
after(() => site.remove())

const predict = (predictions: object[]) =>
  server.client.predict({ model: modelName, snapshot: thread.snapshot.id, predictions: predictions as never })

test('a policy is a declaration: planned, applied, unchanged when it comes again', async () => {
  const plan = await server.client.plan({ files: [file(0)] })
  assert.deepEqual(
    plan.changes.map(({ kind, name, action }) => `${kind} ${name} ${action}`),
    ['capture letters create'],
  )
  const { applied } = await server.client.apply({ files: [file(0)] })
  assert.deepEqual(
    applied.map(({ kind, name, version, change }) => `${kind} ${name} ${version} ${change}`),
    ['capture letters v1 new'],
  )
  assert.equal((await server.client.apply({ files: [file(0)] })).applied[0]!.change, 'unchanged')
})

test('the tier of each prediction is answered, and shown with its rule and policy', async () => {
  const [a, b, c, d] = customers as [string, string, string, string]
  const { results } = await predict([
    prediction(a, 't-routine'),
    { ...prediction(b, 't-denied'), decision: 'deny' },
    { ...prediction(c, 't-minor'), segments: ['minor', 'north'], consequential: false },
    { ...prediction(d, 't-flag'), consequential: true },
  ])
  assert.deepEqual(
    results.map((result) => ('tier' in result ? result.tier : result.status)),
    ['minimal', 'consequential', 'consequential', 'consequential'],
  )
  const shown = async (id: string) => (await server.client.explain(id)).capture
  assert.deepEqual(await shown('t-routine'), { tier: 'minimal', policy: 'letters@v1' })
  assert.deepEqual(await shown('t-denied'), { tier: 'consequential', rule: 'refused', policy: 'letters@v1' })
  assert.deepEqual(await shown('t-minor'), { tier: 'consequential', rule: 'minors', policy: 'letters@v1' })
  assert.deepEqual(await shown('t-flag'), { tier: 'consequential', rule: 'flag' })
})

test('of a minimal prediction no input is kept, but whether recomputed ones are those served is known', async () => {
  const explained = await server.client.explain('t-routine')
  assert.ok(explained.inputs.every(({ served }) => served === undefined))
  assert.ok(explained.claims.some(({ name, truth }) => name === 'inputs as served' && truth === 'recomputed'))
  assert.ok(explained.alerts.some(({ truth, text }) => truth === 'missing' && text.includes('letters@v1')))
  const other = { ...prediction(customers[4]!, 't-other'), inputs: { ...reader(customers[4]!), opens_30d: 99 } }
  await predict([other])
  const wrong = await server.client.explain('t-other')
  assert.ok(wrong.claims.some(({ name, truth }) => name === 'inputs as served' && truth === 'contradicted'))
})

test('a prediction that comes again is judged as it was, whatever the policy says now', async () => {
  await server.client.apply({ files: [file(1)] })
  const again = await predict([prediction(customers[0]!, 't-routine')])
  assert.deepEqual(
    again.results.map((result) => [result.status, 'tier' in result && result.tier]),
    [['duplicate', 'minimal']],
  )
  const other = await predict([{ ...prediction(customers[0]!, 't-routine'), inputs: { opens_30d: 77 } }])
  assert.equal(other.conflict, 1)
  const fresh = await predict([prediction(customers[0]!, 't-fresh')])
  assert.deepEqual(
    fresh.results.map((result) => 'tier' in result && result.tier),
    ['sampled'],
  )
})

test('rows of a batch are kept by tier, and the batch is the same under another policy', async () => {
  await server.client.apply({ files: [file(0.5)] })
  const rows = customers.flatMap((customer, c) =>
    Array.from({ length: 20 }, (_, n) => ({
      ...prediction(customer, `r-${c}-${n}`),
      ...(n === 0 ? { decision: 'deny' } : {}),
    })),
  )
  const query = { batch: 'tiers', model: modelName, snapshot: thread.snapshot.id }
  const { tiers } = await server.client.predictBatch(query, rows)
  assert.equal(tiers['consequential'], 10)
  assert.equal(tiers['sampled']! + tiers['minimal']!, 190)
  assert.ok(tiers['sampled']! > 40 && tiers['minimal']! > 40, JSON.stringify(tiers))
  await server.client.apply({ files: [file(0)] })
  assert.equal((await server.client.predictBatch(query, rows)).receipt?.status, 'duplicate')
  const changed = rows.map((row) => ({ ...row, inputs: { ...row.inputs, opens_90d: 55 } }))
  await assert.rejects(server.client.predictBatch(query, changed), { code: 'conflict' })
  const denied = await server.client.explain('r-3-0')
  assert.deepEqual(denied.capture, { tier: 'consequential', rule: 'refused', policy: 'letters@v3' })
  assert.deepEqual(denied.keptContributors?.lost, [])
  assert.deepEqual(
    denied.keptContributors?.features,
    Object.fromEntries(denied.inputs.map(({ name, events }) => [name, events])),
  )
})

test('a complaint recovers what the tier left out, once', async () => {
  const minimal = (await server.client.find({ limit: 1000 })).predictions.filter(({ tier }) => tier === 'minimal')
  const single = minimal.find(({ id }) => id === 't-routine')!
  const row = minimal.find(({ row }) => row !== undefined)!
  for (const one of [single, row]) {
    const promotion = await server.client.promote(one.id!, { reason: 'complaint', note: 'she did not ask for letters' })
    assert.deepEqual(promotion.missing, [])
    assert.equal(promotion.inputsAre, 'recomputed, equal to what was served')
    assert.equal(promotion.score, one.score)
    assert.equal(promotion.reasonsAre, 'recomputed')
    assert.equal(promotion.tier, 'minimal')
    const explained = await server.client.explain(one.id!)
    assert.equal(explained.promotion?.seq, promotion.seq)
    assert.equal(explained.promotion?.note, 'she did not ask for letters')
    assert.deepEqual(explained.keptContributors?.features, promotion.contributors)
    assert.ok(explained.records.some(({ seq }) => seq === promotion.seq))
    const again = await server.client.promote(one.id!, { reason: 'appeal' })
    assert.deepEqual([again.seq, again.reason, again.receipt.status], [promotion.seq, 'complaint', 'duplicate'])
  }
  const both = await Promise.all([1, 2, 3].map(() => server.client.promote('t-fresh', { reason: 'review' })))
  assert.equal(new Set(both.map(({ seq }) => seq)).size, 1)
})

test('a promotion says what could not be had any more, and an explanation builds on it', async () => {
  await server.client.promote('t-other', { reason: 'appeal' })
  const before = await server.client.explain('t-other')
  assert.deepEqual(
    before.promotion?.missing.map(({ what }) => what),
    ['inputs as served'],
  )
  const id = 'r-5-0'
  await server.client.promote(id, { reason: 'review' })
  // The column files are derived; without the view's snapshot nothing can be held against anything any more.
  await rm(join(site.data, 'columns'), { recursive: true })
  await rm(join(site.data, thread.snapshot.files[0]!.path))
  const explained = await server.client.explain(id)
  assert.equal(explained.promotion?.inputs?.['opens_30d'], reader(customers[5]!).opens_30d)
  assert.ok(explained.keptContributors!.features['opens_30d']!.length >= 0)
})

test('the command names what it recovered, and ends with 1 when something is gone', async () => {
  const other = await Site.make()
  try {
    const running = await other.start()
    const { snapshot } = await follow(running.client)
    await running.client.apply({ files: [file(0)] })
    await running.client.predict({
      model: modelName,
      snapshot: snapshot.id,
      predictions: [
        prediction(customers[1]!, 'c-1'),
        { ...prediction(customers[2]!, 'c-2'), inputs: { opens_30d: 4 } },
      ],
    })
    await running.client.predict({ model: modelName, predictions: [{ id: 'c-3', entity: customers[3]!, score: 0.5 }] })
    await running.stop()
    const whole = await other.whence('promote', 'c-1', '--reason', 'complaint')
    assert.equal(whole.code, 0, whole.stderr)
    assert.match(whole.stdout, /equal to what was served/)
    const part = await other.whence('promote', 'c-3', '--reason', 'review', '--json')
    assert.equal(part.code, 1)
    const { missing } = JSON.parse(part.stdout) as { missing: { what: string }[] }
    assert.deepEqual(
      missing.map(({ what }) => what),
      ['recomputed inputs', 'inputs', 'contributing events', 'reasons'],
    )
    assert.equal((await other.whence('promote', 'c-2', '--reason', 'anger')).code, 2)
    await other.whence('erase', customers[1]!, '--basis', 'asked', '--yes')
    const gone = await other.whence('promote', 'c-1', '--reason', 'complaint')
    assert.equal(gone.code, 1)
    assert.match(gone.stderr, /erased/)
  } finally {
    await other.remove()
  }
})

// A complaint that comes late: the snapshot has expired or is gone, an event can no longer be opened. What can be had is
// had, and each thing that cannot is named.
import assert from 'node:assert/strict'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Client, Promotion, Snapshot } from '@whence/sdk'
import { customers, follow, modelName, prediction, reader, scored } from './shop.ts'
import { Site } from './site.ts'

const policy = `
kind: CapturePolicy
name: letters
rules:
  - model: 'opens@*'
    consequential: [{ name: refused, decision: deny }]
    routine: { sample: 0 }
`
const instant = '2026-03-03T00:00:00Z'

let site: Site
let whence: Client
let expired: Snapshot, gone: Snapshot

before(async () => {
  site = await Site.make()
  ;({ client: whence } = await site.start())
  await follow(whence)
  await whence.apply({ files: [{ path: 'capture.yaml', text: policy }] })
  expired = await whence.materialize({ view: 'reader', at: instant })
  await whence.materialize({ view: 'reader', at: '2026-03-04T00:00:00Z' })
  const { expired: letGo } = await whence.expireTables({ before: '2100-01-01T00:00:00Z' })
  assert.ok(letGo.some(({ snapshot }) => Number(snapshot) === expired.id))
  gone = await whence.materialize({ view: 'reader', at: instant })
})
after(() => site?.remove())

/** An honest prediction about a customer, from a snapshot. */
async function predict(customer: string, snapshot: number, id: string, more: object = {}): Promise<void> {
  const inputs = { ...reader(customer, instant) }
  const given = { id, entity: customer, time: instant, inputs, ...scored(inputs), ...more }
  const { recorded } = await whence.predict({ model: modelName, snapshot, predictions: [given] })
  assert.equal(recorded, 1)
}

const what = ({ missing }: Promotion): string[] => missing.map((each) => each.what)

/** Inputs, score, reasons and events of an honest prediction are there all the same. */
function recoveredWhole(promotion: Promotion, customer: string): void {
  const inputs = { ...reader(customer, instant) }
  assert.deepEqual(promotion.inputs, inputs)
  assert.equal(promotion.inputsAre, 'recomputed, equal to what was served')
  assert.equal(promotion.score, scored(inputs).score)
  assert.equal(promotion.reasonsAre, 'recomputed')
  assert.ok(Object.values(promotion.contributors!).flat().length > 0)
}

test('the snapshot has expired: that is said, and everything is recovered from the events', async () => {
  const [, bela] = customers as [string, string]
  await predict(bela, expired.id, 'm-expired')
  const promotion = await whence.promote('m-expired', { reason: 'complaint' })
  assert.equal(promotion.tier, 'minimal')
  assert.deepEqual(what(promotion), ['feature snapshot', 'feature row'])
  assert.match(promotion.missing[0]!.why, /has expired: its rows were let go by record \d+/)
  recoveredWhole(promotion, bela)
  const explained = await whence.explain('m-expired')
  assert.deepEqual(explained.promotion?.missing, promotion.missing)
  assert.equal(explained.counts.contradicted, 0)
})

test('the snapshot’s file is gone: the same, and as a row of a batch too', async () => {
  const cleo = customers[2]!
  await predict(cleo, gone.id, 'm-gone')
  const inputs = { ...reader(cleo, instant) }
  await whence.predictBatch({ batch: 'b', model: modelName, snapshot: gone.id }, [
    { ...prediction(cleo, 'row-gone'), inputs, ...scored(inputs) },
  ])
  await rm(join(site.data, gone.files[0]!.path))
  for (const id of ['m-gone', 'row-gone']) {
    const promotion = await whence.promote(id, { reason: 'appeal' })
    assert.deepEqual(what(promotion), ['feature snapshot', 'feature row'], id)
    assert.match(promotion.missing[0]!.why, /is gone/)
    recoveredWhole(promotion, cleo)
  }
})

test('an event that counted can no longer be opened: it is named, and nothing is claimed in its stead', async () => {
  const dora = customers[3]!
  const snapshot = await whence.materialize({ view: 'reader', at: '2026-03-05T00:00:00Z' })
  await predict(dora, snapshot.id, 'm-minimal')
  await predict(dora, snapshot.id, 'm-kept', { decision: 'deny' })
  await predict(dora, snapshot.id, 'm-before')
  const before = await whence.promote('m-before', { reason: 'review' })
  assert.deepEqual(what(before), [])
  const lost = before.contributors!['opens_90d']![0]!

  const index = await readFile(join(site.data, 'payloads/index'))
  const payloads = await open(join(site.data, 'payloads/000000.bin'), 'r+')
  const at = index.readUIntLE(64 * lost, 6) + 5
  const { buffer: was } = await payloads.read(Buffer.alloc(1), 0, 1, at)
  await payloads.write(Buffer.from([was[0]! ^ 1]), 0, 1, at)
  try {
    const minimal = await whence.promote('m-minimal', { reason: 'complaint' })
    assert.ok(what(minimal).includes(`record ${lost}`), JSON.stringify(minimal.missing))
    assert.ok(what(minimal).includes('inputs as served'), 'what is recomputed without it is not what was served')
    assert.notEqual(minimal.inputsAre, 'recomputed, equal to what was served')
    const kept = await whence.promote('m-kept', { reason: 'complaint' })
    assert.equal(kept.inputsAre, 'served')
    assert.deepEqual(kept.inputs, { ...reader(dora, instant) })
    assert.ok(what(kept).includes(`record ${lost}`))
    assert.ok(kept.contributors!['opens_90d']!.includes(lost), 'that it counted was kept when it was recorded')
    // What was recovered while it could be is not lost again.
    assert.deepEqual((await whence.explain('m-before')).promotion?.inputs, before.inputs)
  } finally {
    await payloads.write(was, 0, 1, at)
    await payloads.close()
  }
  // A promotion is what it was when it was asked for.
  const again = await whence.promote('m-minimal', { reason: 'appeal' })
  assert.ok(what(again).includes(`record ${lost}`))
})

test('decisions about model and training set stand on an explanation, the last word of each role first', async () => {
  const shown = async () => (await whence.explain('p-anna')).model.approvals
  assert.deepEqual(await shown(), [])
  assert.match((await site.whence('explain', 'p-anna')).stdout, /approvals +missing +none is on record/)
  const say = (decision: 'approved' | 'rejected', role: string) =>
    whence.approveTrainingSet('readers of winter', { role, decision, purpose: 'letters' })
  const no = await say('rejected', 'data protection officer')
  await say('approved', 'model owner')
  const alert = (text: string) => /was rejected by record \d+, as data protection officer/.test(text)
  const refusing = await whence.explain('p-anna')
  assert.ok(refusing.alerts.some(({ text }) => alert(text)))
  assert.equal(refusing.records.find(({ seq }) => seq === no.seq)?.integrity, 'intact')
  const yes = await say('approved', 'data protection officer')
  const settled = await whence.explain('p-anna')
  assert.ok(!settled.alerts.some(({ text }) => alert(text)))
  assert.deepEqual(
    settled.model.approvals!.map(({ of, decision, as, truth }) => [of, decision, as, truth]),
    [
      ['training set', 'rejected', 'data protection officer', 'asserted'],
      ['training set', 'approved', 'model owner', 'asserted'],
      ['training set', 'approved', 'data protection officer', 'asserted'],
    ],
  )
  assert.equal(settled.claims.filter(({ subject }) => subject === 'approval').length, 3)
  // As of before the last one was known.
  assert.equal((await whence.explain('p-anna', { asOf: yes.seq })).model.approvals!.length, 2)
  const { url } = await whence.link('p-anna')
  assert.match(await (await fetch(url)).text(), /the training set: approved as model owner, for letters/)
})

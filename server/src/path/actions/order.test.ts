import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openLedger, Site } from '../../../../journeys/site.ts'
import type { BareLedger } from '../../../../journeys/site.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import { CLAIMS, checkOrder, REVIEWS } from './order.ts'
import { STREAM } from './recorded.ts'

let site: Site
let bare: BareLedger

before(async () => {
  site = await Site.make()
  bare = await openLedger(site.config)
})
after(async () => {
  await bare.stop()
  await site.remove()
})

let n = 0
const append = async (person: string, draft: Pick<Draft, 'kind' | 'stream' | 'refs'>, content: object = {}) => {
  const subject = bare.ledger.subjects.mint('customer', person)
  assert.ok(subject !== 'erased')
  const { seq } = await bare.ledger.appendOne(
    {
      ...draft,
      source: 'test',
      id: `r-${n++}`,
      time: Date.now() * 1000,
      subject,
      content: Buffer.from(JSON.stringify(content)),
    },
    'test',
  )
  return seq
}
const footing = { purpose: 'news', basis: 'consent', endedBy: 'marketing', channel: 'email' }
const release = (who: string) =>
  append(who, { kind: 'action/1', stream: STREAM, refs: { ...footing, decision: 'released' } })
const claim = (who: string, action: number) =>
  append(who, { kind: 'claim/1', stream: CLAIMS, refs: { action: String(action), purpose: 'news' } })
const object = (who: string, more: object = {}) =>
  append(
    who,
    { kind: 'objection/1', stream: 'whence.objections', refs: {} },
    { purpose: 'marketing', withdrawn: false, ...more },
  )
const found = async (claimed: number) =>
  (await checkOrder(bare.ledger)).problems.some(({ message }) => message.startsWith(`claim ${claimed} `))

test('a claim that stands after an objection is found, whoever wrote it', async () => {
  const action = await release('a')
  assert.equal(await found(await claim('a', action)), false)
  await object('a')
  assert.equal(await found(await claim('a', action)), true)
})

test('a release after the objection was taken back may be claimed; the one before it may not', async () => {
  const first = await release('b')
  await object('b')
  await object('b', { withdrawn: true })
  const second = await append('b', {
    kind: 'review/1',
    stream: REVIEWS,
    refs: {
      ...footing,
      action: String(await append('b', { kind: 'action/1', stream: STREAM, refs: { ...footing, decision: 'held' } })),
      decision: 'released',
    },
  })
  const { action } = bare.ledger.entry(second).refs
  assert.equal(await found(await claim('b', Number(action))), false)
  assert.equal(await found(await claim('b', first)), true)
})

test('another person’s objection, one on another channel, and an end of consent for something else end nothing', async () => {
  const action = await release('c')
  await object('d')
  await object('c', { channel: 'sms' })
  await append(
    'c',
    { kind: 'consent/1', stream: 'whence.consents', refs: {} },
    { state: 'withdrawn', purposes: [{ purpose: 'research' }] },
  )
  assert.equal(await found(await claim('c', action)), false)
  await append(
    'c',
    { kind: 'consent/1', stream: 'whence.consents', refs: {} },
    { state: 'withdrawn', purposes: [{ purpose: 'news' }] },
  )
  assert.equal(await found(await claim('c', action)), true)
})

test('what was never released must not be claimed', async () => {
  const action = await append('e', { kind: 'action/1', stream: STREAM, refs: { ...footing, decision: 'refused' } })
  assert.equal(await found(await claim('e', action)), true)
})

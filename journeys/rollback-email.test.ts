// The e-mail case: an agent's discount reaches a regulated segment, complaints rise, a monitor alarms, the campaign is
// paused, what is queued is taken back, what was sent is made good, and one report tells it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { audience, campaign, tellStory } from '../examples/rollback/story.ts'
import type { Told } from '../examples/rollback/story.ts'
import { collect } from './answers.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

suite('the e-mail case', () => {
  let site: Site
  let server: Running
  let told: Told
  const steps: [string, boolean][] = []

  before(async () => {
    site = await Site.make()
    server = await site.start()
    told = await tellStory(server.client, (step, line, ok) => steps.push([`${step}: ${line}`, ok]))
  })
  after(() => site.remove())

  test('every step came out as it must', () => {
    assert.deepEqual(
      steps.filter(([, ok]) => !ok),
      [],
    )
  })

  test('the alarm rests on the complaints, and pauses the campaign by itself', () => {
    const { alarm, automatic, complained } = told
    assert.deepEqual([alarm.group, alarm.test, alarm.do], [campaign, 'ceiling', 'rollback'])
    assert.ok(alarm.evidence.value >= alarm.evidence.threshold)
    assert.ok(alarm.counted.events > 0 && alarm.counted.events <= complained.length)
    assert.deepEqual(automatic.plan.degrees, ['pause'])
    assert.equal(automatic.by, 'monitor:complaints')
    assert.equal(automatic.state, 'done')
  })

  test('of the campaign nothing leaves after the alarm, and what was queued is taken back, but for who had opted out', async () => {
    const rows = await collect(server.client.scopeActions({ kind: 'campaign', name: campaign }))
    const by = (state: string) => rows.filter((row) => row.state === state).length
    assert.deepEqual([by('sent'), by('recalled'), by('suppressed')], [800, audience.people - 800 - 1, 1])
    assert.deepEqual(told.claimedAfter, [])
    const again = await server.client.claim({ campaign, limit: 1000 })
    assert.deepEqual(again.claims, [])
  })

  test('everybody who was sent to is written to once, and who has ended offers is known', () => {
    const { corrections, report, complained } = told
    assert.equal(corrections.length, 800)
    assert.equal(new Set(corrections.map(({ entity }) => entity)).size, 800)
    assert.ok(corrections.every(({ campaign: of }) => of?.startsWith('rollback-')))
    // Whoever complained, and one who had opted out before.
    assert.deepEqual(report.now.consent, { allowed: 800 - complained.length - 1, ended: complained.length + 1 })
    assert.deepEqual(report.now.outcomes.complained, { actions: complained.length, people: complained.length })
  })

  test('the report says how it was noticed, what remains, and how long it took, from records alone', async () => {
    const { report, alarm } = told
    assert.ok(report.noticed.includes(alarm.sentence))
    assert.deepEqual(Object.keys(report.times).sort(), ['toNotice', 'toRollback', 'toSuppression', 'toTrace'])
    assert.ok(report.remains.some((line) => line.startsWith('800 were sent')))
    assert.ok(report.remains.some((line) => line.includes('240 people have opened')))
    const { ok, problems } = await server.client.verify()
    assert.deepEqual([ok, problems], [true, []])
  })
})

// Monitors over a ledger and its tables, without doors: what they raise follows from the log alone, in whatever order
// facts arrive, in whatever steps they are followed, and after any crash.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { checkAlarms } from '../../server/src/govern/monitors/check.ts'
import { testMonitors } from '../../server/src/govern/monitors/replay.ts'
import { planProjection } from '../../server/src/path/events/plan-records.ts'
import { PolicyBook, policyProjection } from '../../server/src/path/events/policy-book.ts'
import type { Draft } from '../../server/src/record/ledger/writer.ts'
import { Follower } from '../../server/src/record/projection/follower.ts'
import { monitorForm } from '../../server/src/rules/monitors/monitor.ts'
import { openTestDatabase } from '../../server/src/store/testing.ts'
import type { TestDatabase } from '../../server/src/store/testing.ts'
import { monitorProjections, wireMonitors } from '../../server/src/wiring/monitors.ts'
import { Site } from '../site.ts'
import type { BareLedger } from '../site.ts'

const complaints = (more = '', name = 'complaints') => `kind: Monitor
name: ${name}
by: campaign
metric: complaints
test: { kind: ceiling, ceiling: 0.01 }
${more}
`
const caller = { id: 'k-1', name: 'k', source: 'shop', scopes: ['admin' as const] }

suite('monitors over a log', () => {
  let site: Site
  let bare: BareLedger
  let database: TestDatabase
  let follower: Follower
  let parts: ReturnType<typeof wireMonitors>
  let now: number
  let number = 0

  beforeEach(async () => {
    now = Date.parse('2026-03-01T08:00:00Z') * 1000
    site = await Site.make()
    bare = await site.ledger({ clock })
    database = await openTestDatabase()
    await open()
  })
  afterEach(async () => {
    await follower.stop()
    await bare.stop()
    await database.drop()
    await site.remove()
  })
  const clock = { now: () => (now += 1000) }

  async function open(): Promise<void> {
    follower = new Follower(bare.ledger, database, [
      planProjection,
      policyProjection([monitorForm]),
      ...monitorProjections(bare.ledger),
    ])
    await follower.start()
    parts = wire()
  }

  function wire(): ReturnType<typeof wireMonitors> {
    const recorded = { ledger: bare.ledger, follower, database, clock }
    return wireMonitors(recorded, new PolicyBook(monitorForm, recorded))
  }

  async function append(drafts: Draft[]): Promise<number[]> {
    const placed = await bare.ledger.append(drafts, { actor: 'test' })
    assert.ok(placed !== 'stale')
    return placed.map((one) => {
      assert.ok(one.status !== 'refused')
      return one.seq
    })
  }

  async function apply(text: string): Promise<void> {
    const prepared = await parts.monitorParts.book.prepare('m.yaml', text)
    const change = { kind: 'monitor', name: prepared.policy.name, action: 'change', class: 'breaking' }
    const plan = { previous: null, digest: `d${++number}`, changes: [change] }
    await append([parts.monitorParts.book.draft(prepared), draft('plan/1', 'whence.plans', {}, plan)])
  }

  function draft(kind: string, stream: string, refs: Record<string, string>, content: object = {}): Draft {
    return {
      kind,
      stream,
      source: 'test',
      id: `r-${++number}`,
      time: clock.now(),
      refs,
      content: Buffer.from(JSON.stringify(content)),
    }
  }

  const proposed = (campaign: string): Draft =>
    draft('action/1', 'whence.actions', {
      type: 'send',
      actor: 'agent:writer',
      environment: 'production',
      decision: 'released',
      campaign,
    })
  const sent = (action: number): Draft =>
    draft('delivery/1', 'whence.deliveries', {
      action: String(action),
      claim: '0',
      status: 'sent',
      message: `m${action}`,
    })
  const came = (action: number, type: string): Draft =>
    draft('event/1', 'whence.outcomes', { contract: 'outcomes@1', outcome: 'passed', type, message: `m${action}` })

  /** Messages that were sent and delivered; of which every `nth` is complained about. */
  async function send(campaign: string, messages: number, nth: number): Promise<number[]> {
    const actions = await append(Array.from({ length: messages }, () => proposed(campaign)))
    await append(
      actions.flatMap((action, i) => [
        sent(action),
        came(action, 'delivered'),
        ...(nth > 0 && (i + 1) % nth === 0 ? [came(action, 'complained')] : []),
      ]),
    )
    return actions
  }

  const found = async () => (await parts.alarms.list({})).alarms.toReversed()

  test('an alarm is raised once, says what it counted, and is worked out again by verify', async () => {
    await apply(complaints())
    await send('spring', 400, 20)
    await send('autumn', 400, 0)
    await parts.monitors.catchUp()
    await parts.monitors.catchUp()
    const [alarm, ...more] = await found()
    assert.equal(more.length, 0)
    assert.deepEqual(
      [alarm!.monitor, alarm!.by, alarm!.group, alarm!.metric, alarm!.do],
      ['complaints@v1', 'campaign', 'spring', 'complaints', 'alarm'],
    )
    assert.ok(alarm!.evidence.value >= alarm!.evidence.threshold)
    assert.match(alarm!.sentence, /In campaign spring there were \d+ complaints from \d+ delivered messages/)
    const { monitors } = await parts.monitors.list()
    assert.deepEqual(
      monitors[0]!.groups.map(({ group, alarmed, counted }) => [group, alarmed, counted.units, counted.events]),
      [
        ['spring', true, 400, 20],
        ['autumn', false, 400, 0],
      ],
    )
    const { problems, checked } = await checkAlarms(parts.monitorParts, parts.monitors)
    assert.deepEqual([problems, checked], [[], { alarms: 1, 'alarms worked out again': 1 }])
  })

  test('rebuilt tables and a new process give the same alarm at the same record, and raise none anew', async () => {
    await apply(complaints())
    await send('spring', 400, 20)
    await parts.monitors.catchUp()
    const before = await found()
    const rows = await database.query('select * from observation order by seq')
    await follower.stop()
    await follower.rebuild()
    assert.deepEqual(await database.query('select * from observation order by seq'), rows)
    await open()
    await parts.monitors.catchUp()
    assert.deepEqual(await found(), before)
    assert.equal(before.length, 1)
  })

  test('followed after every record or all at once, the alarm is the same', async () => {
    await apply(complaints())
    const actions = await append(Array.from({ length: 60 }, () => proposed('spring')))
    for (const [i, action] of actions.entries()) {
      await append([sent(action), came(action, 'delivered'), ...(i % 6 === 5 ? [came(action, 'complained')] : [])])
      await parts.monitors.catchUp()
    }
    const [stepwise, ...more] = await found()
    assert.equal(more.length, 0)
    const again = wire()
    const { problems } = await checkAlarms(again.monitorParts, again.monitors)
    assert.deepEqual(problems, [])
    assert.ok(stepwise!.counted.units < 60)
  })

  test('outcomes before their send, twice, and of messages that nobody knows', async () => {
    await apply(complaints())
    const actions = await append(Array.from({ length: 200 }, () => proposed('spring')))
    // All that came of them is here before it is known that they were sent.
    for (const action of actions)
      await append([came(action, 'complained'), came(action, 'complained'), came(action, 'delivered')])
    await append([came(999_999, 'complained')])
    await parts.monitors.catchUp()
    assert.deepEqual(await found(), [])
    assert.equal((await parts.monitors.list()).untied, 601)
    await append(actions.map(sent))
    const { monitors, untied } = await parts.monitors.list()
    assert.equal(untied, 1)
    assert.deepEqual([monitors[0]!.groups[0]!.counted.units, monitors[0]!.groups[0]!.counted.events], [200, 200])
    const [alarm] = await found()
    assert.ok(alarm!.at >= actions.at(-1)!, 'it was raised when the sends came')
    assert.deepEqual((await checkAlarms(parts.monitorParts, parts.monitors)).problems, [])
  })

  test('cleared, a group begins anew; cleared twice is a conflict', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    await parts.monitors.catchUp()
    const [alarm] = await found()
    const cleared = await parts.alarms.clear(
      alarm!.seq,
      { note: 'the list was bought; asked anna@example.org' },
      caller,
    )
    assert.equal(cleared.cleared!.note, 'the list was bought; asked [email]')
    await assert.rejects(parts.alarms.clear(alarm!.seq, { note: 'again' }, caller), { code: 'conflict' })
    await assert.rejects(parts.alarms.clear(0, { note: 'no' }, caller), { code: 'not_found' })
    await send('spring', 200, 0)
    assert.equal((await found()).length, 1)
    const { monitors } = await parts.monitors.list()
    assert.deepEqual([monitors[0]!.groups[0]!.counted.units, monitors[0]!.groups[0]!.alarmed], [200, false])
    await send('spring', 200, 10)
    await parts.monitors.catchUp()
    assert.equal((await found()).length, 2)
    const { problems, checked } = await checkAlarms(parts.monitorParts, parts.monitors)
    assert.deepEqual([problems, checked.alarms], [[], 2])
  })

  test('a new version begins with its own record; what the old one raised stays', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    await apply(complaints('minimum: 10'))
    await send('spring', 200, 0)
    await parts.monitors.catchUp()
    assert.deepEqual(
      (await found()).map(({ monitor }) => monitor),
      ['complaints@v1'],
    )
    const { monitors } = await parts.monitors.list()
    assert.deepEqual([monitors[0]!.version, monitors[0]!.groups[0]!.counted.events], [2, 0])
    assert.deepEqual((await checkAlarms(parts.monitorParts, parts.monitors)).problems, [])
  })

  test('a crash before an alarm is on record: it is raised at the next start, though its version is gone by then', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    await apply(complaints('minimum: 10'))
    const late = wire()
    await late.monitors.catchUp()
    assert.deepEqual(
      (await found()).map(({ monitor }) => monitor),
      ['complaints@v1'],
    )
  })

  test('two that follow at once record an alarm once', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    const other = wire()
    await Promise.all([parts.monitors.catchUp(), other.monitors.catchUp(), parts.monitors.catchUp()])
    assert.equal((await found()).length, 1)
  })

  test('a ledger that is full is owed the alarm until it takes it', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    const raise = parts.alarms.raise.bind(parts.alarms)
    let refusing = true
    parts.alarms.raise = async (body) => {
      if (refusing) throw new Error('no room')
      return raise(body)
    }
    await assert.rejects(parts.monitors.catchUp(), /no room/)
    assert.deepEqual(await found(), [])
    refusing = false
    await parts.monitors.catchUp()
    assert.equal((await found()).length, 1)
  })

  test('an alarm that was made up, and one that is missing, are found by verify', async () => {
    await apply(complaints())
    await send('spring', 200, 10)
    await parts.monitors.catchUp()
    const [alarm] = await found()
    const { seq: _, ...body } = alarm!
    await parts.alarms.raise({ ...body, group: 'autumn' })
    const made = await checkAlarms(parts.monitorParts, parts.monitors)
    assert.deepEqual(
      made.problems.map(({ code }) => code),
      ['alarm_differs'],
    )
    await send('winter', 200, 10)
    const missing = await checkAlarms(parts.monitorParts, { catchUp: async () => {} })
    assert.ok(missing.problems.some(({ code, message }) => code === 'alarm_missing' && message.includes('winter')))
  })

  test('held against the past: what other settings would have raised, beside what was raised', async () => {
    await apply(complaints())
    await send('spring', 400, 20)
    await send('autumn', 400, 50)
    await parts.monitors.catchUp()
    const text = complaints().replace('ceiling: 0.01', 'ceiling: 0.001')
    const { monitors } = await testMonitors(parts.monitorParts, { files: [{ path: 'm.yaml', text }] })
    assert.deepEqual(
      monitors[0]!.would.map(({ group }) => group),
      ['spring', 'autumn'],
    )
    assert.deepEqual(
      monitors[0]!.did.map(({ group }) => group),
      ['spring'],
    )
    assert.ok(monitors[0]!.would[0]!.at < monitors[0]!.did[0]!.at)
    assert.equal((await found()).length, 1, 'nothing was recorded')
    await assert.rejects(testMonitors(parts.monitorParts, { files: [{ path: 'x.yaml', text: 'kind: Other' }] }), {
      code: 'invalid',
    })
  })
})

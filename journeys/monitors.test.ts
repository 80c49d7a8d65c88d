// Monitors on a server: complaints rise in one campaign of many and one alarm is raised; two versions that are the same
// are not told apart; copy that changes raises a gate to held, and nothing else.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Alarms, Client, MonitorTested, Monitors } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    grounds:
      - { basis: contract }
`
const complaints = (more = '') => `kind: Monitor
name: complaints
by: campaign
metric: complaints
test: { kind: ceiling, ceiling: 0.01 }
then: { do: rollback, degree: pause, dryRun: false }
${more}
`
const versions = `kind: Monitor
name: versions
by: prompt
metric: complaints
test: { kind: baseline, baseline: offer@1 }
`
const opens = `kind: Monitor
name: opens
by: prompt
metric: opens
test: { kind: blocks, baseline: offer@1, block: 50, settle: 0s }
`
const words = (metric: string) => `kind: Monitor
name: ${metric}
by: agent
metric: ${metric}
test: { kind: drift, rows: 40 }
then: { do: raise }
`

let site: Site
let server: Running
let client: Client
let number = 0

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  await apply(purposes, complaints(), versions, opens, words('length'), words('vocabulary'))
})
after(() => site.remove())

const apply = (...texts: string[]) => client.apply({ files: texts.map((text, i) => ({ path: `f${i}.yaml`, text })) })

interface Told {
  campaign: string
  prompt?: string
  complained?: boolean
  opened?: boolean
}

/** Sends messages, and tells what came of them: delivered, opened, complained. */
async function send(messages: readonly Told[]): Promise<void> {
  for (let from = 0; from < messages.length; from += 1000) {
    const some = messages.slice(from, from + 1000)
    const first = number
    const actions = some.map(({ campaign, prompt = '1' }) => ({
      id: `a-${++number}`,
      type: 'send' as const,
      actor: { type: 'service' as const, id: 'mailer' },
      entity: `person-${number}`,
      channel: 'email',
      purpose: 'newsletter',
      campaign,
      prompt: { template: 'offer', version: prompt },
      output: { copy: [{ part: 'text', text: 'Ten per cent on boots.' }] },
    }))
    const proposed = await client.proposeAll(actions)
    assert.equal(proposed.released, some.length)
    for (let claimed = 0; claimed < some.length;) {
      const { claims } = await client.claim({ limit: 1000 })
      assert.ok(claims.length > 0)
      claimed += claims.length
      await client.acknowledge(
        claims.map(({ claim, action }) => ({ claim, status: 'sent' as const, providerId: `m-${action}` })),
      )
    }
    const outcomes = some.flatMap(({ complained, opened }, i) => {
      const message = `m-a-${first + i + 1}`
      return (
        ['delivered', ...(opened ? ['opened' as const] : []), ...(complained ? ['complained' as const] : [])] as const
      ).map((type) => ({ id: `${type}-${message}`, type, message }))
    })
    for (let at = 0; at < outcomes.length; at += 1000) {
      const { recorded, tied } = await client.recordOutcomes(outcomes.slice(at, at + 1000))
      assert.deepEqual([recorded, tied], [Math.min(1000, outcomes.length - at), Math.min(1000, outcomes.length - at)])
    }
  }
}

const many = (n: number, of: (i: number) => Told): Told[] => Array.from({ length: n }, (_, i) => of(i))

test('twenty quiet campaigns raise nothing', async () => {
  // Two of them have a complaint more than the others: that is what quiet looks like.
  await send(many(1000, (i) => ({ campaign: `quiet-${i % 20}`, complained: i === 3 || i === 17 })))
  assert.deepEqual((await client.alarms()).alarms, [])
  const { monitors, untied } = await client.monitors()
  const shown = monitors.find(({ monitor }) => monitor === 'complaints')!
  assert.deepEqual([shown.watched, untied], [20, 0])
  assert.ok(shown.groups.every(({ counted, alarmed }) => counted.units === 50 && !alarmed))
})

test('complaints rise in one campaign: one alarm, which says what it wants and why', async () => {
  await send(
    many(600, (i) => ({
      campaign: i % 2 === 0 ? 'discount' : `quiet-${i % 20}`,
      complained: i % 2 === 0 && i % 10 === 0,
    })),
  )
  const { alarms } = await client.alarms()
  assert.deepEqual(
    alarms.map(({ monitor, group, do: does, wants, test: kind }) => ({ monitor, group, does, wants, kind })),
    [
      {
        monitor: 'complaints@v1',
        group: 'discount',
        does: 'rollback',
        wants: { degree: 'pause', dryRun: false },
        kind: 'ceiling',
      },
    ],
  )
  const [{ sentence, evidence, counted, seq }] = alarms as [Alarms['alarms'][number]]
  assert.match(sentence, /^In campaign discount there were \d+ complaints from \d+ delivered messages/)
  assert.ok(evidence.value >= evidence.threshold && counted.groups === 21)
  const { records } = await client.records({ from: seq, limit: 1 })
  assert.deepEqual(records[0]!.entry.refs, {
    state: 'raised',
    monitor: 'complaints@v1',
    by: 'campaign',
    group: 'discount',
    at: String(alarms[0]!.at),
    do: 'rollback',
    degree: 'pause',
    dryRun: 'false',
  })
})

test('two versions that are the same are not told apart', async () => {
  await send(
    many(600, (i) => ({ campaign: 'a-a', prompt: `${1 + (i % 2)}`, opened: i % 5 < 2, complained: i % 200 === 7 })),
  )
  const { alarms } = await client.alarms()
  assert.deepEqual(
    alarms.filter(({ monitor }) => monitor !== 'complaints@v1'),
    [],
  )
  const { monitors } = await client.monitors()
  const [group] = monitors.find(({ monitor }) => monitor === 'versions')!.groups
  assert.deepEqual([group!.group, group!.counted.units], ['offer@2', 300])
  // The baseline counts from the first message of the version on: in the same time.
  assert.equal(group!.counted.baseline!.units, 299)
})

test('a file that cannot be read is refused with its line, and the monitor stays in force', async () => {
  await assert.rejects(apply(complaints('alpha: 2')), /f0.yaml line \d+: alpha: must be 0.2 at most/)
  await assert.rejects(apply('kind: Monitor\nname: complaints\nby: ['), /f0.yaml line/)
  const { monitors } = await client.monitors()
  const shown = monitors.find(({ monitor }) => monitor === 'complaints')!
  assert.deepEqual([shown.version, shown.alpha, shown.watched], [1, 0.01, 22])
})

const write = (text: string, more: object = {}) =>
  client.propose({
    id: `w-${++number}`,
    type: 'send',
    actor: { type: 'agent', id: 'writer', configuration: 'approved' },
    entity: `reader-${number}`,
    channel: 'email',
    purpose: 'newsletter',
    output: { copy: [{ part: 'text', text }] },
    ...more,
  })

test('copy that changes raises the gate of its agent to held, rolls nothing back, and is lowered when it is cleared', async () => {
  await apply(
    'kind: Agent\nname: writer\nowner: growth\nconfigurations: { approved: {} }\n',
    'kind: Agent\nname: other\nowner: growth\nconfigurations: { approved: {} }\n',
  )
  const short = (i: number) => `Boots and shoes for spring, number ${i}.`
  for (let i = 0; i < 80; i++) assert.equal((await write(short(i))).decision, 'released')
  assert.ok(!(await client.alarms()).alarms.some(({ do: does }) => does === 'raise'), 'as before is no drift')
  const long = (i: number) =>
    `Guaranteed winnings await, claim your exclusive casino bonus immediately ${i}! `.repeat(20)
  for (let i = 0; i < 40; i++) await write(long(i))
  const raised = (await client.alarms({ open: 'true' })).alarms.filter(({ do: does }) => does === 'raise')
  assert.deepEqual(
    raised.map(({ monitor, group, wants }) => `${monitor} ${group} ${wants?.degree ?? 'no rollback'}`).toSorted(),
    ['length@v1 writer no rollback', 'vocabulary@v1 writer no rollback'],
  )
  for (const { drift, sentence } of raised) {
    assert.ok(drift!.psi >= 0.25 && drift!.psi > drift!.noise)
    assert.match(sentence, /which need not be for the worse/)
  }
  const held = await write(short(1))
  assert.equal(held.decision, 'held')
  assert.match(held.reason, /raised the gates for agent writer/)
  assert.deepEqual(
    held.verdicts.filter(({ outcome }) => outcome !== 'pass').map(({ gate }) => gate),
    ['monitors'],
  )
  const other = { actor: { type: 'agent', id: 'other', configuration: 'approved' } }
  assert.equal((await write(short(2), other)).decision, 'released', 'another agent is not held')
  await server.stop()
  server = await site.start()
  client = server.client
  assert.equal((await write(short(3))).decision, 'held', 'after a restart too')
  await client.clearAlarm(raised[0]!.seq, { note: 'a new tone, approved' })
  assert.equal((await write(short(4))).decision, 'held', 'one alarm is left')
  await client.clearAlarm(raised[1]!.seq, { note: 'a new tone, approved' })
  assert.equal((await write(short(5))).decision, 'released')
  const { alarms } = await client.alarms({ open: 'false' })
  assert.deepEqual(alarms.map(({ cleared }) => cleared!.note).toSorted(), [
    'a new tone, approved',
    'a new tone, approved',
  ])
})

test('the commands say it, and verify works every alarm out again', async () => {
  const listed = await site.whence('monitors', 'list')
  assert.equal(listed.code, 1, 'an alarm stands')
  assert.match(listed.stdout, /complaints@v1 .*ceiling[\s\S]*alarm\s+discount/)
  const json = await site.whence('monitors', 'list', '--json')
  assert.equal((JSON.parse(json.stdout) as Monitors).monitors.length, 5)
  const alarms = await site.whence('monitors', 'alarms', '--monitor', 'complaints')
  assert.equal(alarms.code, 0)
  assert.match(alarms.stdout, /In campaign discount there were/)
  await mkdir(join(site.folder, 'tried'), { recursive: true })
  await writeFile(join(site.folder, 'tried', 'm.yaml'), complaints('across: each').replace('0.01 }', '0.2 }'))
  const tested = await site.whence('monitors', 'test', join(site.folder, 'tried'), '--json')
  const [one] = (JSON.parse(tested.stdout) as MonitorTested).monitors
  assert.deepEqual([one!.would.length, one!.did.length], [0, 1])
  for (const command of ['list', 'test', 'alarms', 'clear']) {
    const help = await site.whence('monitors', command, '--help')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /--json/)
  }
  const verified = await client.verify()
  assert.deepEqual(verified.problems, [])
  assert.deepEqual([verified.checked.alarms, verified.checked['alarms worked out again']], [3, 3])
})

test('nothing of anybody stands in the tables of monitors', async () => {
  const { alarms } = await client.alarms()
  const said = JSON.stringify([alarms, await client.monitors()])
  for (const word of ['person-', 'reader-', 'boots', 'casino']) assert.ok(!said.includes(word), word)
})

test('an erasure takes nothing away from what was counted', async () => {
  const before = (await client.monitors()).monitors.find(({ monitor }) => monitor === 'complaints')!.groups
  await client.erase({ identifier: 'person-1', basis: 'they asked' })
  await server.stop()
  server = await site.start()
  client = server.client
  const now = (await client.monitors()).monitors.find(({ monitor }) => monitor === 'complaints')!.groups
  const counts = (groups: typeof before) => groups.map(({ group, counted }) => [group, counted.units, counted.events])
  assert.deepEqual(counts(now), counts(before))
  assert.deepEqual((await client.verify()).problems, [])
})

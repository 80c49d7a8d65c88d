import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monitorForm } from './monitor.ts'
import type { Monitor } from './monitor.ts'
import type { Fact, Observation } from './observation.ts'
import { RateWatch } from './watch.ts'
import type { Reached } from './watch.ts'

const monitorOf = (more: string, test = 'kind: ceiling, ceiling: 0.01'): Monitor =>
  monitorForm.parse(`kind: Monitor\nname: m\nby: campaign\nmetric: complaints\ntest: { ${test} }\n${more}`, 'm.yaml')

/** A log of facts; each at the next record, a second after the one before. */
class Facts {
  readonly all: Observation[] = []
  add(message: number, fact: Fact, campaign = 'spring'): this {
    const at = this.all.length
    this.all.push({
      at,
      seq: at,
      recorded: at * 1_000_000,
      message,
      fact,
      environment: 'production',
      groups: { campaign },
    })
    return this
  }
}

function run(monitor: Monitor, facts: readonly Observation[], watch = new RateWatch(monitor)): Reached[] {
  return facts.flatMap((fact) => watch.observe(fact))
}

/** `messages` delivered, of which every `nth` is complained about. */
function stream(messages: number, nth: number, campaign = 'spring', from = 0, facts = new Facts()): Facts {
  for (let i = 1; i <= messages; i++) {
    facts.add(from + i, 'sent', campaign).add(from + i, 'delivered', campaign)
    if (nth > 0 && i % nth === 0) facts.add(from + i, 'complained', campaign)
  }
  return facts
}

test('a rate above the ceiling alarms once, with what was counted; a rate below it never', () => {
  const watch = new RateWatch(monitorOf(''))
  const reached = run(monitorOf(''), stream(2000, 20).all, watch)
  assert.equal(reached.length, 1)
  const [{ group, evidence, threshold, counted, at }] = reached as [Reached]
  assert.equal(group, 'spring')
  assert.ok(evidence >= threshold && threshold === Math.log(100))
  assert.equal(counted.events, Math.floor(counted.units / 20))
  assert.equal(counted.to, at)
  assert.equal(counted.from, 0)
  assert.match(counted.digest, /^[0-9a-f]{64}$/)
  assert.deepEqual(
    watch.states().map((one) => [one.group, one.alarmed, one.counted.units, one.counted.events]),
    [['spring', true, 2000, 100]],
  )
  assert.deepEqual(run(monitorOf(''), stream(3000, 120).all), [])
})

test('the same observations give the same alarm, and in two halves too', () => {
  const facts = stream(2000, 20).all
  const once = run(monitorOf(''), facts)
  const watch = new RateWatch(monitorOf(''))
  const halves = [...run(monitorOf(''), facts.slice(0, 333), watch), ...run(monitorOf(''), facts.slice(333), watch)]
  assert.deepEqual(halves, once)
})

test('facts that come twice, and complaints before their delivery, count once and with it', () => {
  const plain = new RateWatch(monitorOf(''))
  run(monitorOf(''), stream(300, 50).all, plain)
  const messy = new Facts()
  for (let i = 1; i <= 300; i++) {
    if (i % 50 === 0) messy.add(i, 'complained').add(i, 'complained')
    messy.add(i, 'delivered').add(i, 'sent').add(i, 'delivered').add(i, 'opened')
  }
  const watch = new RateWatch(monitorOf(''))
  run(monitorOf(''), messy.all, watch)
  const [a, b] = [plain.states()[0]!, watch.states()[0]!]
  assert.deepEqual([b.counted.units, b.counted.events, b.evidence], [a.counted.units, a.counted.events, a.evidence])
})

test('complaints that overtake their deliveries wait for them: they are no evidence of a high rate', () => {
  const facts = new Facts()
  for (let i = 1; i <= 20; i++) facts.add(i, 'complained')
  const watch = new RateWatch(monitorOf(''))
  assert.deepEqual(run(monitorOf(''), facts.all, watch), [])
  assert.deepEqual(watch.states(), [])
})

test('no alarm before the minimum; what has gathered by then counts', () => {
  const facts = stream(40, 2).all
  const [early] = run(monitorOf(''), facts)
  assert.ok(early!.counted.units < 40)
  assert.deepEqual(run(monitorOf('minimum: 41'), facts), [])
  const [late] = run(monitorOf('minimum: 40'), facts)
  assert.equal(late!.counted.units, 40)
})

test('cleared, it begins anew: what was counted before counts no more, late complaints of then included', () => {
  const watch = new RateWatch(monitorOf(''))
  const facts = stream(200, 10)
  assert.equal(run(monitorOf(''), facts.all, watch).length, 1)
  watch.clear('spring', facts.all.length)
  const from = facts.all.length
  for (let i = 1; i <= 200; i++) if (i % 10 === 5) facts.add(i, 'complained')
  stream(100, 0, 'spring', 1000, facts)
  assert.deepEqual(run(monitorOf(''), facts.all.slice(from), watch), [])
  assert.deepEqual([watch.states()[0]!.counted.units, watch.states()[0]!.counted.events], [100, 0])
  const again = facts.all.length
  stream(200, 10, 'spring', 5000, facts)
  assert.equal(run(monitorOf(''), facts.all.slice(again), watch).length, 1)
})

test('over twenty campaigns one alone needs twenty times the evidence, unless each stands for itself', () => {
  const interleaved = new Facts()
  for (let i = 1; i <= 300; i++)
    for (let campaign = 0; campaign < 20; campaign++)
      stream(1, campaign === 7 && i % 10 === 0 ? 1 : 0, `c${campaign}`, campaign * 1000 + i, interleaved)
  const [alone] = run(monitorOf('across: each'), interleaved.all)
  assert.equal(alone!.group, 'c7')
  assert.equal(alone!.threshold, Math.log(100))
  const among = run(monitorOf(''), interleaved.all)
  assert.deepEqual(
    among.map(({ group }) => group),
    ['c7'],
  )
  assert.ok(Math.abs(among[0]!.threshold - Math.log(2000)) < 1e-9)
  assert.ok(among[0]!.at > alone!.at)
  assert.equal(alone!.counted.groups, 20)
})

test('only groups that are meant are watched', () => {
  const facts = stream(200, 5, 'autumn', 1000, stream(200, 5, 'spring'))
  const reached = run(monitorOf('among: ["aut*"]'), facts.all)
  assert.deepEqual(
    reached.map(({ group }) => group),
    ['autumn'],
  )
})

const versions = (more: string, test: string): Monitor => monitorOf(more, test)

test('B: complaints fall to the new version more often than its share; while both rise together nothing is said', () => {
  const facts = (nthNew: number, nthOld: number): Observation[] => {
    const both = new Facts()
    for (let i = 1; i <= 1500; i++) {
      stream(1, i % nthNew === 0 ? 1 : 0, 'new', i * 2, both)
      stream(1, i % nthOld === 0 ? 1 : 0, 'old', i * 2 + 1, both)
    }
    return both.all
  }
  const monitor = versions('', 'kind: baseline, baseline: old')
  const [alarm] = run(monitor, facts(20, 200))
  assert.equal(alarm!.group, 'new')
  assert.ok(alarm!.counted.baseline!.units > 0)
  assert.deepEqual(run(monitor, facts(10, 10)), [])
  assert.deepEqual(run(versions('', 'kind: baseline, baseline: old, tolerance: 10'), facts(20, 100)), [])
})

test('C: fewer opens alarm, more do not; each message is counted when its time has come', () => {
  const facts = (nthNew: number, nthOld: number): Observation[] => {
    const both = new Facts()
    for (let i = 1; i <= 1500; i++)
      for (const [campaign, nth] of [
        ['new', nthNew],
        ['old', nthOld],
      ] as const) {
        const message = i * 2 + Number(campaign === 'old')
        both.add(message, 'sent', campaign).add(message, 'delivered', campaign)
        if (i % nth === 0) both.add(message, 'opened', campaign)
      }
    return both.all
  }
  const monitor = monitorForm.parse(
    'kind: Monitor\nname: m\nby: campaign\nmetric: opens\ntest: { kind: blocks, baseline: old, block: 100, settle: 10s }',
    'm.yaml',
  )
  const [alarm] = run(monitor, facts(10, 4))
  assert.equal(alarm!.group, 'new')
  assert.ok(alarm!.counted.units >= 200 && alarm!.counted.baseline!.units >= 200)
  assert.deepEqual(run(monitor, facts(4, 10)), [])
  assert.deepEqual(run(monitor, facts(5, 5)), [])
})

test('D: a rise after a long quiet is found sooner than against the whole past', () => {
  const facts = stream(300, 20, 'spring', 100_000, stream(20_000, 200))
  const quiet = facts.all.findIndex(({ message }) => message > 100_000)
  const [restarts] = run(
    monitorOf('', 'kind: restarts, ceiling: 0.01, block: 50, runLength: 1000, settle: 10s'),
    facts.all,
  )
  assert.ok(restarts!.at > quiet)
  const whole = run(monitorOf(''), facts.all)
  assert.ok(whole.length === 0 || whole[0]!.at > restarts!.at)
})

test('windows: each begins with nothing, and what comes late for one before is not counted', () => {
  const facts = stream(50, 0)
  const first = facts.all.length
  const watch = new RateWatch(monitorOf('window: 150s'))
  const monitor = monitorOf('window: 150s')
  run(monitor, facts.all, watch)
  stream(50, 0, 'spring', 500, facts)
  for (let i = 1; i <= 50; i++) facts.add(i, 'complained')
  assert.deepEqual(run(monitor, facts.all.slice(first), watch), [])
  assert.ok(watch.states()[0]!.counted.units <= 50)
})

test('a file says what it means, or is refused with its line', () => {
  for (const [text, line] of [
    ['metric: length\ntest: { kind: ceiling, ceiling: 0.1 }', /watched by kind: drift/],
    ['metric: length\ntest: { kind: drift }\nthen: { do: rollback, degree: pause }', /drift alone rolls nothing back/],
    ['metric: opens\ntest: { kind: ceiling, ceiling: 0.1 }', /compare them with kind: blocks/],
    ['metric: complaints\ntest: { kind: ceiling, ceiling: 1 }', /m.yaml line 5.*below 0.5/],
    ['metric: complaints\ntest: { kind: ceiling, ceiling: 0.1 }\nalpha: 0.5', /0.2 at most/],
    ['metric: complaints\ntest: { kind: magic }', /test/],
  ] as const)
    assert.throws(() => monitorForm.parse(`kind: Monitor\nname: m\nby: campaign\n${text}\n`, 'm.yaml'), line)
  const opens = monitorForm.parse(
    'kind: Monitor\nname: m\nby: prompt\nmetric: opens\ntest: { kind: blocks, baseline: a@1 }',
    'm.yaml',
  )
  assert.equal(opens.test.kind === 'blocks' && opens.test.worse, 'lower')
})

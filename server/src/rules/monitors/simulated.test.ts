// The tests as they are used, simulated: bench/monitors.ts writes the tables, with more runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agrees, lines } from '../../../../bench/monitors.ts'
import {
  baselineRun,
  blocksRun,
  ceilingRun,
  naive,
  restartedRun,
  simulate,
} from '../../../../bench/monitors-simulated.ts'

const runs = 600

test('while nothing is wrong, fewer than one in a hundred ever alarm, and a z test does not hold that', () => {
  const quiet = [
    ['A', ceilingRun(0.001, { ceiling: 0.001, horizon: 60_000 })],
    ['A, below its ceiling', ceilingRun(0.0005, { ceiling: 0.001, horizon: 60_000 })],
    ['B', baselineRun(0.001, { baseline: 0.001, horizon: 60_000 })],
    ['C', blocksRun(0.2, { baseline: 0.2, horizon: 60_000 })],
  ] as const
  // 0.01 of 600 are 6; twelve have a chance below one in fifty at 0.01, and these lie below 0.005.
  for (const [name, run] of quiet) assert.ok(simulate(run, runs, 5).alarms < 12, name)
  assert.ok(simulate(naive(0.001, 0.001, 60_000), runs, 5).alarms > 50)
})

test('the detector that restarts keeps its run length', () => {
  // 100 looks on average, at least: within 20 looks at most a fifth may have alarmed.
  const run = restartedRun(0.001, { ceiling: 0.001, horizon: 10_000, quiet: 0, length: 100 })
  const { alarms } = simulate(run, runs, 6)
  assert.ok(alarms / runs <= 0.2, `${alarms}`)
})

test('what is wrong is found after as many sends as was known before', () => {
  const detecting = lines.filter(({ expected }) => 'sends' in expected)
  assert.equal(detecting.length, 6)
  // With a sixth of the runs the middle run varies more: two looks, or a tenth.
  for (const { what, run, expected } of detecting) {
    const { median, alarms } = simulate(run, runs, 7)
    const sends = 'sends' in expected ? expected.sends : 0
    assert.ok(alarms > 0.95 * runs, what)
    assert.ok(Math.abs(median! - sends) <= Math.max(1000, sends / 10), `${what}: ${median}, known ${sends}`)
  }
})

test('a simulation that differs is told from one that agrees', () => {
  assert.ok(!agrees({ runs: 4000, alarms: 100, median: undefined }, { alarms: 0.003 }))
  assert.ok(!agrees({ runs: 4000, alarms: 4000, median: 6000 }, { sends: 4500 }))
  assert.ok(agrees({ runs: 4000, alarms: 12, median: undefined }, { alarms: 0.003 }))
})

// The expected numbers were computed with SciPy 1.17.1: PSI as entropy(p, q) + entropy(q, p) over the smoothed shares, the
// divergence as scipy.spatial.distance.jensenshannon(p, q, base=2) ** 2, percentiles as scipy.stats.chi2.ppf(0.95, k).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chiSquared95, jensenShannon, psi, psiNoise } from './divergence.ts'

const near = (found: number, expected: number, within = 1e-12): void =>
  assert.ok(Math.abs(found - expected) <= within, `${found} is not ${expected}`)

test('PSI and Jensen-Shannon divergence are those that SciPy gives', () => {
  const cases: [number[], number[], number, number][] = [
    [[50, 50], [80, 20], 0.4062868212713332, 0.0731040079318099],
    [[100, 200, 300, 400], [120, 180, 350, 350], 0.020054701112537862, 0.0036282248810833953],
    [[10, 0, 5], [0, 7, 3], 3.5022114158341644, 0.6839663867737719],
    [[1000], [12], 0, 0],
    [[30, 30, 30, 0, 10], [30, 30, 30, 0, 10], 0, 0],
    [[5, 0], [0, 5], 3.996492121330617, 1],
  ]
  for (const [reference, serving, expected, divergence] of cases) {
    near(psi(reference, serving), expected)
    near(jensenShannon(reference, serving), divergence)
    near(jensenShannon(serving, reference), divergence)
  }
})

test('PSI is what comes out by hand', () => {
  // p = (50.5 / 101, 50.5 / 101), q = (80.5 / 101, 20.5 / 101): (q1 − p1)(ln(q1/p1) − ln(q2/p2)), since q2 − p2 = −(q1 − p1)
  const [p, q1, q2] = [0.5, 80.5 / 101, 20.5 / 101]
  near(psi([50, 50], [80, 20]), (q1 - p) * (Math.log(q1 / p) - Math.log(q2 / p)))
})

test('percentiles of chi-squared are within one percent of the exact ones', () => {
  const exact: [number, number][] = [
    [1, 3.841458820694124],
    [2, 5.991464547107979],
    [5, 11.070497693516351],
    [9, 16.918977604620448],
    [19, 30.14352720564616],
    [50, 67.5048065495412],
  ]
  for (const [degrees, value] of exact) near(chiSquared95(degrees), value, 0.01 * value)
  assert.equal(chiSquared95(0), 0)
})

test('of two samples of one distribution about one PSI in twenty is beyond the noise', () => {
  // A fixed stream of numbers, so that the count is always the same.
  let state = 12_345
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x80000000
  const sample = (n: number): number[] => {
    const counts = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    for (let i = 0; i < n; i++) counts[Math.floor(random() * 10)]!++
    return counts
  }
  let beyond = 0
  for (let i = 0; i < 2000; i++) {
    const [a, b] = [sample(1000), sample(300)]
    if (psi(a, b) > psiNoise(a, b)) beyond++
  }
  assert.ok(beyond > 60 && beyond < 140, String(beyond))
})

test('of nothing there is no number', () => {
  for (const [a, b] of [
    [[], []],
    [
      [0, 0],
      [3, 4],
    ],
    [
      [3, 4],
      [0, 0],
    ],
  ] as const) {
    assert.ok(Number.isNaN(jensenShannon(a, b)) || a.length === 0)
    assert.ok(Number.isNaN(psiNoise(a, b)))
  }
})

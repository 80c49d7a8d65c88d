// Values beside which nothing is said come from mpmath 1.4 with 60 digits: the beta functions as gammas and as the
// hypergeometric series of I_x, put together by the formulas in evidence.ts. They share no code with ours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logBeta, logGamma, logUpperTail } from './beta.ts'
import {
  baselineEvidence,
  blockEvidence,
  ceilingEvidence,
  MULTIPLES,
  NOTHING_YET,
  rejected,
  restarted,
  restartedEvidence,
} from './evidence.ts'

/** Equal to `digits` of what they are made of: values near 0 absolutely. */
function near(value: number, expected: number, what: string, tolerance = 1e-12): void {
  const allowed = tolerance * Math.max(1, Math.abs(expected))
  assert.ok(Math.abs(value - expected) <= allowed, `${what}: ${value}, expected ${expected}`)
}

test('the beta function is exact from tiny to millions', () => {
  const golden: [number, number, number][] = [
    [1, 1, 0],
    [1, 500, -6.214608098422191],
    [0.18, 0.18, 2.365596458661351],
    [9.5, 3, -6.351866910579232],
    [10, 1e6, -125.35332309941877],
    [61, 19_440, -413.8462376347455],
    [0.5, 1e6, -6.335390211057437],
    [1001, 999_001, -7916.698224534108],
    [2e5, 8e5, -500407.4960637643],
  ]
  for (const [a, b, expected] of golden) {
    near(logBeta(a, b), expected, `logBeta(${a}, ${b})`)
    near(logBeta(b, a), expected, `logBeta(${b}, ${a})`)
  }
  near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 'logGamma(1/2)')
  near(logGamma(7), Math.log(720), 'logGamma(7)')
})

test('the tail is exact where it is almost 1, and where a double holds it no longer', () => {
  const golden: [number, number, number, number][] = [
    [0.001, 1, 500, -0.5002501667917667],
    [0.001, 31, 10_470, -2.2032652366220295e-7],
    [0.001, 1, 1_000_500, -1001.0005837503253],
    [0.001, 1001, 999_500, -0.6889576296985599],
    [0.001, 3001, 997_500, 0],
    [0.001, 501, 1_000_000, -157.1377521507058],
    [0.5, 61, 20, -1.3659358943311415e-6],
    [0.5, 20, 61, -13.503671410364166],
    [0.5238095238095238, 3, 7, -2.6799696153187824],
    [0.3, 0.18, 0.18, -0.5774336356777072],
    [0.001, 1, 1e8, -100050.03335835335],
    [0.9, 2e5, 8e5, -1362746.1402988352],
  ]
  for (const [x, a, b, expected] of golden) near(logUpperTail(x, a, b), expected, `tail(${x}, ${a}, ${b})`, 1e-10)
})

test('A: evidence against a ceiling', () => {
  const golden: [number, number, number, number][] = [
    [0, 500, 0.001, -Math.LN2],
    [5, 500, 0.001, 5.10428172630055],
    [14, 4500, 0.001, 5.36579614580905],
    [30, 10_000, 0.001, 11.59202312496957],
    [3, 1000, 0.05, -4.5550876956743],
    [0, 1_000_000, 0.001, -7.601402334583733],
    [1100, 1_000_000, 0.001, 1.6150709227389521],
    [3000, 1_000_000, 0.001, 1294.1608262719003],
    [1_000_000, 1_000_000, 0.001, 6903459.22918267],
  ]
  for (const [events, units, ceiling, expected] of golden)
    near(ceilingEvidence({ events, units }, ceiling), expected, `${events} of ${units}`, 1e-9)
  near(ceilingEvidence({ events: 0, units: 0 }, 0.001), 0, 'before anything')
})

test('A: an event that is yet to come never made it larger', () => {
  for (const units of [10, 500, 20_000])
    for (let events = 1; events <= 10; events++)
      assert.ok(
        ceilingEvidence({ events, units }, 0.001) > ceilingEvidence({ events: events - 1, units }, 0.001),
        `${events} of ${units}`,
      )
})

test('A: the mean over everything that can happen at the ceiling is 1', () => {
  // What makes it evidence. Summed over the binomial distribution, exactly.
  for (const [units, ceiling] of [
    [40, 0.05],
    [300, 0.01],
  ] as const) {
    let mean = 0
    for (let events = 0; events <= units; events++) {
      const chance =
        -Math.log(units + 1) -
        logBeta(events + 1, units - events + 1) +
        events * Math.log(ceiling) +
        (units - events) * Math.log1p(-ceiling)
      mean += Math.exp(chance + ceilingEvidence({ events, units }, ceiling))
    }
    near(mean, 1, `${units} at ${ceiling}`, 1e-9)
  }
})

test('B: evidence against a baseline at the same time', () => {
  const golden: [number, number, number, number, number][] = [
    [0, 0, 0.5, 0, 0],
    [10, 2, 0.5, 0, 2.245015241172568],
    [30, 10, 0.5, 0, 4.146746034776932],
    [30, 10, 0.5, 0.5, 1.1046600401981383],
    [5, 50, 0.1, 0, -2.88144372958328],
    [60, 400, 0.1, 0.2, -2.959477620837433],
    [3000, 1000, 0.5, 0, 519.8760567504953],
  ]
  for (const [events, baseline, share, tolerance, expected] of golden)
    near(
      baselineEvidence({ events, baseline }, { share, tolerance }),
      expected,
      `${events} beside ${baseline}, ${share}, ${tolerance}`,
      1e-9,
    )
})

test('C: a block multiplies by how much likelier the rates of before make it; the mean is 1 where both are the same', () => {
  const before = { version: { events: 17, units: 100 }, baseline: { events: 20, units: 100 } }
  // ln [ (17.18/100.36)^3 … ] written out, with th0 = (5 thA + 5 thB) / 10.
  const [a, b] = [17.18 / 100.36, 20.18 / 100.36]
  const same = (a + b) / 2
  near(
    blockEvidence({ version: { events: 3, units: 5 }, baseline: { events: 1, units: 5 } }, before),
    3 * Math.log(a / same) +
      2 * Math.log((1 - a) / (1 - same)) +
      Math.log(b / same) +
      4 * Math.log((1 - b) / (1 - same)),
    'one block',
  )
  for (const rate of [0.1, same, 0.7]) {
    let mean = 0
    for (let x = 0; x <= 4; x++)
      for (let y = 0; y <= 4; y++) {
        const chance = (k: number): number => [1, 4, 6, 4, 1][k]! * rate ** k * (1 - rate) ** (4 - k)
        const block = { version: { events: x, units: 4 }, baseline: { events: y, units: 4 } }
        mean += chance(x) * chance(y) * Math.exp(blockEvidence(block, before))
      }
    assert.ok(mean <= 1 + 1e-12, `at ${rate}: ${mean}`)
    if (rate === same) near(mean, 1, 'at the rate of both')
  }
  near(
    blockEvidence(
      { version: { events: 5, units: 5 }, baseline: { events: 0, units: 5 } },
      { version: { events: 0, units: 0 }, baseline: { events: 0, units: 0 } },
    ),
    0,
    'the first block says nothing',
  )
})

test('D: each step adds one to what it multiplies, so that a long quiet past weighs nothing', () => {
  const block = { events: 1, units: 100 }
  const factor = (multiple: number): number => {
    const rate = multiple * 0.01
    return (rate / 0.01) * ((1 - rate) / 0.99) ** 99
  }
  const once = restarted(NOTHING_YET, block, 0.01)
  MULTIPLES.forEach((multiple, i) => near(Math.exp(once[i]!), factor(multiple), `L at ${multiple}`))
  const twice = restarted(once, block, 0.01)
  MULTIPLES.forEach((multiple, i) =>
    near(Math.exp(twice[i]!), (factor(multiple) + 1) * factor(multiple), `M at ${multiple}`),
  )
  let state = NOTHING_YET
  for (let i = 0; i < 10_000; i++) state = restarted(state, { events: 0, units: 500 }, 0.001)
  assert.ok(restartedEvidence(state) > Math.log(0.1), 'it does not sink without end')
  for (let i = 0; i < 20; i++) state = restarted(state, { events: 3, units: 500 }, 0.001)
  assert.ok(restartedEvidence(state) > Math.log(100))
})

test('e-BH: one alone needs m / alpha, several together less; below 1 / alpha nothing is rejected', () => {
  const logs = (...values: number[]) => new Map(values.map((value, i) => [`c${i}`, Math.log(value)]))
  assert.deepEqual([...rejected(logs(2000, 5), 20, 0.01).keys()], ['c0'])
  assert.deepEqual([...rejected(logs(1999, 5), 20, 0.01).keys()], [])
  assert.deepEqual([...rejected(logs(1000, 1001), 20, 0.01).keys()], ['c1', 'c0'])
  assert.deepEqual([...rejected(logs(99, 98, 97), 3, 0.01).keys()], [])
  assert.equal(rejected(new Map(), 0, 0.01).size, 0)
})

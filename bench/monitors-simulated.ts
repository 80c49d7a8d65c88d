// The tests of monitors, simulated: how often each alarms when nothing is wrong, and how many sends it needs when
// something is. Seeded, so that it gives the same numbers every time.
import {
  baselineEvidence,
  blockEvidence,
  ceilingEvidence,
  NOTHING_YET,
  restarted,
  restartedEvidence,
} from '../server/src/rules/monitors/evidence.ts'

export interface Simulated {
  readonly runs: number
  readonly alarms: number
  /** Sends until the alarm, of the middle run; undefined where fewer than half alarmed. */
  readonly median: number | undefined
}

/** Sends between two looks, over both arms where there are two. */
export const LOOK = 500
export const ALPHA = 0.01

/** One run: sends until the alarm, or undefined when none came within its horizon. */
export type Run = (random: () => number) => number | undefined

/** Every run has numbers of its own, so that fewer runs are the first of more. */
export function simulate(run: Run, runs: number, seed: number): Simulated {
  const found: number[] = []
  for (let i = 0; i < runs; i++) {
    const sends = run(randomFrom(seed * 1_000_003 + i))
    if (sends !== undefined) found.push(sends)
  }
  found.sort((a, b) => a - b)
  return { runs, alarms: found.length, median: found[Math.ceil(runs / 2) - 1] }
}

/** What most people do: a z test of the rate against the ceiling at every look, one-sided. */
export function naive(rate: number, ceiling: number, horizon: number): Run {
  return (random) => {
    const draw = binomial(LOOK, rate)
    for (let units = LOOK, events = 0; units <= horizon; units += LOOK) {
      events += draw(random)
      const z = (events - units * ceiling) / Math.sqrt(units * ceiling * (1 - ceiling))
      // The 99th percentile of the normal distribution.
      if (z > 2.3263478740408408) return units
    }
    return undefined
  }
}

/** A: against a ceiling. */
export function ceilingRun(
  rate: number,
  { ceiling, horizon, quiet = 0 }: { ceiling: number; horizon: number; quiet?: number },
): Run {
  return (random) => {
    const before = binomial(LOOK, ceiling)
    const draw = binomial(LOOK, rate)
    for (let units = LOOK, events = 0; units <= quiet + horizon; units += LOOK) {
      events += (units <= quiet ? before : draw)(random)
      if (ceilingEvidence({ events, units }, ceiling) >= Math.log(1 / ALPHA))
        return units <= quiet ? undefined : units - quiet
    }
    return undefined
  }
}

interface Beside {
  readonly baseline: number
  readonly horizon: number
}

/** B: against a baseline that gets half of what is sent. */
export function baselineRun(rate: number, { baseline: other, horizon }: Beside): Run {
  return (random) => {
    const [draw, beside] = [binomial(LOOK / 2, rate), binomial(LOOK / 2, other)]
    for (let units = LOOK, events = 0, baseline = 0; units <= horizon; units += LOOK) {
      events += draw(random)
      baseline += beside(random)
      if (baselineEvidence({ events, baseline }, { share: 0.5 }) >= Math.log(1 / ALPHA)) return units
    }
    return undefined
  }
}

/** C: blocks of both arms, two-sided. */
export function blocksRun(rate: number, { baseline: other, horizon }: Beside): Run {
  return (random) => {
    const [draw, beside] = [binomial(LOOK / 2, rate), binomial(LOOK / 2, other)]
    const arm = LOOK / 2
    let before = { version: { events: 0, units: 0 }, baseline: { events: 0, units: 0 } }
    let log = 0
    for (let units = LOOK; units <= horizon; units += LOOK) {
      const block = { version: { events: draw(random), units: arm }, baseline: { events: beside(random), units: arm } }
      log += blockEvidence(block, before)
      before = {
        version: { events: before.version.events + block.version.events, units: before.version.units + arm },
        baseline: { events: before.baseline.events + block.baseline.events, units: before.baseline.units + arm },
      }
      if (log >= Math.log(1 / ALPHA)) return units
    }
    return undefined
  }
}

/** D: after so many clean sends, for a detector that waits for `length` looks on average before a false alarm. */
export function restartedRun(
  rate: number,
  { ceiling, horizon, quiet, length }: { ceiling: number; horizon: number; quiet: number; length: number },
): Run {
  return (random) => {
    const before = binomial(LOOK, ceiling)
    const draw = binomial(LOOK, rate)
    let state = NOTHING_YET
    for (let units = LOOK; units <= quiet + horizon; units += LOOK) {
      const events = (units <= quiet ? before : draw)(random)
      state = restarted(state, { events, units: LOOK }, ceiling)
      if (restartedEvidence(state) >= Math.log(length)) return units <= quiet ? undefined : units - quiet
    }
    return undefined
  }
}

/** Draws how many of `units` happen, by inverting the distribution: a table, searched from the front. */
function binomial(units: number, rate: number): (random: () => number) => number {
  const sums: number[] = []
  let chance = (1 - rate) ** units
  for (let events = 0, sum = 0; events <= units; events++) {
    sum += chance
    sums.push(sum)
    chance *= ((units - events) / (events + 1)) * (rate / (1 - rate))
  }
  return (random) => {
    const at = random()
    let [low, high] = [0, units]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! > at) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** sfc32 (Doty-Humphrey): small, quick, and passes the usual batteries. 53 bits a draw. */
function randomFrom(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1]
  const next = (): number => {
    const word = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + word) | 0
    return word >>> 0
  }
  for (let i = 0; i < 15; i++) next()
  return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53
}

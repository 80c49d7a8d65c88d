// Evidence that may be looked at as often as one likes. Each function gives ln E of an e-process: while nothing is wrong
// the chance that E ever reaches 1/alpha is at most alpha (Ville's inequality), however often and whenever it is looked
// at. Logarithms, because E passes what a double holds.
import { logBeta, logUpperTail } from './beta.ts'

/** How often something happened, among how many. */
export interface Count {
  readonly events: number
  readonly units: number
}

/**
 * Against a fixed ceiling: ln E that the rate is above `ceiling`. A mixture over all rates above it, by
 * Beta(1, 1 / (2 · ceiling)) cut off below. It grows with every event and shrinks with every unit without one, so that
 * events which are yet to come make it too small, never too large.
 *
 * `ceilingEvidence({ events: 14, units: 4500 }, 0.001) // 5.37: E = 214`
 */
export function ceilingEvidence({ events, units }: Count, ceiling: number): number {
  const [a, b] = [1, 1 / (2 * ceiling)]
  return (
    logBeta(a + events, b + units - events) -
    logBeta(a, b) +
    logUpperTail(ceiling, a + events, b + units - events) -
    logUpperTail(ceiling, a, b) -
    events * Math.log(ceiling) -
    (units - events) * Math.log1p(-ceiling)
  )
}

/**
 * Against a baseline at the same time, of rare events (Lindon and Malek 2022): ln E that more of them fall to the new
 * version than its `share` of what was sent explains, with `tolerance` more (0.2: a fifth) allowed. Only events count, so
 * that it holds while the rate of both changes together.
 */
export function baselineEvidence(
  { events, baseline }: { events: number; baseline: number },
  { share, tolerance = 0 }: { share: number; tolerance?: number },
): number {
  const expected = (share * (1 + tolerance)) / (share * (1 + tolerance) + 1 - share)
  return (
    logBeta(1 + events, 1 + baseline) +
    logUpperTail(expected, 1 + events, 1 + baseline) -
    Math.log1p(-expected) -
    events * Math.log(expected) -
    baseline * Math.log1p(-expected)
  )
}

/** Two arms, and how often it happened in each. */
export interface Arms {
  readonly version: Count
  readonly baseline: Count
}

/** What both arms are believed to be before anything is known: Beta(0.18, 0.18), as the authors advise. */
const PRIOR = 0.18

/**
 * Two versions with common outcomes (Turner, Ly and Grünwald 2024): ln of the factor by which one block multiplies E,
 * with the rates estimated from `before`, the blocks before it. Two-sided: whoever alarms looks which way it went.
 */
export function blockEvidence(block: Arms, before: Arms): number {
  const believed = ({ events, units }: Count): number => (events + PRIOR) / (units + 2 * PRIOR)
  const [version, baseline] = [believed(before.version), believed(before.baseline)]
  const all = block.version.units + block.baseline.units
  const same = (block.version.units * version + block.baseline.units * baseline) / all
  return logLikelihood(block.version, version, same) + logLikelihood(block.baseline, baseline, same)
}

/** ln of how much likelier a count is at one rate than at another. */
function logLikelihood({ events, units }: Count, rate: number, other: number): number {
  const none = units - events
  return (
    (events === 0 ? 0 : events * Math.log(rate / other)) + (none === 0 ? 0 : none * Math.log((1 - rate) / (1 - other)))
  )
}

/** Rates above the ceiling, as multiples of it, that `restarted` looks for. */
export const MULTIPLES = [1.5, 2, 3, 5, 10] as const

/** ln M by multiple of the ceiling; before the first block nothing is known. */
export type Restarted = readonly number[]
export const NOTHING_YET: Restarted = MULTIPLES.map(() => Number.NEGATIVE_INFINITY)

/**
 * For long streams: Shiryaev and Roberts' e-detector, M = (M + 1) · L, one for each multiple of the ceiling. Whoever
 * alarms when their mean reaches A waits for A blocks on average before a false alarm, at least; the past before a change
 * does not weigh against it.
 */
export function restarted(before: Restarted, block: Count, ceiling: number): Restarted {
  return MULTIPLES.map((multiple, i) => {
    const rate = Math.min(multiple * ceiling, (1 + ceiling) / 2)
    return logSum(before[i]!, 0) + logLikelihood(block, rate, ceiling)
  })
}

/** ln of the mean of M over the multiples. */
export function restartedEvidence(state: Restarted): number {
  return state.reduce(logSum) - Math.log(state.length)
}

function logSum(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high))
}

/**
 * e-BH (Wang and Ramdas 2022): which of many hypotheses are rejected, so that of those that are, a share of at most
 * `alpha` is expected to be wrong. `logs` are ln E by name; `all` counts also those that are not listed because their E
 * is small. Nothing with E below 1/alpha is ever rejected. While nothing is wrong anywhere the chance that it ever
 * rejects is at most alpha: k times the k-th largest is at most their sum, and the mean of e-processes is one.
 */
export function rejected(logs: ReadonlyMap<string, number>, all: number, alpha: number): Map<string, number> {
  const sorted = [...logs].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  let last = -1
  sorted.forEach(([, log], i) => {
    if (log >= Math.log(all / ((i + 1) * alpha))) last = i
  })
  return new Map(sorted.slice(0, last + 1))
}

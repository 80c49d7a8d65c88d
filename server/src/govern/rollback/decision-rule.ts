// How a score became a decision, so that another score can be given one: by a threshold, or as the recorded decisions show.
// Where neither gives one, none is made up.

/** A prediction's score as it was recorded and as it would have been, and what was decided by it. */
export interface Rescored {
  readonly before: number
  readonly after: number
  readonly decision?: string | undefined
}

export interface Threshold {
  /** Of the version that made the predictions, and of the one that should have. */
  readonly before: number
  readonly after: number
}

export type Rule =
  | {
      readonly kind: 'threshold'
      readonly says: string
      readonly threshold: Threshold
      readonly yes: string
      readonly no: string
      /** The names are those that were decided, not ours. */
      readonly theirs: boolean
    }
  | {
      readonly kind: 'observed'
      readonly says: string
      /** From the lowest scores up; they do not touch. */
      readonly bands: readonly { readonly decision: string; readonly low: number; readonly high: number }[]
    }
  | { readonly kind: 'none'; readonly says: string }

/** Decisions that are told apart by score; beyond these the field holds something else than a decision. */
const MOST = 50

export function ruleOf(predictions: readonly Rescored[], threshold?: Threshold): Rule {
  if (threshold) return byThreshold(predictions, threshold)
  const bands = new Map<string, { low: number; high: number }>()
  for (const { decision, before } of predictions) {
    if (decision === undefined) continue
    const band = bands.get(decision)
    if (band) {
      band.low = Math.min(band.low, before)
      band.high = Math.max(band.high, before)
    } else bands.set(decision, { low: before, high: before })
    if (bands.size > MOST) return none(`more than ${MOST} different decisions are on record`)
  }
  if (bands.size === 0) return none('no decision is on record, and no threshold: give one')
  if (bands.size === 1)
    return none(`only "${[...bands.keys()][0]}" was decided: from which score on it would not have been is not known`)
  const sorted = [...bands].map(([decision, band]) => ({ decision, ...band })).sort((a, b) => a.low - b.low)
  const overlap = sorted.find(({ low }, i) => i > 0 && low <= sorted[i - 1]!.high)
  if (overlap) {
    const other = sorted[sorted.indexOf(overlap) - 1]!
    return none(`"${other.decision}" and "${overlap.decision}" were decided at the same scores: give a threshold`)
  }
  const says = sorted.map(({ decision, low, high }) => `"${decision}" from ${short(low)} to ${short(high)}`).join(', ')
  return { kind: 'observed', says: `as was decided: ${says}; between them nothing is known`, bands: sorted }
}

/** What was decided, and what would have been; undefined where the rule does not say. */
export function decided(
  rule: Rule,
  { before, after, decision }: Rescored,
): { before: string; after: string } | undefined {
  if (rule.kind === 'none') return undefined
  const was = rule.kind === 'threshold' ? sideOf(rule, before, rule.threshold.before) : bandOf(rule.bands, before)
  // One that was decided otherwise than by the rule would not be decided by it under another score either.
  if (decision !== undefined && was !== decision && (rule.kind === 'observed' || rule.theirs)) return undefined
  const would = rule.kind === 'threshold' ? sideOf(rule, after, rule.threshold.after) : bandOf(rule.bands, after)
  return was === undefined || would === undefined ? undefined : { before: was, after: would }
}

type ByThreshold = Extract<Rule, { kind: 'threshold' }>

function byThreshold(predictions: readonly Rescored[], threshold: Threshold): ByThreshold {
  const above = most(predictions.filter(({ before }) => before >= threshold.before))
  const below = most(predictions.filter(({ before }) => before < threshold.before))
  // Decisions that are the same on both sides were not made by this threshold: then the sides keep their plain names.
  const theirs = above !== undefined && below !== undefined && above !== below
  const at = threshold.before === threshold.after ? String(threshold.before) : 'the threshold of its model version'
  const [yes, no] = theirs ? [above, below] : ['yes', 'no']
  return {
    kind: 'threshold',
    says: `"${yes}" where the score is at least ${at}, else "${no}"${threshold.before === threshold.after ? '' : ` (${threshold.before}, then ${threshold.after})`}`,
    threshold,
    yes,
    no,
    theirs,
  }
}

function sideOf({ yes, no }: ByThreshold, score: number, threshold: number): string {
  return score >= threshold ? yes : no
}

function bandOf(bands: Extract<Rule, { kind: 'observed' }>['bands'], score: number): string | undefined {
  const [lowest, highest] = [bands[0]!, bands.at(-1)!]
  // What lies beyond the outermost is decided as they were: a threshold lies between bands, wherever it lies.
  if (score < lowest.low) return lowest.decision
  if (score > highest.high) return highest.decision
  return bands.find(({ low, high }) => score >= low && score <= high)?.decision
}

/** The decision that occurs most often; of two that occur as often, the first by name. */
function most(predictions: readonly Rescored[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { decision } of predictions)
    if (decision !== undefined) counts.set(decision, (counts.get(decision) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0]
}

function none(says: string): Rule {
  return { kind: 'none', says }
}

function short(score: number): string {
  return String(Number(score.toPrecision(4)))
}

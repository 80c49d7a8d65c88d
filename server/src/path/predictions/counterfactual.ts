// A counterfactual: which input, changed, would have changed the decision. Found by scoring again, one input at a time,
// over values that occur among the people of the snapshot. It says what the model does, not what would happen in the world.
import type { Counterfactual, FeatureValue } from '@whence/sdk'
import type { Occurring } from '../features/occurring.ts'
import type { Inputs, Scorer } from '../models/scoring.ts'

/** Rows that are scored for one answer, and values of one input among them. */
const MOST_ROWS = 20_000
const MOST_VALUES = 512
const LEAST_VALUES = 16

export interface Question {
  scorer: Scorer
  threshold: number
  /** What the model was given, and the score that it makes of that. */
  inputs: Inputs
  score: number
  /** The values of a feature that occur; undefined for what is no feature of the snapshot. */
  occurring(feature: string, most: number): Promise<Occurring | undefined>
}

/** Throws what the scorer throws. */
export async function counterfactualOf(question: Question): Promise<Counterfactual> {
  const { scorer, threshold, inputs, score } = question
  const yes = score >= threshold
  const most = Math.max(LEAST_VALUES, Math.min(MOST_VALUES, Math.floor(MOST_ROWS / scorer.features.length)))
  const found: Counterfactual = { threshold, score, yes, changes: [], steady: [], untried: [], tried: 0, sampled: [] }
  let room = MOST_ROWS
  for (const feature of scorer.features) {
    const occurring = room > 0 ? await question.occurring(feature, most) : undefined
    if (!occurring) {
      found.untried.push(feature)
      continue
    }
    const from = inputs[feature] ?? null
    const candidates = nearestFirst(from, occurring.values)
    room -= candidates.length
    found.tried += candidates.length
    if (occurring.of > occurring.values.filter((value) => value !== null).length) found.sampled.push(feature)
    const scored = await scorer.scoreMany(candidates.map((to) => ({ ...inputs, [feature]: to })))
    const first = scored.findIndex((one) => !Number.isNaN(one.score) && one.score >= threshold !== yes)
    if (first < 0) found.steady.push(feature)
    else found.changes.push({ feature, from, to: candidates[first]!, score: scored[first]!.score, steps: first + 1 })
  }
  // The change that passes over the fewest values that occur stands first.
  found.changes.sort((a, b) => a.steps - b.steps)
  return found
}

/**
 * Other values than the present one, the nearest first: numbers and times by their distance (of two as near the lower
 * first; from a missing one by their distance from 0), texts and truth values in their order, null last.
 */
export function nearestFirst(from: FeatureValue, values: readonly FeatureValue[]): FeatureValue[] {
  const origin = from === null ? 0 : measure(from)
  const distance = (value: FeatureValue): number => {
    if (value === null) return Number.POSITIVE_INFINITY
    const at = measure(value)
    return origin === undefined || at === undefined ? 0 : Math.abs(at - origin)
  }
  return values
    .filter((value) => value !== from && !(value !== null && from !== null && sameMeasure(value, from)))
    .map((value, place) => ({ value, place, far: distance(value) }))
    .sort((a, b) => (a.far === b.far ? a.place - b.place : a.far - b.far))
    .map(({ value }) => value)
}

function measure(value: Exclude<FeatureValue, null>): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return undefined
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  return /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : undefined
}

/** A long decimal may be text here and a number there. */
function sameMeasure(a: Exclude<FeatureValue, null>, b: Exclude<FeatureValue, null>): boolean {
  return typeof a !== typeof b && measure(a) !== undefined && measure(a) === measure(b)
}

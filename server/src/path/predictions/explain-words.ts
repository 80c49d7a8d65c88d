// How an explanation says things.
import type { ContributingEvent, ExplainedInput, Explanation, FeatureValue, ModelVersion } from '@whence/sdk'
import type { RecordedPrediction } from './predictions.ts'

export interface Told {
  id: string
  who: string | undefined
  prediction: RecordedPrediction | undefined
  model: ModelVersion | undefined
  score: Explanation['score']
  reasons: Explanation['reasons']
  events: readonly ContributingEvent[]
  inputs: readonly ExplainedInput[]
  erased: boolean
}

/** The answer in plain words. */
export function sentenceOf({ id, who, prediction, model, score, reasons, events, inputs, erased }: Told): string {
  if (erased) return `What was decided in "${id}" can no longer be read: the person was erased on request.`
  if (!prediction) return `The record of "${id}" cannot be read as it was written.`
  const name = who === undefined ? 'This person' : `Customer ${who}`
  const what = model ? ` for "${model.predicts}"` : ''
  // Only what moved the score to the side on which it ended is a reason for it.
  const side = Math.sign(reasons.reduce((sum, { contribution }) => sum + contribution, 0))
  const top = reasons
    .filter(({ contribution }) => Math.sign(contribution) === side && side !== 0)
    .slice(0, 3)
    .flatMap(
      ({ feature }) => inputs.find((input) => input.name === feature && input.truth === 'recomputed')?.sentence ?? [],
    )
    .slice(0, 2)
  const because = top.length > 0 ? ` mainly because they ${top.join(' and ')}` : ''
  const count = events.length
  const check =
    score.truth === 'recomputed' && inputs.every(({ truth, expression }) => truth === 'recomputed' || expression === '')
      ? ` Score and inputs were recomputed from ${count} ${count === 1 ? 'event' : 'events'} and agree.`
      : score.truth === 'contradicted' || inputs.some(({ truth }) => truth === 'contradicted')
        ? ' What was recorded contradicts what the events give.'
        : ' The score is as the producer says; it was not recomputed.'
  return `${name} scored ${prediction.score.toFixed(2)}${what}${because}.${check}`
}

/** Whether two values are the same; numbers may differ by the tolerance that their feature declares. */
export function same(a: FeatureValue, b: FeatureValue, tolerance = 0): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a === b || Math.abs(a - b) <= tolerance
  return a === b
}

export function show(value: FeatureValue): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value ?? 'none')
  return String(Number(value.toPrecision(4)))
}

export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`
}

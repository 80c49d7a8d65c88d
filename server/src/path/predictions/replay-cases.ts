// The predictions that a replay has opened, and what it says of their values.
import type { FeatureValue } from '@whence/sdk'
import type { Recomputed } from '../features/snapshots.ts'
import type { PredictionRef } from './enumeration.ts'
import { same } from './explain-words.ts'
import type { RecordedPrediction } from './predictions.ts'
import type { Marked } from './segments.ts'

/** A prediction that was opened and whose record is intact. */
export interface Case {
  ref: PredictionRef
  subject: string
  time: string
  prediction: RecordedPrediction
  marked: Marked
}

export interface Differing extends Case {
  recomputed: Recomputed
  /** The value that does not recompute, by feature: the served one, else the one in the snapshot. */
  differing: Record<string, FeatureValue>
}

export interface Misscored extends Case {
  inputs: Record<string, FeatureValue>
  score: number
}

/** The features whose served value, or whose value in the snapshot, is not the recomputed one. */
export function differences(prediction: RecordedPrediction, again: Recomputed): Record<string, FeatureValue> {
  const found: Record<string, FeatureValue> = {}
  for (const { name, tolerance } of again.view.features) {
    const other = [ownValue(prediction.inputs, name), ownValue(again.stored, name)].find(
      (value) => value !== undefined && !same(value, again.values[name] ?? null, tolerance),
    )
    if (other !== undefined) found[name] = other
  }
  return found
}

export function differs(feature: string, served: FeatureValue, recomputed: FeatureValue): string {
  return `${feature} was ${String(served)}, and recomputes to ${String(recomputed)}`
}

export function misscored({ prediction, score }: Pick<Misscored, 'prediction' | 'score'>): string {
  return `given as ${prediction.score}, recomputed as ${score}`
}

/** A feature may be called as what every object has by itself, `constructor` or `toString`: only what was put there counts. */
export function ownValue<Value>(record: Readonly<Record<string, Value>> | undefined, name: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

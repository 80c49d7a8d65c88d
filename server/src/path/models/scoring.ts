// Scoring a model version again: the one door through which explain, replay and counterfactuals ask a model for a score.
import type { FeatureValue, ModelVersion } from '@whence/sdk'
import { scoreLogistic } from './logistic.ts'

/** Inputs of a model by the names of its features; a feature that is left out is missing, like null. */
export type Inputs = Readonly<Record<string, FeatureValue>>

export interface Scored {
  /** NaN where these inputs cannot be scored: it equals no score. `problem` then says why, where more is known. */
  readonly score: number
  readonly problem?: string
  /** Each feature's exact contribution, in the order of the model; only of forms that have one. */
  readonly reasons?: readonly { readonly feature: string; readonly contribution: number }[]
}

/**
 * A model version that can be scored. The same inputs give the same score, in whichever company they are scored; within
 * `tolerance` it is the score that the producer's own run of the model gives.
 */
export interface Scorer {
  /** The features that the model reads, in its order. */
  readonly features: readonly string[]
  /** The largest difference between a recomputed score and the one that was recorded. */
  readonly tolerance: number
  /** Throws `unavailable` where the model could not be run at all (time or memory ran out), which says nothing of a score. */
  score(inputs: Inputs): Promise<Scored>
  /** One result for each row, in order; `score` of each, but faster. */
  scoreMany(rows: readonly Inputs[]): Promise<Scored[]>
}

/** `why` ends a sentence that begins "this model cannot be scored: ". */
export type Scorable = { readonly able: true; readonly scorer: Scorer } | { readonly able: false; readonly why: string }

/** Finds the scorer of a model version. It never throws: what keeps a version from being scored is part of the answer. */
export interface Scoring {
  scorerOf(version: ModelVersion): Promise<Scorable>
}

/** Scoring of the forms that need no artifact. */
export const plainScoring: Scoring = {
  async scorerOf({ model, artifact, tolerance }) {
    if (!model)
      return {
        able: false,
        why: artifact
          ? 'the form of its artifact is not one that Whence can score'
          : 'neither a form that Whence can score nor an artifact is recorded for it',
      }
    const one = (inputs: Inputs): Scored => {
      const { score, contributions } = scoreLogistic(model, inputs)
      return { score, reasons: contributions }
    }
    const scorer: Scorer = {
      features: model.features.map(({ name }) => name),
      tolerance: tolerance ?? 1e-12,
      score: async (inputs) => one(inputs),
      scoreMany: async (rows) => rows.map(one),
    }
    return { able: true, scorer }
  },
}

import type { FeatureValue, LogisticModel } from '@whence/sdk'

/** What the model makes of one row: the score, and each feature's contribution to the log-odds. */
export interface Scored {
  readonly score: number
  readonly contributions: { feature: string; contribution: number }[]
}

/**
 * Scores a row by the documented form: see `LogisticModel` in the SDK. A feature that the row lacks is missing; true counts
 * as 1, a numeral that no double holds exactly (a long decimal) as the nearest; any other text gives NaN, which equals no
 * score.
 *
 * `scoreLogistic(model, { opens_30d: 3 }).score // 0.8312…`
 */
export function scoreLogistic(model: LogisticModel, values: Readonly<Record<string, FeatureValue>>): Scored {
  const contributions = model.features.map(({ name, weight, mean, scale, missing }) => {
    const value = values[name] ?? missing
    return { feature: name, contribution: (weight * (number(value) - mean)) / scale }
  })
  const logit = contributions.reduce((sum, { contribution }) => sum + contribution, model.intercept)
  return { score: 1 / (1 + Math.exp(-logit)), contributions }
}

function number(value: FeatureValue): number {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) return Number(value)
  return typeof value === 'number' ? value : Number.NaN
}

// Logistic regression in a screen or two, in the form that Whence can score again (`logistic/1`, see the SDK's
// `LogisticModel`). Any other library does as well: what Whence needs is weights, means, scales and the intercept.
import type { FeatureValue, LogisticModel } from '@whence/sdk'

export interface Row {
  readonly values: Readonly<Record<string, FeatureValue>>
  readonly label: boolean | number
}

export interface FitOptions {
  readonly features: readonly string[]
  /** What stands for null, by feature; without an entry, the mean of the known values. */
  readonly missing?: Readonly<Record<string, number>>
  /** Ridge penalty on the standardised weights; the intercept is free. */
  readonly l2?: number
}

/** A value as the number that a model sees: large decimals come as text, truth values count 0 and 1. */
function numeric(value: FeatureValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z))

/** Fits by Newton's method on standardised features; the same rows in the same order give the same model. */
export function fit(rows: readonly Row[], { features, missing = {}, l2 = 1 }: FitOptions): LogisticModel {
  const columns = features.map((name) => standardise(name, rows, missing[name]))
  const x = rows.map((row) => [
    1,
    ...columns.map((c) => ((numeric(row.values[c.name]) ?? c.missing) - c.mean) / c.scale),
  ])
  const y = rows.map((row) => Number(row.label))
  const size = features.length + 1
  let weights = new Array<number>(size).fill(0)

  for (let step = 0; step < 50; step++) {
    const gradient = weights.map((w, i) => (i === 0 ? 0 : -l2 * w))
    const hessian = weights.map((_, i) => weights.map((_, j) => (i === j && i > 0 ? l2 : 0)))
    for (const [r, xs] of x.entries()) {
      const p = sigmoid(xs.reduce((sum, value, i) => sum + value * weights[i]!, 0))
      const curvature = p * (1 - p)
      for (let i = 0; i < size; i++) {
        gradient[i]! += (y[r]! - p) * xs[i]!
        for (let j = 0; j <= i; j++) hessian[i]![j]! += curvature * xs[i]! * xs[j]!
      }
    }
    const change = solve(hessian, gradient)
    weights = weights.map((w, i) => w + change[i]!)
    if (Math.max(...change.map(Math.abs)) < 1e-10) break
  }
  return {
    form: 'logistic/1',
    intercept: weights[0]!,
    features: columns.map((column, i) => ({ ...column, weight: weights[i + 1]! })),
  }
}

function standardise(name: string, rows: readonly Row[], missing: number | undefined) {
  const known = rows.map((row) => numeric(row.values[name])).filter((value) => value !== undefined)
  const average = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / Math.max(values.length, 1)
  const substitute = missing ?? average(known)
  const filled = rows.map((row) => numeric(row.values[name]) ?? substitute)
  const mean = average(filled)
  const scale = Math.sqrt(average(filled.map((v) => (v - mean) ** 2)))
  return { name, mean, scale: scale > 1e-9 ? scale : 1, missing: substitute }
}

/** Solves A x = b for a symmetric, positive definite A of which the lower triangle is filled (Cholesky). */
function solve(a: readonly number[][], b: readonly number[]): number[] {
  const n = b.length
  const l = a.map((row) => [...row])
  for (let j = 0; j < n; j++) {
    for (let k = 0; k < j; k++) l[j]![j]! -= l[j]![k]! ** 2
    l[j]![j] = Math.sqrt(l[j]![j]!)
    for (let i = j + 1; i < n; i++) {
      for (let k = 0; k < j; k++) l[i]![j]! -= l[i]![k]! * l[j]![k]!
      l[i]![j]! /= l[j]![j]!
    }
  }
  const z = [...b]
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) z[i]! -= l[i]![k]! * z[k]!
    z[i]! /= l[i]![i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) z[i]! -= l[k]![i]! * z[k]!
    z[i]! /= l[i]![i]!
  }
  return z
}

export interface Scored {
  readonly score: number
  /** Log-odds that each feature adds, relative to an average row; strongest first. */
  readonly reasons: { feature: string; contribution: number }[]
}

/** Scores one row, with its reasons, in the order of operations that the form prescribes. */
export function score(model: LogisticModel, values: Row['values']): Scored {
  const reasons = model.features.map((f) => ({
    feature: f.name,
    contribution: (f.weight * ((numeric(values[f.name]) ?? f.missing) - f.mean)) / f.scale,
  }))
  const sum = reasons.reduce((total, reason) => total + reason.contribution, 0)
  return {
    score: sigmoid(model.intercept + sum),
    reasons: reasons.toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
  }
}

/** Area under the ROC curve: how often a positive row scores above a negative one, ties counted half. */
export function auc(scored: readonly { score: number; label: boolean | number }[]): number {
  const sorted = scored.toSorted((a, b) => a.score - b.score)
  let rankSum = 0
  let positives = 0
  for (let start = 0; start < sorted.length;) {
    let end = start
    while (end < sorted.length && sorted[end]!.score === sorted[start]!.score) end++
    const rank = (start + 1 + end) / 2
    for (let i = start; i < end; i++) {
      if (Number(sorted[i]!.label) === 1) {
        rankSum += rank
        positives++
      }
    }
    start = end
  }
  const negatives = sorted.length - positives
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

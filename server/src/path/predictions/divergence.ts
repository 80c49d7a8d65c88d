// How far two distributions over the same bins lie apart. Pure; the formulas are those of docs/spec/replay.md.

/** What is added to each bin's count before shares are taken for PSI, so that an empty bin has no infinite weight. */
export const SMOOTHING = 0.5

/**
 * Population stability index, in nats: Σ (q − p) · ln(q / p) over the bins, with p and q smoothed:
 * (count + 0.5) / (n + 0.5 · bins). 0 where both are the same; it has no upper bound. NaN when either is empty.
 *
 * `psi([50, 50], [80, 20]) // 0.4062…`
 */
export function psi(reference: readonly number[], serving: readonly number[]): number {
  const [p, q] = [smoothed(reference), smoothed(serving)]
  return p.reduce((sum, share, i) => sum + (q[i]! - share) * Math.log(q[i]! / share), 0)
}

/**
 * Jensen-Shannon divergence, in bits: ½ Σ p · log2(p / m) + ½ Σ q · log2(q / m) with m = (p + q) / 2, of the shares as they
 * are. From 0 (the same) to 1 (no bin in common). NaN when either is empty.
 */
export function jensenShannon(reference: readonly number[], serving: readonly number[]): number {
  const [p, q] = [shares(reference), shares(serving)]
  const part = (share: number, middle: number): number => (share === 0 ? 0 : share * Math.log2(share / middle))
  const sum = p.reduce((total, share, i) => {
    const middle = (share + q[i]!) / 2
    return total + part(share, middle) + part(q[i]!, middle)
  }, 0)
  // Rounding may leave it a hair outside of its range.
  return Math.min(1, Math.max(0, sum / 2))
}

/**
 * The PSI that two samples of one distribution stay below in 95 of 100 cases: (1/n + 1/m) · χ²(0.95; bins − 1), after
 * Yurdakul (2018). A PSI below it may be chance alone. NaN when either is empty.
 */
export function psiNoise(reference: readonly number[], serving: readonly number[]): number {
  const bins = reference.filter((count, i) => count + serving[i]! > 0).length
  return (1 / total(reference) + 1 / total(serving)) * chiSquared95(bins - 1)
}

/** The 95th percentile of the chi-squared distribution, by Wilson and Hilferty: within 1 % from 2 degrees of freedom on. */
export function chiSquared95(degrees: number): number {
  if (degrees <= 0) return 0
  // With one degree it is the square of a standard normal variable, of which the value is known.
  if (degrees === 1) return 3.841458820694124
  const part = 2 / (9 * degrees)
  return degrees * (1 - part + 1.6448536269514722 * Math.sqrt(part)) ** 3
}

function total(counts: readonly number[]): number {
  const sum = counts.reduce((all, count) => all + count, 0)
  return sum > 0 ? sum : Number.NaN
}

function shares(counts: readonly number[]): number[] {
  const n = total(counts)
  return counts.map((count) => count / n)
}

function smoothed(counts: readonly number[]): number[] {
  const n = total(counts) + SMOOTHING * counts.length
  return counts.map((count) => (count + SMOOTHING) / n)
}

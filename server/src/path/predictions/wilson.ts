/** The 97.5th percentile of the standard normal distribution. */
const Z = 1.959963984540054

/**
 * The 95 % Wilson score interval of a share: `wilson(200, 200) // { low: 0.981…, high: 1 }`. Of nothing, everything is
 * possible: 0 to 1.
 */
export function wilson(hits: number, n: number): { low: number; high: number; level: 0.95 } {
  if (n === 0) return { low: 0, high: 1, level: 0.95 }
  const share = hits / n
  const centre = share + (Z * Z) / (2 * n)
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n))
  const scale = 1 + (Z * Z) / n
  return {
    low: hits === 0 ? 0 : (centre - spread) / scale,
    high: hits === n ? 1 : (centre + spread) / scale,
    level: 0.95,
  }
}

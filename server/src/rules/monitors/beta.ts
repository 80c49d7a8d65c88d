// The beta function and its upper tail, as logarithms: a million sends would overflow or vanish otherwise.
//
// Sources: NIST DLMF 5.11.1 (Stirling's series), 8.17.22 (the continued fraction), 8.17.4 (the reflection); Lanczos'
// coefficients for g = 7 are Godfrey's. beta.test.ts holds them against values of 50 digits.

/** Terms of Stirling's series, B(2k) / (2k (2k − 1)): from 10 on what is left out is below 1e-17. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156]
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
]
const HALF_LOG_TWO_PI = 0.9189385332046728
/** Steps of the continued fraction: it takes some √(a + b). */
const MOST_STEPS = 200_000

/** What Stirling's formula lacks, from 10 on. */
function correction(x: number): number {
  const square = 1 / (x * x)
  return STIRLING.reduceRight((sum, term) => sum * square + term, 0) / x
}

/** ln Γ(x) for positive x. */
export function logGamma(x: number): number {
  if (x >= 10) return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + correction(x)
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const z = x - 1
  const t = z + 7.5
  const series = LANCZOS.reduce((sum, c, i) => (i === 0 ? c : sum + c / (z + i)), 0)
  return HALF_LOG_TWO_PI + (z + 0.5) * Math.log(t) - t + Math.log(series)
}

/** ln B(a, b) for positive a and b, without the cancellation that three logGammas of large numbers have. */
export function logBeta(a: number, b: number): number {
  const [small, large] = a < b ? [a, b] : [b, a]
  if (large < 10) return logGamma(small) + logGamma(large) - logGamma(small + large)
  const missing = correction(large) - correction(small + large)
  if (small < 10)
    return (
      logGamma(small) - (large - 0.5) * Math.log1p(small / large) - small * Math.log(small + large) + small + missing
    )
  const share = small / large
  return (
    HALF_LOG_TWO_PI -
    0.5 * Math.log(large) +
    (small - 0.5) * Math.log(share / (1 + share)) -
    large * Math.log1p(share) +
    correction(small) +
    missing
  )
}

/** ln (1 − I_x(a, b)): the logarithm of how much of Beta(a, b) lies above x. For 0 < x < 1. */
export function logUpperTail(x: number, a: number, b: number): number {
  // Each of the two fractions converges on its side of the middle.
  if (x < (a + 1) / (a + b + 2)) return Math.log1p(-Math.exp(Math.min(0, logPart(x, a, b, logBeta(a, b)))))
  return Math.min(0, logPart(1 - x, b, a, logBeta(a, b), x))
}

/** ln I_x(a, b) by its continued fraction. `rest` is 1 − x where that is known better than by subtraction. */
function logPart(x: number, a: number, b: number, beta: number, rest?: number): number {
  const [logX, logRest] = rest === undefined ? [Math.log(x), Math.log1p(-x)] : [Math.log1p(-rest), Math.log(rest)]
  return a * logX + b * logRest - Math.log(a) - beta + Math.log(fraction(x, a, b))
}

/** Lentz's way of evaluating the fraction, from the front. */
function fraction(x: number, a: number, b: number): number {
  const least = 1e-300
  const kept = (value: number): number => (Math.abs(value) < least ? least : value)
  let c = 1
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1))
  let sum = d
  for (let m = 1; m <= MOST_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / kept(1 + even * d)
    c = kept(1 + even / c)
    sum *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / kept(1 + odd * d)
    c = kept(1 + odd / c)
    const step = d * c
    sum *= step
    if (Math.abs(step - 1) < 1e-15) return sum
  }
  throw new RangeError(`the incomplete beta function of ${a} and ${b} did not converge at ${x}`)
}

// What is counted of one feature: mismatch, missing and extra; how far the values lie apart; and a few examples.
import type { Behind, Deltas, FeatureValue, SkewedFeature } from '@whence/sdk'
import type { CompiledFeature } from '../features/compile.ts'
import { same } from './explain-words.ts'
import { placeHash } from './population.ts'
import type { Served } from './skew-served.ts'
import { formatTime } from '../../record/time.ts'
import { deltaOf } from './skew-values.ts'

interface Example {
  row: Served
  /** Undefined where the row does not have the feature. */
  served: FeatureValue | undefined
  offline: FeatureValue
  behind?: Behind
}

/** Differences that are held for their quantiles; of more a sample. */
const HELD = 100_000
/** Different pairs that are told apart, and those that are shown. */
const PAIRS = 1_000
const SHOWN_PAIRS = 10

export class SkewTally {
  readonly feature: CompiledFeature
  readonly tolerance: number
  #examples: Example[] = []
  readonly #most: number
  #stated = 0
  #absent = 0
  #lacking = 0
  readonly #without: Example[] = []
  #compared = 0
  #mismatch = 0
  #missing = 0
  #extra = 0
  #zero = 0
  #rows = 0
  #sum = 0
  #least = Infinity
  #greatest = -Infinity
  readonly #deltas: number[] = []
  readonly #pairs = new Map<string, { served: FeatureValue; offline: FeatureValue; rows: number }>()

  constructor(feature: CompiledFeature, options: { tolerance: number | undefined; examples: number }) {
    this.feature = feature
    this.tolerance = options.tolerance ?? feature.tolerance ?? 0
    this.#most = options.examples
  }

  add(row: Served, served: FeatureValue, offline: FeatureValue): void {
    this.#stated++
    this.#compared++
    if (served === null && offline === null) return
    if (served === null) this.#missing++
    else if (offline === null) this.#extra++
    else if (this.#equal(served, offline)) return
    else this.#mismatch++
    // The first ones: they are as good as any, and no more of them need to be held.
    if (this.#examples.length < this.#most) this.#examples.push({ row, served, offline })
  }

  /** Takes note of a row that does not have the feature: it is missing there if any other row has it. */
  absent(row: Served, offline: FeatureValue): void {
    this.#absent++
    if (offline === null) return
    this.#lacking++
    if (this.#without.length < this.#most) this.#without.push({ row, served: undefined, offline })
  }

  /** Call it when all rows were added. A feature that no row has was not served, and nothing is said of it. */
  close(): void {
    if (this.#stated === 0) return
    this.#compared += this.#absent
    this.#missing += this.#lacking
    this.#examples = [...this.#examples, ...this.#without].slice(0, this.#most)
  }

  get examples(): readonly Example[] {
    return this.#examples
  }

  /** Compares two values that are there, and takes note of how far they lie apart. */
  #equal(served: FeatureValue, offline: FeatureValue): boolean {
    const delta = deltaOf(served, offline)
    if (delta !== undefined) this.#measure(delta)
    const equal = same(served, offline, this.tolerance) || (delta !== undefined && Math.abs(delta) <= this.tolerance)
    if (!equal && delta === undefined) {
      const key = JSON.stringify([served, offline])
      const known = this.#pairs.get(key)
      if (known) known.rows++
      else if (this.#pairs.size < PAIRS) this.#pairs.set(key, { served, offline, rows: 1 })
    }
    return equal
  }

  #measure(delta: number): void {
    this.#rows++
    this.#sum += delta
    this.#least = Math.min(this.#least, delta)
    this.#greatest = Math.max(this.#greatest, delta)
    if (delta === 0) {
      this.#zero++
      return
    }
    const seen = this.#rows - this.#zero
    if (this.#deltas.length < HELD) this.#deltas.push(delta)
    else {
      const place = Math.floor((placeHash(1, seen, 0) / 2 ** 53) * seen)
      if (place < HELD) this.#deltas[place] = delta
    }
  }

  /** The quantile over all rows: those that are equal stand, as many as they are, between the negative and the positive. */
  #quantile(sorted: Float64Array, q: number): number {
    const other = this.#rows - this.#zero
    const negative = sorted.findIndex((delta) => delta > 0)
    const below = sorted.length === 0 ? 0 : ((negative < 0 ? sorted.length : negative) / sorted.length) * other
    const rank = q * (this.#rows - 1)
    const at = (place: number): number =>
      sorted[
        Math.min(sorted.length - 1, Math.max(0, Math.round((place / Math.max(1, other)) * sorted.length - 0.5)))
      ] ?? 0
    if (rank < below) return at(rank + 0.5)
    if (rank < below + this.#zero) return 0
    return at(rank - this.#zero + 0.5)
  }

  found(): SkewedFeature {
    const ratio = (count: number): number | null => (this.#compared === 0 ? null : count / this.#compared)
    const { name, type } = this.feature
    return {
      name,
      type,
      tolerance: this.tolerance,
      compared: this.#compared,
      mismatch: this.#mismatch,
      missing: this.#missing,
      extra: this.#extra,
      mismatchRatio: ratio(this.#mismatch),
      missingRatio: ratio(this.#missing),
      extraRatio: ratio(this.#extra),
      ...(this.#rows > 0 ? { deltas: this.#distribution() } : {}),
      ...(this.#pairs.size > 0
        ? { pairs: [...this.#pairs.values()].toSorted((a, b) => b.rows - a.rows).slice(0, SHOWN_PAIRS) }
        : {}),
      examples: this.#examples.map(({ row, served, offline, behind }) => ({
        ...row.place,
        subject: row.subject,
        at: formatTime(row.at),
        asOf: row.asOf,
        ...(served === undefined ? {} : { served }),
        offline,
        ...(behind ? { behind } : {}),
      })),
      behind: this.#behind(),
    }
  }

  #distribution(): Deltas {
    const sorted = Float64Array.from(this.#deltas).sort()
    const at = (q: number): number => this.#quantile(sorted, q)
    return {
      rows: this.#rows,
      zero: this.#zero,
      mean: this.#sum / this.#rows,
      quantiles: {
        min: this.#least,
        p05: at(0.05),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p95: at(0.95),
        max: this.#greatest,
      },
    }
  }

  #behind(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { behind } of this.#examples) {
      const late =
        behind && (behind.how === 'without' || behind.how === 'with') && behind.events.every((one) => one.late)
      const what = behind ? (late ? 'late' : behind.how) : 'unexplained'
      counts[what] = (counts[what] ?? 0) + 1
    }
    return counts
  }
}

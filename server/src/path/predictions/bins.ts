// Bins for a feature, chosen by the training values alone, so that every comparison with them uses the same.
import type { FeatureValue } from '@whence/sdk'
import { parseTime } from '../../rules/contracts/time.ts'
import { placeHash } from './population.ts'

export type BinKind = 'numeric' | 'discrete' | 'category' | 'time' | 'constant'

/** Bins with their labels; every value falls into exactly one. */
export interface Bins {
  kind: BinKind
  labels: string[]
  place(value: FeatureValue, at: string | undefined): number
}

/** Values that are counted one by one. More of a name's values than this are put into `other`. */
const CATEGORIES = 50
/** Up to so many different numbers each has a bin of its own. */
const DISCRETE = 20
/** Different values that are remembered while looking for those. */
const REMEMBERED = 5_000
/** Values from which the edges are taken. */
const RESERVOIR = 20_000

/** Looks at the training values of one feature, in memory bounded however many there are. */
export class Look {
  readonly #counts = new Map<string, number>()
  #overflowed = false
  #numbers: number[] = []
  #seen = 0
  #kinds = new Set<'numeric' | 'category' | 'time'>()

  add(value: FeatureValue, at: string | undefined): void {
    if (value === null) return
    const found = read(value, at)
    this.#kinds.add(found.kind)
    const key = String(value)
    const count = this.#counts.get(key)
    if (count !== undefined) this.#counts.set(key, count + 1)
    else if (this.#counts.size < REMEMBERED) this.#counts.set(key, 1)
    else this.#overflowed = true
    if (found.kind === 'category') return
    // A reservoir: each of the values seen has the same chance to stand in it.
    this.#seen++
    if (this.#numbers.length < RESERVOIR) this.#numbers.push(found.number)
    else {
      const place = Math.floor((placeHash(1, this.#seen, 0) / 2 ** 53) * this.#seen)
      if (place < RESERVOIR) this.#numbers[place] = found.number
    }
  }

  /** The bins; `most` quantile bins for numbers of many values. */
  bins(most: number): Bins {
    const kind = this.#kinds.size === 1 ? [...this.#kinds][0]! : 'category'
    if (this.#counts.size === 0) return oneByOne('constant', [])
    if (kind === 'category') {
      const byCount = [...this.#counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      const names = byCount.slice(0, CATEGORIES).map(([name]) => name)
      return oneByOne(names.length === 1 && !this.#overflowed ? 'constant' : 'category', names)
    }
    if (kind === 'numeric' && this.#counts.size <= DISCRETE) {
      const names = [...this.#counts.keys()].toSorted((a, b) => Number(a) - Number(b))
      return oneByOne(names.length === 1 ? 'constant' : 'discrete', names)
    }
    return between(kind, edgesOf(this.#numbers, most))
  }
}

/** A bin for each value, one for others, and one for none. */
function oneByOne(kind: BinKind, names: readonly string[]): Bins {
  const places = new Map(names.map((name, i) => [name, i]))
  return {
    kind,
    labels: [...names, 'other', 'none'],
    place: (value) => (value === null ? names.length + 1 : (places.get(String(value)) ?? names.length)),
  }
}

/** Bins of numbers: up to the first edge, above it up to the second …, above the last; and one for none. */
function between(kind: 'numeric' | 'time', edges: readonly number[]): Bins {
  const unit = kind === 'time' ? ' d old' : ''
  const shown = (edge: number): string => `${Number(edge.toPrecision(6))}${unit}`
  return {
    kind,
    labels: [
      ...edges.map((edge, i) => (i === 0 ? `≤ ${shown(edge)}` : `${shown(edges[i - 1]!)} … ${shown(edge)}`)),
      `> ${shown(edges.at(-1)!)}`,
      'other',
      'none',
    ],
    place(value, at) {
      if (value === null) return edges.length + 2
      const found = read(value, at)
      if (found.kind === 'category') return edges.length + 1
      let low = 0
      let high = edges.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (found.number <= edges[middle]!) high = middle
        else low = middle + 1
      }
      return low
    },
  }
}

/** The quantiles at 1/most, 2/most …: equal ones count once. */
function edgesOf(numbers: readonly number[], most: number): number[] {
  const sorted = Float64Array.from(numbers).sort()
  const edges = new Set<number>()
  for (let i = 1; i < most; i++)
    edges.add(sorted[Math.min(sorted.length - 1, Math.ceil((i * sorted.length) / most) - 1)]!)
  return [...edges].toSorted((a, b) => a - b)
}

type Read = { kind: 'category' } | { kind: 'numeric' | 'time'; number: number }

/** A number, a numeral too long for one, a moment as its age in days at the row's own time, or a name. */
function read(value: string | number | boolean, at: string | undefined): Read {
  if (typeof value === 'number') return { kind: 'numeric', number: value }
  if (typeof value === 'boolean') return { kind: 'category' }
  if (/^-?\d{1,38}(\.\d{1,38})?$/.test(value)) return { kind: 'numeric', number: Number(value) }
  const [moment, now] = [parseTime(value), at === undefined ? undefined : parseTime(at)]
  if (moment === undefined || now === undefined) return { kind: 'category' }
  return { kind: 'time', number: (now - moment) / 86_400_000_000 }
}

// What marks predictions off from each other: by which key they are chosen, and by which they are counted apart.
import { Fault } from '../../fault.ts'
import type { RecordedPrediction } from './predictions.ts'

/** What a key can be read from: a prediction, or as much of one as there is. */
export interface Marked {
  model?: string
  /** RFC 3339. */
  time?: string
  score?: number
  about?: Readonly<Record<string, unknown>>
  segments?: readonly string[]
  decision?: unknown
  inputs?: Readonly<Record<string, unknown>>
}

/** A prediction as keys see it. */
export function markedOf(prediction: RecordedPrediction, time: string): Marked {
  return { ...(prediction as Omit<Marked, 'time'>), time }
}

/** The value that a key names; undefined where there is none. */
export function valueOf(key: string, marked: Marked): unknown {
  const [name] = key.split('/') as [string]
  const own = (record: Readonly<Record<string, unknown>> | undefined, inner: string): unknown =>
    record !== undefined && Object.hasOwn(record, inner) ? record[inner] : undefined
  if (name.startsWith('about.')) return own(marked.about, name.slice(6))
  if (name.startsWith('segment.')) return marked.segments?.includes(name.slice(8)) ? 'yes' : 'no'
  if (name.startsWith('feature.')) return own(marked.inputs, name.slice(8))
  switch (name) {
    case 'model':
      return marked.model
    case 'day':
      return marked.time?.slice(0, 10)
    case 'segment':
      return marked.segments && marked.segments.length > 0 ? marked.segments.toSorted().join(', ') : undefined
    case 'decision':
      return marked.decision
    case 'score':
      return marked.score
    default:
      return own(marked.about, name)
  }
}

/**
 * What a key and its value say, as a test: `campaign = winter`, `feature.opens_30d = 0..5` (from 0 to below 5; either end
 * may be left out), `decision = null` (none). Throws `invalid` for a range that has no number in it.
 */
export function condition(key: string, value: string): (marked: Marked) => boolean {
  if (key.includes('/'))
    throw new Fault('invalid', `a width (${key}) is for counting apart; to choose, write LOW..HIGH`)
  const range = /^(-?[0-9.eE+-]*)\.\.(-?[0-9.eE+-]*)$/.exec(value)
  if (range && (key === 'score' || key.startsWith('feature.'))) {
    const [low, high] = [range[1] === '' ? -Infinity : Number(range[1]), range[2] === '' ? Infinity : Number(range[2])]
    if (!(low < high)) throw new Fault('invalid', `${key}: "${value}" is no range: write LOW..HIGH, as in 0..5`)
    return (marked) => {
      const found = valueOf(key, marked)
      return typeof found === 'number' && found >= low && found < high
    }
  }
  if (key === 'segment' && value !== 'null') return (marked) => marked.segments?.includes(value) ?? false
  if (value === 'null') return (marked) => (valueOf(key, marked) ?? null) === null
  return (marked) => {
    const found = valueOf(key, marked)
    return found !== undefined && found !== null && textOf(found) === value
  }
}

/** The group that a key puts a prediction into. With a width, numbers fall into `LOW..HIGH`. */
export function groupOf(key: string, marked: Marked): string {
  const found = valueOf(key, marked)
  if (found === undefined || found === null) return 'none'
  const width = Number(key.split('/')[1])
  if (key.includes('/') && typeof found === 'number') {
    if (!(width > 0)) throw new Fault('invalid', `${key}: the width must be a number above 0`)
    const digits = Math.max(0, Math.min(12, Math.ceil(-Math.log10(width)) + 1))
    const low = Math.floor(found / width + 1e-9) * width
    const edge = (value: number): string => String(Number(value.toFixed(digits)))
    return `${edge(low)}..${edge(low + width)}`
  }
  return textOf(found).slice(0, 200)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** More groups than this are counted as one, called `other`. */
const MOST_GROUPS = 200

/** Tallies by the values of some keys. */
export class Groups<Tally> {
  readonly #keys: readonly string[]
  readonly #start: () => Tally
  readonly #tallies = new Map<string, { key: Record<string, string>; tally: Tally }>()

  constructor(keys: readonly string[], start: () => Tally) {
    this.#keys = keys
    this.#start = start
  }

  /** The tally of the group that it belongs to. */
  of(marked: Marked): Tally {
    return this.#named(this.#keys.map((key) => groupOf(key, marked)))
  }

  #named(values: readonly string[]): Tally {
    const name = values.join('\0')
    const found = this.#tallies.get(name)
    if (found) return found.tally
    const full = this.#tallies.size >= MOST_GROUPS
    const others = values.map(() => 'other')
    if (full && name !== others.join('\0')) return this.#named(others)
    const made = { key: Object.fromEntries(this.#keys.map((key, i) => [key, values[i]!])), tally: this.#start() }
    this.#tallies.set(name, made)
    return made.tally
  }

  /** In the order of their names. */
  all(): { key: Record<string, string>; tally: Tally }[] {
    const names = [...this.#tallies].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return names.map(([, group]) => group)
  }
}

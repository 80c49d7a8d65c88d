// Whether what agents write, and what they write it from, is still distributed as it was. The first rows of a group are
// the reference; every full block of as many after them is compared. It says that something changed, not that it is
// worse: so it raises gates and rolls nothing back.
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { DriftFound } from '@whence/sdk'
import { jensenShannon, psi, psiNoise } from '../../path/predictions/divergence.ts'
import { matches } from '../../rules/files/policy-file.ts'
import type { Monitor } from '../../rules/monitors/monitor.ts'
import type { Groups } from '../../rules/monitors/observation.ts'
import type { GroupState, Reached } from '../../rules/monitors/watch.ts'

/** What an action holds to be compared: by variable, the bins that it falls into. Undefined where it cannot be read. */
export interface Written {
  readonly at: number
  readonly recorded: number
  readonly environment: string
  readonly groups: Groups
  readonly bins: ReadonlyMap<string, readonly string[]> | undefined
}

export interface Drifted extends Reached {
  readonly drift: DriftFound
}

/** By variable, how often each bin was seen. */
type Bins = Map<string, Map<string, number>>

/** Variables of one group that are compared, at most: names of inputs are whatever producers send. */
const MOST_VARIABLES = 200
/** Bins of one variable; what comes after falls into one. */
const MOST_BINS = 400
const OTHER = 'other'

interface DriftGroup {
  readonly from: number
  reference: Bins
  referenceRows: number
  current: Bins
  rows: number
  digest: Hash
  found: DriftFound | undefined
  last: number
}

export class DriftWatch {
  readonly #monitor: Monitor
  readonly #rows: number
  readonly #measure: 'psi' | 'js'
  readonly #threshold: number
  readonly #groups = new Map<string, DriftGroup>()
  readonly #alarmed = new Set<string>()
  unread = 0

  constructor(monitor: Monitor) {
    const { test } = monitor
    if (test.kind !== 'drift') throw new TypeError('a monitor of rates does not drift')
    this.#monitor = monitor
    this.#rows = test.rows
    this.#measure = test.measure
    this.#threshold = test.threshold
  }

  read({ at, recorded, environment, groups, bins }: Written): Drifted[] {
    const { by, among, start } = this.#monitor
    const name = environment === this.#monitor.environment ? groups[by] : undefined
    if (name === undefined || (start !== undefined && recorded < start)) return []
    if (among !== undefined && !among.some((pattern) => matches(pattern, name))) return []
    if (bins === undefined || bins.size === 0) {
      this.unread++
      return []
    }
    const group = this.#groups.get(name) ?? begun(at)
    this.#groups.set(name, group)
    group.last = at
    group.digest.update(`${at}\n`)
    if (group.referenceRows < this.#rows) {
      count(group.reference, bins)
      group.referenceRows++
      return []
    }
    count(group.current, bins)
    if (++group.rows < this.#rows) return []
    return this.#compare(name, group, at, recorded)
  }

  clear(name: string, at: number): void {
    this.#alarmed.delete(name)
    // What came after the change is the reference from now on.
    if (this.#groups.has(name)) this.#groups.set(name, begun(at))
  }

  states(): (GroupState & { drift?: DriftFound | undefined })[] {
    return [...this.#groups]
      .map(([name, group]) => this.#state(name, group))
      .toSorted((a, b) => b.evidence - a.evidence)
  }

  #compare(name: string, group: DriftGroup, at: number, recorded: number): Drifted[] {
    let worst: DriftFound | undefined
    for (const [variable, reference] of group.reference) {
      const current = group.current.get(variable) ?? new Map<string, number>()
      const found = compared(variable, reference, current, this.#measure, this.#monitor.metric === 'vocabulary')
      const value = (one: DriftFound): number => (this.#measure === 'psi' ? one.psi : one.js)
      // What chance explains is no drift, however far apart: small rows over many bins are.
      if (found.psi > found.noise && (worst === undefined || value(found) > value(worst))) worst = found
    }
    group.found = worst
    group.current = new Map()
    group.rows = 0
    const state = this.#state(name, group)
    if (worst === undefined || state.evidence < this.#threshold || this.#alarmed.has(name)) return []
    this.#alarmed.add(name)
    const { alarmed: _, drift: _drift, ...reached } = state
    return [{ ...reached, counted: { ...reached.counted, units: this.#rows }, at, recorded, drift: worst }]
  }

  #state(name: string, group: DriftGroup): GroupState & { drift?: DriftFound | undefined } {
    const { found, from, last, referenceRows, rows, digest } = group
    return {
      group: name,
      at: last,
      evidence: found === undefined ? 0 : this.#measure === 'psi' ? found.psi : found.js,
      threshold: this.#threshold,
      alarmed: this.#alarmed.has(name),
      counted: {
        events: 0,
        units: rows,
        baseline: { events: 0, units: referenceRows },
        from,
        to: last,
        digest: digest.copy().digest('hex'),
        groups: this.#groups.size,
      },
      drift: found,
    }
  }
}

function begun(from: number): DriftGroup {
  return {
    from,
    reference: new Map(),
    referenceRows: 0,
    current: new Map(),
    rows: 0,
    digest: createHash('sha256'),
    found: undefined,
    last: from,
  }
}

function count(into: Bins, bins: ReadonlyMap<string, readonly string[]>): void {
  for (const [variable, names] of bins) {
    let counts = into.get(variable)
    if (counts === undefined) {
      if (into.size >= MOST_VARIABLES) continue
      into.set(variable, (counts = new Map()))
    }
    for (const name of names) {
      const bin = counts.has(name) || counts.size < MOST_BINS ? name : OTHER
      counts.set(bin, (counts.get(bin) ?? 0) + 1)
    }
  }
}

function compared(
  variable: string,
  reference: ReadonlyMap<string, number>,
  current: ReadonlyMap<string, number>,
  measure: 'psi' | 'js',
  quiet: boolean,
): DriftFound {
  const names = [...new Set([...reference.keys(), ...current.keys()])].toSorted()
  const [before, now] = [reference, current].map((counts) => names.map((name) => counts.get(name) ?? 0)) as [
    number[],
    number[],
  ]
  const [all, allNow] = [before, now].map((counts) =>
    Math.max(
      1,
      counts.reduce((sum, n) => sum + n, 0),
    ),
  ) as [number, number]
  const finite = (value: number, otherwise: number): number => (Number.isFinite(value) ? value : otherwise)
  const moved = names
    .map((bin, i) => ({ bin, before: before[i]! / all, now: now[i]! / allNow }))
    .toSorted((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before))
  return {
    measure,
    of: variable,
    psi: finite(psi(before, now), 0),
    js: finite(jensenShannon(before, now), 1),
    noise: finite(psiNoise(before, now), 0),
    largest: quiet ? [] : moved.slice(0, 3),
  }
}

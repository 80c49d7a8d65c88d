// Holds what Whence computed against the same facts, read from the files in plain TypeScript.
import type { Client, FeatureValue, Snapshot } from '@whence/sdk'
import type { Independent } from './example.ts'
import { identifiersBySubject } from './recording.ts'

export interface Comparison {
  readonly equal: boolean
  readonly rows: number
  readonly values: number
  /** The first of the values that differ. `found` or `expected` is absent where there is no such row. */
  readonly differences: { subject?: string; feature: string; found?: FeatureValue; expected?: FeatureValue }[]
  readonly differing: number
}

/** Compares every value of a snapshot, and which rows it has. */
export async function compareSnapshot(whence: Client, snapshot: Snapshot, facts: Independent): Promise<Comparison> {
  const expected = new Map(facts.features(snapshot.at))
  const identifierOf = await identifiersBySubject(whence, [...expected.keys()])
  const differences: Comparison['differences'] = []
  let [rows, values] = [0, 0]
  for await (const { subject, values: found } of whence.snapshotRows(snapshot.id)) {
    rows++
    const identifier = identifierOf.get(subject)
    const own = identifier === undefined ? undefined : expected.get(identifier)
    if (identifier === undefined || own === undefined) {
      differences.push({ subject, feature: 'the row: the files have none' })
      continue
    }
    expected.delete(identifier)
    for (const feature of new Set([...Object.keys(found), ...Object.keys(own)])) {
      values++
      const [ours, theirs] = [found[feature], own[feature]]
      if (same(ours, theirs)) continue
      differences.push({
        subject,
        feature,
        ...(ours !== undefined && { found: ours }),
        ...(theirs !== undefined && { expected: theirs }),
      })
    }
  }
  differences.push(...[...expected.keys()].map(() => ({ feature: 'a row: Whence has none' })))
  const differing = differences.length
  return { equal: differing === 0, rows, values, differences: differences.slice(0, 20), differing }
}

/** Equal to the last bit. Decimals, which come as numbers or as text, are equal by value: 7.5 is `7.5000`. */
function same(one: FeatureValue | undefined, other: FeatureValue | undefined): boolean {
  if (typeof one === 'string' || typeof other === 'string') return plain(String(one)) === plain(String(other))
  return one === other
}

function plain(decimal: string): string {
  return /^-?\d+\.\d*$/.test(decimal) ? decimal.replace(/\.?0+$/, '') : decimal
}

export interface Counted {
  readonly at: string
  readonly subjects: { found: number; independent: number }
  readonly kinds: { kind: string; found: number; independent: number }[]
}

/** Finds the events of each kind again in the features of all subjects. */
export async function countAgain(whence: Client, view: string, facts: Independent): Promise<Counted> {
  const { at, kinds } = facts.counts
  const snapshot = await whence.materialize({ view, at })
  const sums = new Map(kinds.map(({ feature }) => [feature, 0]))
  let subjects = 0
  for await (const { values } of whence.snapshotRows(snapshot.id)) {
    subjects++
    for (const [feature, sum] of sums) sums.set(feature, sum + Number(values[feature]))
  }
  return {
    at,
    subjects: { found: subjects, independent: facts.subjects },
    kinds: kinds.map(({ kind, count, feature }) => ({ kind, found: sums.get(feature)!, independent: count })),
  }
}

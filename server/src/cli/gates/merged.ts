// Pages of a trial, put together as one.
import type { GateTrial } from '@whence/sdk'

/** What stands on the newer page first. */
export function merged(newer: GateTrial, older: GateTrial): GateTrial {
  const { next: _, ...told } = newer
  return {
    ...told,
    actions: newer.actions + older.actions,
    judged: newer.judged + older.judged,
    decided: newer.decided + older.decided,
    changed: newer.changed + older.changed,
    decisions: summed([...newer.decisions, ...older.decisions]),
    gates: summed([...newer.gates, ...older.gates]),
    unjudged: summed([...newer.unjudged, ...older.unjudged]),
    scorers: {
      asked: newer.scorers.asked,
      before: newer.scorers.before + older.scorers.before,
      never: newer.scorers.never + older.scorers.never,
    },
    different: [...newer.different, ...older.different],
    ...(older.next === undefined ? {} : { next: older.next }),
  }
}

/** Counts of the same thing are one. */
function summed<T extends { actions: number }>(counts: readonly T[]): T[] {
  const of = new Map<string, T>()
  for (const one of counts) {
    const { actions, ...what } = one
    const key = JSON.stringify(what)
    const known = of.get(key)
    of.set(key, known ? { ...known, actions: known.actions + actions } : one)
  }
  return [...of.values()]
}

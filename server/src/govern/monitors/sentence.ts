// What an alarm means, in one sentence that needs no statistics.
import type { DriftFound, MonitorCount, MonitorCounted } from '@whence/sdk'
import type { Monitor } from '../../rules/monitors/monitor.ts'

const grouped = (n: number): string => n.toLocaleString('en')

/** A share with two digits that say something. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return 'none'
  const value = 100 * share
  return `${value >= 10 ? value.toFixed(1) : Number(value.toPrecision(2))} %`
}

const shareOf = ({ events, units }: MonitorCount): string => percent(units === 0 ? Number.NaN : events / units)

/** `evidence` is ln E. */
export function rateSentence(
  monitor: Monitor,
  { group, evidence, counted }: { group: string; evidence: number; counted: MonitorCounted },
): string {
  const { by, metric, per, test } = monitor
  const seen = `${grouped(counted.events)} ${metric} from ${grouped(counted.units)} ${per} messages (${shareOf(counted)})`
  const { baseline } = counted
  const beside = baseline && `${grouped(baseline.events)} from ${grouped(baseline.units)} (${shareOf(baseline)})`
  const odds = grouped(Math.round(Math.min(Math.exp(Math.min(evidence, 700)), 1e15)))
  const chance = `at most 1 such stream in ${odds} would ever look like this`
  const where = `${by} ${group}`
  switch (test.kind) {
    case 'ceiling':
      return `In ${where} there were ${seen}, and ${percent(test.ceiling)} is the ceiling: were the rate at the ceiling or below, ${chance}.`
    case 'baseline': {
      const more = test.tolerance === 0 ? '' : `, or up to ${percent(test.tolerance)} more,`
      return `In ${where} there were ${seen}, and ${beside} in ${test.baseline} at the same time: did both have the same rate${more} with ${percent(test.share)} of what is sent, ${chance}.`
    }
    case 'blocks':
      return `In ${where} there were ${seen}, ${test.worse === 'lower' ? 'fewer' : 'more'} than the ${beside} in ${test.baseline} at the same time: were both rates the same, ${chance}.`
    case 'restarts':
      return `In ${where} the rate rose above ${percent(test.ceiling)} at some time: there were ${seen} in all; a false alarm of this kind comes once in ${grouped(test.runLength)} blocks of ${grouped(test.block)} messages, on average, or more rarely.`
    case 'drift':
      return ''
  }
}

export function driftSentence(
  { by, metric, test }: Monitor,
  { group, counted, drift }: { group: string; counted: MonitorCounted; drift: DriftFound },
): string {
  const limit = test.kind === 'drift' ? test.threshold : 0
  const what = metric === 'inputs' ? `the input ${drift.of} of` : `the ${metric} of what is written in`
  const rows = grouped(counted.units)
  const [most] = drift.largest
  const moved =
    most === undefined ? '' : `; most of all ${most.bin}, from ${percent(most.before)} to ${percent(most.now)}`
  const value = drift.measure === 'psi' ? drift.psi : drift.js
  const name = drift.measure === 'psi' ? 'PSI' : 'Jensen-Shannon divergence'
  return `In ${by} ${group} ${what} the last ${rows} actions is not distributed as in the first (${name} ${value.toFixed(3)}, and ${limit} is the limit)${moved}: something has changed, which need not be for the worse.`
}

// Monitors and alarms as lines for people.
import type { Alarm, AlarmBody, MonitorGroup, Monitors, MonitorTested } from '@whence/sdk'
import { number, paint, plural, table } from '../../govern/reports/text.ts'
import type { Context } from '../context.ts'

type Shown = Pick<Context, 'color' | 'columns'>

/** Evidence is a number of any size: three digits of it say enough. */
export function evidence(value: number): string {
  if (value >= 1e6) return value >= 1e300 ? 'above 1e300' : value.toExponential(1)
  return value >= 100 ? number(Math.round(value)) : value.toPrecision(2)
}

function counts({ counted, drift }: Pick<MonitorGroup, 'counted' | 'drift'>): string {
  if (drift !== undefined) return `${drift.of}: PSI ${drift.psi.toFixed(3)}, JS ${drift.js.toFixed(3)}`
  const { events, units, baseline } = counted
  const beside = baseline === undefined ? '' : `, beside ${number(baseline.events)} of ${number(baseline.units)}`
  return `${number(events)} of ${number(units)}${beside}`
}

function groupRows(groups: readonly MonitorGroup[], { color }: Shown, most: number): string[][] {
  const { red, dim } = paint(color)
  return groups
    .slice(0, most)
    .map((one) => [
      one.alarmed ? red('alarm') : dim('quiet'),
      one.group,
      counts(one),
      `${evidence(one.evidence.value)} of ${evidence(one.evidence.threshold)}`,
    ])
}

export function monitorsText({ monitors, untied, asOf }: Monitors, shown: Shown): string {
  const { bold, dim, yellow } = paint(shown.color)
  if (monitors.length === 0) return 'No monitor is in force: declare one with kind: Monitor, and whence apply.\n'
  const parts = monitors.map((one) => {
    const head = `${bold(`${one.monitor}@v${one.version}`)}  ${one.metric} per ${one.per}, by ${one.by}, ${String(one.test.kind)}, alpha ${one.alpha}, then ${String(one.then.do)}`
    const rows = groupRows(one.groups, shown, 20)
    const groups =
      rows.length === 0
        ? `  ${dim('nothing was counted yet')}`
        : table([['', 'group', 'counted', 'evidence'].map(dim), ...rows], { indent: '  ', columns: shown.columns })
    const more = one.watched > rows.length && rows.length > 0 ? `\n  and ${number(one.watched - rows.length)} more` : ''
    const unread =
      one.unread === 0 ? [] : [`${plural(one.unread, 'action')} could not be read: erased, or without copy`]
    return `${head}\n${groups}${more}\n${[...one.notes, ...unread].map((note) => `  ${yellow('!')} ${note}\n`).join('')}`
  })
  const lost = untied === 0 ? '' : `${plural(untied, 'outcome')} of unknown messages count nowhere.\n`
  return `${parts.join('\n')}\n${lost}${dim(`as of record ${number(asOf)}`)}\n`
}

const does = ({ do: what, wants }: AlarmBody): string =>
  wants === undefined ? what : `rollback: ${wants.degree}${wants.dryRun ? ', dry run' : ''}`

export function alarmText(alarm: AlarmBody & Partial<Pick<Alarm, 'seq' | 'cleared'>>, { color }: Shown): string {
  const { red, dim, green } = paint(color)
  const { monitor, time, sentence, counted, at, seq, cleared, evidence: found, alpha } = alarm
  const facts = [
    `${alarm.test}, alpha ${alpha}`,
    `evidence ${evidence(found.value)} of ${evidence(found.threshold)}`,
    `after ${plural(counted.units, 'message')}`,
    `records ${number(counted.from)} to ${number(counted.to)}`,
    `then ${does(alarm)}`,
  ]
  const record = seq === undefined ? `at record ${number(at)}` : `record ${number(seq)}`
  const end = cleared === undefined ? '' : `\n  ${green('cleared')} ${cleared.time.slice(0, 16)}: ${cleared.note}`
  return `${red('alarm')} ${time.slice(0, 19)}  ${monitor}  ${alarm.by} ${alarm.group}  ${dim(record)}\n  ${sentence}\n  ${dim(facts.join(' · '))}${end}\n`
}

export function testedText({ monitors, asOf }: MonitorTested, shown: Shown): string {
  const { bold, dim } = paint(shown.color)
  const parts = monitors.map(({ monitor, path, would, did, groups }) => {
    const list = (alarms: readonly AlarmBody[]): string =>
      alarms
        .map(
          (one) =>
            `    ${one.time.slice(0, 19)}  ${one.by} ${one.group}  after ${plural(one.counted.units, 'message')}, at record ${number(one.at)}\n`,
        )
        .join('')
    const rows = groupRows(groups, shown, 10)
    return [
      `${bold(monitor)}  ${dim(path)}\n`,
      `  would have raised ${plural(would.length, 'alarm')}\n${list(would)}`,
      `  did raise ${plural(did.length, 'alarm')}\n${list(did)}`,
      rows.length === 0 ? '' : `${table(rows, { indent: '  ', columns: shown.columns })}\n`,
    ].join('')
  })
  return `${parts.join('\n')}${dim(`knowing the records before ${number(asOf)}; nothing was changed`)}\n`
}

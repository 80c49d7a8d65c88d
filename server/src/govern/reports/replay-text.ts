// A replay as text for a terminal, and as Markdown for a pull request or a job's summary.
import type { Replay } from '@whence/sdk'
import { number, paint, plural, printable, table } from './text.ts'

export interface ReplayLayout {
  color: boolean
  width: number
  /** The share that was asked for, and whether it was reached. */
  least?: number | undefined
  met: boolean
}

const SHOWN = 20

export function replayText(given: Replay, { color, width, least, met }: ReplayLayout): string {
  const replay = printable(given)
  const { green, red, bold, dim } = paint(color)
  const { compared, exact, sampled, population, interval, misses, causes, groups, asserted, unexamined } = replay
  if (compared === 0)
    return `Nothing to compare: ${plural(sampled, 'prediction')} drawn of ${number(population)}${scope(replay)}.\n`
  const lines = [
    `${met ? green('✓') : red('✗')} ${bold(`${number(exact)} of ${number(compared)}`)} recomputed exactly   (95 % interval ${range(interval)})`,
    `  ${drawn(replay)}${scope(replay)}`,
  ]
  if (sampled > compared) lines.push(`  ${number(sampled - compared)} not compared: erased on request`)
  if (asserted) lines.push(`  ${number(asserted)} of the exact ones also rest on inputs that only the producer states`)
  if (least !== undefined)
    lines.push(`  at least ${percent(least)} % was asked for: ${met ? 'reached' : 'not reached'}`)
  const reasons = Object.entries(causes).toSorted(([, a], [, b]) => b - a)
  if (reasons.length > 0)
    lines.push(
      '',
      table(
        reasons.map(([cause, n]) => [number(n), cause]),
        { right: [0], indent: '  ' },
      ),
    )
  if (groups && groups.length > 0) {
    const head = [...Object.keys(groups[0]!.key), 'exact', 'of', '95 % interval'].map(dim)
    const rows = groups.map(({ key, ...own }) => [
      ...Object.values(key),
      number(own.exact),
      number(own.compared),
      own.compared === 0
        ? ''
        : `${range(own.interval)}${own.exact < own.compared ? `   ${reasonsOf(own.causes)}` : ''}`,
    ])
    const keys = head.length - 3
    lines.push('', table([head, ...rows], { right: [keys, keys + 1], indent: '  ', columns: width }))
  }
  const named = misses.filter(({ cause }) => cause !== 'erased on request')
  if (named.length > 0) {
    const rows = named
      .slice(0, SHOWN)
      .map(({ id, seq, cause, detail }) => [id ?? `record ${number(seq)}`, cause, detail])
    lines.push('', table(rows, { indent: '  ', columns: width }))
    if (named.length > SHOWN) lines.push(dim(`  … and ${number(named.length - SHOWN)} more; --json lists them`))
  }
  if (unexamined) lines.push(dim(`  ${number(unexamined)} more were counted, and their events not looked for`))
  return `${lines.join('\n')}\n`
}

export function replayMarkdown(given: Replay, { least, met }: Pick<ReplayLayout, 'least' | 'met'>): string {
  const replay = printable(given)
  const { compared, exact, interval, misses, causes, groups, sampled } = replay
  const lines = [
    `### ${met ? '✅' : '❌'} Replay: ${number(exact)} of ${number(compared)} recomputed exactly`,
    '',
    compared === 0
      ? 'Nothing could be compared.'
      : `95 % interval ${range(interval)}; ${drawn(replay)}${scope(replay)}.`,
  ]
  if (least !== undefined)
    lines.push('', `At least ${percent(least)} % was asked for: **${met ? 'reached' : 'not reached'}**.`)
  if (sampled > compared) lines.push('', `${number(sampled - compared)} not compared: erased on request.`)
  const reasons = Object.entries(causes).toSorted(([, a], [, b]) => b - a)
  if (reasons.length > 0)
    lines.push(
      '',
      ...markdownTable(
        ['cause', 'predictions'],
        reasons.map(([cause, n]) => [cause, number(n)]),
      ),
    )
  if (groups && groups.length > 0)
    lines.push(
      '',
      ...markdownTable(
        [...Object.keys(groups[0]!.key), 'exact', 'compared', '95 % interval', 'causes'],
        groups.map(({ key, ...own }) => [
          ...Object.values(key),
          number(own.exact),
          number(own.compared),
          own.compared === 0 ? '' : range(own.interval),
          reasonsOf(own.causes),
        ]),
      ),
    )
  const named = misses.filter(({ cause }) => cause !== 'erased on request').slice(0, SHOWN)
  if (named.length > 0)
    lines.push(
      '',
      ...markdownTable(
        ['prediction', 'cause', 'evidence'],
        named.map(({ id, seq, cause, detail }) => [id ?? `record ${seq}`, cause, detail]),
      ),
    )
  return `${lines.join('\n')}\n`
}

/** Rows of a Markdown table; what comes from outside cannot end a cell or begin markup. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cell = (text: string): string =>
    text.replaceAll(/[\\`*_{}[\]<>|]/g, (mark) => `\\${mark}`).replaceAll(/\s+/g, ' ')
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)]
}

function scope({ model, asOf }: Replay): string {
  return `${model ? ` of ${model}` : ''}, as of record ${number(asOf)}`
}

function drawn({ sampled, population, seed }: Replay): string {
  return sampled === population
    ? `all ${plural(population, 'prediction')}`
    : `${number(sampled)} drawn of ${number(population)} predictions, seed ${seed}`
}

const reasonsOf = (causes: Readonly<Record<string, number>>): string =>
  Object.entries(causes)
    .map(([cause, n]) => `${number(n)} ${cause}`)
    .join(', ')

const range = ({ low, high }: { low: number; high: number }): string => `${percent(low)} to ${percent(high)} %`

/** To one digit, and never rounded up to certainty. */
export function percent(share: number): string {
  // 0.7 · 1000 is 699.9999999999999: what a double cannot hold is no reason to round down.
  return number(Math.floor(share * 1000 + 1e-9) / 10, 1)
}

import type { AuditItem, ModelAudit, NowState, Truth } from '@whence/sdk'
import { paint, plural, printable, table, wrap } from './text.ts'
import type { Paint } from './text.ts'

/**
 * An audit for a terminal: what is wrong first, then a plain sentence, then every item with what it was, how far that was
 * checked and how it is now; with `diff` the lines that changed, with `text` the definitions as they were.
 */
export function modelAuditText(
  audit: ModelAudit,
  options: { color?: boolean; width?: number; diff?: boolean; text?: boolean } = {},
): string {
  const a = printable(audit)
  const brush = paint(options.color ?? false)
  const columns = Math.max(60, Math.min(options.width ?? 100, 140))
  const grave = a.alerts.filter(({ truth }) => truth === 'contradicted')
  const missing = a.alerts.filter(({ truth }) => truth === 'missing')
  const items = a.items.flatMap((item) => rowsOf(item, brush))
  const details = a.items.flatMap((item) => detailsOf(item, options, brush))
  const { counts } = a
  return [
    ...grave.map(({ text }) => brush.bold(brush.red(wrap(`CONTRADICTED   ${text}`, columns, ' '.repeat(15))))),
    ...(grave.length > 0 ? [''] : []),
    brush.bold(wrap(a.sentence, columns)),
    ...missing.map(({ text }) => brush.yellow(wrap(text, columns))),
    '',
    table([['', 'then', '', 'now'].map(brush.dim), ...items], { indent: '  ', columns }),
    '',
    ...details,
    `  ${plural(a.items.length, 'item')}: ${counts.recomputed} recomputed · ${counts.asserted} asserted · ${counts.contradicted} contradicted · ${counts.missing} missing; now ${counts.same} the same · ${counts.changed} changed · ${counts.gone} gone`,
    `  ${a.model}, record ${a.seq} by ${a.by} · as of record ${a.asOf}${a.items.some(({ diff }) => diff) && !options.diff ? ' · --diff shows what changed' : ''}`,
    '',
  ].join('\n')
}

function rowsOf({ what, name, value, truth, check, now, nowValue }: AuditItem, brush: Paint): string[][] {
  const then = value === name ? name : `${name}: ${value}`
  return [
    [what, then, truthMark(truth, brush), [nowMark(now, brush), nowValue].filter(Boolean).join(': ')],
    ['', brush.dim(check), '', ''],
  ]
}

function detailsOf(
  { what, name, diff, text }: AuditItem,
  options: { diff?: boolean; text?: boolean },
  brush: Paint,
): string[] {
  const shown: string[] = []
  if (options.text && text !== undefined)
    shown.push(
      brush.bold(`${what} ${name}, as it was:`),
      ...text
        .trimEnd()
        .split('\n')
        .map((each) => `  ${each}`),
      '',
    )
  if (options.diff && diff)
    shown.push(
      brush.bold(`${what} ${name}, then and now:`),
      ...diff.map((each) => {
        const line = `  ${each}`
        return each.startsWith('-') ? brush.red(line) : each.startsWith('+') ? brush.green(line) : brush.dim(line)
      }),
      '',
    )
  return shown
}

function truthMark(truth: Truth, brush: Paint): string {
  if (truth === 'recomputed') return brush.green(truth)
  if (truth === 'asserted') return brush.cyan(truth)
  return truth === 'contradicted' ? brush.bold(brush.red(truth)) : brush.yellow(truth)
}

function nowMark(now: NowState, brush: Paint): string {
  if (now === 'same') return brush.green('same')
  if (now === 'unknown') return brush.dim('not compared')
  return now === 'changed' ? brush.yellow('changed') : brush.red('gone')
}

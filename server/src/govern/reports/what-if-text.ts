import type { Consequence, WhatIf } from '@whence/sdk'
import { csvCell } from './csv-cell.ts'
import { lacking, listed } from './lineage-text.ts'
import type { Terminal } from './lineage-text.ts'
import { cut, number, paint, plural, printable, table, wrap } from './text.ts'

// What a planned change breaks: for a terminal, for a comment on a pull request, and as rows.

/** Columns that a name may take from the reason beside it. */
const LONGEST = 80

export function whatIfText(report: WhatIf, { color = false, width = 100 }: Terminal = {}): string {
  const answer = printable(report)
  const brush = paint(color)
  const columns = Math.max(60, Math.min(width, 120))
  const group = (certainty: Consequence['certainty']): string[] => {
    const those = answer.consequences.filter((each) => each.certainty === certainty)
    if (those.length === 0) return []
    const head = certainty === 'breaks' ? brush.bold(brush.red('BREAKS')) : brush.yellow('MIGHT BREAK')
    const rows = those
      .slice(0, 200)
      .map((each) => [
        kindOf(each),
        cut(calledOf(each), LONGEST),
        [each.why, ownersOf(each)].filter(Boolean).join('; '),
      ])
    const more =
      those.length > 200 ? [brush.dim(`  … and ${number(those.length - 200)} more; --format csv lists them`)] : []
    return ['', head, table(rows, { indent: '  ', columns }), ...more]
  }
  const models = answer.models.map(({ model, predictions, people, certainty }) => [
    model,
    certainty,
    `${plural(predictions, 'prediction')} about ${plural(people, 'person', 'people')}`,
  ])
  return [
    ...lacking(answer.notes, brush, columns),
    brush.bold(wrap(answer.sentence, columns)),
    ...group('breaks'),
    ...group('might break'),
    ...(models.length > 0 ? ['', brush.bold('Model versions'), table(models, { indent: '  ', columns })] : []),
    '',
    `  as of record ${number(answer.asOf)}${sinceOf(answer)}`,
    '',
  ].join('\n')
}

/** GitHub's Markdown: at most 60,000 characters, which is what a comment takes. */
export function whatIfMarkdown(report: WhatIf): string {
  const answer = printable(report)
  const breaks = answer.consequences.filter(({ certainty }) => certainty === 'breaks')
  const might = answer.consequences.filter(({ certainty }) => certainty === 'might break')
  const { counts, breaking } = answer
  const head = [
    `### ${breaks.length > 0 ? '🔴' : might.length > 0 ? '🟡' : '🟢'} Lineage impact`,
    '',
    `**${inline(answer.sentence)}**`,
    '',
    ...answer.notes.map((note) => `> ⚠️ ${inline(note)}`),
    ...(answer.notes.length > 0 ? [''] : []),
    '| | breaks | reached in all |',
    '|---|--:|--:|',
    `| feature views | ${number(breaking.featureViews)} | ${number(counts.featureViews)} |`,
    `| model versions | ${number(breaking.modelVersions)} | ${number(counts.modelVersions)} |`,
    `| people with predictions of them${answer.since ? ` since ${answer.since.slice(0, 10)}` : ''} | ${number(breaking.people)} | ${number(counts.people)} |`,
    '',
    ...planned(answer.changes),
    '',
  ]
  const foot = `<sub>As of record ${number(answer.asOf)} of the log${sinceOf(answer)}. Whence reports what is known; what nobody reports is not in it.</sub>\n`
  const body = [...section('Breaks', breaks, true), ...section('Might break', might, false)]
  const room = 60_000 - head.join('\n').length - foot.length - 200
  const kept: string[] = []
  let size = 0
  for (const line of body) {
    size += line.length + 1
    if (size > room) {
      kept.push(
        '',
        '</details>',
        '',
        '_Cut to the length of a comment: `whence lineage what-if --format csv` has all of it._',
      )
      break
    }
    kept.push(line)
  }
  return [...head, ...kept, '', foot].join('\n')
}

/** The first of the changes: a comment has more to say than these. */
function planned(changes: WhatIf['changes']): string[] {
  const lines: string[] = []
  let size = 0
  for (const { field, dataset, change, to, type } of changes) {
    const line = `- ${change} ${code(field)} of ${code(dataset)}${type === undefined ? '' : ` (${inline(type)})`}${to === undefined ? '' : ` to ${code(to)}`}`
    size += line.length
    if (size > 15_000) return [...lines, `- and ${number(changes.length - lines.length)} more`]
    lines.push(line)
  }
  return lines
}

function section(title: string, those: readonly Consequence[], open: boolean): string[] {
  if (those.length === 0) return []
  return [
    `<details${open ? ' open' : ''}><summary>${title}: ${number(those.length)}</summary>`,
    '',
    '| what | why | owner |',
    '|---|---|---|',
    ...those.map(
      (each) => `| ${kindOf(each)} ${code(calledOf(each))} | ${inline(each.why)} | ${inline(each.owners.join(', '))} |`,
    ),
    '',
    '</details>',
    '',
  ]
}

/** RFC 4180, one consequence a row. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function whatIfCsv({ consequences }: WhatIf): string {
  const rows = consequences.map(({ certainty, kind, name, field = '', why, owners, depth, id, by }) =>
    [certainty, kind, name, field, why, owners.join(' '), String(depth), id, by.join(' ')].map(cell).join(','),
  )
  return ['certainty,kind,name,field,why,owners,depth,id,changed', ...rows, ''].join('\r\n')
}

/** Nothing is an empty cell. */
function cell(text: string): string {
  return text === '' ? '' : csvCell(text)
}

/** Text of others in a table of Markdown: nothing of it is markup, a link, a mention, an issue or a new row. */
function inline(text: string, longest = 400): string {
  return short(text, longest)
    .replace(/[@#]|\bwww(?=\.)|\bGH(?=-\d)/gi, '$&\u200b')
    .replace(/[\\`*_[\]{}<>#|~&]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replace(/:\/\//g, ':&#8203;//')
}

function code(text: string): string {
  const plain = short(text, 300)
  // Between backticks there is no way to write a backslash before a bar that keeps the bar from ending the cell.
  return /[\\`|]/.test(plain) ? `<code>${inline(plain)}</code>` : `\`${plain}\``
}

function short(text: string, longest: number): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > longest ? `${line.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : line
}

export function kindOf({ kind, field }: Consequence): string {
  if (kind === 'view' && field !== undefined) return 'feature'
  if (kind === 'training') return 'training set'
  if (kind === 'model') return 'model version'
  return field === undefined ? kind : kind === 'stream' ? 'stream field' : 'column'
}

export function calledOf({ name, field }: Consequence): string {
  return field === undefined ? name : `${name}#${field}`
}

function ownersOf({ owners }: Consequence): string {
  return owners.length === 0 ? '' : `owner: ${listed(owners, 3)}`
}

function sinceOf({ since }: WhatIf): string {
  return since === undefined ? '' : `, predictions since ${since.slice(0, 16)}`
}

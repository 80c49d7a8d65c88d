import type { LineageExplained, LineageImpact } from '@whence/sdk'
import { plainId } from '../../record/lineage/plain-id.ts'
import { callNames, tree } from './lineage-tree.ts'
import { number, paint, plural, printable, table, wrap } from './text.ts'
import type { Paint } from './text.ts'

// Explain and impact for a terminal: what is lacking first, then the counts, then a tree by distance.

export interface Terminal {
  color?: boolean
  width?: number
}

export function explainedText(explained: LineageExplained, options: Terminal = {}): string {
  const answer = printable(explained)
  const { brush, columns } = terminal(options)
  const called = callNames(answer.nodes)
  // Where nothing flows into the start, its way ends at itself.
  const starts = new Set(answer.nodes.filter(({ depth }) => depth === 0).map(({ id }) => id))
  const sources = answer.sources.filter((id) => !starts.has(id))
  const count = answer.sourceCount - (answer.sources.length - sources.length)
  const ends =
    sources.length === 0
      ? 'Nothing is known to flow into it.'
      : `It comes from ${plural(count, 'source')}: ${listed(
          sources.map((id) => called.get(id) ?? plainId(id)),
          8,
        )}.`
  return [
    ...lacking(answer.notes, brush, columns),
    brush.bold(wrap(ends, columns)),
    '',
    ...tree(answer, 'backward', brush),
    footer(answer),
    '',
  ].join('\n')
}

export function impactText(impact: LineageImpact, options: Terminal = {}): string {
  const answer = printable(impact)
  const { brush, columns } = terminal(options)
  const { counts } = answer
  const since = answer.since === undefined ? 'ever' : `since ${answer.since.slice(0, 16)}`
  const rows = [
    ['feature views', number(counts.featureViews), listed(answer.featureViews, 6)],
    [
      'model versions',
      number(counts.modelVersions),
      listed(
        answer.models.map(({ model }) => model),
        6,
      ),
    ],
    ['deployed models', number(counts.deployedModels), `with predictions ${since}`],
    [
      'predictions',
      number(counts.predictions),
      [
        ...(counts.predictionsInBatches > 0 ? [`${number(counts.predictionsInBatches)} in batches`] : []),
        ...(counts.erasedPredictions > 0 ? [`${number(counts.erasedPredictions)} about people who were erased`] : []),
      ].join(', '),
    ],
    ['people', number(counts.people), ''],
    [
      'campaigns',
      number(counts.campaigns),
      listed(
        answer.campaigns.map(({ name }) => name),
        4,
      ),
    ],
    [
      'creatives',
      number(counts.creatives),
      listed(
        answer.creatives.map(({ name }) => name),
        4,
      ),
    ],
    ['datasets, jobs', `${number(counts.datasets)}, ${number(counts.jobs)}`, ''],
  ]
  return [
    ...lacking(answer.notes, brush, columns),
    table(rows, { right: [1], indent: '  ', columns }),
    '',
    ...tree(answer, 'forward', brush),
    footer(answer),
    '',
  ].join('\n')
}

/** Colours, and a width that can be read. */
export function terminal({ color = false, width = 100 }: Terminal): { brush: Paint; columns: number } {
  return { brush: paint(color), columns: Math.max(60, Math.min(width, 120)) }
}

/** Bad news before anything else. */
export function lacking(notes: readonly string[], brush: Paint, columns: number): string[] {
  return notes.length === 0 ? [] : [...notes.map((note) => brush.yellow(wrap(`! ${note}`, columns, '  '))), '']
}

export function listed(names: readonly string[], most: number): string {
  return names.slice(0, most).join(', ') + (names.length > most ? ` and ${number(names.length - most)} more` : '')
}

function footer({ asOf, total, nodes, depth, truncated, cursor }: LineageExplained | LineageImpact): string {
  const shown = truncated ? `${number(nodes.length)} of ${plural(total, 'node')}` : plural(total, 'node')
  const next = cursor === undefined ? '' : ` · next page: --cursor ${cursor}`
  return `  ${shown}, depth ${number(depth)}, as of record ${number(asOf)}${next}`
}

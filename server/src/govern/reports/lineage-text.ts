import type { LineageExplained, LineageImpact, LineageNode } from '@whence/sdk'
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
  const sources = answer.sources.filter((id) => id !== answer.node)
  const ends =
    sources.length === 0
      ? 'Nothing is known to flow into it.'
      : `It comes from ${plural(answer.sourceCount, 'source')}: ${listed(
          sources.map((id) => called.get(id) ?? id),
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
      counts.erasedPredictions > 0 ? `${number(counts.erasedPredictions)} about people who were erased` : '',
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

function terminal({ color = false, width = 100 }: Terminal): { brush: Paint; columns: number } {
  return { brush: paint(color), columns: Math.max(60, Math.min(width, 120)) }
}

/** Bad news before anything else. */
export function lacking(notes: readonly string[], brush: Paint, columns: number): string[] {
  return notes.length === 0 ? [] : [...notes.map((note) => brush.yellow(wrap(`! ${note}`, columns, '  '))), '']
}

export function listed(names: readonly string[], most: number): string {
  return names.slice(0, most).join(', ') + (names.length > most ? ` and ${number(names.length - most)} more` : '')
}

/** What each node is called beside its kind: its name where only one of the kind has it, else its id. */
function callNames(nodes: readonly LineageNode[]): Map<string, string> {
  const short = (node: LineageNode): string => {
    if (node.kind === 'run') return `run ${node.name}`
    if (node.kind === 'version')
      return `${nameIn(node.name)} ${node.version === undefined ? '(version unknown)' : `@ ${node.version}`}`
    return node.field === undefined ? node.name : `${node.name}#${node.field}`
  }
  const ofKind = (node: LineageNode): string => `${node.kind} ${short(node)}`
  const count = new Map<string, number>()
  for (const node of nodes) count.set(ofKind(node), (count.get(ofKind(node)) ?? 0) + 1)
  return new Map(nodes.map((node) => [node.id, count.get(ofKind(node)) === 1 ? short(node) : node.id]))
}

/** The name in an id, for people. */
function nameIn(id: string): string {
  const parts = /^(?:dataset|job):[^:]*:(.*)$/s.exec(id) ?? /^[a-z]+:(.*)$/s.exec(id)
  return parts?.[1] ?? id
}

const MOST_LINES = 400

/** Each node once, below the nearest one by which it is reached; what is reached again is only counted. */
function tree(
  { nodes, edges }: Pick<LineageExplained, 'nodes' | 'edges'>,
  direction: 'forward' | 'backward',
  brush: Paint,
): string[] {
  const called = callNames(nodes)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const children = new Map<string, LineageNode[]>()
  const parents = new Map<string, number>()
  for (const { from, to } of edges) {
    const [parent, child] = direction === 'forward' ? [from, to] : [to, from]
    const [above, below] = [byId.get(parent), byId.get(child)]
    if (!above || !below || below.depth <= above.depth) continue
    const ways = (parents.get(child) ?? 0) + 1
    parents.set(child, ways)
    if (ways === 1) children.set(parent, [...(children.get(parent) ?? []), below])
  }
  const lines: string[] = []
  const write = (node: LineageNode, prefix: string, branch: string): void => {
    if (lines.length === MOST_LINES) lines.push(brush.dim('… more; --json has all of it'))
    if (lines.length > MOST_LINES) return
    const more = (parents.get(node.id) ?? 1) - 1
    const again = more > 0 ? brush.dim(`  (and by ${plural(more, 'other way')})`) : ''
    lines.push(`${prefix}${branch}${label(node, called, brush)}${again}`)
    const own = children.get(node.id) ?? []
    const inner = branch === '' ? prefix : prefix + (branch === '└ ' ? '  ' : '│ ')
    own.forEach((child, i) => write(child, inner, i === own.length - 1 ? '└ ' : '├ '))
  }
  const roots = nodes.filter(({ id, depth }) => depth === 0 || !parents.has(id))
  for (const root of roots) write(root, '  ', '')
  return lines.length === 0 ? [] : [...lines, '']
}

function label(node: LineageNode, called: ReadonlyMap<string, string>, brush: Paint): string {
  const name = called.get(node.id) ?? node.id
  const notes = [
    node.kind === 'run' ? node.job && nameIn(node.job) : undefined,
    node.state === undefined ? undefined : node.state === 'COMPLETE' ? node.state : brush.red(node.state),
    (node.ended ?? node.started ?? node.time)?.slice(0, 16),
  ].filter(Boolean)
  const kind =
    node.kind === 'run' || node.kind === 'version'
      ? ''
      : `${brush.dim(node.field === undefined ? node.kind : 'field')} `
  return `${kind}${name}${notes.length > 0 ? brush.dim(`  ${notes.join(' · ')}`) : ''}`
}

function footer({ asOf, total, nodes, depth, truncated, cursor }: LineageExplained | LineageImpact): string {
  const shown = truncated ? `${number(nodes.length)} of ${plural(total, 'node')}` : plural(total, 'node')
  const next = cursor === undefined ? '' : ` · next page: --cursor ${cursor}`
  return `  ${shown}, depth ${number(depth)}, as of record ${number(asOf)}${next}`
}

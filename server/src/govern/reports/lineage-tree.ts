import type { LineageEdge, LineageNode } from '@whence/sdk'
import { plainId } from '../../record/lineage/plain-id.ts'
import { plural } from './text.ts'
import type { Paint } from './text.ts'

// What is reached, as a tree for a terminal: each dataset once, under all its names, below the nearest one by which it is
// reached.

interface Walked {
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
}

const MOST_LINES = 400
/** Names of one dataset that are shown besides the first. */
const MOST_NAMES = 3

export function tree(walked: Walked, direction: 'forward' | 'backward', brush: Paint): string[] {
  const { nodes, edges, also } = folded(walked)
  const called = callNames(walked.nodes)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const children = new Map<string, LineageNode[]>()
  /** By child: the edges from each node above it, the first of which it stands below. */
  const above = new Map<string, Map<string, LineageEdge[]>>()
  for (const edge of edges) {
    const [parent, child] = direction === 'forward' ? [edge.from, edge.to] : [edge.to, edge.from]
    const [upper, lower] = [byId.get(parent), byId.get(child)]
    if (!upper || !lower || lower.depth <= upper.depth) continue
    const parents = above.get(child) ?? new Map<string, LineageEdge[]>()
    if (parents.size === 0) children.set(parent, [...(children.get(parent) ?? []), lower])
    parents.set(parent, [...(parents.get(parent) ?? []), edge])
    above.set(child, parents)
  }
  const lines: string[] = []
  const write = (node: LineageNode, prefix: string, branch: string): void => {
    if (lines.length === MOST_LINES) lines.push(brush.dim('… more; --json has all of it'))
    if (lines.length > MOST_LINES) return
    const [by = [], ...others] = above.get(node.id)?.values() ?? []
    const names = (also.get(node.id) ?? []).map((other) => called.get(other.id) ?? other.id)
    const notes = [
      ...(names.length > 0 ? [`= ${names.slice(0, MOST_NAMES).join(' = ')}`] : []),
      ...(names.length > MOST_NAMES ? [`and ${plural(names.length - MOST_NAMES, 'more name', 'more names')}`] : []),
      ...howOf(by),
      ...(others.length > 0 ? [`(and by ${plural(others.length, 'other way')})`] : []),
    ]
    const behind = notes.length > 0 ? brush.dim(`  ${notes.join('  ')}`) : ''
    lines.push(`${prefix}${branch}${label(node, called, brush)}${behind}`)
    const own = children.get(node.id) ?? []
    const inner = branch === '' ? prefix : prefix + (branch === '└ ' ? '  ' : '│ ')
    own.forEach((child, i) => write(child, inner, i === own.length - 1 ? '└ ' : '├ '))
  }
  for (const root of nodes.filter(({ id, depth }) => depth === 0 || !above.has(id))) write(root, '  ', '')
  return lines.length === 0 ? [] : [...lines, '']
}

/** What each node is called beside its kind: its name where only one of the kind has it, else its id. */
export function callNames(nodes: readonly LineageNode[]): Map<string, string> {
  const short = (node: LineageNode): string => {
    if (node.kind === 'run') return `run ${node.name}`
    if (node.kind === 'version')
      return `${nameIn(node.name)} ${node.version === undefined ? '(version unknown)' : `@ ${node.version}`}`
    return node.field === undefined ? node.name : `${node.name}#${node.field}`
  }
  const ofKind = (node: LineageNode): string => `${node.kind} ${short(node)}`
  const count = new Map<string, number>()
  for (const node of nodes) count.set(ofKind(node), (count.get(ofKind(node)) ?? 0) + 1)
  return new Map(nodes.map((node) => [node.id, count.get(ofKind(node)) === 1 ? short(node) : plainId(node.id)]))
}

/** The name in an id, for people. */
export function nameIn(id: string): string {
  const parts = /^(?:dataset|job):[^:]*:(.*)$/s.exec(id) ?? /^[a-z]+:(.*)$/s.exec(id)
  return plainId(parts?.[1] ?? id)
}

/** The names of one dataset as one node: that which data flows to or from, and of several such the nearest. */
function folded({ nodes, edges }: Walked): Walked & { also: Map<string, LineageNode[]> } {
  const groups = new Map<string, Set<string>>()
  for (const { from, to, how } of edges) {
    if (how !== 'symlink') continue
    const joined = new Set([...(groups.get(from) ?? [from]), ...(groups.get(to) ?? [to])])
    for (const id of joined) groups.set(id, joined)
  }
  const flows = edges.filter(({ how }) => how !== 'symlink')
  const used = new Set(flows.flatMap(({ from, to }) => [from, to]))
  const main = new Map<string, string>()
  const also = new Map<string, LineageNode[]>()
  for (const group of new Set(groups.values())) {
    const members = nodes.filter(({ id }) => group.has(id))
    const chosen = members.find(({ id }) => used.has(id)) ?? members[0]
    if (!chosen) continue
    for (const { id } of members) main.set(id, chosen.id)
    also.set(
      chosen.id,
      members.filter((member) => member !== chosen),
    )
  }
  const of = (id: string): string => main.get(id) ?? id
  // Fields stand for their dataset: where they are shown, it is not shown beside them.
  const fielded = nodes.some(({ field }) => field !== undefined)
  return {
    nodes: nodes.filter(({ id, field }) => of(id) === id && (!fielded || field !== undefined || used.has(id))),
    edges: flows.map((edge) => ({ ...edge, from: of(edge.from), to: of(edge.to) })),
    also,
  }
}

/** Of columns: how the one comes into the other. */
function howOf(edges: readonly LineageEdge[]): string[] {
  return (['direct', 'indirect'] as const).flatMap((how) => {
    const those = edges.filter((edge) => edge.how === how)
    if (those.length === 0) return []
    const kinds = [...new Set(those.flatMap(({ transformation }) => transformation ?? []))].toSorted()
    const basis = [...new Set(those.flatMap(({ basis: on }) => (on === undefined || on === 'stated' ? [] : [on])))]
    const marks = [...basis, ...(those.some(({ masking }) => masking === true) ? ['masked'] : [])]
    return [[how, kinds.join(', '), marks.length > 0 ? `(${marks.join(', ')})` : ''].filter(Boolean).join(' ')]
  })
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

// A walk over names or columns: breadth first, each node once, however many ways lead to it.
import type { Direction, WalkEdge, WalkNode } from './answers.ts'
import type { Names } from './names.ts'
import { FLOWS } from './names.ts'
import type { EdgeKind } from './held-state.ts'
import type { NodeKind } from './statement.ts'

export interface Reached {
  /** Numbers of nodes, nearest first. */
  readonly order: Int32Array
  readonly depth: Int32Array
  /** By number of a node: where it stands in `order`, or -1. */
  readonly place: Int32Array
}

const COLUMNS: ReadonlySet<EdgeKind> = new Set(['direct', 'indirect'])

class Walker {
  readonly #order: Int32Array
  readonly #depth: Int32Array
  readonly #place: Int32Array
  #end = 0

  /** Of nodes with numbers below `size`. */
  constructor(size: number) {
    this.#order = new Int32Array(size)
    this.#depth = new Int32Array(size)
    this.#place = new Int32Array(size).fill(-1)
  }

  get end(): number {
    return this.#end
  }

  node(at: number): number {
    return this.#order[at]!
  }

  depthAt(at: number): number {
    return this.#depth[at]!
  }

  visit(node: number, depth: number): boolean {
    if (this.#place[node]! >= 0) return false
    this.#place[node] = this.#end
    this.#depth[this.#end] = depth
    this.#order[this.#end++] = node
    return true
  }

  reached(): Reached {
    return { order: this.#order.subarray(0, this.#end), depth: this.#depth.subarray(0, this.#end), place: this.#place }
  }
}

/** All names of a dataset, its own first: joined by symlinks that hold. */
export function aliasesOf(names: Names, node: number, asOf: number): number[] {
  if (!names.kin[node]) return [node]
  // A set goes on over what is added to it meanwhile.
  const found = new Set([node])
  for (const here of found) {
    for (const edge of names.kin[here] ?? []) {
      const { how, source, target } = names.edges[edge]!
      if (how === 'symlink' && names.holds(edge, asOf)) found.add(source === here ? target : source)
    }
  }
  return [...found]
}

/** The same for many nodes, in any order: the names of a dataset are worked out once, however many there are. */
export function aliasGroups(names: Names, asOf: number): (node: number) => readonly number[] {
  const groups = new Map<number, readonly number[]>()
  return (node) => {
    let group = groups.get(node)
    if (!group) {
      group = aliasesOf(names, node, asOf)
      for (const alias of group) groups.set(alias, group)
    }
    return group
  }
}

/** All nodes that data comes from, or goes to, at the level of datasets and jobs. */
export function walkNames(
  names: Names,
  from: readonly number[],
  direction: Direction,
  depth: number,
  asOf: number,
): Reached {
  const walker = new Walker(names.nodes.length)
  const visit = (node: number, at: number): void => {
    if (!walker.visit(node, at)) return
    if (names.kin[node]) for (const alias of aliasesOf(names, node, asOf)) walker.visit(alias, at)
  }
  for (const node of from) visit(node, 0)
  for (let at = 0; at < walker.end; at++) {
    const here = walker.depthAt(at)
    if (here >= depth) continue
    const node = walker.node(at)
    if (direction !== 'forward') {
      for (const edge of names.in[node] ?? [])
        if (names.flows[edge] === 1 && names.holds(edge, asOf)) visit(names.source[edge]!, here + 1)
    }
    if (direction !== 'backward') {
      for (const edge of names.out[node] ?? [])
        if (names.flows[edge] === 1 && names.holds(edge, asOf)) visit(names.target[edge]!, here + 1)
    }
  }
  return walker.reached()
}

/**
 * All fields that data comes from, or goes to. An edge from a dataset as a whole is one from each of its fields, one into
 * a dataset as a whole one into each; such a dataset is then reached itself too.
 */
export function walkColumns(
  names: Names,
  from: readonly number[],
  direction: Direction,
  depth: number,
  asOf: number,
): Reached {
  const walker = new Walker(names.nodes.length)
  /** Datasets whose edges as a whole were followed already, for each way. */
  const whole = { in: new Set<number>(), out: new Set<number>() }
  const namesOf = aliasGroups(names, asOf)
  const visit = (number: number, at: number): void => {
    if (!walker.visit(number, at)) return
    const node = names.nodes[number]!
    if (node.field === undefined) {
      for (const alias of namesOf(number)) {
        walker.visit(alias, at)
        for (const field of names.fields[alias] ?? []) if (names.isKnown(names.nodes[field]!, asOf)) visit(field, at)
      }
      return
    }
    for (const alias of namesOf(node.owner!)) {
      if (alias === node.owner || !names.fields[alias]) continue
      const other = names.fieldOf(alias, node.field)
      if (other && names.isKnown(other, asOf)) walker.visit(other.number, at)
    }
  }
  const follow = (number: number, way: 'in' | 'out', at: number): void => {
    for (const edge of names[way][number] ?? []) {
      const { how, source, target } = names.edges[edge]!
      if (COLUMNS.has(how) && names.holds(edge, asOf)) visit(way === 'in' ? source : target, at)
    }
  }
  const moves = (number: number, way: 'in' | 'out'): boolean =>
    (names[way][number] ?? []).some((edge) => COLUMNS.has(names.edges[edge]!.how) && names.holds(edge, asOf))
  for (const node of from) visit(node, 0)
  for (let at = 0; at < walker.end; at++) {
    const here = walker.depthAt(at)
    if (here >= depth) continue
    const number = walker.node(at)
    const node = names.nodes[number]!
    for (const way of ['in', 'out'] as const) {
      if (direction !== 'both' && (direction === 'backward') !== (way === 'in')) continue
      const owner = node.owner ?? number
      if (node.field !== undefined) follow(number, way, here + 1)
      if (!whole[way].has(owner)) {
        whole[way].add(owner)
        for (const alias of namesOf(owner)) {
          whole[way].add(alias)
          if (moves(alias, way)) walker.visit(alias, here + 1)
          follow(alias, way, here + 1)
        }
      }
      if (node.field === undefined) continue
      // A renamed dataset hands its fields on.
      for (const edge of names.kin[owner] ?? []) {
        const { how, source, target } = names.edges[edge]!
        if (how !== 'rename' || owner !== (way === 'in' ? target : source) || !names.holds(edge, asOf)) continue
        const other = names.fieldOf(way === 'in' ? source : target, node.field)
        if (other && other.appeared < asOf) visit(other.number, here + 1)
      }
    }
  }
  return walker.reached()
}

/** The nodes of a page, and the edges that join them to each other and to what stands before them. */
export function page(
  names: Names,
  { order, depth, place }: Reached,
  level: 'names' | 'columns',
  kinds: readonly NodeKind[] | undefined,
  asOf: number,
  offset: number,
  limit: number,
): { nodes: WalkNode[]; edges: WalkEdge[]; total: number } {
  const shown = (number: number): boolean => !kinds || kinds.includes(names.nodes[number]!.name.kind)
  const nodes: WalkNode[] = []
  const edges: WalkEdge[] = []
  let total = 0
  let before = order.length
  for (let at = 0; at < order.length; at++) {
    if (!shown(order[at]!)) continue
    const rank = total++
    if (rank < offset || rank >= offset + limit) continue
    const { id, name, field, appeared } = names.nodes[order[at]!]!
    nodes.push({ id, ...name, ...(field === undefined ? {} : { field }), depth: depth[at]!, appeared })
    before = at
  }
  if (nodes.length === 0) return { nodes, edges, total }
  const kindsOf = level === 'names' ? FLOWS : COLUMNS
  const first = order.length === 0 ? 0 : firstOf(order, shown, offset)
  for (let at = first; at <= before; at++) {
    const number = order[at]!
    if (!shown(number)) continue
    // Each edge once: on the page of whichever of its ends comes later.
    for (const [list, far] of [
      [names.in[number], 'source'],
      [names.out[number], 'target'],
    ] as const) {
      for (const edge of list ?? []) {
        const { how } = names.edges[edge]!
        const other = names.edges[edge]![far]
        if (!kindsOf.has(how) && how !== 'symlink') continue
        if (level === 'columns' && how === 'symlink') continue
        const there = place[other]!
        if (there < 0 || there > at || (there === at && far === 'target')) continue
        if (!shown(other) || !names.holds(edge, asOf)) continue
        edges.push(edgeOf(names, edge))
      }
    }
  }
  return { nodes, edges, total }
}

function firstOf(order: Int32Array, shown: (number: number) => boolean, offset: number): number {
  let rank = 0
  for (let at = 0; at < order.length; at++) if (shown(order[at]!) && rank++ === offset) return at
  return order.length
}

function edgeOf(names: Names, edge: number): WalkEdge {
  const { source, target, how, basis, transformation, masking, job } = names.edges[edge]!
  return {
    from: names.nodes[source]!.id,
    to: names.nodes[target]!.id,
    how: how as WalkEdge['how'],
    ...(basis === undefined ? {} : { basis }),
    ...(transformation === undefined ? {} : { transformation }),
    ...(masking === undefined ? {} : { masking }),
    ...(job === undefined ? {} : { job: names.nodes[job]!.id }),
    appeared: names.appeared[edge]!,
  }
}

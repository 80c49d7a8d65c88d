// Names and their edges in memory: few, and a closure touches all of them. They follow the tables: each question first
// takes in what was committed since the last.
import type { Database } from '../../store/database.ts'
import type { Follower } from '../projection/follower.ts'
import type { Flow } from './answers.ts'
import type { EdgeKind } from './held-state.ts'
import type { Link, Name, NodeKind } from './statement.ts'
import { nodeId, parseNodeId } from './statement.ts'
import { unstored } from './stored.ts'

export interface NamedNode {
  readonly number: number
  readonly id: string
  readonly name: Name
  readonly field: string | undefined
  /** Of a field: the node that has it. */
  readonly owner: number | undefined
  readonly appeared: number
}

export interface NamedEdge {
  readonly source: number
  readonly target: number
  readonly how: EdgeKind
  readonly basis: Link['basis'] | undefined
  readonly transformation: string | undefined
  readonly masking: boolean | undefined
  readonly job: number | undefined
}

interface EdgeRow {
  id: number
  source: number
  target: number
  how: string
  basis: string | null
  transformation: string | null
  masking: boolean | null
  job: number | null
  appeared: bigint
  withdrawn: bigint | null
}

/** Over which data flows from name to name. */
export const FLOWS: ReadonlySet<EdgeKind> = new Set(['write', 'read', 'flow', 'rename'])

const HELD = Number.MAX_SAFE_INTEGER
const edgeColumns = 'id, source, target, how, basis, transformation, masking, job, appeared, withdrawn'

export class Names {
  readonly #database: Database
  readonly #follower: Pick<Follower, 'next'>
  /** By number; numbers begin at 1. */
  nodes: (NamedNode | undefined)[] = [undefined]
  edges: (NamedEdge | undefined)[] = [undefined]
  /** Positions: an edge holds as of s when it appeared before s and was not withdrawn before s. */
  appeared = new Float64Array(1024)
  withdrawn = new Float64Array(1024)
  /** The ends of an edge, side by side: a walk over names looks at a hundred thousand of them. */
  source = new Int32Array(1024)
  target = new Int32Array(1024)
  /** 1 where data flows between names over it, which is what a walk over names follows. */
  flows = new Uint8Array(1024)
  /** Numbers of the edges that leave a node, and that arrive at it. */
  readonly out: (number[] | undefined)[] = []
  readonly in: (number[] | undefined)[] = []
  /** Those of them that are symlinks and renames: few, and asked for at every field. */
  readonly kin: (number[] | undefined)[] = []
  /** Numbers of the fields of a node. */
  readonly fields: (number[] | undefined)[] = []
  #byId = new Map<string, number>()
  #next = 0
  #following: Promise<void> | undefined

  constructor(database: Database, follower: Pick<Follower, 'next'>) {
    this.#database = database
    this.#follower = follower
  }

  /** The position up to which it knows. */
  get next(): number {
    return this.#next
  }

  /** Takes in what was committed since the last time. */
  async follow(): Promise<void> {
    if (!this.#following && this.#follower.next === this.#next) return
    // One that began before this call may have read before the last commit: it is waited for, not relied on.
    while (this.#following) await this.#following
    this.#following = this.#take().finally(() => (this.#following = undefined))
    return this.#following
  }

  byId(id: string): NamedNode | undefined {
    const parsed = parseNodeId(id)
    const number = parsed && this.#byId.get(nodeId(parsed.name, parsed.field))
    return number === undefined ? undefined : this.nodes[number]
  }

  /** The field of a node that has this name. */
  fieldOf(owner: number, field: string): NamedNode | undefined {
    const number = this.#byId.get(nodeId(this.nodes[owner]!.name, field))
    return number === undefined ? undefined : this.nodes[number]
  }

  holds(edge: number, asOf: number): boolean {
    return this.appeared[edge]! < asOf && this.withdrawn[edge]! >= asOf
  }

  /** Whether it was known: a field is, while its schema names it or data flows through it. */
  isKnown(node: NamedNode, asOf: number): boolean {
    if (node.appeared >= asOf) return false
    if (node.field === undefined) return true
    const holds = (edge: number): boolean => this.holds(edge, asOf)
    return (this.in[node.number]?.some(holds) ?? false) || (this.out[node.number]?.some(holds) ?? false)
  }

  async #take(): Promise<void> {
    // The follower's own position is raised after its commit. Rows committed from here on are beyond `next`, and taken in
    // the next time.
    const { next } = this.#follower
    if (next < this.#next) this.#clear()
    if (next === this.#next) return
    const nodes = await this.#database.query<{
      id: number
      kind: string
      namespace: string
      name: string
      field: string | null
      owner: number | null
      appeared: bigint
    }>(
      'select id, kind, namespace, name, field, owner, appeared from lineage_node where id >= $1 and appeared < $2 order by id',
      [this.nodes.length, next],
    )
    const edges = await this.#database.query<EdgeRow>(
      `select ${edgeColumns} from lineage_edge where appeared >= $1 and appeared < $2 order by id`,
      [this.#next, next],
    )
    const ended = await this.#database.query<{ id: number; withdrawn: bigint }>(
      'select id, withdrawn from lineage_edge where withdrawn >= $1 and withdrawn < $2',
      [this.#next, next],
    )
    for (const row of nodes) {
      const name: Name = {
        kind: row.kind as NodeKind,
        namespace: unstored(row.namespace),
        name: unstored(row.name),
      }
      const field = row.field === null ? undefined : unstored(row.field)
      const node = {
        number: row.id,
        id: nodeId(name, field),
        name,
        field,
        owner: row.owner ?? undefined,
        appeared: Number(row.appeared),
      }
      this.nodes[row.id] = node
      this.#byId.set(node.id, row.id)
      if (row.owner !== null) (this.fields[row.owner] ??= []).push(row.id)
    }
    for (const row of edges) this.#add(row, next)
    for (const { id, withdrawn } of ended) this.withdrawn[id] = Number(withdrawn)
    this.#next = next
  }

  #add(row: EdgeRow, next: number): void {
    if (row.id >= this.appeared.length) {
      const length = Math.max(this.appeared.length * 2, row.id + 1)
      this.appeared = grown(this.appeared, new Float64Array(length))
      this.withdrawn = grown(this.withdrawn, new Float64Array(length))
      this.source = grown(this.source, new Int32Array(length))
      this.target = grown(this.target, new Int32Array(length))
      this.flows = grown(this.flows, new Uint8Array(length))
    }
    this.edges[row.id] = {
      source: row.source,
      target: row.target,
      how: row.how as Flow,
      basis: (row.basis as Link['basis'] | null) ?? undefined,
      transformation: row.transformation === null ? undefined : unstored(row.transformation),
      masking: row.masking ?? undefined,
      job: row.job ?? undefined,
    }
    this.source[row.id] = row.source
    this.target[row.id] = row.target
    this.flows[row.id] = FLOWS.has(row.how as EdgeKind) ? 1 : 0
    this.appeared[row.id] = Number(row.appeared)
    this.withdrawn[row.id] = row.withdrawn === null || Number(row.withdrawn) >= next ? HELD : Number(row.withdrawn)
    if (row.how === 'symlink' || row.how === 'rename') {
      ;(this.kin[row.source] ??= []).push(row.id)
      ;(this.kin[row.target] ??= []).push(row.id)
    }
    // `fields` has them all; a wide dataset would be gone through again for each of its fields.
    if (row.how !== 'field') (this.out[row.source] ??= []).push(row.id)
    ;(this.in[row.target] ??= []).push(row.id)
  }

  #clear(): void {
    this.nodes = [undefined]
    this.edges = [undefined]
    for (const list of [this.out, this.in, this.kin, this.fields]) list.length = 0
    this.#byId = new Map()
    this.#next = 0
  }
}

function grown<T extends Float64Array | Int32Array | Uint8Array>(values: T, larger: T): T {
  larger.set(values)
  return larger
}

/** Nodes whose name holds the text: the whole name first, then beginnings, then the rest, in order of appearance. */
export function search(
  names: Names,
  query: string,
  kinds: readonly NodeKind[] | undefined,
  limit: number,
  asOf: number,
): NamedNode[] {
  const wanted = query.toLowerCase()
  const ranks: NamedNode[][] = [[], [], []]
  for (const node of names.nodes) {
    if (!node || (kinds && !kinds.includes(node.name.kind))) continue
    const name = (node.field ?? node.name.name).toLowerCase()
    const at = name.indexOf(wanted)
    const rank = name === wanted ? 0 : at === 0 ? 1 : 2
    if (at < 0 || ranks[rank]!.length >= limit || !names.isKnown(node, asOf)) continue
    ranks[rank]!.push(node)
  }
  return ranks.flat().slice(0, limit)
}

export function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

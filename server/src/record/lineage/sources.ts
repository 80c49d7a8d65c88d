// Where ways end, and which names are one dataset: read off the nodes and edges of a walk.
import type { WalkEdge } from './answers.ts'

interface Node {
  readonly id: string
  readonly kind: string
  readonly depth: number
}

/**
 * Nodes into which nothing is known to flow, nearest first; of a dataset with several names one. What makes a
 * dataset out of nothing (a job that reads nothing) is no source itself: the dataset is. `depth` is how far the walk
 * went: of a job at its end nobody has looked at what it reads.
 */
export function sourcesOf<N extends Node>(
  nodes: readonly N[],
  edges: readonly Pick<WalkEdge, 'from' | 'to' | 'how'>[],
  depth = Infinity,
): N[] {
  const main = mainNames(edges)
  const fed = new Set(edges.flatMap(({ to, how }) => (how === 'symlink' ? [] : [main(to)])))
  const idle = new Set(
    nodes.filter((node) => makes(node) && node.depth < depth && !fed.has(node.id)).map(({ id }) => id),
  )
  const filled = new Set(edges.flatMap(({ from, to, how }) => (how === 'symlink' || idle.has(from) ? [] : [main(to)])))
  const ends = nodes.filter((node) => !makes(node) && !filled.has(main(node.id)))
  const used = new Set(edges.flatMap(({ from, to, how }) => (how === 'symlink' ? [] : [from, to])))
  const best = new Map<string, N>()
  for (const node of ends) {
    const known = best.get(main(node.id))
    if (!known || before(node, known, used)) best.set(main(node.id), node)
  }
  return ends.filter((node) => best.get(main(node.id)) === node)
}

/** Of two names that by which data flows, then the first by id: the same in whichever order they came to be known. */
function before(one: Node, other: Node, used: ReadonlySet<string>): boolean {
  if (used.has(one.id) !== used.has(other.id)) return used.has(one.id)
  return one.id < other.id
}

function makes({ kind }: Node): boolean {
  return kind === 'job' || kind === 'run'
}

/** For each id the one that stands for all that symlinks join it with. */
function mainNames(edges: readonly Pick<WalkEdge, 'from' | 'to' | 'how'>[]): (id: string) => string {
  const lower = new Map<string, string>()
  const main = (id: string): string => {
    let first = id
    for (let next = lower.get(first); next !== undefined; next = lower.get(first)) first = next
    // Straight to the end from now on: a chain is gone through once.
    for (let at = id; at !== first;) {
      const next = lower.get(at)!
      lower.set(at, first)
      at = next
    }
    return first
  }
  for (const { from, to, how } of edges) {
    if (how !== 'symlink') continue
    const [one, other] = [main(from), main(to)].toSorted()
    if (one !== other) lower.set(other!, one!)
  }
  return main
}

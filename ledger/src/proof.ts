// Proofs of RFC 6962, sections 2.1.1 and 2.1.2. Making one is split in two, because the hashes may come from memory,
// from a folder or over the network: a plan says which nodes are needed and turns their hashes into the proof.
import { sameBytes } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import { checkSize, coveringNodes, emptyRoot, foldNodes, log2, nodeHash } from './tree.ts'
import type { Hash, NodeAt } from './tree.ts'

/** What is to be read, and what then follows from it: `solve` takes the hashes of `nodes`, in that order. */
export type Plan<Result> = {
  readonly nodes: readonly NodeAt[]
  solve(hashes: readonly Hash[]): Result
}

type Range = readonly [from: number, to: number]

/**
 * Plans the proof that leaf `index` is in the tree of `size` leaves: its siblings, leaf's sibling first. Throws
 * `out-of-range` if the tree has no such leaf.
 *
 * @example const proof = solveSync(inclusionPlan(1, 3), 3, readTile)
 */
export function inclusionPlan(index: number, size: number): Plan<Hash[]> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= checkSize(size)) {
    throw new LedgerFault('out-of-range', `a tree of ${size} has no leaf ${index}`)
  }
  const siblings: Range[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + split(to - from)
    if (index < middle) {
      siblings.push([middle, to])
      to = middle
    } else {
      siblings.push([from, middle])
      from = middle
    }
  }
  return planOf(siblings.reverse())
}

/**
 * Plans the proof that the tree of `size` leaves begins with the leaves of the tree of `from`. Empty for equal sizes
 * and for `from` 0. Throws `out-of-range` if the tree would shrink.
 *
 * @example const proof = await solve(consistencyPlan(3, 7), 7, readTile)
 */
export function consistencyPlan(from: number, size: number): Plan<Hash[]> {
  if (checkSize(from) > checkSize(size)) {
    throw new LedgerFault('out-of-range', `a tree of ${from} cannot become one of ${size}: it only grows`)
  }
  const parts: Range[] = []
  if (from > 0 && from < size) {
    // RFC 6962, SUBPROOF: [low, high) narrows onto the subtree that ends where the old tree ended.
    let [low, high] = [0, size]
    while (from < high) {
      const middle = low + split(high - low)
      if (from <= middle) {
        parts.push([middle, high])
        high = middle
      } else {
        parts.push([low, middle])
        low = middle
      }
    }
    // The old tree itself is known to the verifier; any smaller subtree of it is not.
    if (low > 0) parts.push([low, high])
  }
  return planOf(parts.reverse())
}

/**
 * Plans the root of the tree of `size` leaves.
 *
 * @example const root = solveSync(rootPlan(3), 3, readTile)
 */
export function rootPlan(size: number): Plan<Hash> {
  return { nodes: coveringNodes(0, checkSize(size)), solve: foldNodes }
}

/**
 * Plans the right edge of the tree of `size` leaves, from which `Tree.fromEdge` takes up appending.
 *
 * @example const tree = Tree.fromEdge(size, solveSync(edgePlan(size), size, readTile))
 */
export function edgePlan(size: number): Plan<Hash[]> {
  return { nodes: coveringNodes(0, checkSize(size)), solve: (hashes) => [...hashes] }
}

/**
 * The root that follows from a leaf and its inclusion proof (RFC 9162, section 2.1.3.2). Throws `bad-proof` if the
 * proof has not exactly the length that index and size ask for, `out-of-range` if the tree has no such leaf.
 *
 * @example rootFromInclusion(leafHash(entry), 1, 3, proof) // compare it with a signed root
 */
export function rootFromInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[]): Hash {
  if (!Number.isSafeInteger(index) || index < 0 || index >= checkSize(size)) {
    throw new LedgerFault('out-of-range', `a tree of ${size} has no leaf ${index}`)
  }
  let node = index
  let last = size - 1
  let root = leaf
  for (const sibling of proof) {
    if (last === 0) throw new LedgerFault('bad-proof', 'the inclusion proof is longer than the tree is high')
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root)
      while (node % 2 === 0 && node > 0) [node, last] = [node / 2, half(last)]
    } else {
      root = nodeHash(root, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  if (last !== 0) throw new LedgerFault('bad-proof', 'the inclusion proof is shorter than the tree is high')
  return root
}

/**
 * Whether the proof shows that leaf `index` of the tree of `size` leaves with this root has this hash. Malformed
 * proofs show nothing: false.
 *
 * @example verifyInclusion(leafHash(entry), 1, 3, proof, checkpoint.root) // true
 */
export function verifyInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): boolean {
  return holds(() => sameBytes(rootFromInclusion(leaf, index, size, proof), root))
}

/**
 * Whether the proof shows that the tree of `size` leaves with `root` begins with all leaves of the tree of `from`
 * leaves with `fromRoot` (RFC 9162, section 2.1.4.2). Malformed proofs show nothing: false.
 *
 * @example verifyConsistency(3, older.root, 7, newer.root, proof) // true
 */
export function verifyConsistency(
  from: number,
  fromRoot: Hash,
  size: number,
  root: Hash,
  proof: readonly Hash[],
): boolean {
  return holds(() => {
    if (checkSize(from) > checkSize(size)) return false
    if (from === size) return proof.length === 0 && sameBytes(fromRoot, root)
    if (from === 0) return proof.length === 0 && sameBytes(fromRoot, emptyRoot()) && root.length === fromRoot.length

    let node = from - 1
    let last = size - 1
    while (node % 2 === 1) [node, last] = [half(node), half(last)]
    // An old tree that is one complete subtree is its own first part, and is left out of the proof.
    const [first, ...rest] = node === 0 ? [fromRoot, ...proof] : proof
    if (first === undefined) return false
    let oldRoot = first
    let newRoot = first
    for (const part of rest) {
      if (last === 0) return false
      if (node % 2 === 1 || node === last) {
        oldRoot = nodeHash(part, oldRoot)
        newRoot = nodeHash(part, newRoot)
        while (node % 2 === 0 && node > 0) [node, last] = [node / 2, half(last)]
      } else {
        newRoot = nodeHash(newRoot, part)
      }
      ;[node, last] = [half(node), half(last)]
    }
    return last === 0 && sameBytes(oldRoot, fromRoot) && sameBytes(newRoot, root)
  })
}

/** One hash for each range, in order. */
function planOf(ranges: readonly Range[]): Plan<Hash[]> {
  const covers = ranges.map(([from, to]) => coveringNodes(from, to))
  return {
    nodes: covers.flat(),
    solve(hashes) {
      let at = 0
      return covers.map((cover) => foldNodes(hashes.slice(at, (at += cover.length))))
    },
  }
}

/** The largest power of two below `count`, where RFC 6962 splits a tree in left and right. */
function split(count: number): number {
  return 2 ** log2(count - 1)
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch (error) {
    if (error instanceof LedgerFault) return false
    throw error
  }
}

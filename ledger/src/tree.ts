// The Merkle tree of RFC 6962, section 2.1. A node is named by (level, index): the complete subtree over the leaves
// [index * 2^level, (index + 1) * 2^level). Sizes and indices are numbers up to 2^53-1, so no bit operators here.
import { LedgerFault } from './fault.ts'
import { sha256, sha256Into } from './sha256.ts'

/** 32 bytes of SHA-256. */
export type Hash = Uint8Array

/** A complete subtree: its hash never changes once its leaves exist. */
export type NodeAt = { readonly level: number; readonly index: number }

export const HASH_BYTES = 32

let leafScratch = new Uint8Array(1 + 4096)
const nodeScratch = new Uint8Array(1 + 2 * HASH_BYTES)
nodeScratch[0] = 1

/**
 * The hash of a leaf: SHA-256(0x00 || entry).
 *
 * @example toHex(leafHash(toUtf8('{"n":0}'))) // 'f94070ab…c036'
 */
export function leafHash(entry: Uint8Array): Hash {
  if (entry.length >= leafScratch.length) leafScratch = new Uint8Array(1 + 2 * entry.length)
  leafScratch.set(entry, 1)
  return sha256(leafScratch.subarray(0, 1 + entry.length))
}

/**
 * The hash of a node: SHA-256(0x01 || left || right). Throws `bad-hash` unless both are 32 bytes.
 *
 * @example nodeHash(leafHash(a), leafHash(b)) // the root of the tree of two entries
 */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw notAHash()
  nodeScratch.set(left, 1)
  nodeScratch.set(right, 1 + HASH_BYTES)
  return sha256(nodeScratch)
}

/** The root over hashes that stand one behind the other, at least one, in whose place those of the levels above are put. */
export function foldLevels(hashes: Uint8Array): Hash {
  for (let count = hashes.length / HASH_BYTES; count > 1; count = Math.ceil(count / 2)) {
    for (let i = 0; 2 * i + 1 < count; i++) {
      const pair = 2 * i * HASH_BYTES
      for (let k = 0; k < 2 * HASH_BYTES; k++) nodeScratch[1 + k] = hashes[pair + k]!
      sha256Into(nodeScratch, hashes, i * HASH_BYTES)
    }
    // An odd one out is carried up unhashed: RFC 6962 never pairs a node with itself.
    if (count % 2 === 1) hashes.copyWithin(((count - 1) / 2) * HASH_BYTES, (count - 1) * HASH_BYTES, count * HASH_BYTES)
  }
  return Uint8Array.prototype.slice.call(hashes, 0, HASH_BYTES)
}

/**
 * The root of the tree without leaves: SHA-256 of nothing.
 *
 * @example toHex(emptyRoot()) // 'e3b0c442…b855'
 */
export function emptyRoot(): Hash {
  return sha256(new Uint8Array())
}

/**
 * The nodes whose hashes make up the tree over the leaves [from, to), largest first. `from` is 0 or a multiple of the
 * smallest power of two that is at least `to - from`, as in every range that RFC 6962 speaks of.
 *
 * @example coveringNodes(0, 6) // [{ level: 2, index: 0 }, { level: 1, index: 2 }]
 */
export function coveringNodes(from: number, to: number): NodeAt[] {
  const nodes: NodeAt[] = []
  while (from < to) {
    const level = log2(to - from)
    const width = 2 ** level
    nodes.push({ level, index: from / width })
    from += width
  }
  return nodes
}

/**
 * The hash over consecutive nodes as `coveringNodes` lists them. Of no nodes: the empty root.
 *
 * @example foldNodes([a, b, c]) // nodeHash(a, nodeHash(b, c))
 */
export function foldNodes(hashes: readonly Hash[]): Hash {
  let root = hashes.at(-1)
  if (root === undefined) return emptyRoot()
  for (let i = hashes.length - 2; i >= 0; i--) root = nodeHash(hashes[i]!, root)
  return root
}

/**
 * The tree as one who only appends needs it: the hashes of its right edge, O(log size) of them.
 *
 * @example
 * const tree = new Tree()
 * tree.append(leafHash(entry))
 * tree.root() // 32 bytes
 */
export class Tree {
  #size = 0
  /** The hashes of `coveringNodes(0, size)`. */
  readonly #edge: Hash[] = []

  /**
   * The tree of `size` leaves from its right edge: the hashes of `coveringNodes(0, size)`, in that order. Throws
   * `out-of-range` if the size or the number of hashes is impossible, `bad-hash` for a hash that is not 32 bytes.
   *
   * @example Tree.fromEdge(other.size, other.edge())
   */
  static fromEdge(size: number, edge: readonly Hash[]): Tree {
    checkSize(size)
    const expected = coveringNodes(0, size).length
    if (edge.length !== expected) {
      throw new LedgerFault('out-of-range', `a tree of ${size} has a right edge of ${expected}, not ${edge.length}`)
    }
    const tree = new Tree()
    tree.#size = size
    for (const hash of edge) tree.#edge.push(checkHash(hash))
    return tree
  }

  /** The number of leaves. */
  get size(): number {
    return this.#size
  }

  /**
   * Appends the hash of a leaf, which it keeps: do not change it afterwards. `onNode` hears of every node that this
   * completes, the leaf (level 0) first.
   */
  append(leaf: Hash, onNode?: (level: number, index: number, hash: Hash) => void): void {
    let hash = checkHash(leaf)
    let index = this.#size
    if (index === Number.MAX_SAFE_INTEGER) throw new LedgerFault('out-of-range', 'the tree is full: begin a new log')
    this.#size++
    onNode?.(0, index, hash)
    for (let level = 1; index % 2 === 1; level++) {
      index = (index - 1) / 2
      hash = nodeHash(this.#edge.pop()!, hash)
      onNode?.(level, index, hash)
    }
    this.#edge.push(hash)
  }

  /** The root over all leaves: O(log size). */
  root(): Hash {
    return foldNodes(this.#edge)
  }

  /** The right edge, for `Tree.fromEdge`. */
  edge(): Hash[] {
    return [...this.#edge]
  }

  /** An independent tree with the same leaves, to try an append on. */
  copy(): Tree {
    return Tree.fromEdge(this.#size, this.#edge)
  }
}

/** Throws `out-of-range` unless the number can be the size of a tree. */
export function checkSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new LedgerFault('out-of-range', `a tree cannot have the size ${size}: expected 0 to 2^53-1`)
  }
  return size
}

/** Throws `bad-hash` unless the bytes are 32. */
export function checkHash(hash: Hash): Hash {
  if (hash.length !== HASH_BYTES) throw notAHash()
  return hash
}

/** The exponent of the largest power of two that is at most `value`, for 1 to 2^53-1. */
export function log2(value: number): number {
  return value < 0x100000000 ? 31 - Math.clz32(value) : 63 - Math.clz32(Math.floor(value / 0x100000000))
}

function notAHash(): LedgerFault {
  return new LedgerFault('bad-hash', 'expected a hash of 32 bytes')
}

// The tree over the rows of a batch, as a file: the hashes of all complete nodes at the levels 0, 8, 16 …, level by level,
// 32 bytes each. Level 0 is the list of the leaves. Any proof is then a few reads, in a batch of whatever size.
import { HASH_BYTES, inclusionPlan, parseTilePath, solveSync, TILE_WIDTH, Tree } from '@whence/ledger'
import type { Hash } from '@whence/ledger'

/** Levels that the file holds: a proof needs no more than eight levels below one of them. */
const STEP = 8

/** The root of a list of leaf hashes, and the bytes of the file. */
export function treeFile(leaves: Uint8Array): { root: Hash; bytes: Uint8Array } {
  const tree = new Tree()
  const levels: Hash[][] = []
  const note = (level: number, _: number, hash: Hash): void => {
    if (level > 0 && level % STEP === 0) (levels[level / STEP - 1] ??= []).push(hash)
  }
  for (let at = 0; at < leaves.length; at += HASH_BYTES) tree.append(leaves.slice(at, at + HASH_BYTES), note)
  return { root: tree.root(), bytes: Buffer.concat([leaves, ...levels.flat()]) }
}

/** The bytes of the file of a tree of `rows` leaves. */
export function treeFileBytes(rows: number): number {
  return HASH_BYTES * offsetOf(rows, Number.MAX_SAFE_INTEGER)
}

/** Reads bytes of a tree's file. */
export interface TreeReader {
  (at: number, length: number): Uint8Array
}

/** The inclusion proof of a leaf in a tree of `rows`. Throws `LedgerFault` `out-of-range`, or `missing-tile`. */
export function rowInclusion(read: TreeReader, leaf: number, rows: number): Hash[] {
  return solveSync(inclusionPlan(leaf, rows), rows, (path) => {
    const tile = parseTilePath(path)
    if (typeof tile.level !== 'number') return undefined
    const bytes = read(HASH_BYTES * (offsetOf(rows, tile.level) + tile.index * TILE_WIDTH), HASH_BYTES * tile.width)
    return bytes.length === HASH_BYTES * tile.width ? bytes : undefined
  })
}

/** Hashes before those of a tile level. */
function offsetOf(rows: number, tileLevel: number): number {
  let before = 0
  let nodes = rows
  for (let level = 0; level < tileLevel && nodes > 0; level++, nodes = Math.floor(nodes / TILE_WIDTH)) before += nodes
  return before
}

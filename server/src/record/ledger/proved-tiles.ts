// Leaves shown to be under the root of a signed checkpoint. A tile is proved once: a full one never changes, and the hash
// that stands for it in the tile above proves all of its hashes at once. So of many records that are proved one after
// the other each costs the hashing of one tile at most, and nothing where its neighbour was proved before.
import {
  claimedCheckpoint,
  HASH_BYTES,
  rootPlan,
  sameBytes,
  solveSync,
  TILE_WIDTH,
  tilePath,
  tileRoot,
} from '@whence/ledger'
import type { SyncTileReader } from '@whence/ledger'

/** Tiles that are remembered: 8 KiB each. */
const MOST = 4096

/** What follows from one signed checkpoint. */
interface Edge {
  checkpoint: string
  size: number
  /** The partial tiles at the tree's right edge, by level, proved by its root. */
  tiles: ReadonlyMap<number, Uint8Array>
}

export class ProvedTiles {
  readonly #read: SyncTileReader
  /** Full tiles that are proved, by path. */
  readonly #full = new Map<string, Uint8Array>()
  #edge: Edge | undefined

  constructor(read: SyncTileReader) {
    this.#read = read
  }

  /** Whether a leaf stands at a position under the root of a checkpoint. Throws where a tile cannot be read. */
  holds(seq: number, leaf: Uint8Array, checkpoint: string): boolean {
    // What does not prove is not remembered: somebody may mend the file.
    if (this.#edge?.checkpoint !== checkpoint) this.#edge = this.#edgeOf(checkpoint)
    if (!this.#edge || seq >= this.#edge.size) return false
    const tile = this.#tile(this.#edge, 0, Math.floor(seq / TILE_WIDTH))
    const at = (seq % TILE_WIDTH) * HASH_BYTES
    return tile !== undefined && sameBytes(tile.subarray(at, at + HASH_BYTES), leaf)
  }

  /** A tile that is proved; undefined where it is not what the checkpoint says. */
  #tile(edge: Edge, level: number, index: number): Uint8Array | undefined {
    if (index >= Math.floor(edge.size / TILE_WIDTH ** (level + 1))) return edge.tiles.get(level)
    const path = tilePath({ level, index, width: TILE_WIDTH })
    const known = this.#full.get(path)
    if (known) return known
    const above = this.#tile(edge, level + 1, Math.floor(index / TILE_WIDTH))
    const tile = above && this.#read(path)
    if (tile?.length !== TILE_WIDTH * HASH_BYTES) return undefined
    const at = (index % TILE_WIDTH) * HASH_BYTES
    if (!sameBytes(tileRoot(tile), above!.subarray(at, at + HASH_BYTES))) return undefined
    if (this.#full.size >= MOST) this.#full.delete(this.#full.keys().next().value!)
    this.#full.set(path, tile)
    return tile
  }

  /** Every hash of the partial tiles takes part in the root, and nothing else does. */
  #edgeOf(checkpoint: string): Edge | undefined {
    const { size, root } = claimedCheckpoint(checkpoint)
    const tiles = new Map<number, Uint8Array>()
    for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
      const width = hashes % TILE_WIDTH
      if (width === 0) continue
      const index = Math.floor(hashes / TILE_WIDTH)
      // The partial tile is gone where a later publication has filled it.
      const tile =
        this.#read(tilePath({ level, index, width })) ?? this.#read(tilePath({ level, index, width: TILE_WIDTH }))
      if (tile) tiles.set(level, tile.subarray(0, width * HASH_BYTES))
    }
    const byPath = (path: string): Uint8Array | undefined => tiles.get(Number(path.split('/', 2)[1]))
    return sameBytes(solveSync(rootPlan(size), size, byPath), root) ? { checkpoint, size, tiles } : undefined
  }
}

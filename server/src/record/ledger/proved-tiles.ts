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

/** Reads a tile of the log, into the room given if it is large enough. */
type ReadTile = (path: string, room?: Uint8Array) => Uint8Array | undefined

/** What follows from one signed checkpoint. */
interface Edge {
  checkpoint: string
  size: number
  /** The partial tiles at the tree's right edge, by level, proved by its root. */
  tiles: ReadonlyMap<number, Uint8Array>
}

export class ProvedTiles {
  readonly #read: ReadTile
  /** Full tiles that are proved, by path, those used last at the end. */
  readonly #full = new Map<string, Uint8Array>()
  readonly #most: number
  #edge: Edge | undefined

  /** Remembers so many tiles, of 8 KiB each; more than a tree has levels. */
  constructor(read: ReadTile, most = 4096) {
    this.#read = read
    this.#most = most
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
    if (known) {
      this.#full.delete(path)
      this.#full.set(path, known)
      return known
    }
    const above = this.#tile(edge, level + 1, Math.floor(index / TILE_WIDTH))
    const tile = above && this.#read(path, this.#room())
    if (tile?.length !== TILE_WIDTH * HASH_BYTES) return undefined
    const at = (index % TILE_WIDTH) * HASH_BYTES
    if (!sameBytes(tileRoot(tile), above!.subarray(at, at + HASH_BYTES))) return undefined
    this.#full.set(path, tile)
    return tile
  }

  /** That of the tile that was used longest ago; the one above the next was used just now. */
  #room(): Uint8Array | undefined {
    if (this.#full.size < this.#most) return undefined
    const [path, tile] = this.#full.entries().next().value!
    this.#full.delete(path)
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

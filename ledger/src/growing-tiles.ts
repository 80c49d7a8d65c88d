import { edgePlan } from './proof.ts'
import { solveSync } from './reading.ts'
import type { SyncTileReader } from './reading.ts'
import { newTiles, TILE_HEIGHT, TILE_WIDTH, tilePath, tileWidth } from './tiles.ts'
import type { HashTile } from './tiles.ts'
import { checkSize, HASH_BYTES, Tree } from './tree.ts'
import type { Hash } from './tree.ts'

/** A tile and its bytes, ready to be written at `tilePath(tile)`. */
export type CutTile = { readonly tile: HashTile; readonly bytes: Uint8Array }

/** The hashes of one level of tiles that are not in full, cut tiles yet; `first` is the index of the first of them. */
type Row = { readonly first: number; bytes: Uint8Array; count: number }

/**
 * The writer's side of a log: a tree that also gathers the hashes of its tiles, and cuts them when they are to be
 * published. Between two cuts it holds 32 bytes a leaf; after a cut, at most one partial tile a level.
 *
 * @example
 * const log = new GrowingTiles()
 * log.append(leafHash(entry))
 * sign({ origin, size: log.size, root: log.root() })
 * for (const { tile, bytes } of log.cut()) write(tilePath(tile), bytes)
 */
export class GrowingTiles {
  #tree = new Tree()
  #cutSize = 0
  #rows: Row[] = []

  /**
   * Takes up a log of `size` leaves whose tiles are all written. Reads its partial tiles, O(log size) of them. Throws
   * `missing-tile` or `bad-tile` if one is not as it should be; that the tree is the right one is for the caller to
   * see, by comparing `root()` with the signed one.
   *
   * @example GrowingTiles.resume(checkpoint.size, (path) => readFileSync(join(folder, path)))
   */
  static resume(size: number, read: SyncTileReader): GrowingTiles {
    checkSize(size)
    const tiles = new Map<string, Uint8Array | undefined>()
    const remember: SyncTileReader = (path) => {
      if (!tiles.has(path)) tiles.set(path, read(path))
      return tiles.get(path)
    }
    const log = new GrowingTiles()
    log.#tree = Tree.fromEdge(size, solveSync(edgePlan(size), size, remember))
    log.#cutSize = size
    for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
      const index = Math.floor(hashes / TILE_WIDTH)
      const width = tileWidth(level, index, size)
      const row = newRow(index * TILE_WIDTH)
      if (width > 0) {
        const partial = remember(tilePath({ level, index, width }))
        const bytes = partial ?? remember(tilePath({ level, index, width: TILE_WIDTH }))
        row.bytes.set(bytes!.subarray(0, width * HASH_BYTES))
        row.count = width
      }
      log.#rows[level] = row
    }
    return log
  }

  /** The number of leaves, those not yet cut included. */
  get size(): number {
    return this.#tree.size
  }

  /** The root over all leaves. */
  root(): Hash {
    return this.#tree.root()
  }

  /** The tree of all leaves: a copy, to try an append on. */
  tree(): Tree {
    return this.#tree.copy()
  }

  /** Appends the hash of a leaf, which it keeps: do not change it afterwards. */
  append(leaf: Hash): void {
    this.#tree.append(leaf, this.#keep)
  }

  /** The tiles that came to be, or grew, since the last cut: those of `newTiles`, in its order. */
  cut(): CutTile[] {
    const tiles = newTiles(this.#cutSize, this.size).map((tile) => {
      const row = this.#rows[tile.level]!
      const at = (tile.index * TILE_WIDTH - row.first) * HASH_BYTES
      return { tile, bytes: row.bytes.slice(at, at + tile.width * HASH_BYTES) }
    })
    this.#cutSize = this.size
    this.#rows = this.#rows.map(withoutFullTiles)
    return tiles
  }

  readonly #keep = (level: number, _index: number, hash: Hash): void => {
    if (level % TILE_HEIGHT !== 0) return
    const row = (this.#rows[level / TILE_HEIGHT] ??= newRow(0))
    if (row.count * HASH_BYTES === row.bytes.length) row.bytes = twiceAsLong(row.bytes)
    row.bytes.set(hash, row.count * HASH_BYTES)
    row.count++
  }
}

function newRow(first: number): Row {
  return { first, bytes: new Uint8Array(TILE_WIDTH * HASH_BYTES), count: 0 }
}

function withoutFullTiles(row: Row): Row {
  const full = row.count - (row.count % TILE_WIDTH)
  if (full === 0) return row
  const rest = newRow(row.first + full)
  rest.bytes.set(row.bytes.subarray(full * HASH_BYTES, row.count * HASH_BYTES))
  rest.count = row.count - full
  return rest
}

function twiceAsLong(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(2 * bytes.length)
  longer.set(bytes)
  return longer
}

// Reading nodes out of tiles: the tiles that a plan needs are named first, then read (at once or one by one), then the
// plan is solved purely.
import { LedgerFault } from './fault.ts'
import type { Plan } from './proof.ts'
import { fullTile, nodeInTile, TILE_WIDTH, tileOfNode, tilePath } from './tiles.ts'
import type { HashTile, TileName } from './tiles.ts'
import { HASH_BYTES } from './tree.ts'

/**
 * Reads a file of a log by its path below the prefix: undefined if there is none (404), an exception for any other
 * failure. What it returns must not change afterwards.
 */
export type TileReader = (path: string) => Uint8Array | undefined | Promise<Uint8Array | undefined>
/** As `TileReader`, for one who has the files at hand. */
export type SyncTileReader = (path: string) => Uint8Array | undefined

/**
 * Reads the nodes of a plan from the tiles of a tree of `size` leaves, all tiles at once, and solves it. A partial tile
 * that is gone is looked for in the full one. The hashes are taken as they are: whoever distrusts the reader verifies
 * the result against a signed root.
 *
 * Throws `missing-tile`, `bad-tile` for a tile of the wrong length, `out-of-range` if the tree lacks a node.
 *
 * @example const proof = await solve(inclusionPlan(1, 3), 3, (path) => download(prefix + path))
 */
export async function solve<Result>(plan: Plan<Result>, size: number, read: TileReader): Promise<Result> {
  const tiles = new Map<string, Uint8Array>()
  await Promise.all(
    tilesOf(plan, size).map(async (tile) => {
      const path = tilePath(tile)
      const bytes = (await read(path)) ?? (isPartial(tile) ? await read(tilePath(fullTile(tile))) : undefined)
      tiles.set(path, checkTile(tile, bytes))
    }),
  )
  return solveFrom(plan, size, tiles)
}

/**
 * As `solve`, at once.
 *
 * @example const proof = solveSync(consistencyPlan(3, 7), 7, (path) => cache.get(path))
 */
export function solveSync<Result>(plan: Plan<Result>, size: number, read: SyncTileReader): Result {
  const tiles = new Map<string, Uint8Array>()
  for (const tile of tilesOf(plan, size)) {
    const path = tilePath(tile)
    const bytes = read(path) ?? (isPartial(tile) ? read(tilePath(fullTile(tile))) : undefined)
    tiles.set(path, checkTile(tile, bytes))
  }
  return solveFrom(plan, size, tiles)
}

function tilesOf(plan: Plan<unknown>, size: number): HashTile[] {
  const tiles = new Map<string, HashTile>()
  for (const node of plan.nodes) {
    const tile = tileOfNode(node, size)
    tiles.set(`${tile.level}/${tile.index}`, tile)
  }
  return [...tiles.values()]
}

function solveFrom<Result>(plan: Plan<Result>, size: number, tiles: ReadonlyMap<string, Uint8Array>): Result {
  return plan.solve(plan.nodes.map((node) => nodeInTile(node, tiles.get(tilePath(tileOfNode(node, size)))!)))
}

function isPartial(tile: TileName): boolean {
  return tile.width < TILE_WIDTH
}

/** A tile of the width asked for; the full one serves in the place of a partial one. */
function checkTile(tile: HashTile, bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) {
    throw new LedgerFault('missing-tile', `the log has no ${tilePath(tile)}: it is incomplete, or the size is wrong`)
  }
  if (bytes.length !== tile.width * HASH_BYTES && bytes.length !== TILE_WIDTH * HASH_BYTES) {
    throw new LedgerFault('bad-tile', `${tilePath(tile)} has ${bytes.length} bytes, not ${tile.width * HASH_BYTES}`)
  }
  return bytes
}

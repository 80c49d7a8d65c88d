// Tiles and entry bundles of C2SP tlog-tiles: their names, which of them a tree of a given size has, and their bytes.
import { LedgerFault } from './fault.ts'
import { checkSize, foldLevels, HASH_BYTES } from './tree.ts'
import type { Hash, NodeAt } from './tree.ts'

/** Levels of the tree in one level of tiles. */
export const TILE_HEIGHT = 8
/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256
/** The longest entry that a bundle can hold, in bytes: its length is two bytes. */
export const MAX_ENTRY_BYTES = 65_535

const MAX_TILE_LEVEL = 63

/** A tile of hashes (level 0 to 63) or a bundle of entries, `width` (1 to 256) of them; fewer than 256 is partial. */
export type TileName = { readonly level: number | 'entries'; readonly index: number; readonly width: number }
/** A tile of hashes. */
export type HashTile = TileName & { readonly level: number }
/** A bundle of entries. */
export type EntryBundle = TileName & { readonly level: 'entries' }

/** The path of the signed checkpoint below a log's prefix. */
export const CHECKPOINT_PATH = 'checkpoint'

/**
 * The path of a tile or bundle below a log's prefix. Throws `out-of-range` for a name that cannot exist.
 *
 * @example tilePath({ level: 0, index: 1234067, width: 256 }) // 'tile/0/x001/x234/067'
 * @example tilePath({ level: 'entries', index: 0, width: 3 }) // 'tile/entries/000.p/3'
 */
export function tilePath(name: TileName): string {
  const { level, index, width } = name
  if (!exists(name)) {
    throw new LedgerFault('out-of-range', `no tile has level ${level}, index ${index} and width ${width}`)
  }
  let number = String(index % 1000).padStart(3, '0')
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    number = `x${String(rest % 1000).padStart(3, '0')}/${number}`
  }
  return `tile/${level}/${number}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/**
 * Reads a path as `tilePath` writes it. Throws `bad-path` for any other text, so that a file has exactly one path.
 *
 * @example parseTilePath('tile/0/x001/x234/067') // { level: 0, index: 1234067, width: 256 }
 */
export function parseTilePath(path: string): TileName {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path)
  const name = match && {
    level: match[1] === 'entries' ? ('entries' as const) : Number(match[1]),
    index: Number(match[2]!.replaceAll(/[x/]/g, '')),
    width: match[3] === undefined ? TILE_WIDTH : Number(match[3]),
  }
  if (name && exists(name) && tilePath(name) === path) return name
  throw new LedgerFault('bad-path', `${JSON.stringify(path.slice(0, 80))} is not the path of a tile or entry bundle`)
}

/**
 * The full tile or bundle in the place of a partial one: where a reader looks when the partial one is gone.
 *
 * @example tilePath(fullTile({ level: 0, index: 0, width: 3 })) // 'tile/0/000'
 */
export function fullTile<Name extends TileName>(name: Name): Name {
  return { ...name, width: TILE_WIDTH }
}

/**
 * The tiles that a tree of `size` leaves has and a tree of `from` leaves did not, level by level: what is to be written
 * on growing from one to the other. From 0: all tiles of the tree. Throws `out-of-range` if the tree would shrink.
 *
 * @example newTiles(69_999, 70_000).map(tilePath) // ['tile/0/273.p/112']
 */
export function newTiles(from: number, size: number): HashTile[] {
  checkGrowth(from, size)
  const tiles: HashTile[] = []
  for (let level = 0; size > from; level++) {
    for (const { index, width } of newPlaces(from, size)) tiles.push({ level, index, width })
    from = Math.floor(from / TILE_WIDTH)
    size = Math.floor(size / TILE_WIDTH)
  }
  return tiles
}

/**
 * As `newTiles`, for entry bundles.
 *
 * @example newBundles(0, 3).map(tilePath) // ['tile/entries/000.p/3']
 */
export function newBundles(from: number, size: number): EntryBundle[] {
  checkGrowth(from, size)
  return [...newPlaces(from, size)].map(({ index, width }) => ({ level: 'entries', index, width }))
}

/**
 * The width (0 to 256) of the tile at `level` and `index` in a tree of `size` leaves; 0 if it has none there.
 *
 * @example tileWidth(1, 1, 70_000) // 17
 */
export function tileWidth(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH
  return Math.max(0, Math.min(TILE_WIDTH, hashes))
}

/**
 * The tile that holds a node, or the hashes below it, in a tree of `size` leaves. Throws `out-of-range` if the tree
 * does not have the node.
 *
 * @example tilePath(tileOfNode({ level: 9, index: 0 }, 70_000)) // 'tile/1/000'
 */
export function tileOfNode(node: NodeAt, size: number): HashTile {
  const level = Math.floor(node.level / TILE_HEIGHT)
  const index = Math.floor(node.index / 2 ** (TILE_HEIGHT - (node.level % TILE_HEIGHT)))
  if (!(node.level >= 0 && node.index >= 0 && (node.index + 1) * 2 ** node.level <= size)) {
    throw new LedgerFault('out-of-range', `a tree of ${size} has no node ${node.index} at level ${node.level}`)
  }
  return { level, index, width: tileWidth(level, index, size) }
}

/**
 * The hash of a node, from the bytes of the tile that `tileOfNode` names (or of a wider one in its place). Throws
 * `bad-tile` if the tile is too narrow to hold it.
 *
 * @example nodeInTile({ level: 1, index: 0 }, tile) // nodeHash(first hash, second hash)
 */
export function nodeInTile(node: NodeAt, tile: Uint8Array): Hash {
  const height = node.level % TILE_HEIGHT
  const count = 2 ** height
  const at = (node.index % 2 ** (TILE_HEIGHT - height)) * count * HASH_BYTES
  const hashes = tile.subarray(at, at + count * HASH_BYTES)
  if (hashes.length !== count * HASH_BYTES) {
    throw new LedgerFault('bad-tile', `the tile is too narrow for node ${node.index} at level ${node.level}`)
  }
  return tileRoot(hashes)
}

const tileScratch = new Uint8Array(TILE_WIDTH * HASH_BYTES)

/**
 * The root over the hashes of a tile: of a full one, the hash that stands for it in the tile above. Throws `bad-tile`
 * unless there are 1 to 256 whole hashes.
 *
 * @example tileRoot(tile) // 32 bytes
 */
export function tileRoot(tile: Uint8Array): Hash {
  const count = tile.length / HASH_BYTES
  if (!isWidth(count)) throw new LedgerFault('bad-tile', `a tile of ${tile.length} bytes is not 1 to 256 hashes`)
  const hashes = tileScratch.subarray(0, tile.length)
  hashes.set(tile)
  return foldLevels(hashes)
}

/**
 * Writes entries as a bundle: for each its length in two bytes, big-endian, and its bytes. Throws `entry-too-large`
 * beyond 65,535 bytes, and `out-of-range` unless there are 1 to 256 entries.
 *
 * @example toHex(encodeBundle([toUtf8('{"n":0}')])) // '00077b226e223a307d'
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (!isWidth(entries.length)) throw new LedgerFault('out-of-range', `a bundle holds 1 to 256, not ${entries.length}`)
  const bundle = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new LedgerFault('entry-too-large', `an entry of ${entry.length} bytes: ${MAX_ENTRY_BYTES} at most`)
    }
    bundle[at] = entry.length >> 8
    bundle[at + 1] = entry.length
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/**
 * Reads a bundle of exactly `width` entries, as views onto its bytes. Throws `bad-bundle` if it is cut off, or if
 * bytes are left over.
 *
 * @example decodeBundle(fromHex('00077b226e223a307d'), 1).map(fromUtf8) // ['{"n":0}']
 */
export function decodeBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (entries.length < width) {
    const start = at + 2
    if (start > bundle.length) throw cutOff(entries.length, width)
    at = start + bundle[start - 2]! * 256 + bundle[start - 1]!
    if (at > bundle.length) throw cutOff(entries.length, width)
    entries.push(bundle.subarray(start, at))
  }
  if (at !== bundle.length) {
    throw new LedgerFault('bad-bundle', `${bundle.length - at} bytes follow the ${width} entries of the bundle`)
  }
  return entries
}

/** The places of the level-0 tiles (and of the bundles) that growth brings. */
function* newPlaces(from: number, size: number): Generator<{ index: number; width: number }> {
  if (from === size) return
  const last = Math.floor(size / TILE_WIDTH)
  for (let index = Math.floor(from / TILE_WIDTH); index < last; index++) yield { index, width: TILE_WIDTH }
  if (size % TILE_WIDTH > 0) yield { index: last, width: size % TILE_WIDTH }
}

function exists({ level, index, width }: TileName): boolean {
  const levelFits = level === 'entries' || (Number.isInteger(level) && level >= 0 && level <= MAX_TILE_LEVEL)
  return levelFits && Number.isSafeInteger(index) && index >= 0 && isWidth(width)
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH
}

function checkGrowth(from: number, size: number): void {
  if (checkSize(from) > checkSize(size)) {
    throw new LedgerFault('out-of-range', `a tree of ${from} cannot become one of ${size}: it only grows`)
  }
}

function cutOff(entry: number, width: number): LedgerFault {
  return new LedgerFault('bad-bundle', `the bundle ends within entry ${entry} of ${width}`)
}

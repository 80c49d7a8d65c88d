// A tile and what lies below it contradict each other: which one was altered? Only the tree above can tell, and it may
// be in dispute itself. So a dispute waits until the tile above is settled, or the signed root settles all.
import { sameBytes } from './encoding.ts'
import type { Report } from './log-files.ts'
import { TILE_WIDTH, tilePath, tileRoot } from './tiles.ts'
import { HASH_BYTES } from './tree.ts'
import type { Hash } from './tree.ts'

/** A tile of which the hashes are uncertain: as stored they are not those that follow from below. */
export type Dispute = {
  readonly level: number
  readonly index: number
  /** Where the tile is, or ought to be, and for a tile of level 0 its bundle. */
  readonly path: string
  readonly bundlePath: string
  /** Undefined if the tile is missing. */
  readonly stored: Uint8Array | undefined
  readonly computed: Uint8Array
  /** What is still unsettled among the tiles below it. */
  readonly below: readonly Dispute[]
}

/** So many ways to put a tile together, from the hashes in dispute, are tried; more are hopeless. */
const MAX_READINGS = 64

/**
 * What the hashes of a disputed tile may rightly be, likeliest first: as they follow from below, as stored, or some of
 * each.
 *
 * @example [...readings(dispute)].find((hashes) => sameBytes(tileRoot(hashes), hashAbove))
 */
export function* readings(dispute: Dispute): Generator<Uint8Array> {
  const { stored, computed, below } = dispute
  yield computed
  if (stored !== undefined && !sameBytes(stored, computed)) yield stored
  const choices: { at: number; hashes: Hash[] }[] = []
  let count = 1
  for (let at = 0; at < computed.length && count <= MAX_READINGS; at += HASH_BYTES) {
    const other = below.find(({ index }) => (index % TILE_WIDTH) * HASH_BYTES === at)
    const given = [hashAt(computed, at), stored && hashAt(stored, at), other?.stored && tileRoot(other.stored)]
    const hashes: Hash[] = []
    for (const hash of given) if (hash && !hashes.some((known) => sameBytes(known, hash))) hashes.push(hash)
    if (hashes.length > 1) choices.push({ at, hashes })
    count *= hashes.length
  }
  if (count > MAX_READINGS) return
  for (let choice = 1; choice < count; choice++) {
    const hashes = computed.slice()
    let rest = choice
    for (const place of choices) {
      hashes.set(place.hashes[rest % place.hashes.length]!, place.at)
      rest = Math.floor(rest / place.hashes.length)
    }
    yield hashes
  }
}

/**
 * The reading of a full tile that gives the hash in the tree above; undefined if none does, or that hash is unknown.
 *
 * @example settle(dispute, rightReading(dispute, hashAbove), report)
 */
export function rightReading(dispute: Dispute, above: Hash | undefined): Uint8Array | undefined {
  if (above === undefined) return undefined
  for (const hashes of readings(dispute)) if (sameBytes(tileRoot(hashes), above)) return hashes
  return undefined
}

/**
 * Reports what is altered, given the right hashes of the tile: the tile where it says otherwise, and what is below it
 * where that does. If they are unknown, both.
 *
 * @example settle(dispute, dispute.computed, report) // reports the tile
 */
export function settle(dispute: Dispute, right: Uint8Array | undefined, report: Report): void {
  const { level, path, stored, below } = dispute
  if (stored !== undefined && !(right && sameBytes(stored, right))) {
    const contradicted = level === 0 ? 'the entries' : `the tiles of level ${level - 1}`
    report(path, 'altered', `the tile contradicts ${contradicted} and the tree above it`)
  }
  reportBelow(dispute, right ?? stored, report)
  for (const other of below) {
    settle(other, rightReading(other, right && hashAt(right, (other.index % TILE_WIDTH) * HASH_BYTES)), report)
  }
}

function reportBelow(dispute: Dispute, right: Uint8Array | undefined, report: Report): void {
  const { level, index, path, bundlePath, computed, below } = dispute
  const places: number[] = []
  for (let at = 0; right && at < computed.length; at += HASH_BYTES) {
    if (!sameBytes(hashAt(right, at), hashAt(computed, at))) places.push(index * TILE_WIDTH + at / HASH_BYTES)
  }
  if (level === 0 && places.length > 0) {
    const others = places.length > 1 ? ` and ${places.length - 1} more of this bundle` : ''
    report(bundlePath, 'altered', `entry ${places[0]}${others}: not what the tree holds`)
  } else {
    for (const place of places) {
      // Those in dispute themselves are settled on their own.
      if (below.some((other) => other.index === place)) continue
      const child = tilePath({ level: level - 1, index: place, width: TILE_WIDTH })
      report(child, 'altered', `the tile, and what is below it, is not what the tree above it holds (${path})`)
    }
  }
}

function hashAt(hashes: Uint8Array, at: number): Hash {
  return hashes.subarray(at, at + HASH_BYTES)
}

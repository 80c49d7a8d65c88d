// Verification of a whole log, by one who trusts nothing but the log's public key: every entry is hashed again, every
// tile recomputed, and what is stored compared with it. Each file is held against its parent, up to the signed root, so
// that an altered file is named, and not everything above it.
import { claimedCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import type { Checkpoint, CheckpointTrust, SignedCheckpoint } from './checkpoint.ts'
import { sameBytes } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import type { VerifierKey } from './note.ts'
import type { TileReader } from './reading.ts'
import { CHECKPOINT_PATH, decodeBundle, fullTile, nodeInTile, TILE_HEIGHT, TILE_WIDTH } from './tiles.ts'
import { tilePath, tileRoot, tileWidth } from './tiles.ts'
import type { HashTile, TileName } from './tiles.ts'
import { coveringNodes, foldNodes, HASH_BYTES, leafHash } from './tree.ts'
import type { Hash } from './tree.ts'

/** What can be wrong with a file of a log. */
export type LogProblemCode =
  | 'missing' // there is no such file, and no full one in the place of a partial one
  | 'unreadable' // the reader failed
  | 'malformed' // not the form of such a file: cut off, too long, not a note
  | 'untrusted' // a checkpoint without a valid signature by the log's key
  | 'altered' // the content contradicts the signed tree
  | 'unproven' // the signed root does not follow from the files
  | 'refused' // an entry that `onEntry` objects to

/** One problem, with the path of its file below the log's prefix. */
export type LogProblem = { readonly path: string; readonly code: LogProblemCode; readonly message: string }

/** What the verification of a whole log found; `ok` is true only if there is no problem at all. */
export type LogReport = {
  readonly ok: boolean
  /** The number of entries that the checkpoint claims; 0 if it is unreadable. */
  readonly size: number
  /** Only if its signature holds. */
  readonly checkpoint?: SignedCheckpoint
  readonly problems: readonly LogProblem[]
}

export type LogVerification = CheckpointTrust & {
  /** Hears how many entries of how many are done, after each bundle. */
  readonly onProgress?: (done: number, size: number) => void
  /**
   * Sees every entry that could be read, in order, with the hash of its leaf; a text that it returns is reported as a
   * problem of the entry's bundle. The bytes are a view onto the bundle.
   */
  readonly onEntry?: (seq: number, entry: Uint8Array, leaf: Hash) => string | undefined | void
  /** How many bundles to read before they are needed; 8 unless told. */
  readonly readAhead?: number
}

/**
 * Verifies a whole log: its checkpoint, every entry bundle and every tile. Does not stop at the first problem and
 * throws only for a malformed key (`bad-key`) and for what `onEntry` and `onProgress` throw.
 *
 * @example
 * const report = await verifyLog((path) => readOrUndefined(join(folder, path)), vkey)
 * if (!report.ok) for (const { path, message } of report.problems) console.error(path, message)
 */
export async function verifyLog(
  read: TileReader,
  logKey: string | VerifierKey,
  options: LogVerification = {},
): Promise<LogReport> {
  const problems: LogProblem[] = []
  const { claimed, signed } = await readCheckpoint(read, logKey, options, problems)
  if (claimed !== undefined) await new Audit(read, claimed, options, problems).run()
  return {
    ok: problems.length === 0,
    size: claimed?.size ?? 0,
    ...(signed && { checkpoint: signed }),
    problems,
  }
}

/** So many bundles missing in a row mean that the checkpoint is of another log, or claims an absurd size. */
const GIVE_UP_AFTER = 1000

/** A row of the tree that is one level of tiles: the tile being filled, as stored and as it follows from below. */
type Row = {
  index: number
  stored: Uint8Array | undefined
  readonly computed: Uint8Array
  count: number
  /** Set once a hash of it can be neither computed nor read, so that nothing follows from it. */
  unknown: boolean
}

/** The files that begin with one bundle: it, its tile, and the tiles above that begin there. */
type Block = { readonly entries: Uint8Array[] | undefined; readonly tiles: readonly (Uint8Array | undefined)[] }

class Audit {
  readonly #read: TileReader
  readonly #checkpoint: Checkpoint
  readonly #options: LogVerification
  readonly #problems: LogProblem[]
  readonly #rows: Row[] = []
  readonly #altered = new Set<string>()
  #unreadInARow = 0

  constructor(read: TileReader, checkpoint: Checkpoint, options: LogVerification, problems: LogProblem[]) {
    this.#read = read
    this.#checkpoint = checkpoint
    this.#options = options
    this.#problems = problems
    const levels = coveringNodes(0, checkpoint.size).at(0)?.level ?? 0
    for (let level = 0; level <= Math.floor(levels / TILE_HEIGHT); level++) {
      const computed = new Uint8Array(TILE_WIDTH * HASH_BYTES)
      this.#rows.push({ index: 0, stored: undefined, computed, count: 0, unknown: false })
    }
  }

  async run(): Promise<void> {
    const { size } = this.#checkpoint
    const bundles = Math.ceil(size / TILE_WIDTH)
    const ahead: Promise<Block>[] = []
    let next = 0
    let rested = performance.now()
    for (let index = 0; index < bundles; index++) {
      while (next < bundles && next <= index + (this.#options.readAhead ?? 8)) ahead.push(this.#readBlock(next++))
      const block = await ahead.shift()!
      this.#unreadInARow = block.entries === undefined ? this.#unreadInARow + 1 : 0
      if (this.#unreadInARow === GIVE_UP_AFTER) {
        const why = `${GIVE_UP_AFTER} bundles in a row are missing: is this all of the log?`
        return this.#report(CHECKPOINT_PATH, 'unproven', `gave up at entry ${index * TILE_WIDTH} of ${size}: ${why}`)
      }
      this.#enter(index, block)
      this.#hashEntries(index, block.entries)
      this.#settleFullTiles()
      this.#options.onProgress?.(Math.min(size, (index + 1) * TILE_WIDTH), size)
      if (performance.now() - rested > 50) {
        // Let timers and other requests of this thread have their turn.
        await new Promise((resolve) => setTimeout(resolve))
        rested = performance.now()
      }
    }
    this.#settleRightEdge()
  }

  async #readBlock(index: number): Promise<Block> {
    const { size } = this.#checkpoint
    const bundle = { level: 'entries', index, width: tileWidth(0, index, size) } as const
    const tiles: Promise<Uint8Array | undefined>[] = []
    for (let level = 0, at = index; level < this.#rows.length; level++, at /= TILE_WIDTH) {
      const width = tileWidth(level, at, size)
      if (width > 0) tiles.push(this.#readTile({ level, index: at, width }))
      if (at % TILE_WIDTH !== 0) break
    }
    return { entries: await this.#readBundle(bundle), tiles: await Promise.all(tiles) }
  }

  async #readBundle(bundle: TileName): Promise<Uint8Array[] | undefined> {
    const file = await this.#readFile(bundle)
    if (file === undefined) return undefined
    try {
      return decodeBundle(file.bytes, file.width).slice(0, bundle.width)
    } catch (error) {
      if (!(error instanceof LedgerFault)) throw error
      this.#report(file.path, 'malformed', error.message)
      return undefined
    }
  }

  async #readTile(tile: HashTile): Promise<Uint8Array | undefined> {
    const file = await this.#readFile(tile)
    if (file === undefined) return undefined
    if (file.bytes.length === file.width * HASH_BYTES) return file.bytes.subarray(0, tile.width * HASH_BYTES)
    this.#report(file.path, 'malformed', `${file.bytes.length} bytes, not ${file.width * HASH_BYTES}`)
    return undefined
  }

  async #readFile(name: TileName): Promise<{ path: string; width: number; bytes: Uint8Array } | undefined> {
    const candidates = name.width < TILE_WIDTH ? [name, fullTile(name)] : [name]
    for (const candidate of candidates) {
      const path = tilePath(candidate)
      try {
        const bytes = await this.#read(path)
        if (bytes !== undefined) return { path, width: candidate.width, bytes }
      } catch (error) {
        this.#report(path, 'unreadable', String(error))
        return undefined
      }
    }
    this.#report(tilePath(name), 'missing', 'the log is signed as having this file, and has not')
    return undefined
  }

  /** Notes the stored tiles that begin with this bundle. */
  #enter(bundle: number, block: Block): void {
    for (let level = 0, index = bundle; level < block.tiles.length; level++, index /= TILE_WIDTH) {
      const row = this.#rows[level]!
      row.index = index
      row.stored = block.tiles[level]
    }
  }

  #hashEntries(bundle: number, entries: Uint8Array[] | undefined): void {
    const width = tileWidth(0, bundle, this.#checkpoint.size)
    for (let i = 0; i < width; i++) {
      const entry = entries?.[i]
      if (entry === undefined) {
        this.#push(0, undefined)
        continue
      }
      const leaf = leafHash(entry)
      this.#push(0, leaf)
      const seq = bundle * TILE_WIDTH + i
      const objection = this.#options.onEntry?.(seq, entry, leaf)
      if (typeof objection === 'string') {
        this.#report(tilePath({ level: 'entries', index: bundle, width }), 'refused', `entry ${seq}: ${objection}`)
      }
    }
  }

  /**
   * Adds what follows from below. Where nothing does (a file is missing, which is reported), the stored tile stands in
   * for it, so that everything else is still checked.
   */
  #push(level: number, computed: Hash | undefined): void {
    const row = this.#rows[level]!
    const at = row.count * HASH_BYTES
    const hash = computed ?? row.stored?.subarray(at, at + HASH_BYTES)
    if (hash === undefined) row.unknown = true
    else row.computed.set(hash, at)
    row.count++
  }

  #settleFullTiles(): void {
    for (let level = 0; this.#rows[level]?.count === TILE_WIDTH; level++) {
      const row = this.#rows[level]!
      const hash = row.unknown ? undefined : this.#settle(level)
      row.count = 0
      row.unknown = false
      this.#push(level + 1, hash)
    }
  }

  /** The hash of a full tile as its parent ought to have it, blaming whichever of tile and children is altered. */
  #settle(level: number): Hash {
    const { stored, computed } = this.#rows[level]!
    const fromBelow = tileRoot(computed)
    if (stored === undefined || sameBytes(stored, computed)) return fromBelow
    const parent = this.#rows[level + 1]!
    const at = parent.count * HASH_BYTES
    const expected = parent.stored?.subarray(at, at + HASH_BYTES)
    const asStored = tileRoot(stored)
    const tileHolds = expected !== undefined && sameBytes(expected, asStored)
    const childrenHold = expected !== undefined && sameBytes(expected, fromBelow)
    if (!childrenHold) this.#blameChildren(level)
    if (!tileHolds) this.#blameTile(level)
    return tileHolds ? asStored : fromBelow
  }

  /** Finds which of the partial tiles, or what is below them, must be as they are for the signed root to follow. */
  #settleRightEdge(): void {
    const { size, root } = this.#checkpoint
    const nodes = coveringNodes(0, size)
    const inDispute = this.#rows.flatMap(({ stored, computed, count }, level) =>
      stored && count > 0 && !sameBytes(stored, computed.subarray(0, count * HASH_BYTES)) ? [level] : [],
    )
    for (let choice = 0; choice < 2 ** inDispute.length; choice++) {
      const trustsTile = (level: number) => (choice & (1 << inDispute.indexOf(level))) !== 0
      const disputed = (level: number) => inDispute.includes(level)
      const tileOf = (level: number) =>
        disputed(level) && trustsTile(level) ? this.#rows[level]!.stored! : this.#rows[level]!.computed
      const follows = foldNodes(nodes.map((node) => nodeInTile(node, tileOf(Math.floor(node.level / TILE_HEIGHT)))))
      if (!sameBytes(follows, root)) continue
      for (const level of inDispute) {
        if (trustsTile(level)) this.#blameChildren(level)
        else this.#blameTile(level)
      }
      return
    }
    for (const level of inDispute) {
      this.#blameChildren(level)
      this.#blameTile(level)
    }
    const unknown = this.#rows.some((row) => row.unknown)
    const why = unknown ? 'files that it depends on are missing' : 'the entries are not the ones that were signed'
    this.#report(CHECKPOINT_PATH, 'unproven', `the signed root does not follow from the entries: ${why}`)
  }

  #blameTile(level: number): void {
    const name = this.#nameOf(level)
    const below = level === 0 ? 'the entries' : `the tiles of level ${level - 1}`
    this.#report(tilePath(name), 'altered', `the tile contradicts ${below} and the tree above it`)
  }

  /** Names what is below a tile and contradicts it: one bundle, or tiles. */
  #blameChildren(level: number): void {
    const { index, stored, computed, count } = this.#rows[level]!
    const places: number[] = []
    for (let i = 0; i < count; i++) {
      const [from, to] = [i * HASH_BYTES, (i + 1) * HASH_BYTES]
      if (!sameBytes(stored!.subarray(from, to), computed.subarray(from, to))) places.push(index * TILE_WIDTH + i)
    }
    if (level === 0) {
      const others = places.length > 1 ? ` and ${places.length - 1} more of this bundle` : ''
      const path = tilePath({ level: 'entries', index, width: count })
      this.#report(path, 'altered', `entry ${places[0]}${others}: not what the tree holds`)
      return
    }
    for (const place of places) {
      const path = tilePath({ level: level - 1, index: place, width: TILE_WIDTH })
      this.#report(
        path,
        'altered',
        `the tile, and what is below it, is not what ${tilePath(this.#nameOf(level))} holds`,
      )
    }
  }

  #nameOf(level: number): HashTile {
    const { index, count } = this.#rows[level]!
    return { level, index, width: count }
  }

  #report(path: string, code: LogProblemCode, message: string): void {
    if (code === 'altered') {
      if (this.#altered.has(path)) return
      this.#altered.add(path)
    }
    this.#problems.push({ path, code, message })
  }
}

async function readCheckpoint(
  read: TileReader,
  logKey: string | VerifierKey,
  trust: CheckpointTrust,
  problems: LogProblem[],
): Promise<{ claimed?: Checkpoint; signed?: SignedCheckpoint }> {
  const report = (code: LogProblemCode, message: string) => problems.push({ path: CHECKPOINT_PATH, code, message })
  let note: Uint8Array | undefined
  try {
    note = await read(CHECKPOINT_PATH)
  } catch (error) {
    report('unreadable', String(error))
    return {}
  }
  if (note === undefined) {
    report('missing', 'a log has a checkpoint: is this the folder or address of a log?')
    return {}
  }
  try {
    const signed = await verifyCheckpoint(note, logKey, trust)
    return { claimed: signed, signed }
  } catch (error) {
    if (!(error instanceof LedgerFault) || error.code === 'bad-key') throw error
    const unparsed = error.code === 'bad-note' || error.code === 'bad-checkpoint'
    report(unparsed ? 'malformed' : 'untrusted', error.message)
  }
  try {
    // The files are still held against what the checkpoint claims: an auditor wants the whole damage.
    return { claimed: claimedCheckpoint(note) }
  } catch {
    return {}
  }
}

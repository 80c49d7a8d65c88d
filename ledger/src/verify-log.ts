// Verification of a whole log, by one who trusts nothing but the log's public key: every entry is hashed again, every
// tile recomputed, and what is stored compared with it. Each file is held against its parent, up to the signed root, so
// that an altered file is named, and not everything above it.
import { claimedCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import type { Checkpoint, CheckpointTrust, SignedCheckpoint } from './checkpoint.ts'
import { sameBytes } from './encoding.ts'
import { LedgerFault } from './fault.ts'
import type { VerifierKey } from './note.ts'
import { readings, rightReading, settle } from './log-dispute.ts'
import type { Dispute } from './log-dispute.ts'
import { LogFiles } from './log-files.ts'
import type { Block, Report, StoredBundle, StoredTile } from './log-files.ts'
import type { TileReader } from './reading.ts'
import { CHECKPOINT_PATH, nodeInTile, TILE_HEIGHT, TILE_WIDTH, tilePath, tileRoot, tileWidth } from './tiles.ts'
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
  const report: Report = (path, code, message) => void problems.push({ path, code, message })
  const { claimed, signed } = await readCheckpoint(read, logKey, options, report)
  if (claimed !== undefined) await new Audit(read, claimed, options, report).run()
  return {
    ok: problems.length === 0,
    size: claimed?.size ?? 0,
    ...(signed && { checkpoint: signed }),
    problems,
  }
}

/** So many bundles missing in a row mean that the checkpoint is of another log, or claims an absurd size. */
const GIVE_UP_AFTER = 1000

/** One level of tiles: the tile being filled, as stored and as it follows from below. */
type Row = {
  index: number
  stored: StoredTile | undefined
  readonly computed: Uint8Array
  count: number
  /** Set once a hash of it can be neither computed nor read, so that nothing follows from it. */
  unknown: boolean
  /** Those over the tiles below it. */
  disputes: Dispute[]
}

/** One pass over a log, bundle by bundle, keeping one tile a level. */
class Audit {
  readonly #checkpoint: Checkpoint
  readonly #options: LogVerification
  readonly #report: Report
  readonly #files: LogFiles
  readonly #rows: Row[] = []
  #bundlePath = ''

  constructor(read: TileReader, checkpoint: Checkpoint, options: LogVerification, report: Report) {
    this.#checkpoint = checkpoint
    this.#options = options
    this.#report = report
    this.#files = new LogFiles(read, checkpoint.size, report)
    for (let level = 0; level === 0 || tileWidth(level, 0, checkpoint.size) > 0; level++) {
      const computed = new Uint8Array(TILE_WIDTH * HASH_BYTES)
      this.#rows.push({ index: 0, stored: undefined, computed, count: 0, unknown: false, disputes: [] })
    }
  }

  async run(): Promise<void> {
    const { size } = this.#checkpoint
    const { readAhead = 8, onProgress } = this.#options
    const bundles = Math.ceil(size / TILE_WIDTH)
    const ahead: Promise<Block>[] = []
    let missing = 0
    let rested = performance.now()
    for (let index = 0; index < bundles; index++) {
      while (index + ahead.length < bundles && ahead.length <= readAhead) {
        ahead.push(this.#files.block(index + ahead.length))
      }
      const block = await ahead.shift()!
      missing = block.bundle === undefined ? missing + 1 : 0
      if (missing === GIVE_UP_AFTER) {
        const why = `${missing} bundles in a row are missing: is this all of the log?`
        return this.#report(CHECKPOINT_PATH, 'unproven', `gave up at entry ${index * TILE_WIDTH} of ${size}: ${why}`)
      }
      this.#enter(index, block)
      this.#hashEntries(index, block.bundle)
      this.#closeFullTiles()
      onProgress?.(Math.min(size, (index + 1) * TILE_WIDTH), size)
      if (performance.now() - rested > 50) {
        // Let timers and other requests of this thread have their turn.
        await new Promise((resolve) => setTimeout(resolve))
        rested = performance.now()
      }
    }
    this.#closeRightEdge()
  }

  /** Takes up the stored tiles that begin with this bundle. */
  #enter(bundle: number, { tiles }: Block): void {
    for (let level = 0, index = bundle; level < tiles.length; level++, index /= TILE_WIDTH) {
      const row = this.#rows[level]!
      row.index = index
      row.stored = tiles[level]
    }
  }

  #hashEntries(index: number, bundle: StoredBundle | undefined): void {
    const width = tileWidth(0, index, this.#checkpoint.size)
    this.#bundlePath = bundle?.path ?? ''
    for (let i = 0; i < width; i++) {
      const entry = bundle?.entries[i]
      const leaf = entry && leafHash(entry)
      this.#push(0, leaf)
      if (entry === undefined || leaf === undefined) continue
      const seq = index * TILE_WIDTH + i
      const objection = this.#options.onEntry?.(seq, entry, leaf)
      if (typeof objection === 'string') this.#report(this.#bundlePath, 'refused', `entry ${seq}: ${objection}`)
    }
  }

  /**
   * Adds what follows from below. Where nothing does (a file is missing, which is reported), the stored tile stands in
   * for it, so that everything else is still checked.
   */
  #push(level: number, computed: Hash | undefined): void {
    const row = this.#rows[level]!
    const at = row.count * HASH_BYTES
    const hash = computed ?? row.stored?.hashes.subarray(at, at + HASH_BYTES)
    if (hash === undefined) row.unknown = true
    else row.computed.set(hash, at)
    row.count++
  }

  #closeFullTiles(): void {
    for (let level = 0; this.#rows[level]?.count === TILE_WIDTH; level++) {
      const row = this.#rows[level]!
      const hash = this.#close(level)
      row.count = 0
      row.unknown = false
      row.disputes = []
      this.#push(level + 1, hash)
    }
  }

  /** The hash that a full tile has in the tile above. If that is unclear, the one that follows from below. */
  #close(level: number): Hash | undefined {
    const row = this.#rows[level]!
    const dispute = this.#disputeOver(level)
    if (row.unknown) {
      if (dispute) settle(dispute, undefined, this.#report)
      return undefined
    }
    if (dispute === undefined) return tileRoot(row.computed)
    const above = this.#rows[level + 1]!
    const at = above.count * HASH_BYTES
    const right = rightReading(dispute, above.stored?.hashes.subarray(at, at + HASH_BYTES))
    if (right === undefined) above.disputes.push(dispute)
    else settle(dispute, right, this.#report)
    return tileRoot(right ?? dispute.computed)
  }

  /** The dispute over the tile of a row, if what is stored is not what follows from below, or that is unclear. */
  #disputeOver(level: number): Dispute | undefined {
    const { index, stored, computed, count, disputes } = this.#rows[level]!
    if (count === 0) return undefined
    const follows = computed.subarray(0, count * HASH_BYTES)
    if (disputes.length === 0 && (stored === undefined || sameBytes(stored.hashes, follows))) return undefined
    const path = stored?.path ?? tilePath({ level, index, width: count })
    const places = { level, index, path, bundlePath: this.#bundlePath }
    return { ...places, stored: stored?.hashes, computed: follows.slice(), below: disputes }
  }

  /** Finds how the partial tiles must be read for the signed root to follow. */
  #closeRightEdge(): void {
    const { size, root } = this.#checkpoint
    const edge = coveringNodes(0, size)
    const disputes = this.#rows.flatMap((_, level) => this.#disputeOver(level) ?? [])
    for (const right of combinations(disputes.map((dispute) => [...readings(dispute)]))) {
      const tiles = this.#rows.map(({ computed }) => computed)
      for (const [i, { level }] of disputes.entries()) tiles[level] = right[i]!
      const hashes = edge.map((node) => nodeInTile(node, tiles[Math.floor(node.level / TILE_HEIGHT)]!))
      if (!sameBytes(foldNodes(hashes), root)) continue
      for (const [i, dispute] of disputes.entries()) settle(dispute, right[i], this.#report)
      return
    }
    for (const dispute of disputes) settle(dispute, undefined, this.#report)
    const unknown = this.#rows.some((row) => row.unknown)
    const why = unknown ? 'files that it depends on are missing' : 'the entries are not the ones that were signed'
    this.#report(CHECKPOINT_PATH, 'unproven', `the signed root does not follow from the entries: ${why}`)
  }
}

/** One of each list, in every way, up to a number of ways that takes less than a second to try. */
function* combinations<Item>(lists: readonly (readonly Item[])[]): Generator<Item[]> {
  const count = lists.reduce((product, { length }) => product * length, 1)
  for (let choice = 0; choice < Math.min(count, 4096); choice++) {
    let rest = choice
    yield lists.map((list) => {
      const item = list[rest % list.length]!
      rest = Math.floor(rest / list.length)
      return item
    })
  }
}

async function readCheckpoint(
  read: TileReader,
  logKey: string | VerifierKey,
  trust: CheckpointTrust,
  reportOf: Report,
): Promise<{ claimed?: Checkpoint; signed?: SignedCheckpoint }> {
  const report = (code: LogProblemCode, message: string) => reportOf(CHECKPOINT_PATH, code, message)
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

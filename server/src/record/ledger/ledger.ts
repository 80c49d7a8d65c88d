// The ledger: what was remembered, in its order. One writer, readers at will, publication behind.
import {
  claimedCheckpoint,
  consistencyPlan,
  edgePlan,
  formatTlogProof,
  inclusionPlan,
  leafHash,
  sameBytes,
  signCheckpointSync,
  solveSync,
  TILE_WIDTH,
  toHex,
  Tree,
} from '@whence/ledger'
import type { GrowingTiles } from '@whence/ledger'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Files } from '../../store/files.ts'
import type { KeyStore } from '../../store/keys.ts'
import { open as openSealed, placeBytes } from '../subjects/seal.ts'
import type { Opened } from '../subjects/seal.ts'
import { Subjects } from '../subjects/subjects.ts'
import type { Clock } from '../time.ts'
import { decodeLine, INDEX_BYTES, streamNumber } from './archive.ts'
import type { Archive, IndexLine } from './archive.ts'
import { EntryBundles } from './bundles.ts'
import { Chains } from './chains.ts'
import { decodeEntry, kindOf } from './entry.ts'
import type { Entry } from './entry.ts'
import { Identities } from './identities.ts'
import { membersOf, recordsLinkedTo, recordsOfStream } from './index-lines.ts'
import type { Lines } from './index-lines.ts'
import { Journal } from './journal.ts'
import { checkArchive, checkClock, checkPin, findLog, readCheckpoint } from './opening.ts'
import type { FoundLog } from './opening.ts'
import { openPin } from './pin.ts'
import { ProvedTiles } from './proved-tiles.ts'
import { Publication } from './publication.ts'
import type { CommittedRecord } from './publication.ts'
import { saysTheSame } from './sameness.ts'
import { bytesOf, Tail } from './tail.ts'
import { defaultLimits, Writer } from './writer.ts'
import type { AppendOptions, Appended, AppendResult, Draft, Placed, WriterLimits } from './writer.ts'

export interface LedgerOptions {
  files: Files
  /** The data folder. */
  folder: string
  keys: KeyStore
  /** Where keys/log.key lies. */
  keyFolder: string
  /** Where the last checkpoint is pinned: outside the data folder. */
  stateFolder: string
  /** The origin of a new log; an existing log keeps its own. */
  origin: string
  clock: Clock
  limits?: Partial<WriterLimits>
  /** Bytes of disk that are never used. Default 256 MiB. */
  reserve?: number
  /** Publish this often, in milliseconds, while records come in. Default 900. */
  publishEvery?: number
  /** The journal or the publication failed: the process must end. */
  onFatal(error: unknown): void
  /** `recover` passes over the pin and over a published checkpoint that the log does not reach. */
  ignorePin?: boolean
}

/** A record, opened and checked against its entry; or why it cannot be. */
export type OpenedRecord =
  | { state: 'open'; seq: number; entry: Entry; header: Record<string, unknown>; content: Uint8Array; subject: string }
  | { state: 'erased' | 'dropped'; seq: number; entry: Entry }

/** A record's proof: why its leaf is under a signed checkpoint. The text carries the entry in its `extra` line. */
export interface RecordProof {
  text: string
  entry: Uint8Array
}

export class Ledger {
  readonly origin: string
  readonly vkey: string
  readonly subjects: Subjects
  readonly #options: LedgerOptions
  readonly #journal: Journal
  readonly #growing: GrowingTiles
  readonly #archive: Archive
  readonly #writer: Writer
  readonly #tail: Tail
  #room = Number.MAX_SAFE_INTEGER
  #roomTimer: NodeJS.Timeout | undefined
  readonly #bundles: EntryBundles
  readonly #proved = new ProvedTiles((path, room = new Uint8Array()) =>
    this.#options.files.readInto(`${this.#options.folder}/log/${path}`, room),
  )
  readonly #listeners = new Set<() => void>()

  /**
   * Opens the log in the data folder, or begins it. The journal is replayed and a torn tail cut off. Throws
   * `refused_start` when the folder contradicts itself, its checkpoint, its pin or the clock.
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const found = await findLog(options)
    const ledger = new Ledger(options, found)
    try {
      await ledger.#recover()
      await ledger.#check()
      await found.archive.cut()
      await ledger.#measureRoom()
      await ledger.publish()
    } catch (error) {
      await ledger.#close()
      throw error
    }
    return ledger
  }

  private constructor(options: LedgerOptions, { origin, signer, vkey, size, checkpoint, growing, archive }: FoundLog) {
    this.#options = options
    this.origin = origin
    this.vkey = vkey
    this.#growing = growing
    this.#archive = archive
    this.#bundles = new EntryBundles(options.files, `${options.folder}/log`)
    this.#journal = new Journal(options.files, `${options.folder}/journal`)
    this.subjects = new Subjects(options.keys)
    const publication = new Publication({
      files: options.files,
      folder: `${options.folder}/log`,
      archive,
      keys: options.keys,
      journal: this.#journal,
      pin: openPin(options.files, options.stateFolder, origin),
      size,
    })
    this.#tail = new Tail({
      publication,
      journal: this.#journal,
      growing,
      size: () => this.size,
      published: size,
      checkpoint: checkpoint ?? signCheckpointSync({ origin, size: 0, root: growing.root() }, signer),
      publishEvery: options.publishEvery ?? 900,
      onFatal: (error) => this.#fatal(error),
    })
    const identities = new Identities()
    for (let from = 0; from < size; from += 65_536) {
      const lines = archive.lines(from, Math.min(size, from + 65_536))
      for (let at = 0; at < lines.length; at += INDEX_BYTES) {
        identities.add(lines.subarray(at + 16, at + 32))
        this.#chains.add(lines, at)
      }
    }
    this.#writer = new Writer({
      origin,
      signer,
      journal: this.#journal,
      keys: options.keys,
      idKey: this.subjects.idKey,
      identities,
      growing,
      past: this,
      clock: options.clock,
      limits: { ...defaultLimits, ...options.limits },
      afterCommit: (records, checkpoint) => this.#afterCommit(records, checkpoint),
      isGone: (subject) => this.subjects.isGone(subject),
      publicationDue: () => this.#tail.due,
      room: () => this.#room,
      unpublished: () => this.#tail.bytes,
      onFatal: (error) => this.#fatal(error),
    })
    this.#identities = identities
  }

  readonly #identities: Identities
  /** The records that are durable, by subject. */
  readonly #chains = new Chains()

  /** Records that are durable. */
  get size(): number {
    return this.#writer.size
  }

  /** Records that stand in published tiles. */
  get published(): number {
    return this.#tail.published
  }

  /** The last published signed checkpoint. */
  get checkpoint(): string {
    return this.#tail.checkpoint
  }

  get queued(): { records: number; bytes: number } {
    return this.#writer.queued
  }

  get syncTimes(): readonly number[] {
    return this.#writer.syncTimes
  }

  /** The position of the last record of a kind, of those that this run knows of: at least -1. */
  lastOf(kind: string): number {
    return this.#writer.lastOf(kind)
  }

  append(drafts: readonly Draft[], options: AppendOptions): Promise<AppendResult> {
    return this.#writer.append(drafts, options)
  }

  /** As `append` for one record on which nothing depends; throws what it was refused for. */
  async appendOne(draft: Draft, actor: string): Promise<Placed> {
    const [result] = (await this.append([draft], { actor })) as Appended[]
    if (result!.status === 'refused') throw result!.fault
    return result!
  }

  /** Hears of every commit. Returns the way to stop that. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The canonical bytes of the entry at a position. Throws `not_found` beyond the end, `altered` when it does not read. */
  entryBytes(seq: number): Uint8Array {
    if (!Number.isSafeInteger(seq) || seq < 0 || seq >= this.size) {
      throw new Fault('not_found', `the log has no record ${seq}: it ends at ${this.size - 1}`)
    }
    const tail = this.#tail.at(seq)
    if (tail) return tail.entry
    const bundle = Math.floor(seq / TILE_WIDTH)
    const width = Math.min(TILE_WIDTH, this.published - bundle * TILE_WIDTH)
    return this.#bundles.entry(bundle, width, seq % TILE_WIDTH)
  }

  /** Throws as `entryBytes`. */
  entry(seq: number): Entry {
    const bytes = this.entryBytes(seq)
    try {
      return decodeEntry(bytes)
    } catch (cause) {
      throw new Fault(
        'altered',
        `record ${seq} in the entry bundle ${Math.floor(seq / TILE_WIDTH)} of ${this.#options.folder}/log does not read: the bundle is altered`,
        { cause },
      )
    }
  }

  /** Where a record stands, as its receipt says. */
  receiptOf(seq: number): { seq: number; leaf: string; recorded: string } {
    const bytes = this.entryBytes(seq)
    return { seq, leaf: toHex(leafHash(bytes)), recorded: decodeEntry(bytes).recorded }
  }

  lineBytes(seq: number): Uint8Array {
    return this.#tail.at(seq)?.line ?? this.#archive.lines(seq, seq + 1)
  }

  line(seq: number): IndexLine {
    return decodeLine(this.lineBytes(seq))
  }

  /** The index lines of [from, to), 64 bytes each. */
  lines(from: number, to: number): Buffer {
    const middle = Math.min(Math.max(from, this.published), to)
    const parts: Uint8Array[] = middle > from ? [this.#archive.lines(from, middle)] : []
    for (let seq = middle; seq < to; seq++) parts.push(this.lineBytes(seq))
    return Buffer.concat(parts)
  }

  /** The file that holds a record's payload. */
  payloadPath(seq: number): string {
    return this.#archive.segmentPath(seq)
  }

  /** The stored bytes of a payload: clear, or sealed. */
  payload(seq: number): Uint8Array {
    const tail = this.#tail.at(seq)
    return tail ? tail.payload : this.#archive.payload(seq, this.#archive.line(seq))
  }

  /** The same, by an index line that has been read already. */
  #payloadAt(seq: number, line: IndexLine): Uint8Array {
    return this.#tail.at(seq)?.payload ?? this.#archive.payload(seq, line)
  }

  /**
   * Opens a record and checks it: its payload against the digest in its entry, its content against the commitment.
   * Throws `altered`, naming record and file.
   */
  open(seq: number): OpenedRecord {
    const entry = this.entry(seq)
    const line = this.line(seq)
    try {
      if (!entry.sealed) {
        const content = this.#payloadAt(seq, line)
        if (hash('sha256', content, 'hex') !== entry.payload?.sha256) {
          throw new Fault('altered', 'the stored payload is not the one on record: its SHA-256 differs')
        }
        return { state: 'open', seq, entry, header: {}, content, subject: '' }
      }
      if (line.erased || this.subjects.isErasing(line.subject)) return { state: 'erased', seq, entry }
      if (entry.sealed.bytes === 0) return { state: 'dropped', seq, entry }
      const subject = this.subjects.byId(line.subject)
      if (!subject)
        throw new Fault(
          'altered',
          `no key is known for its subject, and no erasure is noted: the index or the key store is altered`,
        )
      const opened: Opened = openSealed(subject.keys, placeBytes(entry), entry.sealed, this.#payloadAt(seq, line))
      return { state: 'open', seq, entry, header: opened.header, content: opened.content, subject: subject.id }
    } catch (error) {
      const fault = Fault.from(error)
      throw new Fault(
        fault.code === 'internal' ? 'altered' : fault.code,
        `record ${seq} (${this.#archive.segmentPath(seq)}): ${fault.message}`,
        { cause: error },
      )
    }
  }

  /** Whether a content, by itself or by the position of its record, equals these bytes when both are read as JSON. */
  sameJson(past: number | Uint8Array, content: Uint8Array): boolean {
    if (typeof past !== 'number') return saysTheSame(past, content)
    try {
      const opened = this.open(past)
      return opened.state === 'open' && saysTheSame(opened.content, content)
    } catch {
      return false
    }
  }

  /** The positions of the events that belong to a stream, in [from, to), without those that were erased. */
  members(stream: string, from: number, to: number): number[] {
    return membersOf(this.#readLines, stream, from, to)
  }

  /**
   * The positions of a stream's records, of whatever kind, from a position on: `limit` at most, and as far as one look
   * at a million index lines reaches. `next` is where to go on.
   */
  ofStream(stream: string, from: number, limit: number): { seqs: number[]; next: number } {
    return recordsOfStream(this.#readLines, stream, { from, size: this.size, limit })
  }

  /**
   * The positions of a subject's durable records in [from, before), newest first, from memory; with `stream` only the
   * events that belong to it. Nothing of a subject that was erased.
   */
  recordsOf(
    subject: string,
    { from = 0, before = this.size, stream }: { from?: number; before?: number; stream?: string } = {},
  ): Generator<number, void, undefined> {
    if (stream === undefined) return this.#chains.of(subject, { from, before })
    const number = streamNumber(stream)
    const isOf = (seq: number): boolean => this.line(seq).stream === number
    return this.#chains.of(subject, { from, before }, { stream: number, isOf })
  }

  /** The positions of all records that the index links to a subject, ascending: every line is looked at. */
  recordsLinkedTo(subject: string): number[] {
    return recordsLinkedTo(this.#readLines, subject, this.size)
  }

  /** The position of the record that has this identity (16 bytes). */
  find(identity: Uint8Array): number | undefined {
    const seq = this.#identities.find(identity)
    return seq !== undefined && seq < this.size ? seq : undefined
  }

  /**
   * Checks that a record stands in the published log: its leaf, hashed up to the root of the signed checkpoint. Publishes
   * first when it must.
   */
  async intact(seq: number): Promise<boolean> {
    if (seq >= this.published) await this.publish()
    return this.provedIn(seq)
  }

  /** As `intact`, for records that are published. */
  provedIn(seq: number): boolean {
    try {
      return this.#proved.holds(seq, leafHash(this.entryBytes(seq)), this.checkpoint)
    } catch {
      return false
    }
  }

  /** The tlog-proof of a record, with the entry that it proves. */
  async proof(seq: number): Promise<RecordProof> {
    const entry = this.entryBytes(seq)
    if (seq >= this.published) await this.publish()
    const checkpoint = this.checkpoint
    const { size } = claimedCheckpoint(checkpoint)
    const hashes = solveSync(inclusionPlan(seq, size), size, this.#readTile)
    return { text: formatTlogProof({ index: seq, hashes, checkpoint, extra: entry }), entry }
  }

  /** Hashes that show that the published log grew from an older size. */
  consistency(from: number): Uint8Array[] {
    const { size } = claimedCheckpoint(this.checkpoint)
    return solveSync(consistencyPlan(from, size), size, this.#readTile)
  }

  /** Resolves when all that is durable now is published too. */
  publish(): Promise<void> {
    return this.#tail.publish()
  }

  /** Resolves when everything that was accepted until now is durable. */
  settled(): Promise<void> {
    return this.#writer.settled()
  }

  /** Makes sure that no journal file holds a key any more that is about to be destroyed. */
  async settle(): Promise<void> {
    await this.publish()
    await this.#options.keys.flush()
    await this.#journal.rotate()
    await this.#journal.drop(this.published)
  }

  /** Takes the link to their subjects away from records, on the disk and in memory. */
  async unlink(seqs: readonly number[]): Promise<void> {
    const subjects = new Set(seqs.map((seq) => this.line(seq).subject))
    // In memory first: whoever reads while the lines are overwritten finds nothing, instead of half of it.
    for (const subject of subjects) this.#chains.forget(subject)
    await this.#archive.unlink(seqs)
  }

  /** Ends accepted work, publishes it, and closes. */
  async stop(): Promise<void> {
    await this.#writer.stop()
    await this.publish()
    await this.#close()
  }

  async #close(): Promise<void> {
    clearInterval(this.#roomTimer)
    await this.#tail.close()
    await this.#journal.rotate()
    await this.#archive.close()
  }

  async #recover(): Promise<void> {
    for await (const frame of this.#journal.replay(this.published)) {
      if (frame.first !== this.#growing.size) {
        throw new Fault(
          'refused_start',
          `the journal goes on at record ${frame.first}, but the log ends at ${this.#growing.size}: part of it is missing. Restore the folder from a backup.`,
        )
      }
      for (const { index, bytes } of frame.slots) this.#options.keys.replay(index, bytes)
      const records = frame.records.map((record) => ({ ...record, leaf: leafHash(record.entry) }))
      for (const record of records) {
        this.#writer.noteKind(kindOf(decodeEntry(record.entry)), this.#growing.size)
        this.#growing.append(record.leaf)
        this.#identities.add(record.line.subarray(16, 32))
        this.#chains.add(record.line)
      }
      const claimed = await readCheckpoint(frame.checkpoint, this.vkey, 'the journal')
      if (claimed.size !== this.#growing.size || !sameBytes(claimed.root, this.#growing.root())) {
        throw new Fault(
          'refused_start',
          `the journal's records up to ${claimed.size} contradict the checkpoint signed with them. Restore the folder from a backup.`,
        )
      }
      this.#tail.add(records, frame.checkpoint)
    }
    const size = this.#growing.size
    this.#writer.resume(size, 0)
    if (size > 0) this.#writer.resume(size, Date.parse(this.entry(size - 1).recorded) * 1000)
  }

  /** That what was recovered is the log of which pin, clock and payloads know. */
  async #check(): Promise<void> {
    const { files, folder, stateFolder, clock, ignorePin } = this.#options
    const rootAt = (size: number): Uint8Array => this.#rootAt(size)
    const pin = openPin(files, stateFolder, this.origin)
    if (!ignorePin) await checkPin(pin, { vkey: this.vkey, size: this.size, rootAt })
    if (this.size > 0) checkClock(clock.now(), this.entry(this.size - 1))
    checkArchive(folder, this.#archive, this)
  }

  /** The root of the first `size` records, the last of which may not be published yet. */
  #rootAt(size: number): Uint8Array {
    const from = Math.min(size, this.published)
    const tree = Tree.fromEdge(from, solveSync(edgePlan(from), this.published, this.#readTile))
    for (const record of this.#tail.first(size - from)) tree.append(record.leaf)
    return tree.root()
  }

  #afterCommit(records: readonly CommittedRecord[], checkpoint: string): void {
    this.#tail.add(records, checkpoint)
    for (const record of records) this.#chains.add(record.line)
    this.#room -= 2 * bytesOf(records)
    this.#tail.start()
    for (const listener of this.#listeners) listener()
  }

  /** Nothing is written any more: what is on the disk is for the next start to judge. */
  #fatal(error: unknown): void {
    this.#tail.fail(
      new Fault('internal', 'the ledger could not be written; the server stops, and recovers at its next start', {
        cause: error,
      }),
    )
    clearInterval(this.#roomTimer)
    this.#options.onFatal(error)
  }

  async #measureRoom(): Promise<void> {
    const measure = async (): Promise<void> => {
      this.#room = (await this.#options.files.free(this.#options.folder)) - (this.#options.reserve ?? 256 * 1024 * 1024)
    }
    await measure()
    this.#roomTimer = setInterval(() => void measure().catch(() => {}), 1000)
    this.#roomTimer.unref()
  }

  readonly #readLines: Lines = (from, to) => this.lines(from, to)

  readonly #readTile = (path: string): Uint8Array | undefined =>
    this.#options.files.read(`${this.#options.folder}/log/${path}`)
}

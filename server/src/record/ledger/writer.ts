// The single writer. Concurrent appends gather into one group commit: formed, journalled with one fdatasync,
// acknowledged. Its order is the only transaction there is.
import { leafHash, signCheckpointSync, toHex } from '@whence/ledger'
import type { GrowingTiles, SyncSigner } from '@whence/ledger'
import { Fault, isFault } from '../../fault.ts'
import type { KeyStore } from '../../store/keys.ts'
import type { HmacKey } from '../subjects/hmac.ts'
import { identityOf, placeBytes } from '../subjects/seal.ts'
import { formatTime } from '../time.ts'
import type { Clock, Micros } from '../time.ts'
import { decodeLine } from './archive.ts'
import { commitOf, formRecord } from './draft.ts'
import type { Appended, AppendOptions, AppendResult, Draft, FormedRecord } from './draft.ts'
import { decodeEntry, kindOf, MAX_PAYLOAD_BYTES } from './entry.ts'
import type { Identities } from './identities.ts'
import type { Journal } from './journal.ts'
import type { CommittedRecord } from './publication.ts'

export type { Appended, AppendOptions, AppendResult, Draft, Placed } from './draft.ts'

interface FormedFrame {
  records: readonly CommittedRecord[]
  slots: readonly { index: number; bytes: Uint8Array }[]
  checkpoint: string
  /** Answers the calls of which the last record is in this frame. */
  finished: (() => void)[]
}

interface Call {
  drafts: readonly Draft[]
  options: AppendOptions
  results: Appended[]
  next: number
  resolve(result: AppendResult): void
  reject(fault: Fault): void
}

export interface WriterLimits {
  /** Records and bytes that may wait; beyond, appends are refused with `overloaded`. */
  queueRecords: number
  queueBytes: number
  /** Bytes that are durable in the journal and not yet published: they are held in memory. */
  unpublishedBytes: number
  /** Records formed in one turn of the event loop, so that others get theirs. */
  turnRecords: number
  /** Records that make a frame worth its sync when the disk is idle. */
  smallFrame: number
  /** Records in a frame, at most. */
  frameRecords: number
}

export const defaultLimits: WriterLimits = {
  queueRecords: 50_000,
  queueBytes: 256 * 1024 * 1024,
  unpublishedBytes: 256 * 1024 * 1024,
  turnRecords: 32,
  smallFrame: 128,
  frameRecords: 4096,
}

/** How the writer reads what it wrote before. */
export interface PastRecords {
  entryBytes(seq: number): Uint8Array
  lineBytes(seq: number): Uint8Array
  /** Whether the content of a past record, or of one still to be written, says the same as these bytes, as JSON. */
  sameJson(past: number | Uint8Array, content: Uint8Array): boolean
}

export interface WriterParts {
  origin: string
  signer: SyncSigner
  journal: Journal
  keys: KeyStore
  idKey: HmacKey
  identities: Identities
  growing: GrowingTiles
  past: PastRecords
  clock: Clock
  limits: WriterLimits
  /** Called between two commits, when everything in the tree is durable. */
  afterCommit(records: readonly CommittedRecord[], checkpoint: string): void
  /** Whether a subject's key is destroyed, or about to be. */
  isGone(subject: string): boolean
  /** Whether the next rest between two commits is waited for. */
  publicationDue(): boolean
  /** Bytes that may still be accepted before the disk reserve would be eaten. */
  room(): number
  /** Bytes that are durable and not yet published. */
  unpublished(): number
  onFatal(error: unknown): void
}

export class Writer {
  readonly #parts: WriterParts
  readonly #queue: Call[] = []
  /** Calls that were accepted and not yet answered. */
  readonly #unanswered = new Set<Call>()
  /** Records that are sequenced and not yet durable; the first has the position `#committed`. */
  readonly #formed: FormedRecord[] = []
  #queuedRecords = 0
  #queuedBytes = 0
  #recorded: Micros = 0
  #running = false
  /** Whether a frame is being written. */
  #writing = false
  #stopped: Fault | undefined
  /** The last position at which a key was touched, since `#oldestBasis`. */
  readonly #touched = new Map<string, number>()
  #oldestBasis: number
  #committed: number
  readonly #syncTimes: number[] = []
  readonly #lastOfKind = new Map<string, number>()

  constructor(parts: WriterParts) {
    this.#parts = parts
    this.#committed = parts.growing.size
    this.#oldestBasis = parts.growing.size
  }

  /** The position of the last record of a kind (without its version), or -1. */
  lastOf(kind: string): number {
    return this.#lastOfKind.get(kind) ?? -1
  }

  /** Notes a record of an earlier run. */
  noteKind(kind: string, seq: number): void {
    this.#lastOfKind.set(kind, seq)
  }

  /** Takes up the log where recovery left it: `size` records, the last of them recorded at `last`. */
  resume(size: number, last: Micros): void {
    this.#committed = size
    this.#oldestBasis = size
    this.#recorded = last
  }

  /** Records that are durable. */
  get size(): number {
    return this.#committed
  }

  get queued(): { records: number; bytes: number } {
    return { records: this.#queuedRecords, bytes: this.#queuedBytes }
  }

  /** Durations of the last journal syncs, in milliseconds. */
  get syncTimes(): readonly number[] {
    return this.#syncTimes
  }

  /**
   * Appends records; resolves when they are durable, with a result for each. With `basis` and `keys` all are appended,
   * or none ('stale') when something it depended on has moved. Throws `overloaded` or `disk_full` before anything of it
   * is accepted.
   */
  append(drafts: readonly Draft[], options: AppendOptions): Promise<AppendResult> {
    if (this.#stopped) return Promise.reject(this.#stopped)
    if (drafts.length === 0) return Promise.resolve([])
    const bytes = drafts.reduce((sum, draft) => sum + draft.content.length + 1024, 0)
    const { queueRecords, queueBytes, unpublishedBytes } = this.#parts.limits
    if (
      this.#queuedRecords > 0 &&
      (this.#queuedRecords + drafts.length > queueRecords || this.#queuedBytes + bytes > queueBytes)
    ) {
      return Promise.reject(
        new Fault('overloaded', `${this.#queuedRecords} records wait to be written: try again in a second`),
      )
    }
    if (this.#parts.unpublished() > unpublishedBytes) {
      return Promise.reject(
        new Fault('overloaded', 'the disk does not keep up with publication: try again in a second'),
      )
    }
    if (bytes * 2 > this.#parts.room() - this.#queuedBytes * 2) {
      return Promise.reject(
        new Fault(
          'disk_full',
          'the disk is full but for its reserve: free some space, or lower WHENCE_DISK_RESERVE; nothing of this was accepted',
        ),
      )
    }
    this.#queuedRecords += drafts.length
    this.#queuedBytes += bytes
    return new Promise<AppendResult>((resolve, reject) => {
      const done = (): void => {
        this.#unanswered.delete(call)
        this.#queuedRecords -= drafts.length
        this.#queuedBytes -= bytes
      }
      const call: Call = {
        drafts,
        options,
        results: [],
        next: 0,
        resolve: (result) => (done(), resolve(result)),
        reject: (fault) => (done(), reject(fault)),
      }
      this.#unanswered.add(call)
      this.#queue.push(call)
      if (!this.#running) void this.#run()
    })
  }

  /** Resolves when everything that was accepted until now is durable, or was refused. */
  async settled(): Promise<void> {
    await new Promise<AppendResult>((resolve, reject) => {
      this.#queue.push({ drafts: [], options: { actor: '' }, results: [], next: 0, resolve, reject })
      if (!this.#running) void this.#run()
    })
  }

  /** Refuses what comes, and resolves when what was accepted is durable. */
  async stop(): Promise<void> {
    this.#stopped ??= new Fault('unavailable', 'the server is stopping')
    while (this.#running) await new Promise((resolve) => setImmediate(resolve))
  }

  /**
   * Forms a frame while the one before it is being synced. What is formed is in the tree before it is durable, so that
   * nothing may be published until both are the same again: when publication is due, the writer rests once.
   */
  async #run(): Promise<void> {
    this.#running = true
    let writing: Promise<void> = Promise.resolve()
    try {
      // Nothing is awaited between the last look at the queue and the end, or a call could be left standing.
      while (this.#queue.length > 0) {
        const frame = await this.#form()
        await writing
        writing = this.#commit(frame)
        // Its failure is met where it is waited for.
        writing.catch(() => {})
        if (this.#queue.length === 0 || this.#parts.publicationDue()) await writing
      }
    } catch (error) {
      this.#stopped = new Fault(
        'internal',
        'the journal could not be written; the server stops, and recovers at its next start',
        { cause: error },
      )
      for (const call of this.#unanswered) call.reject(this.#stopped)
      this.#queue.length = 0
      this.#parts.onFatal(error)
    } finally {
      this.#running = false
    }
  }

  async #commit({ records, finished, checkpoint, slots }: FormedFrame): Promise<void> {
    if (records.length > 0) {
      const began = performance.now()
      this.#writing = true
      await this.#parts.journal.append({ first: this.#committed, records, slots, checkpoint })
      this.#writing = false
      this.#syncTimes.push(performance.now() - began)
      if (this.#syncTimes.length > 1000) this.#syncTimes.shift()
      this.#committed += records.length
      this.#formed.splice(0, records.length)
      this.#parts.afterCommit(records, checkpoint)
    }
    for (const finish of finished) finish()
  }

  /**
   * Sequences what stands in the queue, in turns of the event loop. Once the frame before is durable, a larger one would
   * only keep its callers waiting. Calls with a basis are not divided.
   */
  async #form(): Promise<FormedFrame> {
    // A turn of the event loop lets concurrent requests join, and others be served.
    const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))
    await turn()
    const finished: (() => void)[] = []
    // Counted by position: the frame before this one may become durable, and leave `#formed`, meanwhile.
    const first = this.#committed + this.#formed.length
    const { turnRecords, smallFrame, frameRecords } = this.#parts.limits
    const size = (): number => this.#committed + this.#formed.length - first
    for (let turns = 1; this.#queue.length > 0 && size() < frameRecords; turns++) {
      this.#recorded = Math.max(this.#recorded, this.#parts.clock.now())
      const recorded = formatTime(this.#recorded)
      while (this.#queue.length > 0 && size() < Math.min(frameRecords, turns * turnRecords)) {
        const call = this.#queue[0]!
        if (call.next === 0 && this.#stale(call.options)) {
          this.#queue.shift()
          finished.push(() => call.resolve('stale'))
          continue
        }
        const whole = call.options.basis !== undefined
        while (call.next < call.drafts.length && (whole || size() < turns * turnRecords)) {
          call.results.push(this.#sequence(call.drafts[call.next]!, call.options.actor, recorded))
          call.next++
        }
        if (call.next < call.drafts.length) break
        this.#queue.shift()
        finished.push(() => call.resolve(call.results))
      }
      await turn()
      if (!this.#writing && size() >= smallFrame) break
    }
    return {
      records: this.#formed.slice(first - this.#committed),
      finished,
      checkpoint: this.#sign(),
      slots: this.#parts.keys.takeNew(),
    }
  }

  #stale({ basis, keys = [] }: AppendOptions): boolean {
    if (basis === undefined) return false
    if (basis < this.#oldestBasis) return true
    return keys.some((key) => (this.#touched.get(key) ?? -1) >= basis)
  }

  #sequence(draft: Draft, actor: string, recorded: string): Appended {
    const { identities, idKey } = this.#parts
    if (draft.content.length > MAX_PAYLOAD_BYTES) {
      return {
        status: 'refused',
        fault: new Fault('too_large', `the payload has ${draft.content.length} bytes, more than 8 MiB`),
      }
    }
    const identity = identityOf(idKey, placeBytes(draft))
    const earlier = identities.find(identity)
    if (earlier !== undefined) return this.#again(draft, identity, earlier, actor, recorded)
    return this.#add(draft, identity, actor, recorded)
  }

  /** A record with this identity exists: the same content is a duplicate, other content is kept as a conflict. */
  #again(draft: Draft, identity: Buffer, earlier: number, actor: string, recorded: string): Appended {
    const formed = this.#formed[earlier - this.#committed]
    const line = decodeLine(formed?.line ?? this.#parts.past.lineBytes(earlier))
    const entryBytes = formed?.entry ?? this.#parts.past.entryBytes(earlier)
    const receipt = { seq: earlier, leaf: toHex(leafHash(entryBytes)), recorded: decodeEntry(entryBytes).recorded }
    if (line.erased) return { status: 'duplicate', ...receipt, erased: true }
    const commit = commitOf(draft, identity)
    if (commit.subarray(0, 16).equals(line.commit)) return { status: 'duplicate', ...receipt }
    if (this.#parts.past.sameJson(formed?.content ?? earlier, draft.content)) return { status: 'duplicate', ...receipt }
    if (draft.kind === 'conflict/1') return { status: 'conflict', ...receipt }
    const kept = this.#sequence(
      {
        ...draft,
        kind: 'conflict/1',
        id: `${draft.id}#${commit.toString('hex', 0, 16)}`,
        refs: { of: String(earlier), ...draft.refs, outcome: 'conflict' },
        header: { ...draft.header, conflicting: draft.id },
        keep: true,
      },
      actor,
      recorded,
    )
    return kept.status === 'refused' ? kept : { ...kept, status: 'conflict' }
  }

  #add(draft: Draft, identity: Buffer, actor: string, recorded: string): Appended {
    if (draft.subject && this.#parts.isGone(draft.subject.id)) {
      return {
        status: 'refused',
        fault: new Fault('conflict', 'this person was erased; nothing more is recorded about them'),
      }
    }
    let record: FormedRecord
    try {
      record = formRecord(draft, identity, actor, recorded)
    } catch (error) {
      if (!isFault(error, 'too_large')) throw error
      return { status: 'refused', fault: error }
    }
    const { leaf } = record
    const seq = this.#committed + this.#formed.length
    this.#formed.push(record)
    this.#parts.growing.append(leaf)
    this.#parts.identities.add(identity)
    this.#lastOfKind.set(kindOf(draft), seq)
    for (const key of draft.touches ?? []) this.#touched.set(key, seq)
    return { status: 'recorded', seq, leaf: toHex(leaf), recorded }
  }

  #sign(): string {
    const { growing, origin, signer } = this.#parts
    return signCheckpointSync({ origin, size: growing.size, root: growing.root() }, signer)
  }
}

// The one follower: it reads the ledger in order and applies what it reads to every projection, its cursor in the same
// transaction. Tables are never written by anyone else, so they can be dropped and made again.
import { Fault } from '../../fault.ts'
import type { Database, Transaction } from '../../store/database.ts'
import type { Entry } from '../ledger/entry.ts'
import { kindOf } from '../ledger/entry.ts'
import type { Ledger, OpenedRecord } from '../ledger/ledger.ts'

export interface FollowedRecord {
  readonly seq: number
  readonly entry: Entry
  /** Opens the payload. Throws `altered`. */
  open(): OpenedRecord
}

/** Tables derived from records. `apply` sees each record of its kinds once, in order. */
export interface Projection<Read = unknown> {
  readonly tables: readonly string[]
  readonly kinds: readonly string[]
  /** What `apply` needs of records and no table: it is read while the batch before is being written. */
  read?(records: readonly FollowedRecord[]): Promise<Read>
  apply(tx: Transaction, records: readonly FollowedRecord[], read: Read): Promise<void>
}

/** Records taken together, and the bytes of their payloads. */
const BATCH = 8192
const BATCH_BYTES = 24 * 1024 * 1024
/** Fewer are not worth a transaction of their own: they wait so many milliseconds for others, unless somebody waits for them. */
const FEW = 512
const GATHER = 25
/** Records read in one turn of the event loop, so that requests get theirs. */
const TURN = 128

interface Batch {
  readonly to: number
  readonly parts: readonly { projection: Projection; records: readonly FollowedRecord[]; read: unknown }[]
}

export class Follower {
  readonly #ledger: Ledger
  readonly #database: Database
  readonly #projections: readonly Projection[]
  #next = 0
  /** Records that were there at the start: of these the ledger does not say which kind came last. */
  #begun = 0
  #running: Promise<void> | undefined
  /** The batch after the one that is being written. */
  #ahead: Promise<Batch> | undefined
  #failed: Fault | undefined
  #waiting: { seq: number; resolve(): void; reject(fault: Fault): void }[] = []
  #stopListening: (() => void) | undefined
  /** Ends the waiting for more records. */
  #hurry: () => void = () => {}
  #stopped = false

  constructor(ledger: Ledger, database: Database, projections: readonly Projection[]) {
    this.#ledger = ledger
    this.#database = database
    this.#projections = projections
  }

  /** The position of the next record to be applied. */
  get next(): number {
    return this.#next
  }

  get failed(): Fault | undefined {
    return this.#failed
  }

  /** Takes up the cursor and begins to follow. Throws `refused_start` for a cursor beyond the log. */
  async start(): Promise<void> {
    const [row] = await this.#database.query<{ next: bigint }>("select next from follower where name = 'main'")
    this.#next = Number(row?.next ?? 0)
    if (this.#next > this.#ledger.size) {
      throw new Fault(
        'refused_start',
        `the database has followed the log to record ${this.#next}, but the log ends at ${this.#ledger.size}. An older copy of the data folder has been put back, or the database is another log's. Restore the newer folder, or run whence rebuild.`,
      )
    }
    this.#begun = this.#ledger.size
    this.#stopListening = this.#ledger.onCommit(() => {
      if (this.#ledger.size - this.#next >= FEW) this.#hurry()
      this.#wake()
    })
    this.#wake()
  }

  /** Resolves when every record of these kinds that is durable now has been applied; of all kinds without an argument. */
  reach(...kinds: string[]): Promise<void> {
    return this.reachSeq(this.#last(kinds))
  }

  /** How many durable records, up to the last of these kinds, have not been applied. */
  pending(...kinds: string[]): number {
    return Math.max(0, this.#last(kinds) + 1 - this.#next)
  }

  /** The position of the last record of these kinds in this run, be it durable yet or not; -1 where there is none. */
  formed(...kinds: string[]): number {
    return Math.max(-1, ...kinds.map((kind) => this.#ledger.lastOf(kind)))
  }

  /** Whether every record of these kinds, those on their way included, stands before a position. */
  standBefore(position: number, kinds: readonly string[]): boolean {
    return position >= this.#begun && this.formed(...kinds) < position
  }

  #last(kinds: readonly string[]): number {
    if (kinds.length === 0) return this.#ledger.size - 1
    const last = Math.max(this.#begun - 1, ...kinds.map((kind) => this.#ledger.lastOf(kind)))
    return Math.min(last, this.#ledger.size - 1)
  }

  reachSeq(seq: number): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed)
    if (seq < this.#next) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ seq, resolve, reject })
      this.#hurry()
      this.#wake()
    })
  }

  /** Empties all tables and follows from the first record. `onProgress` hears how far it is. */
  async rebuild(onProgress: (next: number, size: number) => void = () => {}): Promise<void> {
    const tables = this.#projections.flatMap((projection) => projection.tables)
    await this.#database.transaction(async (tx) => {
      for (const table of tables) await tx.query(`delete from ${table}`)
      await tx.query("delete from follower where name = 'main'")
    })
    this.#next = 0
    while (this.#next < this.#ledger.size) {
      await this.#step()
      onProgress(this.#next, this.#ledger.size)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening?.()
    this.#hurry()
    await this.#running
  }

  #wake(): void {
    if (this.#running || this.#failed || this.#stopped || this.#next >= this.#ledger.size) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.#wake()
    })
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && this.#next < this.#ledger.size) {
        if (this.#waiting.length === 0 && this.#ledger.size - this.#next < FEW) await this.#gathered()
        await this.#step()
        this.#waiting = this.#waiting.filter((waiter) => {
          if (waiter.seq >= this.#next) return true
          waiter.resolve()
          return false
        })
      }
    } catch (error) {
      this.#failed = new Fault(
        'unavailable',
        `the database could not follow the ledger beyond record ${this.#next}: ${(error as Error).message}. Records are still accepted; mend the database, or run whence rebuild.`,
        { cause: error },
      )
      for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#failed)
    }
  }

  #gathered(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #step(): Promise<void> {
    const { to, parts } = await (this.#ahead ?? this.#take(this.#next))
    this.#ahead = this.#ledger.size - to >= FEW && !this.#stopped ? this.#take(to) : undefined
    // Whoever takes it up hears of its failure; until then nobody listens.
    this.#ahead?.catch(() => {})
    await this.#database.transaction(async (tx) => {
      for (const { projection, records, read } of parts) await projection.apply(tx, records, read)
      await tx.query(
        "insert into follower (name, next) values ('main', $1) on conflict (name) do update set next = excluded.next",
        [BigInt(to)],
      )
    })
    this.#next = to
  }

  async #take(from: number): Promise<Batch> {
    const byProjection = new Map<Projection, FollowedRecord[]>()
    const end = Math.min(this.#ledger.size, from + BATCH)
    let to = from
    for (let bytes = 0; to < end && bytes < BATCH_BYTES; to++) {
      if (to > from && (to - from) % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
      const seq = to
      // Opened once, however many projections ask.
      let opened: OpenedRecord | undefined
      const open = (): OpenedRecord => (opened ??= this.#ledger.open(seq))
      const record: FollowedRecord = { seq, entry: this.#ledger.entry(seq), open }
      bytes += (record.entry.payload ?? record.entry.sealed)?.bytes ?? 0
      const kind = kindOf(record.entry)
      for (const projection of this.#projections) {
        if (!projection.kinds.includes(kind) && projection.kinds[0] !== '*') continue
        const records = byProjection.get(projection)
        if (records) records.push(record)
        else byProjection.set(projection, [record])
      }
    }
    const parts: Batch['parts'][number][] = []
    for (const [projection, records] of byProjection)
      parts.push({ projection, records, read: await projection.read?.(records) })
    return { to, parts }
  }
}

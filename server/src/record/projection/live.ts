// State in memory that is always the log's own: what decides (who may be written to, what is queued) cannot wait for
// tables. It hears of every commit before anybody is told that it is durable.
import type { Entry } from '../ledger/entry.ts'
import { kindOf } from '../ledger/entry.ts'
import type { Ledger, OpenedRecord } from '../ledger/ledger.ts'

export interface LiveRecord {
  readonly seq: number
  readonly entry: Entry
  /** Whose record it is, in hex; empty where it is nobody's. */
  readonly subject: string
  /** Opens the payload. Throws `altered`. */
  open(): OpenedRecord
}

export interface LiveProjection {
  readonly kinds: readonly string[]
  /** Takes up the state as the tables have it, which have followed everything. */
  load(): Promise<void>
  /** Sees each later record of its kinds once, in order. Must not wait, and must not throw. */
  apply(record: LiveRecord): void
  /** Drops what it holds of these subjects: they are being erased. */
  forget(subjects: readonly string[]): void
}

export class Live {
  readonly #ledger: Ledger
  readonly #projections: readonly LiveProjection[]
  readonly #kinds: ReadonlySet<string>
  #next = 0

  constructor(ledger: Ledger, projections: readonly LiveProjection[]) {
    this.#ledger = ledger
    this.#projections = projections
    this.#kinds = new Set(projections.flatMap(({ kinds }) => kinds))
  }

  /** Begins to follow; nothing may be appended until it resolves. Returns the way to stop. */
  async start(reach: () => Promise<void>): Promise<() => void> {
    await reach()
    for (const projection of this.#projections) await projection.load()
    this.#next = this.#ledger.size
    return this.#ledger.onCommit(() => this.#catchUp())
  }

  forget(subjects: readonly string[]): void {
    for (const projection of this.#projections) projection.forget(subjects)
  }

  #catchUp(): void {
    const size = this.#ledger.size
    // Most commits hold events only: then no entry is read.
    const concerned = [...this.#kinds].some((kind) => this.#ledger.lastOf(kind) >= this.#next)
    for (let seq = this.#next; concerned && seq < size; seq++) {
      const entry = this.#ledger.entry(seq)
      const kind = kindOf(entry)
      if (!this.#kinds.has(kind)) continue
      const record = { seq, entry, subject: this.#ledger.line(seq).subject, open: () => this.#ledger.open(seq) }
      for (const projection of this.#projections) if (projection.kinds.includes(kind)) projection.apply(record)
    }
    this.#next = size
  }
}

// The tail: what is durable in the journal and not yet published, and when it is. One edition at a time, behind the writer,
// and only between commits: then all leaves of the tree are durable.
import type { GrowingTiles } from '@whence/ledger'
import type { Journal } from './journal.ts'
import type { CommittedRecord, Publication } from './publication.ts'

export interface TailParts {
  publication: Publication
  journal: Journal
  growing: GrowingTiles
  /** Records that are durable. */
  size(): number
  /** Records that are published, and their checkpoint. */
  published: number
  checkpoint: string
  /** Milliseconds. */
  publishEvery: number
  onFatal(error: unknown): void
}

/** Records that are published at once, however long ago the last ones were. */
const MANY = 50_000

export class Tail {
  readonly #parts: TailParts
  /** The first of them has the position `#published`. */
  #records: CommittedRecord[] = []
  #bytes = 0
  #published: number
  #publishedCheckpoint: string
  #committedCheckpoint: string
  #publishing: Promise<void> | undefined
  #requested = false
  #publishedAt = 0
  #timer: NodeJS.Timeout | undefined
  #failed: Error | undefined

  constructor(parts: TailParts) {
    this.#parts = parts
    this.#published = parts.published
    this.#publishedCheckpoint = this.#committedCheckpoint = parts.checkpoint
  }

  /** Records that stand in published tiles. */
  get published(): number {
    return this.#published
  }

  /** The last published signed checkpoint. */
  get checkpoint(): string {
    return this.#publishedCheckpoint
  }

  /** Of entries and payloads. */
  get bytes(): number {
    return this.#bytes
  }

  /** The record at a position, unless it is published or not durable. */
  at(seq: number): CommittedRecord | undefined {
    return this.#records[seq - this.#published]
  }

  /** The first of them. */
  first(count: number): readonly CommittedRecord[] {
    return this.#records.slice(0, count)
  }

  add(records: readonly CommittedRecord[], checkpoint: string): void {
    for (const record of records) this.#records.push(record)
    this.#committedCheckpoint = checkpoint
    this.#bytes += bytesOf(records)
  }

  /** Whether the writer is to pause, so that an edition can begin. */
  get due(): boolean {
    if (this.#publishing) return false
    const { publishEvery } = this.#parts
    return this.#requested || Date.now() - this.#publishedAt >= publishEvery || this.#records.length > MANY
  }

  /** Begins an edition when it is due. Called after each commit. */
  start(): void {
    if (this.#failed || this.#publishing || this.#records.length === 0) return
    const { publication, journal, growing, publishEvery } = this.#parts
    if (!this.due || growing.size !== this.#parts.size()) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.#requested = true
        this.start()
      }, publishEvery)
      return
    }
    this.#requested = false
    const from = this.#published
    const records = this.#records.slice()
    const checkpoint = this.#committedCheckpoint
    const tiles = growing.cut()
    this.#publishing = journal
      .rotate()
      .then(() => publication.publish({ from, records, tiles, checkpoint }))
      .then(() => {
        this.#published = from + records.length
        this.#publishedCheckpoint = checkpoint
        this.#records = this.#records.slice(records.length)
        this.#bytes -= bytesOf(records)
        this.#publishedAt = Date.now()
      })
      .catch((error: unknown) => this.#parts.onFatal(error))
      .finally(() => {
        this.#publishing = undefined
        this.start()
      })
  }

  /** Resolves when all that is durable now is published too. */
  async publish(): Promise<void> {
    const target = this.#parts.size()
    while (this.#published < target) {
      if (this.#failed) throw this.#failed
      if (!this.#publishing) {
        this.#requested = true
        this.start()
      }
      if (this.#publishing) await this.#publishing
      else await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Publishes nothing more, and says to whoever waits why. */
  fail(error: Error): void {
    this.#failed ??= error
    clearTimeout(this.#timer)
  }

  /** Resolves when no edition is under way; none begins any more by itself. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#publishing?.catch(() => {})
  }
}

/** Of entries and payloads. */
export function bytesOf(records: readonly CommittedRecord[]): number {
  return records.reduce((sum, { entry, payload }) => sum + entry.length + payload.length, 0)
}

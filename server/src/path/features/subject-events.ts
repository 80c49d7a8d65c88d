// The events of single subjects, straight from the ledger: opened, checked, and kept in memory for the next question. What
// was appended since is added when it is asked for, so that an answer is never older than the log.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent } from '../events/event.ts'
import type { ReadEvent } from '../events/event.ts'
import { Unsure } from './evaluate/datum.ts'
import { typedEvent } from './evaluate/evaluator.ts'
import type { TypedEvent } from './evaluate/evaluator.ts'
import { rowFor } from './event-source.ts'
import type { EventRow, StreamShape } from './events.ts'

export interface EventsOfSubject {
  /** In the order of seq. */
  rows: readonly EventRow[]
  /** The same, typed; or why the evaluator does not hold one of them. */
  typed: readonly TypedEvent[] | Unsure
}

interface Held {
  subject: string
  /** Records before this position have been looked at. */
  upto: number
  rows: EventRow[]
  typed: TypedEvent[] | Unsure
  bytes: number
}

/** What an event costs besides its values, and a subject besides its events, about. */
const EVENT_BYTES = 240
const ENTRY_BYTES = 320
/** Events that are read without a pause. */
const PIECE = 200

export class SubjectEvents {
  readonly #ledger: Ledger
  readonly #contracts: ContractBook
  readonly #limit: number
  /** By subject, stream and contract; the one not used for longest first. */
  readonly #held = new Map<string, Held>()
  #bytes = 0

  /** `limit`: bytes of memory, about, that it may hold. */
  constructor(parts: { ledger: Ledger; contracts: ContractBook; limit?: number }) {
    this.#ledger = parts.ledger
    this.#contracts = parts.contracts
    this.#limit = parts.limit ?? 64 * 1024 * 1024
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * The events that belong to a stream and are durable now, with the columns of its contract. Nothing of a subject that is
   * erased. Throws `altered` when one does not open as it was recorded. `opened` holds those that were opened on the ledger
   * just now, and is given those that this call opens, so that nobody need do it again; what memory held is not added.
   */
  of(subject: string, shape: StreamShape, opened?: Map<number, ReadEvent>): EventsOfSubject {
    const key = keyOf(subject, shape)
    const held = this.#held.get(key) ?? newlyHeld(subject)
    const { size } = this.#ledger
    const seqs = [...this.#ledger.recordsOf(subject, { from: held.upto, before: size, stream: shape.stream })]
    this.#extend(key, held, shape, seqs, size, opened)
    return held
  }

  /**
   * Reads what a later `of` would read, in pieces, so that others are served meanwhile. Of somebody with few new events
   * there is nothing to do.
   */
  async prepare(subject: string, shape: StreamShape): Promise<void> {
    const key = keyOf(subject, shape)
    for (;;) {
      const held = this.#held.get(key) ?? newlyHeld(subject)
      const { size } = this.#ledger
      const seqs = [...this.#ledger.recordsOf(subject, { from: held.upto, before: size, stream: shape.stream })]
      if (seqs.length <= PIECE) return
      this.#extend(key, held, shape, seqs.slice(-PIECE), seqs.at(-PIECE)! + 1)
      // More than may be held is read when it is asked for.
      if (!this.#held.has(key)) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Adds records, given newest first, and keeps what is held now. */
  #extend(
    key: string,
    held: Held,
    shape: StreamShape,
    seqs: readonly number[],
    upto: number,
    opened?: Map<number, ReadEvent>,
  ): void {
    const before = this.#held.get(key)?.bytes ?? 0
    // All are read before any is kept: one that does not open must not leave half of them behind.
    const rows: EventRow[] = []
    for (const seq of seqs.toReversed()) {
      const event = opened?.get(seq) ?? readEvent(this.#ledger, this.#contracts, seq)
      if (event === 'erased') continue
      rows.push(rowFor(event, shape))
      opened?.set(seq, event)
    }
    take(held, rows, shape)
    held.upto = upto
    this.#held.delete(key)
    this.#held.set(key, held)
    this.#bytes += held.bytes - before
    this.#makeRoom()
  }

  #makeRoom(): void {
    for (const [key, { bytes }] of this.#held) {
      if (this.#bytes <= this.#limit) return
      this.#held.delete(key)
      this.#bytes -= bytes
    }
  }

  /** Lets go of everything about a subject. */
  forget(subject: string): void {
    for (const [key, held] of this.#held) {
      if (held.subject !== subject) continue
      this.#held.delete(key)
      this.#bytes -= held.bytes
    }
  }
}

function keyOf(subject: string, { stream, contract }: StreamShape): string {
  return `${subject} ${stream} ${contract}`
}

function newlyHeld(subject: string): Held {
  return { subject, upto: 0, rows: [], typed: [], bytes: ENTRY_BYTES }
}

function take(held: Held, rows: readonly EventRow[], shape: StreamShape): void {
  for (const row of rows) {
    held.rows.push(row)
    held.bytes += EVENT_BYTES
    for (const value of row.values) held.bytes += typeof value === 'string' ? 48 + 2 * value.length : 40
    if (held.typed instanceof Unsure) continue
    try {
      held.typed.push(typedEvent(row, shape))
    } catch (error) {
      if (!(error instanceof Unsure)) throw error
      held.typed = error
    }
  }
}

// Events as the door has read them, until the column files take them up: opening an event again costs ten times as much.
// What is not here is read from its record, and says the same.
import type { Micros } from '../../record/time.ts'
import type { Contract } from '../../rules/contracts/contract.ts'

export interface RecentEvent {
  readonly subject: string
  readonly time: Micros
  readonly known: Micros
  readonly contract: Contract
  /** In the order of the contract's columns. */
  readonly values: readonly unknown[]
}

/** Bytes of the events kept, each counted with what holding it costs. */
const MOST_BYTES = 96 * 1024 * 1024
const HOLDING = 400

export class RecentEvents {
  /** Hears of every event, after it is here. */
  onPut: (stream: string) => void = () => {}
  readonly #bySeq = new Map<number, { event: RecentEvent; stream: string; bytes: number }>()
  readonly #waiting = new Map<string, number>()
  #bytes = 0

  put(stream: string, seq: number, event: RecentEvent, bytes: number): void {
    this.#bySeq.set(seq, { event, stream, bytes: bytes + HOLDING })
    this.#bytes += bytes + HOLDING
    this.#waiting.set(stream, this.waiting(stream) + 1)
    while (this.#bytes > MOST_BYTES) this.take(this.#bySeq.keys().next().value!)
    this.onPut(stream)
  }

  take(seq: number): RecentEvent | undefined {
    const found = this.#bySeq.get(seq)
    if (!found) return undefined
    this.#bySeq.delete(seq)
    this.#bytes -= found.bytes
    this.#waiting.set(found.stream, this.waiting(found.stream) - 1)
    return found.event
  }

  /** Drops the events of a stream before a position: its files have them. */
  forget(stream: string, before = Infinity): void {
    for (const [seq, kept] of this.#bySeq) if (kept.stream === stream && seq < before) this.take(seq)
  }

  /** How many events of a stream are here. */
  waiting(stream: string): number {
    return this.#waiting.get(stream) ?? 0
  }
}

// Statements as the door has read them, until the graph takes them up: reading an event again costs as much as the first
// time. What is not here is read from its record, and says the same.
import type { Statement } from '../../record/lineage/statement.ts'

/** Bytes of the events whose statements are kept. */
const MOST_BYTES = 32 * 1024 * 1024

export class RecentStatements {
  readonly #byId = new Map<string, { statement: Statement; bytes: number }>()
  #bytes = 0

  /** `id`: of the record, which is a digest of the event. */
  put(id: string, statement: Statement, bytes: number): void {
    this.take(id)
    this.#byId.set(id, { statement, bytes })
    this.#bytes += bytes
    while (this.#bytes > MOST_BYTES) this.take(this.#byId.keys().next().value!)
  }

  take(id: string): Statement | undefined {
    const found = this.#byId.get(id)
    if (!found) return undefined
    this.#byId.delete(id)
    this.#bytes -= found.bytes
    return found.statement
  }
}

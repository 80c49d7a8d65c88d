// What became of the spans of one request.

export interface TraceResult {
  readonly recorded: number
  readonly duplicate: number
  readonly refused: number
  /** Why spans were refused, and what else is to be said; empty where there is nothing. It quotes no span. */
  readonly message: string
}

/** Reasons that are told. */
const MOST = 5

export class Tally {
  #recorded = 0
  #duplicate = 0
  readonly #refused = new Map<string, number>()
  readonly #remarks = new Map<string, number>()

  take(status: 'recorded' | 'duplicate'): void {
    if (status === 'recorded') this.#recorded++
    else this.#duplicate++
  }

  refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  /** Of a span that is on record. */
  remark(remark: string): void {
    this.#remarks.set(remark, (this.#remarks.get(remark) ?? 0) + 1)
  }

  result(): TraceResult {
    const told = [
      ...[...this.#refused].map(([reason, n]) => `${spans(n)} refused: ${reason}`),
      ...[...this.#remarks].map(([remark, n]) => `${spans(n)} recorded: ${remark}`),
    ]
    const more = told.length > MOST ? [`and ${told.length - MOST} other reasons`] : []
    return {
      recorded: this.#recorded,
      duplicate: this.#duplicate,
      refused: [...this.#refused.values()].reduce((sum, n) => sum + n, 0),
      message: [...told.slice(0, MOST), ...more].join('; '),
    }
  }
}

function spans(count: number): string {
  return count === 1 ? '1 span' : `${count} spans`
}

import type { Accounting, EventResult, Ingested } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Batch } from './batches.ts'

/** A line that deserves to be named: what came of it, and why it could not be read where that is known here. */
export type Exception = EventResult & { broken?: string }

const kept = 1000

/** The accounting of a whole file, added up batch by batch, in memory that does not grow with the file. */
export class Tally {
  readonly accounting: Accounting = {
    received: 0,
    passed: 0,
    flagged: 0,
    quarantined: 0,
    dropped: 0,
    duplicate: 0,
    conflict: 0,
    refused: 0,
  }
  contract: string | undefined
  first: number | undefined
  last: number | undefined
  /** The lines up to here are accounted for. */
  line = 0
  /** The first blank lines, and how many there were. */
  readonly blank = { count: 0, lines: [] as number[] }
  /** The first lines that were quarantined, refused or in conflict, and how many there were. */
  readonly exceptions = { count: 0, results: [] as Exception[] }

  /** Throws where the server does not account for exactly what was sent. */
  add(batch: Batch, answer: Ingested | undefined): void {
    const { received = 0 } = answer?.accounting ?? {}
    if (received !== batch.sent || (answer && sum(answer.accounting) !== received)) {
      const where = `lines ${batch.line} to ${batch.line + batch.lines - 1}`
      throw new Fault('internal', `The server accounts for ${received} of the ${batch.sent} events sent for ${where}.`)
    }
    for (const name of Object.keys(this.accounting) as (keyof Accounting)[]) {
      this.accounting[name] += answer?.accounting[name] ?? 0
    }
    this.accounting.received += batch.refused.length
    this.accounting.refused += batch.refused.length
    this.contract = answer?.contract ?? this.contract
    this.first = Math.min(this.first ?? Infinity, answer?.first ?? Infinity)
    this.last = Math.max(this.last ?? -1, answer?.last ?? -1)
    this.line = batch.line + batch.lines - 1
    this.blank.count += batch.blank.length
    this.blank.lines.push(...batch.blank.slice(0, kept - this.blank.lines.length))

    const results = [...(answer?.results ?? []), ...batch.refused].toSorted((a, b) => a.line - b.line)
    for (const result of results) {
      if (!isException(result)) continue
      this.exceptions.count++
      if (this.exceptions.results.length === kept) continue
      const broken = batch.broken.get(result.line)
      this.exceptions.results.push(broken === undefined ? result : { ...result, broken })
    }
  }

  get clean(): boolean {
    return this.accounting.refused === 0 && this.accounting.conflict === 0
  }
}

function sum({ received: _, ...outcomes }: Accounting): number {
  return Object.values(outcomes).reduce((total, count) => total + count, 0)
}

function isException(result: EventResult): boolean {
  if (result.status === 'recorded') return result.outcome === 'quarantined'
  return result.status !== 'duplicate'
}

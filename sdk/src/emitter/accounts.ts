// What became of everything that was handed to an emitter, stream by stream. Nothing leaves these sums:
//
//     emitted = recorded + duplicate + conflict + refused + sampledOut + dropped + waiting + unknown
import type { Emission } from '../emissions.ts'

/** Reasons that are named; others are counted together. */
const MOST_REASONS = 30

export class Account {
  readonly stream: string
  /** The last number that was given. */
  n = 0
  recorded = 0
  /** Of the recorded, those that the contract holds back. */
  quarantined = 0
  duplicate = 0
  conflict = 0
  refused = 0
  sampledOut = 0
  dropped = 0
  unknown = 0
  /** Of the dropped, those that were given no number. */
  unnumbered = 0
  /** Numbers up to this one may have been given by a run that was killed. */
  reserved = 0
  /** Up to this number everything is settled. */
  answered = 0
  readonly reasons: Record<string, number> = {}

  constructor(stream: string, saved: Partial<Saved> = {}) {
    this.stream = stream
    const { reasons, ...counts } = saved
    for (const [name, count] of Object.entries(counts)) {
      if (name in this && Number.isSafeInteger(count)) Object.assign(this, { [name]: count })
    }
    Object.assign(this.reasons, reasons)
  }

  get emitted(): number {
    return this.n + this.sampledOut + this.unnumbered
  }

  get waiting(): number {
    return (
      this.n -
      (this.dropped - this.unnumbered) -
      this.recorded -
      this.duplicate -
      this.conflict -
      this.refused -
      this.unknown
    )
  }

  /** A record that was emitted is not sent. */
  drop(why: string): void {
    this.dropped++
    this.because(why)
  }

  because(reason: string, count = 1): void {
    const known = reason in this.reasons || Object.keys(this.reasons).length < MOST_REASONS
    const name = known && /^[a-z0-9_.-]{1,64}$/.test(reason) ? reason : 'other'
    this.reasons[name] = (this.reasons[name] ?? 0) + count
  }

  get emission(): Emission {
    const { stream, emitted, recorded, duplicate, conflict, refused, sampledOut, dropped, waiting, unknown } = this
    const reasons = Object.keys(this.reasons).length > 0 ? { reasons: { ...this.reasons } } : {}
    return {
      stream,
      emitted,
      recorded,
      duplicate,
      conflict,
      refused,
      sampledOut,
      dropped,
      waiting,
      unknown,
      ...reasons,
    }
  }

  get saved(): Saved {
    return Object.assign({}, this)
  }
}

export type Saved = Pick<
  Account,
  | 'n'
  | 'recorded'
  | 'quarantined'
  | 'duplicate'
  | 'conflict'
  | 'refused'
  | 'sampledOut'
  | 'dropped'
  | 'unknown'
  | 'unnumbered'
  | 'reserved'
  | 'answered'
> & { readonly reasons: Record<string, number> }

// What was released and waits for a sender, in memory, by person and in order. The ledger decides who gets it: this says
// only whom to ask for.
import type { Database } from '../../store/database.ts'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { ends, footingOf } from '../../rules/actions/footing.ts'
import type { Footing } from '../../rules/actions/footing.ts'
import { scopesOf } from '../../rules/actions/scope.ts'
import type { ScopeKey } from '../../rules/actions/scope.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { saidBy, SAYINGS } from './said.ts'

export interface Waiting {
  /** The record of the action. */
  readonly seq: number
  /** The record that released it: the action's own, or a review's. */
  readonly released: number
  readonly subject: string
  readonly refs: Readonly<Record<string, string>>
  readonly footing: Footing
  /** No sender gets it earlier. */
  readonly notBefore: Micros
  readonly attempts: number
  /** Who has it until when: then it waits again. */
  readonly lease?: { readonly claim: number; readonly until: Micros; readonly withdrawn?: number }
}

export interface Wanted {
  channel?: string | undefined
  campaign?: string | undefined
  types?: readonly string[] | undefined
  environment: string
}

/** Releases to one person on one channel count for so long. */
export const REMEMBERED: Micros = 90 * 86_400_000_000

export class Outbox implements LiveProjection {
  readonly kinds = ['action', 'review', 'claim', 'delivery', 'recall', ...SAYINGS]
  readonly #database: Database
  readonly #clock: Clock
  /** By the position of the action, in the order of release. */
  readonly #waiting = new Map<number, Waiting>()
  readonly #bySubject = new Map<string, Set<number>>()
  /** Times of releases, by person and channel. */
  readonly #releases = new Map<string, Micros[]>()

  constructor(parts: { database: Database; clock: Clock }) {
    this.#database = parts.database
    this.#clock = parts.clock
  }

  async load(): Promise<void> {
    const rows = await this.#database.query<{
      seq: bigint
      released: bigint
      subject: string
      refs: Record<string, string>
      not_before: bigint
      attempts: number
      claim: bigint | null
      until: bigint | null
      withdrawn: bigint | null
    }>(
      `select seq, released, subject, refs, not_before, attempts, claim, until, withdrawn from outbox
       where suppressed is null order by released`,
    )
    for (const row of rows)
      this.#put({
        seq: Number(row.seq),
        released: Number(row.released),
        subject: row.subject,
        refs: row.refs,
        footing: footingOf(row.refs),
        notBefore: Number(row.not_before),
        attempts: row.attempts,
        ...(row.claim === null
          ? {}
          : {
              lease: {
                claim: Number(row.claim),
                until: Number(row.until),
                ...(row.withdrawn === null ? {} : { withdrawn: Number(row.withdrawn) }),
              },
            }),
      })
    const since = BigInt(this.#clock.now() - REMEMBERED)
    const released = await this.#database.query<{ subject: string; channel: string; at: bigint }>(
      'select subject, channel, released_at as at from action where released_at >= $1 and subject is not null order by released_at',
      [since],
    )
    for (const { subject, channel, at } of released) this.#count(subject, channel, Number(at))
  }

  apply(record: LiveRecord): void {
    const { refs } = record.entry
    switch (kindOf(record.entry)) {
      case 'action':
      case 'review':
        return this.#applyRelease(record)
      case 'claim': {
        const row = this.#waiting.get(Number(refs.action))
        if (row)
          this.#put({
            ...row,
            attempts: row.attempts + 1,
            lease: { claim: record.seq, until: parseTime(refs.until!)! },
          })
        return
      }
      case 'delivery': {
        const seq = Number(refs.action)
        const row = this.#waiting.get(seq)
        if (refs.status !== 'returned') return this.#drop(seq)
        // Somebody else may have it by now.
        if (row?.lease?.claim !== Number(refs.claim)) return
        const { lease, ...back } = row
        if (lease.withdrawn === undefined) this.#put(back)
        else this.#drop(seq)
        return
      }
      case 'recall':
        for (const row of this.#waiting.values())
          if (scopesOf(row.refs).includes(refs.scope as ScopeKey)) this.#takeBack(row, record.seq)
        return
      default:
        return this.#applySaid(record)
    }
  }

  forget(subjects: readonly string[]): void {
    for (const subject of subjects) for (const seq of this.#bySubject.get(subject) ?? []) this.#drop(seq)
  }

  get(seq: number): Waiting | undefined {
    return this.#waiting.get(seq)
  }

  /** What a sender may be given at a time, in the order of release. */
  *due(wanted: Wanted, at: Micros): Generator<Waiting> {
    for (const row of this.#waiting.values()) {
      if (
        row.notBefore > at ||
        (row.lease !== undefined && (row.lease.until > at || row.lease.withdrawn !== undefined))
      )
        continue
      if (meets(row.refs, wanted)) yield row
    }
  }

  /** What waits for one person. */
  of(subject: string): Waiting[] {
    return [...(this.#bySubject.get(subject) ?? [])].map((seq) => this.#waiting.get(seq)!)
  }

  all(): Iterable<Waiting> {
    return this.#waiting.values()
  }

  /** How often something was released to a person on a channel since a time. */
  releasedSince(subject: string, channel: string | undefined, since: Micros): number {
    const times = this.#releases.get(`${subject} ${channel ?? ''}`) ?? []
    let count = 0
    for (let i = times.length - 1; i >= 0 && times[i]! >= since; i--) count++
    return count
  }

  #applyRelease(record: LiveRecord): void {
    const { refs } = record.entry
    if (refs.decision !== 'released' || refs.shadow !== undefined) return
    const seq = refs.action === undefined ? record.seq : Number(refs.action)
    this.#put({
      seq,
      released: record.seq,
      subject: record.subject,
      refs,
      footing: footingOf(refs),
      notBefore: refs.notBefore === undefined ? 0 : parseTime(refs.notBefore)!,
      attempts: 0,
    })
    this.#count(record.subject, refs.channel ?? '', parseTime(record.entry.recorded)!)
  }

  /** A withdrawal takes away what waits, as a recall does; of what a sender has already, it is noted. */
  #applySaid(record: LiveRecord): void {
    const rows = this.of(record.subject)
    if (rows.length === 0) return
    const said = saidBy(record, record.open())
    for (const row of rows) if (said.some((one) => ends(one, row.footing))) this.#takeBack(row, record.seq)
  }

  #takeBack(row: Waiting, by: number): void {
    if (row.lease === undefined) this.#drop(row.seq)
    else this.#put({ ...row, lease: { ...row.lease, withdrawn: row.lease.withdrawn ?? by } })
  }

  #count(subject: string, channel: string, at: Micros): void {
    const key = `${subject} ${channel}`
    const times = this.#releases.get(key)
    if (times === undefined) this.#releases.set(key, [at])
    else {
      times.push(at)
      while (times[0]! < at - REMEMBERED) times.shift()
    }
  }

  #put(row: Waiting): void {
    this.#waiting.set(row.seq, row)
    const rows = this.#bySubject.get(row.subject)
    if (rows) rows.add(row.seq)
    else this.#bySubject.set(row.subject, new Set([row.seq]))
  }

  #drop(seq: number): void {
    const row = this.#waiting.get(seq)
    if (!row) return
    this.#waiting.delete(seq)
    const rows = this.#bySubject.get(row.subject)!
    rows.delete(seq)
    if (rows.size === 0) this.#bySubject.delete(row.subject)
  }
}

function meets(refs: Readonly<Record<string, string>>, { channel, campaign, types, environment }: Wanted): boolean {
  return (
    refs.environment === environment &&
    (channel === undefined || refs.channel === channel) &&
    (campaign === undefined || refs.campaign === campaign) &&
    (types === undefined || types.includes(refs.type!))
  )
}

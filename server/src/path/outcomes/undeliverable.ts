// Addresses to which nothing can be delivered, by person and channel: in memory, as the log has it. A send to one of them
// is given to no sender, until something is delivered there.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import type { Micros } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import type { Outbox, Waiting } from '../actions/outbox.ts'
import { openAction } from '../actions/recorded.ts'
import { consentKey } from '../consent/consent-record.ts'
import { addressOf } from './projection.ts'
import { addressDigest } from './recorded.ts'

export interface Bounced {
  readonly subject: Subject
  readonly channel: string
  /** Keyed digest. */
  readonly address: string
  /** Of the outcome that says so. */
  readonly outcome: number
  readonly time: Micros
  readonly source: string
}

export class Undeliverable implements LiveProjection {
  readonly kinds = ['undeliverable'] as const
  readonly #ledger: Ledger
  readonly #database: Database
  readonly #outbox: Outbox
  /** Digests of addresses, by person. */
  readonly #known = new Map<string, Set<string>>()

  constructor(parts: { ledger: Ledger; database: Database; outbox: Outbox }) {
    this.#ledger = parts.ledger
    this.#database = parts.database
    this.#outbox = parts.outbox
  }

  async load(): Promise<void> {
    this.#known.clear()
    const rows = await this.#database.query<{ subject: string; channel: string; address: string }>(
      'select subject, channel, address from undeliverable',
    )
    for (const { subject, channel, address } of rows) this.#add(subject, `${channel} ${address}`)
  }

  apply({ entry: { refs }, subject }: LiveRecord): void {
    const place = `${refs.channel} ${refs.address}`
    if (refs.lifted === 'true') this.#known.get(subject)?.delete(place)
    else this.#add(subject, place)
  }

  forget(subjects: readonly string[]): void {
    for (const subject of subjects) this.#known.delete(subject)
  }

  has(subject: string, channel: string, address: string): boolean {
    return this.#known.get(subject)?.has(`${channel} ${address}`) ?? false
  }

  /** Whether a released action goes to an address that takes nothing. */
  concerns({ subject, seq, refs }: Pick<Waiting, 'subject' | 'seq' | 'refs'>): boolean {
    // Of most people nothing is known here, and no action is opened.
    const known = this.#known.get(subject)
    if (known === undefined || known.size === 0 || refs.channel === undefined) return false
    const address = this.#addressOf(seq)
    return address !== undefined && known.has(`${refs.channel} ${address}`)
  }

  /** How many released actions of a person wait, and go to no sender for this. */
  withheld(subject: string): number {
    return this.#outbox.of(subject).filter((row) => this.concerns(row)).length
  }

  /** The record that an address takes nothing; or, `lifted`, that something was delivered there after all. */
  draft({ subject, channel, address, outcome, time, source }: Bounced, lifted: boolean): Draft {
    return {
      kind: 'undeliverable/1',
      stream: 'whence.undeliverable',
      source,
      id: `${outcome}/${subject.id}`,
      time,
      subject,
      refs: { channel, address, outcome: String(outcome), ...(lifted ? { lifted: 'true' } : {}) },
      content: Buffer.from(JSON.stringify({ channel, outcome, lifted })),
      // A claim that was judged before it is judged again.
      touches: [consentKey(subject.id)],
    }
  }

  #addressOf(action: number): string | undefined {
    try {
      const opened = openAction(this.#ledger, action)
      const address = opened && addressOf(opened.proposal)
      return address === undefined ? undefined : addressDigest(this.#ledger.subjects.idKey, address)
    } catch {
      // What cannot be opened is not given out either.
      return undefined
    }
  }

  #add(subject: string, place: string): void {
    const known = this.#known.get(subject)
    if (known) known.add(place)
    else this.#known.set(subject, new Set([place]))
  }
}

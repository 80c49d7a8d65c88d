// What an outcome demands, done at once: an opt-out in the order of all opt-outs, and a note that an address takes nothing.
// Each is done once, whenever it is asked: so a process that was killed in between makes it good at its next start, and an
// outcome that came before its send acts when the send is known.
import type { OutcomeType, PlacedOutcome } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import { OBJECTIONS } from '../consent/consent-record.ts'
import type { OptOuts } from '../consent/opt-outs.ts'
import { addressDigest } from './recorded.ts'
import type { OutcomeContent, OutcomeHeader } from './recorded.ts'
import type { Undeliverable } from './undeliverable.ts'

/** An outcome, as far as it may demand something. */
export interface Outcome {
  readonly seq: number
  readonly source: string
  /** Whose it is, as far as is known now. */
  readonly subject: Subject | undefined
  /** Keyed digest. */
  readonly address: string | undefined
  readonly type: OutcomeType
  readonly hard: boolean
  readonly optsOut: boolean
  readonly channel: string
  readonly time: Micros
}

export interface Demand extends Outcome {
  readonly subject: Subject
  readonly wants: 'opt-out' | 'undeliverable' | 'deliverable'
}

export type Done = Pick<Extract<PlacedOutcome, { receipt: unknown }>, 'optOut' | 'undeliverable'>

/** Outcomes this far from the end of the log are looked at again at a start: more can never be under way at once. */
const UNDER_WAY = 100_000

export interface ActingParts {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  optOuts: OptOuts
  undeliverable: Undeliverable
}

export class Acting implements LiveProjection {
  readonly kinds = ['delivery'] as const
  readonly #parts: ActingParts
  /** Messages of which something was told that demands something, and of which no delivery is known. */
  readonly #early = new Set<string>()
  #settling: Promise<void> = Promise.resolve()

  constructor(parts: ActingParts) {
    this.#parts = parts
  }

  demandOf(outcome: Outcome): Demand | undefined {
    const { subject, optsOut, hard, type, address, channel } = outcome
    if (subject === undefined) return undefined
    if (optsOut) return { ...outcome, subject, wants: 'opt-out' }
    if (address === undefined) return undefined
    if (hard) return { ...outcome, subject, wants: 'undeliverable' }
    if (type === 'delivered' && this.#parts.undeliverable.has(subject.id, channel, address))
      return { ...outcome, subject, wants: 'deliverable' }
    return undefined
  }

  /** Does what is demanded, in its order. Durable when it resolves; what was done before is done. */
  async act(demands: readonly Demand[], caller: Pick<Caller, 'id'>): Promise<Done[]> {
    if (demands.length === 0) return []
    const { ledger, optOuts, undeliverable, clock } = this.#parts
    const done: Done[] = demands.map(() => ({}))
    const leaving = demands.flatMap((demand, i) => (demand.wants === 'opt-out' ? [{ demand, i }] : []))
    for (const { source } of new Map(leaving.map(({ demand }) => [demand.source, demand])).values()) {
      const ours = leaving.filter(({ demand }) => demand.source === source)
      const { results } = await optOuts.record(
        ours.map(({ demand }) => ({
          id: optOutId(demand),
          subject: demand.subject.id,
          channel: demand.channel,
          time: formatTime(Math.min(demand.time, clock.now())),
        })),
        { id: caller.id, name: caller.id, source, scopes: ['ingest'] },
      )
      for (const [k, { i }] of ours.entries()) {
        const result = results[k]!
        if (result.status !== 'refused')
          done[i] = { optOut: { receipt: result.receipt, ...(result.effects ? { effects: result.effects } : {}) } }
      }
    }
    const noting = demands.flatMap((demand, i) => (demand.wants === 'opt-out' ? [] : [{ demand, i }]))
    await ledger.append(
      noting.map(({ demand }) =>
        undeliverable.draft(
          { ...demand, address: demand.address!, outcome: demand.seq },
          demand.wants === 'deliverable',
        ),
      ),
      { actor: caller.id },
    )
    for (const { demand, i } of noting)
      if (demand.wants === 'undeliverable')
        done[i] = { undeliverable: { withheld: undeliverable.withheld(demand.subject.id) } }
    return done
  }

  /** Does what the last outcomes demand, where it was not done: the process was killed in between. */
  async catchUp(): Promise<number> {
    const { follower, database, ledger } = this.#parts
    await follower.reach('event', 'delivery')
    const rows = await database.query<{ seq: bigint }>(
      `select seq from outcome where (seq >= $1 or tied >= $1) and type = any($2::text[]) order by seq`,
      [BigInt(ledger.size - UNDER_WAY), ACTING],
    )
    return this.#actOn(rows.map(({ seq }) => Number(seq)))
  }

  /** Notes what came before its send, to act again when the send is known: whose it is may be known only then. */
  async await(early: readonly { seq: number; message: string }[]): Promise<void> {
    if (early.length === 0) return
    for (const { message } of early) this.#early.add(message)
    // A delivery may have come since it was looked for.
    await this.#parts.follower.reach('event', 'delivery')
    const rows = await this.#parts.database.query<{ seq: bigint }>(
      'select seq from outcome where seq = any($1::int8[]) and action is not null order by seq',
      [early.map(({ seq }) => BigInt(seq))],
    )
    await this.#actOn(rows.map(({ seq }) => Number(seq)))
  }

  async load(): Promise<void> {
    const rows = await this.#parts.database.query<{ message: string }>(
      'select distinct message from outcome where action is null and message is not null and type = any($1::text[])',
      [ACTING],
    )
    for (const { message } of rows) this.#early.add(message)
  }

  forget(): void {}

  /** A delivery names a message: what was told of it before has an action now, and a person. */
  apply({ entry: { refs }, seq }: LiveRecord): void {
    const { message, status } = refs
    if (message === undefined || status === 'returned' || !this.#early.delete(message)) return
    this.#settling = this.#settling
      .then(() => this.#actOnMessage(message, seq))
      .catch((error: unknown) => console.error('whence: what came before its send could not be acted on:', error))
  }

  /** Resolves when everything that deliveries made known so far is done. */
  settled(): Promise<void> {
    return this.#settling
  }

  async #actOnMessage(message: string, delivery: number): Promise<void> {
    const { follower, database } = this.#parts
    await follower.reachSeq(delivery)
    const rows = await database.query<{ seq: bigint }>(
      'select seq from outcome where message = $1 and action is not null and type = any($2::text[]) order by seq',
      [message, ACTING],
    )
    await this.#actOn(rows.map(({ seq }) => Number(seq)))
  }

  async #actOn(seqs: readonly number[]): Promise<number> {
    let acted = 0
    for (const seq of seqs) {
      const demand = await this.#read(seq)
      if (demand === undefined || this.#isDone(demand)) continue
      await this.act([demand], { id: 'whence' })
      acted++
    }
    return acted
  }

  /** What an outcome on record demands, of the person whose it is known to be by now. */
  async #read(seq: number): Promise<Demand | undefined> {
    const { ledger, database } = this.#parts
    const [row] = await database.query<{ subject: string }>('select subject from outcome where seq = $1', [BigInt(seq)])
    const opened = ledger.open(seq)
    if (row === undefined || opened.state !== 'open') return undefined
    const content = JSON.parse(Buffer.from(opened.content).toString('utf8')) as OutcomeContent
    const header = opened.header as unknown as OutcomeHeader & { time: string }
    const { idKey } = ledger.subjects
    return this.demandOf({
      seq,
      source: opened.entry.source,
      subject: ledger.subjects.byId(row.subject),
      address: content.recipient === undefined ? undefined : addressDigest(idKey, content.recipient),
      type: content.type,
      hard: content.hard === true,
      optsOut: header.optsOut === true,
      channel: header.channel,
      time: parseTime(header.time)!,
    })
  }

  #isDone({ seq, source, subject, wants, channel, address }: Demand): boolean {
    const { ledger, undeliverable } = this.#parts
    if (wants !== 'opt-out') return undeliverable.has(subject.id, channel, address!) === (wants === 'undeliverable')
    const place = placeBytes({ kind: 'objection/1', stream: OBJECTIONS, source, id: optOutId({ seq, subject }) })
    const found = ledger.find(identityOf(ledger.subjects.idKey, place))
    return found !== undefined
  }
}

const ACTING = ['complained', 'unsubscribed', 'bounced', 'failed', 'rejected', 'ticket', 'appeal']

/** The opt-out of a person that an outcome is: the same, however often it is told. */
function optOutId({ seq, subject }: Pick<Demand, 'seq' | 'subject'>): string {
  return `outcome:${seq}/${subject.id}`
}

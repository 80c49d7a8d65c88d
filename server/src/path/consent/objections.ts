// Objections (Art. 21 GDPR): a person says that they want no profiling, or no marketing, or takes that back. Each saying
// is a record, sealed under the person; what holds is worked out from them, at a time and as of a position.
import type { Objection, ObjectionQuery, ObjectionRequest, ObjectionState, Problem, Receipt } from '@whence/sdk'
import { randomUUID } from 'node:crypto'
import { Fault, isFault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Entry } from '../../record/ledger/entry.ts'
import type { Ledger, OpenedRecord } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { covers, purposes, standing } from '../../rules/consent/objection.ts'
import type { Purpose, Said } from '../../rules/consent/objection.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import { consentKey, effectiveTime, OBJECTIONS } from './consent-record.ts'
import { found, minted } from './who.ts'

/** What was said, as it stands in the sealed content. */
interface Body {
  purpose: Purpose
  withdrawn: boolean
  /** Absent: on every channel. */
  channel?: string
  note?: string
}

/** One of many objections: where it stands, or why it was refused. */
export type PlacedObjection =
  | { subject: string; channel: string | undefined; time: Micros; receipt: Receipt }
  | { problem: Problem }

/** A time or position to be asked about; without them: everything that was said, and is known. */
export interface Moment {
  asOf?: number
  at?: Micros
}

/** Clocks of other systems run ahead by so much, at most. */
const AHEAD = 300 * SECOND

export const objectionProjection: Projection = {
  tables: ['objection'],
  kinds: ['objection', 'conflict'],
  async apply(tx, records) {
    for (const record of records) {
      if (record.entry.stream !== OBJECTIONS) continue
      const opened = record.open()
      const said = objectionOf(record, opened)
      if (!said || opened.state !== 'open') continue
      await tx.query(
        'insert into objection (seq, subject, purpose, withdrawn, at, channel) values ($1, $2, $3, $4, $5, $6)',
        [BigInt(said.seq), opened.subject, said.purpose, said.withdrawn, BigInt(said.time), said.channel ?? null],
      )
    }
  },
}

/**
 * What a record of an objection says; nothing where its content is gone. Of conflicts only an objection counts, not that
 * one is taken back: see `consentsOf`.
 */
export function objectionOf({ entry, seq }: { entry: Entry; seq: number }, opened: OpenedRecord): Said | undefined {
  if (opened.state !== 'open') return undefined
  const { purpose, withdrawn, channel } = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Body
  if (withdrawn && kindOf(entry) === 'conflict') return undefined
  const said = parseTime(String(opened.header.time))!
  return { seq, purpose, withdrawn, channel, time: withdrawn ? said : effectiveTime(said, entry) }
}

export class Objections {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /**
   * Records an objection, or that one is taken back. Somebody of whom nothing is known yet may object too: what comes
   * later about them is then known to be objected to. Durable when it resolves.
   */
  async record(request: ObjectionRequest, caller: Caller): Promise<Objection> {
    const { purpose, withdrawn = false, channel } = request
    const draft = this.#draft(request, caller)
    const placed = await this.#ledger.appendOne(draft, caller.id)
    if (placed.status === 'conflict')
      throw new Fault('conflict', 'another objection has this id: give this one another, or none')
    const { seq, leaf, recorded, status } = placed
    return {
      seq,
      subject: draft.subject.id,
      purpose,
      ...(channel === undefined ? {} : { channel }),
      withdrawn,
      time: formatTime(draft.time),
      receipt: { seq, leaf, recorded, status },
    }
  }

  /** As `record`, for many in their order: what is refused keeps back none of the others. Durable when it resolves. */
  async recordAll(requests: readonly ObjectionRequest[], caller: Caller): Promise<PlacedObjection[]> {
    const drafts: (Draft & { subject: Subject })[] = []
    const refused = new Map<number, Fault>()
    for (const [at, request] of requests.entries()) {
      try {
        drafts.push(this.#draft(request, caller))
      } catch (error) {
        if (!isFault(error)) throw error
        refused.set(at, error)
      }
    }
    const results = (await this.#ledger.append(drafts, { actor: caller.id })) as Appended[]
    let next = 0
    return requests.map((request, at) => {
      const fault = refused.get(at)
      if (fault) return problemOf(fault)
      const { subject, time } = drafts[next]!
      const result = results[next++]!
      if (result.status === 'refused') return problemOf(result.fault)
      const { seq, leaf, recorded, status } = result
      return { subject: subject.id, channel: request.channel, time, receipt: { seq, leaf, recorded, status } }
    })
  }

  #draft(request: ObjectionRequest, caller: Caller): Draft & { subject: Subject } {
    const { purpose, withdrawn = false, channel, note } = request
    const now = this.#clock.now()
    const time = request.time === undefined ? now : parseTime(request.time)
    if (time === undefined) throw new Fault('invalid', `"${request.time}" is no time`)
    if (time > now + AHEAD) throw new Fault('invalid', 'an objection holds from when it is made: its time has not come')
    if (channel !== undefined && purpose !== 'marketing')
      throw new Fault('invalid', 'profiling has no channel: only an objection to marketing may name one')
    const subject = minted(this.#ledger.subjects, request)
    if (subject === 'erased')
      throw new Fault('conflict', 'this person was erased: nothing is recorded about them again')
    if (subject === undefined) throw new Fault('not_found', 'no subject has this id')
    const body: Body = {
      purpose,
      withdrawn,
      ...(channel === undefined ? {} : { channel }),
      ...(note === undefined ? {} : { note }),
    }
    return {
      kind: 'objection/1',
      stream: OBJECTIONS,
      source: caller.source,
      id: request.id ?? randomUUID(),
      time,
      subject,
      refs: { purpose, ...(withdrawn ? { withdrawn: 'true' } : {}), ...(channel === undefined ? {} : { channel }) },
      content: Buffer.from(JSON.stringify(body)),
      touches: [consentKey(subject.id)],
    }
  }

  /** What holds of one person. */
  async check(query: ObjectionQuery): Promise<ObjectionState> {
    const head = this.#ledger.size
    const asOf = query.asOf === undefined ? head : Number(query.asOf)
    if (asOf > head) throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${head}`)
    const at = query.at === undefined ? this.#clock.now() : parseTime(query.at)
    if (at === undefined) throw new Fault('invalid', `"${query.at}" is no time`)
    const subject = found(this.#ledger.subjects, query)
    if (subject === 'erased')
      throw new Fault('not_found', 'this person was erased: what they objected to can no longer be read')
    const history = subject === undefined ? [] : await this.said(subject.id, { asOf, at })
    const because = new Map(
      purposes
        .filter((each) => (query.purpose ?? each) === each)
        .flatMap((purpose) => standing(history, purpose))
        .map((said) => [said.seq, said]),
    )
    return {
      known: subject !== undefined,
      objects: {
        profiling: standing(history, 'profiling').length > 0,
        marketing: standing(history, 'marketing').length > 0,
      },
      because: [...because.values()].map(({ seq, purpose, channel, time }) => ({
        seq,
        purpose,
        ...(channel === undefined ? {} : { channel }),
        time: formatTime(time),
      })),
      asOf,
      at: formatTime(at),
    }
  }

  /** The ids of everyone who objects to a purpose. */
  async everyone(purpose: Purpose, { asOf, at }: Moment = {}): Promise<Set<string>> {
    await this.#follower.reach('objection', 'conflict')
    // As `standing` has it, for everyone at once.
    const rows = await this.#database.query<{ subject: string }>(
      `select distinct subject from objection said
       where purpose = any($1::text[]) and not withdrawn and seq < $2 and at <= $3
         and (channel is null or purpose = $4)
         and not exists (
           select 1 from objection back
           where back.subject = said.subject and back.purpose = said.purpose and back.withdrawn
             and (back.channel is null or back.channel = said.channel)
             and back.seq > said.seq and back.at >= said.at and back.seq < $2 and back.at <= $3
         )`,
      [covers[purpose], BigInt(asOf ?? Number.MAX_SAFE_INTEGER), BigInt(at ?? Number.MAX_SAFE_INTEGER), purpose],
    )
    return new Set(rows.map(({ subject }) => subject))
  }

  /** What one person said of objecting, in records before `asOf` and until `at`. */
  async said(subject: string, { asOf, at }: Required<Moment>): Promise<Said[]> {
    await this.#follower.reach('objection', 'conflict')
    const rows = await this.#database.query<{
      seq: bigint
      purpose: Purpose
      withdrawn: boolean
      at: bigint
      channel: string | null
    }>('select seq, purpose, withdrawn, at, channel from objection where subject = $1 and seq < $2 and at <= $3', [
      subject,
      BigInt(asOf),
      BigInt(at),
    ])
    return rows.map((row) => ({
      seq: Number(row.seq),
      purpose: row.purpose,
      withdrawn: row.withdrawn,
      time: Number(row.at),
      channel: row.channel ?? undefined,
    }))
  }
}

function problemOf({ code, message }: Fault): { problem: Problem } {
  return { problem: { code, message } }
}

// Consent receipts: recorded one by one, sealed under their person, shown again, and asked about.
import type {
  ConsentBatch as ConsentBatchInput,
  ConsentCheck,
  ConsentCheckQuery,
  ConsentChecks,
  ConsentReceipt,
  ConsentResults,
  Consents as ConsentsAnswer,
  ConsentsQuery,
  QuotedNotice,
  RecordedConsent,
} from '@whence/sdk'
import { ConsentBatch } from '@whence/sdk'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { hash } from 'node:crypto'
import { Fault, isFault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { PurposesPolicy } from '../../rules/consent/purposes.ts'
import type { StatedPurpose } from '../../rules/consent/purposes.ts'
import type { ConsentVerdict } from '../../rules/consent/verdict.ts'
import { standing } from '../../rules/consent/objection.ts'
import type { Said } from '../../rules/consent/objection.ts'
import { noticeDigest, statedPurposes } from '../../rules/consent/purposes.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { PolicyBook } from '../events/policy-book.ts'
import { consentKey, CONSENTS, receiptOf, recordId } from './consent-record.ts'
import type { ConsentStanding } from './standing.ts'
import { foundId, minted } from './who.ts'

/** What was imported, as it came: exports give it back. */
export interface Original {
  readonly imported: 'kantara' | 'tcf' | 'gpp'
  readonly original: Json
}

/** A receipt on its way in. */
export type IncomingReceipt = ConsentReceipt & Partial<Original>

/** The purpose of a receipt that names no other thing than profiling. */
const NAMELESS = 'profiling'

/** Clocks of other systems run ahead by so much, at most. */
const AHEAD = 300 * SECOND

export class Consents {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #policies: PolicyBook<PurposesPolicy>
  readonly #standing: ConsentStanding
  readonly #clock: Clock

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    policies: PolicyBook<PurposesPolicy>
    standing: ConsentStanding
    clock: Clock
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#policies = parts.policies
    this.#standing = parts.standing
    this.#clock = parts.clock
  }

  record(batch: ConsentBatchInput, caller: Caller): Promise<ConsentResults> {
    return this.take(ConsentBatch.parse(batch).consents, caller)
  }

  /** Records receipts in their order. Durable when it resolves; what is refused keeps back none of the others. */
  async take(receipts: readonly IncomingReceipt[], caller: Caller): Promise<ConsentResults> {
    const answer: ConsentResults = { recorded: 0, duplicate: 0, conflict: 0, refused: 0, results: [] }
    const drafts: Draft[] = []
    const refused = new Map<number, Fault>()
    for (const [at, receipt] of receipts.entries()) {
      try {
        drafts.push(this.#draft(receipt, caller))
      } catch (error) {
        if (!isFault(error)) throw error
        refused.set(at, error)
      }
    }
    const placed = (await this.#ledger.append(drafts, { actor: caller.id })) as Appended[]
    let next = 0
    for (const [at, { id, version }] of receipts.entries()) {
      const draft = refused.has(at) ? undefined : drafts[next]!
      const result = draft && placed[next++]!
      if (draft === undefined || result === undefined || result.status === 'refused') {
        const { code, message } = result?.status === 'refused' ? result.fault : refused.get(at)!
        answer.refused++
        answer.results.push({ id, version, status: 'refused', problem: { code, message } })
        continue
      }
      const { seq, leaf, recorded, status } = result
      const quoted = draft.header?.quoted as QuotedNotice | undefined
      answer[status]++
      answer.results.push({
        id,
        version,
        status,
        subject: draft.subject!.id,
        ...(quoted ? { notice: quoted } : {}),
        receipt: { seq, leaf, recorded, status },
      })
    }
    return answer
  }

  /** The receipts of one person, newest first. What was said of them since they were erased is not there. */
  async list({ asOf, before, limit = 100, ...who }: ConsentsQuery): Promise<ConsentsAnswer> {
    const end = this.#position(asOf)
    const subject = foundId(this.#ledger.subjects, who)
    if (subject === 'erased' || (subject !== undefined && this.#ledger.subjects.isGone(subject)))
      throw new Fault('not_found', 'no person has this id, or they were erased: what they said can no longer be read')
    if (subject === undefined) return { known: false, consents: [], asOf: end }
    await this.#follower.reach('consent', 'conflict')
    const rows = await this.#database.query<{ seq: bigint }>(
      'select distinct seq from consent_said where subject = $1 and seq < $2 order by seq desc limit $3',
      [subject, BigInt(Math.min(end, before === undefined ? end : Number(before))), limit + 1],
    )
    const consents = rows.slice(0, limit).flatMap(({ seq }) => this.#recorded(Number(seq)) ?? [])
    const next = rows.length > limit ? { next: Number(rows[limit - 1]!.seq) } : {}
    return { known: true, subject, consents, ...next, asOf: end }
  }

  /** What a record of a receipt holds, with the original where it was imported. Throws `not_found`. */
  open(seq: number): { header: Record<string, unknown>; body: IncomingReceipt } {
    const entry = seq < this.#ledger.size ? this.#ledger.entry(seq) : undefined
    if (entry?.stream !== CONSENTS) throw new Fault('not_found', `record ${seq} is no consent receipt`)
    const opened = this.#ledger.open(seq)
    if (opened.state !== 'open')
      throw new Fault('not_found', `the receipt at record ${seq} is ${opened.state}: it can no longer be read`)
    return { header: opened.header, body: JSON.parse(Buffer.from(opened.content).toString('utf8')) as IncomingReceipt }
  }

  /** Whether somebody may be asked: by what is on record now, or as of a position. */
  async check(query: ConsentCheckQuery): Promise<ConsentCheck> {
    const { asOf, at: asked, purpose, channel, jurisdiction } = query
    const now = this.#ledger.size
    const end = this.#position(asOf)
    const at = asked === undefined ? undefined : parseTime(asked)
    if (asked !== undefined && at === undefined) throw new Fault('invalid', `"${asked}" is no time`)
    const subject = foundId(this.#ledger.subjects, query)
    const question = { subject: subject ?? '', purpose, channel, jurisdiction }
    const head = { ...(subject === undefined || subject === 'erased' ? {} : { subject }), asOf: end }
    if (at === undefined && end === now) {
      const time = this.#clock.now()
      return { ...this.#standing.check({ ...question, at: time }), ...head, at: formatTime(time) }
    }
    const time = at ?? parseTime(this.#ledger.entry(Math.max(0, end - 1)).recorded)!
    const known = subject === undefined || this.#ledger.subjects.isGone(subject) ? undefined : subject
    const history = known === undefined ? undefined : this.#standing.historyOf(known, end)
    const purposes = statedPurposes(await this.#policies.inForce(end))
    return { ...this.#standing.judgeBy({ ...question, at: time }, purposes, history), ...head, at: formatTime(time) }
  }

  async checkMany(queries: readonly ConsentCheckQuery[]): Promise<ConsentChecks> {
    const results: ConsentCheck[] = []
    for (const query of queries) results.push(await this.check(query))
    const allowed = results.filter((each) => each.allowed).length
    return { allowed, denied: results.length - allowed, results }
  }

  /**
   * What stood of a person for the purposes that profile, by the policies and records before a position: the objections,
   * and a verdict for each purpose; where no policy states one that profiles, for "profiling" if receipts speak of it.
   */
  async profiling(
    subject: string,
    { at, asOf }: { at: number; asOf: number },
  ): Promise<{ objections: Said[]; verdicts: { purpose: string; verdict: ConsentVerdict }[] }> {
    const history = this.#standing.historyOf(subject, asOf)
    const stated = statedPurposes(await this.#policies.inForce(asOf))
    const spoken =
      stated.some(({ name }) => name === NAMELESS) || !history.consents.some(({ purpose }) => purpose === NAMELESS)
    const implied: StatedPurpose[] = spoken
      ? []
      : [
          {
            name: NAMELESS,
            marketing: false,
            profiling: true,
            grounds: [{ basis: 'consent', receipt: true }],
            policy: 'without a policy',
          },
        ]
    const purposes = [...stated, ...implied]
    return {
      objections: standing(history.objections, 'profiling'),
      verdicts: purposes
        .filter(({ profiling, name }) => profiling || name === NAMELESS)
        .map(({ name: purpose }) => ({
          purpose,
          verdict: this.#standing.judgeBy({ subject, purpose, at }, purposes, history),
        })),
    }
  }

  #draft(receipt: IncomingReceipt, caller: Caller): Draft {
    const { identifier, subject: subjectId, subjectType, ...said } = receipt
    const now = this.#clock.now()
    const time = this.#timeOf(said.time, now)
    for (const text of [said.expires, ...said.purposes.map(({ expires }) => expires)])
      if (text !== undefined && parseTime(text) === undefined) throw new Fault('invalid', `"${text}" is no time`)
    const quoted = this.#quote(said)
    const subject = minted(this.#ledger.subjects, { identifier, subject: subjectId, subjectType })
    if (subject === 'erased')
      throw new Fault('conflict', 'this person was erased: nothing is recorded about them again')
    if (subject === undefined) throw new Fault('not_found', `no subject has the id ${subjectId}, or it was erased`)
    return {
      kind: 'consent/1',
      stream: CONSENTS,
      source: caller.source,
      id: recordId(said.id, said.version),
      time,
      subject,
      // Lists of equal length: one place a purpose.
      refs: {
        purpose: said.purposes.map(({ purpose }) => purpose).join(' '),
        state: said.purposes.map(({ state }) => state ?? said.state).join(' '),
        channel: said.purposes.map(({ channels }) => channels?.join(',') ?? '*').join(' '),
      },
      content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(said)) as Json)),
      // Beside the content: the same receipt is the same whatever is in force when it comes.
      ...(quoted ? { header: { quoted } } : {}),
      touches: [consentKey(subject.id)],
    }
  }

  #timeOf(text: string | undefined, now: number): number {
    const time = text === undefined ? now : parseTime(text)
    if (time === undefined) throw new Fault('invalid', `"${text}" is no time`)
    if (time > now + AHEAD) throw new Fault('invalid', 'a receipt says what was said: its time has not come')
    return time
  }

  /** The notice on the log that a receipt names. Throws `invalid` where the receipt quotes another text of its version. */
  #quote({ notice, language, jurisdiction }: IncomingReceipt): QuotedNotice | undefined {
    if (!notice) return undefined
    const digest = notice.text === undefined ? undefined : hash('sha256', notice.text, 'hex')
    if (digest !== undefined && notice.sha256 !== undefined && digest !== notice.sha256)
      throw new Fault('invalid', `the digest of notice ${notice.version} is not that of the text beside it`)
    const given = notice.sha256 ?? digest
    const spoken = notice.language ?? language
    const found = this.#standing
      .notices()
      .filter(
        (each) =>
          each.notice.version === notice.version &&
          (spoken === undefined || each.notice.language === spoken) &&
          (each.notice.jurisdiction === undefined ||
            each.notice.jurisdiction === jurisdiction ||
            (jurisdiction?.startsWith(`${each.notice.jurisdiction}-`) ?? false)),
      )
    if (found.length === 0) return undefined
    const quotes = found.map(({ notice: held, policy, seq }) => ({ sha256: noticeDigest(held), policy, seq }))
    const exact = given === undefined ? undefined : quotes.find(({ sha256 }) => sha256 === given)
    if (given !== undefined && !exact)
      throw new Fault(
        'invalid',
        `notice ${notice.version} is on the log (${quotes[0]!.policy}) with another text: give this one another version`,
      )
    // Of several texts of one version only a receipt that says which one quotes it.
    return exact ?? (quotes.every(({ sha256 }) => sha256 === quotes[0]!.sha256) ? quotes[0] : undefined)
  }

  #recorded(seq: number): RecordedConsent | undefined {
    const { recorded, kind } = this.#ledger.entry(seq)
    const opened = this.#ledger.open(seq)
    if (opened.state !== 'open') return undefined
    const { original: _, ...receipt } = JSON.parse(Buffer.from(opened.content).toString('utf8')) as IncomingReceipt
    const quoted = opened.header.quoted as QuotedNotice | undefined
    return {
      seq,
      recorded,
      ...(kindOf({ kind }) === 'conflict' ? { conflict: true } : {}),
      ...(quoted ? { quoted } : {}),
      receipt: { ...receipt, id: receiptOf(opened.header).id, time: String(opened.header.time) },
    }
  }

  #position(asOf: unknown): number {
    const head = this.#ledger.size
    const position = asOf === undefined ? head : Number(asOf)
    if (position > head) throw new Fault('invalid', `position ${position} is in the future: the log ends at ${head}`)
    return position
  }
}

// Who may be asked, answered from memory. Its state is that of the log up to its size: it hears of every commit before
// anybody is told of it, and whoever depends on it appends under the key `consent:SUBJECT`.
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import { judge, permits } from '../../rules/consent/judge.ts'
import type { History } from '../../rules/consent/judge.ts'
import { standing } from '../../rules/consent/objection.ts'
import type { Purpose, Said } from '../../rules/consent/objection.ts'
import { statedPurposes } from '../../rules/consent/purposes.ts'
import type { Notice, PurposesPolicy, StatedPurpose } from '../../rules/consent/purposes.ts'
import type { ConsentQuestion, ConsentVerdict, Standing } from '../../rules/consent/verdict.ts'
import type { Database } from '../../store/database.ts'
import type { PlanRecord } from '../events/plan-records.ts'
import type { PolicyBook, PolicyInForce } from '../events/policy-book.ts'
import { CONSENTS, consentsOf, OBJECTIONS, receiptOf, uuidText } from './consent-record.ts'
import { heldConsents } from './consents-held.ts'
import { objectionOf } from './objections.ts'
import { Statements } from './statements.ts'
import type { HeldConsent } from './statements.ts'

/** When somebody's word is asked for: at which time, and knowing which records. */
export interface Asked {
  readonly at: number
  readonly asOf?: number
}

export class ConsentStanding implements Standing, LiveProjection {
  readonly kinds = ['consent', 'objection', 'conflict', 'purposes', 'plan'] as const
  readonly #ledger: Ledger
  readonly #database: Database
  readonly #policies: PolicyBook<PurposesPolicy>
  readonly #inForce = new Map<string, PolicyInForce<PurposesPolicy>>()
  #statements = new Statements()
  #purposes: readonly StatedPurpose[] = []
  /** People of whom a record was made that could not be read: nobody knows what they said. */
  readonly #unread = new Set<string>()
  #loaded = false

  constructor(parts: { ledger: Ledger; database: Database; policies: PolicyBook<PurposesPolicy> }) {
    this.#ledger = parts.ledger
    this.#database = parts.database
    this.#policies = parts.policies
  }

  /** Never waits, never throws: what cannot be said denies. */
  check(question: ConsentQuestion): ConsentVerdict {
    if (!this.#loaded) return deny('unknown', 'the server is starting: what is on record is not known yet')
    const { subject } = question
    if (this.#unread.has(subject))
      return deny('unknown', 'a record of what this person said cannot be read: whence verify says which')
    return this.judgeBy(question, this.#purposes, known(this.#statements.of(subject), question.at))
  }

  /** As `check` would have answered when the log had `asOf` records and stated these purposes. */
  checkBefore(question: ConsentQuestion, asOf: number, purposes: readonly StatedPurpose[]): ConsentVerdict {
    const { subject, at } = question
    if (this.#unread.has(subject))
      return deny('unknown', 'a record of what this person said cannot be read: whence verify says which')
    return this.judgeBy(question, purposes, known(this.#statements.of(subject, asOf), at))
  }

  /** As `check`, by the purposes of some position and by what a person had said by then. */
  judgeBy(
    question: ConsentQuestion,
    purposes: readonly StatedPurpose[],
    history: History = { consents: [], objections: [] },
  ): ConsentVerdict {
    if (question.subject === 'erased' || (question.subject !== '' && this.#ledger.subjects.isGone(question.subject)))
      return deny('erased', 'no person has this id, or they were erased: nothing is known of them')
    const { grant, ...ruling } = judge(question, purposes, history)
    if (!grant) return ruling
    try {
      return { ...ruling, receipt: this.receiptOf(grant as HeldConsent) }
    } catch (error) {
      // A grant that cannot be shown is none.
      return { ...deny('unknown', `the receipt cannot be read: ${(error as Error).message}`), because: grant.seq }
    }
  }

  /** The notices of all policies in force, each with the policy that holds it. */
  notices(): { notice: Notice; policy: string; seq: number }[] {
    return [...this.#inForce.values()].flatMap(({ policy, version, seq }) =>
      policy.notices.map((notice) => ({ notice, policy: `${policy.name}@v${version}`, seq })),
    )
  }

  /** What a person had said in records before a position, in the log's order. Throws `altered` where one does not read. */
  historyOf(subject: string, asOf: number): History {
    if (this.#unread.has(subject))
      throw new Fault('altered', 'a record of what this person said cannot be read: whence verify says which')
    const { consents, objections } = this.#statements.of(subject, asOf)
    return { consents: consents.toReversed(), objections: objections.toReversed() }
  }

  /** The objections of a person that stand to a purpose. */
  objections(subject: string, purpose: Purpose, { at, asOf }: Asked): Said[] {
    const { objections } = this.#statements.of(subject, asOf)
    const known = objections.filter(({ time }) => time <= at)
    return known.length === 0 ? [] : standing(known, purpose)
  }

  /** The position of the last record by which a person allowed something, or took an objection back; -1: there is none. */
  lastAllowed(subject: string): number {
    const { consents, objections } = this.#statements.of(subject)
    const allowing = [...consents.filter(({ state }) => permits(state)), ...objections.filter((said) => said.withdrawn)]
    return allowing.reduce((last, { seq }) => Math.max(last, seq), -1)
  }

  /** The receipt that a grant is on. Throws `altered` where its record has to be opened and does not open. */
  receiptOf({ seq, receipt: { id, version } }: HeldConsent): NonNullable<ConsentVerdict['receipt']> {
    if (id !== undefined) return { id: uuidText(id), version: String(version), seq }
    const opened = this.#ledger.open(seq)
    if (opened.state !== 'open') throw new Error(`record ${seq} is ${opened.state}`)
    return { ...receiptOf(opened.header), seq }
  }

  async load(): Promise<void> {
    this.#statements = new Statements()
    for await (const { subject, said } of heldConsents(this.#database)) this.#statements.addConsent(subject, said)
    const rows = await this.#database.query<{
      seq: bigint
      subject: string
      purpose: Purpose
      channel: string | null
      withdrawn: boolean
      at: bigint
    }>('select seq, subject, purpose, channel, withdrawn, at from objection order by seq')
    for (const { subject, seq, at, channel, ...said } of rows)
      this.#statements.addObjection(subject, {
        ...said,
        seq: Number(seq),
        time: Number(at),
        channel: channel ?? undefined,
      })
    for (const each of await this.#policies.inForce(this.#ledger.size)) this.#inForce.set(each.policy.name, each)
    this.#purposes = statedPurposes([...this.#inForce.values()])
    this.#loaded = true
  }

  apply(record: LiveRecord): void {
    const kind = kindOf(record.entry)
    if (kind === 'purposes') this.#takePolicy(record)
    else if (kind === 'plan') this.#takeRemovals(record)
    else this.#takeSaid(record)
  }

  forget(subjects: readonly string[]): void {
    for (const subject of subjects) this.#statements.forget(subject)
  }

  #takeSaid(record: LiveRecord): void {
    const { entry, subject } = record
    if (entry.stream !== CONSENTS && entry.stream !== OBJECTIONS) return
    try {
      const opened = record.open()
      if (entry.stream === CONSENTS)
        for (const said of consentsOf(record, opened)) this.#statements.addConsent(subject, said)
      else {
        const said = objectionOf(record, opened)
        if (said) this.#statements.addObjection(subject, said)
      }
    } catch {
      this.#unread.add(subject)
    }
  }

  #takePolicy({ seq, entry: { refs }, open }: LiveRecord): void {
    const name = refs.name!
    // A policy that does not read states nothing: its purposes are unknown, and unknown denies.
    let policy: PurposesPolicy = { kind: 'Purposes', name, notices: [], purposes: [] }
    try {
      const opened = open()
      if (opened.state === 'open')
        policy = this.#policies.form.parse(Buffer.from(opened.content).toString('utf8'), name)
    } catch (error) {
      console.error(`whence: purposes ${name}@v${refs.version} cannot be read and permit nothing:`, error)
    }
    this.#inForce.set(name, { policy, version: Number(refs.version), seq })
    this.#purposes = statedPurposes([...this.#inForce.values()])
  }

  #takeRemovals(record: LiveRecord): void {
    const opened = record.open()
    if (opened.state !== 'open') return
    for (const change of (JSON.parse(Buffer.from(opened.content).toString('utf8')) as PlanRecord).changes)
      if (change.kind === 'purposes' && change.action === 'remove') this.#inForce.delete(change.name)
    this.#purposes = statedPurposes([...this.#inForce.values()])
  }
}

/**
 * What is on record denies now, whatever its time says: a clock that was set back must not take anything away that was
 * acknowledged.
 */
function known({ consents, objections }: History, at: number): History {
  return {
    consents: consents.map((said) => (permits(said.state) || said.time <= at ? said : { ...said, time: at })),
    objections: objections.map((said) => (said.withdrawn || said.time <= at ? said : { ...said, time: at })),
  }
}

function deny(code: ConsentVerdict['code'], reason: string): ConsentVerdict {
  return { allowed: false, code, reason }
}

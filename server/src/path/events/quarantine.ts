// Quarantine: what did not pass is kept, sealed, listed, and can be released under a later contract version.
import type { Quarantined, Release, ReleaseRequest, Stream, Violation } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger, OpenedRecord } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { DAY } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { readContent } from '../../rules/contracts/content.ts'
import { extract, judge } from '../../rules/contracts/judge.ts'
import type { Database } from '../../store/database.ts'
import type { KeyStore } from '../../store/keys.ts'
import type { ContractBook } from './contract-book.ts'
import type { Events } from './events.ts'

interface Row {
  seq: bigint
  stream: string
  source: string
  reason: Quarantined['reason']
  released: bigint | null
}

export class Quarantine {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #contracts: ContractBook
  readonly #events: Events
  readonly #clock: Clock

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    contracts: ContractBook
    events: Events
    clock: Clock
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#contracts = parts.contracts
    this.#events = parts.events
    this.#clock = parts.clock
  }

  /** What is in quarantine, the newest first; `line` narrows it to that line of the files that were ingested. */
  async list(query: {
    stream?: string | undefined
    line?: number | undefined
    limit: number
    before?: number | undefined
  }): Promise<Quarantined[]> {
    await this.#follower.reach('event', 'conflict', 'release')
    const found: Quarantined[] = []
    let before = query.before ?? this.#ledger.size
    while (found.length < query.limit) {
      const rows = await this.#database.query<Row>(
        'select seq, stream, source, reason, released from quarantine where seq < $1 and ($2::text is null or stream = $2) order by seq desc limit $3',
        [BigInt(before), query.stream ?? null, 500],
      )
      for (const row of rows) {
        const { item, position } = this.#describe(row)
        if (query.line !== undefined && !position?.endsWith(`:${query.line}`)) continue
        if (found.length < query.limit) found.push(item)
      }
      if (rows.length < 500) break
      before = Number(rows.at(-1)!.seq)
    }
    return found
  }

  /** Judges what is in quarantine again, under the contract in force; what passes now joins its stream. */
  async release(request: ReleaseRequest, caller: Caller): Promise<Release> {
    const { contract } = this.#contracts.inForce(request.stream)
    await this.#follower.reach('event', 'conflict', 'release')
    const rows = await this.#database.query<Row>(
      'select * from quarantine where stream = $1 and released is null order by seq',
      [request.stream],
    )
    const open = new Map(rows.map((row) => [Number(row.seq), row]))
    const answer: Release = { contract: `${contract.id}@${contract.version}`, released: [], kept: [] }
    for (const seq of request.seqs ?? open.keys()) {
      const row = open.get(seq)
      if (!row) {
        answer.kept.push({ seq, violations: [], reason: 'it is not in quarantine, or was released already' })
        continue
      }
      if (row.reason === 'conflict') {
        answer.kept.push({ seq, violations: [], reason: 'another record holds its id: a conflict is not released' })
        continue
      }
      const opened = this.#ledger.open(seq)
      if (opened.state !== 'open') {
        answer.kept.push({ seq, violations: [], reason: 'its key is destroyed' })
        continue
      }
      const { value, problems } = readContent(opened.content)
      const judgement = judge(contract, value, problems)
      const found = extract(contract, value)
      if ((judgement.outcome !== 'passed' && judgement.outcome !== 'flagged') || found.subject === undefined) {
        answer.kept.push({ seq, violations: judgement.violations, reason: `it does not pass ${answer.contract}` })
        continue
      }
      const subject = this.#ledger.subjects.mint(contract.roles.subjectType, found.subject)
      if (subject === 'erased') {
        answer.kept.push({ seq, violations: [], reason: 'this person was erased' })
        continue
      }
      const failed = judgement.violations.map((violation) => violation.rule).join(',')
      const draft: Draft = {
        kind: 'release/1',
        stream: request.stream,
        source: row.source,
        id: String(opened.header.id),
        time: found.time ?? this.#clock.now(),
        refs: { contract: answer.contract, outcome: judgement.outcome, of: String(seq), ...(failed ? { failed } : {}) },
        content: opened.content,
        subject,
        header: { ...opened.header, violations: judgement.violations },
      }
      const [result] = (await this.#ledger.append([draft], { actor: caller.id })) as Appended[]
      if (result!.status === 'refused') throw result!.fault
      const { erased: _, ...receipt } = result!
      answer.released.push({ seq, receipt })
    }
    return answer
  }

  async streams(): Promise<Stream[]> {
    return Promise.all(this.#contracts.streams().map((stream) => this.stream(stream)))
  }

  /** A stream's accounting and the gaps in its sources' sequence numbers. */
  async stream(stream: string): Promise<Stream> {
    const { contract } = this.#contracts.inForce(stream)
    await this.#follower.reach('event', 'conflict', 'release')
    const counts = await this.#database.query<{ outcome: string; records: bigint }>(
      'select outcome, records from stream_count where stream = $1',
      [stream],
    )
    const gaps = await this.#database.query<{ source: string; from: bigint; to: bigint }>(
      `select source, last + 1 as "from", next - 1 as "to" from
         (select source, last, lead(first) over (partition by source order by first) as next from sequence_range where stream = $1) ranges
       where next is not null order by source, last limit 1000`,
      [stream],
    )
    const recorded: Stream['recorded'] = { passed: 0, flagged: 0, quarantined: 0, dropped: 0, conflict: 0, released: 0 }
    for (const { outcome, records } of counts) {
      if (outcome in recorded) recorded[outcome as keyof typeof recorded] = Number(records)
    }
    return {
      stream,
      contract: `${contract.id}@${contract.version}`,
      recorded,
      sinceStart: this.#events.sinceStart(stream),
      gaps: gaps.map(({ source, from, to }) => ({
        source,
        from: String(from),
        to: String(to),
        missing: String(to - from + 1n),
      })),
      asOf: this.#follower.next,
    }
  }

  /** Destroys the keys of days whose retention is over: what was sealed under them can be read no more. */
  async expire(keys: KeyStore): Promise<number> {
    const today = Math.floor(this.#clock.now() / DAY)
    const due = [...keys.slots()]
      .filter((slot) => slot.state === 'live' && slot.day > 0)
      .filter((slot) =>
        this.#contracts.streams().some((stream) => {
          const { contract } = this.#contracts.inForce(stream)
          return (
            slot.day + contract.retentionDays < today && keys.lookup(`\0day\0${stream}\0${slot.day}`) === slot.lookup
          )
        }),
      )
    if (due.length === 0) return 0
    this.#ledger.subjects.beginErasing(due.map((slot) => slot.id))
    await this.#ledger.settled()
    await this.#ledger.settle()
    const seqs = due.flatMap((slot) => this.#ledger.recordsLinkedTo(slot.id))
    const now = this.#clock.now()
    await this.#ledger.appendOne(
      {
        kind: 'expiry/1',
        stream: 'whence.expiries',
        source: 'whence',
        id: String(now),
        time: now,
        content: Buffer.from(JSON.stringify({ keysDestroyed: due.length, recordsUnreadable: seqs.length })),
      },
      'whence',
    )
    await this.#ledger.unlink(seqs)
    this.#ledger.subjects.forget(due.map((slot) => slot.id))
    await keys.destroy(due)
    return due.length
  }

  #describe(row: Row): { item: Quarantined; position: string | undefined } {
    const seq = Number(row.seq)
    const item: Quarantined = {
      seq,
      stream: row.stream,
      source: row.source,
      reason: row.reason,
      recorded: this.#ledger.entry(seq).recorded,
      violations: [],
      erased: false,
    }
    if (row.released !== null) item.released = Number(row.released)
    let opened: OpenedRecord
    try {
      opened = this.#ledger.open(seq)
    } catch (error) {
      throw Fault.from(error)
    }
    if (opened.state !== 'open') return { item: { ...item, erased: true }, position: undefined }
    item.id = String(opened.header.conflicting ?? opened.header.id)
    item.violations = (opened.header.violations as Violation[] | undefined) ?? []
    const place = /^(.*):(\d+)$/.exec((opened.header.position as string | undefined) ?? '')
    if (place) {
      item.file = place[1]!
      item.line = Number(place[2])
    }
    item.content = new TextDecoder().decode(opened.content)
    return { item, position: opened.header.position as string | undefined }
  }
}

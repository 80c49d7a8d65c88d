// The events step: what came through a door is read, judged under its stream's contract, and remembered with the verdict.
import type { Accounting, EventResult, Ingested, IngestQuery } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import { MAX_PAYLOAD_BYTES } from '../../record/ledger/entry.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import { DAY } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { sourceOf } from '../../rules/access/access.ts'
import type { Caller } from '../../rules/access/access.ts'
import { LineSplitter, readContent } from '../../rules/contracts/content.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import { columnValues, extract, judge } from '../../rules/contracts/judge.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Outcome, Violation } from '../../rules/contracts/violation.ts'
import type { ContractBook } from './contract-book.ts'
import { numbersOf } from './numbers.ts'
import type { Numbering } from './numbers.ts'
import { readJsonBody } from './json-body.ts'
import type { RecentEvents } from './recent.ts'

/** Events appended in one go. */
const GROUP = 250

/** Events judged in one turn of the event loop, so that a large body does not hold up a single event for long. */
const TURN = 16

/** Lines that an answer lists of a kind: a body of nothing but faults must not fill the memory. */
const MOST_LISTED = 10_000

/** An event as it came: its bytes and its place in the body or file, from 1. */
interface Arrival {
  line: number
  bytes: Uint8Array
}

interface Judged {
  line: number
  draft: Draft | undefined
  /** Of an event without a draft: where it stood before its person was erased. */
  before?: number | undefined
  outcome: Outcome
  violations: Violation[]
  /** As features see it; undefined when it will not belong to the stream. */
  columns?: { time: Micros; known: Micros | undefined; values: unknown[] } | undefined
}

export function noEvents(): Accounting {
  return { received: 0, passed: 0, flagged: 0, quarantined: 0, dropped: 0, duplicate: 0, conflict: 0, refused: 0 }
}

export class Events {
  readonly #ledger: Ledger
  readonly #contracts: ContractBook
  readonly #clock: Clock
  readonly #recent: RecentEvents
  readonly #sinceStart = new Map<string, Accounting>()

  constructor(ledger: Ledger, contracts: ContractBook, clock: Clock, recent: RecentEvents) {
    this.#ledger = ledger
    this.#contracts = contracts
    this.#clock = clock
    this.#recent = recent
  }

  /** All that was received for a stream since the server started. */
  sinceStart(stream: string): Accounting {
    return this.#sinceStart.get(stream) ?? noEvents()
  }

  /**
   * Takes a body of events. Each is recorded, found to be a duplicate or a conflict, or refused, by itself; what could
   * not be read as a body at all throws `invalid`.
   */
  async ingest(
    stream: string,
    body: AsyncIterable<Uint8Array>,
    format: 'json' | 'ndjson',
    query: IngestQuery,
    caller: Caller,
  ): Promise<Ingested> {
    if (stream.startsWith('whence.'))
      throw new Fault('invalid', `${stream} is kept by Whence itself: it takes no events by this door`)
    const { contract } = this.#contracts.inForce(stream)
    if (contract.status === 'retired')
      throw new Fault('invalid', `the contract ${contract.id}@${contract.version} is retired: it takes no events`)
    const source = sourceOf(caller, query.source)
    if (source === undefined)
      throw new Fault(
        'forbidden',
        `this key records as "${caller.source}", not as "${query.source}": leave the source out`,
      )
    const answer: Ingested = {
      stream,
      contract: `${contract.id}@${contract.version}`,
      accounting: noEvents(),
      blank: [],
      results: [],
    }
    const numbers = numbersOf(query)
    const offset = (query.line ?? 1) - 1
    // One group is judged while the one before it is being written; the answers keep their order.
    let writing: Promise<void> = Promise.resolve()
    const take = async (arrivals: Arrival[]): Promise<void> => {
      const judged: Judged[] = []
      for (const [i, arrival] of arrivals.entries()) {
        if (i > 0 && i % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
        judged.push(this.#judge(contract, source, query.file, arrival, numbers?.at(arrival.line - 1)))
      }
      const before = writing
      writing = this.#take(contract, query, caller, judged, answer, before)
      writing.catch(() => {})
      await before
    }

    if (format === 'json') {
      const { items } = await readJsonBody(body)
      for (let at = 0; at < items.length; at += GROUP) {
        await take(items.slice(at, at + GROUP).map((bytes, i) => ({ line: offset + at + i + 1, bytes })))
      }
      await writing
      return answer
    }
    const splitter = new LineSplitter(MAX_PAYLOAD_BYTES)
    let group: Arrival[] = []
    const lines = async (found: ReturnType<LineSplitter['push']>): Promise<void> => {
      for (const line of found) {
        const number = offset + line.number
        if ('blank' in line) list(answer, answer.blank, number)
        else if ('tooLong' in line)
          this.#refuse(
            answer,
            stream,
            number,
            new Fault(
              'too_large',
              `line ${number} has ${line.bytes.toLocaleString('en')} bytes, more than 8 MiB: divide the event, or keep its bulk elsewhere`,
            ),
          )
        else group.push({ line: number, bytes: line.bytes })
        if (group.length === GROUP) {
          await take(group)
          group = []
        }
      }
    }
    for await (const chunk of body) await lines(splitter.push(chunk))
    await lines(splitter.end())
    if (group.length > 0) await take(group)
    await writing
    return answer
  }

  async #take(
    contract: Contract,
    query: IngestQuery,
    caller: Caller,
    judged: readonly Judged[],
    answer: Ingested,
    before: Promise<void>,
  ): Promise<void> {
    const drafts = judged.flatMap(({ draft }) => (draft ? [draft] : []))
    const appended = this.#ledger.append(drafts, { actor: caller.id })
    appended.catch(() => {})
    await before
    const results = (await appended) as Appended[]
    let next = 0
    for (const event of judged) {
      if (event.before !== undefined) {
        this.#count(
          answer,
          contract.stream,
          event,
          { status: 'duplicate', ...this.#ledger.receiptOf(event.before), erased: true },
          query.results === 'all',
        )
        continue
      }
      if (!event.draft) {
        this.#refuse(
          answer,
          contract.stream,
          event.line,
          new Fault('conflict', 'this person was erased; nothing more is recorded about them'),
          'erased',
        )
        continue
      }
      const result = results[next++]!
      this.#keep(contract, event, result)
      this.#count(answer, contract.stream, event, result, query.results === 'all')
    }
  }

  #keep(contract: Contract, { draft, columns }: Judged, result: Appended): void {
    if (!columns || result.status !== 'recorded') return
    const { time, values } = columns
    const known = columns.known ?? parseTime(result.recorded)!
    const event = { subject: draft!.subject!.id, time, known, contract, values }
    this.#recent.put(contract.stream, result.seq, event, draft!.content.length)
  }

  #judge(
    contract: Contract,
    source: string,
    file: string | undefined,
    { line, bytes }: Arrival,
    emitted: Numbering | undefined,
  ): Judged {
    const { value, problems } = readContent(bytes)
    const judgement = judge(contract, value, problems)
    const found = extract(contract, value)
    let { outcome } = judgement
    const violations = [...judgement.violations]
    const now = this.#clock.now()
    const position = file === undefined ? undefined : `${file}:${line}`
    // The number of an emitter's record is a place too: the same one again is the same event.
    const place = position ?? (emitted && `${emitted.emitter}:${emitted.n}`)
    const id = contract.roles.eventId === undefined ? place : found.id
    if (id === undefined && contract.roles.eventId === undefined) {
      violations.push({
        rule: 'event_id',
        type: 'Required-Missing',
        keyword: 'required',
        path: '',
        message: `contract ${contract.id}@${contract.version} names no event id, so an event is known by its place: say ?file=NAME&line=N`,
        outcome: 'quarantine',
      })
      outcome = outcome === 'dropped' ? outcome : 'quarantined'
    }
    const readable = found.subject !== undefined
    const subject = readable
      ? this.#ledger.subjects.mint(contract.roles.subjectType, found.subject!)
      : this.#ledger.subjects.ofDay(contract.stream, Math.floor(now / DAY))
    if (subject === 'erased') {
      const identity = placeBytes({ kind: 'event/1', stream: contract.stream, source, id: id ?? place ?? '' })
      const before = this.#ledger.find(identityOf(this.#ledger.subjects.idKey, identity))
      const same = before !== undefined && this.#ledger.line(before).erased
      return { line, draft: undefined, before: same ? before : undefined, outcome, violations }
    }
    const failed = [...new Set(violations.map((violation) => violation.rule))].join(',')
    const header: Record<string, unknown> = {}
    if (violations.length > 0) header.violations = violations
    if (position !== undefined) header.position = position
    if (!readable) header.unreadable = true
    // A sequence that the contract names is the source's own, and goes before the emitter's.
    const own = contract.roles.sequence === undefined ? emitted : undefined
    const draft: Draft = {
      kind: 'event/1',
      stream: contract.stream,
      source,
      id: id ?? place ?? `sha256:${hash('sha256', bytes, 'hex')}`,
      time: found.time ?? now,
      n: found.sequence ?? own?.n,
      refs: {
        contract: `${contract.id}@${contract.version}`,
        outcome,
        ...(failed ? { failed: failed.slice(0, 1000) } : {}),
        ...(own ? { emitter: own.emitter } : {}),
      },
      content: bytes,
      subject,
      header,
      keep: outcome !== 'dropped',
    }
    const belongs = readable && (outcome === 'passed' || outcome === 'flagged')
    if (!belongs) return { line, draft, outcome, violations }
    const known = found.known.clock === 'recorded' ? undefined : found.known.at
    const columns = { time: draft.time, known, values: columnValues(contract, value) }
    return { line, draft, outcome, violations, columns }
  }

  #count(answer: Ingested, stream: string, event: Judged, result: Appended, all: boolean): void {
    if (result.status === 'refused') return this.#refuse(answer, stream, event.line, result.fault)
    const { status, erased, ...place } = result
    for (const accounting of [answer.accounting, this.#totals(stream)]) {
      accounting.received++
      accounting[status === 'recorded' ? event.outcome : status]++
    }
    if (status === 'recorded') {
      answer.first ??= place.seq
      answer.last = place.seq
    }
    if (!all && status !== 'conflict' && (status === 'duplicate' || event.outcome === 'passed')) return
    const row: EventResult = { line: event.line, status, receipt: { ...place, status } }
    if (status === 'recorded') row.outcome = event.outcome
    if (event.violations.length > 0) row.violations = event.violations
    if (erased) row.erased = true
    list(answer, answer.results, row)
  }

  #refuse(answer: Ingested, stream: string, line: number, fault: Fault, code: string = fault.code): void {
    for (const accounting of [answer.accounting, this.#totals(stream)]) {
      accounting.received++
      accounting.refused++
    }
    list(answer, answer.results, { line, status: 'refused', problem: { code, message: fault.message } })
  }

  #totals(stream: string): Accounting {
    let totals = this.#sinceStart.get(stream)
    if (!totals) this.#sinceStart.set(stream, (totals = noEvents()))
    return totals
  }
}

/** Beyond the most that is listed a line is only counted. */
function list<Item>(answer: Ingested, items: Item[], item: Item): void {
  if (items.length < MOST_LISTED) items.push(item)
  else answer.omitted = (answer.omitted ?? 0) + 1
}

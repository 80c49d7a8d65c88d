// The collector: OpenLineage events as their producers send them, each read, judged and remembered as it came.
import type {
  Accounting,
  LineageBatch,
  LineageReceipt,
  LineageViolation,
  ReceivedLineageEvent,
  ReceivedLineageEvents,
} from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault, isFault } from '../../fault.ts'
import { MAX_PAYLOAD_BYTES } from '../../record/ledger/entry.ts'
import type { Entry } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Statement } from '../../record/lineage/statement.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { LineSplitter } from '../../rules/contracts/content.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { readLineageBytes } from '../../rules/lineage/event.ts'
import { noEvents } from '../events/events.ts'
import { readJsonBody } from '../events/json-body.ts'
import type { RecentStatements } from './recent.ts'

export const LINEAGE_STREAM = 'whence.lineage'

/** Events appended in one go, and their bytes. */
const GROUP = 250
const GROUP_BYTES = 16 * 1024 * 1024

/** Events read in one turn of the event loop, or bytes of them: others get their turn. */
const TURN = 16
const TURN_BYTES = 256 * 1024

/** Events that a list of an answer holds. */
const MOST_LISTED = 1000

/** Payload that one page of the list of received events reads. */
const PAGE_BYTES = 32 * 1024 * 1024

interface Arrival {
  index: number
  bytes: Uint8Array
}

interface Judged {
  index: number
  /** Absent: refused, with the reason. */
  draft: Draft | undefined
  fault: Fault | undefined
  violations: LineageViolation[]
}

/** What became of a body. `only`: of a body that is one event, that one's receipt or the fault it was refused with. */
export interface Collected {
  batch: LineageBatch
  only: LineageReceipt | Fault | undefined
}

export class Collector {
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #recent: RecentStatements
  readonly #sinceStart = noEvents()

  constructor(ledger: Ledger, clock: Clock, recent: RecentStatements) {
    this.#ledger = ledger
    this.#clock = clock
    this.#recent = recent
  }

  /** All that was received since the server started. */
  get sinceStart(): Accounting {
    return { ...this.#sinceStart }
  }

  /**
   * Takes one event, an array of them, or NDJSON. Each is recorded (durably, when this resolves), found to be a
   * duplicate, or refused, by itself. Throws `invalid` for a body that cannot be split, and `overloaded` or `disk_full`
   * while nothing of it has been recorded; later such failures are retriable ones of their events.
   */
  async collect(body: AsyncIterable<Uint8Array>, format: 'json' | 'ndjson', caller: Caller): Promise<Collected> {
    const answer = new Answer(this.#sinceStart)
    // One group is read while the one before it is being written; the answers keep their order.
    let writing: Promise<void> = Promise.resolve()
    let failed: { why: unknown } | undefined
    const single = { is: false }
    for await (const group of groups(body, format, single)) {
      const judged = await this.#judge(group, caller)
      // What was refused as a whole was refused before anything of it was taken: nothing may follow it.
      if (failed) throw failed.why
      const before = writing
      writing = this.#write(judged, caller, answer, before)
      writing.catch((why: unknown) => (failed = { why }))
      await before
    }
    await writing
    return { batch: answer.batch(), only: single.is ? answer.last : undefined }
  }

  async #judge(group: readonly Arrival[], caller: Caller): Promise<Judged[]> {
    const judged: Judged[] = []
    let bytes = 0
    for (const [i, arrival] of group.entries()) {
      if ((i > 0 && i % TURN === 0) || bytes > TURN_BYTES) {
        await new Promise((resolve) => setImmediate(resolve))
        bytes = 0
      }
      bytes += arrival.bytes.length
      judged.push(this.#judgeOne(arrival, caller))
    }
    return judged
  }

  #judgeOne({ index, bytes }: Arrival, caller: Caller): Judged {
    const read = readLineageBytes(bytes, this.#clock.now())
    const violations = 'refused' in read ? read.refused : read.violations
    if ('refused' in read || (caller.strict && read.rules.length > 0)) {
      const strict = 'refused' in read ? '' : ' (this key is strict)'
      const code = read.rules.includes('event.size') ? 'too_large' : 'invalid'
      return { index, draft: undefined, fault: new Fault(code, `${reasons(violations)}${strict}`), violations }
    }
    const draft: Draft = {
      kind: 'lineage/1',
      stream: LINEAGE_STREAM,
      source: caller.source,
      id: `sha256:${hash('sha256', bytes, 'hex')}`,
      time: read.statement.time,
      refs: { event: kindOfEvent(read.statement), ...failed(read.rules) },
      content: bytes,
    }
    this.#recent.put(draft.id, read.statement, bytes.length)
    return { index, draft, fault: undefined, violations }
  }

  async #write(judged: readonly Judged[], caller: Caller, answer: Answer, before: Promise<void>): Promise<void> {
    const drafts = judged.flatMap(({ draft }) => (draft ? [draft] : []))
    const appended = this.#ledger.append(drafts, { actor: caller.id }) as Promise<Appended[]>
    appended.catch(() => {})
    await before
    let results: Appended[]
    try {
      results = await appended
    } catch (error) {
      const later = isFault(error, 'overloaded') || isFault(error, 'disk_full') || isFault(error, 'unavailable')
      if (!later || !answer.hasTaken) throw error
      results = drafts.map(() => ({ status: 'refused', fault: error }))
    }
    let next = 0
    for (const event of judged) answer.add(event, event.draft ? results[next++]! : undefined)
  }

  /** Events as they were received, in the log's order, read again by the rules of now. */
  async received(from: number, limit: number): Promise<ReceivedLineageEvents> {
    const asOf = this.#ledger.size
    const found = this.#ledger.ofStream(LINEAGE_STREAM, from, limit)
    const events: ReceivedLineageEvent[] = []
    let { next } = found
    let bytes = 0
    for (const seq of found.seqs) {
      const opened = this.#ledger.open(seq)
      if (opened.state !== 'open' || !opened.entry.kind.startsWith('lineage/')) continue
      if (bytes > 0 && bytes + opened.content.length > PAGE_BYTES) {
        next = seq
        break
      }
      bytes += opened.content.length
      if (events.length % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
      events.push(receivedEvent(seq, opened.entry, opened.content))
    }
    return { events, next: Math.min(next, Math.max(asOf, from)), asOf, sinceStart: this.sinceStart }
  }
}

/** The groups of a body; says whether it is one event. */
async function* groups(
  body: AsyncIterable<Uint8Array>,
  format: 'json' | 'ndjson',
  single: { is: boolean },
): AsyncGenerator<Arrival[]> {
  let group: Arrival[] = []
  let held = 0
  let index = 0
  const add = (bytes: Uint8Array): Arrival[] | undefined => {
    group.push({ index: index++, bytes })
    held += bytes.length
    if (group.length < GROUP && held < GROUP_BYTES) return undefined
    const full = group
    group = []
    held = 0
    return full
  }
  if (format === 'json') {
    const read = await readJsonBody(body, true)
    single.is = read.single
    for (const bytes of read.items) {
      const full = add(read.single ? trimmed(bytes) : bytes)
      if (full) yield full
    }
  } else {
    // One byte more than an event may have, so that a line that is too long is still seen as one, and refused as one.
    const splitter = new LineSplitter(MAX_PAYLOAD_BYTES)
    const lines = (found: ReturnType<LineSplitter['push']>): Arrival[][] =>
      found.flatMap((line) => {
        if ('blank' in line) return []
        const full = add('tooLong' in line ? new Uint8Array(MAX_PAYLOAD_BYTES + 1) : line.bytes)
        return full ? [full] : []
      })
    for await (const chunk of body) yield* lines(splitter.push(chunk))
    yield* lines(splitter.end())
  }
  if (group.length > 0) yield group
}

/** An event alone is the same as in an array or on a line: without the space around it. */
function trimmed(bytes: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined): boolean =>
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
  let start = 0
  let end = bytes.length
  while (start < end && isSpace(bytes[start])) start++
  while (end > start && isSpace(bytes[end - 1])) end--
  return bytes.subarray(start, end)
}

function kindOfEvent({ run, job }: Statement): 'run' | 'job' | 'dataset' {
  return run ? 'run' : job ? 'job' : 'dataset'
}

/** As many rule ids as fit into 1,000 characters. */
function failed(rules: readonly string[]): { failed?: string } {
  let text = ''
  for (const rule of rules) {
    if (text.length + 1 + rule.length > 1000) break
    text += text === '' ? rule : `,${rule}`
  }
  return text === '' ? {} : { failed: text }
}

function reasons(violations: readonly LineageViolation[]): string {
  return violations
    .slice(0, 5)
    .map(({ rule, path, message }) => `${rule} at ${path === '' ? '/' : path}: ${message}`)
    .join('; ')
}

/** Counts and lists what became of each event. */
class Answer {
  readonly #totals: Accounting
  readonly #failed: LineageBatch['failed_events'] = []
  readonly #flagged: LineageBatch['flagged_events'] = []
  #received = 0
  #failures = 0
  #retriable = 0
  last: LineageReceipt | Fault | undefined

  constructor(totals: Accounting) {
    this.#totals = totals
  }

  get hasTaken(): boolean {
    return this.#received > this.#failures
  }

  add({ index, fault, violations }: Judged, result: Appended | undefined): void {
    this.#received++
    this.#totals.received++
    if (result === undefined || result.status === 'refused') {
      const why = (result?.fault ?? fault)!
      this.last = why
      this.#totals.refused++
      this.#failures++
      const retriable = why.status >= 500
      if (retriable) this.#retriable++
      if (this.#failed.length < MOST_LISTED) this.#failed.push({ index, reason: why.message, retriable })
      return
    }
    const { status, seq, leaf, recorded } = result
    this.#totals[status === 'recorded' ? (violations.length > 0 ? 'flagged' : 'passed') : status]++
    this.last = { receipt: { seq, leaf, recorded, status }, violations }
    if (violations.length > 0 && this.#flagged.length < MOST_LISTED) this.#flagged.push({ index, seq, violations })
  }

  batch(): LineageBatch {
    return {
      status: this.#failures > 0 ? 'partial_success' : 'success',
      summary: {
        received: this.#received,
        successful: this.#received - this.#failures,
        failed: this.#failures,
        retriable: this.#retriable,
        non_retriable: this.#failures - this.#retriable,
      },
      failed_events: this.#failed,
      flagged_events: this.#flagged,
    }
  }
}

function receivedEvent(seq: number, entry: Entry, content: Uint8Array): ReceivedLineageEvent {
  const read = readLineageBytes(content, parseTime(entry.recorded) as Micros)
  const common = {
    seq,
    recorded: entry.recorded,
    time: entry.time,
    source: entry.source,
    event: entry.refs.event ?? 'unknown',
    bytes: content.length,
  }
  if ('refused' in read) return { ...common, producer: '', violations: read.refused }
  const { run, job, described, producer } = read.statement
  const dataset = described[0]?.name
  return {
    ...common,
    producer,
    ...(run?.state ? { eventType: run.state } : {}),
    ...(run ? { run: run.id } : {}),
    ...(job ? { job: { namespace: job.name.namespace, name: job.name.name } } : {}),
    ...(dataset ? { dataset: { namespace: dataset.namespace, name: dataset.name } } : {}),
    violations: read.violations,
  }
}

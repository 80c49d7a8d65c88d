// A batch on its way in. What arrives is read row by row, judged, and written to a draft without identifiers; only when
// all of it has come is the draft made into the batch's files. Nothing of it is held in memory.
import { canonicalize, toHex } from '@whence/ledger'
import { open, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../../../fault.ts'
import type { Subject, Subjects } from '../../../record/subjects/subjects.ts'
import type { Micros } from '../../../record/time.ts'
import { captureOf } from '../../../rules/capture/tier.ts'
import type { PolicyInForce, Tier } from '../../../rules/capture/tier.ts'
import { LineSplitter, readContent } from '../../../rules/contracts/content.ts'
import type { Said } from '../../../rules/consent/objection.ts'
import { chanceOf, objectedTo, predictionIdentity } from '../recorded.ts'
import { readRow } from './incoming-row.ts'
import type { IncomingRow } from './incoming-row.ts'
import { rowLeaf, rowPlace, rowSalt, sealCell, withheldDigest } from './row.ts'
import type { BatchName, Row } from './row.ts'

/** A row may have this many bytes as JSON. */
export const MAX_ROW_BYTES = 64 * 1024
/** Rows of one batch; the index beside it counts them in 32 bits. */
export const MAX_ROWS = 20_000_000
const FLUSH_BYTES = 512 * 1024
const EXAMPLES = 100

/** What a batch is judged by. */
export interface Terms {
  readonly name: BatchName
  readonly model: string
  /** What its rows are about: `customer`. */
  readonly entity: string
  /** The time of rows that state none. */
  readonly time: Micros
  readonly consequential: boolean
  readonly policies: readonly PolicyInForce[]
  /** The objection that stands to profiling a person at a time, as far as the batch knows; without a time: at any. */
  objection(subject: string, at: Micros | undefined): Said | undefined
}

export interface Refusal {
  line: number
  code: 'invalid' | 'too_large' | 'erased' | 'not_found' | 'objected' | 'conflict'
  message: string
}

/** Received rows and what became of them so far. `drafted` are in the draft. */
export class Account {
  received = 0
  drafted = 0
  /** Consequential rows of the draft. */
  consequential = 0
  readonly refused = new Map<Refusal['code'], number>()
  readonly examples: Refusal[] = []

  refuse(refusal: Refusal, rows = 1): void {
    this.refused.set(refusal.code, (this.refused.get(refusal.code) ?? 0) + rows)
    if (this.examples.length < EXAMPLES) this.examples.push(refusal)
  }
}

/** A line of the draft, as DuckDB reads it. Binary in hex; what is absent is left out. */
export const draftColumns = {
  line: 'BIGINT',
  subject: 'VARCHAR',
  id: 'VARCHAR',
  score: 'DOUBLE',
  at: 'BIGINT',
  tier: 'VARCHAR',
  rule: 'VARCHAR',
  policy: 'VARCHAR',
  decision: 'VARCHAR',
  segments: 'VARCHAR',
  campaign: 'VARCHAR',
  creative: 'VARCHAR',
  inputs: 'VARCHAR',
  reasons: 'VARCHAR',
  withheld: 'VARCHAR',
  sealed: 'VARCHAR',
  hash: 'VARCHAR',
} as const

/** The draft of one batch: a file of rows that were judged. */
export class BatchDraft {
  readonly path: string
  readonly account = new Account()
  readonly #handle: FileHandle
  readonly #subjects: Subjects
  readonly #terms: Terms
  readonly #room: () => Promise<number>
  #pending: string[] = []
  #pendingBytes = 0
  #written = 0

  private constructor(path: string, handle: FileHandle, subjects: Subjects, terms: Terms, room: () => Promise<number>) {
    this.path = path
    this.#handle = handle
    this.#subjects = subjects
    this.#terms = terms
    this.#room = room
  }

  /** `room` gives the bytes that may still be written to the disk. */
  static async begin(path: string, subjects: Subjects, terms: Terms, room: () => Promise<number>): Promise<BatchDraft> {
    return new BatchDraft(path, await open(path, 'wx', 0o600), subjects, terms, room)
  }

  /** Takes all lines of a stream of NDJSON. */
  async takeLines(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter(MAX_ROW_BYTES)
    for await (const chunk of chunks) {
      for (const line of splitter.push(chunk)) this.#takeLine(line)
      await this.#flush(FLUSH_BYTES)
    }
    for (const line of splitter.end()) this.#takeLine(line)
    await this.finish()
  }

  /** Takes rows as text of one JSON object each, numbered on. */
  async takeRows(rows: readonly string[]): Promise<void> {
    for (const text of rows) {
      const number = this.account.received + 1
      if (text.length > MAX_ROW_BYTES) this.#tooLong(number)
      else this.#takeLine({ number, bytes: Buffer.from(text) })
    }
    await this.#flush(FLUSH_BYTES)
  }

  async finish(): Promise<void> {
    await this.#flush(0)
    await this.#handle.close()
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.path, { force: true })
  }

  #tooLong(line: number): void {
    this.#count()
    this.account.refuse({ line, code: 'too_large', message: `the row has more than ${MAX_ROW_BYTES} bytes` })
  }

  #count(): void {
    this.account.received++
    if (this.account.received > MAX_ROWS)
      throw new Fault('too_large', `a batch has at most ${MAX_ROWS.toLocaleString('en')} rows: divide it`)
  }

  #takeLine(line: { number: number; blank?: true; tooLong?: true; bytes?: Uint8Array | number }): void {
    if (line.blank) return
    if (line.tooLong) return this.#tooLong(line.number)
    this.#count()
    const refuse = (code: Refusal['code'], message: string): void =>
      this.account.refuse({ line: line.number, code, message })
    const { value, problems } = readContent(line.bytes as Uint8Array)
    if (value === undefined) return refuse('invalid', `the line is no JSON: ${problems[0]?.message ?? 'it is empty'}`)
    const repeated = problems.find(({ rule }) => rule === 'json.key')
    if (repeated) return refuse('invalid', `the line is in doubt at ${repeated.path}: ${repeated.message}`)
    const read = readRow(value)
    if ('problem' in read) return refuse('invalid', read.problem)
    const { row } = read
    const subject = this.#subjectOf(row)
    if (subject === 'erased') return refuse('erased', 'this person was erased; nothing more is recorded about them')
    if (subject === undefined) return refuse('not_found', `no subject has the id ${row.subject}, or it was erased`)
    const objection = this.#terms.objection(subject.id, row.at)
    if (objection) return refuse('objected', objectedTo(objection))
    this.#draft(line.number, row, subject)
  }

  #subjectOf({ subject, entity }: IncomingRow): Subject | 'erased' | undefined {
    if (subject !== undefined) return this.#subjects.byId(subject)
    return this.#subjects.mint(this.#terms.entity, entity!)
  }

  #draft(line: number, incoming: IncomingRow, subject: Subject): void {
    const { name, model, time, consequential, policies } = this.#terms
    const { id, entity, at, inputs, reasons, consequential: flagged, subject: _, ...about } = incoming
    const identity = predictionIdentity(this.#subjects.idKey, name.source, id)
    const capture = captureOf(policies, {
      ...about,
      model,
      flagged: flagged ?? consequential,
      chance: () => chanceOf(this.#subjects.idKey, identity),
    })
    const place = rowPlace(name, identity.toString('hex'))
    const salt = rowSalt(subject, place)
    const row: Row = { ...about, ...capture, subject: subject.id, id: identity.toString('hex'), at: at ?? time }
    if (capture.tier === 'minimal') {
      if (inputs !== undefined) row.withheld = withheldDigest(salt, inputs)
    } else {
      if (inputs !== undefined) row.inputs = inputs
      if (reasons !== undefined) row.reasons = reasons
    }
    const text = JSON.stringify({
      ...row,
      line,
      segments: row.segments && canonicalize(row.segments),
      inputs: row.inputs && canonicalize(row.inputs),
      reasons: row.reasons && canonicalize(row.reasons),
      sealed: sealCell(subject, place, 'id', entity === undefined ? { id } : { id, entity }).toString('hex'),
      hash: toHex(rowLeaf(row, salt)),
    } satisfies Partial<Record<keyof typeof draftColumns, unknown>>)
    this.account.drafted++
    if ((capture.tier satisfies Tier) === 'consequential') this.account.consequential++
    this.#pending.push(text)
    this.#pendingBytes += text.length + 1
  }

  /** Writes what waits, once there is enough of it. */
  async #flush(least: number): Promise<void> {
    if (this.#pending.length === 0 || this.#pendingBytes < least) return
    const bytes = Buffer.from(`${this.#pending.join('\n')}\n`)
    this.#pending = []
    this.#pendingBytes = 0
    // The files that will be made of it are smaller than the draft.
    if ((await this.#room()) < bytes.length + this.#written) throw diskFull()
    await this.#handle.appendFile(bytes).catch((error: unknown) => {
      throw isFull(error) ? diskFull(error) : error
    })
    this.#written += bytes.length
  }
}

export function isFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left/i.test((error as Error).message)
}

export function diskFull(cause?: unknown): Fault {
  return new Fault(
    'disk_full',
    'the disk is full but for its reserve: free some space, or lower WHENCE_DISK_RESERVE; nothing of this batch was recorded',
    { cause },
  )
}

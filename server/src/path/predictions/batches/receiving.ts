// The door for batches: what comes in is drafted, the draft becomes files, the files become one record, or nothing is left.
import { canonicalize, toHex } from '@whence/ledger'
import type { PredictionBatchQuery, PredictionBatchReceived, PredictionBatchRecord } from '@whence/sdk'
import { randomBytes } from 'node:crypto'
import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../fault.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Follower } from '../../../record/projection/follower.ts'
import { formatTime } from '../../../record/time.ts'
import type { Clock } from '../../../record/time.ts'
import type { Caller } from '../../../rules/access/access.ts'
import { parseTime } from '../../../rules/contracts/time.ts'
import type { Files } from '../../../store/files.ts'
import type { Snapshots } from '../../features/snapshots.ts'
import type { ConsentStanding } from '../../consent/standing.ts'
import type { Models } from '../../models/models.ts'
import { STREAM } from '../recorded.ts'
import type { Batch, BatchBook } from './batch-book.ts'
import { discardFiles, FOLDER, SortedDraft } from './files.ts'
import type { LeftOut, Place } from './files.ts'
import { BatchDraft, diskFull, isFull } from './incoming.ts'
import type { Account, Terms } from './incoming.ts'
import { takeParquet } from './parquet-upload.ts'
import { rowPlace, sealCell } from './row.ts'
import type { BatchName } from './row.ts'
import type { PolicyBook } from '../../events/policy-book.ts'
import type { CapturePolicy } from '../../../rules/capture/policy.ts'

export interface Upload {
  stream: AsyncIterable<Uint8Array>
  format: 'ndjson' | 'parquet'
}

/** Batches that come in at once: each takes disk, and a share of the processor. */
const AT_ONCE = 4
const INCOMING = `${FOLDER}/incoming`
/** Consequential rows whose contributors are looked up together. */
const TOGETHER = 5_000

export interface ReceivingParts {
  ledger: Ledger
  follower: Follower
  files: Files
  place: Place
  models: Models
  snapshots: Snapshots
  capture: PolicyBook<CapturePolicy>
  standing: ConsentStanding
  book: BatchBook
  clock: Clock
  /** Bytes of disk that are never used. */
  reserve: number
  /** What writes batches' files does so one after the other. */
  inTurn<T>(run: () => Promise<T>): Promise<T>
  /** Subjects that were taken out of all batches since the server started. */
  removed(): readonly string[]
  /** Rows of a batch that erasures have taken out. */
  takenOut(batch: Batch): number
}

export class Receiving {
  readonly #parts: ReceivingParts
  readonly #under = new Set<string>()

  constructor(parts: ReceivingParts) {
    this.#parts = parts
  }

  /**
   * Records a batch, all of it or nothing. The same batch again, in whatever order, is a duplicate; other content under
   * its name is a conflict, and nothing of it is kept.
   */
  async receive(query: PredictionBatchQuery, upload: Upload, caller: Caller): Promise<PredictionBatchReceived> {
    const name = { source: caller.source, batch: query.batch }
    const key = `${name.source}\0${name.batch}`
    if (this.#under.has(key))
      throw new Fault('unavailable', `batch "${query.batch}" is coming in already: wait for it, then send it again`)
    if (this.#under.size >= AT_ONCE)
      throw new Fault('overloaded', `${AT_ONCE} batches are coming in: try again in a few seconds`)
    this.#under.add(key)
    try {
      return await this.#receive(name, query, upload, caller)
    } catch (error) {
      throw isFull(error) ? diskFull(error) : error
    } finally {
      this.#under.delete(key)
    }
  }

  async #receive(
    name: BatchName,
    query: PredictionBatchQuery,
    upload: Upload,
    caller: Caller,
  ): Promise<PredictionBatchReceived> {
    const { models, snapshots, capture, standing, book, follower, ledger, place, clock } = this.#parts
    const version = await models.get(query.model)
    const model = `${version.name}@${version.version}`
    const seq = book.find(name)
    // What a batch is judged by stands on its record, so that it is judged alike when it comes again.
    const earlier = seq === undefined ? undefined : await book.get(seq)
    if (earlier && (earlier.model !== model || (query.snapshot !== undefined && earlier.snapshot !== query.snapshot)))
      throw conflict(name, earlier)
    const snapshot = earlier ? earlier.snapshot : query.snapshot
    const stated = query.time === undefined ? undefined : parseTime(query.time)
    if (query.time !== undefined && stated === undefined) throw new Fault('invalid', `"${query.time}" is no time`)
    await follower.reach('capture')
    const policiesAsOf = earlier?.policiesAsOf ?? follower.next
    // Batches of before people were left out have nobody left out when they come again.
    const objectionsAsOf = earlier ? (earlier.objectionsAsOf ?? 0) : ledger.size
    const terms: Terms = {
      name,
      model,
      entity: earlier?.entity ?? (snapshot === undefined ? 'customer' : await snapshots.entityOf(snapshot)),
      time: earlier ? parseTime(earlier.time)! : (stated ?? clock.now()),
      consequential: query.consequential ?? false,
      policies: await capture.inForce(policiesAsOf),
      objection: (subject, at) =>
        standing.objections(subject, 'profiling', { at: at ?? Infinity, asOf: objectionsAsOf }).at(0),
    }
    await mkdir(join(place.folder, INCOMING), { recursive: true })
    const path = join(place.folder, INCOMING, randomBytes(12).toString('hex'))
    const room = (): Promise<number> => this.#room()
    const draft = await BatchDraft.begin(`${path}.ndjson`, ledger.subjects, terms, room)
    try {
      if (upload.format === 'parquet') await takeParquet(place.columns, draft, upload.stream, `${path}.parquet`, room)
      else await draft.takeLines(upload.stream)
      const { received } = draft.account
      if (query.rows !== undefined && received !== query.rows)
        throw new Fault(
          'invalid',
          `${received} rows came of the ${query.rows} that were announced: send all of them again`,
        )
      return await this.#parts.inTurn(() =>
        place.columns.session(async (session) => {
          const { sorted, leftOut } = await SortedDraft.read(session, draft.path, this.#parts.removed())
          count(draft.account, leftOut)
          if (earlier) return this.#again(earlier, sorted, draft.account)
          const head = { batch: name.batch, model, ...(snapshot === undefined ? {} : { snapshot }) }
          if ((await sorted.count()) === 0)
            return { ...head, ...accounted(draft.account, leftOut, 0), rows: 0, tiers: {} }
          return this.#record(sorted, { ...head, policiesAsOf, objectionsAsOf }, terms, draft.account, leftOut, caller)
        }),
      )
    } finally {
      await draft.discard()
    }
  }

  async #record(
    sorted: SortedDraft,
    head: Pick<PredictionBatchRecord, 'batch' | 'model' | 'snapshot' | 'policiesAsOf' | 'objectionsAsOf'>,
    terms: Terms,
    account: Account,
    leftOut: LeftOut,
    caller: Caller,
  ): Promise<PredictionBatchReceived> {
    const { ledger, place } = this.#parts
    const file = `${FOLDER}/${fileName(terms.name)}`
    try {
      const rows = head.snapshot === undefined ? [] : await sorted.consequential()
      const made = await sorted.write(place.folder, file, this.#contributors(rows, head.snapshot, terms.name))
      const counts = accounted(account, leftOut, made.rows)
      const { policiesAsOf, objectionsAsOf, ...shown } = head
      const record: PredictionBatchRecord = {
        ...shown,
        policiesAsOf,
        objectionsAsOf,
        entity: terms.entity,
        time: formatTime(terms.time),
        from: formatTime(made.from),
        to: formatTime(made.to),
        rows: made.rows,
        root: toHex(made.root),
        files: made.files,
        tiers: made.tiers,
        accounting: counts.accounting,
      }
      const { seq, leaf, recorded, status } = await ledger.appendOne(
        {
          kind: 'predictions/1',
          stream: STREAM,
          source: terms.name.source,
          id: terms.name.batch,
          time: terms.time,
          refs: {
            model: head.model,
            ...(head.snapshot === undefined ? {} : { snapshot: String(head.snapshot) }),
            root: record.root,
            rows: String(made.rows),
          },
          content: Buffer.from(canonicalize(record as never)),
        },
        caller.id,
      )
      const receipt = { seq, leaf, recorded, status }
      return { ...shown, ...counts, rows: made.rows, tiers: made.tiers, root: record.root, seq, receipt }
    } catch (error) {
      // No record names them: nothing may be left that an erasure would not find.
      await discardFiles(place.folder, file)
      throw error
    }
  }

  /** Whether what came is what is on record: the same leaves, but for those of people who were erased since. */
  async #again(earlier: Batch, sorted: SortedDraft, account: Account): Promise<PredictionBatchReceived> {
    const { ledger, files, place } = this.#parts
    const path = join(place.folder, earlier.files[1]!.path)
    const before = Buffer.from(files.readAt(path, 0, 32 * earlier.rows))
    const leaves = await sorted.leaves()
    let found = 0
    for (let at = 0; at < before.length && found < leaves.length; at += 32)
      if (before.compare(leaves, found, found + 32, at, at + 32) === 0) found += 32
    const missing = earlier.rows - leaves.length / 32
    if (found < leaves.length || missing !== this.#parts.takenOut(earlier)) throw conflict(earlier, earlier)
    const rows = leaves.length / 32
    const { batch, model, snapshot, root, tiers, seq } = earlier
    const duplicate = account.received - [...account.refused.values()].reduce((sum, n) => sum + n, 0)
    return {
      batch,
      model,
      ...(snapshot === undefined ? {} : { snapshot }),
      accounting: { received: account.received, recorded: 0, duplicate, refused: account.received - duplicate },
      refused: Object.fromEntries(account.refused),
      examples: account.examples,
      rows,
      tiers,
      root,
      seq,
      receipt: { ...ledger.receiptOf(seq), status: 'duplicate' },
    }
  }

  /** For each consequential row the events that it rests on, sealed under its subject. */
  async *#contributors(
    rows: readonly { id: string; subject: string }[],
    snapshot: number | undefined,
    name: BatchName,
  ): AsyncGenerator<{ id: string; contributors: Buffer }[]> {
    if (snapshot === undefined) return
    const { ledger, snapshots } = this.#parts
    for (let at = 0; at < rows.length; at += TOGETHER) {
      const some = rows.slice(at, at + TOGETHER)
      const contributors = await snapshots.contributors(snapshot, [...new Set(some.map(({ subject }) => subject))])
      yield some.flatMap(({ id, subject: subjectId }) => {
        const subject = ledger.subjects.byId(subjectId)
        if (!subject) return []
        const place = rowPlace(name, id)
        return [{ id, contributors: sealCell(subject, place, 'contributors', contributors.get(subjectId) ?? {}) }]
      })
    }
  }

  async #room(): Promise<number> {
    const { files, place, reserve } = this.#parts
    return (await files.free(place.folder)) - reserve
  }
}

/** Deletes what an upload, or a chunk of the archive, that was cut off has left. */
export async function sweepIncoming(folder: string): Promise<void> {
  for (const scratch of [INCOMING, `${FOLDER}/archiving`])
    await rm(join(folder, scratch), { recursive: true, force: true })
}

/** A name that says nothing: the producer's may hold anything. */
function fileName({ source, batch }: BatchName): string {
  return createHash('sha256').update(`${source}\0${batch}`).digest('hex').slice(0, 32)
}

function count(account: Account, leftOut: LeftOut): void {
  for (const { refusal, rows } of leftOut.refused) account.refuse(refusal, rows)
}

function accounted(
  account: Account,
  { duplicate }: LeftOut,
  recorded: number,
): Pick<PredictionBatchReceived, 'accounting' | 'refused' | 'examples'> {
  const refused = [...account.refused.values()].reduce((sum, n) => sum + n, 0)
  return {
    accounting: { received: account.received, recorded, duplicate, refused },
    refused: Object.fromEntries(account.refused),
    examples: account.examples,
  }
}

function conflict({ batch }: BatchName, earlier: Batch): Fault {
  return new Fault(
    'conflict',
    `batch "${batch}" is on record (${earlier.seq}) with other content: give this one another name. Nothing of it was recorded.`,
  )
}

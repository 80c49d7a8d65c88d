// Batches of predictions: rows in files, one leaf on the ledger, and each row provable by itself.
import { formatRowProof, fromHex, HASH_BYTES, sameBytes, verifyInclusion } from '@whence/ledger'
import type { PredictionBatchQuery, PredictionBatchReceived } from '@whence/sdk'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../fault.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Follower } from '../../../record/projection/follower.ts'
import type { Subject } from '../../../record/subjects/subjects.ts'
import { formatTime } from '../../../record/time.ts'
import type { Clock } from '../../../record/time.ts'
import type { Caller } from '../../../rules/access/access.ts'
import type { Database } from '../../../store/database.ts'
import type { Files } from '../../../store/files.ts'
import type { DerivedFiles, RewrittenFile } from '../../features/derived-files.ts'
import { digestOf } from '../../../store/files.ts'
import type { Snapshots } from '../../features/snapshots.ts'
import type { Models } from '../../models/models.ts'
import { predictionIdentity } from '../recorded.ts'
import type { OpenedPrediction } from '../recorded.ts'
import { BatchBook } from './batch-book.ts'
import type { Batch } from './batch-book.ts'
import { allRows, countRows, newestRows, FOLDER, readRows, rowSubjects, treeFlaw, writeWithout } from './files.ts'
import { BatchFinder } from './batch-finder.ts'
import { Receiving, sweepIncoming } from './receiving.ts'
import type { Upload } from './receiving.ts'
import { openCell, rowBytes, rowLeaf, rowPlace, rowSalt } from './row.ts'
import type { StoredRow } from './row.ts'
import { rowInclusion } from './row-tree.ts'
import { BatchTally } from './tally.ts'
import type { PolicyBook } from '../../events/policy-book.ts'
import type { CapturePolicy } from '../../../rules/capture/policy.ts'
import type { ConsentStanding } from '../../consent/standing.ts'

/** Altered rows that are named one by one, of a file. */
const NAMED = 10

export interface BatchParts {
  ledger: Ledger
  follower: Follower
  database: Database
  files: Files
  derived: DerivedFiles
  models: Models
  snapshots: Snapshots
  capture: PolicyBook<CapturePolicy>
  standing: ConsentStanding
  clock: Clock
  reserve: number
}

export class PredictionBatches {
  readonly book: BatchBook
  readonly tally: BatchTally
  readonly finder: BatchFinder
  readonly #parts: BatchParts
  readonly #receiving: Receiving
  readonly #removed: string[] = []
  readonly #listeners: (() => void)[] = []
  #writing: Promise<unknown> = Promise.resolve()

  constructor(parts: BatchParts) {
    this.#parts = parts
    this.book = new BatchBook(parts)
    this.tally = new BatchTally({ book: this.book, derived: parts.derived })
    const { idKey } = parts.ledger.subjects
    this.finder = new BatchFinder({ book: this.book, idKey, reader: (path) => this.#reader(path) })
    this.#receiving = new Receiving({
      ...parts,
      place: parts.derived.place,
      book: this.book,
      inTurn: (run) => this.#inTurn(run),
      removed: () => this.#removed,
      takenOut: (batch) => this.takenOut(batch),
    })
  }

  async receive(query: PredictionBatchQuery, upload: Upload, caller: Caller): Promise<PredictionBatchReceived> {
    const received = await this.#receiving.receive(query, upload, caller)
    if (received.receipt?.status === 'recorded') for (const listener of this.#listeners) listener()
    return received
  }

  /** Hears of every batch that was recorded. */
  onRecorded(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Rows of a batch that erasures have taken out. */
  takenOut(batch: Batch): number {
    return batch.rows - this.#rowsNow(batch)
  }

  /** Opens a row and checks it up to the root that the batch's entry names. Throws `not_found`, or `altered` naming file and row. */
  async open(seq: number, row: number): Promise<OpenedPrediction> {
    const batch = await this.book.get(seq)
    const stored = await this.#stored(batch, row)
    return stored === 'erased'
      ? { state: 'erased', at: { seq, row }, time: batch.from.slice(0, 10) }
      : this.opened(batch, stored)
  }

  /** As `open`, for rows of one batch that were read already, without the way up to the root. */
  opened(batch: Batch, stored: StoredRow): OpenedPrediction {
    const { ledger } = this.#parts
    const { row, leaf } = stored
    const at = { seq: batch.seq, row: leaf }
    if (ledger.subjects.isErasing(row.subject)) return { state: 'erased', at, time: batch.from.slice(0, 10) }
    const subject = this.#check(batch, stored)
    const place = rowPlace(batch, row.id)
    try {
      const { id, entity } = openCell(subject, place, 'id', stored.sealedId) as {
        id: string
        entity?: string
      }
      if (predictionIdentity(ledger.subjects.idKey, batch.source, id).toString('hex') !== row.id)
        throw new Fault('altered', 'its sealed id is not the one that its row names')
      const { at: time, tier, rule, policy, campaign, creative, withheld, subject: _, id: __, ...said } = row
      return {
        state: 'open',
        at,
        time: formatTime(time),
        subject: subject.id,
        prediction: {
          ...(said as { score: number }),
          id,
          ...(entity === undefined ? {} : { entity }),
          model: batch.model,
          ...(batch.snapshot === undefined ? {} : { snapshot: batch.snapshot }),
          ...(campaign === undefined && creative === undefined ? {} : { about: defined({ campaign, creative }) }),
          ...(withheld === undefined ? {} : { leftOut: { inputs: withheld } }),
        },
        capture: { tier, ...defined({ rule, policy }) },
        contributors:
          stored.contributors &&
          (openCell(subject, place, 'contributors', stored.contributors) as Record<string, number[]>),
      }
    } catch (error) {
      throw this.#altered(batch, stored.leaf, Fault.from(error).message)
    }
  }

  /** The salt of an open row: what its withheld inputs are digested under. */
  saltOf(batch: Batch, { subject: id, id: digest }: StoredRow['row']): Uint8Array {
    const subject = this.#parts.ledger.subjects.byId(id)
    if (!subject) throw new Fault('not_found', 'the person was erased')
    return rowSalt(subject, rowPlace(batch, digest))
  }

  /** A row as it is stored, checked; 'erased' where an erasure has taken it out. */
  async stored(seq: number, row: number): Promise<{ batch: Batch; stored: StoredRow } | 'erased'> {
    const batch = await this.book.get(seq)
    const stored = await this.#stored(batch, row)
    return stored === 'erased' ? 'erased' : { batch, stored }
  }

  /** Rows of a batch by their numbers, those that are there. */
  rows(batch: Batch, numbers: readonly number[]): Promise<StoredRow[]> {
    return this.#read(batch, `WHERE leaf IN (${numbers.join(', ')})`)
  }

  /** Whom the rows of a batch from one number to before another are about, and when they were made. */
  async subjects(batch: Batch, from: number, to: number): Promise<Map<number, { subject: string; at: number }>> {
    const { place } = this.#parts.derived
    const found = await rowSubjects(place, batch.files[0]!.path, from, to).catch((cause: unknown) => {
      throw new Fault('altered', `${batch.files[0]!.path} cannot be read: ${Fault.from(cause).message}`, { cause })
    })
    return new Map(found.map(({ leaf, subject, at }) => [Number(leaf), { subject, at }]))
  }

  /** The last rows of batches that meet conditions over their columns (SQL): in the order of the batches, in each the last first. */
  async newest(
    batches: readonly Batch[],
    conditions: readonly string[],
    limit: number,
  ): Promise<{ batch: Batch; stored: StoredRow }[]> {
    const paths = batches.map(({ files }) => files[0]!.path)
    try {
      const found = await newestRows(this.#parts.derived.place, paths, conditions, limit)
      return found.map(({ file, stored }) => ({ batch: batches[file]!, stored }))
    } catch (cause) {
      // Of several it is not known which cannot be read: each by itself, and that one is named.
      if (batches.length === 1)
        throw new Fault('altered', `${paths[0]!} cannot be read: ${Fault.from(cause).message}`, { cause })
      const all: { batch: Batch; stored: StoredRow }[] = []
      for (const batch of batches)
        if (all.length < limit) all.push(...(await this.newest([batch], conditions, limit - all.length)))
      return all
    }
  }

  /** The proof of a row: row, root, entry, log. Throws `not_found` for one that an erasure has taken out. */
  async proof(seq: number, row: number): Promise<string> {
    const batch = await this.book.get(seq)
    const stored = await this.#stored(batch, row)
    if (stored === 'erased')
      throw new Fault('not_found', `row ${row} of record ${seq} was erased: its leaf is left, and says nothing`)
    const { text } = await this.#parts.ledger.proof(seq)
    const bytes = rowBytes(stored.row, this.saltOf(batch, stored.row))
    return formatRowProof({ row: bytes, index: row, hashes: this.#inclusion(batch, row), batch: text })
  }

  /** Takes a subject's rows out of every batch. May be done again after a crash. */
  removeSubject(subject: string): Promise<RewrittenFile[]> {
    this.#removed.push(subject)
    return this.#inTurn(async () => {
      const { derived } = this.#parts
      const rewritten: RewrittenFile[] = []
      for (const batch of await this.book.list()) {
        const file = derived.now([batch.files[0]!])[0]!
        const theirs = await countRows(derived.place, file.path, `WHERE subject = unhex('${subject}')`)
        if (theirs > 0) {
          if ((await digestOf(join(derived.place.folder, file.path))) !== file.sha256)
            throw new Fault('altered', `${file.path} is altered: its digest is not the one recorded.`)
          const done = await writeWithout(derived.place, file, subject)
          rewritten.push({ path: file.path, before: file.sha256, after: done.file.sha256, removed: done.removed })
          continue
        }
        const rows = await countRows(derived.place, file.path)
        if (rows === file.rows) continue
        // An attempt that was cut off has written it again; what is there must be what was there.
        const problems = await this.#rowProblems(batch)
        if (problems.length > 0) throw new Fault('altered', problems[0]!)
        const after = await digestOf(join(derived.place.folder, file.path))
        rewritten.push({ path: file.path, before: file.sha256, after, removed: file.rows - rows })
      }
      return rewritten
    })
  }

  /** Removes what a crash left without a record. */
  async sweep(): Promise<void> {
    const { derived, follower } = this.#parts
    const { folder } = derived.place
    await sweepIncoming(folder)
    await follower.reach()
    const kept = new Set((await this.book.list()).flatMap(({ files }) => files.map(({ path }) => path)))
    const entries = await readdir(join(folder, FOLDER), { withFileTypes: true }).catch(() => [])
    for (const entry of entries)
      if (entry.isFile() && !kept.has(`${FOLDER}/${entry.name}`)) await rm(join(folder, FOLDER, entry.name))
  }

  /** Holds every file of every batch against its record, row by row. */
  async check(): Promise<{
    problems: { path: string; code: string; message: string }[]
    checked: Record<string, number>
  }> {
    const { derived } = this.#parts
    const problems: { path: string; code: string; message: string }[] = []
    let rows = 0
    const batches = await this.book.list()
    for (const batch of batches) {
      const [file, tree, index] = derived.now(batch.files)
      for (const { path, sha256 } of [file!, tree!, index!]) {
        const digest = await digestOf(join(derived.place.folder, path)).catch(() => undefined)
        if (digest === undefined) problems.push({ path, code: 'missing', message: `${path} is gone` })
        else if (digest !== sha256)
          problems.push({ path, code: 'altered', message: `${path} is altered: its digest is not the one recorded` })
      }
      const flaw = await readFile(join(derived.place.folder, tree!.path)).then(
        (bytes) => treeFlaw(bytes, batch.rows, batch.root),
        () => undefined,
      )
      if (flaw) problems.push({ path: tree!.path, code: 'altered', message: `${tree!.path}: ${flaw}` })
      for (const message of await this.#rowProblems(batch))
        problems.push({ path: file!.path, code: 'altered', message })
      rows += file!.rows
    }
    return { problems, checked: { predictionBatches: batches.length, predictionRows: rows } }
  }

  /** What is wrong with the rows of a batch's file, each named by its number there. */
  async #rowProblems(batch: Batch): Promise<string[]> {
    const { derived } = this.#parts
    const { path } = batch.files[0]!
    const problems: string[] = []
    let more = 0
    let last = -1
    try {
      for await (const page of allRows(derived.place, path)) {
        for (const { at, read } of page) {
          try {
            const stored = read()
            if (stored.leaf <= last) throw new Fault('altered', 'it stands twice, or in another order')
            last = stored.leaf
            this.#check(batch, stored)
          } catch (error) {
            if (problems.length < NAMED) problems.push(`row ${at + 1} of ${path}: ${Fault.from(error).message}`)
            else more++
          }
        }
        await new Promise((resolve) => setImmediate(resolve))
      }
    } catch (error) {
      problems.push(`${path} cannot be read: ${Fault.from(error).message}`)
    }
    if (more > 0) problems.push(`${more} more rows of ${path} are not those that were recorded`)
    return problems
  }

  /** Whether a row is the one that was recorded under its number; its subject. Throws `altered`. */
  #check(batch: Batch, { row, leaf }: StoredRow): Subject {
    const subject = this.#parts.ledger.subjects.byId(row.subject)
    if (!subject) throw new Fault('altered', 'no key is known for its subject, and no erasure has taken it out')
    const recorded = this.#reader(batch.files[1]!.path)(leaf * HASH_BYTES, HASH_BYTES)
    let again: Uint8Array | undefined
    try {
      again = rowLeaf(row, rowSalt(subject, rowPlace(batch, row.id)))
    } catch {
      // A value that has no canonical form was not written by us.
    }
    if (!again || !sameBytes(again, recorded)) throw new Fault('altered', 'its values are not those that were recorded')
    return subject
  }

  async #stored(batch: Batch, row: number): Promise<StoredRow | 'erased'> {
    if (row >= batch.rows)
      throw new Fault('not_found', `record ${batch.seq} has ${batch.rows} rows: 0 to ${batch.rows - 1}`)
    const [stored, ...more] = await this.#read(batch, `WHERE leaf = ${row}`)
    if (!stored) {
      if (this.takenOut(batch) > 0) return 'erased'
      throw this.#altered(batch, row, 'it is gone, and no erasure has taken it out')
    }
    if (more.length > 0) throw this.#altered(batch, row, 'it stands there more than once')
    try {
      const subject = this.#check(batch, stored)
      const leaf = rowLeaf(stored.row, rowSalt(subject, rowPlace(batch, stored.row.id)))
      if (!verifyInclusion(leaf, row, batch.rows, this.#inclusion(batch, row), fromHex(this.#root(batch))))
        throw new Fault('altered', `its leaf is not under the root on record: ${batch.files[1]!.path} is altered`)
    } catch (error) {
      throw this.#altered(batch, row, Fault.from(error).message)
    }
    return stored
  }

  /** The root as the entry names it: what the log's tree commits to. */
  #root({ seq }: Batch): string {
    return this.#parts.ledger.entry(seq).refs.root!
  }

  #altered(batch: Batch, row: number, why: string): Fault {
    return new Fault('altered', `row ${row + 1} of ${batch.files[0]!.path} (record ${batch.seq}): ${why}`)
  }

  #inclusion(batch: Batch, row: number): Uint8Array[] {
    const { path } = batch.files[1]!
    try {
      return rowInclusion(this.#reader(path), row, batch.rows)
    } catch (cause) {
      throw new Fault('altered', `${path} is altered or gone: the way from a row to the root cannot be read`, { cause })
    }
  }

  async #read(batch: Batch, where: string): Promise<StoredRow[]> {
    const { path } = batch.files[0]!
    try {
      return await readRows(this.#parts.derived.place, path, where)
    } catch (cause) {
      throw new Fault('altered', `${path} cannot be read: ${Fault.from(cause).message}`, { cause })
    }
  }

  #reader(path: string): (at: number, length: number) => Uint8Array {
    const { files, derived } = this.#parts
    return (at, length) => {
      try {
        return files.readAt(join(derived.place.folder, path), at, length)
      } catch (cause) {
        throw new Fault('altered', `${path} is gone: restore it from a backup`, { cause })
      }
    }
  }

  #rowsNow(batch: Batch): number {
    return this.#parts.derived.now([batch.files[0]!])[0]!.rows
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(run, run)
    this.#writing = turn.catch(() => {})
    return turn
  }
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}

// Feature snapshots as records: what was computed, from which files, with which digests; and the way
// back from a value to the events that made it.
import { canonicalize } from '@whence/ledger'
import type { FeatureRow, FeatureValue, Materialize, Snapshot } from '@whence/sdk'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Tables } from '../../record/tables/tables.ts'
import type { Database } from '../../store/database.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { CompiledView } from './compile.ts'
import { refuseAltered } from './derived-files.ts'
import type { DerivedFiles, RewrittenFile } from './derived-files.ts'
import type { EventColumns } from './event-columns.ts'
import { eventTable, featureTable, unlessDamaged } from './feature-tables.ts'
import type { FeatureTables, SnapshotBody } from './feature-tables.ts'
import { materialize, removeSubject, rows } from './materialize.ts'
import { contributorsOfAll } from './recompute.ts'
import type { Ask } from './recompute.ts'
import { OccurringValues } from './occurring.ts'
import type { Occurring } from './occurring.ts'
import { outward } from './outward.ts'
import { retrace } from './retrace.ts'
import type { Retraced } from './retrace.ts'
import { HeldRows } from './held-rows.ts'
import { removeFiles, sweepRows } from './rows.ts'
import { SnapshotBook } from './snapshot-book.ts'
import { checkDerived } from './snapshot-check.ts'
import type { DerivedCheck } from './snapshot-check.ts'
import { compareRowLists } from './row-lists.ts'
import type { RowList, RowsCompared } from './row-lists.ts'
import type { SubjectEvents } from './subject-events.ts'
import type { TrainingSets } from './training-sets.ts'
import { parseView } from './view.ts'
import type { FeatureView } from './view.ts'
import type { ViewBook } from './view-book.ts'

/** Values computed again from the opened events. */
export interface Recomputed extends Retraced {
  view: FeatureView
  /** The values in the snapshot's file; undefined when the subject has no row there. */
  stored: Record<string, FeatureValue> | undefined
  /** What is wrong with the derived files. */
  problems: string[]
}

/** What an erasure that may be cut off has noted of the column files of a stream. */
export interface NotedFiles {
  of(stream: string): readonly RewrittenFile[]
  /** Durable when it resolves. */
  keep(stream: string, files: readonly RewrittenFile[]): Promise<void>
}

/** For each subject, for each feature, the positions of the events that it counts. */
export type Contributors = Map<string, Record<string, number[]>>

/** What the records of snapshots have in common. */
const RECORD = { kind: 'snapshot/1', stream: 'whence.snapshots', source: 'whence' } as const

const PAGE = 5000
/** People whose values are computed again at once. */
const TOGETHER = 1000

export class Snapshots {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #contracts: ContractBook
  readonly #views: ViewBook
  readonly #clock: Clock
  readonly #derived: DerivedFiles
  readonly #trainingSets: TrainingSets
  readonly #occurring: OccurringValues
  readonly #subjectEvents: SubjectEvents
  readonly #tables: Tables
  readonly #published: FeatureTables
  readonly #book: SnapshotBook
  readonly #rows: HeldRows

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    contracts: ContractBook
    views: ViewBook
    clock: Clock
    derived: DerivedFiles
    trainingSets: TrainingSets
    subjectEvents: SubjectEvents
    tables: Tables
    published: FeatureTables
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#contracts = parts.contracts
    this.#views = parts.views
    this.#clock = parts.clock
    this.#derived = parts.derived
    this.#occurring = new OccurringValues(parts.derived.place)
    this.#trainingSets = parts.trainingSets
    this.#subjectEvents = parts.subjectEvents
    this.#tables = parts.tables
    this.#published = parts.published
    this.#book = new SnapshotBook(parts)
    this.#rows = new HeldRows({ place: parts.derived.place })
  }

  get events(): EventColumns {
    return this.#derived.place.events
  }

  /** Computes a view at a time, as of a position, and records the snapshot. The same request again is the same snapshot. */
  materialize(request: Materialize, by: { id: string }): Promise<Snapshot> {
    return this.#derived.inTurn(() => this.#materialize(request, by))
  }

  async #materialize(request: Materialize, by: { id: string }): Promise<Snapshot> {
    const version = await this.#views.get(request.view)
    const compiled = await this.#views.compiled(version)
    const at = request.at === undefined ? this.#clock.now() : parseTime(request.at)
    if (at === undefined) throw new Fault('invalid', `"${request.at}" is no time`)
    const asOf = this.#derived.position(request.asOf)
    const view = `${version.name}@v${version.version}`
    const id = `${view}/${at}/${asOf}`
    // A snapshot that is on record is not written again: an erasure may have taken rows out of it since.
    const earlier = this.#ledger.find(identityOf(this.#ledger.subjects.idKey, placeBytes({ ...RECORD, id })))
    if (earlier !== undefined)
      return { ...(await this.get(earlier)), receipt: { ...this.#ledger.receiptOf(earlier), status: 'duplicate' } }
    await this.#derived.extend(compiled, asOf)
    const columns = compiled.features.map((feature) => feature.column)
    const made = await materialize(this.#derived.place, compiled, {
      at,
      asOf,
      name: `${version.version}-${asOf}-${at}`,
      fieldIds: await this.#published.fieldIds(view, columns, by),
    })
    const body: SnapshotBody = {
      view,
      fingerprint: version.fingerprint,
      at: formatTime(at),
      asOf,
      rows: made.rows,
      features: compiled.features.map(({ name, type }) => ({ name, type })),
      files: made.files,
      rowsDigest: made.rowsDigest,
      inputs: made.inputs,
      engine: made.engine,
      columns: made.columns,
    }
    const draft = {
      ...RECORD,
      id,
      time: at,
      refs: { view, fingerprint: version.fingerprint, asOf: String(asOf) },
      content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(body)))),
    }
    const { seq, leaf, recorded, status } = await this.#ledger.appendOne(draft, by.id).catch(async (error: unknown) => {
      // Without a record no erasure would find the files.
      if (this.#ledger.find(identityOf(this.#ledger.subjects.idKey, placeBytes(draft))) === undefined)
        await removeFiles(this.#derived.place.folder, body.files)
      throw error
    })
    for (const { stream, contract } of made.inputs)
      await unlessDamaged(eventTable(stream), () => this.#published.publishEvents(stream, contract))
    await unlessDamaged(featureTable(view), () => this.#published.publishSnapshot(seq, body, by))
    return { ...(await this.get(seq)), receipt: { seq, leaf, recorded, status } }
  }

  /** A snapshot by its id. Throws `not_found`. */
  async get(id: number): Promise<Snapshot> {
    const { columns: _, ...body } = await this.#book.body(id)
    return { id, ...body }
  }

  /** The rows of a snapshot in the order of their subjects, page by page. */
  async *rows(id: number): AsyncGenerator<FeatureRow[]> {
    const body = await this.#book.body(id)
    const expired = await this.expiry(id)
    if (expired !== undefined)
      throw new Fault(
        'not_found',
        `snapshot ${id} has expired: its rows were let go by record ${expired}. Materialize ${body.view} again for others`,
      )
    refuseAltered(await this.flaw({ id, ...body }))
    for (let offset = 0; ; offset += PAGE) {
      const page = await rows(this.#derived.place, body, { offset, limit: PAGE })
      yield page.map(({ subject, values }) => ({ subject, values: outward(body.columns, values) }))
      if (page.length < PAGE) return
    }
  }

  /** The position of the record by which a snapshot's rows were let go; undefined while they are there. */
  expiry(id: number): Promise<number | undefined> {
    return this.#book.expiry(id)
  }

  /** What is wrong with a snapshot's files, in a sentence; looked at again whenever a file has changed on the disk. */
  async flaw(snapshot: Snapshot): Promise<string | undefined> {
    const expired = await this.expiry(snapshot.id)
    if (expired !== undefined) return `Snapshot ${snapshot.id} has expired: its rows were let go by record ${expired}.`
    const body = await this.#book.body(snapshot.id)
    return this.#derived.flaw(body, body.columns, `is altered: its digest is not the one on record ${snapshot.id}`)
  }

  /** The values of a feature that occur in a snapshot, at most `most` of them; undefined for what is none of its features. */
  async occurring(id: number, feature: string, most: number): Promise<Occurring | undefined> {
    const body = await this.#book.body(id)
    const column = body.columns.find(({ name }) => name === feature)
    if (!column) return undefined
    const files = this.#derived.now(body.files).map(({ path, sha256 }) => ({ path, sha256 }))
    return this.#occurring.of(files, column, most)
  }

  /** What a snapshot's rows are about: the entity of its view. */
  async entityOf(id: number): Promise<string> {
    return parseView((await this.#views.get((await this.#book.body(id)).view)).text, 'view').entity
  }

  /** Selects one subject's contributing events again, opens each on the ledger, and computes the values from them. */
  async recompute(snapshot: Snapshot, subject: string): Promise<Recomputed> {
    const many = await this.#retrace(snapshot, [subject])
    return many.get(subject)!
  }

  /** As `recompute`, for many; `problem` is set where a file or an event is not as it was. */
  async recomputeMany(
    snapshot: Snapshot,
    subjects: readonly string[],
  ): Promise<Map<string, Recomputed & { problem?: string }>> {
    const all = new Map<string, Recomputed & { problem?: string }>()
    for (let at = 0; at < subjects.length; at += TOGETHER) {
      const chunk = await this.#retrace(snapshot, [...new Set(subjects.slice(at, at + TOGETHER))])
      for (const [subject, one] of chunk) {
        const problem = one.problems[0] ?? (one.damaged[0] && `record ${one.damaged[0].seq}: ${one.damaged[0].problem}`)
        all.set(subject, problem === undefined ? one : { ...one, problem })
      }
    }
    return all
  }

  async contributors(id: number, subjects: readonly string[]): Promise<Contributors> {
    const body = await this.#book.body(id)
    const compiled = await this.#compiledFor(body)
    await this.#derived.extend(compiled, body.asOf)
    const found = await contributorsOfAll(this.#derived.place, compiled, asks(body, subjects))
    return new Map(subjects.map((subject, i) => [subject, found[i]!.features]))
  }

  /** How many rows of two snapshots or training sets are equal, as they were written: whoever was erased since counts. */
  async compareRows(
    before: { snapshot: number } | { training: string },
    after: { snapshot: number } | { training: string },
  ): Promise<RowsCompared & { basis: string }> {
    const listOf = async (one: typeof before): Promise<RowList> =>
      'snapshot' in one ? this.#book.body(one.snapshot) : this.#trainingSets.rowList(one.training)
    const compared = await compareRowLists(this.#derived.place.folder, await listOf(before), await listOf(after))
    return { ...compared, basis: 'hashes of the rows as they were written' }
  }

  /** Takes a subject out of every derived file. `noted` keeps, across a crash, which column files were written again. */
  removeSubject(subject: string, noted: NotedFiles): Promise<RewrittenFile[]> {
    return this.#derived.inTurn(() => this.#removeSubject(subject, noted))
  }

  async #removeSubject(subject: string, noted: NotedFiles): Promise<RewrittenFile[]> {
    this.#subjectEvents.forget(subject)
    this.#rows.forget()
    await this.#follower.reach('snapshot')
    const rewritten: RewrittenFile[] = []
    for (const stream of this.#contracts.streams()) {
      const files = await this.#derived.place.events.remove(stream, subject, (files) =>
        noted.keep(stream, files.map(shown)),
      )
      rewritten.push(...(files.length > 0 ? files.map(shown) : noted.of(stream)))
    }
    for (const { body } of await this.#book.there()) {
      const done = await removeSubject(this.#derived.place, body, this.#derived.now(body.files)[0]!, subject)
      if (done) rewritten.push({ path: done.path, before: done.before, after: done.after, removed: done.removed })
    }
    // A file may have been read in before it was written again.
    this.#rows.forget()
    rewritten.push(...(await this.#trainingSets.removeSubject(subject)))
    await this.#tables.erase(subject, await this.#copies(rewritten), { id: 'whence' })
    return rewritten
  }

  /** Where what was written again lies now, by its digest before: tables share it instead of writing it once more. */
  async #copies(rewritten: readonly RewrittenFile[]): Promise<Map<string, { path: string; sha256: string }>> {
    const files = await Promise.all(this.#contracts.streams().map((stream) => this.events.files(stream)))
    const paths = new Map(files.flat().map(({ path, sha256 }) => [sha256, path]))
    return new Map(
      rewritten.map(({ path, before, after }) => [before, { path: paths.get(after) ?? path, sha256: after }]),
    )
  }

  /** Publishes what a crash left without its place in a table. At the start. */
  async catchUp(): Promise<void> {
    await this.#derived.inTurn(async () => {
      const rows = await this.#book.there()
      const streams = this.#contracts.streams().map((stream): [string, string] => {
        const { contract } = this.#contracts.inForce(stream)
        return [stream, `${contract.id}@${contract.version}`]
      })
      await this.#published.catchUp(
        rows.map(({ id, body }) => ({ id: Number(id), body })),
        new Map(streams),
      )
    })
  }

  /** Deletes the files of snapshots that have expired; what a crash leaves of them goes with the next sweep. */
  forget(ids: readonly bigint[]): Promise<void> {
    return this.#derived.inTurn(async () => {
      const bodies = await Promise.all(ids.map((id) => this.#book.body(Number(id))))
      this.#rows.forget()
      for (const path of bodies.flatMap(({ files }) => files.map((file) => file.path)))
        for (const each of [path, path.replace(/\.parquet$/, '.rows')])
          await rm(join(this.#derived.place.folder, each), { force: true })
    })
  }

  /** Removes files of computed rows that a crash left without a record, and those of snapshots that have expired. */
  async sweep(): Promise<void> {
    await this.#follower.reach()
    const snapshots = (await this.#book.there()).flatMap(({ body }) => body.files.map(({ path }) => path))
    await sweepRows(this.#derived.place, [...snapshots, ...(await this.#trainingSets.paths())])
  }

  /** Holds every derived file against the ledger. */
  async check(): Promise<DerivedCheck> {
    await this.#follower.reach()
    return checkDerived(
      { derived: this.#derived, contracts: this.#contracts, trainingSets: this.#trainingSets, tables: this.#tables },
      await this.#book.there(),
    )
  }

  async #retrace(snapshot: Snapshot, subjects: readonly string[]): Promise<Map<string, Recomputed>> {
    const body = await this.#book.body(snapshot.id)
    const compiled = await this.#compiledFor(body)
    await this.#derived.extend(compiled, body.asOf)
    const problems: string[] = []
    for (const { stream } of compiled.sources) {
      for (const { sentence } of await this.#derived.place.events.check(stream)) problems.push(sentence)
    }
    const [file] = this.#derived.now(body.files)
    // Read while the events are selected: each is a query of its own.
    const reading = this.#rows.values(body.columns, file!, subjects).catch(() => undefined)
    const retraced = await retrace(
      {
        ledger: this.#ledger,
        contracts: this.#contracts,
        place: this.#derived.place,
        subjectEvents: this.#subjectEvents,
      },
      compiled,
      asks(body, subjects),
    )
    const storedOf = await reading
    const result = new Map<string, Recomputed>()
    for (const [i, subject] of subjects.entries()) {
      const stored = storedOf?.get(subject)
      result.set(subject, {
        view: compiled.view,
        ...retraced[i]!,
        stored: stored && outward(body.columns, stored),
        problems,
      })
    }
    return result
  }

  async #compiledFor(body: SnapshotBody): Promise<CompiledView> {
    const version = await this.#views.get(body.view)
    return this.#views.compiled(version, new Map(body.inputs.map(({ stream, contract }) => [stream, contract])))
  }
}

function shown({ path, before, after, removed }: RewrittenFile): RewrittenFile {
  return { path, before, after, removed }
}

function asks(body: SnapshotBody, subjects: readonly string[]): Ask[] {
  const at = parseTime(body.at)!
  return subjects.map((subject) => ({ subject, at, asOf: body.asOf }))
}

// Feature snapshots and training sets as records: what was computed, from which files, with which digests; and the way
// back from a value to the events that made it.
import { canonicalize } from '@whence/ledger'
import type {
  DataFile,
  FeatureRow,
  FeatureValue,
  Materialize,
  Snapshot,
  TrainingRow,
  TrainingSet,
  TrainingSetRequest,
} from '@whence/sdk'
import { hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Column, Columns } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent } from '../events/event.ts'
import type { ReadEvent } from '../events/event.ts'
import type { CompiledView } from './compile.ts'
import { EventColumns } from './event-columns.ts'
import { ledgerEvents, rowFor } from './event-source.ts'
import { materialize, removeSubject, rows } from './materialize.ts'
import { contributors, contributorsOfAll, recomputeAll } from './recompute.ts'
import type { Ask, Contributors as EngineContributors, OpenedEvents } from './recompute.ts'
import { checkRows, removeRows, rowOf, rowsOf, rowsOfSubjects, sweepRows } from './rows.ts'
import { compareRowLists } from './row-lists.ts'
import type { RowList, RowsCompared } from './row-lists.ts'
import type { Value } from './rows.ts'
import { writeTrainingSet } from './training-set.ts'
import { parseView } from './view.ts'
import type { FeatureView } from './view.ts'
import type { ViewBook } from './view-book.ts'

export interface Recomputed {
  view: FeatureView
  /** The values computed again from the opened events. */
  values: Record<string, FeatureValue>
  /** The values in the snapshot's file; undefined when the subject has no row there. */
  stored: Record<string, FeatureValue> | undefined
  /** For each feature the positions of the events that it counts. */
  contributors: Record<string, number[]>
  events: ReadEvent[]
  /** What is wrong with the derived files. */
  problems: string[]
  /** Events that do not open as they were recorded. */
  damaged: { seq: number; problem: string }[]
}

/** A derived file that an erasure wrote again: its digest before and after, and the rows that were taken out. */
export interface RewrittenFile {
  path: string
  before: string
  after: string
  removed: number
}

/** What an erasure that may be cut off has noted of the column files of a stream. */
export interface NotedFiles {
  of(stream: string): readonly RewrittenFile[]
  /** Durable when it resolves. */
  keep(stream: string, files: readonly RewrittenFile[]): Promise<void>
}

/** For each subject, for each feature, the positions of the events that it counts. */
export type Contributors = Map<string, Record<string, number[]>>

export const snapshotProjection: Projection = {
  tables: ['snapshot', 'training_set'],
  kinds: ['snapshot', 'training'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const body = Buffer.from(opened.content).toString('utf8')
      if (record.entry.kind.startsWith('snapshot/')) {
        await tx.query('insert into snapshot (id, view, body) values ($1, $2, $3::text::jsonb)', [
          BigInt(record.seq),
          record.entry.refs.view,
          body,
        ])
      } else {
        await tx.query('insert into training_set (id, seq, body) values ($1, $2, $3::text::jsonb)', [
          record.entry.id,
          BigInt(record.seq),
          body,
        ])
      }
    }
  },
}

type SnapshotBody = Omit<Snapshot, 'id' | 'receipt'> & { columns: Column[] }
type TrainingBody = Omit<TrainingSet, 'seq' | 'receipt'> & { columns: Column[]; spineDigest: string }

/** What the records of snapshots have in common. */
const RECORD = { kind: 'snapshot/1', stream: 'whence.snapshots', source: 'whence' } as const

const PAGE = 5000

export class Snapshots {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #columns: Columns
  readonly #contracts: ContractBook
  readonly #views: ViewBook
  readonly #clock: Clock
  readonly #folder: string
  readonly events: EventColumns
  /** Files that an erasure has written again, as they are now. */
  #rewritten = new Map<string, { sha256: string; removed: number }>()
  #writing: Promise<unknown> = Promise.resolve()
  /** Files that were found in order, by their identity on the disk. */
  readonly #inOrder = new Map<string, string>()

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    columns: Columns
    contracts: ContractBook
    views: ViewBook
    clock: Clock
    folder: string
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#columns = parts.columns
    this.#contracts = parts.contracts
    this.#views = parts.views
    this.#clock = parts.clock
    this.#folder = parts.folder
    this.events = new EventColumns({
      columns: parts.columns,
      folder: parts.folder,
      source: ledgerEvents(parts.ledger, parts.contracts),
    })
  }

  /** Reads which files erasures have written again. */
  async noteErasures(): Promise<void> {
    await this.#follower.reach('erasure')
    const erasures = await this.#database.query<{
      body: { filesRewritten: { path: string; after: string | null; removed: number }[] }
    }>('select body from erasure order by seq')
    this.#rewritten = new Map()
    for (const { body } of erasures) {
      for (const { path, after, removed } of body.filesRewritten) {
        const before = this.#rewritten.get(path)?.removed ?? 0
        if (after !== null) this.#rewritten.set(path, { sha256: after, removed: before + removed })
      }
    }
  }

  /** Computes a view at a time, as of a position, and records the snapshot. The same request again is the same snapshot. */
  materialize(request: Materialize, by: { id: string }): Promise<Snapshot> {
    return this.#inTurn(() => this.#materialize(request, by))
  }

  async #materialize(request: Materialize, by: { id: string }): Promise<Snapshot> {
    const version = await this.#views.get(request.view)
    const compiled = await this.#views.compiled(version)
    const at = request.at === undefined ? this.#clock.now() : parseTime(request.at)
    if (at === undefined) throw new Fault('invalid', `"${request.at}" is no time`)
    const asOf = this.#position(request.asOf)
    const view = `${version.name}@v${version.version}`
    const id = `${view}/${at}/${asOf}`
    // A snapshot that is on record is not written again: an erasure may have taken rows out of it since.
    const earlier = this.#ledger.find(identityOf(this.#ledger.subjects.idKey, placeBytes({ ...RECORD, id })))
    if (earlier !== undefined)
      return { ...(await this.get(earlier)), receipt: { ...this.#ledger.receiptOf(earlier), status: 'duplicate' } }
    await this.#extend(compiled, asOf)
    const made = await materialize(this.#place, compiled, { at, asOf, name: `${version.version}-${asOf}-${at}` })
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
    const { seq, leaf, recorded, status } = await this.#ledger.appendOne(
      {
        ...RECORD,
        id,
        time: at,
        refs: { view, fingerprint: version.fingerprint, asOf: String(asOf) },
        content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(body)))),
      },
      by.id,
    )
    return { ...(await this.get(seq)), receipt: { seq, leaf, recorded, status } }
  }

  /** A snapshot by its id. Throws `not_found`. */
  async get(id: number): Promise<Snapshot> {
    const { columns: _, ...body } = await this.#body(id)
    return { id, ...body }
  }

  /** The rows of a snapshot in the order of their subjects, page by page. */
  async *rows(id: number): AsyncGenerator<FeatureRow[]> {
    const body = await this.#body(id)
    await this.#refuseAltered(await this.flaw({ id, ...body }))
    for (let offset = 0; ; offset += PAGE) {
      const page = await rows(this.#place, body, { offset, limit: PAGE })
      yield page.map(({ subject, values }) => ({ subject, values: outward(body.columns, values) }))
      if (page.length < PAGE) return
    }
  }

  /** What is wrong with a snapshot's files, in a sentence; looked at again whenever a file has changed on the disk. */
  async flaw(snapshot: Snapshot): Promise<string | undefined> {
    const body = await this.#body(snapshot.id)
    return this.#flawOf(body, body.columns, `is altered: its digest is not the one on record ${snapshot.id}`)
  }

  /** What a snapshot's rows are about: the entity of its view. */
  async entityOf(id: number): Promise<string> {
    return parseView((await this.#views.get((await this.#body(id)).view)).text, 'view').entity
  }

  async trainingSetFlaw(set: TrainingSet): Promise<string | undefined> {
    const { columns } = await this.#trainingBody(set.id)
    return this.#flawOf(set, columns, `is altered: its digest is not the one on record ${set.seq}`)
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
    for (let at = 0; at < subjects.length; at += 500) {
      const chunk = await this.#retrace(snapshot, [...new Set(subjects.slice(at, at + 500))])
      for (const [subject, one] of chunk) {
        const problem = one.problems[0] ?? (one.damaged[0] && `record ${one.damaged[0].seq}: ${one.damaged[0].problem}`)
        all.set(subject, problem === undefined ? one : { ...one, problem })
      }
    }
    return all
  }

  async contributors(id: number, subjects: readonly string[]): Promise<Contributors> {
    const body = await this.#body(id)
    const compiled = await this.#compiledFor(body)
    await this.#extend(compiled, body.asOf)
    const found = await contributorsOfAll(this.#place, compiled, asks(body, subjects))
    return new Map(subjects.map((subject, i) => [subject, found[i]!.features]))
  }

  createTrainingSet(request: TrainingSetRequest, caller: { id: string }): Promise<TrainingSet> {
    return this.#inTurn(() => this.#createTrainingSet(request, caller))
  }

  async #createTrainingSet(request: TrainingSetRequest, caller: { id: string }): Promise<TrainingSet> {
    // Keyed, because the identifiers in it could be guessed.
    const spineText = JSON.stringify(
      request.spine.map(({ subject, entity, at, label }) => [subject ?? null, entity ?? null, at, label]),
    )
    const spineDigest = hmac(this.#ledger.subjects.idKey, Buffer.from(spineText)).toString('hex')
    const version = await this.#views.get(request.view)
    const view = `${version.name}@v${version.version}`
    const known = await this.findTrainingSet(request.id)
    if (known) {
      const { spineDigest: before } = await this.#trainingBody(request.id)
      if (
        before === spineDigest &&
        known.view === view &&
        (request.asOf === undefined || request.asOf === known.asOf)
      ) {
        return { ...known, receipt: { ...this.#ledger.receiptOf(known.seq), status: 'duplicate' } }
      }
      throw new Fault(
        'conflict',
        `training set "${request.id}" exists with another view, position or spine: give this one another id`,
      )
    }
    const compiled = await this.#views.compiled(version)
    const asOf = this.#position(request.asOf)
    const leftOut = { unknown: 0, erased: 0 }
    const spine = request.spine.flatMap(({ subject, entity, at, label }) => {
      const time = parseTime(at)
      if (time === undefined) throw new Fault('invalid', `"${at}" is no time`)
      if (subject === undefined && entity === undefined)
        throw new Fault('invalid', 'each row of the spine needs "entity" or "subject"')
      const found =
        subject === undefined
          ? this.#ledger.subjects.find(compiled.view.entity, entity!)
          : this.#ledger.subjects.byId(subject)
      if (found === 'erased') leftOut.erased++
      else if (found === undefined) leftOut.unknown++
      else return [{ subject: found.id, at: time, label }]
      return []
    })
    if (spine.length === 0)
      throw new Fault('invalid', 'no row of the spine is about a known person: check the identifiers')
    await this.#extend(compiled, asOf)
    const name = `${request.id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 40)}-${hash('sha256', request.id, 'hex').slice(0, 12)}`
    const made = await writeTrainingSet(this.#place, compiled, { name, asOf, spine })
    const body: TrainingBody = {
      id: request.id,
      view,
      fingerprint: version.fingerprint,
      asOf,
      label: request.label,
      rows: made.rows,
      leftOut,
      files: made.files,
      rowsDigest: made.rowsDigest,
      inputs: made.inputs,
      columns: made.columns,
      spineDigest,
    }
    const placed = await this.#ledger.appendOne(
      {
        kind: 'training/1',
        stream: 'whence.training',
        source: 'whence',
        id: request.id,
        time: this.#clock.now(),
        refs: { view, fingerprint: version.fingerprint, asOf: String(asOf) },
        content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(body)))),
      },
      caller.id,
    )
    if (placed.status === 'conflict')
      throw new Fault('conflict', `training set "${request.id}" was made by somebody else meanwhile`)
    const { seq, leaf, recorded, status } = placed
    return { ...(await this.trainingSet(request.id)), receipt: { seq, leaf, recorded, status } }
  }

  async trainingSet(id: string): Promise<TrainingSet> {
    const { columns: _, spineDigest: __, ...set } = await this.#trainingBody(id)
    return set
  }

  async findTrainingSet(id: string): Promise<TrainingSet | undefined> {
    try {
      return await this.trainingSet(id)
    } catch (error) {
      if (error instanceof Fault && error.code === 'not_found') return undefined
      throw error
    }
  }

  async *trainingRows(id: string): AsyncGenerator<TrainingRow[]> {
    const body = await this.#trainingBody(id)
    await this.#refuseAltered(
      await this.#flawOf(body, body.columns, `is altered: its digest is not the one on record ${body.seq}`),
    )
    for (let offset = 0; ; offset += PAGE) {
      const page = await rowsOf(this.#place, body.columns, body.files[0]!.path, { offset, limit: PAGE })
      yield page.map(({ subject, values: { at, label, present: _, ...values } }) => ({
        at: formatTime(at as number),
        subject,
        label: label as number | boolean,
        values: outward(body.columns, values),
      }))
      if (page.length < PAGE) return
    }
  }

  /** How many rows of two snapshots or training sets are equal, as they were written: whoever was erased since counts. */
  async compareRows(
    before: { snapshot: number } | { training: string },
    after: { snapshot: number } | { training: string },
  ): Promise<RowsCompared & { basis: string }> {
    const listOf = async (one: typeof before): Promise<RowList> =>
      'snapshot' in one ? this.#body(one.snapshot) : this.#trainingBody(one.training)
    const compared = await compareRowLists(this.#folder, await listOf(before), await listOf(after))
    return { ...compared, basis: 'hashes of the rows as they were written' }
  }

  /** Takes a subject out of every derived file. `noted` keeps, across a crash, which column files were written again. */
  removeSubject(subject: string, noted: NotedFiles): Promise<RewrittenFile[]> {
    return this.#inTurn(() => this.#removeSubject(subject, noted))
  }

  async #removeSubject(subject: string, noted: NotedFiles): Promise<RewrittenFile[]> {
    await this.#follower.reach('snapshot', 'training')
    const rewritten: RewrittenFile[] = []
    for (const stream of this.#contracts.streams()) {
      const files = await this.events.remove(stream, subject, (files) => noted.keep(stream, files.map(shown)))
      rewritten.push(...(files.length > 0 ? files.map(shown) : noted.of(stream)))
    }
    const snapshots = await this.#database.query<{ body: SnapshotBody }>('select body from snapshot order by id')
    const sets = await this.#database.query<{ body: TrainingBody }>('select body from training_set order by seq')
    for (const { body } of snapshots) {
      const done = await removeSubject(this.#place, body, this.#now(body.files)[0]!, subject)
      if (done) rewritten.push({ path: done.path, before: done.before, after: done.after, removed: done.removed })
    }
    for (const { body } of sets) {
      const done = await removeRows(this.#place, body.columns, this.#now(body.files)[0]!, subject)
      if (done) rewritten.push({ path: done.path, before: done.before, after: done.after, removed: done.removed })
    }
    return rewritten
  }

  /** Removes files of computed rows that a crash left without a record. */
  async sweep(): Promise<void> {
    await this.#follower.reach()
    const rows = await this.#database.query<{ body: { files: DataFile[] } }>(
      'select body from snapshot union all select body from training_set',
    )
    await sweepRows(
      this.#place,
      rows.flatMap(({ body }) => body.files.map(({ path }) => path)),
    )
  }

  /** Holds every derived file against the ledger. */
  async check(): Promise<{
    problems: { path: string; code: string; message: string }[]
    checked: Record<string, number>
  }> {
    await this.#follower.reach()
    const problems: { path: string; code: string; message: string }[] = []
    let columnFiles = 0
    for (const stream of this.#contracts.streams()) {
      columnFiles += (await this.events.files(stream)).length
      for (const { path, problem, sentence } of await this.events.check(stream, { deep: true })) {
        problems.push({ path, code: problem, message: sentence })
      }
    }
    const snapshots = await this.#database.query<{ body: SnapshotBody }>('select body from snapshot order by id')
    const sets = await this.#database.query<{ body: TrainingBody }>('select body from training_set order by seq')
    for (const { body } of [...snapshots, ...sets]) {
      const found = await checkRows(this.#place, body.columns, body, this.#now(body.files))
      for (const { path, problem, sentence } of found.problems)
        problems.push({ path, code: problem, message: sentence })
    }
    return { problems, checked: { columnFiles, snapshots: snapshots.length, trainingSets: sets.length } }
  }

  get #place(): { columns: Columns; folder: string; events: EventColumns } {
    return { columns: this.#columns, folder: this.#folder, events: this.events }
  }

  async #retrace(snapshot: Snapshot, subjects: readonly string[]): Promise<Map<string, Recomputed>> {
    const body = await this.#body(snapshot.id)
    const compiled = await this.#compiledFor(body)
    await this.#extend(compiled, body.asOf)
    const problems: string[] = []
    for (const { stream } of compiled.sources) {
      for (const { sentence } of await this.events.check(stream)) problems.push(sentence)
    }
    const path = body.files[0]!.path
    // Read while the events are selected: each is a query of its own.
    const storedRows = (
      subjects.length === 1
        ? rowOf(this.#place, body.columns, path, subjects[0]!).then((one) => (one ? [one] : []))
        : rowsOfSubjects(this.#place, body.columns, path, subjects)
    ).catch(() => [])
    const about = asks(body, subjects)
    const selected =
      about.length === 1
        ? [await contributors(this.#place, compiled, about[0]!)]
        : await contributorsOfAll(this.#place, compiled, about)
    const opened = subjects.map((subject, i) => this.#openEvents(compiled, subject, selected[i]!))
    const values = await recomputeAll(
      this.#columns,
      compiled,
      opened.map(({ events }, i) => ({ ...about[i]!, events })),
    )
    const storedOf = new Map((await storedRows).map((one) => [one.subject, one]))
    const result = new Map<string, Recomputed>()
    for (const [i, subject] of subjects.entries()) {
      const stored = storedOf.get(subject)
      result.set(subject, {
        view: compiled.view,
        values: outward(body.columns, values[i]!),
        stored: stored && outward(body.columns, stored.values),
        contributors: selected[i]!.features,
        events: opened[i]!.read,
        problems,
        damaged: opened[i]!.damaged,
      })
    }
    return result
  }

  #openEvents(
    compiled: CompiledView,
    subject: string,
    selected: EngineContributors,
  ): { events: OpenedEvents; read: ReadEvent[]; damaged: Recomputed['damaged'] } {
    const read: ReadEvent[] = []
    const damaged: Recomputed['damaged'] = []
    const events: OpenedEvents = Object.fromEntries(
      compiled.sources.map((shape) => [
        shape.stream,
        (selected.streams[shape.stream] ?? []).flatMap((seq) => {
          try {
            const event = readEvent(this.#ledger, this.#contracts, seq)
            if (event === 'erased') return []
            if (event.subject !== subject) throw new Fault('altered', 'it is about another person')
            read.push(event)
            return [rowFor(event, shape)]
          } catch (error) {
            damaged.push({ seq, problem: Fault.from(error).message })
            return []
          }
        }),
      ]),
    )
    return { events, read: read.sort((a, b) => a.time - b.time || a.seq - b.seq), damaged }
  }

  async #compiledFor(body: SnapshotBody): Promise<CompiledView> {
    const version = await this.#views.get(body.view)
    return this.#views.compiled(version, new Map(body.inputs.map(({ stream, contract }) => [stream, contract])))
  }

  async #extend(compiled: CompiledView, asOf: number): Promise<void> {
    for (const { stream } of compiled.sources) {
      await this.events.extend(stream, this.#contracts.columns(stream), asOf)
    }
  }

  /**
   * What writes derived files does so one after the other: two may be asked for the same file, and whoever is being
   * erased must not stand in one that is finished later.
   */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(run, run)
    this.#writing = turn.catch(() => {})
    return turn
  }

  #position(asOf: number | undefined): number {
    const head = this.#ledger.size
    if (asOf !== undefined && asOf > head)
      throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${head}`)
    return asOf ?? head
  }

  async #body(id: number): Promise<SnapshotBody> {
    await this.#follower.reach('snapshot')
    const [found] = await this.#database.query<{ body: SnapshotBody }>('select body from snapshot where id = $1', [
      BigInt(id),
    ])
    if (!found) throw new Fault('not_found', `no feature snapshot has the id ${id}: whence materialize makes one`)
    return found.body
  }

  async #trainingBody(id: string): Promise<TrainingBody & { seq: number }> {
    await this.#follower.reach('training')
    const [found] = await this.#database.query<{ seq: bigint; body: TrainingBody }>(
      'select seq, body from training_set where id = $1',
      [id],
    )
    if (!found) throw new Fault('not_found', `no training set has the id "${id}"`)
    return { ...found.body, seq: Number(found.seq) }
  }

  /** The files as erasures have left them. */
  #now(files: readonly DataFile[]): DataFile[] {
    return files.map((file) => {
      const later = this.#rewritten.get(file.path)
      return later ? { ...file, sha256: later.sha256, rows: file.rows - later.removed } : file
    })
  }

  async #flawOf(
    recorded: { rows: number; files: DataFile[]; rowsDigest: string },
    columns: readonly Column[],
    sentence: string,
  ): Promise<string | undefined> {
    const now = this.#now(recorded.files)
    const identity = await this.#identity(now)
    const [first] = now
    if (this.#inOrder.get(first!.path) === identity) return undefined
    const { problems } = await checkRows(this.#place, columns, recorded, now)
    if (problems.length > 0) {
      const altered = problems.find(({ problem }) => problem === 'altered')
      return altered ? `File ${altered.path} ${sentence}.` : problems[0]!.sentence
    }
    this.#inOrder.set(first!.path, identity)
    return undefined
  }

  /** What changes when a file is written: expected digest, inode, size and times. */
  async #identity(files: readonly DataFile[]): Promise<string> {
    const parts = await Promise.all(
      files.flatMap(({ path, sha256 }) =>
        [path, path.replace(/\.parquet$/, '.rows')].map(async (each) => {
          const found = await stat(`${this.#folder}/${each}`, { bigint: true }).catch(() => undefined)
          return found ? `${sha256}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}` : 'gone'
        }),
      ),
    )
    return parts.join(' ')
  }

  async #refuseAltered(flaw: string | undefined): Promise<void> {
    if (flaw !== undefined) throw new Fault('altered', `${flaw} Nothing of it is served.`)
  }
}

function shown({ path, before, after, removed }: RewrittenFile): RewrittenFile {
  return { path, before, after, removed }
}

function asks(body: SnapshotBody, subjects: readonly string[]): Ask[] {
  const at = parseTime(body.at)!
  return subjects.map((subject) => ({ subject, at, asOf: body.asOf }))
}

/** Values as the API gives them: whole and decimal numbers as numbers where a double holds them exactly, else as text. */
function outward(columns: readonly Column[], values: Readonly<Record<string, Value>>): Record<string, FeatureValue> {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const type = types.get(name) ?? ''
      if (typeof value === 'bigint') return [name, BigInt(Number(value)) === value ? Number(value) : String(value)]
      if (type === 'TIMESTAMP' && typeof value === 'number') return [name, formatTime(value)]
      if (type.startsWith('DECIMAL') && typeof value === 'string') {
        return [name, value.replaceAll(/\D/g, '').length <= 15 ? Number(value) : value]
      }
      return [name, value]
    }),
  )
}

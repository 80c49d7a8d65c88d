// Training sets as records: for the rows of a spine, the features as they were and were known at each row's time.
import { canonicalize } from '@whence/ledger'
import type {
  Approval,
  ApprovalRequest,
  TrainingProgress,
  TrainingRow,
  TrainingSet,
  TrainingSetRequest,
} from '@whence/sdk'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Placed } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import type { Approvals } from './approvals.ts'
import { refuseAltered } from './derived-files.ts'
import type { DerivedFiles, RewrittenFile } from './derived-files.ts'
import { outward } from './outward.ts'
import { checkRows, removeFiles, removeRows, rowsOf } from './rows.ts'
import type { RowProblem } from './rows.ts'
import type { RowList } from './row-lists.ts'
import { unlessDamaged } from './feature-tables.ts'
import { trainingTable } from './training-tables.ts'
import type { TrainingTables } from './training-tables.ts'
import type { SetMaker } from './set-maker.ts'
import { featuresOf, saysTheSame, viewsOf } from './set-record.ts'
import type { RecordedSet, TrainingBody } from './set-record.ts'

export const trainingProjection: Projection = {
  tables: ['training_set'],
  kinds: ['training'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into training_set (id, seq, body) values ($1, $2, $3::text::jsonb)', [
        record.entry.id,
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

const PAGE = 5000

export class TrainingSets {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  readonly #derived: DerivedFiles
  readonly #approvals: Approvals
  readonly #maker: SetMaker
  readonly #tables: TrainingTables
  readonly #making = new Map<string, TrainingProgress>()

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    clock: Clock
    derived: DerivedFiles
    approvals: Approvals
    maker: SetMaker
    tables: TrainingTables
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
    this.#derived = parts.derived
    this.#approvals = parts.approvals
    this.#maker = parts.maker
    this.#tables = parts.tables
  }

  /**
   * Makes a set and records it. The same request again is the same set. An upload that it names is deleted, whatever
   * comes of it.
   */
  async create(request: TrainingSetRequest, caller: { id: string }): Promise<TrainingSet> {
    const progress = (now: TrainingProgress): void => void this.#making.set(request.id, now)
    try {
      progress({ state: 'waiting', done: 0 })
      return await this.#derived.inTurn(() => this.#create(request, caller, progress))
    } finally {
      this.#making.delete(request.id)
      await this.#maker.forget(request)
    }
  }

  /** Puts into tables what a crash left without its table. At the start. */
  catchUp(): Promise<void> {
    return this.#derived.inTurn(async () => {
      await this.#tables.catchUp(await this.#bodies())
    })
  }

  /** How far a set is that is being made. */
  progress(id: string): TrainingProgress {
    return this.#making.get(id) ?? { state: 'none', done: 0 }
  }

  async #create(
    request: TrainingSetRequest,
    caller: { id: string },
    progress: (now: TrainingProgress) => void,
  ): Promise<TrainingSet> {
    const asked = await this.#maker.read(request)
    const known = await this.#find(request.id)
    if (known) {
      if (!saysTheSame(known, asked, request))
        throw new Fault(
          'conflict',
          `training set "${request.id}" exists with other views, another position, label or spine: give this one another id`,
        )
      return { ...(await this.#shown(known)), receipt: { ...this.#ledger.receiptOf(known.seq), status: 'duplicate' } }
    }
    const made = await this.#maker.make(request, asked, { by: caller, progress })
    const first = made.views[0]!
    const body: TrainingBody = { id: request.id, ...first, label: request.label, ...made }
    let placed: Placed
    try {
      placed = await this.#ledger.appendOne(
        {
          kind: 'training/1',
          stream: 'whence.training',
          source: 'whence',
          id: request.id,
          time: this.#clock.now(),
          refs: {
            view: made.views.map(({ view }) => view).join(','),
            fingerprint: made.views.map(({ fingerprint }) => fingerprint).join(','),
            asOf: String(made.asOf),
          },
          content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(body)))),
        },
        caller.id,
      )
      if (placed.status === 'conflict')
        throw new Fault('conflict', `training set "${request.id}" was made by somebody else meanwhile`)
    } catch (error) {
      // Without a record no erasure would find the files.
      if ((await this.#find(request.id)) === undefined) await removeFiles(this.#derived.place.folder, body.files)
      throw error
    }
    const set = await this.body(request.id)
    await unlessDamaged(trainingTable(set.id), () => this.#tables.publish(set, caller))
    const { seq, leaf, recorded, status } = placed
    return { ...(await this.#shown(set)), receipt: { seq, leaf, recorded, status } }
  }

  async get(id: string): Promise<TrainingSet> {
    return this.#shown(await this.body(id))
  }

  async find(id: string): Promise<TrainingSet | undefined> {
    const found = await this.#find(id)
    return found && this.#shown(found)
  }

  /** Records a decision about a set. */
  async approve(id: string, request: ApprovalRequest, caller: { id: string }): Promise<Approval> {
    const { contentDigest, rowsDigest } = await this.body(id)
    return this.#approvals.record({ kind: 'training-set', id, digest: contentDigest ?? rowsDigest }, request, caller)
  }

  /** The Parquet file of a set, as it is now. Throws `altered` when it is not the one on record. */
  async parquet(id: string): Promise<AsyncIterable<Uint8Array>> {
    const body = await this.body(id)
    refuseAltered(await this.#flaw(body))
    return createReadStream(join(this.#derived.place.folder, body.files[0]!.path), { highWaterMark: 1 << 18 })
  }

  async *rows(id: string): AsyncGenerator<TrainingRow[]> {
    const body = await this.body(id)
    refuseAltered(await this.#flaw(body))
    const features = featuresOf(body).filter(({ present }) => !present)
    for (let offset = 0; ; offset += PAGE) {
      const page = await rowsOf(this.#derived.place, body.columns, body.files[0]!.path, { offset, limit: PAGE })
      yield page.map(({ subject, values }) => ({
        at: formatTime(values.at as number),
        subject,
        label: values.label as number | boolean,
        values: outward(body.columns, Object.fromEntries(features.map(({ column }) => [column, values[column]!]))),
      }))
      if (page.length < PAGE) return
    }
  }

  /** What is wrong with a set's files, in a sentence. */
  async flaw({ id }: { id: string }): Promise<string | undefined> {
    return this.#flaw(await this.body(id))
  }

  /** The list of a set's row hashes, to be held against another's. */
  rowList(id: string): Promise<RowList> {
    return this.body(id)
  }

  /** Takes a subject out of every set; in the turn of whoever calls. */
  async removeSubject(subject: string): Promise<RewrittenFile[]> {
    const rewritten: RewrittenFile[] = []
    for (const body of await this.#bodies()) {
      const done = await removeRows(this.#derived.place, body.columns, this.#derived.now(body.files)[0]!, subject)
      if (done) rewritten.push({ path: done.path, before: done.before, after: done.after, removed: done.removed })
    }
    return rewritten
  }

  /** The paths of all files that sets are recorded with. */
  async paths(): Promise<string[]> {
    return (await this.#bodies()).flatMap(({ files }) => files.map(({ path }) => path))
  }

  /** Holds the files of every set against the ledger. */
  async check(): Promise<{ problems: RowProblem[]; checked: number }> {
    const bodies = await this.#bodies()
    const problems: RowProblem[] = []
    for (const body of bodies) {
      const now = this.#derived.now(body.files)
      problems.push(...(await checkRows(this.#derived.place, body.columns, body, now)).problems)
    }
    return { problems, checked: bodies.length }
  }

  /** The record of a set. Throws `not_found`. */
  async body(id: string): Promise<RecordedSet> {
    const found = await this.#find(id)
    if (!found) throw new Fault('not_found', `no training set has the id "${id}"`)
    return found
  }

  #flaw(body: RecordedSet): Promise<string | undefined> {
    return this.#derived.flaw(body, body.columns, `is altered: its digest is not the one on record ${body.seq}`)
  }

  async #shown(set: RecordedSet): Promise<TrainingSet> {
    const { spineDigest: _, viewColumns: __, engine: ___, ...body } = set
    const files = this.#derived.now(set.files)
    return {
      ...body,
      views: viewsOf(set),
      knowledge: set.knowledge ?? 'honoured',
      leftOut: { unknown: 0, erased: 0, objected: 0, future: 0, unlabelled: 0, ...set.leftOut },
      spine: set.spine ?? { kind: 'rows' },
      now: { rows: files.reduce((sum, { rows }) => sum + rows, 0), files },
      approvals: await this.#approvals.of({ kind: 'training-set', id: set.id }),
    }
  }

  async #bodies(): Promise<RecordedSet[]> {
    await this.#follower.reach('training')
    const rows = await this.#database.query<{ seq: bigint; body: TrainingBody }>(
      'select seq, body from training_set order by seq',
    )
    return rows.map((row) => this.#recorded(row))
  }

  #recorded({ seq, body }: { seq: bigint; body: TrainingBody }): RecordedSet {
    return { ...body, seq: Number(seq), made: this.#ledger.entry(Number(seq)).recorded }
  }

  async #find(id: string): Promise<RecordedSet | undefined> {
    await this.#follower.reach('training')
    const [found] = await this.#database.query<{ seq: bigint; body: TrainingBody }>(
      'select seq, body from training_set where id = $1',
      [id],
    )
    if (!found) return undefined
    return this.#recorded(found)
  }
}

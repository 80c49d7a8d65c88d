// Training sets as records: for the rows of a spine, the features as they were and were known at each row's time.
import { canonicalize } from '@whence/ledger'
import type { TrainingRow, TrainingSet, TrainingSetRequest } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Column } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import { refuseAltered } from './derived-files.ts'
import type { DerivedFiles, RewrittenFile } from './derived-files.ts'
import { outward } from './outward.ts'
import { checkRows, removeRows, rowsOf } from './rows.ts'
import type { RowProblem } from './rows.ts'
import type { RowList } from './row-lists.ts'
import { writeTrainingSet } from './training-set.ts'
import type { ViewBook } from './view-book.ts'

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

type TrainingBody = Omit<TrainingSet, 'seq' | 'receipt'> & { columns: Column[]; spineDigest: string }

const PAGE = 5000

export class TrainingSets {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #views: ViewBook
  readonly #clock: Clock
  readonly #derived: DerivedFiles

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    views: ViewBook
    clock: Clock
    derived: DerivedFiles
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#views = parts.views
    this.#clock = parts.clock
    this.#derived = parts.derived
  }

  create(request: TrainingSetRequest, caller: { id: string }): Promise<TrainingSet> {
    return this.#derived.inTurn(() => this.#create(request, caller))
  }

  async #create(request: TrainingSetRequest, caller: { id: string }): Promise<TrainingSet> {
    // Keyed, because the identifiers in it could be guessed.
    const spineText = JSON.stringify(
      request.spine.map(({ subject, entity, at, label }) => [subject ?? null, entity ?? null, at, label]),
    )
    const spineDigest = hmac(this.#ledger.subjects.idKey, Buffer.from(spineText)).toString('hex')
    const version = await this.#views.get(request.view)
    const view = `${version.name}@v${version.version}`
    const known = await this.find(request.id)
    if (known) {
      const { spineDigest: before } = await this.#body(request.id)
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
    const asOf = this.#derived.position(request.asOf)
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
    await this.#derived.extend(compiled, asOf)
    const name = `${request.id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 40)}-${hash('sha256', request.id, 'hex').slice(0, 12)}`
    const made = await writeTrainingSet(this.#derived.place, compiled, { name, asOf, spine })
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
    return { ...(await this.get(request.id)), receipt: { seq, leaf, recorded, status } }
  }

  async get(id: string): Promise<TrainingSet> {
    const { columns: _, spineDigest: __, ...set } = await this.#body(id)
    return set
  }

  async find(id: string): Promise<TrainingSet | undefined> {
    try {
      return await this.get(id)
    } catch (error) {
      if (error instanceof Fault && error.code === 'not_found') return undefined
      throw error
    }
  }

  async *rows(id: string): AsyncGenerator<TrainingRow[]> {
    const body = await this.#body(id)
    refuseAltered(await this.#flaw(body))
    for (let offset = 0; ; offset += PAGE) {
      const page = await rowsOf(this.#derived.place, body.columns, body.files[0]!.path, { offset, limit: PAGE })
      yield page.map(({ subject, values: { at, label, present: _, ...values } }) => ({
        at: formatTime(at as number),
        subject,
        label: label as number | boolean,
        values: outward(body.columns, values),
      }))
      if (page.length < PAGE) return
    }
  }

  /** What is wrong with a set's files, in a sentence. */
  async flaw({ id }: { id: string }): Promise<string | undefined> {
    return this.#flaw(await this.#body(id))
  }

  /** The list of a set's row hashes, to be held against another's. */
  rowList(id: string): Promise<RowList> {
    return this.#body(id)
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

  #flaw(body: TrainingBody & { seq: number }): Promise<string | undefined> {
    return this.#derived.flaw(body, body.columns, `is altered: its digest is not the one on record ${body.seq}`)
  }

  async #bodies(): Promise<TrainingBody[]> {
    await this.#follower.reach('training')
    const rows = await this.#database.query<{ body: TrainingBody }>('select body from training_set order by seq')
    return rows.map(({ body }) => body)
  }

  async #body(id: string): Promise<TrainingBody & { seq: number }> {
    await this.#follower.reach('training')
    const [found] = await this.#database.query<{ seq: bigint; body: TrainingBody }>(
      'select seq, body from training_set where id = $1',
      [id],
    )
    if (!found) throw new Fault('not_found', `no training set has the id "${id}"`)
    return { ...found.body, seq: Number(found.seq) }
  }
}

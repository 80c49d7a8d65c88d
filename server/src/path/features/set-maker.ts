// How a training set is made: its views read, its spine taken from where it stands, its rows joined and written. What of it
// goes on the log is for training-sets.ts.
import { canonicalize } from '@whence/ledger'
import type { SpineColumns, TrainingProgress, TrainingSet, TrainingSetRequest } from '@whence/sdk'
import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { hmac } from '../../record/subjects/hmac.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Objections } from '../consent/objections.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { CompiledView } from './compile.ts'
import { contentDigest } from './content-digest.ts'
import type { DerivedFiles } from './derived-files.ts'
import { shapeOf } from './event-source.ts'
import { sidecar } from './rows.ts'
import type { AskedSet, MadeSet } from './set-record.ts'
import { csvSpine } from './spine-csv.ts'
import { parquetSpine, streamSpine, tableSpine } from './spine-tables.ts'
import type { SpineUploads, Upload } from './spine-uploads.ts'
import { Spine } from './spine.ts'
import type { GivenRow, SpineRules } from './spine.ts'
import { shapeOfSet, writeTrainingSet } from './training-set.ts'
import type { JoinedView } from './training-set.ts'
import type { TrainingTables } from './training-tables.ts'
import type { ViewBook } from './view-book.ts'

/** From where a spine is taken, and by what its rows are judged. */
export interface SpineAsk {
  request: Pick<TrainingSetRequest, 'spine' | 'label'>
  spine: TrainingSet['spine']
  upload?: Upload | undefined
  entity: string
  asOf: number
  now: Micros
  objected: ReadonlySet<string>
}

export class SetMaker {
  readonly #ledger: Ledger
  readonly #contracts: ContractBook
  readonly #views: ViewBook
  readonly #clock: Clock
  readonly #derived: DerivedFiles
  readonly #objections: Objections
  readonly #uploads: SpineUploads
  readonly #tables: TrainingTables

  constructor(parts: {
    ledger: Ledger
    contracts: ContractBook
    views: ViewBook
    clock: Clock
    derived: DerivedFiles
    objections: Objections
    uploads: SpineUploads
    tables: TrainingTables
  }) {
    this.#ledger = parts.ledger
    this.#contracts = parts.contracts
    this.#views = parts.views
    this.#clock = parts.clock
    this.#derived = parts.derived
    this.#objections = parts.objections
    this.#uploads = parts.uploads
    this.#tables = parts.tables
  }

  /** Reads which views and which spine are asked for. Throws `invalid` and `not_found`. */
  async read(request: TrainingSetRequest): Promise<AskedSet> {
    if ((request.view === undefined) === (request.views === undefined))
      throw new Fault('invalid', 'which view: give "view", or "views" for several')
    if ((request.spine === undefined) === (request.from === undefined))
      throw new Fault('invalid', 'for which rows: give "spine", or "from" for a file or a stream')
    const views: AskedSet['views'] = []
    for (const name of request.views ?? [request.view!]) {
      const version = await this.#views.get(name)
      const view = `${version.name}@v${version.version}`
      if (views.some((each) => each.view === view)) throw new Fault('invalid', `view ${view} is given twice`)
      views.push({ ...version, view })
    }
    return { views, ...this.spineOf(request) }
  }

  /** Which spine a request means, and its keyed digest. */
  spineOf({ spine, from }: Pick<TrainingSetRequest, 'spine' | 'from'>): Omit<AskedSet, 'views'> {
    const keyed = (text: string): string => hmac(this.#ledger.subjects.idKey, Buffer.from(text)).toString('hex')
    if (spine !== undefined) {
      const rows = spine.map(({ subject, entity, at, label, asOf }) => [
        subject ?? null,
        entity ?? null,
        at,
        label,
        ...(asOf === undefined ? [] : [asOf]),
      ])
      return { spine: { kind: 'rows' }, spineDigest: keyed(JSON.stringify(rows)) }
    }
    if (from !== undefined && 'stream' in from) {
      return { spine: { kind: 'stream', ...from }, spineDigest: keyed(canonicalize(JSON.parse(JSON.stringify(from)))) }
    }
    if (from !== undefined && 'table' in from) {
      return { spine: { kind: 'table', ...from }, spineDigest: keyed(canonicalize(JSON.parse(JSON.stringify(from)))) }
    }
    if (from === undefined) throw new Fault('invalid', 'which rows are meant: give "spine", or "from"')
    const upload = this.#uploads.get(from.upload)
    const columns: { columns?: SpineColumns } = from.columns === undefined ? {} : { columns: from.columns }
    return { spine: { kind: upload.format, ...columns }, spineDigest: upload.digest, upload }
  }

  /** Deletes the upload that a request names. */
  async forget({ from }: Pick<TrainingSetRequest, 'from'>): Promise<void> {
    if (from !== undefined && 'upload' in from) await this.#uploads.drop(from.upload)
  }

  /** Writes the files of a set. Nobody else may write derived files meanwhile. */
  async make(
    request: TrainingSetRequest,
    asked: AskedSet,
    { by, progress }: { by: { id: string }; progress: (now: TrainingProgress) => void },
  ): Promise<MadeSet> {
    const views = await this.compiled(asked.views)
    const entity = views[0]!.compiled.view.entity
    const asOf = this.#derived.position(request.asOf)
    // Whoever objects by now is in no new set, also where that set knows the log only up to an earlier position.
    const objectionsAsOf = this.#ledger.size
    const objected = await this.#objections.everyone('profiling', { asOf: objectionsAsOf })
    const spine = await this.spine(
      { request, spine: asked.spine, upload: asked.upload, entity, asOf, now: this.#clock.now(), objected },
      (done) => progress({ state: 'spine', done }),
    )
    if (spine.rows === 0) throw new Fault('invalid', emptyBecause(spine))
    for (const { compiled } of views) await this.#derived.extend(compiled, asOf)
    const knowledge = request.knowledge ?? 'honoured'
    progress({ state: 'features', done: 0, of: spine.rows })
    const { columns: setColumns } = shapeOfSet(views, spine)
    const fieldIds = await this.#tables.fieldIds(request.id, setColumns, by)
    const written = await writeTrainingSet(this.#derived.place, views, {
      name: fileName(request.id, asked.spineDigest),
      asOf,
      spine,
      knowledge,
      fieldIds,
      progress: (done) =>
        done === 'writing'
          ? progress({ state: 'writing', done: spine.rows, of: spine.rows })
          : progress({ state: 'features', done, of: spine.rows }),
    })
    const hashes = await readFile(sidecar(join(this.#derived.place.folder, written.files[0]!.path)))
    return {
      views: asked.views.map(({ view, fingerprint }) => ({ view, fingerprint })),
      asOf,
      objectionsAsOf,
      knowledge,
      rows: written.rows,
      leftOut: spine.leftOut,
      spine: asked.spine,
      columns: written.columns,
      viewColumns: written.features,
      files: written.files,
      rowsDigest: written.rowsDigest,
      contentDigest: contentDigest(written.columns, hashes),
      inputs: written.inputs,
      engine: written.engine,
      spineDigest: asked.spineDigest,
    }
  }

  /** Views of one entity, compiled: against contracts by name where they are given. */
  async compiled(versions: AskedSet['views'], contracts?: ReadonlyMap<string, string>): Promise<JoinedView[]> {
    const views: JoinedView[] = []
    for (const version of versions) {
      const compiled: CompiledView = await this.#views.compiled(version, contracts)
      views.push({ name: version.name, version: version.version, compiled })
    }
    const [first, ...others] = views
    const other = others.find(({ compiled }) => compiled.view.entity !== first!.compiled.view.entity)
    if (other)
      throw new Fault(
        'invalid',
        `${other.name} is about "${other.compiled.view.entity}", ${first!.name} about "${first!.compiled.view.entity}": the views of a set are about one entity`,
      )
    return views
  }

  /** The view of a name. */
  async version(name: string): Promise<AskedSet['views'][number]> {
    const version = await this.#views.get(name)
    return { ...version, view: `${version.name}@v${version.version}` }
  }

  /** Takes a spine from where it stands. Throws `invalid`, with lines or rows, where it cannot be read. */
  async spine(ask: SpineAsk, progress: (done: number) => void = () => {}): Promise<Spine> {
    const spine = new Spine()
    const { entity, asOf, now, objected, request } = ask
    const rules: SpineRules = { subjects: this.#ledger.subjects, entity, asOf, now, objected }
    const take = async (batches: AsyncIterable<readonly GivenRow[]> | Iterable<readonly GivenRow[]>): Promise<void> => {
      let done = 0
      for await (const batch of batches) {
        spine.add(batch, rules)
        progress((done += batch.length))
        // Requests are served between two batches.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const { columns: store, events } = this.#derived.place
    const { kind, columns = {} } = ask.spine
    if (kind === 'rows') await take(rowsGiven(request.spine!))
    else if (kind === 'csv') await take(csvSpine(ask.upload!.path, columns, request.label))
    else if (kind === 'parquet')
      await store.session((session) => take(parquetSpine(session, ask.upload!.path, columns, request.label)))
    else if (kind === 'table') {
      const files = await this.#tables.files(ask.spine.table!)
      if (files.length === 0) throw new Fault('not_found', `table ${ask.spine.table} has no rows, or is none of ours`)
      const paths = files.map((path) => join(this.#derived.place.folder, path))
      await store.session((session) => take(tableSpine(session, paths, columns, request.label)))
    } else {
      const shape = shapeOf(this.#contracts, ask.spine.stream!)
      const { contract } = this.#contracts.inForce(shape.stream)
      if (contract.roles.subjectType !== entity)
        throw new Fault(
          'invalid',
          `the subjects of stream ${shape.stream} are "${contract.roles.subjectType}", the view is about "${entity}"`,
        )
      await events.extend(shape.stream, shape.columns, asOf)
      await events.use([shape], asOf, (relations) =>
        store.session((session) => take(streamSpine(session, shape, relations(shape.stream), ask.spine, asOf))),
      )
    }
    return spine
  }
}

function* rowsGiven(rows: NonNullable<TrainingSetRequest['spine']>): Generator<GivenRow[]> {
  for (let from = 0; from < rows.length; from += 10_000) {
    yield rows.slice(from, from + 10_000).map(({ subject, entity, at, label, asOf }) => {
      const time = parseTime(at)
      if (time === undefined) throw new Fault('invalid', `"${at}" is no time`)
      return { subject, entity, at: time, label, asOf }
    })
  }
}

function emptyBecause({ leftOut }: Spine): string {
  const { unknown, erased, objected, future, unlabelled } = leftOut
  const others = [
    erased > 0 ? `${erased} about erased people` : '',
    objected > 0 ? `${objected} about people who object to profiling` : '',
    future > 0 ? `${future} of a time that has not come` : '',
    unlabelled > 0 ? `${unlabelled} without a label` : '',
  ].filter((each) => each !== '')
  const why = others.length > 0 ? ` (${others.join(', ')})` : ''
  if (unknown + erased + objected + future + unlabelled === 0) return 'the spine has no rows: nothing is there to join'
  return `no row of the spine is about a known person${why}: check the identifiers`
}

/** One file for one request: what another attempt under the same id left is never mistaken for it. */
function fileName(id: string, spineDigest: string): string {
  return `${id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 40)}-${hash('sha256', `${id}\0${spineDigest}`, 'hex').slice(0, 12)}`
}

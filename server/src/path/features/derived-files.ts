// The files of computed rows as they are now: what erasures wrote again, whether a file is as it was recorded, and the one
// turn in which they are written. Snapshots and training sets share it.
import type { DataFile } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Column, Columns } from '../../store/columns.ts'
import { identityOf } from '../../store/files.ts'
import type { Database } from '../../store/database.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { RecentEvents } from '../events/recent.ts'
import type { CompiledView } from './compile.ts'
import { EventColumns } from './event-columns.ts'
import type { EventColumnsOptions } from './event-columns.ts'
import { ledgerEvents } from './event-source.ts'
import { checkRows } from './rows.ts'
import type { Place } from './rows.ts'

/** A derived file that an erasure wrote again: its digest before and after, and the rows that were taken out. */
export interface RewrittenFile {
  path: string
  before: string
  after: string
  removed: number
}

export class DerivedFiles {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #contracts: ContractBook
  /** Where they are written and read, and the events that they are made from. */
  readonly place: Place & { events: EventColumns }
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
    recent: RecentEvents
    folder: string
    fieldIds?: EventColumnsOptions['fieldIds']
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#contracts = parts.contracts
    const { columns, folder, fieldIds } = parts
    const source = ledgerEvents(parts.ledger, parts.contracts, parts.recent)
    this.place = {
      columns,
      folder,
      events: new EventColumns({ columns, folder, source, ...(fieldIds ? { fieldIds } : {}) }),
    }
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

  /** What an erasure under way has written again for one key: for the next of its keys the files are as this left them. */
  noteRewritten(files: readonly { path: string; after: string; removed: number }[]): void {
    for (const { path, after, removed } of files) {
      const before = this.#rewritten.get(path)?.removed ?? 0
      this.#rewritten.set(path, { sha256: after, removed: before + removed })
    }
  }

  /**
   * What writes derived files does so one after the other: two may be asked for the same file, and whoever is being
   * erased must not stand in one that is finished later.
   */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#writing.then(run, run)
    this.#writing = turn.catch(() => {})
    return turn
  }

  /** The ledger position that a request means: as it says, or the log's end. */
  position(asOf: number | undefined): number {
    const head = this.#ledger.size
    if (asOf !== undefined && asOf > head)
      throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${head}`)
    return asOf ?? head
  }

  /** Brings the columns of a view's streams up to a position. */
  async extend(compiled: CompiledView, asOf: number): Promise<void> {
    for (const { stream } of compiled.sources) {
      await this.place.events.extend(stream, this.#contracts.columns(stream), asOf)
    }
  }

  /** The files as erasures have left them. */
  now(files: readonly DataFile[]): DataFile[] {
    return files.map((file) => {
      const later = this.#rewritten.get(file.path)
      return later ? { ...file, sha256: later.sha256, rows: file.rows - later.removed } : file
    })
  }

  /** What is wrong with recorded files, in a sentence; looked at again whenever one has changed on the disk. */
  async flaw(
    recorded: { rows: number; files: DataFile[]; rowsDigest: string },
    columns: readonly Column[],
    sentence: string,
  ): Promise<string | undefined> {
    const now = this.now(recorded.files)
    const identity = await this.#identity(now)
    const [first] = now
    if (this.#inOrder.get(first!.path) === identity) return undefined
    const { problems } = await checkRows(this.place, columns, recorded, now)
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
          const found = await identityOf(`${this.place.folder}/${each}`).catch(() => undefined)
          return found === undefined ? 'gone' : `${sha256}:${found}`
        }),
      ),
    )
    return parts.join(' ')
  }
}

export function refuseAltered(flaw: string | undefined): void {
  if (flaw !== undefined) throw new Fault('altered', `${flaw} Nothing of it is served.`)
}

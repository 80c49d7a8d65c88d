// Tables for engines of any make: what is committed here is read by whatever reads Iceberg v2.
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Fault, isFault } from '../../fault.ts'
import type { Columns } from '../../store/columns.ts'
import { quote } from '../../store/columns.ts'
import { change, filesOf, rewrite } from '../../store/iceberg/change.ts'
import type { DataFile } from '../../store/iceberg/manifest.ts'
import {
  currentSchema,
  currentSpec,
  newTable,
  snapshotOf,
  withoutSnapshots,
  withSchema,
} from '../../store/iceberg/metadata.ts'
import type { TableMetadata } from '../../store/iceberg/metadata.ts'
import { partitionSpec } from '../../store/iceberg/partition.ts'
import { evolve, fieldIds } from '../../store/iceberg/schema.ts'
import type { Database } from '../../store/database.ts'
import type { Files } from '../../store/files.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Follower } from '../projection/follower.ts'
import type { Clock } from '../time.ts'
import { TableBook } from './book.ts'
import type { Head, KnownSnapshot, Next, State } from './book.ts'
import { checkTable } from './check.ts'
import type { FindRows, TableProblem } from './check.ts'
import { subjectLiteral, withoutSubject } from './erase.ts'
import type { Copies } from './erase.ts'
import { partitionOf, statisticsOf } from './statistics.ts'
import type { KeptFile, Namespace, PartitionColumn, TableChange, TableColumn, TableCommit, TableFile } from './table.ts'

export interface TablesOptions {
  ledger: Ledger
  follower: Follower
  database: Database
  files: Files
  columns: Columns
  clock: Clock
  /** The data folder, absolute. */
  folder: string
  /** Where engines see that folder. Default: where it is. */
  location?: string | undefined
}

export class Tables {
  readonly #book: TableBook
  readonly #parts: { book: TableBook; columns: Columns }
  readonly #columns: Columns
  readonly #folder: string
  /** Who was erased in this run: no file that holds one of them is taken any more. */
  readonly #erased = new Set<string>()

  constructor(options: TablesOptions) {
    const { columns, folder, location, ...parts } = options
    this.#columns = columns
    this.#folder = folder
    const book = new TableBook({ ...parts, folder, root: location ?? fileLocation(folder) })
    this.#book = book
    this.#parts = { book, columns }
  }

  /**
   * The numbers by which files know these columns (`fieldIds` of `parquet()`). Makes the table when there is none, and
   * adds the columns that it has not; a column of another type is a new one under the same name. Durable when it
   * resolves. Not to be called inside a session of the engine.
   */
  fields(
    name: string,
    columns: readonly TableColumn[],
    by: { id: string },
    partition: readonly PartitionColumn[] = [],
  ): Promise<Record<string, number>> {
    return this.#book.inTurn(async () => {
      const head = await this.#book.head(name)
      if (head && !evolve(head.schema, head.lastColumnId, columns).changed) return fieldIds(head.schema, columns)
      const put = await this.#book.put(name, by, async (state) => this.#shaped(name, state, columns, partition))
      return fieldIds((put?.head ?? head)!.schema, columns)
    })
  }

  /**
   * Makes a new snapshot of a table the current one. When it resolves the commit is on the ledger and everything that it
   * names is on the disk; when it throws the table is as it was. Throws `conflict` when a file is to leave that is not
   * there, or holds somebody who has been erased meanwhile; `invalid` when a file is not what is said of it; `disk_full`.
   */
  commit(name: string, wanted: TableChange, by: { id: string }): Promise<TableCommit> {
    return this.#book.inTurn(() => this.#commit(name, wanted, by))
  }

  async #commit(name: string, wanted: TableChange, by: { id: string }): Promise<TableCommit> {
    const snapshotId = wanted.snapshotId === undefined ? randomId() : BigInt(wanted.snapshotId)
    await this.#refuseErased(wanted.add)
    let repeated = false
    const put = await this.#book.put(name, by, async (state, token): Promise<Next | undefined> => {
      const shaped = await this.#shaped(name, state, wanted.columns, wanted.partition ?? [])
      const base = shaped?.metadata ?? state.metadata()!
      repeated = await this.#book.hadSnapshot(name, snapshotId)
      if (repeated) return undefined
      const folder = `tables/${name.replace('.', '/')}/data`
      const links = wanted.add.map(({ path, sha256, bytes, rows, hashes }): KeptFile & { from: string } => ({
        kind: 'data',
        path: `${folder}/${randomUUID()}.parquet`,
        sha256,
        bytes,
        rows,
        source: path,
        from: path,
        ...(hashes === undefined ? {} : { hashes }),
      }))
      const add: DataFile[] = []
      for (const [at, file] of wanted.add.entries()) add.push(await this.#dataFile(base, file, links[at]!.path))
      const { remove = [], operation, summary } = wanted
      const made = change(
        base,
        {
          operation,
          snapshotId,
          add,
          remove: remove === 'all' ? 'all' : this.#located(name, state, remove),
          summary: { 'whence.run': summary.run, 'whence.code': summary.code, 'whence.seq': String(summary.seq) },
          now: this.#book.now,
          token,
        },
        state.read,
      )
      const removed = made.removed.map(({ location }) => {
        const path = this.#book.pathOf(name, location)
        return { path, sha256: state.files.get(path)!.sha256 }
      })
      return {
        operation,
        metadata: made.metadata,
        prepared: made.prepared,
        links,
        added: snapshotId,
        provenance: summary,
        removed,
        rows: rowsOf(made.metadata),
        partition: wanted.partition ?? [],
      }
    })
    if (!put) {
      if (!repeated) throw new Fault('internal', `nothing became of a commit to ${name}`)
      const head = await this.#book.head(name)
      return { table: name, snapshotId, seq: head!.seq, repeated: true }
    }
    return { table: name, snapshotId, seq: put.seq }
  }

  /**
   * Takes a subject out of every table that has one, in all its snapshots. When it resolves no file of a table holds them
   * any more; after a crash a second call does the rest. Gives the tables that were written again.
   */
  erase(subject: string, copies: Copies, by: { id: string }): Promise<string[]> {
    return this.#book.inTurn(async () => {
      this.#erased.add(subject)
      const rewritten: string[] = []
      for (const { name } of await this.#book.heads()) {
        const put = await this.#book.put(name, by, (state, token) =>
          withoutSubject(this.#parts, name, state, { subject, copies, token }),
        )
        if (put) rewritten.push(name)
      }
      return rewritten
    })
  }

  /**
   * Lets snapshots of a table go, and with them the files that no other names. Those that are not there, and the current
   * one, are passed over. Gives the ids that went.
   */
  expire(name: string, ids: readonly bigint[], by: { id: string }): Promise<bigint[]> {
    return this.#book.inTurn(async () => {
      let gone: bigint[] = []
      await this.#book.put(name, by, async (state): Promise<Next | undefined> => {
        const metadata = state.metadata()
        if (!metadata) return undefined
        gone = ids.filter((id) => id !== metadata['current-snapshot-id'] && snapshotOf(metadata, id) !== undefined)
        if (gone.length === 0) return undefined
        const next = withoutSnapshots(metadata, new Set(gone))
        const dropped = this.#book.unnamed(name, state, next, [])
        return { operation: 'expire', metadata: next, expired: gone, dropped, rows: state.head!.rows, forgetting: true }
      })
      return gone
    })
  }

  /**
   * Writes the paths in tables again where the data folder is seen in another place than before. Gives the tables that
   * could not be moved, because a file of theirs is not as it was or the disk is full, each with the reason.
   */
  relocate(by: { id: string }): Promise<{ table: string; reason: string }[]> {
    return this.#book.inTurn(async () => {
      const stuck: { table: string; reason: string }[] = []
      for (const { name, location: before } of await this.#book.heads()) {
        const location = this.#book.locationOf(name)
        if (before === location) continue
        const move = async (state: State, token: string): Promise<Next> => {
          const here = (file: DataFile): DataFile => ({
            ...file,
            location: this.#book.locate(this.#book.pathOf(name, file.location)),
          })
          const { metadata, prepared } = rewrite(state.metadata()!, here, { location, token }, state.read)
          const dropped = this.#book.unnamed(name, state, metadata, prepared)
          return { operation: 'relocate', metadata, prepared, dropped, rows: state.head!.rows, forgetting: true }
        }
        await this.#book.put(name, by, move).catch((error: unknown) => {
          if (!isFault(error, 'altered') && !isFault(error, 'disk_full')) throw error
          stuck.push({ table: name, reason: error.message })
        })
      }
      return stuck
    })
  }

  /** Holds every file of every table against its digest on the ledger. `findRows` names rows where no list of hashes does. */
  async check(
    findRows: FindRows = async () => [],
  ): Promise<{ problems: TableProblem[]; tables: number; files: number }> {
    const problems: TableProblem[] = []
    const heads = await this.#book.heads()
    let files = 0
    for (const { name } of heads) {
      const state = await this.#book.state(name)
      files += state.files.size
      problems.push(...(await checkTable(this.#parts, name, state, findRows)))
    }
    return { problems, tables: heads.length, files }
  }

  /** The data files of a table's current snapshot. */
  async current(name: string): Promise<KeptFile[]> {
    const state = await this.#book.state(name)
    const metadata = state.metadata()
    if (!metadata) return []
    const live = filesOf(snapshotOf(metadata, metadata['current-snapshot-id']), state.read)
    return live.map(({ location }) => state.files.get(this.#book.pathOf(name, location))!)
  }

  /** All tables, by name. */
  list(): Promise<Head[]> {
    return this.#book.heads()
  }

  /** How many snapshots of each table can be read. */
  counts(): Promise<Map<string, number>> {
    return this.#book.counts()
  }

  /** A table with its metadata, and the metadata's text as it stands in the file. Throws `not_found`, or `altered`. */
  async get(
    name: string,
  ): Promise<{ head: Head; metadata: TableMetadata; text: string; location: string; sha256: string }> {
    const state = await this.#book.state(name)
    if (!state.head) throw new Fault('not_found', `no table is called "${name}": whence tables lists them`)
    const text = this.#book.text(state)
    return {
      head: state.head,
      metadata: state.metadata()!,
      text,
      location: this.#book.locate(state.head.metadata),
      sha256: state.files.get(state.head.metadata)!.sha256,
    }
  }

  /** Every snapshot that tables of a namespace have, or had. */
  snapshots(namespace: Namespace): Promise<KnownSnapshot[]> {
    return this.#book.snapshots(namespace)
  }

  /** Deletes what no record names: files of commits that lost their race, or died. Before anything is committed. */
  sweep(): Promise<string[]> {
    return this.#book.sweep()
  }

  /** The table with these columns, or nothing when it has them. */
  async #shaped(
    name: string,
    state: State,
    columns: readonly TableColumn[],
    partition: readonly PartitionColumn[],
  ): Promise<Next | undefined> {
    const { head } = state
    if (head && JSON.stringify(head.partition) !== JSON.stringify(partition))
      throw new Fault('conflict', `table ${name} is divided in another way: a table keeps the way it was begun`)
    const evolved = evolve(head?.schema, head?.lastColumnId ?? 0, columns)
    if (head) {
      if (!evolved.changed) return undefined
      const metadata = withSchema(state.metadata()!, evolved.fields, evolved.lastId)
      return { operation: 'evolve', metadata, rows: head.rows }
    }
    const schema = { type: 'struct', 'schema-id': 0, fields: evolved.fields } as const
    const metadata = newTable({
      uuid: randomUUID(),
      location: this.#book.locationOf(name),
      now: this.#book.now,
      schema,
      lastId: evolved.lastId,
      spec: partitionSpec(schema, partition),
    })
    return { operation: 'create', metadata, rows: 0, partition }
  }

  async #dataFile(metadata: TableMetadata, file: TableFile, path: string): Promise<DataFile> {
    const schema = currentSchema(metadata)
    const statistics = await statisticsOf(this.#columns, join(this.#folder, file.path), schema)
    if (statistics.rows !== file.rows)
      throw new Fault(
        'invalid',
        `${file.path} has ${statistics.rows} rows, not the ${file.rows} that it is said to have`,
      )
    return {
      location: this.#book.locate(path),
      rows: file.rows,
      bytes: file.bytes,
      partition: partitionOf(file.path, file.partition, { schema, spec: currentSpec(metadata), statistics }),
      columns: statistics.columns,
    }
  }

  /** The locations of data files in the current snapshot by their digests. */
  #located(name: string, state: State, digests: readonly string[]): Set<string> {
    if (digests.length === 0) return new Set()
    const metadata = state.metadata()!
    const live = filesOf(snapshotOf(metadata, metadata['current-snapshot-id']), state.read)
    const byDigest = new Map(
      live.map(({ location }) => [state.files.get(this.#book.pathOf(name, location))?.sha256, location]),
    )
    return new Set(
      digests.map((sha256) => {
        const location = byDigest.get(sha256)
        if (location === undefined)
          throw new Fault('conflict', `no file with the digest ${sha256} is in the current snapshot of ${name}`)
        return location
      }),
    )
  }

  /** A file may have been written before somebody in it was erased, and be committed after. */
  async #refuseErased(files: readonly TableFile[]): Promise<void> {
    if (this.#erased.size === 0) return
    const erased = [...this.#erased].map(subjectLiteral).join(', ')
    for (const { path } of files) {
      const from = `read_parquet(${quote(join(this.#folder, path))})`
      const described = await this.#columns.describe(`SELECT * FROM ${from}`)
      if (!described.some(({ name }) => name === 'subject')) continue
      const { n } = await this.#columns.row<{ n: bigint }>(
        `SELECT count(*) AS n FROM ${from} WHERE subject IN (${erased})`,
      )
      if (n > 0n) throw new Fault('conflict', `${path} holds somebody who was erased meanwhile: write it again`)
    }
  }
}

/** Rows of the current snapshot. */
function rowsOf(metadata: TableMetadata): number {
  return Number(snapshotOf(metadata, metadata['current-snapshot-id'])?.summary['total-records'] ?? 0)
}

/** Positive, of 62 random bits. */
function randomId(): bigint {
  return randomBytes(8).readBigUInt64LE() >> 2n
}

/** As it is, without percent signs: readers take the path of a location literally. */
function fileLocation(folder: string): string {
  const path = folder.replaceAll('\\', '/')
  return `file://${path.startsWith('/') ? '' : '/'}${path}`
}

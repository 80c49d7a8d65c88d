// The book of tables. A commit writes files that nobody names yet, and then one record that names them: the ledger
// decides which metadata is current, and a commit that lost its race, or died, has left nothing but files to sweep.
import { canonicalize } from '@whence/ledger'
import { hash, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Database } from '../../store/database.ts'
import { walk } from '../../store/files.ts'
import type { Files } from '../../store/files.ts'
import { referenced } from '../../store/iceberg/change.ts'
import type { Prepared, Read } from '../../store/iceberg/change.ts'
import { currentSchema, following, formatMetadata, parseMetadata } from '../../store/iceberg/metadata.ts'
import type { TableMetadata } from '../../store/iceberg/metadata.ts'
import type { Schema } from '../../store/iceberg/schema.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Follower } from '../projection/follower.ts'
import type { Clock } from '../time.ts'
import type { FileKind, KeptFile, PartitionColumn, TableRecord } from './table.ts'

/** A table as the ledger has it. */
export interface Head {
  name: string
  version: number
  seq: number
  /** The current metadata file, below the data folder. */
  metadata: string
  snapshot: bigint | undefined
  uuid: string
  location: string
  schema: Schema
  lastColumnId: number
  partition: readonly PartitionColumn[]
  rows: number
}

export interface State {
  head: Head | undefined
  /** Reads the current metadata. Throws `altered`. */
  metadata(): TableMetadata | undefined
  /** Reads a file of the table by its location. Throws `altered`. */
  read: Read
  files: ReadonlyMap<string, KeptFile>
}

/** What is to be the next state of a table. */
export interface Next {
  operation: TableRecord['operation']
  metadata: TableMetadata
  prepared?: readonly Prepared[]
  /** Data files that get a name in the table's folder. */
  links?: readonly (KeptFile & { from: string })[]
  added?: bigint
  provenance?: TableRecord['provenance']
  removed?: TableRecord['removed']
  replaced?: TableRecord['replaced']
  expired?: readonly bigint[]
  /** Files that nothing names any more, beside metadata that is too old to be kept. */
  dropped?: readonly string[]
  rows: number
  partition?: readonly PartitionColumn[]
  /** Earlier metadata is named no more. */
  forgetting?: boolean
}

const SOURCE = { stream: 'whence.tables', source: 'whence' } as const

export class TableBook {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #files: Files
  readonly #clock: Clock
  readonly folder: string
  /** Where engines see the data folder: `file:///…`. */
  readonly root: string
  #queue: Promise<unknown> = Promise.resolve()

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    files: Files
    clock: Clock
    folder: string
    root: string
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#files = parts.files
    this.#clock = parts.clock
    this.folder = parts.folder
    this.root = parts.root.replace(/\/+$/, '')
  }

  /** One after the other: an erasure must not miss what is being committed. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work)
    this.#queue = turn.catch(() => {})
    return turn
  }

  get now(): number {
    return Math.floor(this.#clock.now() / 1000)
  }

  /** Where engines find a path below the data folder. */
  locate(path: string): string {
    return `${this.root}/${path}`
  }

  locationOf(name: string): string {
    return this.locate(`tables/${name.replace('.', '/')}`)
  }

  /** The path of a location below the data folder, also of one from before the folder was moved. */
  pathOf(name: string, location: string): string {
    const own = `/tables/${name.replace('.', '/')}/`
    const at = location.lastIndexOf(own)
    if (at < 0) throw new Fault('altered', `${location} lies outside table ${name}`)
    return location.slice(at + 1)
  }

  async heads(): Promise<Head[]> {
    await this.#follower.reach('table')
    const rows = await this.#database.query<HeadRow>(
      'select name, version, seq, metadata, snapshot, body from table_head order by name',
    )
    return rows.map(headOf)
  }

  async head(name: string): Promise<Head | undefined> {
    await this.#follower.reach('table')
    const [row] = await this.#database.query<HeadRow>(
      'select name, version, seq, metadata, snapshot, body from table_head where name = $1',
      [name],
    )
    return row && headOf(row)
  }

  async state(name: string): Promise<State> {
    const head = await this.head(name)
    const files = await this.#database.query<FileRow>(
      'select path, kind, sha256, bytes, rows, source, hashes from table_file where table_name = $1 order by path',
      [name],
    )
    const kept = new Map(files.map((file) => [file.path, keptOf(file)]))
    const read = (path: string): Uint8Array => this.#read(name, kept.get(path), path)
    let metadata: TableMetadata | undefined
    return {
      head,
      files: kept,
      read: (location) => read(this.pathOf(name, location)),
      metadata: () => head && (metadata ??= parseMetadata(Buffer.from(read(head.metadata)).toString('utf8'))),
    }
  }

  async snapshots(namespace: string): Promise<KnownSnapshot[]> {
    await this.#follower.reach('table')
    const rows = await this.#database.query<{ table: string; id: bigint; seq: bigint; expired: bigint | null }>(
      `select table_name as "table", id, seq, expired from table_snapshot
       where table_name like $1 || '.%' order by table_name, seq`,
      [namespace],
    )
    return rows.map(({ table, id, seq, expired }) => ({ table, id, seq: Number(seq), expired: expired !== null }))
  }

  async counts(): Promise<Map<string, number>> {
    const rows = await this.#database.query<{ name: string; n: bigint }>(
      'select table_name as name, count(*) as n from table_snapshot where expired is null group by table_name',
    )
    return new Map(rows.map(({ name, n }) => [name, Number(n)]))
  }

  /** Whether a table has a snapshot with this id, or had one that has expired. */
  async hadSnapshot(name: string, id: bigint): Promise<boolean> {
    const found = await this.#database.query('select id from table_snapshot where table_name = $1 and id = $2', [
      name,
      id,
    ])
    return found.length > 0
  }

  /**
   * The files of a table that its next state names no more, beside metadata. Reads manifests that are still to be written
   * from what was prepared.
   */
  unnamed(name: string, state: State, next: TableMetadata, prepared: readonly Prepared[]): string[] {
    const coming = new Map(prepared.map(({ location, bytes }) => [location, bytes]))
    const named = referenced(next, (location) => coming.get(location) ?? state.read(location))
    const paths = new Set([...named].map((location) => this.pathOf(name, location)))
    return [...state.files.values()].flatMap(({ kind, path }) => (kind === 'metadata' || paths.has(path) ? [] : [path]))
  }

  /** The text of a table's current metadata. Throws `altered`. */
  text(state: State): string {
    return Buffer.from(state.read(this.locate(state.head!.metadata))).toString('utf8')
  }

  #read(name: string, file: KeptFile | undefined, path: string): Uint8Array {
    if (!file) throw new Fault('altered', `${path} is not a file of table ${name} on the ledger`)
    const bytes = this.#files.read(join(this.folder, path))
    if (!bytes) throw new Fault('altered', `${path} of table ${name} is gone: restore it from a backup`)
    if (hash('sha256', bytes) !== file.sha256)
      throw new Fault('altered', `${path} of table ${name} is altered: its digest is not the one on the ledger`)
    return bytes
  }

  /**
   * Brings a table to its next state, decided from the state in force, and again when somebody else was faster. Nothing
   * happens when there is nothing to decide. Resolves when the record is durable.
   */
  async put(
    name: string,
    by: { id: string },
    decide: (state: State, token: string) => Promise<Next | undefined>,
  ): Promise<{ head: Head; seq: number } | undefined> {
    for (;;) {
      await this.#follower.reach('table')
      const basis = this.#follower.next
      const state = await this.state(name)
      const token = randomUUID()
      const next = await decide(state, token)
      if (!next) return undefined
      const { record, written } = await this.#write(name, state, next, token)
      const unnamed = (): Promise<unknown> => Promise.allSettled(written.map((path) => this.#remove(path)))
      const result = await this.#ledger
        .append(
          [
            {
              kind: 'table/1',
              ...SOURCE,
              id: `${name}#${record.version}`,
              time: this.#clock.now(),
              refs: {
                table: name,
                operation: record.operation,
                ...(record.added === null ? {} : { snapshot: record.added }),
                metadata: record.files.find(({ kind }) => kind === 'metadata')!.sha256,
              },
              content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(record)))),
              touches: [`table:${name}`],
            },
          ],
          { actor: by.id, basis, keys: [`table:${name}`] },
        )
        .catch(async (error: unknown) => {
          // Refused before anything was accepted; after any other failure nobody knows, and the next start looks.
          if (['overloaded', 'disk_full'].includes(Fault.from(error).code)) await unnamed()
          throw error
        })
      if (result === 'stale') {
        await unnamed()
        continue
      }
      const [placed] = result
      if (placed!.status === 'refused') {
        await unnamed()
        throw placed!.fault
      }
      if (placed!.status !== 'recorded') throw new Fault('conflict', `commit ${record.version} of ${name} is on record`)
      await this.#follower.reachSeq(placed!.seq)
      // What stays behind here is swept at the next start.
      await Promise.allSettled(record.dropped.map((path) => this.#remove(path)))
      return { head: (await this.state(name)).head!, seq: placed!.seq }
    }
  }

  /** Writes what the record will name. Throws `disk_full` where there is no room, and leaves nothing. */
  async #write(
    name: string,
    state: State,
    next: Next,
    token: string,
  ): Promise<{ record: TableRecord; written: string[] }> {
    const { head } = state
    const version = (head?.version ?? 0) + 1
    const folder = `tables/${name.replace('.', '/')}`
    const before = head && {
      location: this.locate(head.metadata),
      at: state.metadata()!['last-updated-ms'],
    }
    const metadata = following(next.metadata, before, this.now, { forgetting: next.forgetting ?? false })
    const path = `${folder}/metadata/${String(version).padStart(5, '0')}-${token}.metadata.json`
    const own: { kind: FileKind; path: string; bytes: Buffer }[] = [
      ...(next.prepared ?? []).map(({ kind, location, bytes }) => ({ kind, path: this.pathOf(name, location), bytes })),
      { kind: 'metadata', path, bytes: Buffer.from(formatMetadata(metadata)) },
    ]
    const links = next.links ?? []
    const written = [...own, ...links].map((file) => file.path)
    try {
      await Promise.all([
        ...own.map((file) => this.#files.replace(join(this.folder, file.path), file.bytes)),
        ...links.map((file) => this.#files.link(join(this.folder, file.from), join(this.folder, file.path))),
      ])
      // A draft has its name now.
      await Promise.all(links.filter(({ from }) => from.endsWith('.draft')).map(({ from }) => this.#remove(from)))
      for (const each of new Set(written.map((file) => dirname(file))))
        await this.#files.syncFolder(join(this.folder, each))
    } catch (cause) {
      await Promise.allSettled(written.map((file) => this.#remove(file)))
      if (['ENOSPC', 'EDQUOT'].includes((cause as { code?: string }).code ?? ''))
        throw new Fault('disk_full', `the disk is full: table ${name} is as it was. Free some space.`, { cause })
      throw cause
    }
    const named = new Set([path, ...metadata['metadata-log'].map((line) => this.pathOf(name, line['metadata-file']))])
    const old = [...state.files.values()].filter((file) => file.kind === 'metadata' && !named.has(file.path))
    const current = metadata['current-snapshot-id']
    const record: TableRecord = {
      table: name,
      version,
      operation: next.operation,
      previous: head?.seq ?? null,
      uuid: metadata['table-uuid'],
      location: metadata.location,
      metadata: path,
      snapshot: current === undefined ? null : String(current),
      added: next.added === undefined ? null : String(next.added),
      schema: currentSchema(metadata),
      lastColumnId: metadata['last-column-id'],
      partition: head?.partition ?? next.partition ?? [],
      rows: next.rows,
      provenance: next.provenance ?? null,
      files: [
        ...own.map((file): KeptFile => ({
          kind: file.kind,
          path: file.path,
          sha256: hash('sha256', file.bytes),
          bytes: file.bytes.length,
        })),
        ...links.map(({ from: _, ...file }) => file),
      ],
      removed: next.removed ?? [],
      replaced: next.replaced ?? [],
      expired: (next.expired ?? []).map(String),
      dropped: [...(next.dropped ?? []), ...old.map((file) => file.path)],
    }
    return { record, written }
  }

  async #remove(path: string): Promise<void> {
    await this.#files.remove(join(this.folder, path))
  }

  /** Deletes what no record names below `tables/`: the files of commits that lost, or died. Gives their paths. */
  async sweep(): Promise<string[]> {
    await this.#follower.reach()
    const rows = await this.#database.query<{ path: string }>('select path from table_file')
    const kept = new Set(rows.map(({ path }) => path))
    const there = await walk(join(this.folder, 'tables')).catch(() => [])
    const strange = there.map((path) => `tables/${path}`).filter((path) => !kept.has(path))
    for (const path of strange) await this.#remove(path)
    return strange
  }
}

/** A snapshot that a table has, or had. `seq` is the position of the record that made it. */
export interface KnownSnapshot {
  table: string
  id: bigint
  seq: number
  expired: boolean
}

interface HeadRow {
  name: string
  version: number
  seq: bigint
  metadata: string
  snapshot: bigint | null
  body: Pick<Head, 'uuid' | 'location' | 'schema' | 'lastColumnId' | 'partition' | 'rows'>
}

interface FileRow {
  path: string
  kind: FileKind
  sha256: string
  bytes: bigint
  rows: bigint | null
  source: string | null
  hashes: string | null
}

function headOf({ name, version, seq, metadata, snapshot, body }: HeadRow): Head {
  return { name, version, seq: Number(seq), metadata, snapshot: snapshot ?? undefined, ...body }
}

function keptOf({ path, kind, sha256, bytes, rows, source, hashes }: FileRow): KeptFile {
  return {
    path,
    kind,
    sha256,
    bytes: Number(bytes),
    ...(rows === null ? {} : { rows: Number(rows) }),
    ...(source === null ? {} : { source }),
    ...(hashes === null ? {} : { hashes }),
  }
}

// Events and feature snapshots as Iceberg tables. The records of events and snapshots are the truth; the tables follow
// them, and what a crash left out is caught up at the next start.
//
//   events.<stream>        the column files of a stream: appended as they grow, replaced when they are merged
//   features.<view>_v<N>   one snapshot of the table for each feature snapshot, whose position is the snapshot's id
import type { Snapshot } from '@whence/sdk'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import { tableName } from '../../record/tables/table.ts'
import type { Operation, Provenance, TableColumn } from '../../record/tables/table.ts'
import type { Tables } from '../../record/tables/tables.ts'
import type { Column } from '../../store/columns.ts'
import type { ColumnFile } from './column-file.ts'
import { OWN } from './column-stream.ts'
import type { DerivedFiles } from './derived-files.ts'

export type SnapshotBody = Omit<Snapshot, 'id' | 'receipt'> & { columns: Column[] }

const WHENCE = { id: 'whence' }

/** The table of a stream's events. */
export function eventTable(stream: string): string {
  return tableName('events', stream)
}

/** The table of a view's version, given as `engagement@v2`. */
export function featureTable(view: string): string {
  const at = view.lastIndexOf('@v')
  return `${tableName('features', view.slice(0, at))}_v${view.slice(at + 2)}`
}

/** The numbers of a stream's columns: for the files of its events. */
export function eventFieldIds(tables: Tables) {
  return (stream: string, columns: readonly TableColumn[]): Promise<Record<string, number>> =>
    tables.fields(eventTable(stream), columns, WHENCE)
}

export class FeatureTables {
  readonly #tables: Tables
  readonly #derived: DerivedFiles

  constructor(tables: Tables, derived: DerivedFiles) {
    this.#tables = tables
    this.#derived = derived
  }

  /** The numbers of a snapshot's columns: for its file. */
  fieldIds(view: string, columns: readonly Column[], by: { id: string }): Promise<Record<string, number>> {
    return this.#tables.fields(featureTable(view), withSubject(columns), by)
  }

  /** The feature snapshot as a snapshot of its view's table, under the same id; nothing when it is one already. */
  async publishSnapshot(id: number, body: SnapshotBody, by: { id: string } = WHENCE): Promise<void> {
    const { folder } = this.#derived.place
    const add = await Promise.all(
      this.#derived.now(body.files).map(async ({ path, sha256, rows }) => ({
        path,
        sha256,
        rows,
        bytes: (await stat(join(folder, path))).size,
        hashes: path.replace(/\.parquet$/, '.rows'),
      })),
    )
    const summary = {
      run: `materialize/${body.view}/${body.at}`,
      code: `${body.fingerprint} duckdb/${body.engine.duckdb} semantics/${body.engine.semantics}`,
      seq: body.asOf,
    }
    const columns = withSubject(body.columns)
    await this.#tables.commit(
      featureTable(body.view),
      { operation: 'overwrite', columns, add, remove: 'all', summary, snapshotId: id },
      by,
    )
  }

  /** Brings the table of a stream's events to the column files as they are. */
  async publishEvents(stream: string, contract: string): Promise<void> {
    const table = eventTable(stream)
    await this.#derived.place.events.lend(stream, async (files) => {
      if (files.length === 0) return
      const before = await this.#tables.current(table)
      const there = new Set(before.map(({ sha256 }) => sha256))
      const now = new Set(files.map(({ sha256 }) => sha256))
      const add = files.filter(({ sha256 }) => !there.has(sha256))
      const gone = before.filter(({ sha256 }) => !now.has(sha256))
      if (add.length === 0 && gone.length === 0) return
      const summary: Provenance = {
        run: `columns/${stream}`,
        code: contract,
        seq: files.at(-1)!.to,
      }
      await this.#tables.commit(
        table,
        {
          operation: operationOf(sum(add), sum(gone), gone.length),
          columns: [...OWN, ...allColumns(files)],
          add: add.map(({ path, sha256, bytes, rows }) => ({ path, sha256, bytes, rows })),
          remove: gone.map(({ sha256 }) => sha256),
          summary,
        },
        WHENCE,
      )
    })
  }

  /**
   * Publishes what has a record and no snapshot in a table. What cannot be published is said and passed over: `verify`
   * names the damage, and nothing else waits for it.
   */
  async catchUp(
    snapshots: readonly { id: number; body: SnapshotBody }[],
    streams: ReadonlyMap<string, string>,
  ): Promise<void> {
    const known = new Set((await this.#tables.snapshots('features')).map(({ table, id }) => `${table} ${id}`))
    for (const { id, body } of snapshots)
      if (!known.has(`${featureTable(body.view)} ${id}`))
        await unlessDamaged(featureTable(body.view), () => this.publishSnapshot(id, body))
    for (const [stream, contract] of streams)
      await unlessDamaged(eventTable(stream), () => this.publishEvents(stream, contract))
  }
}

/** The record stands, whatever becomes of the table: it is tried again at the next occasion. */
export async function unlessDamaged(table: string, publish: () => Promise<void>): Promise<void> {
  try {
    await publish()
  } catch (error) {
    console.error(`whence: table ${table} is behind its records, and is tried again: ${Fault.from(error).message}`)
  }
}

function operationOf(added: number, gone: number, files: number): Operation {
  if (files === 0) return 'append'
  return added === gone ? 'replace' : 'overwrite'
}

function withSubject(columns: readonly Column[]): TableColumn[] {
  return [{ name: 'subject', type: 'BLOB' }, ...columns]
}

function allColumns(files: readonly ColumnFile[]): Column[] {
  const all = new Map<string, Column>()
  for (const { columns } of files) for (const column of columns) all.set(column.name.toLowerCase(), column)
  return [...all.values()]
}

function sum(files: readonly { rows?: number }[]): number {
  return files.reduce((rows, file) => rows + (file.rows ?? 0), 0)
}

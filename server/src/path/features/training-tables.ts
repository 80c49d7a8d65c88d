// Training sets as Iceberg tables, `training.<id>`: one snapshot each, whose id is the position of the set's record. The
// record is the truth; what a crash left without its table is caught up at the next start.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { tableName } from '../../record/tables/table.ts'
import type { TableColumn } from '../../record/tables/table.ts'
import type { Tables } from '../../record/tables/tables.ts'
import type { Column } from '../../store/columns.ts'
import type { DerivedFiles } from './derived-files.ts'
import { unlessDamaged } from './feature-tables.ts'
import { viewsOf } from './set-record.ts'
import type { RecordedSet } from './set-record.ts'

const WHENCE = { id: 'whence' }

export function trainingTable(id: string): string {
  return tableName('training', id)
}

export class TrainingTables {
  readonly #tables: Tables
  readonly #derived: DerivedFiles

  constructor(tables: Tables, derived: DerivedFiles) {
    this.#tables = tables
    this.#derived = derived
  }

  /** The numbers of a set's columns: for its file. Not to be called inside a session of the engine. */
  fieldIds(id: string, columns: readonly Column[], by: { id: string }): Promise<Record<string, number>> {
    return this.#tables.fields(trainingTable(id), withSubject(columns), by)
  }

  /** The set as the one snapshot of its table; nothing when it is that already. */
  async publish(set: RecordedSet, by: { id: string } = WHENCE): Promise<void> {
    const { folder } = this.#derived.place
    const add = await Promise.all(
      this.#derived.now(set.files).map(async ({ path, sha256, rows }) => ({
        path,
        sha256,
        rows,
        bytes: (await stat(join(folder, path))).size,
        hashes: path.replace(/\.parquet$/, '.rows'),
      })),
    )
    const { duckdb = 'unknown', semantics = 'unknown' } = set.engine ?? {}
    const code = `${viewsOf(set)
      .map(({ fingerprint }) => fingerprint)
      .join(',')} duckdb/${duckdb} semantics/${semantics}`
    await this.#tables.commit(
      trainingTable(set.id),
      {
        operation: 'overwrite',
        columns: withSubject(set.columns),
        add,
        remove: 'all',
        summary: { run: `training/${set.id}`, code, seq: set.asOf },
        snapshotId: set.seq,
      },
      by,
    )
  }

  /** The files that a table has now, below the data folder. */
  async files(table: string): Promise<string[]> {
    return (await this.#tables.current(table)).map(({ path }) => path)
  }

  /** Publishes the sets that are in no table. */
  async catchUp(sets: readonly RecordedSet[]): Promise<void> {
    const known = new Set((await this.#tables.snapshots('training')).map(({ table, id }) => `${table} ${id}`))
    for (const set of sets)
      if (!known.has(`${trainingTable(set.id)} ${set.seq}`))
        await unlessDamaged(trainingTable(set.id), () => this.publish(set))
  }
}

function withSubject(columns: readonly Column[]): TableColumn[] {
  return [{ name: 'subject', type: 'BLOB' }, ...columns]
}

// What a table of ours is to whoever writes into it, and what a record says of a commit.
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Operation } from '../../store/iceberg/change.ts'
import type { PartitionColumn, PartitionValue } from '../../store/iceberg/partition.ts'
import type { Schema, TableColumn } from '../../store/iceberg/schema.ts'

export type { Operation } from '../../store/iceberg/change.ts'
export type { PartitionColumn, PartitionValue, Transform } from '../../store/iceberg/partition.ts'
export type { TableColumn } from '../../store/iceberg/schema.ts'

/** The namespaces, and what is in them. */
export const NAMESPACES = ['audit', 'events', 'features', 'predictions', 'training'] as const
export type Namespace = (typeof NAMESPACES)[number]

/** A Parquet file that is to be in a table. */
export interface TableFile {
  /**
   * Below the data folder: `training/churn-0.parquet`. Whole, synced, and not written again: the table keeps a hard link
   * to it, so that its owner may delete or replace the name at any time.
   */
  path: string
  /** In hex, with `bytes` and `rows` as they are on the disk. */
  sha256: string
  bytes: number
  rows: number
  /** Of a table that is divided: one value for each partition column, in their order. All rows of the file have it. */
  partition?: readonly PartitionValue[]
  /**
   * The list of the rows' hashes (`path/features/rows.ts`), below the data folder, where there is one: with it an altered
   * value is reported with its row.
   */
  hashes?: string
}

/** What made a snapshot: goes into its summary and into the record. */
export interface Provenance {
  /** What ran: `materialize/engagement@v2`, or the id of a run. */
  run: string
  /** The code version: a view's fingerprint, the engine, its semantics. */
  code: string
  /** Records before this position were known. */
  seq: number
}

export interface TableChange {
  operation: Operation
  /** All columns of the added files. A column that is new is added to the table. */
  columns: readonly TableColumn[]
  /** How the table is divided; counts when it is made, and must be the same ever after. */
  partition?: readonly PartitionColumn[]
  add: readonly TableFile[]
  /** SHA-256 of the data files that leave the table; 'all' for whatever is in it. */
  remove?: readonly string[] | 'all'
  summary: Provenance
  /**
   * The snapshot's id, where it is to be a certain one: the position of a record. The same id again changes nothing.
   * Default: random, 63 bits.
   */
  snapshotId?: bigint | number
}

export interface TableCommit {
  table: string
  snapshotId: bigint
  /** Position of the record that made it current. */
  seq: number
  /** The table had a snapshot with this id already: nothing was done. */
  repeated?: true
}

export type FileKind = 'data' | 'manifest' | 'list' | 'metadata'

/** A file that belongs to a table, with its digest as on the ledger. */
export interface KeptFile {
  kind: FileKind
  /** Below the data folder. */
  path: string
  sha256: string
  bytes: number
  rows?: number
  /** Of a data file: the name under which its owner had it. */
  source?: string
  hashes?: string
}

/** The payload of a `table/1` record. Ids of snapshots are digits: they have 63 bits. */
export interface TableRecord {
  table: string
  /** The table's own count of its commits, from 1. */
  version: number
  operation: Operation | 'create' | 'evolve' | 'expire' | 'erase' | 'relocate'
  /** Position of the table's record before this one. */
  previous: number | null
  uuid: string
  /** Where engines see the table: `file:///…`. */
  location: string
  /** The metadata file that is current from here on; its digest stands in `files`. */
  metadata: string
  /** The current snapshot; null while there is none. */
  snapshot: string | null
  /** The snapshot that this commit added. */
  added: string | null
  schema: Schema
  lastColumnId: number
  partition: readonly PartitionColumn[]
  rows: number
  provenance: Provenance | null
  /** Files that came with this commit. */
  files: readonly KeptFile[]
  /** Data files that left the current snapshot. */
  removed: readonly { path: string; sha256: string }[]
  /** Data files that an erasure wrote again: what stands for what. */
  replaced: readonly { path: string; sha256: string; now: string; removed: number }[]
  /** Snapshots that are gone, and every file that nothing names any more. */
  expired: readonly string[]
  dropped: readonly string[]
}

/**
 * The name of a table for a name of ours, legal in every engine: lower-case letters, digits and `_`. Different names never
 * give the same one: what had to be changed, or looks like it had, carries a piece of its digest.
 */
export function tableName(namespace: Namespace, name: string): string {
  if (name === '') throw new Fault('invalid', 'a table needs a name')
  const plain = /^[a-z][a-z0-9_]{0,99}$/.test(name) && !/_[0-9a-f]{12}$/.test(name)
  if (plain) return `${namespace}.${name}`
  const legal = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replace(/^(?![a-z])/, 't_')
    .slice(0, 60)
  return `${namespace}.${legal}_${hash('sha256', name, 'hex').slice(0, 12)}`
}

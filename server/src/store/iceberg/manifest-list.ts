// The manifests of a snapshot (spec, "Manifest Lists").
import { readAvro, writeAvro } from './avro.ts'
import type { AvroSchema } from './avro.ts'
import { boundOf, compareValues } from './bounds.ts'
import type { Plainly } from './bounds.ts'
import { ADDED, DELETED, EXISTING } from './manifest.ts'
import type { ManifestEntry } from './manifest.ts'
import type { PartitionSpec } from './partition.ts'
import { typeIn } from './partition.ts'
import type { Schema } from './schema.ts'

interface FieldSummary {
  contains_null: boolean
  contains_nan: boolean | null
  lower_bound: Buffer | null
  upper_bound: Buffer | null
}

/** A manifest as its snapshot names it, under the names of the specification. */
export interface ManifestFile {
  manifest_path: string
  manifest_length: bigint
  partition_spec_id: number
  content: number
  sequence_number: bigint
  min_sequence_number: bigint
  added_snapshot_id: bigint
  added_files_count: number
  existing_files_count: number
  deleted_files_count: number
  added_rows_count: bigint
  existing_rows_count: bigint
  deleted_rows_count: bigint
  partitions: FieldSummary[] | null
  key_metadata: null
}

/** What the list says of a manifest with these entries, written for a snapshot. */
export function manifestFile(
  entries: readonly ManifestEntry[],
  at: { location: string; length: number; snapshotId: bigint; sequence: number; schema: Schema; spec: PartitionSpec },
): ManifestFile {
  const of = (status: number): readonly ManifestEntry[] => entries.filter((entry) => entry.status === status)
  const rows = (status: number): bigint => BigInt(of(status).reduce((sum, { file }) => sum + file.rows, 0))
  const live = entries.filter(({ status }) => status !== DELETED)
  const oldest = live.reduce((least, { sequence }) => Math.min(least, sequence ?? at.sequence), at.sequence)
  return {
    manifest_path: at.location,
    manifest_length: BigInt(at.length),
    partition_spec_id: at.spec['spec-id'],
    content: 0,
    sequence_number: BigInt(at.sequence),
    min_sequence_number: BigInt(oldest),
    added_snapshot_id: at.snapshotId,
    added_files_count: of(ADDED).length,
    existing_files_count: of(EXISTING).length,
    deleted_files_count: of(DELETED).length,
    added_rows_count: rows(ADDED),
    existing_rows_count: rows(EXISTING),
    deleted_rows_count: rows(DELETED),
    partitions: at.spec.fields.map((field, index) => {
      const type = typeIn(at.schema, field)
      const values = entries.map(({ file }) => file.partition[index] ?? null)
      const known = values.filter((value) => value !== null) as Plainly[]
      const order = type === 'int' ? 'long' : type
      const sorted = known.toSorted((a, b) => compareValues(a, b, order))
      return {
        contains_null: known.length < values.length,
        contains_nan: false,
        lower_bound: sorted.length === 0 ? null : boundOf(sorted[0]!, type),
        upper_bound: sorted.length === 0 ? null : boundOf(sorted.at(-1)!, type),
      }
    }),
    key_metadata: null,
  }
}

export function writeManifestList(
  manifests: readonly ManifestFile[],
  of: { snapshotId: bigint; parent: bigint | undefined; sequence: number },
): Buffer {
  const metadata = {
    'snapshot-id': String(of.snapshotId),
    'parent-snapshot-id': of.parent === undefined ? 'null' : String(of.parent),
    'sequence-number': String(of.sequence),
    'format-version': '2',
  }
  return writeAvro(LIST, metadata, manifests)
}

export function readManifestList(bytes: Uint8Array): ManifestFile[] {
  return readAvro(bytes).rows as ManifestFile[]
}

const LIST: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: 'string', 'field-id': 500 },
    { name: 'manifest_length', type: 'long', 'field-id': 501 },
    { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
    { name: 'content', type: 'int', 'field-id': 517 },
    { name: 'sequence_number', type: 'long', 'field-id': 515 },
    { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
    { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
    { name: 'added_files_count', type: 'int', 'field-id': 504 },
    { name: 'existing_files_count', type: 'int', 'field-id': 505 },
    { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
    { name: 'added_rows_count', type: 'long', 'field-id': 512 },
    { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
    { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
    {
      name: 'partitions',
      'field-id': 507,
      default: null,
      type: [
        'null',
        {
          type: 'array',
          'element-id': 508,
          items: {
            type: 'record',
            name: 'r508',
            fields: [
              { name: 'contains_null', type: 'boolean', 'field-id': 509 },
              { name: 'contains_nan', type: ['null', 'boolean'], default: null, 'field-id': 518 },
              { name: 'lower_bound', type: ['null', 'bytes'], default: null, 'field-id': 510 },
              { name: 'upper_bound', type: ['null', 'bytes'], default: null, 'field-id': 511 },
            ],
          },
        },
      ],
    },
    { name: 'key_metadata', type: ['null', 'bytes'], default: null, 'field-id': 519 },
  ],
}

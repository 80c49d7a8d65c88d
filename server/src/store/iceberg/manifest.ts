// A manifest: the data files of a table, with what became of each and what is known of their columns (spec, "Manifests").
import { readAvro, writeAvro } from './avro.ts'
import type { AvroSchema } from './avro.ts'
import type { PartitionSpec, PartitionValue } from './partition.ts'
import { partitionType } from './partition.ts'
import type { Schema } from './schema.ts'

/** What is known of a column of a file, by the column's id. */
export interface ColumnStatistics {
  id: number
  bytes: number
  values: number
  nulls: number
  lower?: Uint8Array | undefined
  upper?: Uint8Array | undefined
}

export interface DataFile {
  /** Where engines find it: `file:///…`. */
  location: string
  rows: number
  bytes: number
  /** One value for each field of the partition spec. */
  partition: readonly PartitionValue[]
  columns: readonly ColumnStatistics[]
}

export const EXISTING = 0
export const ADDED = 1
export const DELETED = 2

export interface ManifestEntry {
  status: typeof EXISTING | typeof ADDED | typeof DELETED
  /** The snapshot that added the file; of a deleted one, the snapshot that deleted it. */
  snapshotId: bigint
  /** The sequence number of the file's data; undefined for what is added: it then has the snapshot's. */
  sequence: number | undefined
  file: DataFile
}

interface StoredEntry {
  status: number
  snapshot_id: bigint | null
  sequence_number: bigint | null
  file_sequence_number: bigint | null
  data_file: StoredFile
}

interface StoredFile {
  content: number
  file_path: string
  file_format: string
  partition: Record<string, PartitionValue>
  record_count: bigint
  file_size_in_bytes: bigint
  column_sizes: { key: number; value: bigint }[] | null
  value_counts: { key: number; value: bigint }[] | null
  null_value_counts: { key: number; value: bigint }[] | null
  nan_value_counts: null
  lower_bounds: { key: number; value: Buffer }[] | null
  upper_bounds: { key: number; value: Buffer }[] | null
  key_metadata: null
  split_offsets: null
  equality_ids: null
  sort_order_id: number | null
}

export function writeManifest(
  entries: readonly ManifestEntry[],
  { schema, spec }: { schema: Schema; spec: PartitionSpec },
): Buffer {
  const metadata = {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: 'data',
  }
  const rows = entries.map(({ status, snapshotId, sequence, file }): StoredEntry => {
    // Null, which is inherited, is legal for added files only.
    const number = status === ADDED || sequence === undefined ? null : BigInt(sequence)
    return {
      status,
      snapshot_id: snapshotId,
      sequence_number: number,
      file_sequence_number: number,
      data_file: {
        content: 0,
        file_path: file.location,
        file_format: 'PARQUET',
        partition: Object.fromEntries(spec.fields.map(({ name }, at) => [name, file.partition[at] ?? null])),
        record_count: BigInt(file.rows),
        file_size_in_bytes: BigInt(file.bytes),
        column_sizes: file.columns.map(({ id, bytes }) => ({ key: id, value: BigInt(bytes) })),
        value_counts: file.columns.map(({ id, values }) => ({ key: id, value: BigInt(values) })),
        null_value_counts: file.columns.map(({ id, nulls }) => ({ key: id, value: BigInt(nulls) })),
        nan_value_counts: null,
        lower_bounds: bounds(file, 'lower'),
        upper_bounds: bounds(file, 'upper'),
        key_metadata: null,
        split_offsets: null,
        equality_ids: null,
        sort_order_id: 0,
      },
    }
  })
  return writeAvro(entrySchema(partitionType(spec, schema)), metadata, rows)
}

/** The entries as they stand there: what an added file inherits is for whoever knows the manifest's own numbers. */
export function readManifest(bytes: Uint8Array): ManifestEntry[] {
  return (readAvro(bytes).rows as StoredEntry[]).map((entry) => {
    const file = entry.data_file
    const nulls = byKey(file.null_value_counts)
    const sizes = byKey(file.column_sizes)
    const lower = byKey(file.lower_bounds)
    const upper = byKey(file.upper_bounds)
    return {
      status: entry.status as ManifestEntry['status'],
      snapshotId: entry.snapshot_id!,
      sequence: entry.sequence_number === null ? undefined : Number(entry.sequence_number),
      file: {
        location: file.file_path,
        rows: Number(file.record_count),
        bytes: Number(file.file_size_in_bytes),
        partition: Object.values(file.partition),
        columns: (file.value_counts ?? []).map(({ key, value }) => ({
          id: key,
          bytes: Number(sizes.get(key) ?? 0),
          values: Number(value),
          nulls: Number(nulls.get(key) ?? 0),
          lower: lower.get(key),
          upper: upper.get(key),
        })),
      },
    }
  })
}

function bounds(file: DataFile, side: 'lower' | 'upper'): { key: number; value: Buffer }[] {
  return file.columns.flatMap((column) => {
    const bytes = column[side]
    return bytes === undefined ? [] : [{ key: column.id, value: Buffer.from(bytes) }]
  })
}

function byKey<Value>(pairs: readonly { key: number; value: Value }[] | null): Map<number, Value> {
  return new Map((pairs ?? []).map(({ key, value }) => [key, value]))
}

function entrySchema(partition: AvroSchema): AvroSchema {
  const optional = (name: string, id: number, type: unknown): AvroSchema => ({
    name,
    type: ['null', type],
    default: null,
    'field-id': id,
  })
  /** Avro's maps have keys of text only: a map by number is a list of pairs. */
  const map = (name: string, id: number, key: number, value: number, type: string): AvroSchema =>
    optional(name, id, {
      type: 'array',
      logicalType: 'map',
      items: {
        type: 'record',
        name: `k${key}_v${value}`,
        fields: [
          { name: 'key', type: 'int', 'field-id': key },
          { name: 'value', type, 'field-id': value },
        ],
      },
    })
  const list = (name: string, id: number, element: number, type: string): AvroSchema =>
    optional(name, id, { type: 'array', items: type, 'element-id': element })
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      { name: 'status', type: 'int', 'field-id': 0 },
      optional('snapshot_id', 1, 'long'),
      optional('sequence_number', 3, 'long'),
      optional('file_sequence_number', 4, 'long'),
      {
        name: 'data_file',
        'field-id': 2,
        type: {
          type: 'record',
          name: 'r2',
          fields: [
            { name: 'content', type: 'int', 'field-id': 134 },
            { name: 'file_path', type: 'string', 'field-id': 100 },
            { name: 'file_format', type: 'string', 'field-id': 101 },
            { name: 'partition', type: partition, 'field-id': 102 },
            { name: 'record_count', type: 'long', 'field-id': 103 },
            { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
            map('column_sizes', 108, 117, 118, 'long'),
            map('value_counts', 109, 119, 120, 'long'),
            map('null_value_counts', 110, 121, 122, 'long'),
            map('nan_value_counts', 137, 138, 139, 'long'),
            map('lower_bounds', 125, 126, 127, 'bytes'),
            map('upper_bounds', 128, 129, 130, 'bytes'),
            optional('key_metadata', 131, 'bytes'),
            list('split_offsets', 132, 133, 'long'),
            list('equality_ids', 135, 136, 'int'),
            optional('sort_order_id', 140, 'int'),
          ],
        },
      },
    ],
  }
}

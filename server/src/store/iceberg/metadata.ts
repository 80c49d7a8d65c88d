// The metadata of a table, version 2 (spec, "Table Metadata"): its schemas, its snapshots, and which is current.
import { Fault } from '../../fault.ts'
import type { PartitionSpec } from './partition.ts'
import { lastPartitionId } from './partition.ts'
import type { Schema } from './schema.ts'
import { nameMapping } from './schema.ts'

export interface SnapshotMetadata {
  'snapshot-id': bigint
  'parent-snapshot-id'?: bigint
  'sequence-number': number
  'timestamp-ms': number
  'manifest-list': string
  'schema-id': number
  summary: Record<string, string>
}

export interface TableMetadata {
  'format-version': 2
  'table-uuid': string
  location: string
  'last-sequence-number': number
  'last-updated-ms': number
  'last-column-id': number
  schemas: readonly Schema[]
  'current-schema-id': number
  'partition-specs': readonly PartitionSpec[]
  'default-spec-id': number
  'last-partition-id': number
  'sort-orders': readonly [{ 'order-id': 0; fields: readonly [] }]
  'default-sort-order-id': 0
  properties: Record<string, string>
  'current-snapshot-id'?: bigint
  refs: Record<string, { 'snapshot-id': bigint; type: 'branch' }>
  snapshots: readonly SnapshotMetadata[]
  'snapshot-log': readonly { 'timestamp-ms': number; 'snapshot-id': bigint }[]
  'metadata-log': readonly { 'timestamp-ms': number; 'metadata-file': string }[]
}

/** Earlier metadata files that are kept: each names all snapshots, so that a long history would be written again and again. */
const PREVIOUS_KEPT = 10

export function newTable(at: {
  uuid: string
  location: string
  now: number
  schema: Schema
  lastId: number
  spec: PartitionSpec
}): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': at.uuid,
    location: at.location,
    'last-sequence-number': 0,
    'last-updated-ms': at.now,
    'last-column-id': at.lastId,
    schemas: [at.schema],
    'current-schema-id': at.schema['schema-id'],
    'partition-specs': [at.spec],
    'default-spec-id': at.spec['spec-id'],
    'last-partition-id': lastPartitionId(at.spec),
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    properties: properties(at.schema),
    refs: {},
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
  }
}

function properties(schema: Schema): Record<string, string> {
  return {
    'schema.name-mapping.default': nameMapping(schema.fields),
    'write.metadata.previous-versions-max': String(PREVIOUS_KEPT),
  }
}

export function currentSchema(metadata: TableMetadata): Schema {
  return metadata.schemas.find((schema) => schema['schema-id'] === metadata['current-schema-id'])!
}

export function currentSpec(metadata: TableMetadata): PartitionSpec {
  return metadata['partition-specs'].find((spec) => spec['spec-id'] === metadata['default-spec-id'])!
}

export function snapshotOf(metadata: TableMetadata, id: bigint | undefined): SnapshotMetadata | undefined {
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)
}

export function withSchema(metadata: TableMetadata, fields: Schema['fields'], lastId: number): TableMetadata {
  const id = Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1
  const schema: Schema = { type: 'struct', 'schema-id': id, fields }
  return {
    ...metadata,
    'last-column-id': lastId,
    schemas: [...metadata.schemas, schema],
    'current-schema-id': id,
    properties: { ...metadata.properties, ...properties(schema) },
  }
}

/** The metadata with one more snapshot, which is the current one. */
export function withSnapshot(metadata: TableMetadata, snapshot: SnapshotMetadata): TableMetadata {
  const id = snapshot['snapshot-id']
  if (snapshotOf(metadata, id)) throw new Fault('conflict', `the table has a snapshot ${id} already`)
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'current-snapshot-id': id,
    refs: { ...metadata.refs, main: { 'snapshot-id': id, type: 'branch' } },
    snapshots: [...metadata.snapshots, snapshot],
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id }],
  }
}

/** The metadata without some snapshots; the current one stays. */
export function withoutSnapshots(metadata: TableMetadata, ids: ReadonlySet<bigint>): TableMetadata {
  if (metadata['current-snapshot-id'] !== undefined && ids.has(metadata['current-snapshot-id']))
    throw new Fault('conflict', 'the current snapshot of a table does not expire')
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id'])),
    // Readers take a gap in the log for history that was rewritten: what is before the last gap goes too.
    'snapshot-log': afterGap(metadata['snapshot-log'], ids),
  }
}

function afterGap<Line extends { 'snapshot-id': bigint }>(log: readonly Line[], gone: ReadonlySet<bigint>): Line[] {
  const gap = log.findLastIndex((line) => gone.has(line['snapshot-id']))
  return log.slice(gap + 1)
}

/** The metadata as it follows on the file that was current; `forgetting` names no earlier file. */
export function following(
  metadata: TableMetadata,
  before: { location: string; at: number } | undefined,
  now: number,
  { forgetting = false }: { forgetting?: boolean } = {},
): TableMetadata {
  const log = before
    ? [...metadata['metadata-log'], { 'timestamp-ms': before.at, 'metadata-file': before.location }]
    : []
  return {
    ...metadata,
    'last-updated-ms': Math.max(now, metadata['last-updated-ms']),
    'metadata-log': forgetting ? [] : log.slice(-PREVIOUS_KEPT),
  }
}

// Snapshot ids have 63 bits, more than a number holds: in the text they are digits, here bigint.

const IDS = new Set(['snapshot-id', 'parent-snapshot-id', 'current-snapshot-id'])

// In the language since V8 11.4, and not yet in the compiler's library.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

export function formatMetadata(metadata: TableMetadata): string {
  return JSON.stringify(metadata, (_, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value))
}

/** Throws `altered`. */
export function parseMetadata(text: string): TableMetadata {
  const revive = (key: string, value: unknown, context?: { source?: string }): unknown =>
    IDS.has(key) && typeof value === 'number' ? BigInt(context?.source ?? value) : value
  try {
    const metadata = JSON.parse(text, revive) as TableMetadata
    if (metadata['format-version'] !== 2 || !Array.isArray(metadata.snapshots)) throw new Error('it is another version')
    return metadata
  } catch (cause) {
    throw new Fault('altered', `no table metadata: ${(cause as Error).message}`, { cause })
  }
}

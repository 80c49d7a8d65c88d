// A change of a table, prepared purely: from the metadata in force and what is to change to the files that say so.
// Nothing is written here, and nothing counts before the new metadata does.
import { Fault } from '../../fault.ts'
import { ADDED, DELETED, EXISTING, readManifest, writeManifest } from './manifest.ts'
import type { DataFile, ManifestEntry } from './manifest.ts'
import { manifestFile, readManifestList, writeManifestList } from './manifest-list.ts'
import type { ManifestFile } from './manifest-list.ts'
import { currentSchema, currentSpec, snapshotOf, withSnapshot } from './metadata.ts'
import type { SnapshotMetadata, TableMetadata } from './metadata.ts'

export type Operation = 'append' | 'overwrite' | 'replace' | 'delete'

/** A file of the table's own that is to be written before the metadata names it. */
export interface Prepared {
  kind: 'manifest' | 'list'
  location: string
  bytes: Buffer
}

export interface Change {
  operation: Operation
  snapshotId: bigint
  add: readonly DataFile[]
  /** Locations of files that leave the table; 'all' for whatever is in it. */
  remove: ReadonlySet<string> | 'all'
  summary: Readonly<Record<string, string>>
  now: number
  /** Part of the names of the files that are written: used once. */
  token: string
}

/** Reads a file of the table by its location, checked against its digest. */
export type Read = (location: string) => Uint8Array

/** So many manifests are carried on; then small ones are written as one. */
const MANIFESTS = 16
/** A manifest with so many files is left as it is. */
const LARGE = 1_000

interface Held {
  manifest: ManifestFile
  /** Files that are in the table, and whether others are noted as gone. */
  live: number
  gone: boolean
}

/** One more snapshot. Throws `conflict` when a file that is to leave is not there. */
export function change(
  metadata: TableMetadata,
  { operation, snapshotId, add, remove, summary, now, token }: Change,
  read: Read,
): { metadata: TableMetadata; prepared: Prepared[]; removed: DataFile[] } {
  const parent = snapshotOf(metadata, metadata['current-snapshot-id'])
  const sequence = metadata['last-sequence-number'] + 1
  const writer = new Writer(metadata, { snapshotId, sequence, token })
  const kept: Held[] = []
  const removed: DataFile[] = []
  const before = parent ? readManifestList(read(parent['manifest-list'])) : []
  for (const manifest of before) {
    const live = manifest.added_files_count + manifest.existing_files_count
    if (live === 0) continue
    // Most changes only add: then no manifest needs to be read.
    const entries = remove === 'all' || remove.size > 0 ? liveEntries(manifest, read) : []
    const leaves = ({ file }: ManifestEntry): boolean => remove === 'all' || remove.has(file.location)
    const leaving = entries.filter(leaves)
    if (leaving.length === 0) {
      kept.push({ manifest, live, gone: false })
      continue
    }
    removed.push(...leaving.map(({ file }) => file))
    const after = entries.map((entry): ManifestEntry =>
      leaves(entry) ? { ...entry, status: DELETED, snapshotId } : { ...entry, status: EXISTING },
    )
    kept.push({ manifest: writer.manifest(after), live: live - leaving.length, gone: true })
  }
  if (remove !== 'all' && removed.length !== remove.size)
    throw new Fault('conflict', `a file that is to leave ${metadata.location} is not in its current snapshot`)
  if (add.length > 0) {
    const entries = add.map((file): ManifestEntry => ({ status: ADDED, snapshotId, sequence: undefined, file }))
    kept.push({ manifest: writer.manifest(entries), live: entries.length, gone: false })
  }
  const list = writer.list(
    merged(kept, writer, read).map(({ manifest }) => manifest),
    parent?.['snapshot-id'],
  )
  const snapshot: SnapshotMetadata = {
    'snapshot-id': snapshotId,
    ...(parent ? { 'parent-snapshot-id': parent['snapshot-id'] } : {}),
    'sequence-number': sequence,
    // Readers take times that run backwards for damage.
    'timestamp-ms': Math.max(now, metadata['last-updated-ms']),
    'manifest-list': list,
    'schema-id': metadata['current-schema-id'],
    summary: { operation, ...summary, ...counts(parent?.summary ?? {}, add, removed) },
  }
  return { metadata: withSnapshot(metadata, snapshot), prepared: writer.prepared, removed }
}

/**
 * Every snapshot again with other files in the place of some: what an erasure does, and what a folder needs that was
 * moved. Ids, order and times stay. `now` gives a file as it is from here on, itself when nothing has changed.
 */
export function rewrite(
  metadata: TableMetadata,
  now: (file: DataFile) => DataFile,
  { location, token }: { location: string; token: string },
  read: Read,
): { metadata: TableMetadata; prepared: Prepared[]; snapshots: bigint[] } {
  const moved = { ...metadata, location }
  const everything = location !== metadata.location
  const written = new Map<string, ManifestFile>()
  const prepared: Prepared[] = []
  const touched: bigint[] = []
  const snapshots = metadata.snapshots.map((snapshot): SnapshotMetadata => {
    const id = snapshot['snapshot-id']
    const writer = new Writer(moved, { snapshotId: id, sequence: snapshot['sequence-number'], token })
    let changed = everything
    const totals = { rows: 0, bytes: 0 }
    const manifests = readManifestList(read(snapshot['manifest-list'])).map((manifest) => {
      const known = written.get(manifest.manifest_path)
      const entries = readManifest(read(manifest.manifest_path))
      const after = entries.map((entry) => ({ ...entry, file: now(entry.file) }))
      for (const [at, { status, file }] of after.entries()) {
        if (status === DELETED) continue
        totals.rows += file.rows - entries[at]!.file.rows
        totals.bytes += file.bytes - entries[at]!.file.bytes
      }
      if (known) changed = true
      if (known || (!everything && after.every(({ file }, at) => file === entries[at]!.file))) return known ?? manifest
      changed = true
      const again = writer.again(manifest, after, touched.length)
      written.set(manifest.manifest_path, again)
      return again
    })
    if (!changed) return snapshot
    touched.push(id)
    const list = writer.list(manifests, snapshot['parent-snapshot-id'])
    prepared.push(...writer.prepared)
    return { ...snapshot, 'manifest-list': list, summary: corrected(snapshot.summary, totals) }
  })
  return { metadata: { ...moved, snapshots }, prepared, snapshots: touched }
}

/** Everything that the snapshots of a table name: lists, manifests and data files. */
export function referenced(metadata: TableMetadata, read: Read): Set<string> {
  const found = new Set<string>()
  for (const { 'manifest-list': list } of metadata.snapshots) {
    found.add(list)
    for (const manifest of readManifestList(read(list))) {
      if (found.has(manifest.manifest_path)) continue
      found.add(manifest.manifest_path)
      for (const { status, file } of readManifest(read(manifest.manifest_path)))
        if (status !== DELETED) found.add(file.location)
    }
  }
  return found
}

/** The files of a snapshot. */
export function filesOf(snapshot: SnapshotMetadata | undefined, read: Read): DataFile[] {
  if (!snapshot) return []
  return readManifestList(read(snapshot['manifest-list'])).flatMap((manifest) =>
    liveEntries(manifest, read).map(({ file }) => file),
  )
}

function liveEntries(manifest: ManifestFile, read: Read): ManifestEntry[] {
  return readManifest(read(manifest.manifest_path))
    .filter(({ status }) => status !== DELETED)
    .map((entry) => ({ ...entry, sequence: entry.sequence ?? Number(manifest.sequence_number) }))
}

/** Many small manifests as one. */
function merged(kept: readonly Held[], writer: Writer, read: Read): readonly Held[] {
  if (kept.length <= MANIFESTS) return kept
  const small = kept.filter(({ live, gone }) => live < LARGE && !gone)
  // What this snapshot adds keeps its own manifest: readers of increments look for it there.
  const old = small.filter(({ manifest }) => !writer.wrote(manifest))
  if (old.length < 2) return kept
  const entries = old.flatMap(({ manifest }) =>
    liveEntries(manifest, read).map((entry): ManifestEntry => ({ ...entry, status: EXISTING })),
  )
  return [
    { manifest: writer.manifest(entries), live: entries.length, gone: false },
    ...kept.filter((held) => !old.includes(held)),
  ]
}

/** The counters that readers expect of a snapshot's summary. */
function counts(
  before: Readonly<Record<string, string>>,
  added: readonly DataFile[],
  removed: readonly DataFile[],
): Record<string, string> {
  const rows = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + file.rows, 0)
  const bytes = (files: readonly DataFile[]): number => files.reduce((sum, file) => sum + file.bytes, 0)
  const total = (name: string, more: number): string => String(Number(before[name] ?? 0) + more)
  return {
    'added-data-files': String(added.length),
    'added-records': String(rows(added)),
    'added-files-size': String(bytes(added)),
    ...(removed.length > 0
      ? {
          'deleted-data-files': String(removed.length),
          'deleted-records': String(rows(removed)),
          'removed-files-size': String(bytes(removed)),
        }
      : {}),
    'total-data-files': total('total-data-files', added.length - removed.length),
    'total-records': total('total-records', rows(added) - rows(removed)),
    'total-files-size': total('total-files-size', bytes(added) - bytes(removed)),
    'total-delete-files': '0',
    'total-position-deletes': '0',
    'total-equality-deletes': '0',
  }
}

function corrected(
  summary: Readonly<Record<string, string>>,
  { rows, bytes }: { rows: number; bytes: number },
): Record<string, string> {
  const plus = (name: string, more: number): Record<string, string> => ({
    [name]: String(Number(summary[name] ?? 0) + more),
  })
  return { ...summary, ...plus('total-records', rows), ...plus('total-files-size', bytes) }
}

/** Names and writes the manifests and the list of one snapshot. */
class Writer {
  readonly prepared: Prepared[] = []
  readonly #metadata: TableMetadata
  readonly #at: { snapshotId: bigint; sequence: number; token: string }

  constructor(metadata: TableMetadata, at: { snapshotId: bigint; sequence: number; token: string }) {
    this.#metadata = metadata
    this.#at = at
  }

  manifest(entries: readonly ManifestEntry[]): ManifestFile {
    const { snapshotId, sequence } = this.#at
    const { location, bytes } = this.#write(entries, `${this.#at.token}-m${this.prepared.length}.avro`)
    const { schema, spec } = this.#shape
    return manifestFile(entries, { location, length: bytes.length, snapshotId, sequence, schema, spec })
  }

  /** A manifest written again with other files, for the snapshot that it was written for. */
  again(manifest: ManifestFile, entries: readonly ManifestEntry[], nth: number): ManifestFile {
    const name = `${this.#at.token}-s${nth}-m${this.prepared.length}.avro`
    const { location, bytes } = this.#write(entries, name)
    const { schema, spec } = this.#shape
    const counted = manifestFile(entries, {
      location,
      length: bytes.length,
      snapshotId: manifest.added_snapshot_id,
      sequence: Number(manifest.sequence_number),
      schema,
      spec,
    })
    return { ...counted, min_sequence_number: manifest.min_sequence_number }
  }

  list(manifests: readonly ManifestFile[], parent: bigint | undefined): string {
    const { snapshotId, sequence, token } = this.#at
    const bytes = writeManifestList(manifests, { snapshotId, parent, sequence })
    const location = `${this.#metadata.location}/metadata/snap-${snapshotId}-${token}.avro`
    this.prepared.push({ kind: 'list', location, bytes })
    return location
  }

  wrote(manifest: ManifestFile): boolean {
    return this.prepared.some(({ location }) => location === manifest.manifest_path)
  }

  get #shape(): { schema: ReturnType<typeof currentSchema>; spec: ReturnType<typeof currentSpec> } {
    return { schema: currentSchema(this.#metadata), spec: currentSpec(this.#metadata) }
  }

  #write(entries: readonly ManifestEntry[], name: string): { location: string; bytes: Buffer } {
    const location = `${this.#metadata.location}/metadata/${name}`
    const bytes = writeManifest(entries, this.#shape)
    this.prepared.push({ kind: 'manifest', location, bytes })
    return { location, bytes }
  }
}

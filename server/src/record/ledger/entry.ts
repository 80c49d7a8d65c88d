// The entry: what is hashed into the tree. Canonical JSON, 16 KiB at most, and nothing in it about a person.
import { canonicalize, toUtf8 } from '@whence/ledger'
import { Fault } from '../../fault.ts'
import type { Compartment } from '../subjects/seal.ts'

export const MAX_ENTRY_BYTES = 16 * 1024
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

/** Digest (hex), length and media type of a payload that lies beside the tree in clear. */
export interface PayloadRef {
  sha256: string
  bytes: number
  type: string
}

/** One leaf. `docs/spec/records.md` lists the kinds. */
export interface Entry {
  /** What it is, with the version of its form: `event/1`. */
  kind: string
  stream: string
  /** The record's own id; of a sealed record, a keyed digest of it: 32 hex digits. */
  id: string
  /** Who says so: the source bound to the API key. */
  source: string
  /** The source's own sequence number. */
  n?: number
  /** When it happened: RFC 3339 UTC with six fraction digits; of a sealed record only the day. */
  time: string
  /** When it was sequenced, by the server's clock: never going back. */
  recorded: string
  /** Id of the API key that was used. */
  actor: string
  /** Names it concerns; nothing personal. */
  refs: Record<string, string>
  payload?: PayloadRef
  sealed?: Compartment
}

/** The canonical bytes of an entry. Throws `too_large` above 16 KiB. */
export function encodeEntry(entry: Entry): Uint8Array {
  const bytes = toUtf8(canonicalize(entry as never))
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new Fault(
      'too_large',
      `the entry has ${bytes.length} bytes, more than ${MAX_ENTRY_BYTES}: shorten ids and names`,
    )
  }
  return bytes
}

/** Reads a leaf back. Kinds of old versions are brought to the present form here, one `case` a version. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const entry = JSON.parse(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'),
  ) as Partial<Entry> | null
  if (typeof entry?.kind !== 'string' || typeof entry.stream !== 'string' || typeof entry.refs !== 'object') {
    throw new Fault('altered', 'the entry is not one of ours')
  }
  return entry as Entry
}

/** The kind without its version. */
export function kindOf(entry: { kind: string }): string {
  return entry.kind.split('/', 1)[0]!
}

/** Whether the record is an event that belongs to its stream: one that passed, was flagged, or was released. */
export function isMember(entry: { kind: string; refs: Record<string, string> }): boolean {
  const kind = kindOf(entry)
  return (
    (kind === 'event' || kind === 'release') && (entry.refs.outcome === 'passed' || entry.refs.outcome === 'flagged')
  )
}

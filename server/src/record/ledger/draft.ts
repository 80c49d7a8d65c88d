// What is to be remembered, and the record that it becomes: entry, payload and index line.
import { leafHash } from '@whence/ledger'
import { hash } from 'node:crypto'
import type { Fault } from '../../fault.ts'
import { binding, commitment, placeBytes, seal } from '../subjects/seal.ts'
import type { Subject } from '../subjects/subjects.ts'
import { formatDay, formatTime } from '../time.ts'
import type { Micros } from '../time.ts'
import { encodeLine, streamNumber } from './archive.ts'
import { encodeEntry, isMember } from './entry.ts'
import type { Entry } from './entry.ts'
import type { CommittedRecord } from './publication.ts'

/** A record to be appended. */
export interface Draft {
  kind: string
  stream: string
  id: string
  source: string
  time: Micros
  n?: number | undefined
  refs?: Record<string, string>
  /** The source's content, as it came. */
  content: Uint8Array
  /** Media type of a clear payload. Default `application/json`. */
  type?: string
  /** Whose record it is: then the payload is sealed. */
  subject?: Subject | undefined
  /** What Whence adds to a sealed payload. The exact id and time are added by themselves. */
  header?: Record<string, unknown>
  /** False for a dropped event: its binding is kept, its content is not. */
  keep?: boolean
  /** What state this record changes, for conditional appends: `consent:…`, `view:…`. */
  touches?: readonly string[]
}

export interface AppendOptions {
  /** Id of the API key. */
  actor: string
  /** The position up to which the caller knew the log when it judged; with `keys`, what its judgement depended on. */
  basis?: number
  keys?: readonly string[]
}

/** What became of a draft. `seq` of a conflict is where the other content was kept, in quarantine. */
export type Appended = Placed | { status: 'refused'; fault: Fault }

export interface Placed {
  status: 'recorded' | 'duplicate' | 'conflict'
  seq: number
  leaf: string
  recorded: string
  /** The earlier record was erased. */
  erased?: true
}

export type AppendResult = Appended[] | 'stale'

/** A record that is sequenced; its content is kept until it is durable. */
export type FormedRecord = CommittedRecord & { content: Uint8Array }

/** The record of a draft. Throws `too_large` for an entry that is. */
export function formRecord(draft: Draft, identity: Buffer, actor: string, recorded: string): FormedRecord {
  const { subject, content } = draft
  const entry: Entry = {
    actor,
    id: subject ? identity.toString('hex') : draft.id,
    kind: draft.kind,
    recorded,
    refs: draft.refs ?? {},
    source: draft.source,
    stream: draft.stream,
    time: subject ? formatDay(draft.time) : formatTime(draft.time),
  }
  if (draft.n !== undefined) entry.n = draft.n
  let payload: Uint8Array
  let commit: Buffer
  if (subject) {
    const place = placeBytes({ ...draft, id: entry.id })
    const { r, tag } = binding(subject.keys, place)
    commit = commitment(r, content)
    const header = { id: draft.id, time: formatTime(draft.time), ...draft.header }
    const sealed = seal(subject.keys, place, tag, commit, header, draft.keep === false ? undefined : content)
    entry.sealed = sealed.compartment
    payload = sealed.stored
  } else {
    payload = content
    const sha256 = hash('sha256', payload, 'hex')
    commit = Buffer.from(sha256, 'hex')
    entry.payload = { sha256, bytes: payload.length, type: draft.type ?? 'application/json' }
  }
  const bytes = encodeEntry(entry)
  return {
    content,
    entry: bytes,
    payload,
    leaf: leafHash(bytes),
    line: encodeLine({
      length: payload.length,
      member: isMember(entry),
      sealed: subject !== undefined,
      stream: streamNumber(draft.stream),
      identity,
      subject: subject?.id ?? '',
      commit,
    }),
  }
}

/** What makes two contents the same: the commitment under the subject's key, or the digest of a clear payload. */
export function commitOf(draft: Draft, identity: Buffer): Buffer {
  if (!draft.subject) return Buffer.from(hash('sha256', draft.content, 'hex'), 'hex')
  const { r } = binding(draft.subject.keys, placeBytes({ ...draft, id: identity.toString('hex') }))
  return commitment(r, draft.content)
}

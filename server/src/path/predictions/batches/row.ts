// One row of a batch: its columns, its canonical bytes and its leaf. docs/spec/predictions.md, "Rows".
//
// A leaf covers a salt of 256 bits that is derived from the subject's key: without the key nobody can try values against
// a leaf, so that once a person is erased their leaf says nothing, while it still proves the leaves beside it.
import { canonicalize, leafHash, toHex, toUtf8 } from '@whence/ledger'
import type { FeatureValue } from '@whence/sdk'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Fault } from '../../../fault.ts'
import { hmac, hmacKey } from '../../../record/subjects/hmac.ts'
import { binding, placeBytes } from '../../../record/subjects/seal.ts'
import type { Subject } from '../../../record/subjects/subjects.ts'
import { formatTime } from '../../../record/time.ts'
import type { Micros } from '../../../record/time.ts'
import type { Tier } from '../../../rules/capture/tier.ts'
import type { Plain } from '../../../store/columns.ts'
import { STREAM } from '../recorded.ts'

/** Which batch a row belongs to: both are in its place, so that no row can be passed off as another batch's. */
export interface BatchName {
  readonly source: string
  readonly batch: string
}

/** What a row's leaf covers, but for the salt. Absent members are left out of its bytes. */
export interface Row {
  /** The subject, 32 hex digits. */
  subject: string
  /** The keyed digest of the prediction's id, 32 hex digits. */
  id: string
  score: number
  at: Micros
  tier: Tier
  rule?: string | undefined
  policy?: string | undefined
  decision?: string | undefined
  segments?: readonly string[] | undefined
  campaign?: string | undefined
  creative?: string | undefined
  inputs?: Readonly<Record<string, FeatureValue>> | undefined
  reasons?: readonly { feature: string; contribution: number }[] | undefined
  /** Of inputs that were left out: their HMAC-SHA256 under the salt, 64 hex digits. */
  withheld?: string | undefined
}

/** The bytes that a leaf is the hash of: canonical JSON. */
export function rowBytes(row: Row, salt: Uint8Array): Uint8Array {
  const { at, ...rest } = row
  const members: Record<string, unknown> = { kind: 'row/1', at: formatTime(at), salt: toHex(salt) }
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) members[name] = value
  return toUtf8(canonicalize(members as never))
}

export function rowLeaf(row: Row, salt: Uint8Array): Uint8Array {
  return leafHash(rowBytes(row, salt))
}

/** Where a row stands: what its salt and its sealed cells are bound to. */
export function rowPlace({ source, batch }: BatchName, id: string): Buffer {
  return placeBytes({ kind: 'predictions/1', stream: STREAM, source, id: `${batch}\0${id}` })
}

/** The salt of a row: 32 bytes that only the subject's key gives. */
export function rowSalt(subject: Subject, place: Buffer): Uint8Array {
  return binding(subject.keys, place).r
}

/** What a minimal row keeps of its inputs. */
export function withheldDigest(salt: Uint8Array, inputs: Readonly<Record<string, FeatureValue>>): string {
  return hmac(hmacKey('sha256', salt), toUtf8(canonicalize(inputs))).toString('hex')
}

/** What a row keeps sealed under its subject: nonce 12, ciphertext, tag 16. */
export function sealCell(subject: Subject, place: Buffer, what: 'id' | 'contributors', value: unknown): Buffer {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', subject.keys.encrypt, iv).setAAD(cellPlace(place, what))
  const body = cipher.update(JSON.stringify(value), 'utf8')
  cipher.final()
  return Buffer.concat([iv, body, cipher.getAuthTag()])
}

/** Throws `altered`. */
export function openCell(subject: Subject, place: Buffer, what: 'id' | 'contributors', cell: Uint8Array): unknown {
  try {
    const decipher = createDecipheriv('aes-256-gcm', subject.keys.encrypt, cell.subarray(0, 12)).setAAD(
      cellPlace(place, what),
    )
    decipher.setAuthTag(cell.subarray(cell.length - 16))
    const text = Buffer.concat([decipher.update(cell.subarray(12, cell.length - 16)), decipher.final()])
    return JSON.parse(text.toString('utf8'))
  } catch (cause) {
    throw new Fault('altered', `its sealed ${what} does not open under the key of its subject`, { cause })
  }
}

function cellPlace(place: Buffer, what: string): Buffer {
  return Buffer.concat([place, Buffer.from(`\0${what}`)])
}

/** The columns of a batch's file, with the way each is selected from a draft of `incoming.ts`. */
export const rowColumns = [
  { name: 'leaf', type: 'BIGINT' },
  { name: 'subject', type: 'BLOB' },
  { name: 'id', type: 'BLOB' },
  { name: 'score', type: 'DOUBLE' },
  { name: 'at', type: 'TIMESTAMP' },
  { name: 'tier', type: 'VARCHAR' },
  { name: 'rule', type: 'VARCHAR' },
  { name: 'policy', type: 'VARCHAR' },
  { name: 'decision', type: 'VARCHAR' },
  { name: 'segments', type: 'VARCHAR' },
  { name: 'campaign', type: 'VARCHAR' },
  { name: 'creative', type: 'VARCHAR' },
  { name: 'inputs', type: 'VARCHAR' },
  { name: 'reasons', type: 'VARCHAR' },
  { name: 'withheld', type: 'BLOB' },
  { name: 'sealed_id', type: 'BLOB' },
  { name: 'contributors', type: 'BLOB' },
] as const

/** A row as a batch's file has it. */
export interface StoredRow {
  /** Its number in the tree. */
  leaf: number
  row: Row
  sealedId: Uint8Array
  contributors: Uint8Array | undefined
}

/** Reads what DuckDB gives of a row of `rowColumns`. Throws `altered` for what we would not have written. */
export function storedRow(cells: Readonly<Record<string, Plain>>): StoredRow {
  const text = (name: string): string | undefined => (cells[name] as string | null) ?? undefined
  const hex = (name: string): string | undefined => (cells[name] as Buffer | null)?.toString('hex')
  const json = (name: string): unknown => {
    const value = text(name)
    if (value === undefined) return undefined
    try {
      return JSON.parse(value)
    } catch (cause) {
      throw new Fault('altered', `its ${name} are no JSON`, { cause })
    }
  }
  const row: Row = {
    subject: hex('subject') ?? '',
    id: hex('id') ?? '',
    score: cells['score'] as number,
    at: Number(cells['at']),
    tier: text('tier') as Tier,
    rule: text('rule'),
    policy: text('policy'),
    decision: text('decision'),
    segments: json('segments') as Row['segments'],
    campaign: text('campaign'),
    creative: text('creative'),
    inputs: json('inputs') as Row['inputs'],
    reasons: json('reasons') as Row['reasons'],
    withheld: hex('withheld'),
  }
  return {
    leaf: Number(cells['leaf']),
    row,
    sealedId: (cells['sealed_id'] as Buffer | null) ?? new Uint8Array(),
    contributors: (cells['contributors'] as Buffer | null) ?? undefined,
  }
}

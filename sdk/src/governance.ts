import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Name, Seq, Sha256 } from './time.ts'

export const ErasureRequest = z.object({
  identifier: z.string().min(1).max(512),
  subjectType: z.string().default('customer'),
  basis: z.string().min(1).max(500).describe('why: for example "request of the person, ticket 4711"'),
})
export type ErasureRequest = z.input<typeof ErasureRequest>

/** What an erasure did: what is gone, what was rewritten, what remains and why. */
export const Erasure = z.object({
  seq: Seq,
  basis: z.string(),
  keysDestroyed: z.number().int(),
  recordsUnreadable: z.number().int(),
  rowsDeleted: z.record(z.string(), z.number().int()),
  filesRewritten: z.array(
    z.object({
      path: z.string(),
      before: Sha256,
      after: Sha256.nullable(),
      removed: z.number().int(),
    }),
  ),
  remains: z.array(z.object({ what: z.string(), why: z.string() })),
  receipt: Receipt,
})
export type Erasure = z.infer<typeof Erasure>

export const Scope = z.enum(['ingest', 'read', 'propose', 'send', 'review', 'reasoning', 'rollback', 'admin'])
export type Scope = z.infer<typeof Scope>
export const KeyRequest = z.object({
  name: z.string().regex(/^[A-Za-z0-9_.@-]{1,64}$/),
  scopes: z.array(Scope).min(1),
  source: z.string().min(1).max(128).optional().describe('what its records name as their source; default: the name'),
  strict: z.boolean().optional().describe('refuse its OpenLineage events that differ from the specification'),
  agent: Name.optional().describe('the only actor, an agent, whose actions may be proposed with it'),
})
export type KeyRequest = z.infer<typeof KeyRequest>
export const KeyInfo = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(Scope),
  source: z.string(),
  strict: z.boolean().optional().describe('true: its OpenLineage events must keep to the specification'),
  agent: Name.optional().describe('with it only actions of this agent may be proposed'),
  created: z.string(),
  revoked: z.string().optional(),
})
export type KeyInfo = z.infer<typeof KeyInfo>
export const IssuedKey = KeyInfo.extend({ secret: z.string().describe('shown this once') })
export type IssuedKey = z.infer<typeof IssuedKey>

export const AnchorRequest = z.discriminatedUnion('to', [
  z.object({ to: z.literal('file'), path: z.string() }),
  z.object({
    to: z.literal('git'),
    path: z.string().describe('a working tree; the checkpoint is committed there'),
  }),
  z.object({ to: z.literal('witness'), url: z.url(), vkey: z.string() }),
])
export type AnchorRequest = z.infer<typeof AnchorRequest>
export const Anchor = z.object({
  to: z.enum(['file', 'git', 'witness']),
  where: z.string(),
  size: Seq,
  root: Sha256,
  time: z.string(),
  seq: Seq.optional(),
  cosignature: z.string().optional(),
  independent: z.boolean().describe('whether another party holds or signed it'),
})
export type Anchor = z.infer<typeof Anchor>

export const Status = z.object({
  version: z.string(),
  origin: z.string(),
  vkey: z.string(),
  size: Seq,
  published: Seq,
  checkpoint: z.string(),
  database: z.enum(['pglite', 'postgres']),
  follower: z.object({ next: Seq, lag: z.number().int() }),
  records: z.record(z.string(), z.number().int()),
  anchored: Anchor.optional(),
  warnings: z.array(z.string()),
})
export type Status = z.infer<typeof Status>

/** A record as anyone may see it: the entry exactly as it is hashed, and its place. */
export const LedgerRecord = z.object({
  seq: Seq,
  leaf: Sha256,
  entry: z.record(z.string(), z.unknown()),
})
export type LedgerRecord = z.infer<typeof LedgerRecord>
export const LedgerRecords = z.object({ records: z.array(LedgerRecord), next: Seq, size: Seq })
export type LedgerRecords = z.infer<typeof LedgerRecords>

export const RecordsQuery = z.object({
  from: z.coerce.number<number>().int().nonnegative().default(0),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(100),
})
export type RecordsQuery = z.input<typeof RecordsQuery>

/** What a verification of everything that the server keeps has found. `checked` counts, by kind, what was looked at. */
export const Verification = z.object({
  ok: z.boolean(),
  size: Seq,
  problems: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })),
  checked: z.record(z.string(), z.number().int()),
})
export type Verification = z.infer<typeof Verification>

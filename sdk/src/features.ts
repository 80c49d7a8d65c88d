import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Seq, Sha256, SubjectId, Time } from './time.ts'

/** A file of derived data whose digest is on the ledger. */
export const DataFile = z.object({
  path: z.string(),
  sha256: Sha256,
  bytes: z.number().int(),
  rows: z.number().int(),
})
export type DataFile = z.infer<typeof DataFile>

export const InputFiles = z.object({
  stream: z.string(),
  contract: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: Sha256, from: Seq, to: Seq, rows: z.number().int() })),
})
export type InputFiles = z.infer<typeof InputFiles>

export const Materialize = z.object({
  view: z.string().describe('name, or name@vN'),
  at: Time.optional().describe('event time; default: now'),
  asOf: Seq.optional().describe('ledger position; default: the head'),
})
export type Materialize = z.infer<typeof Materialize>

/** An immutable feature snapshot. Its id is the position of its record. */
export const Snapshot = z.object({
  id: Seq,
  view: z.string(),
  fingerprint: z.string(),
  at: Time,
  asOf: Seq,
  rows: z.number().int(),
  features: z.array(z.object({ name: z.string(), type: z.string() })),
  files: z.array(DataFile),
  rowsDigest: Sha256,
  inputs: z.array(InputFiles),
  engine: z.object({ duckdb: z.string(), semantics: z.number().int() }),
  receipt: Receipt.optional(),
})
export type Snapshot = z.infer<typeof Snapshot>

export const FeatureValue = z.union([z.number(), z.string(), z.boolean(), z.null()])
export type FeatureValue = z.infer<typeof FeatureValue>

export const FeatureRow = z.object({
  subject: SubjectId,
  values: z.record(z.string(), FeatureValue),
})
export type FeatureRow = z.infer<typeof FeatureRow>

/** Identifiers whose subject ids are wanted. Subjects are not made by asking. */
export const SubjectsRequest = z.object({
  identifiers: z.array(z.string().min(1).max(512)).min(1).max(10_000),
  subjectType: z.string().default('customer'),
})
export type SubjectsRequest = z.input<typeof SubjectsRequest>
export const Subjects = z.object({ subjects: z.array(SubjectId.nullable()) })
export type Subjects = z.infer<typeof Subjects>

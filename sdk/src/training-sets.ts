import { z } from 'zod'
import { Channel } from './consents.ts'
import { DataFile, FeatureValue, InputFiles } from './features.ts'
import { Receipt } from './receipts.ts'
import { isStep, Name, Seq, Sha256, SubjectId, Time } from './time.ts'

const Column = z.string().min(1).max(256)
const Expression = z.string().min(1).max(10_000)

export const Label = z.union([z.number(), z.boolean()])

/** Whom a row is about (`entity`, an identifier, or `subject`), when, and what came of it. */
export const SpineRow = z.object({
  subject: SubjectId.optional(),
  entity: z.string().optional(),
  at: Time,
  label: Label,
  asOf: Seq.optional().describe('the row’s own ledger position; it cannot be later than the set’s'),
})
export type SpineRow = z.infer<typeof SpineRow>

/** Which columns of an uploaded file are meant. */
export const SpineColumns = z.strictObject({
  entity: Column.optional().describe('default: "entity"'),
  subject: Column.optional().describe('default: "subject", where there is no column of identifiers'),
  at: Column.optional().describe('default: "at"'),
  label: Column.optional().describe('default: "label", or the name of the set’s label'),
  asOf: Column.optional().describe('a ledger position for each row; by default the set’s'),
})
export type SpineColumns = z.infer<typeof SpineColumns>

/** A spine that was uploaded, the events of a stream, or the rows of a table. */
export const SpineSource = z.union([
  z.strictObject({ upload: z.string().max(64), columns: SpineColumns.optional() }),
  z.strictObject({
    stream: Name.describe('each of its events is a row'),
    where: Expression.optional().describe('a condition on one event'),
    at: Expression.optional().describe('default: time, at which the event itself is known too'),
    label: Expression.describe('an expression over one event; where it is null the event is no row'),
  }),
  z.strictObject({
    table: z.string().min(1).max(256).describe('a table of ours, as it is now: training.spring'),
    columns: SpineColumns.optional(),
  }),
])
export type SpineSource = z.infer<typeof SpineSource>

/** A point-in-time training set: for each row of the spine the features as they were known at that row's `at`. */
export const TrainingSetRequest = z.object({
  id: z
    .string()
    .min(1)
    .max(128)
    .refine((id) => !isStep(id), 'cannot be asked for'),
  view: z.string().optional().describe('name, or name@vN'),
  views: z.array(z.string()).min(1).max(20).optional().describe('several views of one entity, joined side by side'),
  asOf: Seq.optional().describe('ledger position; default: the head'),
  label: z.string().min(1).max(128).describe('what the label says'),
  knowledge: z
    .enum(['honoured', 'ignored'])
    .optional()
    .describe('ignored: values also count events that were not known yet at the row’s time. Labels may leak'),
  spine: z.array(SpineRow).min(1).max(1_000_000).optional(),
  from: SpineSource.optional(),
})
export type TrainingSetRequest = z.infer<typeof TrainingSetRequest>

/** Rows of the spine that are in no set, by why. */
export const LeftOut = z.object({
  unknown: z.number().int().describe('nothing was ever recorded about the person'),
  erased: z.number().int(),
  objected: z.number().int().describe('the person has objected to profiling, or to marketing'),
  future: z.number().int().describe('the row’s time had not come'),
  unlabelled: z.number().int(),
})
export type LeftOut = z.infer<typeof LeftOut>

export const ApprovalRequest = z.object({
  id: z.string().min(1).max(128).optional().describe('so that the same decision, sent again, is one'),
  role: z.string().min(1).max(100).describe('as whom: for example "data protection officer"'),
  purpose: z.string().min(1).max(200).optional().describe('for what the set may be used'),
  decision: z.enum(['approved', 'rejected']),
  note: z.string().max(2000).optional().describe('on the ledger in clear: name nobody in it'),
})
export type ApprovalRequest = z.infer<typeof ApprovalRequest>

/** A decision about something on the ledger; it changes nothing of it. */
export const Approval = ApprovalRequest.omit({ id: true }).extend({
  seq: Seq,
  time: Time,
  by: z.string().describe('the id of the key'),
  digest: Sha256.describe('of the content that was decided upon'),
  receipt: Receipt.optional(),
})
export type Approval = z.infer<typeof Approval>

export const TrainingSet = z.object({
  id: z.string(),
  seq: Seq,
  made: Time,
  view: z.string().describe('the first of its views'),
  fingerprint: z.string(),
  views: z.array(z.object({ view: z.string(), fingerprint: z.string() })),
  asOf: Seq,
  objectionsAsOf: Seq.optional().describe('the position up to which objections were heard: the head, when it was made'),
  knowledge: z.enum(['honoured', 'ignored']),
  label: z.string(),
  rows: z.number().int(),
  leftOut: LeftOut,
  spine: z.object({
    kind: z.enum(['rows', 'csv', 'parquet', 'stream', 'table']),
    table: z.string().optional(),
    stream: z.string().optional(),
    where: z.string().optional(),
    at: z.string().optional(),
    label: z.string().optional(),
    columns: SpineColumns.optional(),
  }),
  columns: z.array(z.object({ name: z.string(), type: z.string() })).describe('of the file, beside "subject"'),
  files: z.array(DataFile).describe('as they were written'),
  rowsDigest: Sha256,
  contentDigest: Sha256.optional().describe('of all rows, whatever their order, with names and types'),
  now: z.object({ rows: z.number().int(), files: z.array(DataFile) }).describe('as erasures have left it'),
  approvals: z.array(Approval),
  inputs: z.array(InputFiles),
  receipt: Receipt.optional(),
})
export type TrainingSet = z.infer<typeof TrainingSet>

export const TrainingRow = z.object({
  at: Time,
  subject: SubjectId,
  label: Label,
  values: z.record(z.string(), FeatureValue),
})
export type TrainingRow = z.infer<typeof TrainingRow>

export const SpineFormat = z.object({ format: z.enum(['csv', 'parquet']) })
export type SpineFormat = z.infer<typeof SpineFormat>

/** A file with a spine, kept for an hour or until a set is made of it. */
export const SpineUpload = z.object({
  upload: z.string(),
  format: z.enum(['csv', 'parquet']),
  bytes: z.number().int(),
})
export type SpineUpload = z.infer<typeof SpineUpload>

/** How far a set is that is being made. */
export const TrainingProgress = z.object({
  state: z.enum(['none', 'waiting', 'spine', 'features', 'writing']),
  done: z.number().int().describe('rows of the spine'),
  of: z.number().int().optional(),
})
export type TrainingProgress = z.infer<typeof TrainingProgress>

export const ObjectionPurpose = z.enum(['profiling', 'marketing'])
export type ObjectionPurpose = z.infer<typeof ObjectionPurpose>

/** A person objects, or takes an objection back. An objection to marketing is one to profiling as well. */
export const ObjectionRequest = z.object({
  id: z.string().min(1).max(256).optional().describe('so that the same objection, sent again, is one'),
  identifier: z.string().min(1).max(512).optional(),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional().describe('default: customer'),
  purpose: ObjectionPurpose,
  channel: Channel.optional().describe('where marketing is objected to; default: everywhere. Profiling has none'),
  withdrawn: z.literal(true).optional().describe('the person takes it back'),
  time: Time.optional().describe('when it was said; default: now'),
  note: z.string().max(2000).optional().describe('where it was said; sealed with the person’s key'),
})
export type ObjectionRequest = z.infer<typeof ObjectionRequest>

export const Objection = z.object({
  seq: Seq,
  subject: SubjectId,
  purpose: ObjectionPurpose,
  channel: Channel.optional(),
  withdrawn: z.boolean(),
  time: Time,
  receipt: Receipt,
})
export type Objection = z.infer<typeof Objection>

export const ObjectionQuery = z.object({
  identifier: z.string().min(1).max(512).optional(),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional(),
  purpose: ObjectionPurpose.optional(),
  at: Time.optional().describe('what was so at this time; default: now'),
  asOf: z.coerce.number().pipe(Seq).optional().describe('knowing the records before this one; default: all'),
})
export type ObjectionQuery = z.input<typeof ObjectionQuery>

/** Whether somebody objects, and by which records. */
export const ObjectionState = z.object({
  known: z.boolean().describe('false: nothing is recorded about such a person, so no objection either'),
  objects: z.object({ profiling: z.boolean(), marketing: z.boolean() }),
  because: z.array(z.object({ seq: Seq, purpose: ObjectionPurpose, channel: Channel.optional(), time: Time })),
  asOf: Seq,
  at: Time,
})
export type ObjectionState = z.infer<typeof ObjectionState>

/** A column of a set, as its rows are now. */
export const ColumnSummary = z.object({
  name: z.string(),
  type: z.string(),
  view: z.string().optional(),
  feature: z.string().optional(),
  nullShare: z.number(),
  min: FeatureValue,
  max: FeatureValue,
  quantiles: z
    .object({ p05: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number() })
    .optional()
    .describe('of numbers'),
})
export type ColumnSummary = z.infer<typeof ColumnSummary>

/** What somebody must know before they train on a set. */
export const TrainingCard = z.object({
  set: TrainingSet,
  entity: z.string(),
  streams: z.array(z.object({ stream: z.string(), contract: z.string() })),
  views: z.array(
    z.object({
      view: z.string(),
      fingerprint: z.string(),
      owner: z.string().optional(),
      description: z.string().optional(),
      features: z.array(
        z.object({
          name: z.string(),
          column: z.string(),
          type: z.string(),
          source: z.string(),
          expr: z.string(),
          window: z.string().optional(),
          filter: z.string().optional(),
          description: z.string().optional(),
        }),
      ),
      text: z.string().describe('the declaration'),
      absent: z.number().int().describe('rows about somebody of whom its stream knew nothing by then'),
    }),
  ),
  times: z.object({ from: Time, to: Time }).nullable(),
  people: z.number().int(),
  repeated: z.number().int().describe('rows beyond the first with the same person and time'),
  erased: z.number().int().describe('rows taken out by erasures since'),
  labels: z
    .array(z.object({ value: Label, rows: z.number().int(), share: z.number() }))
    .optional()
    .describe('where there are at most 20 different'),
  columns: z.array(ColumnSummary),
  models: z.array(z.string()).describe('model versions that name it'),
  limits: z.array(z.string()),
})
export type TrainingCard = z.infer<typeof TrainingCard>

/** To make a set again: with the spine that was uploaded for it, its rows that are in no set are judged again too. */
export const TrainingVerifyRequest = z.object({
  spine: z.array(SpineRow).min(1).max(1_000_000).optional(),
  upload: z.string().max(64).optional(),
})
export type TrainingVerifyRequest = z.infer<typeof TrainingVerifyRequest>

export const TrainingDifference = z.object({
  why: z.enum(['erased', 'late', 'definition', 'knowledge', 'spine', 'objected', 'engine', 'altered', 'unexplained']),
  rows: z.number().int(),
  columns: z.array(z.string()).optional().describe('those whose values differ'),
  sentence: z.string(),
})
export type TrainingDifference = z.infer<typeof TrainingDifference>

/** A set, made again from the ledger and held against its record. */
export const TrainingVerification = z.object({
  id: z.string(),
  equal: z.boolean().describe('every row that nobody had erased is made again as it was written'),
  rows: z.object({
    recorded: z.number().int(),
    recomputed: z.number().int(),
    equal: z.number().int(),
    erased: z.number().int(),
  }),
  contentDigest: z.object({ recorded: Sha256.optional(), list: Sha256, recomputed: Sha256.optional() }),
  spine: z.enum(['from the ledger', 'as given', 'from the set']).describe('where the rows to be made again came from'),
  objectedSince: z.number().int().describe('people in the set who have objected to profiling since'),
  differences: z.array(TrainingDifference),
  sample: z
    .array(
      z.object({
        subject: SubjectId,
        at: Time,
        column: z.string(),
        stored: FeatureValue,
        recomputed: FeatureValue,
      }),
    )
    .describe('some values that differ'),
  problems: z.array(z.string()),
})
export type TrainingVerification = z.infer<typeof TrainingVerification>

export const TrainingCompareQuery = z.object({ with: z.string().min(1).max(128) })
export type TrainingCompareQuery = z.infer<typeof TrainingCompareQuery>

/** Two sets, their rows matched by subject, time and label. */
export const TrainingComparison = z.object({
  a: z.string(),
  b: z.string(),
  equal: z.boolean(),
  rows: z.object({
    a: z.number().int(),
    b: z.number().int(),
    equal: z.number().int(),
    differing: z.number().int(),
    onlyA: z.number().int(),
    onlyB: z.number().int(),
  }),
  columns: z.object({
    onlyA: z.array(z.string()),
    onlyB: z.array(z.string()),
    differing: z.array(z.object({ name: z.string(), rows: z.number().int() })),
  }),
  differences: z.array(TrainingDifference),
})
export type TrainingComparison = z.infer<typeof TrainingComparison>

import { z } from 'zod'
import { ConsentVerdict, LawfulBasis } from './consent-verdict.ts'
import { Problem, Receipt } from './receipts.ts'
import { isStep, Name, Seq, Sha256, SubjectId, Time } from './time.ts'

/**
 * What a consent record says last of its purposes: the event states of ISO/IEC TS 27560. Only `given` and `renewed`
 * permit anything; all others, `unknown` and `requested` included, deny.
 */
export const ConsentState = z.enum([
  'unknown',
  'requested',
  'deferred',
  'refused',
  'given',
  'renewed',
  'expired',
  'invalidated',
  'revoked',
  'withdrawn',
])
export type ConsentState = z.infer<typeof ConsentState>

/** As an action names it: email, sms, push. */
export const Channel = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'a word of small letters, like email')

/** A country or a part of one, as in ISO 3166: `DE`, `US-CA`. */
export const Jurisdiction = z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,8})?$/, 'a code like DE or US-CA')

const Short = z.string().min(1).max(500)
const Text = z.string().min(1).max(4000)

const Who = {
  identifier: z.string().min(1).max(512).optional().describe("the person's identifier"),
  subject: SubjectId.optional().describe('or their subject id'),
  subjectType: z.string().min(1).max(128).optional().describe('what the identifier names (default customer)'),
}

/** Somebody who decides what the data is used for. */
export const Controller = z.strictObject({
  name: Short,
  contact: Short.optional(),
  address: z.union([Text, z.record(z.string().max(200), z.string().max(1000))]).optional(),
  email: Short.optional(),
  phone: Short.optional(),
  url: Short.optional(),
  onBehalf: z.boolean().optional(),
})
export type Controller = z.infer<typeof Controller>

export const ReceiptPurpose = z.strictObject({
  purpose: Name.describe('as the Purposes in force call it'),
  state: ConsentState.optional().describe('where it is another than the receipt’s'),
  channels: z.array(Channel).min(1).max(20).optional().describe('default: every channel'),
  basis: LawfulBasis.optional().describe('default: consent'),
  expires: Time.optional().describe('where it ends before the receipt does'),
})
export type ReceiptPurpose = z.infer<typeof ReceiptPurpose>

/**
 * One event of a consent record, with the fields of ISO/IEC TS 27560. The same id and version again is a duplicate; what
 * changes comes as a new version, or with another id.
 */
export const ConsentReceipt = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .refine((id) => !isStep(id), 'cannot be asked for')
    .describe('record_id: best a UUID'),
  version: z.number().int().min(1).max(2_147_483_647).default(1),
  schema: Short.optional().describe('schema_version'),
  ...Who,
  state: ConsentState.describe('event_state'),
  event: Short.optional().describe('event_type, as the source calls it'),
  entity: Short.optional().describe('entity_id: who stated the event'),
  time: Time.optional().describe('event_time; default: now'),
  expires: Time.optional().describe('event_time and validity_duration, as one time: it counts before this'),
  purposes: z.array(ReceiptPurpose).min(1).max(100),
  notice: z
    .strictObject({
      version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, ".", "_" and "-"'),
      language: z.string().max(35).optional(),
      sha256: Sha256.optional().describe('of the exact text'),
      text: z.string().min(1).max(200_000).optional().describe('the exact text, where no Purposes file holds it'),
      url: Short.optional(),
    })
    .optional()
    .describe('privacy_notice: what the person was shown'),
  language: z.string().max(35).optional(),
  method: Text.optional().describe('collection_method'),
  jurisdiction: Jurisdiction.optional(),
  controllers: z.array(Controller).max(50).optional().describe('pii_controllers'),
  information: z.array(Short).max(200).optional().describe('pii_information'),
  thirdParties: z.array(Short).max(500).optional().describe('recipient_third_parties'),
  storage: z.array(Short).max(50).optional().describe('storage_locations'),
  retention: Text.optional().describe('retention_period'),
  withdrawal: Text.optional().describe('withdrawal_method'),
  rights: z.array(Short).max(50).optional().describe('privacy_rights'),
})
export type ConsentReceipt = z.infer<typeof ConsentReceipt>

export const ConsentBatch = z.object({ consents: z.array(ConsentReceipt).min(1).max(1000) })
export type ConsentBatch = z.input<typeof ConsentBatch>

/** The notice that a receipt names, found on the log: digest of its exact text, and the policy that holds it. */
export const QuotedNotice = z.object({ sha256: Sha256, policy: z.string(), seq: Seq })
export type QuotedNotice = z.infer<typeof QuotedNotice>

export const ConsentResults = z.object({
  recorded: z.number().int(),
  duplicate: z.number().int(),
  conflict: z.number().int(),
  refused: z.number().int(),
  results: z.array(
    z.discriminatedUnion('status', [
      z.object({
        id: z.string(),
        version: z.number().int(),
        status: z.enum(['recorded', 'duplicate', 'conflict']),
        subject: SubjectId,
        notice: QuotedNotice.optional().describe('absent where the log holds no such notice'),
        receipt: Receipt,
      }),
      z.object({ id: z.string(), version: z.number().int(), status: z.literal('refused'), problem: Problem }),
    ]),
  ),
})
export type ConsentResults = z.infer<typeof ConsentResults>

export const ConsentsQuery = z.object({
  ...Who,
  asOf: z.coerce.number().pipe(Seq).optional().describe('knowing the records before this one; default: all'),
  before: z.coerce.number().pipe(Seq).optional().describe('cursor: only records before this one'),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(100),
})
export type ConsentsQuery = z.input<typeof ConsentsQuery>

/** A receipt as it stands on the log. */
export const RecordedConsent = z.object({
  seq: Seq,
  recorded: Time,
  conflict: z.literal(true).optional().describe('kept beside another of its id: of it only what denies counts'),
  quoted: QuotedNotice.optional(),
  receipt: ConsentReceipt.omit({ identifier: true, subject: true, subjectType: true }).extend({
    time: Time,
    imported: z.enum(['kantara', 'tcf', 'gpp']).optional(),
  }),
})
export type RecordedConsent = z.infer<typeof RecordedConsent>

export const Consents = z.object({
  known: z.boolean().describe('false: nothing is recorded about such a person'),
  subject: SubjectId.optional(),
  consents: z.array(RecordedConsent).describe('newest record first'),
  next: Seq.optional().describe('give this as `before` for more'),
  asOf: Seq,
})
export type Consents = z.infer<typeof Consents>

export const ConsentCheckQuery = z.object({
  ...Who,
  purpose: Name,
  channel: Channel.optional().describe('default: all of them'),
  jurisdiction: Jurisdiction.optional(),
  at: Time.optional().describe(
    'what holds at this time; default: now, or with asOf when the record before it was made',
  ),
  asOf: z.coerce.number().pipe(Seq).optional().describe('by the records and policies before this one; default: all'),
})
export type ConsentCheckQuery = z.input<typeof ConsentCheckQuery>

export const ConsentCheck = ConsentVerdict.extend({
  subject: SubjectId.optional().describe('absent: nothing is recorded about such a person'),
  at: Time,
  asOf: Seq,
})
export type ConsentCheck = z.infer<typeof ConsentCheck>

export const ConsentChecksRequest = z.object({ checks: z.array(ConsentCheckQuery).min(1).max(1000) })
export type ConsentChecksRequest = z.input<typeof ConsentChecksRequest>
export const ConsentChecks = z.object({
  allowed: z.number().int(),
  denied: z.number().int(),
  results: z.array(ConsentCheck),
})
export type ConsentChecks = z.infer<typeof ConsentChecks>

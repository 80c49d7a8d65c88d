import { z } from 'zod'
import { Seq } from './time.ts'

/** Why somebody may be written to, scored or trained on for a purpose. */
export const LawfulBasis = z.enum([
  'consent',
  'contract',
  'legitimate_interest',
  'legal_obligation',
  'vital_interest',
  'public_task',
  'soft_opt_in',
])
export type LawfulBasis = z.infer<typeof LawfulBasis>

/** The answer of a consent check. Unknown denies. */
export const ConsentVerdict = z.object({
  allowed: z.boolean(),
  code: z
    .enum([
      'given',
      'basis',
      'unknown',
      'withdrawn',
      'refused',
      'requested',
      'expired',
      'objected',
      'purpose',
      'erased',
      'notice',
      'jurisdiction',
    ])
    .describe('given: by consent; basis: by another lawful basis; the others deny'),
  reason: z.string(),
  basis: LawfulBasis.optional(),
  policy: z.string().optional().describe('the Purposes policy that decided, name@vN'),
  receipt: z
    .object({ id: z.string(), version: z.string(), seq: Seq })
    .optional()
    .describe('the consent receipt, its version, and its record'),
  endedBy: z
    .array(z.enum(['marketing', 'profiling']))
    .optional()
    .describe('objections that end what is allowed here, whatever its basis'),
  because: Seq.optional().describe('the record that decided'),
})
export type ConsentVerdict = z.infer<typeof ConsentVerdict>

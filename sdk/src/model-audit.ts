import { z } from 'zod'
import { Integrity, Truth } from './explanations.ts'
import { Seq } from './time.ts'

/** How what a version was made from compares with what is in production now. */
export const NowState = z.enum(['same', 'changed', 'gone', 'unknown'])
export type NowState = z.infer<typeof NowState>

/** One thing that a model version was made from. */
export const AuditItem = z.object({
  what: z.enum([
    'record',
    'view',
    'feature',
    'contract',
    'training set',
    'snapshot',
    'events',
    'run',
    'code',
    'environment',
    'parameters',
    'artifact',
    'alias',
  ]),
  name: z.string(),
  value: z.string().describe('what it was then, in a line'),
  truth: Truth.describe('whether what is said of then was found true'),
  integrity: Integrity.optional().describe('of the records behind it; absent where none stands behind it'),
  check: z.string().describe('what was checked, or why nothing could be'),
  now: NowState,
  nowValue: z.string().optional().describe('what it is now, in a line'),
  diff: z.array(z.string()).optional().describe('lines that differ: "- then", "+ now"'),
  text: z.string().optional().describe('the exact definition of then: a view, a contract'),
  digest: z.string().optional(),
  records: z.array(Seq),
})
export type AuditItem = z.infer<typeof AuditItem>

/** What a model version was made from, checked again, and compared with now. Bad news stands in `alerts`, first. */
export const ModelAudit = z.object({
  model: z.string(),
  seq: Seq,
  predicts: z.string(),
  recorded: z.string(),
  by: z.string(),
  sentence: z.string(),
  alerts: z.array(z.object({ truth: Truth, text: z.string() })),
  live: z.array(z.object({ environment: z.string(), alias: z.string() })).describe('aliases that point at it now'),
  items: z.array(AuditItem),
  counts: z.object({
    recomputed: z.number().int(),
    asserted: z.number().int(),
    contradicted: z.number().int(),
    missing: z.number().int(),
    same: z.number().int(),
    changed: z.number().int(),
    gone: z.number().int(),
  }),
  asOf: Seq,
})
export type ModelAudit = z.infer<typeof ModelAudit>

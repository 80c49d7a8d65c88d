import { z } from 'zod'
import { Numbered } from './emissions.ts'
import { Problem, Receipt } from './receipts.ts'
import { Seq } from './time.ts'

export const Outcome = z.enum(['passed', 'flagged', 'quarantined', 'dropped'])
export type Outcome = z.infer<typeof Outcome>

/** A broken rule of a contract: which rule, what kind of violation, where in the event (JSON pointer), what follows. */
export const Violation = z.object({
  rule: z.string(),
  type: z.string(),
  keyword: z.string(),
  path: z.string(),
  message: z.string(),
  outcome: z.enum(['pass', 'flag', 'quarantine', 'drop']),
})
export type Violation = z.infer<typeof Violation>

/** What became of one event of a request. `line` is its line in the body or file, or its place in the array, from 1. */
export const EventResult = z.discriminatedUnion('status', [
  z.object({
    line: z.number().int(),
    status: z.enum(['recorded', 'duplicate', 'conflict']),
    receipt: Receipt,
    outcome: Outcome.optional(),
    violations: z.array(Violation).optional(),
    erased: z.literal(true).optional(),
  }),
  z.object({ line: z.number().int(), status: z.literal('refused'), problem: Problem }),
])
export type EventResult = z.infer<typeof EventResult>

/** received = passed + flagged + quarantined + dropped + duplicate + conflict + refused, always. */
export const Accounting = z.object({
  received: z.number().int(),
  passed: z.number().int(),
  flagged: z.number().int(),
  quarantined: z.number().int(),
  dropped: z.number().int(),
  duplicate: z.number().int(),
  conflict: z.number().int(),
  refused: z.number().int(),
})
export type Accounting = z.infer<typeof Accounting>

/**
 * The answer to a batch. `results` holds what is not a plain pass (and everything with `?results=all`); `first` and `last`
 * are the first and last ledger positions of the batch. All is counted; of `blank` and of `results` the first 10,000
 * are listed.
 */
export const Ingested = z.object({
  stream: z.string(),
  contract: z.string(),
  accounting: Accounting,
  blank: z.array(z.number().int()).describe('blank lines of an NDJSON body: skipped, not counted as received'),
  first: Seq.optional(),
  last: Seq.optional(),
  results: z.array(EventResult),
  omitted: z
    .number()
    .int()
    .optional()
    .describe('lines that `blank` and `results` would list beyond their first 10,000'),
})
export type Ingested = z.infer<typeof Ingested>

export const IngestQuery = Numbered.extend({
  file: z.string().min(1).max(255).optional().describe('name of the file that the lines come from'),
  line: z.coerce.number<number>().int().positive().optional().describe('line (or row) number of the first event'),
  source: z.string().min(1).max(128).optional().describe('admin keys only: the source to record'),
  results: z.enum(['all', 'exceptions']).optional(),
})
export type IngestQuery = z.infer<typeof IngestQuery>

/** A stream as its contract and the ledger know it, with the gaps in its sources' sequence numbers. */
export const Stream = z.object({
  stream: z.string(),
  contract: z.string(),
  recorded: z.object({
    passed: z.number().int(),
    flagged: z.number().int(),
    quarantined: z.number().int(),
    dropped: z.number().int(),
    conflict: z.number().int(),
    released: z.number().int(),
  }),
  sinceStart: Accounting.describe('all that was received since this server started, duplicates and refusals included'),
  gaps: z.array(z.object({ source: z.string(), from: z.string(), to: z.string(), missing: z.string() })),
  asOf: Seq,
})
export type Stream = z.infer<typeof Stream>

export const Quarantined = z.object({
  seq: Seq,
  stream: z.string(),
  source: z.string(),
  file: z.string().optional().describe('the file it came from, when the sender said so'),
  line: z.number().int().optional().describe('its line in the request or file, from 1'),
  reason: z.enum(['contract', 'conflict']),
  id: z.string().optional(),
  recorded: z.string(),
  violations: z.array(Violation),
  content: z.string().optional().describe('the event as it came; absent when its key is destroyed'),
  released: Seq.optional(),
  erased: z.boolean(),
})
export type Quarantined = z.infer<typeof Quarantined>

export const QuarantineQuery = z.object({
  stream: z.string().optional(),
  line: z.coerce.number<number>().int().positive().optional().describe('only what came from this line of a file'),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(100),
  before: z.coerce.number<number>().int().nonnegative().optional().describe('cursor: only positions before this one'),
})
export type QuarantineQuery = z.input<typeof QuarantineQuery>

export const ReleaseRequest = z.object({
  stream: z.string(),
  seqs: z.array(Seq).max(10_000).optional().describe('default: all that now pass'),
})
export type ReleaseRequest = z.infer<typeof ReleaseRequest>

/** What passed under the contract of now and was recorded, and what stays in quarantine and why. */
export const Release = z.object({
  contract: z.string(),
  released: z.array(z.object({ seq: Seq, receipt: Receipt })),
  kept: z.array(z.object({ seq: Seq, violations: z.array(Violation), reason: z.string() })),
})
export type Release = z.infer<typeof Release>

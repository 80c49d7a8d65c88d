import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Seq } from './time.ts'

/** An emitter's id: 8 random bytes in hex, made with its spool and kept with it. */
export const EmitterId = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 hex digits')

/** Numbers of an emitter, from 1, one a record: `7`, `7-12`, `7-9,12,14-20`, rising. */
export const EmitterNumbers = z
  .string()
  .max(8000)
  .regex(/^[1-9]\d{0,14}(-[1-9]\d{0,14})?(,[1-9]\d{0,14}(-[1-9]\d{0,14})?)*$/, 'must be numbers as in 7-9,12')

/** On a batch: who emitted it, and the number of each record of it. */
export const Numbered = z.object({
  emitter: EmitterId.optional().describe('the emitter that sends this'),
  n: EmitterNumbers.optional().describe('with `emitter`: its numbers of the records, in their order, as in 7-9,12'),
})
export type Numbered = z.infer<typeof Numbered>

const Count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)

/**
 * What became of everything that was handed to an emitter for one stream, since its spool was made, by its own word:
 *
 *     emitted = recorded + duplicate + conflict + refused + sampledOut + dropped + waiting + unknown
 */
export const Emission = z.object({
  stream: z.string().min(1).max(128).describe('the stream, or whence.predictions'),
  emitted: Count,
  recorded: Count,
  duplicate: Count,
  conflict: Count,
  refused: Count,
  sampledOut: Count.describe('left out on purpose, by the rate of the stream'),
  dropped: Count.describe('lost, and known to be: the spool was full, or the record was none'),
  waiting: Count.describe('still to be sent'),
  unknown: Count.describe('numbers set aside by a run that was killed: lost, or never used'),
  reasons: z
    .record(z.string().regex(/^[a-z0-9_.-]{1,64}$/), Count)
    .refine((reasons) => Object.keys(reasons).length <= 32, 'has more than 32 reasons')
    .optional()
    .describe('of refused and dropped, by code'),
})
export type Emission = z.infer<typeof Emission>

export const EmissionReport = z.object({ emissions: z.array(Emission).min(1).max(1000) })
export type EmissionReport = z.infer<typeof EmissionReport>

export const EmissionReceipts = z.object({ receipts: z.array(Receipt) })
export type EmissionReceipts = z.infer<typeof EmissionReceipts>

export const EmittersQuery = z.object({ stream: z.string().max(128).optional() })
export type EmittersQuery = z.infer<typeof EmittersQuery>

/** An emitter as the ledger knows it: its own last word, and beside that what was recorded of its numbers. */
export const Emitter = z.object({
  stream: z.string(),
  source: z.string(),
  emitter: EmitterId,
  said: Emission.optional().describe('its own last word: asserted'),
  saidAt: Seq.optional().describe('where that word stands'),
  numbers: Count.describe('numbers of this emitter that stand on the ledger'),
  highest: Count.describe('the highest of them'),
  missing: Count.describe('numbers below the highest that came to no record'),
  unexplained: Count.describe('of the missing, those that its own word does not account for'),
  gaps: z.array(z.object({ from: Count, to: Count })).describe('the first hundred ranges of missing numbers'),
})
export type Emitter = z.infer<typeof Emitter>

export const Emitters = z.object({ emitters: z.array(Emitter), asOf: Seq })
export type Emitters = z.infer<typeof Emitters>

import { z } from 'zod'
import { Seq, Sha256 } from './time.ts'

/** Where a record stands on the ledger. `leaf` is its Merkle leaf hash, `recorded` the server's clock. */
export const Receipt = z.object({
  seq: Seq,
  leaf: Sha256,
  recorded: z.string(),
  status: z.enum(['recorded', 'duplicate', 'conflict']),
})
export type Receipt = z.infer<typeof Receipt>

/** One error, the same shape wherever one is answered. `message` says what to do next. */
export const Problem = z.object({
  code: z.string(),
  message: z.string(),
  details: z.unknown().optional(),
})
export type Problem = z.infer<typeof Problem>

// Predictions in number, promotions, and proofs: each a call of one step.
import type { Ledger } from '../record/ledger/ledger.ts'
import type { Predictions } from '../path/predictions/predictions.ts'
import type { Located } from '../path/predictions/recorded.ts'
import type { Promotions } from '../path/predictions/promotion.ts'
import type { Handlers } from './handlers.ts'

export function predictionHandlers({
  predictions,
  promotions,
}: {
  predictions: Predictions
  promotions: Promotions
}): Pick<Handlers, 'predictBatch' | 'promote'> {
  return {
    predictBatch: ({ query, body, caller }) => predictions.batches.receive(query, body, caller),
    promote: ({ path, body, caller }) => promotions.promote(path.id!, body, caller),
  }
}

/** The proofs of the records behind an explanation, one after the other; that of a row carries its batch's. */
export async function proofsOf(
  ledger: Ledger,
  predictions: Predictions,
  at: Located,
  records: readonly { seq: number }[],
): Promise<string> {
  const proofs: string[] = []
  if (at.row !== undefined) proofs.push(await predictions.batches.proof(at.seq, at.row))
  for (const { seq } of records) if (at.row === undefined || seq !== at.seq) proofs.push((await ledger.proof(seq)).text)
  return proofs.join('\n')
}

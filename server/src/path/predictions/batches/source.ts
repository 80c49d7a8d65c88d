// The rows of batches as predictions among others, for whoever walks over many.
import { Fault } from '../../../fault.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { FoundPrediction, PredictionRef, PredictionSource } from '../enumeration.ts'
import type { Batch } from './batch-book.ts'
import type { PredictionBatches } from './batches.ts'

/** Rows whose places are given at once. */
const PAGE = 16_384

export function batchPredictions(parts: { ledger: Ledger; batches: PredictionBatches }): PredictionSource {
  const { ledger, batches } = parts
  return {
    async *refs({ models, from, to }) {
      const all = await batches.book.list({
        from: from === undefined ? undefined : BigInt(from),
        to: to === undefined ? undefined : BigInt(to),
      })
      for (const batch of all.reverse()) {
        if (models && !models.includes(batch.model)) continue
        const of = { model: batch.model, ...(batch.snapshot === undefined ? {} : { snapshot: batch.snapshot }) }
        const within = from === undefined && to === undefined ? undefined : { from, to }
        for (let first = 0; first < batch.rows; first += PAGE) {
          const last = Math.min(batch.rows, first + PAGE)
          const subjects = await batches.subjects(batch, first, last)
          const refs: PredictionRef[] = []
          for (let row = first; row < last; row++) {
            const found = subjects.get(row)
            // Of an erased row no time is left: it counts among those of its batch.
            if (found && within && !isWithin(found.at, within)) continue
            refs.push({ seq: batch.seq, row, ...of, ...(found ? { subject: found.subject } : {}) })
          }
          yield refs
        }
      }
    },

    async open(refs) {
      if (refs.some(({ seq }) => seq >= ledger.published)) await ledger.publish()
      const results = new Map<PredictionRef, FoundPrediction>()
      for (const [seq, group] of Map.groupBy(refs, ({ seq }) => seq)) {
        const batch = await batches.book.get(seq)
        const problem = ledger.provedIn(seq) ? undefined : 'its entry is not under the root of the signed checkpoint'
        for (let at = 0; at < group.length; at += PAGE)
          await openSome(batches, batch, group.slice(at, at + PAGE), problem, results)
      }
      return refs.map((ref) => results.get(ref)!)
    },
  }
}

async function openSome(
  batches: PredictionBatches,
  batch: Batch,
  refs: readonly PredictionRef[],
  problem: string | undefined,
  results: Map<PredictionRef, FoundPrediction>,
): Promise<void> {
  const altered = (ref: PredictionRef, why: string): void => void results.set(ref, { state: 'altered', problem: why })
  if (problem !== undefined) {
    for (const ref of refs) altered(ref, problem)
    return
  }
  try {
    const stored = new Map(
      (
        await batches.rows(
          batch,
          refs.map(({ row }) => row!),
        )
      ).map((one) => [one.leaf, one]),
    )
    for (const ref of refs) {
      const one = stored.get(ref.row!)
      if (!one) {
        if (batches.takenOut(batch) > 0) results.set(ref, { state: 'erased' })
        else altered(ref, `row ${ref.row! + 1} of ${batch.files[0]!.path} is gone, and no erasure has taken it out`)
        continue
      }
      try {
        const opened = batches.opened(batch, one)
        if (opened.state === 'erased') results.set(ref, { state: 'erased' })
        else {
          const { subject, time, prediction } = opened
          results.set(ref, { state: 'open', subject, time, prediction })
        }
      } catch (error) {
        altered(ref, Fault.from(error).message)
      }
    }
  } catch (error) {
    for (const ref of refs) altered(ref, Fault.from(error).message)
  }
}

function isWithin(at: number, { from, to }: { from?: number | undefined; to?: number | undefined }): boolean {
  return (from === undefined || at >= from) && (to === undefined || at < to)
}

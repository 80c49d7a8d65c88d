// Brings the column files of streams up to the ledger as events come, so that the first materialisation after a large
// import does not have to open every event again.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { RecentEvents } from '../events/recent.ts'
import type { EventColumns } from './event-columns.ts'

/** Events of a stream that are worth a column file. */
const ENOUGH = 50_000

/** Returns the way to stop, which waits for what is being written. */
export function keepColumns({
  ledger,
  contracts,
  columns,
  recent,
  enough = ENOUGH,
}: {
  ledger: Ledger
  contracts: ContractBook
  columns: EventColumns
  recent: RecentEvents
  enough?: number | undefined
}): () => Promise<void> {
  let work: Promise<void> | undefined
  let stopped = false

  const extend = async (stream: string): Promise<void> => {
    while (!stopped && recent.waiting(stream) >= enough) {
      const { size } = ledger
      await columns.extend(stream, contracts.columns(stream), size)
      // A materialisation may have been quicker.
      recent.forget(stream, size)
    }
  }
  recent.onPut = (stream) => {
    if (work !== undefined || stopped || recent.waiting(stream) < enough) return
    work = extend(stream)
      // What could not be written now (a full disk) is read from the ledger when a materialisation needs it.
      .catch(() => recent.forget(stream))
      .finally(() => {
        work = undefined
      })
  }
  return async () => {
    stopped = true
    await work
  }
}

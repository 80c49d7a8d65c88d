// The ledger as the feature engine sees it: the events of a stream, opened one by one, and the list of its members.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import { columnValues } from '../../rules/contracts/judge.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent, valuesFor } from '../events/event.ts'
import type { ReadEvent } from '../events/event.ts'
import type { RecentEvents } from '../events/recent.ts'
import type { EventRow, EventSource, StreamShape } from './events.ts'

const BATCH = 1000

/** `recent`: what the door has read already, and nobody needs to open for a file that is new. */
export function ledgerEvents(ledger: Ledger, contracts: ContractBook, recent?: RecentEvents): EventSource {
  return {
    async *events(stream, from, to, use) {
      const shape = { columns: contracts.columns(stream) }
      const seqs = ledger.members(stream, from, to)
      for (let at = 0; at < seqs.length; at += BATCH) {
        const rows: EventRow[] = []
        for (const seq of seqs.slice(at, at + BATCH)) {
          const known = use?.recent === true ? recent?.take(seq) : undefined
          if (known) {
            const { contract, values, ...event } = known
            if (!ledger.subjects.isGone(event.subject)) {
              rows.push({ seq, ...event, values: valuesFor(contract, values, shape.columns) })
            }
            continue
          }
          const event = readEvent(ledger, contracts, seq)
          if (event !== 'erased') rows.push(rowFor(event, shape))
        }
        if (rows.length > 0) yield rows
        // Requests are served between two batches.
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    members: async (stream, from, to) => ledger.members(stream, from, to),
  }
}

/** A stream by the contract in force, or by one that is about to be. */
export function shapeOf(contracts: ContractBook, stream: string, coming?: ReadonlyMap<string, Contract>): StreamShape {
  const contract = coming?.get(stream) ?? contracts.inForce(stream).contract
  return { stream, contract: `${contract.id}@${contract.version}`, columns: contract.columns }
}

export function rowFor(event: ReadEvent, shape: Pick<StreamShape, 'columns'>): EventRow {
  const { seq, subject, time, known, contract, value } = event
  return { seq, subject, time, known, values: valuesFor(contract, columnValues(contract, value), shape.columns) }
}

// The provenance of feature values over HTTP.
import { Fault } from '../fault.ts'
import type { Provenance } from '../path/features/provenance.ts'
import type { Handlers } from './handlers.ts'

export function provenanceHandlers(provenance: Provenance): Pick<Handlers, 'provenance' | 'provenanceTable'> {
  return {
    provenance: async ({ path, query }) => begun(provenance.rows(position(path.id!), query)),
    provenanceTable: ({ path, caller }) => provenance.table(position(path.id!), caller),
  }
}

/** Waits for the first batch, so that what is refused at once is refused with its own status. */
async function begun<T>(batches: AsyncGenerator<T>): Promise<AsyncIterable<T>> {
  const first = await batches.next()
  return (async function* () {
    if (first.done) return
    yield first.value
    yield* batches
  })()
}

function position(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Fault('invalid', `"${text}" is no snapshot: its id is a whole number`)
}

// The endpoints of emitters, each a call of their step.
import { EmitterId } from '@whence/sdk'
import { Fault } from '../fault.ts'
import type { Emissions } from '../path/events/emissions.ts'
import type { Handlers } from './handlers.ts'

export function emissionHandlers(emissions: Emissions): Pick<Handlers, 'reportEmissions' | 'emitters'> {
  return {
    reportEmissions: ({ path, body, caller }) => emissions.report(emitterId(path.emitter!), body, caller),
    emitters: ({ query }) => emissions.emitters(query.stream),
  }
}

function emitterId(given: string): string {
  if (EmitterId.safeParse(given).success) return given
  throw new Fault('invalid', 'the id of an emitter has 16 hex digits: it makes one itself, and keeps it with its spool')
}

// Pauses and what follows from them over HTTP: each a call of one step.
import type { pauseEndpoints } from '@whence/sdk'
import type { Pauses } from '../path/actions/pauses.ts'
import type { Handlers } from './handlers.ts'

export interface RollbackSteps {
  pauses: Pauses
}

export function rollbackHandlers({ pauses }: RollbackSteps): Pick<Handlers, keyof typeof pauseEndpoints> {
  return {
    pause: ({ body, caller }) => pauses.set(body, true, caller),
    resume: ({ body, caller }) => pauses.set(body, false, caller),
    recall: ({ body: { id, kind, name, reason }, caller }) => pauses.recall({ kind, name }, { id, reason }, caller),
    pauses: async () => pauses.list(),
  }
}

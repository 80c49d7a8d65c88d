// Trials over HTTP: past actions under other files.
import type { trialEndpoints } from '@whence/sdk'
import { tryGates } from '../path/actions/gate-trial.ts'
import type { GateTrialParts } from '../path/actions/gate-trial.ts'
import type { Handlers } from './handlers.ts'

export function trialHandlers(parts: GateTrialParts): Pick<Handlers, keyof typeof trialEndpoints> {
  return {
    tryGates: ({ body }) => tryGates(parts, body),
  }
}

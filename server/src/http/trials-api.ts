// Trials over HTTP: past actions under other files, and an agent in shadow beside another.
import type { trialEndpoints } from '@whence/sdk'
import { compareAgents } from '../govern/agents/comparison.ts'
import type { ComparisonParts } from '../govern/agents/comparison.ts'
import { tryGates } from '../path/actions/gate-trial.ts'
import type { GateTrialParts } from '../path/actions/gate-trial.ts'
import type { Handlers } from './handlers.ts'

export function trialHandlers(
  trials: GateTrialParts,
  comparing: ComparisonParts,
): Pick<Handlers, keyof typeof trialEndpoints> {
  return {
    tryGates: ({ body }) => tryGates(trials, body),
    agentComparison: ({ path, query }) => compareAgents(comparing, path.name!, query),
  }
}

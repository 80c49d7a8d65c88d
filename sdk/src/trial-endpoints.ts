// Trials: past actions under other files.
import type { Endpoint } from './endpoints.ts'
import { GateTrial, GateTrialRequest } from './gate-trials.ts'

export const trialEndpoints = {
  tryGates: {
    method: 'POST',
    path: '/v1/gates/test',
    // Files may ask what stands in a copy, and whom to send it to: a scorer's address is theirs.
    scope: 'admin',
    summary: 'Judge past actions under other gates, term lists and agents: what would be decided; nothing is recorded',
    body: GateTrialRequest,
    answer: { json: GateTrial },
  },
} as const satisfies Record<string, Endpoint>

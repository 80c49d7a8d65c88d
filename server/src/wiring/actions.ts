// Actions, from what judges them to what waits for senders.
import { Actions } from '../path/actions/actions.ts'
import { Agents } from '../path/actions/agents.ts'
import { Claims } from '../path/actions/claims.ts'
import type { GateTrialParts } from '../path/actions/gate-trial.ts'
import { Gatekeeper } from '../path/actions/gatekeeper.ts'
import { Judging } from '../path/actions/judging.ts'
import { Outbox } from '../path/actions/outbox.ts'
import { Pauses } from '../path/actions/pauses.ts'
import { Raised } from '../path/actions/raised.ts'
import { Reviews } from '../path/actions/reviews.ts'
import { Traces } from '../path/actions/traces.ts'
import type { TraceParts } from '../path/actions/traces.ts'
import type { OptOutLinks } from '../path/consent/opt-out-links.ts'
import { PastStanding } from '../path/consent/past-standing.ts'
import type { ConsentStanding } from '../path/consent/standing.ts'
import type { Predictions } from '../path/predictions/predictions.ts'
import { Undeliverable } from '../path/outcomes/undeliverable.ts'
import { mask } from '../rules/gates/pii/mask.ts'
import type { Outside } from '../store/connectors/rehearsal.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export function wireActions(
  parts: Recorded & {
    policies: Policies
    standing: ConsentStanding
    links: OptOutLinks
    outside: Outside
    /** How much is kept of what spans hold. */
    capture: TraceParts['capture']
    predictions: Predictions
  },
): {
  agents: Agents
  outbox: Outbox
  judging: Judging
  actions: Actions
  claims: Claims
  reviews: Reviews
  pauses: Pauses
  traces: Traces
  trials: GateTrialParts
  raised: Raised
  undeliverable: Undeliverable
} {
  const { ledger, follower, database, clock, standing } = parts
  const { purposes, agents: agentFiles, chains, terms } = parts.policies
  const agents = new Agents({ ledger, book: agentFiles })
  const outbox = new Outbox({ database, clock })
  const raised = new Raised(database)
  const undeliverable = new Undeliverable({ ledger, database, outbox })
  const gatekeeper = new Gatekeeper({
    ledger,
    agents: agentFiles,
    chains,
    terms,
    ask: (request) => parts.outside.ask(request),
    raised,
  })
  const judging = new Judging({ ledger, clock, standing, outbox, gatekeeper })
  const past = new PastStanding({ follower, database, policies: purposes, standing })
  const pauses = new Pauses({ ledger, database, clock, outbox })
  const actions = new Actions({
    ledger,
    follower,
    database,
    clock,
    judging,
    pauses,
    modelsOf: (id, source) => parts.predictions.modelsOf(id, source),
  })
  return {
    agents,
    outbox,
    raised,
    judging,
    actions,
    claims: new Claims({
      ledger,
      clock,
      standing,
      outbox,
      pauses,
      undeliverable: (row) => undeliverable.concerns(row),
      links: parts.links,
    }),
    pauses,
    undeliverable,
    reviews: new Reviews({ ledger, follower, database, clock, actions, judging, agents }),
    traces: new Traces({
      ledger,
      follower,
      database,
      mask,
      capture: parts.capture,
      propose: (proposal, caller) => actions.propose(proposal, caller),
    }),
    trials: {
      ledger,
      follower,
      database,
      gatekeeper,
      agents: agentFiles,
      chains,
      terms,
      purposes,
      consent: (question, asOf) => past.check(question, asOf),
      consentTrying: (given, remove) => past.trying(given, remove),
    },
  }
}

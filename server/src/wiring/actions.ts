// Actions, from what judges them to what waits for senders.
import { Actions } from '../path/actions/actions.ts'
import type { Agents } from '../path/actions/agents.ts'
import { Claims } from '../path/actions/claims.ts'
import type { GateTrialParts } from '../path/actions/gate-trial.ts'
import { Gatekeeper } from '../path/actions/gatekeeper.ts'
import { Judging } from '../path/actions/judging.ts'
import { Outbox } from '../path/actions/outbox.ts'
import { Pauses } from '../path/actions/pauses.ts'
import { Raised } from '../path/actions/raised.ts'
import { Reviews } from '../path/actions/reviews.ts'
import { PastStanding } from '../path/consent/past-standing.ts'
import type { ConsentStanding } from '../path/consent/standing.ts'
import { Undeliverable } from '../path/outcomes/undeliverable.ts'
import type { OptOutLinks } from '../path/consent/opt-out-links.ts'
import type { PolicyBook } from '../path/events/policy-book.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import type { Follower } from '../record/projection/follower.ts'
import type { Clock } from '../record/time.ts'
import type { AgentPolicy } from '../rules/agents/agent.ts'
import type { PurposesPolicy } from '../rules/consent/purposes.ts'
import type { GateChain } from '../rules/gates/chain.ts'
import type { TermList } from '../rules/gates/terms/term-list.ts'
import type { Database } from '../store/database.ts'
import type { Outside } from '../store/connectors/rehearsal.ts'

export function wireActions(parts: {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  standing: ConsentStanding
  purposes: PolicyBook<PurposesPolicy>
  agents: Agents
  agentFiles: PolicyBook<AgentPolicy>
  chains: PolicyBook<GateChain>
  terms: PolicyBook<TermList>
  links: OptOutLinks
  outside: Outside
}): {
  outbox: Outbox
  judging: Judging
  actions: Actions
  claims: Claims
  reviews: Reviews
  pauses: Pauses
  trials: GateTrialParts
  raised: Raised
  undeliverable: Undeliverable
} {
  const { ledger, follower, database, clock, standing, agents } = parts
  const outbox = new Outbox({ database, clock })
  const raised = new Raised(database)
  const undeliverable = new Undeliverable({ ledger, database, outbox })
  const gatekeeper = new Gatekeeper({
    ledger,
    agents: parts.agentFiles,
    chains: parts.chains,
    terms: parts.terms,
    ask: (request) => parts.outside.ask(request),
    raised,
  })
  const judging = new Judging({ ledger, clock, standing, outbox, gatekeeper })
  const past = new PastStanding({ follower, database, policies: parts.purposes, standing })
  const pauses = new Pauses({ ledger, database, clock, outbox })
  const actions = new Actions({ ledger, follower, database, clock, judging, pauses })
  return {
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
    trials: {
      ledger,
      follower,
      database,
      gatekeeper,
      agents: parts.agentFiles,
      chains: parts.chains,
      terms: parts.terms,
      consent: (question, asOf) => past.check(question, asOf),
    },
  }
}

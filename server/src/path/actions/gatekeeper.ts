// All that judges a proposal before anybody is reached: consent or another basis first, then whether its actor may and
// has signed, then the chains of gates in force.
import type { Verdict } from '@whence/sdk'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { hash } from 'node:crypto'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { AgentInForce, AgentPolicy } from '../../rules/agents/agent.ts'
import { scopeRefs } from '../../rules/actions/scope.ts'
import { approvedConfiguration } from '../../rules/agents/configuration.ts'
import { signatureVerdict, verifySignatures } from '../../rules/agents/signatures.ts'
import type { GateChain } from '../../rules/gates/chain.ts'
import type { AskScorer, GateFacts, Judgement } from '../../rules/gates/gate.ts'
import { judge } from '../../rules/gates/judge.ts'
import type { GatesInForce } from '../../rules/gates/judge.ts'
import { mask } from '../../rules/gates/pii/mask.ts'
import type { TermList } from '../../rules/gates/terms/term-list.ts'
import type { PolicyBook } from '../events/policy-book.ts'
import type { Raised } from './raised.ts'

export interface Judged {
  readonly verdicts: readonly Verdict[]
  /** The actor is in shadow: nothing of it is released. */
  readonly shadow: boolean
  /** Digest of the statement about the action. */
  readonly statement: string
}

/** What actions are judged under. */
export interface Rules {
  readonly agents: ReadonlyMap<string, AgentInForce>
  readonly gates: GatesInForce
}

export interface JudgedUnder {
  /** Others than those in force. */
  rules?: Rules
  /** Verdicts of when it was judged: scorers are taken at what they said then, and are not asked. */
  before?: readonly Verdict[]
  /** A reviewer changed the copy: whoever proposed it has signed something else. */
  edited?: boolean
}

export interface GatekeeperParts {
  ledger: Ledger
  agents: PolicyBook<AgentPolicy>
  chains: PolicyBook<GateChain>
  terms: PolicyBook<TermList>
  ask: AskScorer
  /** Gates that alarms have raised. */
  raised?: Pick<Raised, 'verdict'>
}

export class Gatekeeper {
  readonly #parts: GatekeeperParts
  #inForce: Promise<Rules> | undefined
  #plan = -2

  constructor(parts: GatekeeperParts) {
    this.#parts = parts
  }

  /** A text without what looks personal in it. */
  readonly mask = mask

  /** Under the files in force, or under others. Throws `invalid` for a proposal that has no canonical form. */
  async judge(facts: GateFacts, { rules, before, edited = false }: JudgedUnder = {}): Promise<Judged> {
    const { proposal } = facts
    const { agents, gates } = rules ?? (await this.inForce())
    const agent = agents.get(proposal.actor.id)
    const signatures = await verifySignatures(proposal, agent)
    const policy = agent === undefined ? 'none' : `${agent.policy.name}@v${agent.version}`
    const print = fingerprintOf(agent)
    const own = (gate: string, judgement: Judgement): Verdict => ({
      gate,
      kind: gate,
      policy,
      fingerprint: print,
      outcome: judgement.outcome,
      findings: [...judgement.findings],
      inputs: { ...judgement.inputs },
    })
    const [consent, ...chained] = await judge(gates, facts, this.#parts.ask, before)
    // What was raised when it was judged, where other files are tried on it.
    const raised =
      rules === undefined
        ? this.#parts.raised?.verdict(scopeRefs(proposal))
        : before?.find(({ kind }) => kind === 'monitors')
    return {
      verdicts: [
        consent!,
        own('agent', approvedConfiguration(agent, proposal)),
        own('signature', edited ? editedBy(signatures) : signatureVerdict(agent, signatures)),
        ...chained,
        ...(raised ? [raised] : []),
      ],
      shadow: agent?.policy.mode === 'shadow',
      statement: signatures.digest,
    }
  }

  /** The files in force, read again only after a plan was applied. */
  inForce(): Promise<Rules> {
    const plan = this.#parts.ledger.lastOf('plan')
    if (this.#inForce === undefined || plan !== this.#plan || plan >= this.#parts.ledger.size) {
      this.#plan = plan
      this.#inForce = this.#read()
      // Whoever asks next tries again.
      this.#inForce.catch(() => (this.#inForce = undefined))
    }
    return this.#inForce
  }

  async #read(): Promise<Rules> {
    const { ledger, agents, chains, terms } = this.#parts
    const asOf = ledger.size
    return {
      agents: new Map((await agents.inForce(asOf)).map((one) => [one.policy.name, one])),
      gates: { chains: await chains.inForce(asOf), terms: await terms.inForce(asOf) },
    }
  }
}

const undeclared = hash('sha256', 'none')
const fingerprints = new WeakMap<AgentPolicy, string>()

/** Of what its file approves. */
function fingerprintOf(agent: AgentInForce | undefined): string {
  if (agent === undefined) return undeclared
  const { policy } = agent
  let found = fingerprints.get(policy)
  if (found === undefined)
    fingerprints.set(policy, (found = hash('sha256', canonicalize(policy.configurations as unknown as Json))))
  return found
}

/** What a reviewer made of it waits for an approval; its actor's signature is of what it said before. */
function editedBy({ digest }: { digest: string }): Judgement {
  return { outcome: 'pass', findings: [], inputs: { state: 'edited', statement: digest } }
}

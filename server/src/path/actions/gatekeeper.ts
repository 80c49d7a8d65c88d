// All that judges a proposal before anybody is reached: consent or another basis first, then whether its actor may and
// has signed, then the chains of gates in force.
import type { ConsentVerdict, Verdict } from '@whence/sdk'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { hash } from 'node:crypto'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { AgentPolicy } from '../../rules/agents/agent.ts'
import { approvedConfiguration } from '../../rules/agents/configuration.ts'
import { signatureVerdict, verifySignatures } from '../../rules/agents/signatures.ts'
import type { GateFacts, Judgement } from '../../rules/gates/gate.ts'
import { mask } from '../../rules/gates/pii/mask.ts'
import type { PolicyBook, PolicyInForce } from '../events/policy-book.ts'

export interface Judged {
  readonly verdicts: readonly Verdict[]
  /** The actor is in shadow: nothing of it is released. */
  readonly shadow: boolean
  /** Digest of the statement about the action. */
  readonly statement: string
}

/** What is in force, read again only after a plan was applied. */
interface InForce {
  readonly agents: ReadonlyMap<string, PolicyInForce<AgentPolicy>>
}

export class Gatekeeper {
  readonly #ledger: Ledger
  readonly #agents: PolicyBook<AgentPolicy>
  #inForce: Promise<InForce> | undefined
  #plan = -2

  constructor(parts: { ledger: Ledger; agents: PolicyBook<AgentPolicy> }) {
    this.#ledger = parts.ledger
    this.#agents = parts.agents
  }

  /** A text without what looks personal in it. */
  readonly mask = mask

  /** Throws `invalid` for a proposal that has no canonical form. */
  async judge(facts: GateFacts): Promise<Judged> {
    const { proposal, consent } = facts
    const { agents } = await this.#now()
    const agent = agents.get(proposal.actor.id)
    const signatures = await verifySignatures(proposal, agent)
    const policy = agent === undefined ? 'none' : `${agent.policy.name}@v${agent.version}`
    const print = hash(
      'sha256',
      agent === undefined ? 'none' : canonicalize(agent.policy.configurations as unknown as Json),
    )
    const own = (gate: string, judgement: Judgement): Verdict => ({
      gate,
      kind: gate,
      policy,
      fingerprint: print,
      outcome: judgement.outcome,
      findings: [...judgement.findings],
      inputs: { ...judgement.inputs },
    })
    return {
      verdicts: [
        ...(consent === undefined ? [] : [consentVerdict(consent)]),
        own('agent', approvedConfiguration(agent, proposal)),
        own('signature', signatureVerdict(agent, signatures)),
      ],
      shadow: agent?.policy.mode === 'shadow',
      statement: signatures.digest,
    }
  }

  #now(): Promise<InForce> {
    const plan = this.#ledger.lastOf('plan')
    if (this.#inForce === undefined || plan !== this.#plan || plan >= this.#ledger.size) {
      this.#plan = plan
      this.#inForce = this.#read()
      // Whoever asks next tries again.
      this.#inForce.catch(() => (this.#inForce = undefined))
    }
    return this.#inForce
  }

  async #read(): Promise<InForce> {
    const agents = await this.#agents.inForce(this.#ledger.size)
    return { agents: new Map(agents.map((one) => [one.policy.name, one])) }
  }
}

function consentVerdict({ allowed, code, reason, ...rest }: ConsentVerdict): Verdict {
  return {
    gate: 'consent',
    kind: 'consent',
    policy: rest.policy ?? 'none',
    fingerprint: hash('sha256', rest.policy ?? 'none'),
    outcome: allowed ? 'pass' : 'refuse',
    findings: allowed ? [] : [{ code: `consent.${code}`, message: reason }],
    inputs: { code, reason, ...rest },
  }
}

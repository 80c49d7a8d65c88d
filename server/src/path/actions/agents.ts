// Agents and approvers as their files in force declare them, now or as of an earlier position: a signature is judged by
// the keys of its own time.
import { formatPublicKey } from '@whence/sdk'
import type { AgentInfo, Agents as AgentList } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { mustSign } from '../../rules/agents/agent.ts'
import type { AgentPolicy } from '../../rules/agents/agent.ts'
import type { PolicyBook, PolicyInForce } from '../events/policy-book.ts'

export class Agents {
  readonly #ledger: Ledger
  readonly #book: PolicyBook<AgentPolicy>

  constructor(parts: { ledger: Ledger; book: PolicyBook<AgentPolicy> }) {
    this.#ledger = parts.ledger
    this.#book = parts.book
  }

  /** Those in force as of a position, by their names. Throws `invalid` for one that the log has not reached. */
  async inForce(asOf?: number): Promise<Map<string, PolicyInForce<AgentPolicy>>> {
    const all = await this.#book.inForce(this.#position(asOf))
    return new Map(all.map((one) => [one.policy.name, one]))
  }

  async list(asOf?: number): Promise<AgentList> {
    const position = this.#position(asOf)
    const all = await this.#book.inForce(position)
    return { agents: all.map(infoOf), asOf: position }
  }

  async get(name: string, asOf?: number): Promise<AgentInfo> {
    const one = (await this.inForce(asOf)).get(name)
    if (one) return infoOf(one)
    throw new Fault('not_found', 'no agent in force has this name; whence agents list shows them')
  }

  #position(asOf: number | undefined): number {
    const head = this.#ledger.size
    if (asOf !== undefined && asOf > head)
      throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${head}`)
    return asOf ?? head
  }
}

function infoOf({ policy, version, seq }: PolicyInForce<AgentPolicy>): AgentInfo {
  const { name, type, owner, mode, beside, keys, configurations } = policy
  return {
    name,
    version,
    seq,
    type,
    owner,
    mode,
    ...(beside === undefined ? {} : { beside }),
    signs: mustSign(policy),
    keys: keys.map((key) => ({ keyid: key.keyid, key: formatPublicKey(key) })),
    configurations,
  }
}

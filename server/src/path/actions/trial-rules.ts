// The rules that files would make together with what is in force.
import type { GateTrial } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { AgentPolicy } from '../../rules/agents/agent.ts'
import type { GateChain } from '../../rules/gates/chain.ts'
import type { TermList } from '../../rules/gates/terms/term-list.ts'
import type { PurposesPolicy } from '../../rules/consent/purposes.ts'
import type { TriedPurposes } from '../consent/past-standing.ts'
import type { AnyPolicy, PolicyBook } from '../events/policy-book.ts'
import type { Rules } from './gatekeeper.ts'

export interface TrialBooks {
  agents: PolicyBook<AgentPolicy>
  chains: PolicyBook<GateChain>
  terms: PolicyBook<TermList>
  purposes: PolicyBook<PurposesPolicy>
}

export interface TrialRules extends Pick<GateTrial, 'files' | 'ignored' | 'removed'> {
  readonly rules: Rules
  /** Purposes among the files; those of the time of each action count where there are none. */
  readonly purposes: readonly TriedPurposes[]
}

interface Versioned<Policy> {
  readonly policy: Policy
  readonly version: number
}

type File = { readonly path: string; readonly text: string }

/** Throws what is wrong with a file. With `remove`, what is in force and not among the files is left out. */
export async function trialRules(
  { agents, chains, terms, purposes }: TrialBooks,
  inForce: Rules & { purposes: readonly TriedPurposes[] },
  { files, remove }: { files: readonly File[]; remove: boolean },
): Promise<TrialRules> {
  const told: TrialRules['files'] = []
  const removed: string[] = []
  const taken = new Set<File>()

  async function over<Policy extends AnyPolicy>(
    book: PolicyBook<Policy>,
    standing: Iterable<Versioned<Policy>>,
  ): Promise<Versioned<Policy>[]> {
    const { kind, word } = book.form
    const given = new Map<string, Versioned<Policy>>()
    for (const file of files) {
      if (wordOf(file) !== word) continue
      taken.add(file)
      const { policy, version, change } = await book.prepare(file.path, file.text)
      const { name } = policy
      if (given.has(name)) {
        const other = told.find((one) => one.kind === kind && one.name === name)!
        throw new Fault('invalid', `${file.path}: ${other.path} declares ${kind} ${name} too: keep one of them`)
      }
      given.set(name, { policy, version })
      told.push({
        path: file.path,
        kind,
        name,
        version: `v${version}`,
        change: change === 'major' ? 'changed' : change,
      })
    }
    for (const one of standing) {
      if (given.has(one.policy.name)) continue
      if (remove) removed.push(`${kind} ${one.policy.name}`)
      else given.set(one.policy.name, one)
    }
    // As books give them: by name, in the order of code units.
    return [...given.values()].sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1))
  }

  const actors = await over(agents, inForce.agents.values())
  const rules: Rules = {
    agents: new Map(actors.map((one) => [one.policy.name, one])),
    gates: { chains: await over(chains, inForce.gates.chains), terms: await over(terms, inForce.gates.terms) },
  }
  const tried = await over(purposes, [])
  // A folder without any is one of gates: then purposes are those of the time of each action, also with `remove`.
  if (remove && tried.length > 0)
    for (const { policy } of inForce.purposes)
      if (!tried.some((one) => one.policy.name === policy.name)) removed.push(`${purposes.form.kind} ${policy.name}`)
  const ignored = files.filter((file) => !taken.has(file)).map(({ path }) => path)
  return { rules, purposes: tried, files: told, ignored, removed }
}

/** What a file says that it is. */
function wordOf({ text }: File): string | undefined {
  return /^kind:\s*(\w+)\s*(?:#.*)?$/m.exec(text)?.[1]
}

// What tests of gates share: facts of a send, and chains written as in a file.
import type { ActionProposal, Verdict } from '@whence/sdk'
import { ActionProposal as Proposal } from '@whence/sdk'
import { gateChainForm } from './chain.ts'
import type { AskScorer, GateFacts } from './gate.ts'
import { judge } from './judge.ts'
import { termListForm } from './terms/term-list.ts'

export interface FactsGiven extends Partial<Omit<GateFacts, 'proposal' | 'copy'>> {
  proposal?: Partial<ActionProposal>
  copy?: Record<string, string>
}

/** A send of an agent to somebody who consents, at 12:00 UTC on a Friday. */
export function factsOf({ proposal, copy = {}, ...facts }: FactsGiven = {}): GateFacts {
  return {
    proposal: Proposal.parse({
      id: 'a-1',
      type: 'send',
      actor: { type: 'agent', id: 'writer' },
      channel: 'email',
      ...proposal,
    }),
    copy: Object.entries(copy).map(([part, text]) => ({ part, text })),
    at: Date.UTC(2026, 2, 6, 12) * 1000,
    consent: { allowed: true, code: 'given', reason: 'given' },
    sends: () => 0,
    contact: () => 'unknown',
    ...facts,
  }
}

const nobody: AskScorer = async () => ({ failure: 'unreachable', reason: 'nobody is asked in this test' })

/** What a chain with these gates (as YAML, one a list item) says, by the gates' names. */
export async function verdictsOf(
  gates: string,
  given: FactsGiven = {},
  {
    terms = [],
    ask = nobody,
    appliesTo = '{}',
  }: { terms?: readonly string[]; ask?: AskScorer; appliesTo?: string } = {},
): Promise<Record<string, Verdict>> {
  const chain = gateChainForm.parse(
    `kind: GateChain\nname: chain\nappliesTo: ${appliesTo}\ngates:\n${gates}\n`,
    'chain.yaml',
  )
  const inForce = {
    chains: [{ policy: chain, version: 1 }],
    terms: terms.map((text) => ({ policy: termListForm.parse(text, 'terms.yaml'), version: 1 })),
  }
  const verdicts = await judge(inForce, factsOf(given), ask)
  return Object.fromEntries(verdicts.map((verdict) => [verdict.gate, verdict]))
}

export const codes = (verdict: Verdict | undefined): string[] => (verdict?.findings ?? []).map(({ code }) => code)

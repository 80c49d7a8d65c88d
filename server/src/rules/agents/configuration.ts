// Whether an agent acts within a configuration that was approved for it.
import type { ActionProposal, Finding } from '@whence/sdk'
import { matches } from '../files/policy-file.ts'
import type { Judgement } from '../gates/gate.ts'
import type { AgentConfiguration, AgentInForce } from './agent.ts'

/**
 * An agent without a file in force is refused. A user or a service needs none; where a file names one, it holds for them
 * as well.
 */
export function approvedConfiguration(agent: AgentInForce | undefined, proposal: ActionProposal): Judgement {
  const { actor } = proposal
  if (agent === undefined) {
    if (actor.type !== 'agent') return { outcome: 'pass', findings: [], inputs: { agent: null } }
    return refused({ agent: null }, [finding('unknown', `no file in force declares an agent "${actor.id}"`)])
  }
  const { policy, version } = agent
  const inputs = {
    agent: `${policy.name}@v${version}`,
    mode: policy.mode,
    ...(policy.beside === undefined ? {} : { beside: policy.beside }),
    ...(actor.configuration === undefined ? {} : { configuration: actor.configuration }),
  }
  if (policy.name !== actor.id) return refused(inputs, [finding('other', 'the file is that of somebody else')])
  if (policy.type !== actor.type)
    return refused(inputs, [finding('type', `"${actor.id}" is declared as ${policy.type}, not as ${actor.type}`)])
  const names = Object.keys(policy.configurations)
  if (names.length === 0 && actor.configuration === undefined) return { outcome: 'pass', findings: [], inputs }
  if (actor.configuration === undefined)
    return refused(inputs, [finding('configuration', `it names none of its configurations: ${names.join(', ')}`)])
  const approved = Object.hasOwn(policy.configurations, actor.configuration)
    ? policy.configurations[actor.configuration]
    : undefined
  if (approved === undefined)
    return refused(inputs, [finding('configuration', `the configuration that it names is not approved for it`)])
  const findings = deviations(approved, proposal)
  return findings.length > 0 ? refused(inputs, findings) : { outcome: 'pass', findings, inputs }
}

/** Where a proposal leaves what was approved. What a configuration asks for and a proposal does not say is one too. */
function deviations(approved: AgentConfiguration, proposal: ActionProposal): Finding[] {
  const { type, model, prompt, channel, environment, campaign, risk } = proposal
  const listed: [code: string, patterns: readonly string[] | undefined, said: string | undefined][] = [
    ['model', approved.models, versioned(model?.name, model?.version)],
    ['provider', approved.providers, model?.provider],
    ['prompt', approved.prompts, versioned(prompt?.template, prompt?.version)],
    ['action', approved.actions, type],
    ['channel', approved.channels, channel],
    ['environment', approved.environments, environment],
    ['campaign', approved.campaigns, campaign],
  ]
  const findings = listed.flatMap(([code, patterns, said]) => {
    if (patterns === undefined) return []
    if (said === undefined) return [finding(code, `it says no ${code}, and the configuration approves certain ones`)]
    return patterns.some((pattern) => matches(pattern, said)) ? [] : [finding(code, `this ${code} is not approved`)]
  })
  if (risk === 'high' && approved.risk === 'low')
    findings.push(finding('risk', 'it is of high risk, and the configuration is approved for low risk'))
  return findings
}

function versioned(name: string | undefined, version: string | undefined): string | undefined {
  return name === undefined || version === undefined ? name : `${name}@${version}`
}

function refused(inputs: Judgement['inputs'], findings: Finding[]): Judgement {
  return { outcome: 'refuse', findings, inputs }
}

function finding(code: string, message: string): Finding {
  return { code: `agent.${code}`, message }
}

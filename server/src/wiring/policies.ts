// Every kind of policy file, and the book of each that says which versions are in force. A new kind is a line in both lists.
import { PolicyBook } from '../path/events/policy-book.ts'
import { agentForm } from '../rules/agents/agent.ts'
import type { AgentPolicy } from '../rules/agents/agent.ts'
import { capturePolicyForm } from '../rules/capture/policy.ts'
import type { CapturePolicy } from '../rules/capture/policy.ts'
import { connectorForm } from '../rules/connectors/connector-file.ts'
import type { ConnectorFile } from '../rules/connectors/connector-file.ts'
import { purposesForm } from '../rules/consent/purposes.ts'
import type { PurposesPolicy } from '../rules/consent/purposes.ts'
import { gateChainForm } from '../rules/gates/chain.ts'
import type { GateChain } from '../rules/gates/chain.ts'
import { termListForm } from '../rules/gates/terms/term-list.ts'
import type { TermList } from '../rules/gates/terms/term-list.ts'
import { lineagePolicyForm } from '../rules/lineage/policy.ts'
import type { LineagePolicy } from '../rules/lineage/policy.ts'
import { monitorForm } from '../rules/monitors/monitor.ts'
import type { Monitor } from '../rules/monitors/monitor.ts'
import { webhookForm } from '../rules/outcomes/webhook.ts'
import type { WebhookPolicy } from '../rules/outcomes/webhook.ts'
import { playbookForm } from '../rules/playbooks/playbook.ts'
import type { Playbook } from '../rules/playbooks/playbook.ts'
import type { Recorded } from './record.ts'

export interface Policies {
  lineage: PolicyBook<LineagePolicy>
  capture: PolicyBook<CapturePolicy>
  purposes: PolicyBook<PurposesPolicy>
  agents: PolicyBook<AgentPolicy>
  chains: PolicyBook<GateChain>
  terms: PolicyBook<TermList>
  connectors: PolicyBook<ConnectorFile>
  playbooks: PolicyBook<Playbook>
  monitors: PolicyBook<Monitor>
  webhooks: PolicyBook<WebhookPolicy>
}

export const policyForms = {
  lineage: lineagePolicyForm,
  capture: capturePolicyForm,
  purposes: purposesForm,
  agents: agentForm,
  chains: gateChainForm,
  terms: termListForm,
  connectors: connectorForm,
  playbooks: playbookForm,
  monitors: monitorForm,
  webhooks: webhookForm,
}

export function policyBooks(recorded: Recorded): Policies {
  return {
    lineage: new PolicyBook(policyForms.lineage, recorded),
    capture: new PolicyBook(policyForms.capture, recorded),
    purposes: new PolicyBook(policyForms.purposes, recorded),
    agents: new PolicyBook(policyForms.agents, recorded),
    chains: new PolicyBook(policyForms.chains, recorded),
    terms: new PolicyBook(policyForms.terms, recorded),
    connectors: new PolicyBook(policyForms.connectors, recorded),
    playbooks: new PolicyBook(policyForms.playbooks, recorded),
    monitors: new PolicyBook(policyForms.monitors, recorded),
    webhooks: new PolicyBook(policyForms.webhooks, recorded),
  }
}

// Actions, from the agents that propose them to the outbox and what is known of each.
import type { z } from 'zod'
import type { ActionExplanation, ActionsQuery, FoundActions } from '../action-explanations.ts'
import type { ActionProposal, ActionResults, CopyPart, DecidedAction } from '../actions.ts'
import type { AgentComparison, AgentComparisonQuery } from '../agent-comparisons.ts'
import type { AgentInfo, Agents, AgentsQuery } from '../agents.ts'
import type { FlatAction } from '../flat-actions.ts'
import type { GateTrial, GateTrialRequest } from '../gate-trials.ts'
import type { Acknowledged, Acknowledgement, ClaimRequest, Claims, OutboxState } from '../outbox.ts'
import type { Preflight, PreflightRequest } from '../preflight.ts'
import type { ReviewQueue, ReviewStep, Reviewed, ReviewsQuery } from '../reviews.ts'
import type { StatedAction } from '../statements.ts'
import type { Trace, TracesQuery } from '../traces.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class ActionCalls extends Calls {
  /** All agents and approvers in force, with their keys; `asOf` an earlier position, for signatures of that time. */
  agents(query: AgentsQuery = {}): Promise<Agents> {
    return this.transport.json(endpoints.agents, { query })
  }

  agent(name: string, query: AgentsQuery = {}): Promise<AgentInfo> {
    return this.transport.json(endpoints.agent, { path: { name }, query })
  }

  /** Proposes an action, or a flat record of one: its decision. */
  propose(record: FlatAction): Promise<DecidedAction>
  propose(proposal: z.input<typeof ActionProposal>): Promise<DecidedAction>
  propose(proposal: z.input<typeof ActionProposal> | FlatAction): Promise<DecidedAction> {
    return this.transport.json(endpoints.propose, { body: json(proposal) })
  }

  /** As `propose`, for up to 1,000 at once. */
  proposeAll(records: readonly FlatAction[]): Promise<ActionResults>
  proposeAll(actions: readonly z.input<typeof ActionProposal>[]): Promise<ActionResults>
  proposeAll(actions: readonly (z.input<typeof ActionProposal> | FlatAction)[]): Promise<ActionResults> {
    return this.transport.json(endpoints.proposeAll, { body: json({ actions }) })
  }

  /** From a message to everything behind it. */
  action(id: string): Promise<ActionExplanation> {
    return this.transport.json(endpoints.action, { path: { id } })
  }

  actions(query: ActionsQuery = {}): Promise<FoundActions> {
    return this.transport.json(endpoints.actions, { query })
  }

  /** The copy of an action, unmasked: for whoever approves it. */
  actionCopy(id: string): Promise<{ action: string; copy: CopyPart[]; statement?: string | undefined }> {
    return this.transport.json(endpoints.actionCopy, { path: { id } })
  }

  /** The chain of thought of a high-risk action: needs a key with the scope `reasoning`. */
  actionThought(id: string): Promise<{ action: string; thought: string; seq: number }> {
    return this.transport.json(endpoints.actionThought, { path: { id } })
  }

  /** What was signed of an action: `verifyEnvelope` verifies it, `whence agents sign` countersigns it. */
  actionStatement(id: string): Promise<StatedAction> {
    return this.transport.json(endpoints.actionStatement, { path: { id } })
  }

  /** An action as W3C PROV (PROV-JSON). */
  actionProv(id: string): Promise<Record<string, unknown>> {
    return this.transport.json(endpoints.actionProv, { path: { id } })
  }

  /** An action as a run event of OpenLineage. */
  actionOpenLineage(id: string): Promise<Record<string, unknown>> {
    return this.transport.json(endpoints.actionOpenLineage, { path: { id } })
  }

  /** Before a launch: how many of an audience would get this now. Nothing is recorded. */
  preflight(campaign: string, request: PreflightRequest): Promise<Preflight> {
    return this.transport.json(endpoints.preflight, { path: { id: campaign }, body: json(request) })
  }

  reviews(query: ReviewsQuery = {}): Promise<ReviewQueue> {
    return this.transport.json(endpoints.reviews, { query })
  }

  review(action: string, step: ReviewStep): Promise<Reviewed> {
    return this.transport.json(endpoints.review, { path: { id: action }, body: json(step) })
  }

  /** Takes released actions to send them; say what became of each with `acknowledge`. */
  claim(request: ClaimRequest = {}): Promise<Claims> {
    return this.transport.json(endpoints.claim, { body: json(request) })
  }

  acknowledge(results: readonly Acknowledgement[]): Promise<Acknowledged> {
    return this.transport.json(endpoints.acknowledge, { body: json({ results }) })
  }

  outbox(): Promise<OutboxState> {
    return this.transport.json(endpoints.outbox)
  }

  /** The spans of a trace, and what they say of actions. */
  trace(trace: string): Promise<Trace> {
    return this.transport.json(endpoints.trace, { path: { trace } })
  }

  /** The traces that name an action. */
  traces(query: TracesQuery): Promise<Trace[]> {
    return this.transport.json(endpoints.traces, { query })
  }

  /** What files would have decided of past actions. Nothing is recorded. */
  tryGates(request: GateTrialRequest): Promise<GateTrial> {
    return this.transport.json(endpoints.tryGates, { body: json(request) })
  }

  /** An agent in shadow beside the one whose place it would take. */
  agentComparison(shadow: string, query: AgentComparisonQuery = {}): Promise<AgentComparison> {
    return this.transport.json(endpoints.agentComparison, { path: { name: shadow }, query })
  }
}

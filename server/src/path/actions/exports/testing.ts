// A view of an action to test exports with: everything that can be there is.
import { statementOf } from '@whence/sdk'
import type { ActionView, ViewEdit } from './view.ts'

const second = 1_000_000

const proposal: Parameters<typeof statementOf>[0] = {
  id: 'a-17 ‮é"',
  type: 'send',
  actor: { type: 'agent', id: 'writer', configuration: 'spring' },
  campaign: 'spring',
  creative: 'b',
  entity: 'personal-identifier',
  address: 'personal@example.org',
  channel: 'email',
  model: { name: 'writer-large', version: '7', provider: 'models.example' },
  prompt: { template: 'subject-line', version: '3', text: 'personal-prompt' },
  inputs: { datasets: ['catalog@2026-01-16', 'terms'], snapshots: [41, 42], refs: ['personal-ref'] },
  output: { copy: [{ part: 'subject', text: 'personal-copy' }] },
  consent: { receipt: 'r-0' },
  risk: 'high',
}

export function wholeView(changes: Partial<ActionView> = {}): ActionView {
  return {
    seq: 100,
    statement: statementOf(proposal),
    signatures: [{ keyid: 'ab'.repeat(8), sig: 'c2ln' }],
    decided: 10 * second,
    recorded: 11 * second,
    agent: { name: 'writer', version: 2, owner: 'growth' },
    verdicts: [
      {
        gate: 'consent',
        kind: 'consent',
        policy: 'send@v1',
        fingerprint: 'ab'.repeat(32),
        outcome: 'pass',
        codes: [],
      },
      {
        gate: 'approval',
        kind: 'approval',
        policy: 'send@v1',
        fingerprint: 'cd'.repeat(32),
        outcome: 'hold',
        shadow: true,
        codes: ['risk.high'],
      },
    ],
    decision: 'held',
    consent: { allowed: true, code: 'given', basis: 'consent', receipt: { id: 'r-1', version: '2', seq: 7 } },
    edits: [viewEdit(101)],
    reviews: [{ seq: 102, at: 13 * second, by: 'approver', outcome: 'released' }],
    claims: [{ seq: 103, at: 14 * second, by: 'k-1', until: 20 * second }],
    deliveries: [{ seq: 104, at: 15 * second, by: 'k-1', outcome: 'delivered' }],
    snapshots: [{ seq: 41, view: 'engagement@v2' }],
    predictions: [{ seq: 60, model: 'opens@3', snapshot: 40 }],
    outcomes: [{ seq: 110, at: 30 * second, kind: 'complaint' }],
    invalidated: { seq: 111, at: 31 * second, by: 'monitor', how: 'reverted' },
    ...changes,
  }
}

export function viewEdit(seq: number): ViewEdit {
  return {
    seq,
    at: 12 * second,
    by: 'editor',
    statement: statementOf({ ...proposal, output: { copy: [{ part: 'subject', text: 'personal-edit' }] } }),
    signatures: [{ keyid: 'cd'.repeat(8), sig: 'c2ln' }],
  }
}

/** The least that is on record of an action. */
export function bareView(): ActionView {
  return {
    seq: 5,
    statement: statementOf({ id: 'a', type: 'bid', actor: { type: 'user', id: 'operator' } }),
    decided: second,
    recorded: second,
    signatures: [],
    verdicts: [],
    decision: 'released',
    reviews: [],
    edits: [],
    claims: [],
    deliveries: [],
    snapshots: [],
    predictions: [],
    outcomes: [],
  }
}

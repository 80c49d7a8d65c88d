// Past actions under other files: what would be decided, and which gate would say something else. Each is judged by what was
// known when it was judged; nothing is recorded, and what was really released then is what caps count.
import type { ActionDifference, GateTrial, GateTrialRequest, TrialDecision, Unjudged, Verdict } from '@whence/sdk'
import { setImmediate as turn } from 'node:timers/promises'
import type { z } from 'zod'
import { Fault, isFault } from '../../fault.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { differences } from '../../rules/gates/difference.ts'
import type { TriedPurposes } from '../consent/past-standing.ts'
import { decide } from './decide.ts'
import type { Gatekeeper } from './gatekeeper.ts'
import { hindsight } from './hindsight.ts'
import type { HindsightParts } from './hindsight.ts'
import { openAction } from './recorded.ts'
import type { OpenedAction } from './recorded.ts'
import { SAYINGS } from './said.ts'
import { trialRules } from './trial-rules.ts'
import type { TrialBooks } from './trial-rules.ts'

type Request = z.output<typeof GateTrialRequest>

export interface GateTrialParts extends HindsightParts, TrialBooks {
  follower: Follower
  gatekeeper: Gatekeeper
  /** What a check would have answered with these purposes in the place of those in force then. */
  consentTrying(given: readonly TriedPurposes[], remove: boolean): HindsightParts['consent']
}

/** Actions of which the facts are gathered together. */
const TOGETHER = 50

export async function tryGates(parts: GateTrialParts, request: Request): Promise<GateTrial> {
  const { ledger, follower, gatekeeper } = parts
  await follower.reach('action', 'review', ...SAYINGS, 'erasure')
  const asOf = follower.next
  const inForce = { ...(await gatekeeper.inForce()), purposes: await parts.purposes.inForce(asOf) }
  const { rules, purposes, ...files } = await trialRules(parts, inForce, request)
  const consent = purposes.length === 0 ? parts.consent : parts.consentTrying(purposes, request.remove)
  const { seqs, next } = await chosen(parts, request)
  const tally = new TrialTally()
  for (let from = 0; from < seqs.length; from += TOGETHER) {
    const actions: OpenedAction[] = []
    for (const seq of seqs.slice(from, from + TOGETHER)) {
      const action = opened(ledger, seq)
      if (typeof action === 'string') tally.leaveOut(action)
      else actions.push(action)
    }
    const facts = await hindsight({ ...parts, consent }, actions)
    for (const [i, action] of actions.entries()) {
      const before = request.scorers ? undefined : action.verdicts
      const { verdicts, shadow } = await gatekeeper.judge(facts[i]!, { rules, ...(before ? { before } : {}) })
      tally.take(action, verdicts, shadow)
    }
    await turn()
  }
  return {
    ...files,
    ...tally.answer(request.scorers),
    ...(next === undefined ? {} : { next }),
    asOf,
  }
}

/** The positions of the actions that are meant, the newest first. */
async function chosen(
  { database }: GateTrialParts,
  { since, until, agent, campaign, limit, before }: Request,
): Promise<{ seqs: number[]; next?: number }> {
  const conditions: string[] = []
  const params: unknown[] = []
  const where = (condition: string, value: unknown): void => {
    params.push(value)
    conditions.push(condition.replace('?', `$${params.length}`))
  }
  where('seq < ?', BigInt(before ?? Number.MAX_SAFE_INTEGER))
  if (since !== undefined) where('at >= ?', momentOf(since))
  if (until !== undefined) where('at < ?', momentOf(until))
  if (agent !== undefined)
    where(
      'actor = any(?::text[])',
      ['agent', 'service', 'user'].map((type) => `${type}:${agent}`),
    )
  if (campaign !== undefined) where('campaign = ?', campaign)
  params.push(limit + 1)
  const rows = await database.query<{ seq: bigint }>(
    `select seq from action where ${conditions.join(' and ')} order by seq desc limit $${params.length}`,
    params,
  )
  const seqs = rows.slice(0, limit).map(({ seq }) => Number(seq))
  return { seqs, ...(rows.length > limit ? { next: seqs.at(-1)! } : {}) }
}

function momentOf(time: string): bigint {
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time`)
  return BigInt(at)
}

function opened(ledger: GateTrialParts['ledger'], seq: number): OpenedAction | Unjudged {
  try {
    return openAction(ledger, seq) ?? 'erased'
  } catch (error) {
    if (isFault(error, 'altered')) return 'altered'
    throw error
  }
}

class TrialTally {
  #actions = 0
  readonly #unjudged = new Map<Unjudged, number>()
  readonly #decisions = new Map<string, GateTrial['decisions'][number]>()
  readonly #gates = new Map<string, GateTrial['gates'][number]>()
  readonly #different: ActionDifference[] = []
  readonly #scorers = { before: 0, never: 0 }
  #judged = 0

  leaveOut(why: Unjudged): void {
    this.#actions++
    this.#unjudged.set(why, (this.#unjudged.get(why) ?? 0) + 1)
  }

  take(action: OpenedAction, verdicts: readonly Verdict[], shadow: boolean): void {
    if (verdicts.some((verdict) => isUnread(verdict) && !action.verdicts.some(isUnread))) return this.leaveOut('copy')
    this.#actions++
    this.#judged++
    const asked = new Set(verdicts.map(({ kind, inputs }) => (kind === 'scorer' ? inputs.asked : undefined)))
    if (asked.has('before')) this.#scorers.before++
    if (asked.has('never')) this.#scorers.never++
    const { decision, reason } = decide(verdicts)
    const before = decisionOf(action.decision, action.shadow === true)
    const after = decisionOf(decision, shadow)
    counted(this.#decisions, JSON.stringify([before, after]), () => ({ before, after, actions: 0 }))
    const gates = differences(action.verdicts, verdicts)
    for (const { message: _, ...gate } of gates)
      counted(this.#gates, JSON.stringify(gate), () => ({ ...gate, actions: 0 }))
    if (gates.length === 0 && same({ before, after })) return
    const { proposal, seq, time, refs } = action
    this.#different.push({
      seq,
      id: proposal.id,
      time,
      actor: refs.actor!,
      ...(refs.campaign === undefined ? {} : { campaign: refs.campaign }),
      before,
      after,
      reason,
      gates,
    })
  }

  answer(asked: boolean): Omit<GateTrial, 'files' | 'ignored' | 'removed' | 'next' | 'asOf'> {
    return {
      actions: this.#actions,
      judged: this.#judged,
      decided: this.#different.filter((one) => !same(one)).length,
      changed: this.#different.length,
      decisions: [...this.#decisions.values()],
      gates: [...this.#gates.values()],
      unjudged: [...this.#unjudged].map(([why, actions]) => ({ why, actions })),
      scorers: { asked, ...this.#scorers },
      different: this.#different,
    }
  }
}

/** A gate would read a copy that is not kept: only its digest was given. */
function isUnread({ findings }: Verdict): boolean {
  return findings.some(({ code }) => code === 'copy.absent')
}

function decisionOf(decision: TrialDecision['decision'], shadow: boolean): TrialDecision {
  return { decision, ...(shadow ? { shadow } : {}) }
}

function same({ before, after }: { before: TrialDecision; after: TrialDecision }): boolean {
  return before.decision === after.decision && before.shadow === after.shadow
}

function counted<T extends { actions: number }>(counts: Map<string, T>, key: string, make: () => T): void {
  const known = counts.get(key) ?? make()
  known.actions++
  counts.set(key, known)
}

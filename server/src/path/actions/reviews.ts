// Approvals: what gates hold waits here for a person. Whoever made or edited something does not approve it; an approval is
// of exactly one content, and an edit voids those of the content before. Gates are asked again at every step.
import { checkSignatures } from '@whence/sdk'
import type {
  ActionProposal,
  CopyPart,
  EnvelopeSignature,
  Pending,
  Reviewed,
  ReviewQueue,
  ReviewsQuery,
  ReviewStep,
} from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { stated } from '../../rules/agents/signatures.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { unifiedDiff } from '../../rules/files/text-diff.ts'
import type { Database } from '../../store/database.ts'
import { footingRefs } from './actions.ts'
import type { Actions } from './actions.ts'
import type { Agents } from './agents.ts'
import type { Judging, JudgedNow } from './judging.ts'
import { REVIEWS } from './order.ts'
import { editedCopy, proposalOf } from './recorded.ts'
import type { OpenedAction } from './recorded.ts'

export interface ReviewParts {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  actions: Actions
  judging: Judging
  agents: Agents
}

/** What is on record of the review of an action. */
interface Standing {
  readonly held: boolean
  readonly statement: string | undefined
  readonly approvals: readonly string[]
  /** Who made what stands now. */
  readonly maker: string
  /** The record of the last edit. */
  readonly edit: number | undefined
  readonly assigned: string | undefined
  readonly due: Micros | undefined
}

/** A step, judged: what its record says, and what that depends on. */
interface Done {
  readonly decision: Reviewed['decision']
  readonly refs: Record<string, string>
  readonly content: object
  readonly keys: readonly string[]
  readonly touches: readonly string[]
  readonly told: Pick<Reviewed, 'reason' | 'statement' | 'verdicts' | 'diff'>
}

interface Row {
  seq: bigint
  step: ReviewStep['step']
  reviewer: string
  assigned: string | null
  due: bigint | null
  statement: string | null
}

const DEFAULT_SERVICE_LEVEL = 24 * 3600 * SECOND

export class Reviews {
  readonly #parts: ReviewParts

  constructor(parts: ReviewParts) {
    this.#parts = parts
  }

  /** What waits, the soonest due first. */
  async queue({ assigned, campaign, overdue, limit = 100 }: ReviewsQuery): Promise<ReviewQueue> {
    const { follower, database, actions, clock, ledger } = this.#parts
    await follower.reach('action', 'review', 'erasure')
    const rows = await database.query<{ seq: bigint }>(
      "select seq from action where state = 'held' and ($1::text is null or campaign = $1) order by seq limit 10000",
      [campaign ?? null],
    )
    const now = clock.now()
    const pending: Pending[] = []
    for (const { seq } of rows) {
      const action = actions.open(Number(seq))
      const at = await this.#standing(action)
      const due = at.due ?? dueOf(action)
      if ((assigned !== undefined && at.assigned !== assigned) || (overdue === 'true' && due > now)) continue
      pending.push({
        action: action.proposal.id,
        seq: action.seq,
        type: action.proposal.type,
        actor: action.refs.actor!,
        ...(action.refs.campaign === undefined ? {} : { campaign: action.refs.campaign }),
        since: action.recorded,
        due: formatTime(due),
        overdue: due < now,
        ...(at.assigned === undefined ? {} : { assigned: at.assigned }),
        statement: at.statement ?? '',
        approvals: at.approvals.length,
        needed: neededFor(action),
        reason: action.reason,
      })
    }
    pending.sort((a, b) => (a.due < b.due ? -1 : 1))
    return {
      pending: pending.slice(0, limit),
      overdue: pending.filter((one) => one.overdue).length,
      asOf: ledger.size,
    }
  }

  /** One step of a review; durable when it resolves. Throws `conflict` where it does not fit what is on record. */
  async review(id: string, step: ReviewStep, caller: Caller): Promise<Reviewed> {
    const { ledger, follower, actions, clock } = this.#parts
    for (;;) {
      await follower.reach('action', 'review')
      const basis = ledger.size
      const action = actions.open(await actions.locate(id))
      const at = await this.#standing(action)
      if (!at.held)
        throw new Fault('conflict', `the action "${action.proposal.id}" is not held: nothing is to be decided about it`)
      const subject = ledger.subjects.byId(action.subject)
      if (subject === undefined) throw new Fault('not_found', `the person of action ${action.seq} was erased`)
      const done = await this.#done(action, at, step, caller, subject.id)
      const { decision, refs, content, keys, touches } = done
      const placed = await ledger.append(
        [
          {
            kind: 'review/1',
            stream: REVIEWS,
            source: caller.source,
            id: `${action.seq}#${at.statement ?? ''}#${step.step}#${caller.id}#${basis}`,
            time: clock.now(),
            subject,
            refs: { action: String(action.seq), step: step.step, ...refs },
            content: Buffer.from(JSON.stringify(content)),
            touches: [`review:${action.seq}`, ...touches],
          },
        ],
        { actor: caller.id, basis, keys: [`review:${action.seq}`, ...keys] },
      )
      if (placed === 'stale') continue
      const [result] = placed
      if (result!.status === 'refused') throw result!.fault
      const { seq, leaf, recorded, status } = result!
      return {
        action: action.proposal.id,
        step: step.step,
        decision,
        ...done.told,
        receipt: { seq, leaf, recorded, status },
      }
    }
  }

  /** What stands now, unmasked, and the digest by which it is approved. */
  async copy(id: string): Promise<{ action: string; copy: CopyPart[]; statement?: string }> {
    const { follower, actions } = this.#parts
    await follower.reach('action', 'review', 'erasure')
    const action = actions.open(await actions.locate(id))
    const at = await this.#standing(action)
    return {
      action: action.proposal.id,
      copy: [...this.#copyOf(action, at)],
      ...(at.statement === undefined ? {} : { statement: at.statement }),
    }
  }

  async #done(action: OpenedAction, at: Standing, step: ReviewStep, caller: Caller, subject: string): Promise<Done> {
    const none = { keys: [], touches: [] }
    switch (step.step) {
      case 'assign': {
        const due = step.due === undefined ? undefined : parseTime(step.due)
        if (step.due !== undefined && due === undefined) throw new Fault('invalid', `"${step.due}" is no time`)
        const refs = { assigned: step.to, ...(due === undefined ? {} : { due: formatTime(due) }) }
        return { ...none, decision: 'held', refs, content: step, told: { reason: `assigned to ${step.to}` } }
      }
      case 'reject':
        return {
          ...none,
          decision: 'refused',
          refs: { decision: 'refused' },
          content: step,
          told: { reason: step.note },
        }
      case 'edit': {
        const before = this.#copyOf(action, at)
        const { verdicts, statement } = await this.#judge(action, step.copy, true)
        const diff = changesOf(before, step.copy)
        return {
          ...none,
          decision: 'held',
          refs: { statement },
          content: { ...step, diff, verdicts },
          told: {
            reason: 'edited: it waits for an approval of what it says now',
            verdicts: [...verdicts],
            diff,
            statement,
          },
        }
      }
      case 'approve':
        return this.#approved(action, at, step, caller, subject)
    }
  }

  async #approved(
    action: OpenedAction,
    at: Standing,
    step: Extract<ReviewStep, { step: 'approve' }>,
    caller: Caller,
    subject: string,
  ): Promise<Done> {
    if (at.statement !== undefined && step.statement !== at.statement)
      throw new Fault(
        'conflict',
        `what is approved is not what stands there: its statement is ${at.statement.slice(0, 12)}…; look at it again`,
      )
    if (caller.id === at.maker)
      throw new Fault('forbidden', 'whoever made or edited it cannot approve it: let somebody else look at it')
    if (at.approvals.includes(caller.id)) throw new Fault('conflict', 'this key has approved it already')
    const copy = this.#copyOf(action, at)
    const judged = await this.#judge(action, copy, at.edit !== undefined)
    const signer = step.signature && (await this.#countersigned(step.signature, proposalOf(action.proposal, copy)))
    const refusing = judged.verdicts.filter(({ outcome, shadow }) => outcome === 'refuse' && shadow !== true)
    const base = { statement: step.statement }
    const content = { ...step, ...(signer === undefined ? {} : { signer }), verdicts: judged.verdicts }
    if (refusing.length > 0) {
      const reason = refusing.map(({ gate, findings }) => `${gate}: ${findings[0]?.message ?? ''}`).join('; ')
      return {
        decision: 'refused',
        refs: { ...base, decision: 'refused' },
        content: { ...content, reason },
        keys: [],
        touches: [],
        told: { reason, verdicts: [...judged.verdicts] },
      }
    }
    const missing = neededFor(action) - at.approvals.length - 1
    if (missing > 0)
      return {
        decision: 'held',
        refs: base,
        content,
        keys: [],
        touches: [],
        told: { reason: `approved; ${missing} more ${missing === 1 ? 'approval is' : 'approvals are'} needed` },
      }
    const cap = `cap:${subject}:${action.refs.channel ?? ''}`
    const { basis: _, endedBy: __, ...refs } = action.refs
    return {
      decision: 'released',
      refs: {
        ...refs,
        ...base,
        decision: 'released',
        ...(at.edit === undefined ? {} : { edit: String(at.edit) }),
        ...footingRefs(judged.consent),
      },
      content,
      keys: [`consent:${subject}`, cap],
      touches: [cap],
      told: { reason: 'approved', verdicts: [...judged.verdicts] },
    }
  }

  /** The approver whose key signed the statement. Throws `invalid` for a signature that does not hold. */
  async #countersigned(signature: EnvelopeSignature, proposal: ActionProposal): Promise<string> {
    const { bytes } = stated(proposal)
    for (const { policy } of (await this.#parts.agents.inForce()).values()) {
      if (policy.type !== 'user' || !policy.keys.some(({ keyid }) => keyid === signature.keyid)) continue
      const { unverified } = await checkSignatures(bytes, [signature], policy.keys)
      if (unverified.length === 0) return policy.name
    }
    throw new Fault('invalid', 'the signature is not by an approver in force, or not over what stands there')
  }

  #judge(action: OpenedAction, copy: readonly CopyPart[], edited: boolean): Promise<JudgedNow> {
    const subject = this.#parts.ledger.subjects.byId(action.subject)
    if (subject === undefined) throw new Fault('not_found', `the person of action ${action.seq} was erased`)
    return this.#parts.judging.judge(
      proposalOf(action.proposal, copy),
      { subject, personal: action.personal },
      { edited },
    )
  }

  #copyOf(action: OpenedAction, { edit }: Standing): readonly CopyPart[] {
    return edit === undefined ? (action.proposal.output?.copy ?? []) : editedCopy(this.#parts.ledger, edit)
  }

  async #standing(action: OpenedAction): Promise<Standing> {
    const [state] = await this.#parts.database.query<{ state: string }>('select state from action where seq = $1', [
      BigInt(action.seq),
    ])
    const rows = await this.#parts.database.query<Row>(
      'select seq, step, reviewer, assigned, due, statement from action_review where action = $1 order by seq',
      [BigInt(action.seq)],
    )
    const edit = rows.findLast(({ step }) => step === 'edit')
    const since = edit === undefined ? -1n : edit.seq
    const assigned = rows.findLast(({ step }) => step === 'assign')
    return {
      held: state?.state === 'held',
      statement: edit ? (edit.statement ?? undefined) : action.statement,
      approvals: rows.filter(({ step, seq }) => step === 'approve' && seq > since).map(({ reviewer }) => reviewer),
      maker: edit?.reviewer ?? action.proposedBy,
      edit: edit === undefined ? undefined : Number(edit.seq),
      assigned: assigned?.assigned ?? undefined,
      due: typeof assigned?.due === 'bigint' ? Number(assigned.due) : undefined,
    }
  }
}

/** As the gate that asked for people says; one, where another held it. */
function neededFor({ verdicts }: OpenedAction): number {
  return Math.max(1, ...verdicts.map(({ inputs }) => (typeof inputs.approvals === 'number' ? inputs.approvals : 1)))
}

/** As the gate that asked for people says: seconds from when it was held. */
function dueOf({ verdicts, recorded }: OpenedAction): Micros {
  const levels = verdicts.flatMap(({ inputs }) => (typeof inputs.within === 'number' ? [inputs.within * SECOND] : []))
  return parseTime(recorded)! + (levels.length > 0 ? Math.min(...levels) : DEFAULT_SERVICE_LEVEL)
}

function changesOf(before: readonly CopyPart[], after: readonly CopyPart[]): { part: string; diff: string }[] {
  const names = new Set([...before, ...after].map(({ part }) => part))
  const textOf = (copy: readonly CopyPart[], name: string): string => copy.find(({ part }) => part === name)?.text ?? ''
  return [...names].flatMap((part) => {
    const diff = unifiedDiff(textOf(before, part), textOf(after, part))
    return diff === '' ? [] : [{ part, diff }]
  })
}

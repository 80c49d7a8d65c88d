// Proposals: judged by gates, and recorded with what was decided. What is released is in the outbox from that moment.
import type { ActionProposal, ActionResults, DecidedAction } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft, Placed } from '../../record/ledger/writer.ts'
import { saysTheSame } from '../../record/ledger/sameness.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { formatTime } from '../../record/time.ts'
import { mayActAs } from '../../rules/access/access.ts'
import type { Caller } from '../../rules/access/access.ts'
import { scopeRefs } from '../../rules/actions/scope.ts'
import type { ConsentVerdict } from '../../rules/consent/verdict.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { Predictions } from '../predictions/predictions.ts'
import { decide } from './decide.ts'
import type { Judging } from './judging.ts'
import { pauseKeys } from './pauses.ts'
import type { Pauses } from './pauses.ts'
import { raisedKeys } from './raised.ts'
import { actionIdentity, contentOf, keptOf, messageDigest, openAction, STREAM, THOUGHTS } from './recorded.ts'
import type { Decided, OpenedAction } from './recorded.ts'

export interface ActionParts {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  judging: Judging
  pauses: Pauses
  /** The model versions that somebody may mean by the id of a prediction. */
  modelsOf: Predictions['modelsOf']
}

/** A proposal, judged as of one position of the log. */
interface Judged {
  readonly drafts: readonly Draft[]
  readonly decided: Decided
  /** What the judgement depended on. */
  readonly keys: readonly string[]
}

type Told = ActionResults['results'][number]

export class Actions {
  readonly #parts: ActionParts

  constructor(parts: ActionParts) {
    this.#parts = parts
  }

  /** One proposal: its decision. Throws what it cannot be judged for. */
  async propose(proposal: ActionProposal, caller: Caller): Promise<DecidedAction> {
    const [told] = (await this.proposeAll([proposal], caller)).results
    if ('decision' in told!) return told
    const { code, message } = told!.problem
    if (code === 'altered' || code === 'forbidden') throw new Fault(code, message)
    throw new Fault(code === 'conflict' || code === 'erased' ? 'conflict' : 'invalid', message)
  }

  /**
   * Judges proposals and records each with its decision; durable when it resolves. The same proposal again is answered as
   * it was decided. All are judged again when something that a release depended on moved meanwhile.
   */
  async proposeAll(proposals: readonly ActionProposal[], caller: Caller): Promise<ActionResults> {
    const told = new Map<number, Told>()
    for (;;) {
      // Before anything is read: what is recorded from here on makes the judgement stale.
      const basis = this.#parts.ledger.size
      const judged = new Map<number, Judged>()
      const releasing = new Map<string, number>()
      const coming = new Map<string, number>()
      for (const [i, proposal] of proposals.entries()) {
        if (told.has(i)) continue
        const one = coming.has(proposal.id) ? repeated(proposal.id) : await this.#judge(proposal, caller, releasing)
        if ('drafts' in one) {
          judged.set(i, one)
          coming.set(proposal.id, i)
        } else told.set(i, one)
      }
      const all = [...judged.values()]
      const placed = await this.#parts.ledger.append(
        all.flatMap(({ drafts }) => drafts),
        { actor: caller.id, basis, keys: all.flatMap(({ keys }) => keys) },
      )
      if (placed === 'stale') continue
      let next = 0
      for (const [i, { drafts, decided }] of judged) {
        const result = placed[next]!
        next += drafts.length
        told.set(
          i,
          result.status === 'refused'
            ? { id: proposals[i]!.id, problem: { code: result.fault.code, message: result.fault.message } }
            : answered(proposals[i]!.id, decided, result),
        )
      }
      return summed(proposals.map((_, i) => told.get(i)!))
    }
  }

  /** Where an action stands, by its id or by `seq:N`. Throws `not_found`. */
  async locate(id: string): Promise<number> {
    const direct = /^seq:(\d{1,15})$/.exec(id)
    if (direct) return Number(direct[1])
    const { follower, database, ledger } = this.#parts
    await follower.reach('action')
    const sources = await database.query<{ source: string }>('select source from action_source order by source')
    const found = sources.flatMap(({ source }) => {
      const seq = ledger.find(actionIdentity(ledger.subjects.idKey, source, id))
      return seq === undefined ? [] : [seq]
    })
    if (found.length === 0) throw new Fault('not_found', `no action has the id "${id}"`)
    if (found.length > 1)
      throw new Fault(
        'conflict',
        `${found.length} actions have the id "${id}": ask for one of ${found.map((seq) => `seq:${seq}`).join(', ')}`,
      )
    return found[0]!
  }

  /** Opens an action. Throws `not_found` when it was erased. */
  open(seq: number): OpenedAction {
    const opened = openAction(this.#parts.ledger, seq)
    if (opened === undefined)
      throw new Fault('not_found', `the person of action ${seq} was erased: it can no longer be read`)
    return opened
  }

  /** The action of a message, by the provider's id of it. Throws `not_found`. */
  async ofMessage(providerId: string): Promise<number> {
    const { follower, database, ledger } = this.#parts
    await follower.reach('delivery')
    const [row] = await database.query<{ seq: bigint }>(
      'select seq from action where message = $1 order by seq desc limit 1',
      [messageDigest(ledger.subjects.idKey, providerId)],
    )
    if (!row) throw new Fault('not_found', `no message is known as "${providerId}"`)
    return Number(row.seq)
  }

  /** The chain of thought of a high-risk action. Throws `not_found` where none was kept. */
  async thought(id: string): Promise<{ action: string; thought: string; seq: number }> {
    const { ledger } = this.#parts
    const { proposal, source } = this.open(await this.locate(id))
    const place = placeBytes({ kind: 'thought/1', stream: THOUGHTS, source, id: proposal.id })
    const seq = ledger.find(identityOf(ledger.subjects.idKey, place))
    const opened = seq === undefined ? undefined : ledger.open(seq)
    if (opened?.state !== 'open')
      throw new Fault('not_found', `no chain of thought was kept of the action "${proposal.id}"`)
    const { thought } = JSON.parse(Buffer.from(opened.content).toString('utf8')) as { thought: string }
    return { action: proposal.id, thought, seq: opened.seq }
  }

  async #judge(proposal: ActionProposal, caller: Caller, releasing: Map<string, number>): Promise<Judged | Told> {
    const { clock, judging } = this.#parts
    const problem = (code: string, message: string): Told => ({ id: proposal.id, problem: { code, message } })
    if (!mayActAs(caller, proposal.actor))
      return problem(
        'forbidden',
        `this key is for actions of the agent ${caller.agent} only: propose as it, or with another key`,
      )
    const personal = proposal.entity !== undefined || proposal.subject !== undefined
    if (proposal.entity !== undefined && proposal.subject !== undefined)
      return problem('invalid', 'say whom it concerns by "entity" or by "subject", not by both')
    if (!personal && proposal.type === 'send')
      return problem('invalid', 'say to whom: a send needs "entity" or "subject"')
    const subject = judging.subjectOf(proposal)
    if (subject === 'erased') return problem('erased', 'this person was erased; nothing more is recorded about them')
    if (subject === undefined)
      return problem('not_found', `no subject has the id ${proposal.subject}, or it was erased`)
    const now = clock.now()
    const time = proposal.time === undefined ? now : parseTime(proposal.time)
    if (time === undefined) return problem('invalid', `"${proposal.time}" is no time`)
    const notBefore = proposal.notBefore === undefined ? undefined : parseTime(proposal.notBefore)
    if (proposal.notBefore !== undefined && notBefore === undefined)
      return problem('invalid', `"${proposal.notBefore}" is no time`)

    const content = contentOf(keptOf(proposal, judging.mask))
    const earlier = this.#earlier(proposal.id, caller, content)
    if (earlier) return earlier

    const cap = `cap:${subject.id}:${proposal.channel ?? ''}`
    const rests = await this.#restsOn(proposal, caller)
    if (rests instanceof Fault) return problem(rests.code, rests.message)
    const scopes = scopeRefs(proposal, rests)
    const { verdicts, shadow, statement, consent } = await judging.judge(
      proposal,
      { subject, personal },
      { besides: releasing.get(cap), paused: this.#parts.pauses.over(scopes)?.message },
    )
    const { decision, reason } = decide(verdicts)
    const released = decision === 'released' && !shadow
    if (released) releasing.set(cap, (releasing.get(cap) ?? 0) + 1)
    const decided: Decided = {
      decision,
      reason,
      verdicts,
      ...(shadow ? { shadow: true } : {}),
      ...(statement === undefined ? {} : { statement }),
    }
    const refs = refsOf(proposal, scopes, { personal, decision, shadow, consent, notBefore })
    const base = { source: caller.source, id: proposal.id, time, subject }
    const drafts: Draft[] = [
      {
        ...base,
        kind: 'action/1',
        stream: STREAM,
        refs,
        content,
        header: { decided },
        ...(released ? { touches: [cap] } : {}),
      },
    ]
    if (proposal.thought !== undefined && proposal.risk === 'high')
      drafts.push({
        ...base,
        kind: 'thought/1',
        stream: THOUGHTS,
        content: Buffer.from(JSON.stringify({ thought: proposal.thought })),
      })
    return {
      drafts,
      decided,
      keys: released ? [`consent:${subject.id}`, cap, ...pauseKeys(refs), ...raisedKeys(refs)] : [],
    }
  }

  /**
   * Versions of the models of its predictions, those in batches too. What cannot be looked up is a fault: an action that is
   * recorded without its model would go out under a pause of it.
   */
  async #restsOn({ inputs }: ActionProposal, caller: Caller): Promise<string[] | Fault> {
    const models = new Set<string>()
    try {
      for (const id of inputs?.predictions ?? [])
        for (const model of await this.#parts.modelsOf(id, caller.source)) models.add(model)
    } catch (error) {
      if (isFault(error, 'altered')) return error
      throw error
    }
    return [...models].sort()
  }

  /** What was answered when the same was proposed before; other content under the same id is refused. */
  #earlier(id: string, caller: Caller, content: Uint8Array): Told | undefined {
    const { ledger } = this.#parts
    const seq = ledger.find(actionIdentity(ledger.subjects.idKey, caller.source, id))
    if (seq === undefined) return undefined
    const opened = ledger.open(seq)
    if (opened.state !== 'open')
      return { id, problem: { code: 'erased', message: 'this action was recorded, and its person was erased since' } }
    if (!saysTheSame(opened.content, content))
      return {
        id,
        problem: {
          code: 'conflict',
          message: `another action has the id "${id}" (record ${seq}): give this one another`,
        },
      }
    return answered(id, opened.header.decided as Decided, { ...ledger.receiptOf(seq), status: 'duplicate' })
  }
}

interface Refs {
  personal: boolean
  decision: Decided['decision']
  shadow: boolean
  consent: ConsentVerdict | undefined
  notBefore: Micros | undefined
}

function refsOf(
  proposal: ActionProposal,
  scopes: Record<string, string>,
  { personal, decision, shadow, consent, notBefore }: Refs,
): Record<string, string> {
  const { type, environment, channel, purpose } = proposal
  const given = {
    type,
    environment,
    purpose,
    decision,
    personal: String(personal),
    channel,
    ...scopes,
    shadow: shadow ? 'true' : undefined,
    notBefore: notBefore === undefined ? undefined : formatTime(notBefore),
    ...footingRefs(consent),
  }
  return Object.fromEntries(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** What a release rests on: `rules/actions/footing.ts` reads it. */
export function footingRefs(consent: ConsentVerdict | undefined): { basis?: string; endedBy?: string } {
  if (!consent?.allowed) return {}
  return {
    ...(consent.basis === undefined ? {} : { basis: consent.basis }),
    ...(consent.endedBy === undefined || consent.endedBy.length === 0 ? {} : { endedBy: consent.endedBy.join(' ') }),
  }
}

function answered(
  id: string,
  { decision, reason, verdicts, shadow, statement }: Decided,
  { seq, leaf, recorded, status }: Placed,
): DecidedAction {
  return {
    id,
    decision,
    ...(shadow ? { shadow } : {}),
    reason,
    verdicts: [...verdicts],
    ...(statement === undefined ? {} : { statement }),
    receipt: { seq, leaf, recorded, status },
  }
}

function repeated(id: string): Told {
  return { id, problem: { code: 'invalid', message: `the id "${id}" stands twice in one request` } }
}

function summed(results: Told[]): ActionResults {
  const count = (decision: string): number =>
    results.filter((one) => 'decision' in one && one.decision === decision).length
  return { released: count('released'), held: count('held'), refused: count('refused'), results }
}

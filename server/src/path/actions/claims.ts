// Claims: a sender takes what was released, and says what became of it. A claim is durable before its content is given
// out, and is refused when consent moved since it was judged: so no claim stands after a withdrawal.
import type {
  Acknowledged,
  Acknowledgement,
  Claimed,
  ClaimRequest,
  Claims as ClaimsAnswer,
  OutboxState,
} from '@whence/sdk'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft, Placed } from '../../record/ledger/writer.ts'
import type { Subject } from '../../record/subjects/subjects.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Standing } from '../../rules/consent/verdict.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { CLAIMS } from './order.ts'
import type { OptOutLinks } from '../consent/opt-out-links.ts'
import type { Outbox, Waiting } from './outbox.ts'
import { pauseKeys } from './pauses.ts'
import type { Pauses } from './pauses.ts'
import { editedCopy, messageDigest, openAction } from './recorded.ts'

export interface ClaimParts {
  ledger: Ledger
  clock: Clock
  standing: Standing
  outbox: Outbox
  pauses: Pauses
  /** Whether it goes to an address at which nothing arrives. */
  undeliverable(row: Waiting): boolean
  links: Pick<OptOutLinks, 'of'>
}

/** Rows looked at for one claim, at most. */
const LOOKED_AT = 20_000

export class Claims {
  readonly #parts: ClaimParts
  /** Rows that a claim under way is about, so that two do not try for the same. */
  readonly #taken = new Set<number>()

  constructor(parts: ClaimParts) {
    this.#parts = parts
  }

  /** Gives out what is due; durable when it resolves. `base`: where opt-out links lead. */
  async claim(request: ClaimRequest, caller: Caller, base: string): Promise<ClaimsAnswer> {
    const { ledger, clock, outbox } = this.#parts
    const { limit = 100, lease = 300, environment = 'production', ...wanted } = request
    for (;;) {
      const basis = ledger.size
      const now = clock.now()
      const rows: { row: Waiting; subject: Subject }[] = []
      let [looked, withheld] = [0, 0]
      for (const row of outbox.due({ ...wanted, environment }, now)) {
        if (rows.length >= limit || ++looked > LOOKED_AT) break
        if (this.#taken.has(row.seq)) continue
        const subject = ledger.subjects.byId(row.subject)
        if (subject !== undefined && this.#allowed(row, now)) rows.push({ row, subject })
        else withheld++
      }
      if (rows.length === 0) return { claims: [], withheld, waiting: this.#waiting(now) }
      for (const { row } of rows) this.#taken.add(row.seq)
      try {
        const until = formatTime(now + lease * SECOND)
        const placed = await ledger.append(
          rows.map(({ row, subject }) => claimOf(row, subject, { until, now, source: caller.source })),
          {
            actor: caller.id,
            basis,
            keys: [
              ...rows.flatMap(({ row: { seq, subject } }) => [`outbox:${seq}`, `consent:${subject}`]),
              ...new Set(rows.flatMap(({ row }) => pauseKeys(row.refs))),
            ],
          },
        )
        if (placed === 'stale') continue
        const claims = rows.flatMap(({ row }, i) => {
          const one = placed[i]!
          // Refused is who is being erased meanwhile.
          return one.status === 'refused' ? [] : this.#given(row, one, { until, base })
        })
        return { claims, withheld: withheld + rows.length - claims.length, waiting: this.#waiting(now) }
      } finally {
        for (const { row } of rows) this.#taken.delete(row.seq)
      }
    }
  }

  /** Records what became of claims. Each by itself: one that is unknown is told, the others are recorded. */
  async acknowledge(given: readonly Acknowledgement[], caller: Caller): Promise<Acknowledged> {
    const { ledger } = this.#parts
    for (;;) {
      const basis = ledger.size
      const judged = given.map((one) => this.#judge(one, caller))
      const drafts = judged.flatMap((one) => ('draft' in one ? [one.draft] : []))
      const placed = await ledger.append(drafts, {
        actor: caller.id,
        basis,
        keys: judged.flatMap((one) => ('draft' in one ? [`outbox:${one.action}`] : [])),
      })
      if (placed === 'stale') continue
      let next = 0
      return {
        results: given.map(({ claim, status }, i) => {
          const one = judged[i]!
          if ('problem' in one) return { claim, problem: one.problem }
          const result = placed[next++]!
          if (result.status === 'refused')
            return { claim, problem: { code: result.fault.code, message: result.fault.message } }
          const { late, withdrawn } = one
          const receipt = { seq: result.seq, leaf: result.leaf, recorded: result.recorded, status: result.status }
          if (result.status === 'conflict')
            return { claim, problem: { code: 'conflict', message: `claim ${claim} was acknowledged otherwise before` } }
          return {
            claim,
            status,
            ...(late ? { late } : {}),
            ...(withdrawn === undefined ? {} : { withdrawn }),
            receipt,
          }
        }),
      }
    }
  }

  state(): OutboxState {
    const now = this.#parts.clock.now()
    const counts = new Map<string, number>()
    let [queued, leased] = [0, 0]
    for (const { lease, refs } of this.#parts.outbox.all()) {
      if (lease !== undefined && lease.until > now) {
        leased++
        continue
      }
      queued++
      const key = `${refs.campaign ?? ''}\0${refs.channel ?? ''}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    const campaigns = [...counts]
      .map(([key, count]) => {
        const [campaign, channel] = key.split('\0') as [string, string]
        return { campaign, channel, queued: count }
      })
      .sort((a, b) => b.queued - a.queued)
      .slice(0, 1000)
    return { queued, leased, campaigns }
  }

  /** Consent is asked again for whatever rests on a person. */
  #allowed(row: Waiting, at: Micros): boolean {
    const { refs, subject, footing } = row
    if (this.#parts.pauses.over(refs) !== undefined || this.#parts.undeliverable(row)) return false
    if (refs.personal !== 'true') return true
    const { purpose, channel } = footing
    return this.#parts.standing.check({ subject, purpose, channel, at }).allowed
  }

  /** What a claim gives out: nothing, when the person is being erased. */
  #given(
    { seq, attempts, refs, subject, footing }: Waiting,
    { seq: claim }: Placed,
    { until, base }: { until: string; base: string },
  ): Claimed[] {
    const opened = openAction(this.#parts.ledger, seq)
    if (opened === undefined) return []
    const { id, type, channel, campaign, entity, address, output } = opened.proposal
    const copy = refs.edit === undefined ? output?.copy : editedCopy(this.#parts.ledger, Number(refs.edit))
    const objectable = refs.personal === 'true' && footing.endedBy.includes('marketing')
    const optOut = objectable ? this.#parts.links.of({ subject, channel }, base) : undefined
    const one = {
      claim,
      action: id,
      seq,
      idempotencyKey: `${this.#parts.ledger.origin}/${seq}`,
      attempt: attempts + 1,
      until,
      type,
      ...defined({ channel, campaign, entity, address, copy, value: output?.value, optOut }),
    }
    return [one]
  }

  #judge(
    { claim, status, providerId, reason, time }: Acknowledgement,
    caller: Caller,
  ):
    | { draft: Draft; action: number; late: boolean; withdrawn: number | undefined }
    | { problem: { code: string; message: string } } {
    const { ledger, clock, outbox } = this.#parts
    const problem = (code: string, message: string) => ({ problem: { code, message } })
    if (claim >= ledger.size || kindOf(ledger.entry(claim)) !== 'claim')
      return problem('not_found', `record ${claim} is no claim`)
    const { refs, actor, recorded } = ledger.entry(claim)
    if (actor !== caller.id) return problem('forbidden', `claim ${claim} was given to another key`)
    const subject = ledger.subjects.byId(ledger.line(claim).subject)
    if (subject === undefined) return problem('erased', `the person of claim ${claim} was erased`)
    const now = clock.now()
    const at = time === undefined ? now : parseTime(time)
    if (at === undefined) return problem('invalid', `"${time}" is no time`)
    const action = Number(refs.action)
    const lease = outbox.get(action)?.lease
    const withdrawn = lease?.claim === claim ? lease.withdrawn : undefined
    const late = now > parseTime(refs.until!)!
    return {
      action,
      late,
      withdrawn,
      draft: {
        kind: 'delivery/1',
        stream: 'whence.deliveries',
        source: caller.source,
        id: String(claim),
        time: at < parseTime(recorded)! ? parseTime(recorded)! : at,
        subject,
        refs: {
          action: refs.action!,
          claim: String(claim),
          status,
          ...(late ? { late: 'true' } : {}),
          ...(withdrawn === undefined ? {} : { withdrawn: String(withdrawn) }),
          ...(providerId === undefined ? {} : { message: messageDigest(ledger.subjects.idKey, providerId) }),
        },
        content: Buffer.from(JSON.stringify({ status, ...defined({ providerId, reason }) })),
        touches: [`outbox:${action}`],
      },
    }
  }

  #waiting(now: Micros): number {
    let count = 0
    for (const { lease } of this.#parts.outbox.all()) if (lease === undefined || lease.until <= now) count++
    return count
  }
}

interface Term {
  until: string
  now: Micros
  source: string
}

function claimOf({ seq, attempts, footing }: Waiting, subject: Subject, { until, now, source }: Term): Draft {
  const { purpose, channel } = footing
  return {
    kind: 'claim/1',
    stream: CLAIMS,
    source,
    id: `${seq}#${attempts + 1}`,
    time: now,
    subject,
    refs: { action: String(seq), purpose, until, ...(channel === undefined ? {} : { channel }) },
    content: Buffer.from(JSON.stringify({ action: seq, attempt: attempts + 1 })),
    touches: [`outbox:${seq}`],
  }
}

function defined<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

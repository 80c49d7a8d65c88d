// Whom a cause concerns: which decisions, which people, what was queued, sent, seen and acted on, and what can be done.
import type { ActionProposal, Remedy, RollbackScope, ScopedAction, ScopeQuery } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { openAction } from '../../path/actions/recorded.ts'
import { SAYINGS } from '../../path/actions/said.ts'
import type { Standing } from '../../rules/consent/verdict.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { predictionsOf } from '../changes/people.ts'
import type { CountedBatches } from '../changes/people.ts'
import { trace } from './cause.ts'
import type { CauseParts, Condition, Traced } from './cause.ts'

export interface ScopeParts extends CauseParts {
  follower: Follower
  batches: CountedBatches
  standing: Standing
  clock: Clock
}

const remedies: Readonly<Record<string, Remedy>> = {
  queued: 'take back',
  claimed: 'wait for the sender',
  sent: 'compensate',
  held: 'reject',
}

const CAMPAIGNS = 100
const PAGE = 1000

/** A cause with the bounds of time that a question sets. */
export interface Bounded extends Traced {
  readonly from: Micros | undefined
  readonly until: Micros | undefined
  readonly asOf: number
}

export async function bounded(parts: ScopeParts, query: ScopeQuery): Promise<Bounded> {
  const ofActions = ['action', 'review', 'claim', 'delivery', 'recall', ...SAYINGS]
  await parts.follower.reach('model', 'prediction', 'predictions', 'event', 'erasure', ...ofActions)
  const traced = await trace(parts, query)
  const from = query.since === undefined ? traced.since : timeOf(query.since)
  const until = query.until === undefined ? undefined : timeOf(query.until)
  const params = [...traced.condition.params]
  const sql = [
    traced.condition.sql,
    from === undefined ? '' : ` and a.recorded_at >= $${params.push(BigInt(from))}`,
    until === undefined ? '' : ` and a.recorded_at < $${params.push(BigInt(until))}`,
  ].join('')
  // What a rollback itself sends is no part of what it is about.
  const condition: Condition = { sql: `${sql} and a.actor <> 'service:${ROLLBACK_ACTOR}'`, params }
  return { ...traced, condition, from, until, asOf: parts.follower.next }
}

/** Who compensates. */
export const ROLLBACK_ACTOR = 'whence.rollback'

/** Throws `not_found` and `invalid`. */
export async function scopeOf(parts: ScopeParts, query: ScopeQuery): Promise<RollbackScope> {
  const found = await bounded(parts, query)
  const { database, follower, batches, ledger } = parts
  const { sql, params } = found.condition
  // An erased action has no state but that, and no person.
  const states = await database.query<{ state: string; actions: bigint; people: bigint; first: bigint; last: bigint }>(
    `select state, count(*) as actions, count(distinct subject) as people, min(seq) as first, max(seq) as last
     from action a where ${sql} group by state order by state`,
    [...params],
  )
  const [whole] = await database.query<{ people: bigint }>(
    `select count(distinct subject) as people from action a where ${sql}`,
    [...params],
  )
  const outcomes = await database.query<{ type: string; actions: bigint; people: bigint }>(
    `select o.type, count(distinct o.action) as actions, count(distinct o.subject) as people
     from outcome o join action a on a.seq = o.action where ${sql} group by o.type order by o.type`,
    [...params],
  )
  const campaigns = await database.query<{ campaign: string; actions: bigint }>(
    `select campaign, count(*) as actions from action a where ${sql} and campaign is not null
     group by campaign order by actions desc, campaign limit ${CAMPAIGNS}`,
    [...params],
  )
  const predicted = await predictionsOf({ database, follower, batches }, { models: found.models }, found.asOf, {
    from: found.from,
    to: found.until,
  })
  const ends = states.filter(({ actions }) => actions > 0n)
  const at = (seq: bigint): { seq: number; recorded: string } => ({
    seq: Number(seq),
    recorded: ledger.entry(Number(seq)).recorded,
  })
  const first = ends.reduce<bigint | undefined>(
    (least, one) => (least === undefined || one.first < least ? one.first : least),
    undefined,
  )
  const last = ends.reduce<bigint | undefined>(
    (most, one) => (most === undefined || one.last > most ? one.last : most),
    undefined,
  )
  return {
    cause: { kind: query.kind, name: query.name },
    says: found.says,
    scopes: [...found.scopes],
    ...(found.from === undefined ? {} : { since: formatTime(found.from) }),
    ...(found.until === undefined ? {} : { until: formatTime(found.until) }),
    asOf: found.asOf,
    actions: states.reduce((sum, { actions }) => sum + Number(actions), 0),
    people: Number(whole!.people),
    ...(first === undefined ? {} : { first: at(first) }),
    ...(last === undefined ? {} : { last: at(last) }),
    groups: states.map(({ state, actions, people }) => ({
      state,
      remedy: remedyOf(state),
      actions: Number(actions),
      people: Number(people),
    })),
    outcomes: Object.fromEntries(
      outcomes.map(({ type, actions, people }) => [type, { actions: Number(actions), people: Number(people) }]),
    ),
    campaigns: campaigns.map(({ campaign, actions }) => ({ campaign, actions: Number(actions) })),
    consent: await consentOf(parts, found),
    predictions: {
      predictions: predicted.predictions,
      inBatches: predicted.inBatches,
      people: predicted.people,
      erased: predicted.erased,
      ...(predicted.unread === 0 ? {} : { unread: predicted.unread }),
      models: predicted.models.map(({ model, predictions }) => ({ model, predictions })),
    },
  }
}

/** The decisions themselves. */
export async function* scopedActions(parts: ScopeParts, query: ScopeQuery): AsyncGenerator<ScopedAction[]> {
  const found = await bounded(parts, query)
  for (let after = -1n; ;) {
    const rows = await page(parts, found.condition, after)
    if (rows.length === 0) return
    yield rows.map((row) => shown(parts, row))
    after = rows.at(-1)!.seq
  }
}

/** What was sent, as it was proposed, of each person the first; who was erased is left out. */
export async function* scopedSent(parts: ScopeParts, { condition }: Bounded): AsyncGenerator<ActionProposal[]> {
  const reached = new Set<string>()
  for (let after = -1n; ;) {
    const rows = await page(parts, condition, after)
    if (rows.length === 0) return
    const first = rows.filter(({ state, personal, subject }) => {
      if (state !== 'sent' || !personal || subject === null || reached.has(subject)) return false
      reached.add(subject)
      return true
    })
    const proposals = first.flatMap(({ seq }) => openAction(parts.ledger, Number(seq))?.proposal ?? [])
    if (proposals.length > 0) yield proposals
    after = rows.at(-1)!.seq
  }
}

interface Row {
  seq: bigint
  subject: string | null
  state: string
  campaign: string | null
  recorded_at: bigint
  purpose: string
  channel: string | null
  personal: boolean
  outcomes: string[]
}

function page({ database }: ScopeParts, { sql, params }: Condition, after: bigint): Promise<Row[]> {
  const given = [...params, after]
  return database.query<Row>(
    `select seq, subject, state, campaign, recorded_at, purpose, channel, personal,
       array(select distinct type from outcome o where o.action = a.seq order by type) as outcomes
     from action a where ${sql} and seq > $${given.length} order by seq limit ${PAGE}`,
    given,
  )
}

function shown({ ledger, standing, clock }: ScopeParts, row: Row): ScopedAction {
  const opened = row.subject === null ? undefined : openAction(ledger, Number(row.seq))
  return {
    seq: Number(row.seq),
    ...(opened === undefined ? {} : { id: opened.proposal.id }),
    ...(opened?.proposal.entity === undefined ? {} : { entity: opened.proposal.entity }),
    ...(row.subject === null || !row.personal ? {} : { subject: row.subject }),
    state: row.state,
    remedy: remedyOf(row.state),
    ...(row.campaign === null ? {} : { campaign: row.campaign }),
    recorded: formatTime(Number(row.recorded_at)),
    outcomes: row.outcomes,
    ...(row.personal && row.subject !== null
      ? {
          allowed: standing.check({
            subject: row.subject,
            purpose: row.purpose,
            channel: row.channel ?? undefined,
            at: clock.now(),
          }).allowed,
        }
      : {}),
  }
}

/** Of those who were reached: who may still be written to for the same, and who has ended it. */
async function consentOf(
  { database, standing, clock }: ScopeParts,
  { condition: { sql, params } }: Bounded,
): Promise<{ allowed: number; ended: number }> {
  const people = await database.query<{ subject: string; purpose: string; channel: string | null }>(
    `select distinct subject, purpose, channel from action a
     where ${sql} and state in ('sent', 'claimed') and personal and subject is not null`,
    [...params],
  )
  const at = clock.now()
  const ended = new Set<string>()
  const all = new Set<string>()
  for (const { subject, purpose, channel } of people) {
    all.add(subject)
    if (!standing.check({ subject, purpose, channel: channel ?? undefined, at }).allowed) ended.add(subject)
  }
  return { allowed: all.size - ended.size, ended: ended.size }
}

export function remedyOf(state: string): Remedy {
  return remedies[state] ?? 'nothing'
}

function timeOf(text: string): Micros {
  const at = parseTime(text)
  if (at === undefined) throw new Fault('invalid', `"${text}" is no time: write 2026-03-01T00:00:00Z`)
  return at
}

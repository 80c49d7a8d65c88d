// Outcomes asked for: of an action, found, and counted.
import type {
  FoundOutcomes,
  OutcomeBy,
  OutcomeCounts,
  OutcomeCountsQuery,
  OutcomeRow,
  OutcomesQuery,
  OutcomeTie,
  OutcomeType,
} from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { Actions } from '../actions/actions.ts'

interface Row {
  seq: bigint
  action: bigint | null
  tie: OutcomeTie | null
  tied: bigint | null
  subject: string
  type: OutcomeType
  time: bigint
  recorded: bigint
  provider: string
  webhook: string | null
  late: boolean
  campaign: string | null
  creative: string | null
  agent: string | null
  prompt: string | null
  model: string | null
}

const COLUMNS =
  'seq, action, tie, tied, subject, type, time, recorded, provider, webhook, late, campaign, creative, agent, prompt, model'

/** In the tables of actions an agent is called actor. */
const DIMENSIONS: Record<OutcomeBy, string | undefined> = {
  campaign: 'campaign',
  creative: 'creative',
  agent: 'actor',
  prompt: 'prompt',
  model: 'model',
  provider: undefined,
}

export interface Counted {
  by: OutcomeBy
  /** Event time, in microseconds: at `since` or later, before `until`. */
  since?: number | undefined
  until?: number | undefined
  environment?: string | undefined
  /** Knowing only the records before this position. */
  asOf?: number | undefined
}

export class Outcomes {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #actions: Actions

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; actions: Actions }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#actions = parts.actions
  }

  /** What came of an action, in the order of the log. */
  async of(action: number): Promise<OutcomeRow[]> {
    await this.#reach()
    const rows = await this.#database.query<Row>(`select ${COLUMNS} from outcome where action = $1 order by seq`, [
      BigInt(action),
    ])
    return rows.map(shown)
  }

  /** Newest first. */
  async list(query: OutcomesQuery): Promise<FoundOutcomes> {
    await this.#reach()
    const asOf = this.#follower.next
    const conditions: string[] = []
    const params: unknown[] = []
    const where = (condition: string, value: unknown): void => {
      params.push(value)
      conditions.push(condition.replaceAll('?', `$${params.length}`))
    }
    where('seq < ?', BigInt(query.before ?? Number.MAX_SAFE_INTEGER))
    if (query.action !== undefined) where('action = ?', BigInt(await this.#actions.locate(query.action)))
    if (query.identifier !== undefined) {
      const subject = this.#ledger.subjects.idOf(query.subjectType ?? 'customer', query.identifier)
      if (subject === 'erased')
        throw new Fault('not_found', 'this person was erased: what came of their messages can no longer be read')
      if (subject === undefined) return { outcomes: [], asOf }
      where('(subject = ? or sealed = ?)', subject)
    }
    if (query.campaign !== undefined) where('campaign = ?', query.campaign)
    if (query.type !== undefined) where('type = ?', query.type)
    if (query.untied !== undefined) conditions.push(query.untied === 'true' ? 'action is null' : 'action is not null')
    if (query.from !== undefined) where('time >= ?', BigInt(momentOf(query.from)))
    if (query.to !== undefined) where('time < ?', BigInt(momentOf(query.to)))
    const limit = query.limit ?? 50
    params.push(limit + 1)
    const rows = await this.#database.query<Row>(
      `select ${COLUMNS} from outcome where ${conditions.join(' and ')} order by seq desc limit $${params.length}`,
      params,
    )
    const page = rows.slice(0, limit)
    return {
      outcomes: page.map(shown),
      ...(rows.length > limit ? { next: Number(page.at(-1)!.seq) } : {}),
      asOf,
    }
  }

  /** As `counts`, of a query. */
  countsOf({ by = 'campaign', since, until, environment, asOf }: OutcomeCountsQuery): Promise<OutcomeCounts> {
    return this.counts({
      by,
      since: since === undefined ? undefined : momentOf(since),
      until: until === undefined ? undefined : momentOf(until),
      environment,
      asOf,
    })
  }

  /**
   * How many were sent, and what came of them. As of a position, an outcome that was tied by a later delivery is not tied
   * yet. What is tied to no action stands under what its tags say, or in the group without a name.
   */
  async counts({ by, since, until, environment, asOf: given }: Counted): Promise<OutcomeCounts> {
    await this.#reach()
    const head = this.#follower.next
    if (given !== undefined && given > head)
      throw new Fault('invalid', `position ${given} is in the future: the tables have followed to ${head}`)
    const asOf = given ?? head
    const params = [
      BigInt(asOf),
      BigInt(since ?? Number.MIN_SAFE_INTEGER),
      BigInt(until ?? Number.MAX_SAFE_INTEGER),
      environment ?? null,
    ]
    const tied = 'tied < $1'
    const rows = await this.#database.query<{ key: string; type: string; events: number; actions: number }>(
      `select coalesce(${by === 'provider' ? 'provider' : `case when ${tied} or action is null then ${by} end`}, '') as key,
         type, count(*)::int4 as events, (count(distinct action) filter (where ${tied}))::int4 as actions
       from outcome
       where seq < $1 and time >= $2 and time < $3 and ($4::text is null or environment = $4)
       group by 1, 2`,
      params,
    )
    const groups = new Map<string, OutcomeCounts['groups'][number]>()
    const group = (key: string): OutcomeCounts['groups'][number] => {
      let found = groups.get(key)
      if (found === undefined) groups.set(key, (found = { key, sent: 0, outcomes: {} }))
      return found
    }
    for (const { key, type, events, actions } of rows) group(key).outcomes[type] = { events, actions }
    const dimension = DIMENSIONS[by]
    if (dimension !== undefined)
      for (const { key, sent } of await this.#database.query<{ key: string; sent: number }>(
        `select coalesce(action.${dimension}, '') as key, count(distinct action.seq)::int4 as sent
         from action_delivery delivery join action on action.seq = delivery.action
         where delivery.seq < $1 and delivery.at >= $2 and delivery.at < $3 and delivery.status = 'sent'
           and action.subject is not null and ($4::text is null or action.environment = $4)
         group by 1`,
        params,
      ))
        group(key).sent = sent
    const [untied] = await this.#database.query<{ n: number }>(
      `select count(*)::int4 as n from outcome
       where seq < $1 and time >= $2 and time < $3 and ($4::text is null or environment = $4)
         and (action is null or not (${tied}))`,
      params,
    )
    return {
      by,
      groups: [...groups.values()].sort((a, b) => b.sent - a.sent || (a.key < b.key ? -1 : 1)),
      untied: untied!.n,
      asOf,
    }
  }

  async #reach(): Promise<void> {
    await this.#follower.reach('event', 'action', 'delivery', 'erasure')
  }
}

function shown(row: Row): OutcomeRow {
  return {
    seq: Number(row.seq),
    type: row.type,
    time: formatTime(Number(row.time)),
    recorded: formatTime(Number(row.recorded)),
    provider: row.provider,
    ...(row.webhook === null ? {} : { webhook: row.webhook }),
    late: row.late,
    ...(row.action === null ? {} : { action: Number(row.action), tie: row.tie!, tied: Number(row.tied) }),
    subject: row.subject,
    ...Object.fromEntries(
      (['campaign', 'creative', 'agent', 'prompt', 'model'] as const).flatMap((name) =>
        row[name] === null ? [] : [[name, row[name]]],
      ),
    ),
  }
}

function momentOf(time: string): number {
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time`)
  return at
}

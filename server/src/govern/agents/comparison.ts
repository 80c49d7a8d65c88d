// An agent in shadow held against the one whose place it would take: what both proposed about the same, how far they agree,
// what the gates said of either, and what came of what the incumbent sent. What would have come of the shadow's is not
// known to anybody: the outcomes say only whom its own decision would have reached.
import type { AgentComparison, AgentComparisonQuery, ComparedPair } from '@whence/sdk'
import type { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { Agents } from '../../path/actions/agents.ts'
import { wilson } from '../../path/predictions/wilson.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { formatTime } from '../../record/time.ts'
import { paired } from '../../rules/agents/pairing.ts'
import type { Paired } from '../../rules/agents/pairing.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { policyName } from '../../rules/gates/kinds/scored-before.ts'
import type { Database } from '../../store/database.ts'
import { openAll, proposalsOf } from './proposals.ts'
import type { Opened, Row } from './proposals.ts'

export interface ComparisonParts {
  ledger: Ledger
  follower: Follower
  database: Database
  agents: Agents
}

type Query = z.output<typeof AgentComparisonQuery>
type Pair = Paired<Opened>

/** Pairs that are listed; the counts are of all. */
const LISTED = 100

/** What came of a message, in the order of its way. */
const TYPES = ['delivered', 'opened', 'clicked', 'converted', 'bounced', 'complained', 'unsubscribed']

const aspects = ['creative', 'value', 'copy'] as const

/** Throws `invalid` where nobody says beside whom the shadow proposes. */
export async function compareAgents(
  { ledger, follower, database, agents }: ComparisonParts,
  shadow: string,
  { incumbent: asked, since, until, limit }: Query,
): Promise<AgentComparison> {
  const incumbent = asked ?? (await agents.inForce()).get(shadow)?.policy.beside
  if (incumbent === undefined)
    throw new Fault('invalid', `no file in force says beside whom ${shadow} proposes: name the incumbent`)
  if (incumbent === shadow) throw new Fault('invalid', 'an agent is compared with another, not with itself')
  await follower.reach('action', 'review', 'delivery', 'event', 'erasure')
  const asOf = follower.next
  const window = { since: momentOf(since) ?? BigInt(Number.MIN_SAFE_INTEGER), until: momentOf(until) ?? END, limit }
  const mine = await proposalsOf(database, 'shadow', { ...window, name: shadow })
  const theirs = await proposalsOf(database, 'incumbent', { ...window, name: incumbent })
  // Where one side was cut off, the other is looked at as far back only: else what has a pair would seem alone.
  const from = Math.max(...[mine, theirs].map(({ rows, more }) => (more ? rows.at(-1)!.at : -Infinity)))
  const within = (rows: readonly Row[]): Row[] => rows.filter(({ at }) => at >= from)
  const [shadows, incumbents] = [within(mine.rows), within(theirs.rows)]
  const shared = new Set(shadows.flatMap(({ about }) => about ?? []))
  const both = new Set(incumbents.flatMap(({ about }) => (about !== undefined && shared.has(about) ? [about] : [])))
  const meets = ({ about }: Row): boolean => about !== undefined && both.has(about)
  const openedMine = await openAll(ledger, shadows.filter(meets))
  const openedTheirs = await openAll(ledger, incumbents.filter(meets))
  const pairs = paired(openedMine.flatMap(known), openedTheirs.flatMap(known))
  const unread = {
    shadow: unreadIn(shadows, openedMine),
    incumbent: unreadIn(incumbents, openedTheirs),
  }
  return {
    shadow,
    incumbent,
    ...(from === -Infinity ? (since === undefined ? {} : { since }) : { since: formatTime(from) }),
    more: mine.more || theirs.more,
    proposals: { shadow: shadows.length, incumbent: incumbents.length },
    pairs: pairs.length,
    by: {
      prediction: pairs.filter(({ by }) => by === 'prediction').length,
      day: pairs.filter(({ by }) => by === 'day').length,
    },
    alone: {
      shadow: shadows.length - pairs.length - unread.shadow,
      incumbent: incumbents.length - pairs.length - unread.incumbent,
    },
    unread,
    agreement: agreementOf(pairs),
    decisions: decisionsOf(pairs),
    gates: gatesOf(pairs),
    outcomes: await outcomesOf(database, incumbents, pairs),
    differing: differingOf(pairs),
    asOf,
  }
}

const END = BigInt(Number.MAX_SAFE_INTEGER)

function momentOf(time: string | undefined): bigint | undefined {
  if (time === undefined) return undefined
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time`)
  return BigInt(at)
}

function known(one: Opened | undefined): Opened[] {
  return one === undefined ? [] : [one]
}

function unreadIn(rows: readonly Row[], opened: readonly (Opened | undefined)[]): number {
  return rows.filter(({ about }) => about === undefined).length + opened.filter((one) => one === undefined).length
}

function agreementOf(pairs: readonly Pair[]): AgentComparison['agreement'] {
  const of = (what: (typeof aspects)[number]) => {
    const saying = pairs.filter(
      ({ shadow, incumbent }) => shadow.said[what] !== undefined || incumbent.said[what] !== undefined,
    )
    return {
      same: saying.filter(({ shadow, incumbent }) => shadow.said[what] === incumbent.said[what]).length,
      of: saying.length,
    }
  }
  return {
    decision: {
      same: pairs.filter(({ shadow, incumbent }) => shadow.decision === incumbent.decision).length,
      of: pairs.length,
    },
    creative: of('creative'),
    value: of('value'),
    copy: of('copy'),
  }
}

function decisionsOf(pairs: readonly Pair[]): AgentComparison['decisions'] {
  const counts = new Map<string, AgentComparison['decisions'][number]>()
  for (const { shadow, incumbent } of pairs) {
    const key = `${shadow.decision} ${incumbent.decision}`
    const one = counts.get(key) ?? { shadow: shadow.decision, incumbent: incumbent.decision, pairs: 0 }
    one.pairs++
    counts.set(key, one)
  }
  return [...counts.values()].sort((a, b) => b.pairs - a.pairs)
}

function gatesOf(pairs: readonly Pair[]): AgentComparison['gates'] {
  const gates = new Map<string, AgentComparison['gates'][number]>()
  const none = () => ({ pass: 0, hold: 0, refuse: 0 })
  for (const { shadow, incumbent } of pairs) {
    const said = new Map<string, { shadow?: string; incumbent?: string }>()
    for (const [side, { verdicts }] of [['shadow', shadow] as const, ['incumbent', incumbent] as const])
      for (const { gate, kind, policy, outcome } of verdicts) {
        // The files of two agents are one gate each: who may act.
        const own = kind === 'agent' || kind === 'signature'
        const name = own ? 'its own file' : policyName(policy)
        const key = `${name} ${gate}`
        const known = gates.get(key) ?? { gate, policy: name, shadow: none(), incumbent: none(), differ: 0 }
        known[side][outcome]++
        gates.set(key, known)
        said.set(key, { ...said.get(key), [side]: outcome })
      }
    for (const [key, { shadow: one, incumbent: other }] of said) if (one !== other) gates.get(key)!.differ++
  }
  return [...gates.values()]
}

/** What was sent of the incumbent, by what was decided of the proposal beside it. */
async function outcomesOf(
  database: Database,
  incumbents: readonly Row[],
  pairs: readonly Pair[],
): Promise<AgentComparison['outcomes']> {
  const seqs = incumbents.map(({ seq }) => BigInt(seq))
  const released = await database.query<{ seq: bigint }>(
    'select seq from action where seq = any($1::int8[]) and released_at is not null',
    [seqs],
  )
  const sent = await database.query<{ action: bigint }>(
    `select distinct action from action_delivery where action = any($1::int8[]) and status = 'sent'`,
    [seqs],
  )
  const happened = await database.query<{ action: bigint; type: string }>(
    'select distinct action, type from outcome where action = any($1::int8[]) and type = any($2::text[])',
    [seqs, TYPES],
  )
  const beside = new Map(pairs.map(({ shadow, incumbent }) => [incumbent.seq, shadow.decision]))
  const besideOf = (seq: bigint): AgentComparison['outcomes'][number]['shadow'] => beside.get(Number(seq)) ?? 'absent'
  const isSent = new Set(sent.map(({ action }) => action))
  return (['released', 'held', 'refused', 'absent'] as const).flatMap((shadow) => {
    const out = released.filter(({ seq }) => besideOf(seq) === shadow).length
    if (out === 0) return []
    const n = sent.filter(({ action }) => besideOf(action) === shadow).length
    const rates = TYPES.flatMap((type) => {
      const actions = happened.filter(
        (one) => one.type === type && isSent.has(one.action) && besideOf(one.action) === shadow,
      ).length
      if (actions === 0 && n === 0) return []
      const { low, high } = wilson(actions, n)
      return [{ type, actions, share: actions / n, low, high }]
    })
    return [{ shadow, released: out, sent: n, rates }]
  })
}

function differingOf(pairs: readonly Pair[]): ComparedPair[] {
  return pairs
    .flatMap(({ shadow, incumbent, by }) => {
      const differ: ComparedPair['differ'] = [
        ...(shadow.decision === incumbent.decision ? [] : ['decision' as const]),
        ...aspects.filter((what) => shadow.said[what] !== incumbent.said[what]),
      ]
      const shown = ({ seq, id, decision }: Opened) => ({ seq, id, decision })
      return differ.length === 0 ? [] : [{ shadow: shown(shadow), incumbent: shown(incumbent), by, differ }]
    })
    .sort((a, b) => b.shadow.seq - a.shadow.seq)
    .slice(0, LISTED)
}

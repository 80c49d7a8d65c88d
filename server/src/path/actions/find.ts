// Finding actions: by person, message, campaign, actor, model, prompt, state or time, newest first.
import type { ActionsQuery, ActionState, FoundActions } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import { messageDigest, openAction } from './recorded.ts'
import { SAYINGS } from './said.ts'

export async function findActions(
  { ledger, follower, database }: { ledger: Ledger; follower: Follower; database: Database },
  query: ActionsQuery,
): Promise<FoundActions> {
  await follower.reach('action', 'review', 'claim', 'delivery', 'recall', ...SAYINGS, 'erasure')
  const asOf = follower.next
  const conditions: string[] = []
  const params: unknown[] = []
  const where = (condition: string, value: unknown): void => {
    params.push(value)
    conditions.push(condition.replaceAll('?', `$${params.length}`))
  }
  where('seq < ?', BigInt(query.before ?? Number.MAX_SAFE_INTEGER))
  if (query.identifier !== undefined) {
    const subject = ledger.subjects.idOf(query.subjectType ?? 'customer', query.identifier)
    if (subject === 'erased')
      throw new Fault('not_found', 'this person was erased: what was decided about them can no longer be read')
    if (subject === undefined) return { actions: [], asOf }
    where('subject = ?', subject)
  }
  if (query.message !== undefined) where('message = ?', messageDigest(ledger.subjects.idKey, query.message))
  if (query.campaign !== undefined) where('campaign = ?', query.campaign)
  if (query.actor !== undefined) where('actor = ?', query.actor)
  if (query.agent !== undefined)
    where(
      'actor = any(?::text[])',
      ['agent', 'service', 'user'].map((type) => `${type}:${query.agent}`),
    )
  if (query.prompt !== undefined) where('prompt = ?', query.prompt)
  if (query.state !== undefined) where('state = ?', query.state)
  if (query.model?.includes('@')) where('model = ?', query.model)
  else if (query.model !== undefined) where("split_part(model, '@', 1) = ?", query.model)
  if (query.from !== undefined) where('at >= ?', momentOf(query.from))
  if (query.to !== undefined) where('at < ?', momentOf(query.to))
  const limit = query.limit ?? 50
  params.push(limit + 1)
  const rows = await database.query<{
    seq: bigint
    at: bigint
    type: string
    actor: string
    campaign: string | null
    channel: string | null
    state: ActionState
  }>(
    `select seq, at, type, actor, campaign, channel, state from action where ${conditions.join(' and ')}
     order by seq desc limit $${params.length}`,
    params,
  )
  const page = rows.slice(0, limit)
  return {
    actions: page.map(({ seq, at, type, actor, campaign, channel, state }) => {
      const id = openAction(ledger, Number(seq))?.proposal.id
      return {
        seq: Number(seq),
        ...(id === undefined ? {} : { id }),
        time: formatTime(Number(at)),
        type,
        actor,
        ...(campaign === null ? {} : { campaign }),
        ...(channel === null ? {} : { channel }),
        state: id === undefined ? 'erased' : state,
      }
    }),
    ...(rows.length > limit ? { next: Number(page.at(-1)!.seq) } : {}),
    asOf,
  }
}

function momentOf(time: string): bigint {
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time`)
  return BigInt(at)
}

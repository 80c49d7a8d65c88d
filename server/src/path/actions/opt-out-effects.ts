// What opt-outs did to messages: how many that waited were taken back, and which had gone out since the person's own word.
import type { OptOutEffects } from '@whence/sdk'
import type { Follower } from '../../record/projection/follower.ts'
import { SECOND } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { OptedOut } from '../consent/opt-outs.ts'

export async function optOutEffects(
  { follower, database }: { follower: Follower; database: Database },
  optOuts: readonly OptedOut[],
): Promise<OptOutEffects[]> {
  await follower.reachSeq(Math.max(...optOuts.map(({ seq }) => seq)))
  const suppressed = await database.query<{ seq: bigint; count: number }>(
    'select suppressed as seq, count(*)::int4 as count from outbox where suppressed = any($1::int8[]) group by suppressed',
    [optOuts.map(({ seq }) => BigInt(seq))],
  )
  // A claim that has run out is of a sender all the same: it may have sent, and not said so yet.
  const held = await database.query<{ seq: bigint; count: number }>(
    'select withdrawn as seq, count(*)::int4 as count from outbox where withdrawn = any($1::int8[]) and suppressed is null group by withdrawn',
    [optOuts.map(({ seq }) => BigInt(seq))],
  )
  const effects: OptOutEffects[] = []
  for (const { subject, channel, time, seq, recorded } of optOuts) {
    const [flagged] = await database.query<{ count: number }>(
      `select count(*)::int4 as count from action
       where subject = $1 and personal and ($2::text is null or channel = $2) and state in ('claimed', 'sent', 'failed')
         and greatest(released_at, (select max(at) from action_claim where action = action.seq)) >= $3`,
      [subject, channel ?? null, BigInt(time)],
    )
    effects.push({
      suppressed: suppressed.find((row) => Number(row.seq) === seq)?.count ?? 0,
      withSenders: held.find((row) => Number(row.seq) === seq)?.count ?? 0,
      flagged: flagged!.count,
      suppressedAfter: (parseTime(recorded)! - time) / SECOND,
    })
  }
  return effects
}

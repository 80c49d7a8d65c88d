// What gates were told of actions when they were judged, worked out again from what is on record: consent as it was known
// then, how often the person had been reached by then, whose the addresses were. The time is that of the record.
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ConsentQuestion, ConsentVerdict } from '../../rules/consent/verdict.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { GateFacts } from '../../rules/gates/gate.ts'
import type { Database } from '../../store/database.ts'
import { whose } from './contacts.ts'
import { REMEMBERED } from './outbox.ts'
import { proposalOf } from './recorded.ts'
import type { OpenedAction } from './recorded.ts'

export interface HindsightParts {
  ledger: Ledger
  database: Database
  /** What a check answered when the log had so many records. */
  consent(question: ConsentQuestion, asOf: number): Promise<ConsentVerdict>
}

/** The facts of each action, in their order. The tables must have reached the actions. */
export async function hindsight(
  { ledger, database, consent }: HindsightParts,
  actions: readonly OpenedAction[],
): Promise<GateFacts[]> {
  const releases = await releasesTo(database, actions)
  const facts: GateFacts[] = []
  for (const action of actions) {
    const { seq, subject, personal } = action
    const copy = action.proposal.output?.copy ?? []
    const proposal = proposalOf(action.proposal, copy)
    const { purpose, channel, jurisdiction } = proposal
    const at = parseTime(action.recorded)!
    const known = (releases.get(`${subject} ${channel ?? ''}`) ?? []).filter(
      (one) => one.at < at || (one.at === at && one.seq < seq),
    )
    facts.push({
      proposal,
      copy,
      at,
      consent: personal ? await consent({ subject, purpose, channel, jurisdiction, at }, seq) : undefined,
      sends: (window) => known.filter((one) => one.at >= at - window).length,
      contact: (identifier) => whose(ledger, identifier, subject, seq),
    })
  }
  return facts
}

interface Release {
  readonly seq: number
  readonly at: number
}

/** Releases by person and channel, as far back as any of the actions could ask. */
async function releasesTo(database: Database, actions: readonly OpenedAction[]): Promise<Map<string, Release[]>> {
  if (actions.length === 0) return new Map()
  const times = actions.map(({ recorded }) => parseTime(recorded)!)
  const rows = await database.query<{ seq: bigint; subject: string; channel: string | null; at: bigint }>(
    `select seq, subject, channel, released_at as at from action
     where subject = any($1::text[]) and released_at >= $2 and released_at <= $3`,
    [
      [...new Set(actions.map(({ subject }) => subject))],
      BigInt(Math.min(...times) - REMEMBERED),
      BigInt(Math.max(...times)),
    ],
  )
  const releases = new Map<string, Release[]>()
  for (const { seq, subject, channel, at } of rows) {
    const key = `${subject} ${channel ?? ''}`
    const known = releases.get(key)
    const release = { seq: Number(seq), at: Number(at) }
    if (known) known.push(release)
    else releases.set(key, [release])
  }
  return releases
}

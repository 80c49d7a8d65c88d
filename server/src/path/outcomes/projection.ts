// Outcomes as tables, tied to their actions. Which action an outcome is tied to does not depend on the order of arrival:
// of a message the first delivery that names it counts, and what came before it is tied when it comes.
import { kindOf } from '../../record/ledger/entry.ts'
import type { FollowedRecord, Projection } from '../../record/projection/follower.ts'
import type { HmacKey } from '../../record/subjects/hmac.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Transaction } from '../../store/database.ts'
import type { KeptProposal } from '../actions/recorded.ts'
import { addressDigest, LATE, OUTCOMES } from './recorded.ts'
import type { OutcomeContent } from './recorded.ts'

/** Stands after the projection of actions: in each batch theirs are in their tables first. */
export function outcomeProjection(idKey: HmacKey): Projection {
  return {
    tables: ['outcome', 'outcome_message', 'outcome_address', 'undeliverable'],
    kinds: ['action', 'delivery', 'event', 'undeliverable'],
    async apply(tx, records) {
      const ours = records.filter(({ entry }) => kindOf(entry) !== 'event' || entry.stream === OUTCOMES)
      for (let from = 0; from < ours.length;) {
        const kind = kindOf(ours[from]!.entry)
        let to = from + 1
        while (to < ours.length && kindOf(ours[to]!.entry) === kind) to++
        const run = ours.slice(from, to)
        if (kind === 'action') await noteAddresses(tx, run, idKey)
        else if (kind === 'delivery') await noteMessages(tx, run)
        else if (kind === 'event') await noteOutcomes(tx, run)
        else await noteUndeliverable(tx, run)
        from = to
      }
    },
  }
}

/** The address of a proposal: its own, or the identifier of the person where that is one. */
export function addressOf({ address, entity }: Pick<KeptProposal, 'address' | 'entity'>): string | undefined {
  return address ?? (entity?.includes('@') ? entity : undefined)
}

async function noteAddresses(tx: Transaction, records: readonly FollowedRecord[], idKey: HmacKey): Promise<void> {
  const rows: unknown[][] = []
  for (const { seq, open } of records) {
    const opened = open()
    if (opened.state !== 'open') continue
    const address = addressOf(JSON.parse(Buffer.from(opened.content).toString('utf8')) as KeptProposal)
    if (address !== undefined) rows.push([BigInt(seq), addressDigest(idKey, address), opened.subject])
  }
  if (rows.length === 0) return
  await tx.copy(
    'outcome_address',
    [
      { name: 'action', type: 'int8' },
      { name: 'address', type: 'text' },
      { name: 'subject', type: 'text' },
    ],
    rows,
  )
}

async function noteMessages(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  const rows = records.flatMap(({ seq, entry: { refs }, open }) => {
    if (refs.message === undefined || refs.status === 'returned') return []
    const opened = open()
    return opened.state === 'open'
      ? [{ seq, message: refs.message, action: refs.action!, subject: opened.subject }]
      : []
  })
  if (rows.length === 0) return
  await tx.query(
    `insert into outcome_message (message, action, subject, seq)
     select distinct on (message) message, action, subject, seq
     from unnest($1::text[], $2::int8[], $3::text[], $4::int8[]) as given (message, action, subject, seq)
     order by message, seq
     on conflict do nothing`,
    [
      rows.map(({ message }) => message),
      rows.map(({ action }) => BigInt(action)),
      rows.map(({ subject }) => subject),
      rows.map(({ seq }) => BigInt(seq)),
    ],
  )
  await tx.query(
    `update outcome set action = known.action, tie = 'message', tied = known.seq
     from outcome_message known
     where outcome.action is null and outcome.message = known.message and known.message = any($1::text[])`,
    [rows.map(({ message }) => message)],
  )
  await describe(
    tx,
    'seq in (select outcome.seq from outcome join outcome_message known on known.message = outcome.message where known.message = any($1::text[]))',
    rows.map(({ message }) => message),
  )
}

async function noteOutcomes(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  const rows: unknown[][] = []
  for (const { seq, entry, open } of records) {
    const { refs } = entry
    const opened = open()
    if (opened.state !== 'open') continue
    const content = JSON.parse(Buffer.from(opened.content).toString('utf8')) as OutcomeContent
    const time = parseTime(String(opened.header.time))!
    const recorded = parseTime(entry.recorded)!
    rows.push([
      BigInt(seq),
      refs.action === undefined ? null : BigInt(refs.action),
      refs.tie ?? null,
      refs.action === undefined ? null : BigInt(seq),
      opened.subject,
      opened.subject,
      opened.header.unowned === true,
      content.type,
      BigInt(time),
      BigInt(recorded),
      content.provider,
      content.webhook ?? null,
      refs.message ?? null,
      recorded - time > LATE,
      opened.header.campaign ?? null,
      String(opened.header.channel),
    ])
  }
  if (rows.length === 0) return
  await tx.copy(
    'outcome',
    [
      { name: 'seq', type: 'int8' },
      { name: 'action', type: 'int8' },
      { name: 'tie', type: 'text' },
      { name: 'tied', type: 'int8' },
      { name: 'subject', type: 'text' },
      { name: 'sealed', type: 'text' },
      { name: 'unowned', type: 'bool' },
      { name: 'type', type: 'text' },
      { name: 'time', type: 'int8' },
      { name: 'recorded', type: 'int8' },
      { name: 'provider', type: 'text' },
      { name: 'webhook', type: 'text' },
      { name: 'message', type: 'text' },
      { name: 'late', type: 'bool' },
      { name: 'campaign', type: 'text' },
      { name: 'channel', type: 'text' },
    ],
    rows,
  )
  const seqs = rows.map(([seq]) => seq)
  await tx.query(
    `update outcome set action = known.action, tie = 'message', tied = outcome.seq
     from outcome_message known
     where outcome.seq = any($1::int8[]) and outcome.action is null and known.message = outcome.message`,
    [seqs],
  )
  await describe(tx, 'seq = any($1::int8[])', seqs)
}

/** What the action of an outcome says of it: whose it is, and by what monitors group. */
async function describe(tx: Transaction, which: string, values: readonly unknown[]): Promise<void> {
  await tx.query(
    `update outcome set subject = action.subject, campaign = action.campaign, creative = action.creative,
       agent = action.actor, prompt = action.prompt, model = action.model, channel = action.channel,
       environment = action.environment
     from action where action.seq = outcome.action and action.subject is not null and outcome.${which}`,
    [values],
  )
}

async function noteUndeliverable(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  for (const { seq, entry, open } of records) {
    const opened = open()
    if (opened.state !== 'open') continue
    const { channel, address, lifted } = entry.refs
    if (lifted === 'true')
      await tx.query('delete from undeliverable where subject = $1 and channel = $2 and address = $3', [
        opened.subject,
        channel,
        address,
      ])
    else
      await tx.query(
        `insert into undeliverable (subject, channel, address, seq) values ($1, $2, $3, $4) on conflict do nothing`,
        [opened.subject, channel, address, BigInt(seq)],
      )
  }
}

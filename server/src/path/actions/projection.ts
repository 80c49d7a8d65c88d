// Actions and the outbox as tables: for questions, reports, and the next start. What decides is outbox.ts.
import type { FollowedRecord, Projection } from '../../record/projection/follower.ts'
import type { Transaction } from '../../store/database.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import { ends, footingOf } from '../../rules/actions/footing.ts'
import { restsOn, scopesOf } from '../../rules/actions/scope.ts'
import type { ScopeKey } from '../../rules/actions/scope.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { saidBy, SAYINGS } from './said.ts'

export const actionProjection: Projection = {
  tables: ['action', 'action_source', 'action_rests', 'action_review', 'outbox', 'action_claim', 'action_delivery'],
  kinds: ['action', 'review', 'claim', 'delivery', 'recall', ...SAYINGS],
  async apply(tx, records) {
    // In runs of one kind: each in few statements, and in the order of the log.
    for (let from = 0; from < records.length;) {
      const kind = kindOf(records[from]!.entry)
      let to = from + 1
      while (to < records.length && kindOf(records[to]!.entry) === kind) to++
      await apply[kind]!(tx, records.slice(from, to))
      from = to
    }
  },
}

const apply: Record<string, (tx: Transaction, records: readonly FollowedRecord[]) => Promise<void>> = {
  async action(tx, records) {
    const rows: unknown[][] = []
    const released: { seq: number; subject: string; refs: Record<string, string> }[] = []
    for (const record of records) {
      const { refs, recorded } = record.entry
      const opened = record.open()
      const at = parseTime(opened.state === 'open' ? String(opened.header.time) : recorded)!
      const isReleased = refs.decision === 'released' && refs.shadow === undefined
      const state = refs.shadow !== undefined ? 'shadow' : isReleased ? 'queued' : refs.decision!
      const recordedAt = BigInt(parseTime(recorded)!)
      if (opened.state === 'open' && isReleased) released.push({ seq: record.seq, subject: opened.subject, refs })
      rows.push([
        BigInt(record.seq),
        opened.state === 'open' ? opened.subject : null,
        refs.personal === 'true',
        refs.type,
        refs.actor,
        opened.state === 'open' ? (refs.campaign ?? null) : null,
        opened.state === 'open' ? (refs.creative ?? null) : null,
        refs.model ?? null,
        refs.prompt ?? null,
        refs.purpose,
        refs.channel ?? null,
        refs.environment,
        BigInt(at),
        recordedAt,
        isReleased ? recordedAt : null,
        opened.state === 'open' ? state : 'erased',
        refs.shadow !== undefined,
      ])
    }
    await tx.copy(
      'action',
      [
        { name: 'seq', type: 'int8' },
        { name: 'subject', type: 'text' },
        { name: 'personal', type: 'bool' },
        { name: 'type', type: 'text' },
        { name: 'actor', type: 'text' },
        { name: 'campaign', type: 'text' },
        { name: 'creative', type: 'text' },
        { name: 'model', type: 'text' },
        { name: 'prompt', type: 'text' },
        { name: 'purpose', type: 'text' },
        { name: 'channel', type: 'text' },
        { name: 'environment', type: 'text' },
        { name: 'at', type: 'int8' },
        { name: 'recorded_at', type: 'int8' },
        { name: 'released_at', type: 'int8' },
        { name: 'state', type: 'text' },
        { name: 'shadow', type: 'bool' },
      ],
      rows,
    )
    await queue(
      tx,
      released.map(({ seq, subject, refs }) => ({ seq, released: seq, subject, refs })),
    )
    const rests = records.flatMap(({ seq, entry }) => restsOn(entry.refs).map((model) => [BigInt(seq), model]))
    if (rests.length > 0)
      await tx.copy(
        'action_rests',
        [
          { name: 'action', type: 'int8' },
          { name: 'model', type: 'text' },
        ],
        rests,
      )
    for (const source of new Set(records.map(({ entry }) => entry.source)))
      await tx.query('insert into action_source (source) values ($1) on conflict do nothing', [source])
  },

  async review(tx, records) {
    for (const { seq, entry, open } of records) {
      const { refs } = entry
      const action = BigInt(refs.action!)
      const at = BigInt(parseTime(entry.recorded)!)
      await tx.query(
        `insert into action_review (seq, action, step, reviewer, assigned, due, statement, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          BigInt(seq),
          action,
          refs.step,
          entry.actor,
          refs.assigned ?? null,
          refs.due === undefined ? null : BigInt(parseTime(refs.due)!),
          refs.statement ?? null,
          at,
        ],
      )
      if (refs.decision === undefined) continue
      const released = refs.decision === 'released'
      await tx.query(
        'update action set state = case when subject is null then state else $2 end, released_at = $3 where seq = $1',
        [action, released ? 'queued' : refs.decision, released ? at : null],
      )
      const opened = released ? open() : undefined
      if (opened?.state === 'open')
        await queue(tx, [{ seq: Number(action), released: seq, subject: opened.subject, refs }])
    }
  },

  async claim(tx, records) {
    const columns = [
      records.map(({ seq }) => BigInt(seq)),
      records.map(({ entry }) => BigInt(entry.refs.action!)),
      records.map(({ entry }) => BigInt(parseTime(entry.recorded)!)),
      records.map(({ entry }) => BigInt(parseTime(entry.refs.until!)!)),
      records.map(({ entry }) => entry.actor),
    ]
    await tx.query(
      `insert into action_claim (seq, action, at, until, claimant)
       select * from unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::text[])`,
      columns,
    )
    await tx.query(
      `update outbox set claim = latest.claim, until = latest.until, attempts = attempts + latest.claims
       from (select action, max(claim) as claim, (array_agg(until order by claim desc))[1] as until, count(*)::int4 as claims
         from unnest($1::int8[], $2::int8[], $3::int8[]) as given (claim, action, until) group by action) latest
       where seq = action`,
      [columns[0], columns[1], columns[3]],
    )
    await tx.query(`update action set state = 'claimed' where seq = any($1::int8[]) and subject is not null`, [
      columns[1],
    ])
  },

  async delivery(tx, records) {
    for (const { seq, entry } of records) {
      const { action, claim, status, late, withdrawn, message } = entry.refs
      const at = BigInt(parseTime(entry.recorded)!)
      await tx.query(
        `insert into action_delivery (seq, action, claim, at, status, late, withdrawn) values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          BigInt(seq),
          BigInt(action!),
          BigInt(claim!),
          at,
          status,
          late === 'true',
          withdrawn === undefined ? null : BigInt(withdrawn),
        ],
      )
      const key = BigInt(action!)
      if (status !== 'returned') {
        await tx.query(
          'update action set state = $2, message = coalesce($3, message) where seq = $1 and subject is not null',
          [key, status, message ?? null],
        )
        await tx.query('delete from outbox where seq = $1', [key])
        continue
      }
      // Somebody else may have it by now.
      const [row] = await tx.query<{ withdrawn: bigint | null }>(
        'select withdrawn from outbox where seq = $1 and claim = $2',
        [key, BigInt(claim!)],
      )
      if (!row) continue
      const state = row.withdrawn === null ? 'queued' : 'suppressed'
      await tx.query('update action set state = $2 where seq = $1', [key, state])
      await tx.query('update outbox set claim = null, until = null, suppressed = withdrawn where seq = $1', [key])
    }
  },

  async recall(tx, records) {
    for (const { seq, entry } of records) {
      const waiting = await tx.query<{ seq: bigint; refs: Record<string, string>; claim: bigint | null }>(
        'select seq, refs, claim from outbox where suppressed is null',
      )
      const covered = waiting.filter(({ refs }) => scopesOf(refs).includes(entry.refs.scope as ScopeKey))
      const [free, claimed] = [
        covered.filter(({ claim }) => claim === null),
        covered.filter(({ claim }) => claim !== null),
      ]
      const seqs = (rows: typeof covered): bigint[] => rows.map((row) => row.seq)
      const by = BigInt(seq)
      await tx.query('update outbox set withdrawn = coalesce(withdrawn, $2) where seq = any($1::int8[])', [
        seqs(claimed),
        by,
      ])
      await tx.query('update outbox set suppressed = $2 where seq = any($1::int8[])', [seqs(free), by])
      await tx.query("update action set state = 'recalled' where seq = any($1::int8[])", [seqs(free)])
    }
  },

  consent: suppress,
  objection: suppress,
  conflict: suppress,
}

interface Queued {
  seq: number
  released: number
  subject: string
  refs: Readonly<Record<string, string>>
}

async function queue(tx: Transaction, rows: readonly Queued[]): Promise<void> {
  if (rows.length === 0) return
  await tx.copy(
    'outbox',
    [
      { name: 'seq', type: 'int8' },
      { name: 'released', type: 'int8' },
      { name: 'subject', type: 'text' },
      { name: 'refs', type: 'jsonb' },
      { name: 'not_before', type: 'int8' },
      { name: 'attempts', type: 'int4' },
    ],
    rows.map(({ seq, released, subject, refs }) => [
      BigInt(seq),
      BigInt(released),
      subject,
      refs,
      BigInt(refs.notBefore === undefined ? 0 : parseTime(refs.notBefore)!),
      0,
    ]),
  )
}

/** Takes out of the outbox what somebody's words end; of what a sender has already, the words are noted. */
async function suppress(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  const said = records.flatMap((record) => {
    const opened = record.open()
    const words = saidBy(record, opened)
    return opened.state === 'open' && words.length > 0 ? [{ seq: record.seq, subject: opened.subject, words }] : []
  })
  if (said.length === 0) return
  const rows = await tx.query<{ seq: bigint; subject: string; refs: Record<string, string>; claim: bigint | null }>(
    'select seq, subject, refs, claim from outbox where subject = any($1::text[]) and suppressed is null',
    [[...new Set(said.map(({ subject }) => subject))]],
  )
  for (const { seq, subject, refs, claim } of rows) {
    const footing = footingOf(refs)
    const first = said.find((one) => one.subject === subject && one.words.some((words) => ends(words, footing)))
    if (first === undefined) continue
    const by = BigInt(first.seq)
    if (claim !== null) {
      await tx.query('update outbox set withdrawn = coalesce(withdrawn, $2) where seq = $1', [seq, by])
      continue
    }
    await tx.query('update outbox set suppressed = $2 where seq = $1', [seq, by])
    await tx.query("update action set state = 'suppressed' where seq = $1", [seq])
  }
}

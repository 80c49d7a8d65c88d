// Spans on the ledger: how they stand there, and how they are found.
import type { SpanSaid, Trace, TraceSpan } from '@whence/sdk'
import type { OpenedRecord } from '../../record/ledger/ledger.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { actionOf, byStart, witnessesOf } from '../../rules/traces/action.ts'
import type { Database } from '../../store/database.ts'

export const SPAN_STREAM = 'whence.traces'

/** Spans of one trace that are shown, and traces that are shown of one action. */
const MOST_SPANS = 2000
const MOST_TRACES = 20
/** Spans opened in one turn of the event loop: others get theirs. */
const TURN = 64

export const spanProjection: Projection = {
  tables: ['span'],
  kinds: ['span'],
  async apply(tx, records) {
    const rows = records.flatMap((record) => {
      const opened = record.open()
      if (opened.state !== 'open') return []
      const { trace, action } = saidOf(opened)
      return [[BigInt(record.seq), trace, action?.id ?? null, opened.subject || null]]
    })
    await tx.copy(
      'span',
      [
        { name: 'seq', type: 'int8' },
        { name: 'trace', type: 'text' },
        { name: 'action', type: 'text' },
        { name: 'subject', type: 'text' },
      ],
      rows,
    )
  },
}

export interface SpanTables {
  readonly ledger: Ledger
  readonly follower: Follower
  readonly database: Database
}

/** The traces of which a span names the action. `action` is its keyed digest. */
export async function tracesOfAction(tables: SpanTables, action: string): Promise<string[]> {
  await tables.follower.reach('span')
  const rows = await tables.database.query<{ trace: string }>(
    'select trace, min(seq) as first from span where action = $1 group by trace order by first limit $2',
    [action, MOST_TRACES],
  )
  return rows.map(({ trace }) => trace)
}

/** A trace as it stands on record; undefined where nothing of it does. Throws `altered`. */
export async function traceOf(tables: SpanTables, trace: string): Promise<Trace | undefined> {
  const { ledger, follower, database } = tables
  await follower.reach('span')
  const asOf = follower.next
  const rows = await database.query<{ seq: bigint }>('select seq from span where trace = $1 order by seq limit $2', [
    trace,
    MOST_SPANS + 1,
  ])
  const spans: TraceSpan[] = []
  for (const [i, { seq }] of rows.slice(0, MOST_SPANS).entries()) {
    if (i % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
    const opened = ledger.open(Number(seq))
    // Erased since the tables were asked.
    if (opened.state === 'open') spans.push(spanOf(opened))
  }
  if (spans.length === 0) return undefined
  spans.sort((a, b) => byStart(a, b) || a.seq - b.seq)
  const actions = witnessesOf(spans).map(actionOf)
  return { trace, asOf, spans, actions, ...(rows.length > MOST_SPANS ? { more: true } : {}) }
}

type Open = Extract<OpenedRecord, { state: 'open' }>

function spanOf(opened: Open): TraceSpan {
  const masked = opened.header.masked as Record<string, string> | undefined
  return {
    ...saidOf(opened),
    seq: opened.seq,
    source: opened.entry.source,
    ...(opened.subject === '' ? {} : { subject: opened.subject }),
    ...(masked === undefined ? {} : { masked }),
  }
}

function saidOf(opened: Open): SpanSaid {
  return JSON.parse(Buffer.from(opened.content).toString('utf8')) as SpanSaid
}

// What the tables know of streams: counts, sequence numbers, quarantine.
import { kindOf } from '../../record/ledger/entry.ts'
import type { FollowedRecord, Projection } from '../../record/projection/follower.ts'
import type { Transaction } from '../../store/database.ts'
import { joinRanges } from './ranges.ts'

export const recordCountProjection: Projection = {
  tables: ['record_count'],
  kinds: ['*'],
  async apply(tx, records) {
    await addCounts(
      tx,
      'record_count',
      ['kind'],
      count(records, (record) => [kindOf(record.entry)]),
    )
  },
}

export const eventProjection: Projection = {
  tables: ['stream_count', 'sequence_range', 'quarantine'],
  kinds: ['event', 'conflict', 'release'],
  async apply(tx, records) {
    await addCounts(
      tx,
      'stream_count',
      ['stream', 'outcome'],
      count(records, ({ entry }) => [
        entry.stream,
        kindOf(entry) === 'release' ? 'released' : (entry.refs.outcome ?? 'unknown'),
      ]),
    )
    await widenRanges(tx, records)
    for (const { seq, entry } of records) {
      if (kindOf(entry) === 'release') {
        await tx.query('update quarantine set released = $2 where seq = $1', [BigInt(entry.refs.of!), BigInt(seq)])
      } else if (entry.refs.outcome === 'quarantined' || kindOf(entry) === 'conflict') {
        await tx.query('insert into quarantine (seq, stream, source, reason) values ($1, $2, $3, $4)', [
          BigInt(seq),
          entry.stream,
          entry.source,
          kindOf(entry) === 'conflict' ? 'conflict' : 'contract',
        ])
      }
    }
  },
}

function count(
  records: readonly FollowedRecord[],
  key: (record: FollowedRecord) => string[],
): Map<string, { key: string[]; n: number }> {
  const counts = new Map<string, { key: string[]; n: number }>()
  for (const record of records) {
    const parts = key(record)
    const name = parts.join('\0')
    const entry = counts.get(name)
    if (entry) entry.n++
    else counts.set(name, { key: parts, n: 1 })
  }
  return counts
}

async function addCounts(
  tx: Transaction,
  table: string,
  columns: string[],
  counts: Map<string, { key: string[]; n: number }>,
): Promise<void> {
  const slots = columns.map((_, i) => `$${i + 1}`).join(', ')
  for (const { key, n } of counts.values()) {
    await tx.query(
      `insert into ${table} (${columns.join(', ')}, records) values (${slots}, $${columns.length + 1})
       on conflict (${columns.join(', ')}) do update set records = ${table}.records + excluded.records`,
      [...key, BigInt(n)],
    )
  }
}

/** Joins the sequence numbers of a batch to the ranges seen so far. */
async function widenRanges(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  const numbers = new Map<string, { stream: string; source: string; seen: number[] }>()
  for (const { entry } of records) {
    // The numbers of an emitter are its own, not the source's.
    if (entry.n === undefined || entry.refs.emitter !== undefined || kindOf(entry) !== 'event') continue
    const key = `${entry.stream}\0${entry.source}`
    const group = numbers.get(key)
    if (group) group.seen.push(entry.n)
    else numbers.set(key, { stream: entry.stream, source: entry.source, seen: [entry.n] })
  }
  for (const { stream, source, seen } of numbers.values()) {
    const fresh = joinRanges(seen.map((n) => ({ first: n, last: n })))
    const low = fresh[0]!.first - 1
    const high = fresh.at(-1)!.last + 1
    const touched = await tx.query<{ first: bigint; last: bigint }>(
      'delete from sequence_range where stream = $1 and source = $2 and last >= $3 and first <= $4 returning first, last',
      [stream, source, BigInt(low), BigInt(high)],
    )
    const joined = joinRanges([
      ...fresh,
      ...touched.map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
    ])
    await tx.copy(
      'sequence_range',
      [
        { name: 'stream', type: 'text' },
        { name: 'source', type: 'text' },
        { name: 'first', type: 'int8' },
        { name: 'last', type: 'int8' },
      ],
      joined.map(({ first, last }) => [stream, source, BigInt(first), BigInt(last)]),
    )
  }
}

// What emitters say of themselves, recorded as their word; and which of their numbers stand on the ledger, held against it.
import type { Emission, EmissionReceipts, EmissionReport, Emitter, Emitters } from '@whence/sdk'
import { hash } from 'node:crypto'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { FollowedRecord, Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Database, Transaction } from '../../store/database.ts'
import { joinRanges } from './ranges.ts'

const STREAM = 'whence.emissions'
const MOST_GAPS = 100

export const emissionProjection: Projection = {
  tables: ['emission', 'emitter_range'],
  kinds: ['*'],
  async apply(tx, records) {
    await widen(tx, records)
    for (const record of records) {
      if (kindOf(record.entry) !== 'emission') continue
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { stream, emitter } = record.entry.refs
      await tx.query(
        `insert into emission (stream, source, emitter, seq, body) values ($1, $2, $3, $4, $5)
         on conflict (stream, source, emitter) do update set seq = excluded.seq, body = excluded.body`,
        [stream, record.entry.source, emitter, BigInt(record.seq), Buffer.from(opened.content).toString('utf8')],
      )
    }
  },
}

/** Joins the numbers of these records to the ranges seen so far. What came late closes its gap. */
async function widen(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
  const emitted = records.filter(({ entry }) => entry.n !== undefined && entry.refs.emitter !== undefined)
  const groups = Map.groupBy(emitted, ({ entry }) => `${entry.stream}\0${entry.source}\0${entry.refs.emitter}`)
  for (const group of groups.values()) {
    const { stream, source, refs } = group[0]!.entry
    // A record of many says how many numbers it stands for.
    const fresh = joinRanges(
      group.map(({ entry }) => ({ first: entry.n!, last: entry.n! + Number(entry.refs.count ?? 1) - 1 })),
    )
    const touched = await tx.query<{ first: bigint; last: bigint }>(
      `delete from emitter_range where stream = $1 and source = $2 and emitter = $3 and last >= $4 and first <= $5
       returning first, last`,
      [stream, source, refs.emitter, BigInt(fresh[0]!.first - 1), BigInt(fresh.at(-1)!.last + 1)],
    )
    const joined = joinRanges([
      ...fresh,
      ...touched.map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
    ])
    await tx.copy(
      'emitter_range',
      [
        { name: 'stream', type: 'text' },
        { name: 'source', type: 'text' },
        { name: 'emitter', type: 'text' },
        { name: 'first', type: 'int8' },
        { name: 'last', type: 'int8' },
      ],
      joined.map(({ first, last }) => [stream, source, refs.emitter!, BigInt(first), BigInt(last)]),
    )
  }
}

export class Emissions {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** Records what an emitter says of itself, a record a stream; the same again is a duplicate. */
  async report(emitter: string, { emissions }: EmissionReport, caller: Caller): Promise<EmissionReceipts> {
    const drafts = emissions.map((emission): Draft => {
      const content = Buffer.from(JSON.stringify({ emitter, ...emission }))
      return {
        kind: 'emission/1',
        stream: STREAM,
        source: caller.source,
        id: `sha256:${hash('sha256', content, 'hex')}`,
        time: this.#clock.now(),
        refs: { emitter, stream: emission.stream },
        content,
      }
    })
    const results = (await this.#ledger.append(drafts, { actor: caller.id })) as Appended[]
    const receipts = results.map((result) => {
      if (result.status === 'refused') throw result.fault
      const { erased: _, ...receipt } = result
      return receipt
    })
    return { receipts }
  }

  /** All emitters that have said something of themselves, or of which numbers stand on the ledger. */
  async emitters(stream?: string): Promise<Emitters> {
    await this.#follower.reach()
    const asOf = this.#follower.next
    const said = await this.#database.query<{
      stream: string
      source: string
      emitter: string
      seq: bigint
      body: string
    }>(
      'select * from emission where $1::text is null or stream = $1 order by stream collate "C", source collate "C", emitter collate "C"',
      [stream ?? null],
    )
    const ranges = await this.#database.query<{
      stream: string
      source: string
      emitter: string
      first: bigint
      last: bigint
    }>(
      'select * from emitter_range where $1::text is null or stream = $1 order by stream collate "C", source collate "C", emitter collate "C", first',
      [stream ?? null],
    )
    const key = (row: { stream: string; source: string; emitter: string }): string =>
      JSON.stringify([row.stream, row.source, row.emitter])
    const byKey = Map.groupBy(ranges, key)
    const words = new Map(said.map((row) => [key(row), row]))
    const emitters = [...new Set([...words.keys(), ...byKey.keys()])].toSorted().map((each) => {
      const word = words.get(each)
      const { emitter: _, ...emission } = word ? (JSON.parse(word.body) as Emission & { emitter: string }) : {}
      return account(
        JSON.parse(each) as [string, string, string],
        (byKey.get(each) ?? []).map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
        word ? { said: emission as Emission, saidAt: Number(word.seq) } : undefined,
      )
    })
    return { emitters, asOf }
  }
}

type Word = Required<Pick<Emitter, 'said' | 'saidAt'>>

/** Holds an emitter's word against its numbers: what is missing, and how much of that it does not account for. */
export function account(
  [stream, source, emitter]: readonly [string, string, string],
  ranges: readonly { first: number; last: number }[],
  word: Word | undefined,
): Emitter {
  const gaps: Emitter['gaps'] = []
  let numbers = 0
  let highest = 0
  for (const { first, last } of ranges) {
    if (first > highest + 1) gaps.push({ from: highest + 1, to: first - 1 })
    numbers += last - first + 1
    highest = last
  }
  const missing = highest - numbers
  // A repeat or a refusal has used up a number without a record of its own; so has what was dropped.
  const { duplicate = 0, refused = 0, dropped = 0, unknown = 0 } = word?.said ?? {}
  const told = duplicate + refused + dropped + unknown
  return {
    stream,
    source,
    emitter,
    ...word,
    numbers,
    highest,
    missing,
    unexplained: Math.max(0, missing - told),
    gaps: gaps.slice(0, MOST_GAPS),
  }
}

// The batches on record, as the log has them and as erasures have left their files.
import type { PredictionBatchRecord } from '@whence/sdk'
import { Fault } from '../../../fault.ts'
import type { Ledger } from '../../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../../record/projection/follower.ts'
import { Kept } from '../../../record/projection/kept.ts'
import { identityOf, placeBytes } from '../../../record/subjects/seal.ts'
import type { Micros } from '../../../record/time.ts'
import { parseTime } from '../../../rules/contracts/time.ts'
import type { Database } from '../../../store/database.ts'
import { STREAM } from '../recorded.ts'
import type { BatchName } from './row.ts'

/** The payload of a `predictions/1` record, and where it stands. */
export type Batch = PredictionBatchRecord & BatchName & { seq: number }

/** Which batches: all conditions hold together. */
export interface BatchChoice {
  /** `name@N`. */
  readonly models: readonly string[]
  /** Versions of which only what was made from one of these snapshots is meant. */
  readonly served?: { readonly models: readonly string[]; readonly snapshots: readonly number[] }
  /** Recorded before this position. */
  readonly before: number
  /** With rows that may have been made then: from <= time < to. */
  readonly from?: Micros | undefined
  readonly to?: Micros | undefined
}

export const batchProjection: Projection = {
  tables: ['prediction_batch'],
  kinds: ['predictions'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const text = Buffer.from(opened.content).toString('utf8')
      const { model, snapshot, rows, from, to } = JSON.parse(text) as PredictionBatchRecord
      await tx.query(
        `insert into prediction_batch (seq, source, model, snapshot, rows, first_at, last_at, body)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)`,
        [
          BigInt(record.seq),
          record.entry.source,
          model,
          snapshot === undefined ? null : BigInt(snapshot),
          BigInt(rows),
          BigInt(parseTime(from)!),
          BigInt(parseTime(to)!),
          text,
        ],
      )
    }
  },
}

interface Stored {
  seq: bigint
  source: string
  body: PredictionBatchRecord
}

export class BatchBook {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database

  readonly #all: Kept<readonly Batch[]>

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#all = new Kept(parts.follower, ['predictions'])
  }

  /** Every batch, newest first. */
  all(): Promise<readonly Batch[]> {
    return this.#all.of('', () => this.list())
  }

  /** Where the batch of this name stands, if it is on record. */
  find({ source, batch }: BatchName): number | undefined {
    const place = placeBytes({ kind: 'predictions/1', stream: STREAM, source, id: batch })
    return this.#ledger.find(identityOf(this.#ledger.subjects.idKey, place))
  }

  /** A batch by the position of its record. Throws `not_found`. */
  async get(seq: number): Promise<Batch> {
    await this.#follower.reach('predictions')
    const [found] = await this.#database.query<Stored>(
      'select seq, source, body from prediction_batch where seq = $1',
      [BigInt(seq)],
    )
    if (!found) throw new Fault('not_found', `record ${seq} is no batch of predictions`)
    return batchOf(found)
  }

  /** Batches that may hold what is asked for, newest first. A model may be given without its version. */
  async list(
    wanted: {
      model?: string | undefined
      from?: bigint | undefined
      to?: bigint | undefined
      /** At this position or before. */
      upTo?: number
      limit?: number
    } = {},
  ): Promise<Batch[]> {
    await this.#follower.reach('predictions')
    const rows = await this.#database.query<Stored>(
      `select seq, source, body from prediction_batch
       where ($1::text is null or model = $1 or split_part(model, '@', 1) = $1)
         and ($2::int8 is null or last_at >= $2) and ($3::int8 is null or first_at < $3) and ($4::int8 is null or seq <= $4)
       order by seq desc limit $5`,
      [
        wanted.model ?? null,
        wanted.from ?? null,
        wanted.to ?? null,
        wanted.upTo === undefined ? null : BigInt(wanted.upTo),
        wanted.limit === undefined ? null : BigInt(wanted.limit),
      ],
    )
    return rows.map(batchOf)
  }

  /** Batches of versions of models, in the order of the log. */
  async chosen({ models, served, before, from, to }: BatchChoice): Promise<Batch[]> {
    await this.#follower.reach('predictions')
    const rows = await this.#database.query<Stored>(
      `select seq, source, body from prediction_batch
       where (model = any($1::text[]) or (model = any($2::text[]) and snapshot = any($3::int8[])))
         and seq < $4 and ($5::int8 is null or last_at >= $5) and ($6::int8 is null or first_at < $6)
       order by seq`,
      [
        [...models],
        [...(served?.models ?? [])],
        (served?.snapshots ?? []).map(BigInt),
        BigInt(before),
        from === undefined ? null : BigInt(from),
        to === undefined ? null : BigInt(to),
      ],
    )
    return rows.map(batchOf)
  }

  /** The model versions of batches that were made from snapshots. */
  async served(snapshots: readonly number[], before: number): Promise<string[]> {
    await this.#follower.reach('predictions')
    const rows = await this.#database.query<{ model: string }>(
      'select distinct model from prediction_batch where snapshot = any($1::int8[]) and seq < $2 order by model',
      [snapshots.map(BigInt), BigInt(before)],
    )
    return rows.map(({ model }) => model)
  }
}

function batchOf({ seq, source, body }: Stored): Batch {
  return { ...body, source, seq: Number(seq) }
}

// Where predictions stand, behind one interface: each with a record of its own, or as rows of a batch. Whoever walks over
// many of them (replay, skew, drift) knows no other way.
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Micros } from '../../record/time.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'
import { predictionOf } from './predictions.ts'
import type { RecordedPrediction } from './predictions.ts'

/** All conditions hold together. */
export interface PredictionFilter {
  /** `name@version`; default: all. */
  models?: readonly string[]
  /** When it was made: from <= time < to. */
  from?: Micros
  to?: Micros
}

/** One prediction, by its place. */
export interface PredictionRef {
  seq: number
  /** Its row, where the record is a batch. */
  row?: number
  model: string
  snapshot?: number
  /** 32 hex digits; absent when the person was erased. */
  subject?: string
}

export type FoundPrediction =
  | {
      readonly state: 'open'
      readonly subject: string
      /** When it was made, as its record says: RFC 3339. */
      readonly time: string
      readonly prediction: RecordedPrediction
    }
  | { readonly state: 'erased' }
  | { readonly state: 'altered'; readonly id?: string; readonly problem: string }

/** Predictions of one kind of keeping. */
export interface PredictionSource {
  /** Those that the filter lets through, in order of seq and row, a bounded number at a time. Erased ones are among them. */
  refs(filter: PredictionFilter): AsyncIterable<readonly PredictionRef[]>
  /** Opens each and checks its record; one result for each, in their order. It never throws for what is altered. */
  open(refs: readonly PredictionRef[]): Promise<FoundPrediction[]>
}

const PAGE = 10_000

/** Predictions that have a record of their own. */
export function singlePredictions(parts: { ledger: Ledger; follower: Follower; database: Database }): PredictionSource {
  const { ledger, follower, database } = parts
  return {
    async *refs({ models, from, to }) {
      await follower.reach('prediction', 'erasure')
      // Of an erased prediction the tables have no time any more; its entry still has the day.
      const onDay = (seq: number): boolean => {
        const start = Date.parse(`${ledger.entry(seq).time.slice(0, 10)}T00:00:00Z`) * 1000
        return (from === undefined || start + DAY > from) && (to === undefined || start < to)
      }
      for (let last = -1n; ;) {
        const rows = await database.query<{
          seq: bigint
          model: string
          snapshot: bigint | null
          subject: string | null
        }>(
          `select seq, model, snapshot, subject from prediction
           where seq > $1 and ($2::text[] is null or model = any($2::text[]))
             and (subject is null or (($3::int8 is null or at >= $3) and ($4::int8 is null or at < $4)))
           order by seq limit ${PAGE}`,
          [last, models ?? null, from === undefined ? null : BigInt(from), to === undefined ? null : BigInt(to)],
        )
        const page = rows.filter(({ seq, subject }) => subject !== null || onDay(Number(seq)))
        yield page.map(({ seq, model, snapshot, subject }) => ({
          seq: Number(seq),
          model,
          ...(snapshot === null ? {} : { snapshot: Number(snapshot) }),
          ...(subject === null ? {} : { subject }),
        }))
        if (rows.length < PAGE) return
        last = rows.at(-1)!.seq
      }
    },

    async open(refs) {
      // One publication for all: only what is published can be held against the signed checkpoint.
      if (refs.some(({ seq }) => seq >= ledger.published)) await ledger.publish()
      return refs.map(({ seq }): FoundPrediction => {
        try {
          const opened = ledger.open(seq)
          if (opened.state !== 'open') return { state: 'erased' }
          if (!ledger.provedIn(seq))
            return { state: 'altered', problem: 'its entry is not under the root of the signed checkpoint' }
          return {
            state: 'open',
            subject: opened.subject,
            time: String(opened.header.time),
            prediction: predictionOf(opened),
          }
        } catch (error) {
          return { state: 'altered', problem: Fault.from(error).message }
        }
      })
    },
  }
}

const DAY = 86_400_000_000

/** Several kinds of keeping as one. A ref with a row belongs to `batches`. */
export function allPredictions(singles: PredictionSource, batches?: PredictionSource): PredictionSource {
  if (!batches) return singles
  return {
    async *refs(filter) {
      yield* singles.refs(filter)
      yield* batches.refs(filter)
    },
    async open(refs) {
      const own = await singles.open(refs.filter(({ row }) => row === undefined))
      const rows = await batches.open(refs.filter(({ row }) => row !== undefined))
      return refs.map(({ row }) => (row === undefined ? own.shift()! : rows.shift()!))
    },
  }
}

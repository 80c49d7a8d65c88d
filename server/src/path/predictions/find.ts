// Finding predictions: those with a record of their own in the table, those of batches in their files.
import type { FindQuery, Found } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { quote, timestamp } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import type { PredictionBatches } from './batches/batches.ts'
import { openSingle } from './recorded.ts'
import type { OpenedPrediction } from './recorded.ts'

type Hit = Found['predictions'][number]

export interface FindParts {
  ledger: Ledger
  database: Database
  batches: Pick<PredictionBatches, 'newest' | 'opened'> & { book: Pick<PredictionBatches['book'], 'list'> }
  asOf: number
  /** Batches that are looked through for one answer. */
  most?: number
}

/** A question that fits few predictions would read the files of all batches: it is answered in parts instead. */
const MOST = 2000
/** Files that one query reads. It begins with one, which is enough for a question that fits many. */
const TOGETHER = 128

interface Wanted {
  subject: string | undefined
  campaign: string | undefined
  /** A name, or `name@version`. */
  model: string | undefined
  from: number | undefined
  to: number | undefined
  /** Only before this position; and at it only rows before this one. */
  before: number
  beforeRow: number | undefined
}

/**
 * Newest first: by position, and in a batch by row. A page may have fewer than were asked for, or none, and another after
 * it: then so many batches were looked through, and `next` says where to go on.
 */
export async function findPredictions(parts: FindParts, query: FindQuery): Promise<Found> {
  const { ledger, asOf } = parts
  const subject =
    query.identifier === undefined ? undefined : ledger.subjects.find(query.subjectType ?? 'customer', query.identifier)
  if (subject === 'erased')
    throw new Fault('not_found', 'this person was erased: what was decided about them can no longer be read')
  if (query.identifier !== undefined && subject === undefined) return { predictions: [], truncated: false, asOf }
  const limit = query.limit ?? 50
  const wanted: Wanted = {
    subject: subject?.id,
    campaign: query.campaign,
    model: query.model?.replace(/@v(\d)/, '@$1'),
    from: query.from === undefined ? undefined : momentOf(query.from),
    to: query.to === undefined ? undefined : momentOf(query.to),
    before: query.before ?? Number.MAX_SAFE_INTEGER,
    beforeRow: query.beforeRow,
  }
  const rows = await inBatches(parts, wanted, limit + 1)
  const single = await singles(parts, wanted, limit + 1)
  // What lies behind the last batch that was looked through comes with the batches that stand between.
  const hits = [...single, ...rows.hits].filter(({ seq }) => seq >= (rows.upTo ?? 0))
  hits.sort((a, b) => b.seq - a.seq || (b.row ?? 0) - (a.row ?? 0))
  const page = hits.slice(0, limit)
  const last = page.at(-1)
  if (hits.length > limit && last) {
    const { seq: next, row: nextRow } = last
    return { predictions: page, truncated: true, next, ...(nextRow === undefined ? {} : { nextRow }), asOf }
  }
  return rows.upTo === undefined
    ? { predictions: page, truncated: false, asOf }
    : { predictions: page, truncated: true, next: rows.upTo, asOf }
}

async function singles({ ledger, database }: FindParts, wanted: Wanted, limit: number): Promise<Hit[]> {
  const conditions: string[] = []
  const params: unknown[] = []
  const where = (condition: string, value: unknown): void => {
    params.push(value)
    conditions.push(condition.replace('?', `$${params.length}`))
  }
  where('seq < ?', BigInt(wanted.before))
  if (wanted.subject !== undefined) where('subject = ?', wanted.subject)
  if (wanted.campaign !== undefined) where('campaign = ?', wanted.campaign)
  if (wanted.model?.includes('@')) where('model = ?', wanted.model)
  else if (wanted.model !== undefined) where("split_part(model, '@', 1) = ?", wanted.model)
  if (wanted.from !== undefined) where('at >= ?', BigInt(wanted.from))
  if (wanted.to !== undefined) where('at < ?', BigInt(wanted.to))
  params.push(limit)
  const rows = await database.query<{ seq: bigint; model: string; snapshot: bigint | null }>(
    `select seq, model, snapshot from prediction where ${conditions.join(' and ')} order by seq desc limit $${params.length}`,
    params,
  )
  return rows.map(({ seq, model, snapshot }) =>
    hitOf(openSingle(ledger, Number(seq)), model, snapshot === null ? undefined : Number(snapshot)),
  )
}

/** `upTo`: the position of the last batch that was looked through, where there are more. */
async function inBatches(
  { batches, most = MOST }: FindParts,
  wanted: Wanted,
  limit: number,
): Promise<{ hits: Hit[]; upTo?: number }> {
  const conditions: string[] = []
  if (wanted.subject !== undefined) conditions.push(`subject = unhex(${quote(wanted.subject)})`)
  if (wanted.campaign !== undefined) conditions.push(`campaign = ${quote(wanted.campaign)}`)
  if (wanted.from !== undefined) conditions.push(`"at" >= ${timestamp(wanted.from)}`)
  if (wanted.to !== undefined) conditions.push(`"at" < ${timestamp(wanted.to)}`)
  const hits: Hit[] = []
  const list = await batches.book.list({
    model: wanted.model,
    from: wanted.from === undefined ? undefined : BigInt(wanted.from),
    to: wanted.to === undefined ? undefined : BigInt(wanted.to),
    upTo: wanted.beforeRow === undefined ? wanted.before - 1 : wanted.before,
    limit: most + 1,
  })
  const looked = list.slice(0, most)
  let together = 1
  for (let at = 0; at < looked.length && hits.length < limit; together = Math.min(2 * together, TOGETHER)) {
    const some = looked.slice(at, at + together)
    at += some.length
    const cut = some[0]!.seq === wanted.before ? [`leaf < ${wanted.beforeRow}`] : []
    const found = await batches.newest(some, [...conditions, ...cut], limit - hits.length)
    for (const { batch, stored } of found) hits.push(hitOf(batches.opened(batch, stored), batch.model, batch.snapshot))
  }
  if (hits.length >= limit || list.length <= most) return { hits }
  return { hits, upTo: looked.at(-1)!.seq }
}

function hitOf(opened: OpenedPrediction, model: string, snapshot: number | undefined): Hit {
  const { seq, row } = opened.at
  const place = { seq, ...(row === undefined ? {} : { row }), model, ...(snapshot === undefined ? {} : { snapshot }) }
  if (opened.state !== 'open') return { ...place, time: opened.time, erased: true }
  const { id, score, about } = opened.prediction
  return {
    ...place,
    id,
    score,
    time: opened.time,
    ...(about?.campaign === undefined ? {} : { campaign: about.campaign }),
    tier: opened.capture.tier,
    erased: false,
  }
}

function momentOf(time: string): number {
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time, or lies outside of the years 1684 to 2255`)
  return at
}

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

interface FindParts {
  ledger: Ledger
  database: Database
  batches: PredictionBatches
  asOf: number
}

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

/** Newest first: by position, and in a batch by row. */
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
  const hits = [...(await singles(parts, wanted, limit + 1)), ...(await inBatches(parts, wanted, limit + 1))]
  hits.sort((a, b) => b.seq - a.seq || (b.row ?? 0) - (a.row ?? 0))
  const page = hits.slice(0, limit)
  const last = page.at(-1)
  const next =
    hits.length > limit && last ? { next: last.seq, ...(last.row === undefined ? {} : { nextRow: last.row }) } : {}
  return { predictions: page, truncated: hits.length > limit, ...next, asOf }
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

async function inBatches({ batches }: FindParts, wanted: Wanted, limit: number): Promise<Hit[]> {
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
    upTo: wanted.before,
  })
  for (const batch of list) {
    if (hits.length >= limit) break
    const here = [...conditions]
    if (batch.seq === wanted.before) {
      if (wanted.beforeRow === undefined) continue
      here.push(`leaf < ${wanted.beforeRow}`)
    }
    const found = await batches.newest(batch, here, limit - hits.length)
    for (const stored of found) hits.push(hitOf(batches.opened(batch, stored), batch.model, batch.snapshot))
  }
  return hits
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

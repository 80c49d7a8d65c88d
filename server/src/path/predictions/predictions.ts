// Predictions: what a model said of a person, from which snapshot, with which inputs and reasons; sealed under the person.
import type { FindQuery, Found, Numbered, Prediction, PredictionBatch, PredictionResults } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger, OpenedRecord } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import { numbersOf } from '../events/numbers.ts'
import type { Numbering } from '../events/numbers.ts'
import type { Contributors, Snapshots } from '../features/snapshots.ts'
import type { Models } from '../models/models.ts'

const STREAM = 'whence.predictions'

/** A prediction as its record holds it. */
export type RecordedPrediction = Prediction & { model: string }

export const predictionProjection: Projection = {
  tables: ['prediction', 'prediction_source'],
  kinds: ['prediction'],
  async apply(tx, records) {
    const rows = records.map((record) => {
      const opened = record.open()
      const { model, snapshot } = record.entry.refs
      const place = [BigInt(record.seq), model, snapshot === undefined ? null : BigInt(snapshot)]
      if (opened.state !== 'open') return [...place, null, null, null, null]
      const { about } = predictionOf(opened)
      return [
        ...place,
        opened.subject,
        about?.campaign ?? null,
        BigInt(parseTime(String(opened.header.time))!),
        about?.creative ?? null,
      ]
    })
    await tx.copy(
      'prediction',
      [
        { name: 'seq', type: 'int8' },
        { name: 'model', type: 'text' },
        { name: 'snapshot', type: 'int8' },
        { name: 'subject', type: 'text' },
        { name: 'campaign', type: 'text' },
        { name: 'at', type: 'int8' },
        { name: 'creative', type: 'text' },
      ],
      rows,
    )
    for (const source of new Set(records.map((record) => record.entry.source))) {
      await tx.query('insert into prediction_source (source) values ($1) on conflict do nothing', [source])
    }
  },
}

/** The content of an opened prediction record. */
export function predictionOf(opened: Extract<OpenedRecord, { state: 'open' }>): RecordedPrediction {
  return JSON.parse(Buffer.from(opened.content).toString('utf8')) as RecordedPrediction
}

export class Predictions {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #models: Models
  readonly #snapshots: Snapshots
  readonly #clock: Clock

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    models: Models
    snapshots: Snapshots
    clock: Clock
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#models = parts.models
    this.#snapshots = parts.snapshots
    this.#clock = parts.clock
  }

  async record(batch: PredictionBatch, caller: Caller, numbered: Numbered = {}): Promise<PredictionResults> {
    const numbers = numbersOf(numbered)
    const { name, version } = await this.#models.get(batch.model)
    const model = `${name}@${version}`
    const types = new Map<number | undefined, string>()
    for (const id of new Set([batch.snapshot, ...batch.predictions.map((prediction) => prediction.snapshot)])) {
      if (id !== undefined) types.set(id, await this.#snapshots.entityOf(id))
    }
    const answer: PredictionResults = { model, recorded: 0, duplicate: 0, conflict: 0, refused: 0, results: [] }
    const drafts: Draft[] = []
    const refused = new Map<number, { code: string; message: string }>()
    for (const [i, prediction] of batch.predictions.entries()) {
      const draft = this.#draft(prediction, batch, model, caller, types)
      if ('draft' in draft) drafts.push(withNumber(draft.draft, numbers?.at(i)))
      else refused.set(i, draft)
    }
    if (batch.consequential) await this.#keepContributors(drafts)
    const results = (await this.#ledger.append(drafts, { actor: caller.id })) as Appended[]
    let next = 0
    for (const [i, { id }] of batch.predictions.entries()) {
      const problem = refused.get(i)
      const result = problem ? undefined : results[next++]!
      if (result && result.status !== 'refused') {
        const { erased: _, ...receipt } = result
        answer[result.status]++
        answer.results.push({ id, status: result.status, receipt })
      } else {
        answer.refused++
        const fault =
          result?.status === 'refused' ? { code: result.fault.code, message: result.fault.message } : problem!
        answer.results.push({ id, status: 'refused', problem: fault })
      }
    }
    return answer
  }

  /** The position of a prediction by its id, or by `seq:N`. Throws `not_found`. */
  async locate(id: string): Promise<number> {
    const direct = /^seq:(\d{1,15})$/.exec(id)
    if (direct) {
      const seq = Number(direct[1])
      if (seq < this.#ledger.size && this.#ledger.entry(seq).kind.startsWith('prediction/')) return seq
      throw new Fault('not_found', `record ${seq} is no prediction`)
    }
    await this.#follower.reach('prediction')
    const sources = await this.#database.query<{ source: string }>(
      'select source from prediction_source order by source',
    )
    const found = sources.flatMap(({ source }) => {
      const seq = this.#ledger.find(
        identityOf(this.#ledger.subjects.idKey, placeBytes({ kind: 'prediction/1', stream: STREAM, source, id })),
      )
      return seq === undefined ? [] : [seq]
    })
    if (found.length === 0)
      throw new Fault('not_found', `no prediction has the id "${id}": whence find shows what there is`)
    if (found.length > 1)
      throw new Fault(
        'conflict',
        `${found.length} sources have a prediction "${id}": ask for one of ${found.map((seq) => `seq:${seq}`).join(', ')}`,
      )
    return found[0]!
  }

  async find(query: FindQuery): Promise<Found> {
    await this.#follower.reach('prediction', 'erasure')
    const limit = query.limit ?? 50
    const asOf = this.#follower.next
    let subject: string | undefined
    if (query.identifier !== undefined) {
      const known = this.#ledger.subjects.find(query.subjectType ?? 'customer', query.identifier)
      if (known === 'erased')
        throw new Fault('not_found', 'this person was erased: what was decided about them can no longer be read')
      if (known === undefined) return { predictions: [], truncated: false, asOf }
      subject = known.id
    }
    const conditions: string[] = []
    const params: unknown[] = []
    const where = (condition: string, value: unknown): void => {
      params.push(value)
      conditions.push(condition.replace('?', `$${params.length}`))
    }
    if (subject !== undefined) where('subject = ?', subject)
    if (query.campaign !== undefined) where('campaign = ?', query.campaign)
    if (query.model?.includes('@')) where('model = ?', query.model.replace(/@v(\d)/, '@$1'))
    else if (query.model !== undefined) where("split_part(model, '@', 1) = ?", query.model)
    if (query.from !== undefined) where('at >= ?', momentOf(query.from))
    if (query.to !== undefined) where('at < ?', momentOf(query.to))
    if (query.before !== undefined) where('seq < ?', BigInt(query.before))
    params.push(limit + 1)
    const rows = await this.#database.query<{
      seq: bigint
      model: string
      snapshot: bigint | null
      subject: string | null
    }>(
      `select seq, model, snapshot, subject from prediction ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
       order by seq desc limit $${params.length}`,
      params,
    )
    const page = rows.slice(0, limit).map((row): Found['predictions'][number] => {
      const opened = this.#ledger.open(Number(row.seq))
      const place = {
        seq: Number(row.seq),
        model: row.model,
        ...(row.snapshot === null ? {} : { snapshot: Number(row.snapshot) }),
      }
      if (opened.state !== 'open') return { ...place, time: opened.entry.time, erased: true }
      const { id, score, about } = predictionOf(opened)
      return {
        ...place,
        id,
        score,
        time: String(opened.header.time),
        ...(about?.campaign === undefined ? {} : { campaign: about.campaign }),
        erased: false,
      }
    })
    const truncated = rows.length > limit
    return { predictions: page, truncated, ...(truncated ? { next: page.at(-1)!.seq } : {}), asOf }
  }

  #draft(
    prediction: Prediction,
    batch: PredictionBatch,
    model: string,
    caller: Caller,
    types: ReadonlyMap<number | undefined, string>,
  ): { draft: Draft } | { code: string; message: string } {
    const { subject: subjectId, entity } = prediction
    if (subjectId === undefined && entity === undefined)
      return { code: 'invalid', message: 'say whom it is about: "entity", or "subject"' }
    const subject =
      subjectId === undefined
        ? this.#ledger.subjects.mint(types.get(prediction.snapshot ?? batch.snapshot) ?? 'customer', entity!)
        : this.#ledger.subjects.byId(subjectId)
    if (subject === 'erased')
      return { code: 'erased', message: 'this person was erased; nothing more is recorded about them' }
    if (subject === undefined)
      return { code: 'not_found', message: `no subject has the id ${subjectId}, or it was erased` }
    const snapshot = prediction.snapshot ?? batch.snapshot
    const time = prediction.time === undefined ? undefined : parseTime(prediction.time)
    if (prediction.time !== undefined && time === undefined)
      return { code: 'invalid', message: `"${prediction.time}" is no time` }
    const content: RecordedPrediction = { ...prediction, model, ...(snapshot === undefined ? {} : { snapshot }) }
    return {
      draft: {
        kind: 'prediction/1',
        stream: STREAM,
        source: caller.source,
        id: prediction.id,
        time: time ?? this.#clock.now(),
        refs: { model, ...(snapshot === undefined ? {} : { snapshot: String(snapshot) }) },
        content: Buffer.from(JSON.stringify(content)),
        subject,
        header: {},
      },
    }
  }

  /** Notes, sealed, which events each prediction rests on: events expire, and then they could not be selected again. */
  async #keepContributors(drafts: readonly Draft[]): Promise<void> {
    const bySnapshot = Map.groupBy(drafts, (draft) => draft.refs!.snapshot)
    for (const [snapshot, group] of bySnapshot) {
      if (snapshot === undefined) continue
      const contributors: Contributors = await this.#snapshots.contributors(
        Number(snapshot),
        group.map((draft) => draft.subject!.id),
      )
      for (const draft of group) draft.header = { contributors: contributors.get(draft.subject!.id) ?? {} }
    }
  }
}

function withNumber(draft: Draft, numbering: Numbering | undefined): Draft {
  return numbering ? { ...draft, n: numbering.n, refs: { ...draft.refs, emitter: numbering.emitter } } : draft
}

function momentOf(time: string): bigint {
  const at = parseTime(time)
  if (at === undefined) throw new Fault('invalid', `"${time}" is no time, or lies outside of the years 1684 to 2255`)
  return BigInt(at)
}

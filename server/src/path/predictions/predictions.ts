// Predictions: what a model said of a person, from which snapshot, with which inputs and reasons; sealed under the person.
import type { FindQuery, Found, Numbered, Prediction, PredictionBatch, PredictionResults } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { captureOf } from '../../rules/capture/tier.ts'
import type { Capture, PolicyInForce } from '../../rules/capture/tier.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import { numbersOf } from '../events/numbers.ts'
import type { Numbering } from '../events/numbers.ts'
import type { Contributors, Snapshots } from '../features/snapshots.ts'
import type { Models } from '../models/models.ts'
import type { ConsentStanding } from '../consent/standing.ts'
import type { PredictionBatches } from './batches/batches.ts'
import { findPredictions } from './find.ts'
import { chanceOf, keptOf, objectedTo, openSingle, predictionIdentity, predictionOf, STREAM } from './recorded.ts'
import type { Located, OpenedPrediction, RecordedPrediction } from './recorded.ts'
import type { PolicyBook } from '../events/policy-book.ts'
import type { CapturePolicy } from '../../rules/capture/policy.ts'

export { predictionOf } from './recorded.ts'
export type { RecordedPrediction } from './recorded.ts'

export const predictionProjection: Projection = {
  tables: ['prediction', 'prediction_source'],
  kinds: ['prediction'],
  async apply(tx, records) {
    const rows = records.map((record) => {
      const opened = record.open()
      const { model, snapshot } = record.entry.refs
      const place = [BigInt(record.seq), model, snapshot === undefined ? null : BigInt(snapshot)]
      if (opened.state !== 'open') return [...place, null, null, null, null, null]
      const { about } = predictionOf(opened)
      return [
        ...place,
        opened.subject,
        about?.campaign ?? null,
        BigInt(parseTime(String(opened.header.time))!),
        about?.creative ?? null,
        (opened.header.capture as Capture | undefined)?.tier ?? null,
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
        { name: 'tier', type: 'text' },
      ],
      rows,
    )
    for (const source of new Set(records.map((record) => record.entry.source))) {
      await tx.query('insert into prediction_source (source) values ($1) on conflict do nothing', [source])
    }
  },
}

interface Judged {
  draft: Draft
  capture: Capture
}

export class Predictions {
  readonly batches: PredictionBatches
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #models: Models
  readonly #snapshots: Snapshots
  readonly #capture: PolicyBook<CapturePolicy>
  readonly #standing: ConsentStanding
  readonly #clock: Clock
  /** Who has told of predictions. */
  readonly #sources: Kept<readonly string[]>

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    models: Models
    snapshots: Snapshots
    capture: PolicyBook<CapturePolicy>
    standing: ConsentStanding
    batches: PredictionBatches
    clock: Clock
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#models = parts.models
    this.#snapshots = parts.snapshots
    this.#capture = parts.capture
    this.#standing = parts.standing
    this.batches = parts.batches
    this.#clock = parts.clock
    this.#sources = new Kept(parts.follower, ['prediction'])
  }

  async record(batch: PredictionBatch, caller: Caller, numbered: Numbered = {}): Promise<PredictionResults> {
    const numbers = numbersOf(numbered)
    const { name, version } = await this.#models.get(batch.model)
    const model = `${name}@${version}`
    const types = new Map<number | undefined, string>()
    for (const id of new Set([batch.snapshot, ...batch.predictions.map((prediction) => prediction.snapshot)])) {
      if (id !== undefined) types.set(id, await this.#snapshots.entityOf(id))
    }
    const policies = await this.#capture.inForce(this.#ledger.size)
    const answer: PredictionResults = { model, recorded: 0, duplicate: 0, conflict: 0, refused: 0, results: [] }
    const judged: Judged[] = []
    const refused = new Map<number, { code: string; message: string }>()
    for (const [i, prediction] of batch.predictions.entries()) {
      const one = this.#judge(prediction, batch, model, caller, types, policies)
      if ('draft' in one) judged.push({ ...one, draft: withNumber(one.draft, numbers?.at(i)) })
      else refused.set(i, one)
    }
    await this.#keepContributors(judged)
    const drafts = judged.map(({ draft }) => draft)
    const results = (await this.#ledger.append(drafts, { actor: caller.id })) as Appended[]
    let next = 0
    for (const [i, { id }] of batch.predictions.entries()) {
      const problem = refused.get(i)
      const { tier } = judged[next]?.capture ?? {}
      const result = problem ? undefined : results[next++]!
      if (result && result.status !== 'refused') {
        const { erased: _, ...receipt } = result
        answer[result.status]++
        const kept = result.status === 'conflict' || tier === undefined ? {} : { tier }
        answer.results.push({ id, status: result.status, ...kept, receipt })
      } else {
        answer.refused++
        const fault =
          result?.status === 'refused' ? { code: result.fault.code, message: result.fault.message } : problem!
        answer.results.push({ id, status: 'refused', problem: fault })
      }
    }
    return answer
  }

  /** Where a prediction stands, by its id, by `seq:N`, or by `seq:N/ROW` in a batch. Throws `not_found`. */
  async locate(id: string): Promise<Located> {
    const direct = /^seq:(\d{1,15})(?:\/(\d{1,10}))?$/.exec(id)
    if (direct) return this.#direct(Number(direct[1]), direct[2] === undefined ? undefined : Number(direct[2]))
    const found: Located[] = await this.#singles(id)
    found.push(...(await this.batches.finder.locate(id)))
    if (found.length === 0)
      throw new Fault('not_found', `no prediction has the id "${id}": whence find shows what there is`)
    if (found.length > 1)
      throw new Fault(
        'conflict',
        `${found.length} predictions have the id "${id}": ask for one of ${found.slice(0, 20).map(addressOf).join(', ')}`,
      )
    return found[0]!
  }

  /**
   * The model versions whose predictions somebody may mean by an id or an address: their own, if they told of one; else all
   * those of the id, because nobody knows which is meant. None where no prediction is on record under it.
   */
  async modelsOf(id: string, source: string): Promise<string[]> {
    const modelAt = ({ seq }: Located): string => this.#ledger.entry(seq).refs.model!
    const direct = id.startsWith('seq:')
    const own = direct ? undefined : this.#ledger.find(predictionIdentity(this.#ledger.subjects.idKey, source, id))
    if (own !== undefined) return [modelAt({ seq: own })]
    if (direct)
      try {
        return [modelAt(await this.locate(id))]
      } catch (error) {
        if (isFault(error, 'not_found')) return []
        throw error
      }
    const models = await this.batches.finder.modelsOf(id)
    for (const at of await this.#singles(id)) models.add(modelAt(at))
    return [...models]
  }

  /** Those of an id that have records of their own, whoever told of them. */
  async #singles(id: string): Promise<Located[]> {
    const sources = await this.#sources.of('', async () => {
      const rows = await this.#database.query<{ source: string }>(
        'select source from prediction_source order by source',
      )
      return rows.map(({ source }) => source)
    })
    return sources.flatMap((source) => {
      const seq = this.#ledger.find(predictionIdentity(this.#ledger.subjects.idKey, source, id))
      return seq === undefined ? [] : [{ seq }]
    })
  }

  async #direct(seq: number, row: number | undefined): Promise<Located> {
    const kind = seq < this.#ledger.size ? this.#ledger.entry(seq).kind : ''
    if (row === undefined && kind.startsWith('prediction/')) return { seq }
    if (!kind.startsWith('predictions/')) throw new Fault('not_found', `record ${seq} is no prediction`)
    const { rows } = await this.batches.book.get(seq)
    if (row !== undefined && row < rows) return { seq, row }
    throw new Fault(
      'not_found',
      `record ${seq} is a batch of ${rows} predictions: seq:${seq}/0 to seq:${seq}/${rows - 1}`,
    )
  }

  /** Opens a prediction and checks it. Throws `altered`. */
  open({ seq, row }: Located): Promise<OpenedPrediction> {
    return row === undefined ? Promise.resolve().then(() => openSingle(this.#ledger, seq)) : this.batches.open(seq, row)
  }

  async find(query: FindQuery): Promise<Found> {
    await this.#follower.reach('prediction', 'predictions', 'erasure')
    return findPredictions(
      { ledger: this.#ledger, database: this.#database, batches: this.batches, asOf: this.#follower.next },
      query,
    )
  }

  #judge(
    prediction: Prediction,
    batch: PredictionBatch,
    model: string,
    caller: Caller,
    types: ReadonlyMap<number | undefined, string>,
    policies: readonly PolicyInForce[],
  ): Judged | { code: string; message: string } {
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
    const known = this.#ledger.find(predictionIdentity(this.#ledger.subjects.idKey, caller.source, prediction.id))
    // What was scored before they objected may still be told, and what is on record stays on record.
    const [objection] =
      known === undefined ? this.#standing.objections(subject.id, 'profiling', { at: time ?? Infinity }) : []
    if (objection) return { code: 'objected', message: objectedTo(objection) }
    const capture = this.#captureOf(prediction, batch, model, caller, policies)
    const content: RecordedPrediction = {
      ...keptOf(prediction, capture.tier),
      model,
      ...(snapshot === undefined ? {} : { snapshot }),
    }
    return {
      capture,
      draft: {
        kind: 'prediction/1',
        stream: STREAM,
        source: caller.source,
        id: prediction.id,
        time: time ?? this.#clock.now(),
        refs: { model, ...(snapshot === undefined ? {} : { snapshot: String(snapshot) }) },
        content: Buffer.from(JSON.stringify(content)),
        subject,
        header: { capture },
      },
    }
  }

  /** A prediction that is known already is judged as it was then: under another policy it would seem to say otherwise. */
  #captureOf(
    prediction: Prediction,
    batch: PredictionBatch,
    model: string,
    caller: Caller,
    policies: readonly PolicyInForce[],
  ): Capture {
    const { idKey } = this.#ledger.subjects
    const identity = predictionIdentity(idKey, caller.source, prediction.id)
    const earlier = this.#ledger.find(identity)
    if (earlier !== undefined) {
      try {
        const opened = openSingle(this.#ledger, earlier)
        if (opened.state === 'open') return opened.capture
      } catch {
        // What is altered is told by whoever asks for it; here it is compared as it comes.
      }
    }
    return captureOf(policies, {
      model,
      score: prediction.score,
      decision: prediction.decision,
      segments: prediction.segments,
      flagged: prediction.consequential ?? batch.consequential ?? false,
      chance: () => chanceOf(idKey, identity),
    })
  }

  /** Notes, sealed, which events each consequential prediction rests on: events expire, and could then not be selected. */
  async #keepContributors(judged: readonly Judged[]): Promise<void> {
    const consequential = judged.filter(({ capture }) => capture.tier === 'consequential')
    const bySnapshot = Map.groupBy(consequential, ({ draft }) => draft.refs!.snapshot)
    for (const [snapshot, group] of bySnapshot) {
      if (snapshot === undefined) continue
      const contributors: Contributors = await this.#snapshots.contributors(
        Number(snapshot),
        group.map(({ draft }) => draft.subject!.id),
      )
      for (const { draft } of group)
        draft.header = { ...draft.header, contributors: contributors.get(draft.subject!.id) ?? {} }
    }
  }
}

function withNumber(draft: Draft, numbering: Numbering | undefined): Draft {
  return numbering ? { ...draft, n: numbering.n, refs: { ...draft.refs, emitter: numbering.emitter } } : draft
}

/** What a prediction is asked for by, whatever its id. */
export function addressOf({ seq, row }: Located): string {
  return row === undefined ? `seq:${seq}` : `seq:${seq}/${row}`
}

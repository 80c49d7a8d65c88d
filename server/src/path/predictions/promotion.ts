// Promotion: somebody complains, appeals or reviews, and what the tier left out is recovered while it still can be: inputs
// from the events behind the snapshot, score and reasons by the model, contributors; what could not be had is said.
import type { FeatureValue, ModelVersion, Promotion, PromotionRequest } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import type { Models } from '../models/models.ts'
import type { Scoring } from '../models/scoring.ts'
import { withheldDigest } from './batches/row.ts'
import { addressOf } from './predictions.ts'
import type { Predictions } from './predictions.ts'
import { digestOfInputs } from './recorded.ts'
import type { Located, OpenedPrediction } from './recorded.ts'

type Open = Extract<OpenedPrediction, { state: 'open' }>
type Inputs = Record<string, FeatureValue>

/** What the sealed payload of a `promotion/1` record says. */
type Recovered = Omit<Promotion, 'seq' | 'receipt'>

const RECORD = { kind: 'promotion/1', stream: 'whence.promotions', source: 'whence' } as const

export interface PromotionParts {
  ledger: Ledger
  predictions: Predictions
  snapshots: Snapshots
  models: Models
  scoring: Scoring
  clock: Clock
}

export class Promotions {
  readonly #parts: PromotionParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: PromotionParts) {
    this.#parts = parts
  }

  /** Promotes a prediction; what was promoted before is answered as it was then. Throws `not_found` for an erased one. */
  promote(id: string, request: PromotionRequest, by: { id: string }): Promise<Promotion> {
    const turn = this.#last.then(() => this.#promote(id, request, by))
    this.#last = turn.catch(() => {})
    return turn
  }

  /** The promotion of a prediction, if there is one. Throws `altered`. */
  of(at: Located): Promotion | undefined {
    const { ledger } = this.#parts
    const place = placeBytes({ ...RECORD, id: addressOf(at) })
    const seq = ledger.find(identityOf(ledger.subjects.idKey, place))
    if (seq === undefined) return undefined
    const opened = ledger.open(seq)
    if (opened.state !== 'open') return undefined
    const recovered = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Recovered
    return { ...recovered, seq, receipt: { ...ledger.receiptOf(seq), status: 'duplicate' } }
  }

  async #promote(id: string, request: PromotionRequest, by: { id: string }): Promise<Promotion> {
    const { ledger, predictions, clock } = this.#parts
    const at = await predictions.locate(id)
    const earlier = this.of(at)
    if (earlier) return earlier
    const opened = await predictions.open(at)
    const subject = opened.state === 'open' ? ledger.subjects.byId(opened.subject) : undefined
    if (opened.state !== 'open' || !subject)
      throw new Fault('not_found', 'the person was erased: nothing of this prediction can be recovered')
    const time = clock.now()
    const recovered: Recovered = {
      prediction: { id: opened.prediction.id, ...at },
      reason: request.reason,
      ...(request.note === undefined ? {} : { note: request.note }),
      time: formatTime(time),
      tier: opened.capture.tier,
      ...(await this.#recover(opened)),
    }
    const { seq, leaf, recorded, status } = await ledger.appendOne(
      { ...RECORD, id: addressOf(at), time, content: Buffer.from(JSON.stringify(recovered)), subject },
      by.id,
    )
    return { ...recovered, seq, receipt: { seq, leaf, recorded, status } }
  }

  async #recover(
    opened: Open,
  ): Promise<
    Pick<Promotion, 'inputs' | 'inputsAre' | 'score' | 'reasons' | 'reasonsAre' | 'contributors' | 'missing'>
  > {
    const { prediction } = opened
    const missing: Promotion['missing'] = []
    const recomputed = await this.#recompute(opened, missing)
    let model: ModelVersion | undefined
    try {
      model = await this.#parts.models.get(prediction.model)
    } catch (error) {
      missing.push({ what: 'model', why: Fault.from(error).message })
    }
    const inputs = await this.#inputs(opened, recomputed, model, missing)
    const contributors = opened.contributors ?? recomputed?.contributors
    if (!contributors) missing.push({ what: 'contributing events', why: 'they were not kept, and cannot be selected' })
    const scored = await this.#score(model, inputs?.values, missing)
    const reasons = scored?.reasons ?? prediction.reasons
    if (!reasons)
      missing.push({ what: 'reasons', why: 'the form of the model gives none, and the producer’s were not kept' })
    return {
      ...(inputs ? { inputs: inputs.values, inputsAre: inputs.are } : {}),
      ...(scored ? { score: scored.score } : {}),
      ...(reasons
        ? { reasons: [...reasons], reasonsAre: scored?.reasons ? ('recomputed' as const) : ('asserted' as const) }
        : {}),
      ...(contributors ? { contributors } : {}),
      missing,
    }
  }

  async #recompute(opened: Open, missing: Promotion['missing']): Promise<Recomputed | undefined> {
    const { snapshots } = this.#parts
    const { snapshot: id } = opened.prediction
    if (id === undefined) {
      missing.push({ what: 'recomputed inputs', why: 'the prediction names no feature snapshot' })
      return undefined
    }
    try {
      const snapshot = await snapshots.get(id)
      const flaw = await snapshots.flaw(snapshot)
      if (flaw) missing.push({ what: 'feature snapshot', why: flaw })
      const recomputed = await snapshots.recompute(snapshot, opened.subject)
      for (const problem of recomputed.problems) missing.push({ what: 'column files', why: problem })
      for (const { seq, problem } of recomputed.damaged) missing.push({ what: `record ${seq}`, why: problem })
      if (!recomputed.stored) missing.push({ what: 'feature row', why: `snapshot ${id} has no row for this person` })
      for (const seq of lostOf(opened.contributors, recomputed))
        missing.push({
          what: `record ${seq}`,
          why: 'it counted when the prediction was recorded, and cannot be opened now',
        })
      return recomputed
    } catch (error) {
      missing.push({ what: 'recomputed inputs', why: Fault.from(error).message })
      return undefined
    }
  }

  async #inputs(
    opened: Open,
    recomputed: Recomputed | undefined,
    model: ModelVersion | undefined,
    missing: Promotion['missing'],
  ): Promise<{ values: Inputs; are: NonNullable<Promotion['inputsAre']> } | undefined> {
    if (opened.prediction.inputs) return { values: opened.prediction.inputs, are: 'served' }
    if (!recomputed) {
      missing.push({ what: 'inputs', why: 'they were not kept, and cannot be computed again' })
      return undefined
    }
    const digest = opened.prediction.leftOut?.inputs
    if (digest === undefined) return { values: recomputed.values, are: 'recomputed' }
    const served = await servedInputs(this.#parts.predictions, opened, recomputed, await this.#features(model))
    if (served) return { values: served, are: 'recomputed, equal to what was served' }
    missing.push({
      what: 'inputs as served',
      why: 'their digest is on record, and is not that of the recomputed inputs',
    })
    return { values: recomputed.values, are: 'recomputed' }
  }

  async #features(model: ModelVersion | undefined): Promise<readonly string[] | undefined> {
    const scorable = model && (await this.#parts.scoring.scorerOf(model))
    return scorable?.able ? scorable.scorer.features : undefined
  }

  async #score(
    model: ModelVersion | undefined,
    inputs: Inputs | undefined,
    missing: Promotion['missing'],
  ): Promise<{ score: number; reasons?: readonly { feature: string; contribution: number }[] } | undefined> {
    if (!model || !inputs) return undefined
    const scorable = await this.#parts.scoring.scorerOf(model)
    if (!scorable.able) {
      missing.push({ what: 'recomputed score', why: `this model cannot be scored: ${scorable.why}` })
      return undefined
    }
    try {
      const { score, problem, reasons } = await scorable.scorer.score(inputs)
      if (Number.isFinite(score)) return { score, ...(reasons ? { reasons } : {}) }
      missing.push({ what: 'recomputed score', why: problem ?? 'the model gives no number for these inputs' })
    } catch (error) {
      if (!isFault(error)) throw error
      missing.push({ what: 'recomputed score', why: error.message })
    }
    return undefined
  }
}

/** Events that counted when a prediction was recorded and are not among those that are opened now. */
export function lostOf(
  kept: Readonly<Record<string, readonly number[]>> | undefined,
  recomputed: Recomputed | undefined,
): number[] {
  const there = new Set(recomputed?.events.map(({ seq }) => seq))
  return [...new Set(Object.values(kept ?? {}).flat())].filter((seq) => !there.has(seq)).sort((a, b) => a - b)
}

/** The recomputed inputs, or those of them that the model reads, where their digest is that of the ones served. */
export async function servedInputs(
  predictions: Predictions,
  opened: Open,
  { values }: Recomputed,
  features: readonly string[] | undefined,
): Promise<Inputs | undefined> {
  const digest = opened.prediction.leftOut?.inputs
  if (digest === undefined) return undefined
  const read =
    features && Object.fromEntries(features.filter((name) => name in values).map((name) => [name, values[name]!]))
  const digestOf = await digester(predictions, opened.at)
  return [values, ...(read ? [read] : [])].find((candidate) => digestOf(candidate) === digest)
}

/** How the inputs of a prediction were digested: those of a row under its salt. */
async function digester(predictions: Predictions, { seq, row }: Located): Promise<(inputs: Inputs) => string> {
  if (row === undefined) return digestOfInputs
  const found = await predictions.batches.stored(seq, row)
  if (found === 'erased') return () => ''
  const salt = predictions.batches.saltOf(found.batch, found.stored.row)
  return (inputs) => withheldDigest(salt, inputs)
}

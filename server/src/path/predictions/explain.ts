// Explain: from a prediction back to the events, every step opened, checked and, where it can be, computed again.
import { claimedCheckpoint, toHex } from '@whence/ledger'
import type { Anchor, Explanation } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { LineageGraph } from '../../record/lineage/graph.ts'
import type { Clock } from '../../record/time.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import type { Consents } from '../consent/consents.ts'
import type { TrainingSets } from '../features/training-sets.ts'
import type { Models } from '../models/models.ts'
import type { Scoring } from '../models/scoring.ts'
import { explainConsent } from './explain-consent.ts'
import { explainInputs, explainSnapshot } from './explain-inputs.ts'
import type { ExplainedInputs } from './explain-inputs.ts'
import { explainModel, modelSummary } from './explain-model.ts'
import { explainCounterfactual, explainReasons, explainScore, rescore } from './explain-score.ts'
import { sentenceOf } from './explain-words.ts'
import { Findings } from './findings.ts'
import { explainKept } from './explain-kept.ts'
import type { Predictions, RecordedPrediction } from './predictions.ts'
import type { Promotions } from './promotion.ts'
import type { OpenedPrediction } from './recorded.ts'
import { upstreamLineage } from './upstream.ts'

export interface ExplainParts {
  ledger: Ledger
  models: Models
  scoring: Scoring
  snapshots: Snapshots
  trainingSets: TrainingSets
  predictions: Predictions
  promotions: Promotions
  consents: Consents
  graph: LineageGraph
  clock: Clock
  /** The last time that somebody else was given the checkpoint. */
  anchored(): Promise<Anchor | undefined>
}

/** Explains a prediction. Throws `not_found`; everything else that is wrong is part of the answer. */
export async function explain(parts: ExplainParts, id: string, asOf?: number): Promise<Explanation> {
  const { ledger } = parts
  if (asOf !== undefined && asOf > ledger.size)
    throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${ledger.size}`)
  const at = await parts.predictions.locate(id)
  const { seq, row } = at
  if (asOf !== undefined && seq >= asOf)
    throw new Fault('not_found', `"${id}" was recorded at ${seq}, which is not before ${asOf}`)

  const findings = new Findings(ledger, asOf)
  const entry = ledger.entry(seq)
  let opened: OpenedPrediction | undefined
  try {
    opened = await parts.predictions.open(at)
    findings.rest(seq)
  } catch (error) {
    findings.rest(seq, Fault.from(error).message)
  }

  const { prediction, subject } = opened?.state === 'open' ? opened : {}
  const time = opened?.time ?? entry.time
  const erased = opened?.state === 'erased'

  const named = entry.refs.snapshot === undefined ? undefined : Number(entry.refs.snapshot)
  // It asks column files and opens events while tables are asked for the rest.
  const recomputing =
    prediction && subject !== undefined && named !== undefined
      ? beside(parts.snapshots.get(named).then((snapshot) => parts.snapshots.recompute(snapshot, subject)))
      : undefined

  const { model, approvals } = await explainModel(findings, parts, entry.refs.model!)
  const snapshot = named === undefined ? undefined : await explainSnapshot(findings, parts, named)
  const upstream = beside(
    upstreamLineage(parts.graph, [`model:${entry.refs.model}`, ...(snapshot ? [`view:${snapshot.view}`] : [])], {
      asOf,
      now: parts.clock.now(),
    }),
  )
  let from: ExplainedInputs = { recomputed: undefined, events: [], inputs: [] }
  if (prediction && recomputing && snapshot)
    from = await explainInputs(findings, parts, { seq, snapshot, recomputing, prediction })
  else if (prediction && named === undefined)
    findings.alert('missing', 'No feature snapshot is named: the inputs are as the producer says.')
  const kept = opened?.state === 'open' ? await explainKept(findings, parts, opened, from, model) : {}
  const { recomputed, events, inputs } = from

  const rescored = await rescore(parts.scoring, prediction, model, recomputed)
  const score = explainScore(findings, seq, prediction, model, rescored, erased)
  const reasons = explainReasons(findings, seq, prediction, model, rescored, erased)
  const counterfactual = await explainCounterfactual(findings, seq, parts.snapshots, model, snapshot, rescored)
  for (const reason of reasons) {
    const input = inputs.find(({ name }) => name === reason.feature)
    if (input) input.contribution = reason.contribution
  }
  await explainConsent(findings, parts.consents, { subject, time, asOf: asOf ?? ledger.size, erased }, events)
  if (erased)
    findings.alert('erased', 'The person was erased on request: inputs, score and events can no longer be read.')
  const records = await findings.records(events)
  const { origin, size, root } = claimedCheckpoint(ledger.checkpoint)
  const anchored = await parts.anchored()
  const who = whoIs(prediction, recomputed)
  const explanation: Explanation = {
    id: prediction?.id ?? id,
    seq,
    ...(row === undefined ? {} : { row }),
    sentence: sentenceOf({ id, who, prediction, model, score, reasons, events, inputs, erased }),
    alerts: findings.alerts,
    score,
    entityType: recomputed?.view.entity ?? 'customer',
    time,
    model: { ...modelSummary(entry.refs.model!, model, ledger), ...(approvals ? { approvals } : {}) },
    ...kept,
    reasons,
    inputs,
    events,
    claims: findings.claims,
    counts: findings.counts(),
    records,
    checkpoint: { origin, size, root: toHex(root) },
    asOf: asOf ?? ledger.size,
  }
  const lineage = await upstream
  if (lineage) explanation.lineage = lineage
  if (counterfactual) explanation.counterfactual = counterfactual
  if (model) explanation.predicts = model.predicts
  if (who !== undefined) explanation.entity = who
  if (prediction?.about) explanation.about = prediction.about
  if (snapshot) explanation.snapshot = { id: snapshot.id, view: snapshot.view, at: snapshot.at, asOf: snapshot.asOf }
  if (anchored?.independent && findings.known(anchored.seq))
    explanation.anchored = { time: anchored.time, where: anchored.where, size: anchored.size }
  return explanation
}

/** Begins what is waited for later: until then its failure is nobody's. */
function beside<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}

function whoIs(prediction: RecordedPrediction | undefined, recomputed: Recomputed | undefined): string | undefined {
  return prediction?.entity ?? recomputed?.events.find((event) => event.found.subject !== undefined)?.found.subject
}

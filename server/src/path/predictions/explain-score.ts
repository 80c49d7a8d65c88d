// The score and its reasons, computed again where the model can be scored.
import type { Explanation, ModelVersion, Snapshot, Truth } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import type { Inputs, Scored, Scorer, Scoring } from '../models/scoring.ts'
import { counterfactualOf } from './counterfactual.ts'
import { show, signed } from './explain-words.ts'
import type { Findings } from './findings.ts'
import type { RecordedPrediction } from './predictions.ts'

/** What the model makes of the inputs now, or why nothing can be said. */
export type Rescored =
  | { readonly again: false; readonly why: string }
  | {
      readonly again: true
      readonly scorer: Scorer
      readonly inputs: Inputs
      readonly scored: Scored
      /** Inputs that no feature computes: they are used as the producer states them. */
      readonly stated: readonly string[]
    }

export async function rescore(
  scoring: Scoring,
  prediction: RecordedPrediction | undefined,
  model: ModelVersion | undefined,
  recomputed: Recomputed | undefined,
): Promise<Rescored> {
  if (!model) return { again: false, why: 'its model version cannot be read' }
  const found = await scoring.scorerOf(model)
  if (!found.able) return { again: false, why: found.why }
  if (!prediction || !recomputed) return { again: false, why: 'its inputs could not be computed again' }
  const { scorer } = found
  const inputs = { ...prediction.inputs, ...recomputed.values }
  const stated = scorer.features.filter((name) => !(name in recomputed.values) && name in (prediction.inputs ?? {}))
  try {
    return { again: true, scorer, inputs, scored: await scorer.score(inputs), stated }
  } catch (error) {
    return { again: false, why: Fault.from(error).message }
  }
}

export function explainScore(
  findings: Findings,
  seq: number,
  prediction: RecordedPrediction | undefined,
  model: ModelVersion | undefined,
  rescored: Rescored,
  erased: boolean,
): Explanation['score'] {
  if (!prediction) {
    findings.claim('decision', 'score', erased ? 'erased' : 'unreadable', erased ? 'erased' : 'missing', [seq])
    return { truth: erased ? 'erased' : 'missing' }
  }
  const stored = prediction.score
  if (!rescored.again || !model) {
    const note = rescored.again ? '' : rescored.why
    findings.claim('decision', 'score', show(stored), 'asserted', [seq], { note, by: findings.actorOf(seq) })
    return { stored, truth: 'asserted' }
  }
  const { scored, scorer, stated } = rescored
  const { score, problem } = scored
  const agrees = Math.abs(score - stored) <= scorer.tolerance
  if (!agrees)
    findings.alert(
      'contradicted',
      `The score was given as ${show(stored)}; model and inputs give ${Number.isNaN(score) ? `none${problem === undefined ? '' : `: ${problem}`}` : show(score)}.`,
    )
  const note = stated.length === 0 ? {} : { note: `of the inputs ${stated.join(', ')} the producer's values were used` }
  findings.claim('decision', 'score', show(stored), agrees ? 'recomputed' : 'contradicted', [seq, model.seq], note)
  // No number stands for a score that is none.
  const again = Number.isNaN(score) ? {} : { recomputed: score }
  return { stored, ...again, truth: agrees ? 'recomputed' : 'contradicted' }
}

export function explainReasons(
  findings: Findings,
  seq: number,
  prediction: RecordedPrediction | undefined,
  model: ModelVersion | undefined,
  rescored: Rescored,
  erased: boolean,
): Explanation['reasons'] {
  const byWeight = (a: { contribution: number }, b: { contribution: number }): number =>
    Math.abs(b.contribution) - Math.abs(a.contribution)
  const stated = new Map((prediction?.reasons ?? []).map(({ feature, contribution }) => [feature, contribution]))
  const truths: Explanation['reasons'] = []
  const exact = rescored.again ? rescored.scored.reasons : undefined
  if (model && exact && rescored.again) {
    for (const { feature, contribution } of exact) {
      const said = stated.get(feature)
      const agrees = said === undefined || Math.abs(said - contribution) <= Math.max(1e-9, rescored.scorer.tolerance)
      const truth: Truth = agrees ? 'recomputed' : 'contradicted'
      truths.push({ feature, contribution, truth })
      if (!agrees)
        findings.alert(
          'contradicted',
          `The reason ${feature} was given as ${signed(said)}; it is ${signed(contribution)}.`,
        )
      findings.claim('reason', feature, signed(contribution), truth, [seq, model.seq])
      stated.delete(feature)
    }
    for (const [feature, contribution] of stated) {
      truths.push({ feature, contribution, truth: 'contradicted' })
      findings.alert(
        'contradicted',
        `The reason ${feature} was given as ${signed(contribution)}; the model has no such feature.`,
      )
      findings.claim('reason', feature, signed(contribution), 'contradicted', [seq, model.seq])
    }
  } else if (stated.size > 0) {
    for (const [feature, contribution] of stated) {
      truths.push({ feature, contribution, truth: 'asserted' })
      findings.claim('reason', feature, signed(contribution), 'asserted', [seq], { by: findings.actorOf(seq) })
    }
  } else {
    findings.claim('reason', 'reasons', 'none', erased ? 'erased' : 'missing', [])
  }
  return truths.sort(byWeight)
}

/** What would have changed the decision, where the version says from which score on it is yes and can be scored. */
export async function explainCounterfactual(
  findings: Findings,
  seq: number,
  snapshots: Snapshots,
  model: ModelVersion | undefined,
  snapshot: Snapshot | undefined,
  rescored: Rescored,
): Promise<Explanation['counterfactual']> {
  if (model?.threshold === undefined || !snapshot || !rescored.again || Number.isNaN(rescored.scored.score))
    return undefined
  // Values of a file that is not as it was recorded are nobody's.
  if (await snapshots.flaw(snapshot)) return undefined
  const { scorer, inputs, scored } = rescored
  try {
    const found = await counterfactualOf({
      scorer,
      threshold: model.threshold,
      inputs,
      score: scored.score,
      occurring: (feature, most) => snapshots.occurring(snapshot.id, feature, most),
    })
    const [first] = found.changes
    const value = first ? `${first.feature} ${show(first.from)} → ${show(first.to)}` : 'no single input'
    findings.claim('counterfactual', 'what would have changed it', value, 'recomputed', [seq, model.seq, snapshot.id], {
      note: `${found.tried} changes of one input were scored`,
    })
    return found
  } catch (error) {
    findings.claim('counterfactual', 'what would have changed it', 'not computed', 'missing', [], {
      note: Fault.from(error).message,
    })
    return undefined
  }
}

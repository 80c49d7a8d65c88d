// The score and its reasons, computed again where the form of the model allows it.
import type { Explanation, ModelVersion, Truth } from '@whence/sdk'
import type { Recomputed } from '../features/snapshots.ts'
import { scoreLogistic } from '../models/logistic.ts'
import { show, signed } from './explain-words.ts'
import type { Findings } from './findings.ts'
import type { RecordedPrediction } from './predictions.ts'

export function explainScore(
  findings: Findings,
  seq: number,
  prediction: RecordedPrediction | undefined,
  model: ModelVersion | undefined,
  recomputed: Recomputed | undefined,
  erased: boolean,
): Explanation['score'] {
  if (!prediction) {
    findings.claim('decision', 'score', erased ? 'erased' : 'unreadable', erased ? 'erased' : 'missing', [seq])
    return { truth: erased ? 'erased' : 'missing' }
  }
  const stored = prediction.score
  const values = recomputed?.values
  if (!model?.model || !values) {
    const note = model?.model
      ? 'its inputs could not be computed again'
      : 'the form of the model is not one that Whence can score'
    findings.claim('decision', 'score', show(stored), 'asserted', [seq], { note, by: findings.actorOf(seq) })
    return { stored, truth: 'asserted' }
  }
  const { score } = scoreLogistic(model.model, values)
  const agrees = Math.abs(score - stored) <= (model.tolerance ?? 1e-12)
  if (!agrees)
    findings.alert('contradicted', `The score was given as ${show(stored)}; model and inputs give ${show(score)}.`)
  findings.claim('decision', 'score', show(stored), agrees ? 'recomputed' : 'contradicted', [seq, model.seq])
  return { stored, recomputed: score, truth: agrees ? 'recomputed' : 'contradicted' }
}

export function explainReasons(
  findings: Findings,
  seq: number,
  prediction: RecordedPrediction | undefined,
  model: ModelVersion | undefined,
  recomputed: Recomputed | undefined,
  erased: boolean,
): Explanation['reasons'] {
  const byWeight = (a: { contribution: number }, b: { contribution: number }): number =>
    Math.abs(b.contribution) - Math.abs(a.contribution)
  const stated = new Map((prediction?.reasons ?? []).map(({ feature, contribution }) => [feature, contribution]))
  const truths: Explanation['reasons'] = []
  if (model?.model && recomputed) {
    for (const { feature, contribution } of scoreLogistic(model.model, recomputed.values).contributions) {
      const said = stated.get(feature)
      const agrees = said === undefined || Math.abs(said - contribution) <= Math.max(1e-9, model.tolerance ?? 0)
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

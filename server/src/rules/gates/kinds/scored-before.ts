// What a scorer said when an action was judged first, taken again in place of asking it. A score can be held against
// another threshold; entities below the threshold of then were never told, so that they cannot.
import type { Verdict } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Seen } from '../gate.ts'
import type { Reading } from '../reading.ts'
import { heard, isScored, scoreOf } from './scorer.ts'
import type { ScorerAnswer } from './scorer.ts'

export interface Before {
  /** name@vN of the chain that holds the gate now. */
  readonly policy: string
  readonly fingerprint: string
  readonly readings: readonly Reading[]
  readonly before: readonly Verdict[]
}

export function scoredBefore(gate: GateOf<'scorer'>, { policy, fingerprint, readings, before }: Before): Seen {
  const { name, scorer, version, shape } = gate
  const said = before.find(
    (verdict) =>
      verdict.kind === 'scorer' &&
      verdict.gate === name &&
      policyName(verdict.policy) === policyName(policy) &&
      verdict.inputs.scorer === scorer &&
      verdict.inputs.version === version,
  )
  if (said?.fingerprint === fingerprint) {
    const { outcome, findings, inputs } = said
    return { counts: outcome !== 'pass', findings, inputs: { ...inputs, asked: 'before' }, outcome }
  }
  const scores = said?.inputs.shape === shape && shape === 'score' ? said.inputs.scores : undefined
  const parts = readings.flatMap(({ part }) => (isScored(gate, part) ? [part] : []))
  if (typeof scores !== 'object' || scores === null || !parts.every((part) => part in scores)) return unasked(gate)
  const answers = parts.map((part): ScorerAnswer => {
    const score = (scores as Record<string, unknown>)[part]
    return score === null ? { part, unanswered: 'it did not answer then' } : scoreOf(gate, part, { score })
  })
  const seen = heard(gate, answers)
  return { ...seen, inputs: { ...seen.inputs, asked: 'before' } }
}

/** Nobody knows what it would say: it stops nothing here, and that is told. */
function unasked({ scorer, version }: GateOf<'scorer'>): Seen {
  const message = `${scorer} was not asked this then, and is not asked now`
  return {
    counts: false,
    findings: [{ code: 'scorer.unasked', message }],
    inputs: { scorer, version, asked: 'never' },
  }
}

/** A policy without its version. */
export function policyName(policy: string): string {
  return policy.replace(/@v\d+$/, '')
}

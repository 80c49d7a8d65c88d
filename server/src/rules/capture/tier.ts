// How much of a prediction is kept. A verdict over the policies in force and what the prediction says of itself.
import { matches } from '../files/policy-file.ts'
import type { CapturePolicy } from './policy.ts'

/**
 * `full`: no policy speaks of the model, everything is kept. `consequential`: everything, and which events contributed.
 * `sampled`: everything. `minimal`: model version, time, snapshot and score; no inputs.
 */
export type Tier = 'full' | 'consequential' | 'sampled' | 'minimal'

export interface Capture {
  tier: Tier
  /** The criterion that made it consequential; `flag` when the producer said so. */
  rule?: string
  /** `name@vN` of the policy that decided. */
  policy?: string
}

export interface PolicyInForce {
  readonly policy: CapturePolicy
  readonly version: number
}

export interface CaptureFacts {
  /** `name@version` */
  readonly model: string
  readonly score: number
  readonly decision?: string | undefined
  readonly segments?: readonly string[] | undefined
  /** The producer calls it consequential. */
  readonly flagged: boolean
  /** From 0 to below 1: the same for the same prediction, and not to be known before it is recorded. */
  chance(): number
}

/**
 * Consequential by any criterion of any policy for the model, or by its flag: nobody can say that it is not. Where
 * several policies speak of a model, the largest sample counts.
 */
export function captureOf(policies: readonly PolicyInForce[], facts: CaptureFacts): Capture {
  let routine: { sample: number; policy: string } | undefined
  for (const { policy, version } of policies) {
    const name = `${policy.name}@v${version}`
    for (const { model, consequential, routine: rest } of policy.rules) {
      if (!matches(model, facts.model)) continue
      const met = consequential.find((criterion) => meets(criterion, facts))
      if (met) return { tier: 'consequential', rule: met.name, policy: name }
      if (routine === undefined || rest.sample > routine.sample) routine = { sample: rest.sample, policy: name }
    }
  }
  if (facts.flagged) return { tier: 'consequential', rule: 'flag' }
  if (routine === undefined) return { tier: 'full' }
  return { tier: facts.chance() < routine.sample ? 'sampled' : 'minimal', policy: routine.policy }
}

/** Every condition of a criterion must hold; of a list, one word is enough. */
function meets(criterion: CapturePolicy['rules'][number]['consequential'][number], facts: CaptureFacts): boolean {
  const { scoreAtLeast, scoreAtMost, decision, segment } = criterion
  if (scoreAtLeast !== undefined && !(facts.score >= scoreAtLeast)) return false
  if (scoreAtMost !== undefined && !(facts.score <= scoreAtMost)) return false
  if (decision !== undefined && (facts.decision === undefined || ![decision].flat().includes(facts.decision)))
    return false
  if (segment !== undefined && ![segment].flat().some((one) => facts.segments?.includes(one))) return false
  return true
}

// Two judgements of one action, held against each other gate by gate.
import type { GateOutcome, Verdict } from '@whence/sdk'
import { policyName } from './kinds/scored-before.ts'

/** What a gate said, where it was asked. */
export interface GateSaid {
  readonly outcome: GateOutcome
  readonly shadow?: true
}

export interface VerdictDifference {
  readonly gate: string
  readonly kind: string
  /** Name of its file, without the version. */
  readonly policy: string
  /** Absent where it was not asked. */
  readonly before?: GateSaid
  readonly after?: GateSaid
  /** Why it says what it says now. */
  readonly message?: string
}

/** There is one of each, wherever it is declared. */
const single = new Set(['consent', 'agent', 'signature'])

/**
 * The gates of which something else follows. One that passes is as good as one that is not asked; the words of findings are
 * no difference.
 */
export function differences(before: readonly Verdict[], after: readonly Verdict[]): VerdictDifference[] {
  const earlier = new Map(before.map((verdict) => [placeOf(verdict), verdict]))
  const later = new Map(after.map((verdict) => [placeOf(verdict), verdict]))
  const found: VerdictDifference[] = []
  for (const place of new Set([...earlier.keys(), ...later.keys()])) {
    const [was, is] = [earlier.get(place), later.get(place)]
    if (weight(was) === weight(is)) continue
    const { gate, kind, policy } = (is ?? was)!
    const message = is !== undefined && is.outcome !== 'pass' ? is.findings[0]?.message : undefined
    found.push({
      gate,
      kind,
      policy: policyName(policy),
      ...(was ? { before: saidOf(was) } : {}),
      ...(is ? { after: saidOf(is) } : {}),
      ...(message === undefined ? {} : { message }),
    })
  }
  return found
}

function placeOf({ gate, kind, policy }: Verdict): string {
  return single.has(kind) ? kind : `${policyName(policy)} ${gate}`
}

function weight(verdict: Verdict | undefined): string {
  if (verdict === undefined || verdict.outcome === 'pass') return 'pass'
  return verdict.shadow ? `${verdict.outcome} in shadow` : verdict.outcome
}

function saidOf({ outcome, shadow }: Verdict): GateSaid {
  return { outcome, ...(shadow ? { shadow } : {}) }
}

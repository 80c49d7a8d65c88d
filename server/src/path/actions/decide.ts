// What follows from the verdicts of all gates.
import type { Verdict } from '@whence/sdk'
import type { Decided } from './recorded.ts'

/** The strictest verdict counts; those in shadow do not. */
export function decide(verdicts: readonly Verdict[]): Pick<Decided, 'decision' | 'reason'> {
  const counting = verdicts.filter(({ shadow }) => shadow !== true)
  const refusing = counting.filter(({ outcome }) => outcome === 'refuse')
  const holding = counting.filter(({ outcome }) => outcome === 'hold')
  const because = (those: readonly Verdict[]): string =>
    those.map(({ gate, findings }) => `${gate}: ${findings[0]?.message ?? 'no reason given'}`).join('; ')
  if (refusing.length > 0) return { decision: 'refused', reason: because(refusing) }
  if (holding.length > 0) return { decision: 'held', reason: because(holding) }
  return { decision: 'released', reason: `${counting.length} ${counting.length === 1 ? 'gate' : 'gates'} passed` }
}

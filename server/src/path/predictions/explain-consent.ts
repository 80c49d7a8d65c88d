import type { ContributingEvent } from '@whence/sdk'
import type { Findings } from './findings.ts'

/** Consent receipts are not kept yet: what the events say is shown, and what is missing is said. */
export function explainConsent(findings: Findings, events: readonly ContributingEvent[], erased: boolean): void {
  if (erased) return
  findings.alert('missing', 'No consent receipt for profiling is known for this person.')
  findings.claim('consent', 'consent', 'no receipt for purpose "profiling"', 'missing', [])
  const flags = new Map<string, number[]>()
  for (const event of events) {
    if (event.consent !== undefined)
      flags.set(String(event.consent), [...(flags.get(String(event.consent)) ?? []), event.seq])
  }
  for (const [flag, seqs] of flags) {
    findings.claim(
      'consent',
      'consent flag of the events',
      `${flag} in ${seqs.length} of ${events.length}`,
      'asserted',
      seqs,
      { by: findings.actorOf(seqs[0]!) },
    )
  }
}

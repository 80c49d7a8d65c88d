// What an explanation says of consent: what was on record of the person for the purposes that profile, at the time of the
// prediction, by the policies and records that are known at the position asked for.
import type { ContributingEvent } from '@whence/sdk'
import type { Consents } from '../consent/consents.ts'
import { formatTime } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Findings } from './findings.ts'

/** Whom and which moment it is about. */
export interface Explained {
  readonly subject: string | undefined
  readonly time: string
  /** The position up to which the log is known. */
  readonly asOf: number
  readonly erased: boolean
}

export async function explainConsent(
  findings: Findings,
  consents: Consents,
  { subject, time, asOf, erased }: Explained,
  events: readonly ContributingEvent[],
): Promise<void> {
  if (erased) return
  const at = parseTime(time)
  if (subject === undefined || at === undefined) missing(findings)
  else await explainStanding(findings, consents, subject, { at, asOf })
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

async function explainStanding(
  findings: Findings,
  consents: Consents,
  subject: string,
  { at, asOf }: { at: number; asOf: number },
): Promise<void> {
  const { objections, verdicts } = await consents.profiling(subject, { at, asOf })
  for (const { seq, purpose, time } of objections) {
    const before = time <= at
    findings.open(seq)
    findings.claim('consent', 'objection', `to ${purpose}, since ${formatTime(time)}`, 'asserted', [seq], {
      by: findings.actorOf(seq),
    })
    findings.alert(
      before ? 'contradicted' : 'asserted',
      before
        ? `The person had objected to ${purpose} before this prediction (record ${seq}).`
        : `The person has objected to ${purpose} since this prediction (record ${seq}).`,
    )
  }
  if (verdicts.length === 0) missing(findings)
  for (const { purpose, verdict } of verdicts) {
    const { allowed, reason, policy, receipt, because } = verdict
    const seqs = because === undefined ? [] : [because]
    for (const seq of seqs) findings.open(seq)
    const by = receipt ? { by: findings.actorOf(receipt.seq) } : {}
    const what = receipt ? `, receipt ${receipt.id} version ${receipt.version}` : ''
    const note = policy === undefined ? {} : { note: `by ${policy}` }
    const claim = `${allowed ? '' : 'not allowed: '}${reason}${what}`
    findings.claim(
      'consent',
      `purpose ${purpose}`,
      claim,
      allowed || because !== undefined ? 'asserted' : 'missing',
      seqs,
      {
        ...by,
        ...note,
      },
    )
    if (!allowed)
      findings.alert('missing', `For the purpose "${purpose}" nothing allowed profiling at that time: ${reason}.`)
  }
}

function missing(findings: Findings): void {
  findings.alert('missing', 'No consent receipt for profiling is known for this person.')
  findings.claim('consent', 'consent', 'no receipt for purpose "profiling"', 'missing', [])
}

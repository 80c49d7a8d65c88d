// The order that a log must have: no sender has claimed a message after its person withdrew, unless it was released after
// they agreed again; nor one of a scope that was paused then, or that was recalled after the release. Found from the entries and the subjects in the index; the sayings are opened.
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { ends, footingOf } from '../../rules/actions/footing.ts'
import type { Footing, PersonSaid } from '../../rules/actions/footing.ts'
import { scopesOf } from '../../rules/actions/scope.ts'
import type { ScopeKey } from '../../rules/actions/scope.ts'
import { CONSENTS, OBJECTIONS } from '../consent/consent-record.ts'
import { PAUSES, RECALLS } from './pauses.ts'
import { STREAM } from './recorded.ts'
import { saidBy } from './said.ts'

export const REVIEWS = 'whence.reviews'
export const CLAIMS = 'whence.claims'

export interface OrderProblem {
  path: string
  code: 'claimed_after_withdrawal' | 'claimed_while_paused'
  message: string
}

/** Of every claim: whether a saying that ends what it rests on stands between the release and it. */
export async function checkOrder(ledger: Ledger): Promise<{ problems: OrderProblem[]; checked: { claims: number } }> {
  const problems: OrderProblem[] = []
  let claims = 0
  const said = new Map<string, { seq: number; words: PersonSaid[] }[]>()
  const released = new Map<number, { seq: number; footing: Footing; scopes: readonly ScopeKey[] }>()
  const paused = new Map<string, number>()
  const recalled = new Map<string, number>()
  let read = 0
  for (const seq of inOrder(ledger, [STREAM, REVIEWS, CLAIMS, CONSENTS, OBJECTIONS, PAUSES, RECALLS])) {
    if (++read % 1024 === 0) await new Promise((resolve) => setImmediate(resolve))
    const entry = ledger.entry(seq)
    const { subject } = ledger.line(seq)
    const { refs } = entry
    switch (kindOf(entry)) {
      case 'action':
      case 'review':
        if (refs.decision === 'released')
          released.set(refs.action === undefined ? seq : Number(refs.action), {
            seq,
            footing: footingOf(refs),
            scopes: scopesOf(refs),
          })
        break
      case 'pause':
        if (refs.state === 'paused') paused.set(refs.scope!, seq)
        else paused.delete(refs.scope!)
        break
      case 'recall':
        recalled.set(refs.scope!, seq)
        break
      case 'claim': {
        claims++
        const release = released.get(Number(refs.action))
        const between = (said.get(subject) ?? []).find(
          (one) =>
            release !== undefined && one.seq > release.seq && one.words.some((words) => ends(words, release.footing)),
        )
        const why =
          release === undefined
            ? `what it claims, record ${refs.action}, was never released`
            : between && `the person withdrew in record ${between.seq}, after the release in record ${release.seq}`
        const stopped = release?.scopes
          .map((scope) => ({ scope, by: paused.get(scope) ?? -1, back: recalled.get(scope) ?? -1 }))
          .find(({ by, back }) => by >= 0 || back > release.seq)
        if (stopped)
          problems.push({
            path: ledger.payloadPath(seq),
            code: 'claimed_while_paused',
            message: `claim ${seq} must not be there: ${stopped.scope} was ${
              stopped.by >= 0 ? `paused in record ${stopped.by}` : `recalled in record ${stopped.back}`
            }`,
          })
        if (why)
          problems.push({
            path: ledger.payloadPath(seq),
            code: 'claimed_after_withdrawal',
            message: `claim ${seq} must not be there: ${why}`,
          })
        break
      }
      default: {
        const words = saidBy({ entry, seq }, ledger.open(seq))
        if (words.length > 0) said.set(subject, [...(said.get(subject) ?? []), { seq, words }])
      }
    }
  }
  return { problems, checked: { claims } }
}

/** The positions of all records of some streams, in the order of the log. */
function inOrder(ledger: Ledger, streams: readonly string[]): number[] {
  const seqs: number[] = []
  for (const stream of streams)
    for (let from = 0; from < ledger.size;) {
      const page = ledger.ofStream(stream, from, 65_536)
      for (const seq of page.seqs) seqs.push(seq)
      from = page.next
    }
  return seqs.sort((a, b) => a - b)
}

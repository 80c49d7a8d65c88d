// Whose an address in a text is, as far as identifiers of ours tell.
import type { Ledger } from '../../record/ledger/ledger.ts'

/** Identifiers by which somebody in a text may be known. */
const TYPES = ['customer', 'email', 'phone']

/** With `before`: as the log could tell before that position. */
export function whose(
  ledger: Ledger,
  identifier: string,
  recipient: string | undefined,
  before?: number,
): 'recipient' | 'other' | 'unknown' {
  for (const type of TYPES) {
    const id = ledger.subjects.idOf(type, identifier)
    if (id === undefined) continue
    if (id === recipient) return 'recipient'
    if (before === undefined || id === 'erased' || isKnown(ledger, id, before)) return 'other'
  }
  return 'unknown'
}

function isKnown(ledger: Ledger, subject: string, before: number): boolean {
  return ledger.recordsOf(subject, { before }).next().done !== true
}

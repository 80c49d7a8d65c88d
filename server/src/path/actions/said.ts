// A record of consent or objection, as far as it matters to what was released.
import type { Entry } from '../../record/ledger/entry.ts'
import type { OpenedRecord } from '../../record/ledger/ledger.ts'
import type { PersonSaid } from '../../rules/actions/footing.ts'
import { permits } from '../../rules/consent/judge.ts'
import { consentsOf, CONSENTS, OBJECTIONS } from '../consent/consent-record.ts'
import { objectionOf } from '../consent/objections.ts'

/** Kinds of records in which people say something: a conflict may hold a withdrawal. */
export const SAYINGS = ['consent', 'objection', 'conflict']

/** What the person said; nothing when it can no longer be read. */
export function saidBy(record: { entry: Entry; seq: number }, opened: OpenedRecord): PersonSaid[] {
  const { stream } = record.entry
  if (stream === CONSENTS)
    return consentsOf(record, opened).map(({ purpose, channel, state }) => ({
      what: 'consent',
      purpose,
      channel,
      permits: permits(state),
    }))
  const said = stream === OBJECTIONS ? objectionOf(record, opened) : undefined
  return said ? [{ what: 'objection', purpose: said.purpose, channel: said.channel, withdrawn: said.withdrawn }] : []
}

// A record of consent or objection, as far as it matters to what was released.
import type { OpenedRecord } from '../../record/ledger/ledger.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { PersonSaid } from '../../rules/actions/footing.ts'

/** What the person said; undefined when it can no longer be read. */
export function saidBy(opened: OpenedRecord): PersonSaid | undefined {
  if (opened.state !== 'open') return undefined
  if (kindOf(opened.entry) === 'consent') {
    const { purpose, channel, state } = opened.entry.refs
    return { what: 'consent', purpose: purpose!, channel, permits: state === 'given' || state === 'renewed' }
  }
  const { purpose, channel, withdrawn } = JSON.parse(Buffer.from(opened.content).toString('utf8')) as {
    purpose: string
    channel?: string
    withdrawn: boolean
  }
  return { what: 'objection', purpose, channel, withdrawn }
}

// What a record of the kind consent/1 says, read for the tables and for what is held in memory, by the same rule.
import type { ConsentState, LawfulBasis } from '@whence/sdk'
import type { Entry } from '../../record/ledger/entry.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { OpenedRecord } from '../../record/ledger/ledger.ts'
import { permits } from '../../rules/consent/judge.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { HeldConsent } from './statements.ts'

export const CONSENTS = 'whence.consents'
export const OBJECTIONS = 'whence.objections'

/** The sealed content of a receipt, as far as a check depends on it. */
export interface ReceiptBody {
  readonly state: ConsentState
  readonly purposes: readonly {
    readonly purpose: string
    readonly state?: ConsentState
    readonly channels?: readonly string[]
    readonly basis?: LawfulBasis
    readonly expires?: string
  }[]
  readonly version?: number
  readonly time?: string
  readonly jurisdiction?: string
  readonly notice?: { readonly version: string }
  readonly expires?: string
}

/** What marks the state that a person's record changes, for conditional appends. */
export function consentKey(subject: string): string {
  return `consent:${subject}`
}

/**
 * The statements of a consent record; none where its content is gone. One that conflicts with an earlier of its id is
 * kept as a conflict: whoever says no under a known id has said no all the same, so of conflicts what denies counts.
 */
export function consentsOf({ entry, seq }: { entry: Entry; seq: number }, opened: OpenedRecord): HeldConsent[] {
  if (opened.state !== 'open') return []
  const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as ReceiptBody
  const conflict = kindOf(entry) === 'conflict'
  const said = parseTime(String(opened.header.time))!
  const { id } = receiptOf(opened.header)
  return body.purposes.flatMap(({ purpose, state = body.state, channels, basis = 'consent', expires }) => {
    if (conflict && permits(state)) return []
    const ends = [body.expires, expires].flatMap((text) => (text === undefined ? [] : parseTime(text)!))
    const until = ends.length === 0 ? undefined : Math.min(...ends)
    const time = permits(state) ? said : effectiveTime(said, entry)
    return (channels ?? [undefined]).map((channel) => ({
      seq,
      time,
      purpose,
      channel,
      state,
      basis,
      jurisdiction: body.jurisdiction,
      notice: body.notice?.version,
      until,
      receipt: { id: plainUuid(id), version: body.version ?? 1 },
    }))
  })
}

/** When something that denies begins to count: when it was said, and at the latest when it was recorded. */
export function effectiveTime(said: number, { recorded }: Entry): number {
  return Math.min(said, parseTime(recorded)!)
}

/** The id of a receipt record: the receipt's own, and its version. */
export function recordId(receipt: string, version: number): string {
  return `${receipt}#${version}`
}

/** The receipt's id and version, out of a record's header. */
export function receiptOf(header: Record<string, unknown>): { id: string; version: string } {
  const id = String(header.conflicting ?? header.id)
  const cut = id.lastIndexOf('#')
  return { id: id.slice(0, cut), version: id.slice(cut + 1) }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function plainUuid(id: string): string | undefined {
  const hex = UUID.test(id) ? id.replaceAll('-', '') : undefined
  return hex === '0'.repeat(32) ? undefined : hex
}

export function uuidText(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

// The table of what receipts say: one row for each purpose on each channel.
import type { ConsentState, LawfulBasis } from '@whence/sdk'
import type { Projection } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'
import { CONSENTS, consentsOf } from './consent-record.ts'
import type { HeldConsent } from './statements.ts'

export interface HeldRow {
  readonly subject: string
  readonly said: HeldConsent
}

interface Row {
  seq: bigint
  part: number
  subject: string
  purpose: string
  channel: string | null
  state: ConsentState
  basis: LawfulBasis
  jurisdiction: string | null
  notice: string | null
  at: bigint
  until: bigint | null
  receipt: string | null
  version: number
}

const columns = 'seq, part, subject, purpose, channel, state, basis, jurisdiction, notice, at, until, receipt, version'
const PAGE = 20_000

export const consentProjection: Projection = {
  tables: ['consent_said'],
  kinds: ['consent', 'conflict'],
  async apply(tx, records) {
    const rows = records
      .filter(({ entry }) => entry.stream === CONSENTS)
      .flatMap((record) => {
        const opened = record.open()
        return consentsOf(record, opened).map((said, part) => [
          BigInt(said.seq),
          part,
          opened.state === 'open' ? opened.subject : '',
          said.purpose,
          said.channel ?? null,
          said.state,
          said.basis,
          said.jurisdiction ?? null,
          said.notice ?? null,
          BigInt(said.time),
          said.until === undefined ? null : BigInt(said.until),
          said.receipt.id ?? null,
          said.receipt.version,
        ])
      })
    if (rows.length === 0) return
    await tx.copy(
      'consent_said',
      [
        { name: 'seq', type: 'int8' },
        { name: 'part', type: 'int4' },
        { name: 'subject', type: 'text' },
        { name: 'purpose', type: 'text' },
        { name: 'channel', type: 'text' },
        { name: 'state', type: 'text' },
        { name: 'basis', type: 'text' },
        { name: 'jurisdiction', type: 'text' },
        { name: 'notice', type: 'text' },
        { name: 'at', type: 'int8' },
        { name: 'until', type: 'int8' },
        { name: 'receipt', type: 'text' },
        { name: 'version', type: 'int4' },
      ],
      rows,
    )
  },
}

/** All of it, in the order of the log, a page at a time. */
export async function* heldConsents(database: Database): AsyncGenerator<HeldRow> {
  let [seq, part] = [-1n, -1]
  for (;;) {
    const rows = await database.query<Row>(
      `select ${columns} from consent_said where (seq, part) > ($1::int8, $2::int4) order by seq, part limit ${PAGE}`,
      [seq, part],
    )
    for (const row of rows) yield heldRow(row)
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return
    ;[seq, part] = [last.seq, last.part]
  }
}

function heldRow(row: Row): HeldRow {
  return {
    subject: row.subject,
    said: {
      seq: Number(row.seq),
      time: Number(row.at),
      purpose: row.purpose,
      channel: row.channel ?? undefined,
      state: row.state,
      basis: row.basis,
      jurisdiction: row.jurisdiction ?? undefined,
      notice: row.notice ?? undefined,
      until: row.until === null ? undefined : Number(row.until),
      receipt: { id: row.receipt ?? undefined, version: row.version },
    },
  }
}

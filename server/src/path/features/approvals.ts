// Approvals: who decided what about something on the log, as whom and for what. They are records of their own and change
// nothing of what they are about; the digest says which content was decided upon.
import { canonicalize } from '@whence/ledger'
import type { Approval, ApprovalRequest } from '@whence/sdk'
import { randomUUID } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'

/** What is decided upon: a kind of thing, and its id. */
export interface About {
  kind: 'training-set'
  id: string
  digest: string
}

type Body = Omit<Approval, 'seq' | 'receipt'> & { about: About }

export const approvalProjection: Projection = {
  tables: ['approval'],
  kinds: ['approval'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const text = Buffer.from(opened.content).toString('utf8')
      const { about } = JSON.parse(text) as Body
      await tx.query('insert into approval (seq, kind, id, body) values ($1, $2, $3, $4::text::jsonb)', [
        BigInt(record.seq),
        about.kind,
        about.id,
        text,
      ])
    }
  },
}

export class Approvals {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
  }

  /** Records a decision. Durable when it resolves. */
  async record(about: About, { id, ...request }: ApprovalRequest, caller: { id: string }): Promise<Approval> {
    const now = this.#clock.now()
    const said = { ...request, about, by: caller.id, digest: about.digest }
    const earlier = id === undefined ? undefined : await this.#byId(about, id)
    const body: Body & { request?: string } = {
      ...said,
      // The same decision, sent again, is the same record: it keeps its time.
      time: earlier ?? formatTime(now),
      ...(id === undefined ? {} : { request: id }),
    }
    const placed = await this.#ledger.appendOne(
      {
        kind: 'approval/1',
        stream: 'whence.approvals',
        source: 'whence',
        id: `${about.kind}:${about.id}:${id ?? randomUUID()}`,
        time: now,
        refs: { about: `${about.kind}:${about.id}`, decision: request.decision },
        content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(body)))),
      },
      caller.id,
    )
    if (placed.status === 'conflict')
      throw new Fault('conflict', 'another decision has this id: give this one another, or none')
    const { seq, leaf, recorded, status } = placed
    const { about: _, request: __, ...shown } = body
    return { ...shown, seq, receipt: { seq, leaf, recorded, status } }
  }

  /** The decisions about something, in the order of the log. */
  async of({ kind, id }: Omit<About, 'digest'>): Promise<Approval[]> {
    await this.#follower.reach('approval')
    const rows = await this.#database.query<{ seq: bigint; body: Body & { request?: string } }>(
      'select seq, body from approval where kind = $1 and id = $2 order by seq',
      [kind, id],
    )
    return rows.map(({ seq, body: { about: _, request: __, ...shown } }) => ({ ...shown, seq: Number(seq) }))
  }

  async #byId({ kind, id }: About, request: string): Promise<string | undefined> {
    await this.#follower.reach('approval')
    const [row] = await this.#database.query<{ time: string }>(
      "select body->>'time' as time from approval where kind = $1 and id = $2 and body->>'request' = $3",
      [kind, id, request],
    )
    return row?.time
  }
}

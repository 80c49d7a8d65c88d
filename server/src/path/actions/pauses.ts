// Pauses: what is released under a scope waits, and nobody gets it, until the scope is resumed; or it is recalled, and
// nobody ever gets it. Both are in force from the moment that they are sequenced: a claim that was judged before is stale.
import type { ActionScope, Pause, PauseDone, PauseRequest, Recalled } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Placed } from '../../record/ledger/writer.ts'
import type { LiveProjection, LiveRecord } from '../../record/projection/live.ts'
import type { Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseScope, scopeKey, scopesOf } from '../../rules/actions/scope.ts'
import type { ScopeKey } from '../../rules/actions/scope.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Database } from '../../store/database.ts'
import type { Outbox } from './outbox.ts'

export const PAUSES = 'whence.pauses'
export const RECALLS = 'whence.recalls'

/** The keys of conditional appends that pauses and recalls touch, and that releases and claims depend on. */
export function pauseKeys(refs: Readonly<Record<string, string>>): string[] {
  return scopesOf(refs).map((key) => `paused:${key}`)
}

/** Payload of `pause/1`. */
interface PauseBody extends ActionScope {
  paused: boolean
  reason: string
}

interface InForce {
  readonly seq: number
  readonly reason: string
  readonly by: string
  readonly since: string
}

export const pauseProjection: Projection = {
  tables: ['pause'],
  kinds: ['pause'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { kind, name, paused, reason } = bodyOf(opened.content)
      await tx.query(
        `insert into pause (scope, seq, paused, reason, by, since) values ($1, $2, $3, $4, $5, $6)
         on conflict (scope) do update
         set seq = excluded.seq, paused = excluded.paused, reason = excluded.reason, by = excluded.by, since = excluded.since`,
        [
          scopeKey({ kind, name }),
          BigInt(record.seq),
          paused,
          reason,
          record.entry.actor,
          BigInt(parseTime(record.entry.recorded)!),
        ],
      )
    }
  },
}

export class Pauses implements LiveProjection {
  readonly kinds = ['pause']
  readonly #parts: { ledger: Ledger; database: Database; clock: Clock; outbox: Outbox }
  readonly #inForce = new Map<ScopeKey, InForce>()

  constructor(parts: { ledger: Ledger; database: Database; clock: Clock; outbox: Outbox }) {
    this.#parts = parts
  }

  async load(): Promise<void> {
    const rows = await this.#parts.database.query<{ scope: ScopeKey; seq: bigint; reason: string; by: string }>(
      'select scope, seq, reason, by from pause where paused',
    )
    for (const { scope, seq, reason, by } of rows)
      this.#inForce.set(scope, { seq: Number(seq), reason, by, since: this.#parts.ledger.entry(Number(seq)).recorded })
  }

  apply({ seq, entry, open }: LiveRecord): void {
    if (kindOf(entry) !== 'pause') return
    const opened = open()
    if (opened.state !== 'open') return
    const { kind, name, paused, reason } = bodyOf(opened.content)
    const key = scopeKey({ kind, name })
    if (paused) this.#inForce.set(key, { seq, reason, by: entry.actor, since: entry.recorded })
    else this.#inForce.delete(key)
  }

  forget(): void {}

  /** Why an action may not go out now, beside consent. */
  over(refs: Readonly<Record<string, string>>): { seq: number; message: string } | undefined {
    if (this.#inForce.size === 0) return undefined
    for (const key of scopesOf(refs)) {
      const pause = this.#inForce.get(key)
      if (pause) {
        const { kind, name } = parseScope(key)
        return { seq: pause.seq, message: `the ${kind} ${name} is paused: ${pause.reason}` }
      }
    }
    return undefined
  }

  list(): Pause[] {
    return [...this.#inForce].map(([key, pause]) => this.#shown(parseScope(key), pause, true))
  }

  /** Pauses a scope, or lets it go on. Pausing what is paused, and the other way round, is a `duplicate`. */
  async set({ kind, name, reason }: PauseRequest, paused: boolean, caller: Caller): Promise<PauseDone> {
    const { ledger, clock } = this.#parts
    const scope = { kind, name }
    const key = scopeKey(scope)
    for (;;) {
      const basis = ledger.size
      const known = this.#inForce.get(key)
      if (paused && known)
        return {
          ...this.#shown(scope, known, true),
          receipt: { ...ledger.receiptOf(known.seq), status: 'duplicate' },
        }
      if (!paused && !known) throw new Fault('conflict', `the ${kind} ${name} is not paused`)
      const body: PauseBody = { ...scope, paused, reason }
      const placed = await ledger.append(
        [
          {
            kind: 'pause/1',
            stream: PAUSES,
            source: caller.source,
            id: `${key}#${basis}`,
            time: clock.now(),
            refs: { scope: key, state: paused ? 'paused' : 'resumed' },
            content: Buffer.from(JSON.stringify(body)),
            touches: [`paused:${key}`],
          },
        ],
        { actor: caller.id, basis, keys: [`paused:${key}`] },
      )
      if (placed === 'stale') continue
      const { seq, leaf, recorded, status } = accepted(placed[0]!)
      const pause = { seq, reason, by: caller.id, since: recorded }
      return { ...this.#shown(scope, pause, paused), receipt: { seq, leaf, recorded, status } }
    }
  }

  /** Takes back what is queued under a scope, for good. The same `id` again is the same recall. */
  async recall(scope: ActionScope, { id, reason }: { id: string; reason: string }, caller: Caller): Promise<Recalled> {
    const { ledger, clock } = this.#parts
    const key = scopeKey(scope)
    const waiting = this.#waiting(scope)
    const placed = await ledger.append(
      [
        {
          kind: 'recall/1',
          stream: RECALLS,
          source: caller.source,
          id,
          time: clock.now(),
          refs: { scope: key },
          content: Buffer.from(JSON.stringify({ ...scope, reason })),
          touches: [`paused:${key}`],
        },
      ],
      { actor: caller.id },
    )
    if (placed === 'stale') throw new Error('a recall depends on nothing')
    const { seq, leaf, recorded, status } = accepted(placed[0]!)
    return { ...scope, ...waiting, receipt: { seq, leaf, recorded, status } }
  }

  #shown({ kind, name }: ActionScope, { seq, reason, by, since }: InForce, paused: boolean): Pause {
    const { recalled: quarantined, claimed } = this.#waiting({ kind, name })
    return { kind, name, paused, reason, by, since, seq, quarantined, claimed }
  }

  #waiting(scope: ActionScope): { recalled: number; claimed: number } {
    const key = scopeKey(scope)
    let [recalled, claimed] = [0, 0]
    for (const { refs, lease } of this.#parts.outbox.all()) {
      if (!scopesOf(refs).includes(key)) continue
      if (lease === undefined) recalled++
      else claimed++
    }
    return { recalled, claimed }
  }
}

function bodyOf(content: Uint8Array): PauseBody {
  return JSON.parse(Buffer.from(content).toString('utf8')) as PauseBody
}

function accepted(placed: Appended): Placed {
  if (placed.status === 'refused') throw placed.fault
  if (placed.status === 'conflict') throw new Fault('conflict', 'another recall has this id; give this one another')
  return placed
}

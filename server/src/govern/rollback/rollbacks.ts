// Rollbacks, run: what a plan says, step by step, each with a record of its own. A step that was done is not done again,
// so that a rollback that was cut off goes on where it stopped, however often it is asked to.
import type { ActionProposal, Rollback, RollbackPlan, RollbackRequest, Rollbacks as List, StepDone } from '@whence/sdk'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { scopeKey } from '../../rules/actions/scope.ts'
import type { Database } from '../../store/database.ts'
import { bounded, scopedSent } from './scope.ts'
import { planRollback } from './plan.ts'
import type { PlanParts } from './plan.ts'
import { runStep } from './steps.ts'
import type { Done, StepParts } from './steps.ts'

const STREAM = 'whence.rollbacks'
const SOURCE = 'whence.rollback'

export interface RollbackParts extends PlanParts, Omit<StepParts, 'sent'> {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
}

/** Payload of the `rollback/1` that begins one. */
interface Begun {
  request: RollbackRequest
  plan: RollbackPlan
  environment?: string
}

/** Payload of the `rollback/1` of a step. */
type StepSaid = Omit<StepDone, 'seq' | 'recorded'>

export const rollbackProjection: Projection = {
  tables: ['rollback', 'rollback_step'],
  kinds: ['rollback'],
  async apply(tx, records) {
    for (const { seq, entry } of records) {
      const { plan, step, state, scopes, alarm } = entry.refs
      if (scopes !== undefined)
        await tx.query('insert into rollback (id, seq, state, scopes, alarm) values ($1, $2, $3, $4, $5)', [
          plan,
          BigInt(seq),
          state,
          JSON.parse(scopes) as string[],
          alarm === undefined ? null : BigInt(alarm),
        ])
      else if (step !== undefined)
        await tx.query(
          `insert into rollback_step (id, step, seq, state) values ($1, $2, $3, $4)
           on conflict (id, step) do update set seq = excluded.seq, state = excluded.state`,
          [plan, Number(step), BigInt(seq), state],
        )
      else await tx.query('update rollback set state = $2, ended = $3 where id = $1', [plan, state, BigInt(seq)])
    }
  },
}

export class Rollbacks {
  readonly #parts: RollbackParts
  /** Those that run now: whoever asks for one of them waits for it. */
  readonly #running = new Map<string, Promise<Rollback>>()

  constructor(parts: RollbackParts) {
    this.#parts = parts
  }

  plan(request: RollbackRequest): Promise<RollbackPlan> {
    return planRollback(this.#parts, request)
  }

  /**
   * Runs the plan with this id; every step that was done is on record when it resolves. Throws `conflict` when it is no
   * longer what would be done, or when another rollback of the same scope is not finished.
   */
  async apply(request: RollbackRequest, plan: string, caller: Caller): Promise<Rollback> {
    const begun = await this.#begin(request, caller, { plan })
    return this.#run(begun, caller)
  }

  /** As a monitor asked: planned and run at once, or only told. Once for an alarm. */
  async automatic(
    request: RollbackRequest,
    { alarm, dryRun }: { alarm: number; dryRun: boolean },
    caller: Caller,
  ): Promise<Rollback> {
    const { follower, database } = this.#parts
    await follower.reach('rollback')
    const [known] = await database.query<{ id: string; state: string }>(
      'select id, state from rollback where alarm = $1',
      [BigInt(alarm)],
    )
    const id = known?.id ?? (await this.#begin(request, caller, { alarm, dryRun }))
    return dryRun || known?.state === 'done' ? this.get(id) : this.#run(id, caller)
  }

  /** What was cut off with the process goes on. */
  async resume(caller: Caller): Promise<void> {
    const { follower, database } = this.#parts
    await follower.reach('rollback')
    const cut = await database.query<{ id: string }>("select id from rollback where state = 'running' order by seq")
    for (const { id } of cut) await this.#run(id, caller)
  }

  /** One that was cut off, or of which a step failed, goes on: without what was done already. */
  async again(given: string, caller: Caller): Promise<Rollback> {
    const { id } = await this.get(given)
    return this.#run(id, caller)
  }

  /** By its id, or by the beginning of it. Throws `not_found`. */
  async get(given: string): Promise<Rollback> {
    const { ledger, follower, database } = this.#parts
    await follower.reach('rollback')
    const [row, other] = await database.query<{
      id: string
      seq: bigint
      state: Rollback['state']
      ended: bigint | null
    }>('select id, seq, state, ended from rollback where starts_with(id, $1) limit 2', [given])
    if (!row || other || given.length < 8)
      throw new Fault('not_found', `no one rollback has the id ${given}; whence rollbacks lists them`)
    const { id } = row
    const seq = Number(row.seq)
    const { actor, recorded } = ledger.entry(seq)
    const steps = await database.query<{ seq: bigint }>('select seq from rollback_step where id = $1 order by step', [
      id,
    ])
    return {
      id,
      state: row.state,
      by: actor,
      begun: recorded,
      ...(row.ended === null ? {} : { ended: ledger.entry(Number(row.ended)).recorded }),
      plan: this.#begun(seq).plan,
      steps: steps.map((step) => this.#step(Number(step.seq))),
      receipt: { ...ledger.receiptOf(seq), status: 'duplicate' },
    }
  }

  async list(): Promise<List> {
    const { ledger, follower, database } = this.#parts
    await follower.reach('rollback')
    const rows = await database.query<{ id: string; seq: bigint; state: string; ended: bigint | null }>(
      'select id, seq, state, ended from rollback order by seq desc limit 1000',
    )
    return {
      rollbacks: rows.map(({ id, seq, state, ended }) => {
        const { plan } = this.#begun(Number(seq))
        return {
          id,
          state,
          says: plan.scope.says,
          degrees: plan.degrees,
          begun: ledger.entry(Number(seq)).recorded,
          ...(ended === null ? {} : { ended: ledger.entry(Number(ended)).recorded }),
          seq: Number(seq),
        }
      }),
      asOf: follower.next,
    }
  }

  /** Puts a plan on record; the same id is the same rollback. */
  async #begin(
    request: RollbackRequest,
    caller: Caller,
    wanted: { plan: string } | { alarm: number; dryRun: boolean },
  ): Promise<string> {
    const { ledger, follower, database, clock } = this.#parts
    for (;;) {
      await follower.reach('rollback')
      const basis = ledger.size
      if ('plan' in wanted) {
        const [known] = await database.query<{ state: string }>('select state from rollback where id = $1', [
          wanted.plan,
        ])
        if (known !== undefined) return wanted.plan
      }
      const plan = await this.plan(request)
      if ('plan' in wanted && plan.id !== wanted.plan)
        throw new Fault(
          'conflict',
          'this plan is stale: what it would do, or whom it concerns, has changed since it was shown. Plan again; while its scope is paused it holds still',
        )
      const dryRun = 'dryRun' in wanted && wanted.dryRun
      const keys = plan.scope.scopes.map(scopeKey)
      const [other] = dryRun
        ? []
        : await database.query<{ id: string }>(
            "select id from rollback where state in ('running', 'stopped') and scopes && $1::text[] and id <> $2",
            [keys, plan.id],
          )
      if (other)
        throw new Fault(
          'conflict',
          `rollback ${other.id.slice(0, 12)} of the same scope is not finished: apply it again first (whence rollback resume ${other.id.slice(0, 12)})`,
        )
      const begun: Begun = { request, plan }
      const placed = await ledger.append(
        [
          {
            kind: 'rollback/1',
            stream: STREAM,
            source: SOURCE,
            id: plan.id,
            time: clock.now(),
            refs: {
              plan: plan.id,
              state: dryRun ? 'dry run' : 'running',
              scopes: JSON.stringify(keys),
              ...('alarm' in wanted ? { alarm: String(wanted.alarm) } : {}),
            },
            content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(begun)) as Json)),
            touches: keys.map((key) => `rollback:${key}`),
          },
        ],
        { actor: caller.id, basis, keys: keys.map((key) => `rollback:${key}`) },
      )
      if (placed === 'stale') continue
      if (placed[0]!.status === 'refused') throw placed[0]!.fault
      await follower.reach('rollback')
      return plan.id
    }
  }

  /** Under a source of its own: whoever goes on with it finds what another key has begun. */
  #run(id: string, by: Caller): Promise<Rollback> {
    const running = this.#running.get(id)
    if (running) return running
    const run = this.#steps(id, { ...by, source: SOURCE }).finally(() => this.#running.delete(id))
    this.#running.set(id, run)
    return run
  }

  async #steps(id: string, caller: Caller): Promise<Rollback> {
    const before = await this.get(id)
    if (before.state === 'done' || before.state === 'dry run') return before
    const { request } = this.#begun(before.receipt.seq)
    const done = new Set(before.steps.filter(({ state }) => state === 'done').map(({ step }) => step))
    const sent = async function* (parts: RollbackParts): AsyncGenerator<ActionProposal[]> {
      yield* scopedSent(parts, await bounded(parts, request))
    }
    let failed = 0
    for (const [n, step] of before.plan.steps.entries()) {
      if (done.has(n)) continue
      let told: Done
      try {
        told = await runStep({ ...this.#parts, sent: () => sent(this.#parts) }, before.plan, n, caller)
      } catch (error) {
        // What a step depends on may be away for a while: it is said, and tried again with the next call.
        if (!isFault(error)) throw error
        told = { state: 'failed', says: error.message, detail: { code: error.code } }
      }
      if (told.state === 'failed') failed++
      await this.#say(id, { step: n, do: step.do, ...told }, caller)
    }
    await this.#end(id, failed === 0 ? 'done' : 'stopped', caller)
    return this.get(id)
  }

  async #say(id: string, said: StepSaid, caller: Caller): Promise<void> {
    await this.#append(
      `${id}#${said.step}#${this.#parts.ledger.size}`,
      { plan: id, step: String(said.step), state: said.state },
      said,
      caller,
    )
  }

  async #end(id: string, state: 'done' | 'stopped', caller: Caller): Promise<void> {
    await this.#append(`${id}#${state}#${this.#parts.ledger.size}`, { plan: id, state }, { state }, caller)
  }

  async #append(id: string, refs: Record<string, string>, content: object, caller: Caller): Promise<void> {
    const { ledger, clock } = this.#parts
    const placed = await ledger.append(
      [
        {
          kind: 'rollback/1',
          stream: STREAM,
          source: caller.source,
          id,
          time: clock.now(),
          refs,
          content: Buffer.from(canonicalize(JSON.parse(JSON.stringify(content)) as Json)),
        },
      ],
      { actor: caller.id },
    )
    if (placed !== 'stale' && placed[0]!.status === 'refused') throw placed[0]!.fault
  }

  #step(seq: number): StepDone {
    return { ...(this.#opened(seq) as StepSaid), seq, recorded: this.#parts.ledger.entry(seq).recorded }
  }

  #begun(seq: number): Begun {
    return this.#opened(seq) as Begun
  }

  #opened(seq: number): unknown {
    const opened = this.#parts.ledger.open(seq)
    if (opened.state !== 'open') throw new Fault('not_found', `record ${seq} can no longer be read`)
    return JSON.parse(Buffer.from(opened.content).toString('utf8'))
  }
}

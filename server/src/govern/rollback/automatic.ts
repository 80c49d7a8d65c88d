// Rollbacks that monitors ask for. Each alarm that wants one gets one, also when the process died in between.
import type { Degree, RollbackWanted } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Playbook } from '../../rules/playbooks/playbook.ts'
import { playbookOf } from '../../rules/playbooks/playbook.ts'
import type { Database } from '../../store/database.ts'
import type { Rollbacks } from './rollbacks.ts'

export interface AutomaticParts {
  ledger: Ledger
  follower: Follower
  database: Database
  rollbacks: Rollbacks
  playbooks(): Promise<Playbook[]>
}

/** What a monitor may ask for goes as far as its degree, and begins with a pause. */
const upTo: Record<Degree, Degree[]> = {
  pause: ['pause'],
  revert: ['pause', 'revert'],
  compensate: ['pause', 'revert', 'compensate'],
}

/** Milliseconds until what could not be done is tried again. */
const AGAIN = 10_000

export class AutomaticRollbacks {
  readonly #parts: AutomaticParts
  readonly #failures = new Map<number, string>()
  #running: Promise<void> | undefined
  #seen = -1
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: AutomaticParts) {
    this.#parts = parts
  }

  /** Goes on with what was cut off, and follows the log. Returns the way to stop. */
  start(): () => Promise<void> {
    const { ledger, rollbacks } = this.#parts
    const wake = (): void => {
      if (this.#stopped || this.#running || ledger.lastOf('alarm') <= this.#seen) return
      this.#running = this.#round().finally(() => {
        this.#running = undefined
        wake()
      })
    }
    this.#running = rollbacks
      .resume(callerOf('whence'))
      .catch((error: unknown) => console.error(`whence: a rollback could not go on: ${(error as Error).message}`))
      .finally(() => {
        this.#running = undefined
        wake()
      })
    const stop = ledger.onCommit(wake)
    return async () => {
      this.#stopped = true
      stop()
      clearTimeout(this.#timer)
      await this.#running
    }
  }

  async #round(): Promise<void> {
    const { ledger, follower, database } = this.#parts
    const seen = ledger.lastOf('alarm')
    await follower.reach('alarm', 'rollback')
    const alarms = await database.query<{ seq: bigint; monitor: string; body: Wanting }>(
      `select seq, monitor, body from alarm a where does = 'rollback' and cleared is null
       and not exists (select from rollback r where r.alarm = a.seq) order by seq`,
    )
    let failed = false
    for (const { seq, monitor, body } of alarms) failed = !(await this.#answer(Number(seq), monitor, body)) || failed
    // Not before everything was answered: what could not be is tried again.
    if (!failed) this.#seen = seen
    else {
      this.#seen = ledger.lastOf('alarm')
      this.#timer = setTimeout(() => {
        this.#seen = -1
        if (!this.#stopped && !this.#running) this.#running = this.#round().finally(() => (this.#running = undefined))
      }, AGAIN).unref()
    }
  }

  async #answer(alarm: number, monitor: string, { wants, sentence }: Wanting): Promise<boolean> {
    if (!wants) return true
    const playbook = playbookOf(await this.#parts.playbooks(), monitor)
    const degrees = upTo[wants.degree].filter((degree) => degree !== 'compensate' || playbook?.compensate)
    try {
      await this.#parts.rollbacks.automatic(
        {
          kind: 'alarm',
          name: String(alarm),
          reason: sentence,
          degrees,
          ...(playbook === undefined ? {} : { playbook: playbook.name }),
        },
        { alarm, dryRun: wants.dryRun },
        callerOf(`monitor:${monitor}`),
      )
      this.#failures.delete(alarm)
      return true
    } catch (error) {
      const reason = (error as Error).message
      if (this.#failures.get(alarm) !== reason && !this.#stopped)
        console.error(`whence: the rollback that alarm ${alarm} wants could not be done: ${reason}`)
      this.#failures.set(alarm, reason)
      return false
    }
  }
}

interface Wanting {
  wants?: RollbackWanted
  sentence: string
}

function callerOf(id: string): { id: string; name: string; source: string; scopes: [] } {
  return { id, name: id, source: 'whence', scopes: [] }
}

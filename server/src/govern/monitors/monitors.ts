// The monitors in force, following the log. What they know is a fold over it: after a restart it is worked out again, and
// gives the same alarms at the same records, of which those that are on record are not raised again.
import type { AlarmBody, Monitors as MonitorsShown, MonitorState } from '@whence/sdk'
import type { PolicyBook } from '../../path/events/policy-book.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Monitor } from '../../rules/monitors/monitor.ts'
import type { Database } from '../../store/database.ts'
import type { Alarms } from './alarms.ts'
import { MonitorFold } from './fold.ts'
import type { MonitorInForce } from './fold.ts'
import { untied } from './observations.ts'

export interface MonitorParts {
  ledger: Ledger
  follower: Follower
  database: Database
  book: PolicyBook<Monitor>
  alarms: Alarms
}

/** Groups of one monitor that are shown. */
const SHOWN = 200
/** So long after a commit the log is followed: commits come in bursts. */
const REST = 100

export class Monitors {
  readonly #parts: MonitorParts
  readonly #fold: MonitorFold
  /** Alarms that are not on record yet: the log was full, or did not answer. */
  readonly #owed: AlarmBody[] = []
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #failure: string | undefined

  constructor(parts: MonitorParts) {
    this.#parts = parts
    this.#fold = new MonitorFold(parts)
  }

  /** Follows the log until what it returns is called. */
  start(): () => Promise<void> {
    const wake = (): void => {
      if (this.#stopped) return
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.catchUp().catch((error: unknown) => {
          const reason = (error as Error).message
          if (reason !== this.#failure && !this.#stopped) console.error(`whence: monitors could not follow: ${reason}`)
          this.#failure = reason
          // What could not be recorded is tried again, without waiting for somebody to write.
          setTimeout(wake, 10 * REST).unref()
        })
      }, REST)
    }
    const stop = this.#parts.ledger.onCommit(wake)
    wake()
    return async () => {
      this.#stopped = true
      stop()
      clearTimeout(this.#timer)
      await this.#running?.catch(() => {})
    }
  }

  /** Resolves when everything that is durable now was looked at, and its alarms are on record. */
  async catchUp(): Promise<void> {
    const target = this.#parts.ledger.size
    while (this.#fold.followed < target || this.#owed.length > 0) {
      this.#running ??= this.#step().finally(() => (this.#running = undefined))
      await this.#running
    }
  }

  /** How all stand, as of now. */
  async list(): Promise<MonitorsShown> {
    await this.catchUp()
    return {
      monitors: this.#fold.inForce.map((one) => this.#shown(one)),
      untied: await untied(this.#parts.database),
      asOf: this.#fold.followed,
    }
  }

  async #step(): Promise<void> {
    const { ledger, follower } = this.#parts
    await this.#settle()
    const to = ledger.size
    await follower.reachSeq(to - 1)
    // First noted, then recorded: what cannot be recorded now is owed.
    await this.#fold.advance(to, (body) => void this.#owed.push(body))
    await this.#settle()
    this.#failure = undefined
  }

  async #settle(): Promise<void> {
    for (let owed = this.#owed[0]; owed !== undefined; owed = this.#owed[0]) {
      await this.#parts.alarms.raise(owed)
      this.#owed.shift()
    }
  }

  #shown({ policy, version, seq, watching }: MonitorInForce): MonitorState {
    const groups = watching.groups()
    const { name, description, by, metric, per, environment, test, alpha, minimum, across, then } = policy
    return {
      monitor: name,
      version,
      seq,
      ...(description === undefined ? {} : { description }),
      by,
      metric,
      per: test.kind === 'drift' ? 'written' : per,
      environment,
      test: { ...test },
      alpha,
      minimum,
      across,
      then: { ...then },
      groups: groups.slice(0, SHOWN),
      watched: groups.length,
      unread: watching.unread,
      notes: notesOn(policy, groups),
    }
  }
}

function notesOn({ test, start }: Monitor, groups: MonitorState['groups']): string[] {
  const notes: string[] = []
  if (start !== undefined)
    notes.push(
      'It counts from a start that its file names: where that was chosen after a look at the data, alpha does not hold.',
    )
  if ('baseline' in test) {
    if (!groups.some(({ counted }) => (counted.baseline?.units ?? 0) > 0))
      notes.push(`Nothing was counted of the baseline ${test.baseline} yet.`)
    for (const { group, counted } of groups) {
      if (test.kind !== 'baseline' || counted.baseline === undefined) continue
      const all = counted.units + counted.baseline.units
      // Five standard deviations: whatever the reason, the comparison is then not the one that the file describes.
      const spread = 5 * Math.sqrt((test.share * (1 - test.share)) / Math.max(1, all))
      if (all > 100 && Math.abs(counted.units / all - test.share) > spread)
        notes.push(
          `${group} has ${((100 * counted.units) / all).toFixed(1)} % of what was sent, and its file says ${(100 * test.share).toFixed(1)} %: correct the share.`,
        )
    }
  }
  return notes
}

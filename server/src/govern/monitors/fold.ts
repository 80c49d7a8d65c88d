// All monitors that were ever in force, as one fold over the log: each version watches from its own record until a plan
// puts another in its place or takes it out. So the alarms follow from the log, however often and in whatever steps it is
// followed.
import type { AlarmBody } from '@whence/sdk'
import type { PolicyInForce } from '../../path/events/policy-book.ts'
import type { Monitor } from '../../rules/monitors/monitor.ts'
import { follow } from './follow.ts'
import type { MonitorParts } from './monitors.ts'
import { Watching } from './watching.ts'

export interface MonitorInForce extends PolicyInForce<Monitor> {
  readonly watching: Watching
}

export class MonitorFold {
  readonly #parts: MonitorParts
  #inForce: MonitorInForce[] = []
  #followed = 0

  constructor(parts: MonitorParts) {
    this.#parts = parts
  }

  /** Everything before this record was looked at. */
  get followed(): number {
    return this.#followed
  }

  /** In the order of their names. */
  get inForce(): readonly MonitorInForce[] {
    return this.#inForce
  }

  /** Looks at what stands before a record, which the tables must have followed. Hears of each alarm in order. */
  async advance(to: number, alarm: (body: AlarmBody) => void): Promise<void> {
    while (this.#followed < to) {
      const plan = await this.#nextPlan(to)
      await this.#watch(plan ?? to, alarm)
      if (plan === undefined) return
      await this.#change(plan + 1)
      this.#followed = plan + 1
    }
  }

  async #watch(to: number, alarm: (body: AlarmBody) => void): Promise<void> {
    const watching = this.#inForce.map((one) => one.watching)
    for (const one of watching) one.expect(await this.#clearings(one.name))
    await follow(this.#parts, watching, to, alarm)
    this.#followed = Math.max(this.#followed, to)
  }

  /** What is in force from here on. */
  async #change(asOf: number): Promise<void> {
    const known = new Map(this.#inForce.map(({ watching }) => [watching.name, watching]))
    this.#inForce = (await this.#parts.book.inForce(asOf)).map((one) => {
      const name = `${one.policy.name}@v${one.version}`
      return { ...one, watching: known.get(name) ?? watchingOf(name, one) }
    })
  }

  async #nextPlan(to: number): Promise<number | undefined> {
    const [row] = await this.#parts.database.query<{ seq: bigint }>(
      'select seq from declaration_plan where seq >= $1 and seq < $2 order by seq limit 1',
      [BigInt(this.#followed), BigInt(to)],
    )
    return row === undefined ? undefined : Number(row.seq)
  }

  async #clearings(name: string): Promise<{ group: string; at: number }[]> {
    const raised = await this.#parts.alarms.of(name)
    return raised
      .flatMap(({ group, cleared }) => (cleared === undefined ? [] : [{ group, at: cleared.seq }]))
      .toSorted((a, b) => a.at - b.at)
  }
}

/** From its own record on; or, where its file names an earlier start, from there. */
function watchingOf(name: string, { policy, seq }: PolicyInForce<Monitor>): Watching {
  return new Watching(policy, { name, from: policy.start === undefined ? seq : 0 })
}

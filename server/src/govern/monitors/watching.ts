// One version of a monitor while it watches: what it makes of facts and of copy, as bodies of alarms. A pure fold: what
// the caller hands in, in the order of the log, decides everything.
import type { AlarmBody, DriftFound, MonitorGroup } from '@whence/sdk'
import { formatTime } from '../../record/time.ts'
import type { Monitor } from '../../rules/monitors/monitor.ts'
import type { Observation } from '../../rules/monitors/observation.ts'
import { RateWatch } from '../../rules/monitors/watch.ts'
import type { GroupState, Reached } from '../../rules/monitors/watch.ts'
import { evidenceOf } from './alarms.ts'
import { DriftWatch } from './drift-watch.ts'
import type { Written } from './drift-watch.ts'
import { driftSentence, rateSentence } from './sentence.ts'

/** That a group was dealt with, at a record. */
export interface Clearing {
  readonly group: string
  readonly at: number
}

export class Watching {
  readonly monitor: Monitor
  /** `name@vN` */
  readonly name: string
  /** The next record that it has not seen. */
  next: number
  readonly #rates: RateWatch | undefined
  readonly #drift: DriftWatch | undefined
  #clearings: readonly Clearing[] = []

  constructor(monitor: Monitor, { name, from }: { name: string; from: number }) {
    this.monitor = monitor
    this.name = name
    this.next = from
    if (monitor.test.kind === 'drift') this.#drift = new DriftWatch(monitor)
    else this.#rates = new RateWatch(monitor)
  }

  get readsCopy(): boolean {
    return this.#drift !== undefined
  }

  /** Every clearing of its alarms so far, in order. */
  expect(clearings: readonly Clearing[]): void {
    this.#clearings = clearings.filter(({ at }) => at >= this.next)
  }

  observe(observation: Observation): AlarmBody[] {
    if (observation.at < this.next || this.#rates === undefined) return []
    this.#clear(observation.at)
    return this.#rates.observe(observation).map((reached) => this.#body(reached))
  }

  read(written: Written): AlarmBody[] {
    if (written.at < this.next || this.#drift === undefined) return []
    this.#clear(written.at)
    return this.#drift.read(written).map(({ drift, ...reached }) => this.#body(reached, drift))
  }

  /** Everything before a record was handed in. */
  reached(next: number): void {
    this.#clear(next)
    this.next = next
  }

  groups(): MonitorGroup[] {
    const states: (GroupState & { drift?: DriftFound | undefined })[] = this.#rates?.states() ?? this.#drift!.states()
    return states.map(({ group, alarmed, counted, evidence, threshold, drift }) => ({
      group,
      alarmed,
      counted,
      evidence: this.#evidence(evidence, threshold),
      ...(drift === undefined ? {} : { drift }),
    }))
  }

  /** Actions whose copy could not be read. */
  get unread(): number {
    return this.#drift?.unread ?? 0
  }

  #clear(before: number): void {
    while (this.#clearings.length > 0 && this.#clearings[0]!.at < before) {
      const [{ group, at }, ...rest] = this.#clearings as [Clearing, ...Clearing[]]
      this.#clearings = rest
      this.#rates?.clear(group, at)
      this.#drift?.clear(group, at)
    }
  }

  /** Of drift it is a divergence; of all else ln E. */
  #evidence(evidence: number, threshold: number): AlarmBody['evidence'] {
    return this.#drift === undefined
      ? evidenceOf(evidence, threshold)
      : { value: evidence, log: Math.log(Math.max(evidence, 1e-300)), threshold }
  }

  #body({ group, at, recorded, evidence, threshold, counted }: Reached, drift?: DriftFound): AlarmBody {
    const { by, metric, per, test, alpha, then, environment } = this.monitor
    const rate = drift === undefined
    return {
      monitor: this.name,
      environment,
      by,
      group,
      metric,
      per: rate ? per : 'written',
      test: test.kind,
      at,
      time: formatTime(recorded),
      alpha,
      evidence: this.#evidence(evidence, threshold),
      counted,
      ...(rate ? {} : { drift }),
      sentence: rate
        ? rateSentence(this.monitor, { group, evidence, counted })
        : driftSentence(this.monitor, { group, counted, drift }),
      do: then.do,
      ...(then.do === 'rollback' ? { wants: { degree: then.degree, dryRun: then.dryRun } } : {}),
    }
  }
}

// One version of a monitor of rates, as a fold over observations: the same observations in the same order give the same
// alarms at the same records, whenever and wherever it is done.
import { hash } from 'node:crypto'
import { matches } from '../files/policy-file.ts'
import { rejected } from './evidence.ts'
import type { Count } from './evidence.ts'
import { Group } from './group.ts'
import { bit, Messages } from './messages.ts'
import type { Message } from './messages.ts'
import { rates, threshold } from './monitor.ts'
import type { Monitor, Rate } from './monitor.ts'
import type { Observation } from './observation.ts'

/** That a group's evidence has reached what it must. */
export interface Reached {
  readonly group: string
  /** The record that made it so, and its time. */
  readonly at: number
  readonly recorded: number
  /** ln E, and ln of what it had to reach. */
  readonly evidence: number
  readonly threshold: number
  readonly counted: Counted
}

/** What evidence is made of. */
export interface Counted {
  readonly events: number
  readonly units: number
  readonly baseline?: Count
  /** Messages first heard of from this record on, told of up to that. */
  readonly from: number
  readonly to: number
  /** SHA-256 over what was counted, in order. */
  readonly digest: string
  /** Groups that are watched, this one included. */
  readonly groups: number
}

export interface GroupState extends Omit<Reached, 'recorded'> {
  readonly alarmed: boolean
}

export class RateWatch {
  readonly #monitor: Monitor
  readonly #messages: Messages
  readonly #base: number
  readonly #event: number
  readonly #groups = new Map<string, Group>()
  /** Groups in which something was counted: as many hypotheses. */
  #counted = 0
  /** Groups with evidence that might be enough. */
  readonly #high = new Set<string>()
  readonly #alarmed = new Set<string>()
  /** Messages that are counted when their time has come, oldest first. */
  readonly #settling: { message: Message; due: number }[] = []
  #settled = 0
  /** Of the baseline's facts, in order. */
  readonly #baseline: Group | undefined
  #last = -1
  #begun: number | undefined

  constructor(monitor: Monitor) {
    this.#monitor = monitor
    const event = rates[monitor.metric as Rate]
    this.#messages = new Messages([...new Set(['sent', monitor.per, event] as const)])
    this.#base = bit(monitor.per)
    this.#event = bit(event)
    if ('baseline' in monitor.test) this.#baseline = this.#group(monitor.test.baseline, 0, 0)
  }

  /** Takes in what comes next. Observations must come in order, from where the monitor begins. */
  observe(observation: Observation): Reached[] {
    const { by, among, window, start, environment } = this.#monitor
    const { at, recorded, groups } = observation
    this.#last = at
    if (start !== undefined && recorded < start) return []
    this.#begun ??= start ?? recorded
    this.#messages.forget(recorded)
    const reached = this.#settle(at, recorded)
    const name = observation.environment === environment ? groups[by] : undefined
    if (name === undefined) return reached
    const isBaseline = name === this.#baseline?.name
    if (!isBaseline && among !== undefined && !among.some((pattern) => matches(pattern, name))) return reached
    const learned = this.#messages.add(observation, name)
    if (learned === undefined) return reached
    const { message, before } = learned
    if (isBaseline) this.#baseline.note(observation)
    else {
      const index = window === undefined ? 0 : Math.floor((message.recorded - this.#begun) / window)
      const known = this.#groups.get(name)
      const group = known === undefined || index > known.window ? this.#begin(name, message.first, index) : known
      if (message.first < group.since || index < group.window) return reached
      group.note(observation)
    }
    const was = (before & this.#base) !== 0
    const is = (message.known & this.#base) !== 0
    if (!is) return reached
    if ('settle' in this.#monitor.test) {
      if (!was) this.#settling.push({ message, due: recorded + this.#monitor.test.settle })
      return reached
    }
    const hadEvent = was && (before & this.#event) !== 0
    const events = Number((message.known & this.#event) !== 0) - Number(hadEvent)
    const units = Number(!was)
    for (const group of this.#concerned(message)) {
      const below = group.count.units < this.#monitor.minimum
      const arm = isBaseline ? 'baseline' : 'version'
      if (!isBaseline && group.count.units === 0 && units > 0) this.#counted++
      group.add(arm, { events, units })
      const enough = group.count.units >= this.#monitor.minimum
      if (!isBaseline && enough && (events > 0 || below)) reached.push(...this.#look(group, at, recorded))
    }
    return reached
  }

  /** What this group was alarmed of is dealt with: its evidence begins anew at a record. */
  clear(name: string, at: number): void {
    this.#alarmed.delete(name)
    this.#high.delete(name)
    const group = this.#groups.get(name)
    if (group !== undefined) this.#begin(name, at, group.window)
  }

  /** How each group stands; those with most evidence first. */
  states(): GroupState[] {
    return [...this.#groups.values()]
      .filter(({ count }) => count.units > 0)
      .map((group) => this.#state(group))
      .toSorted((a, b) => b.evidence - a.evidence || (a.group < b.group ? -1 : 1))
  }

  #state(group: Group): GroupState {
    const { count, beside, evidence, since, digest } = group
    const all = this.#monitor.across === 'e-bh' && this.#monitor.test.kind !== 'restarts' ? this.#counted : 1
    return {
      group: group.name,
      at: this.#last,
      evidence,
      threshold: threshold(this.#monitor) + Math.log(Math.max(1, all)),
      alarmed: this.#alarmed.has(group.name),
      counted: {
        events: count.events,
        units: count.units,
        ...(this.#baseline ? { baseline: { ...beside } } : {}),
        from: since,
        to: this.#last,
        digest: this.#baseline ? hash('sha256', digest + this.#baseline.digest) : digest,
        groups: Math.max(1, this.#counted),
      },
    }
  }

  /** The groups in whose evidence a message counts: its own; of the baseline's, all that were there by then. */
  *#concerned({ group: name, first }: Message): Generator<Group> {
    if (name === this.#baseline?.name) {
      for (const group of this.#groups.values()) if (first >= group.since) yield group
      return
    }
    const group = this.#groups.get(name)
    if (group !== undefined && first >= group.since) yield group
  }

  /** Counts the messages whose time has come. */
  #settle(at: number, now: number): Reached[] {
    const reached: Reached[] = []
    for (; this.#settled < this.#settling.length; this.#settled++) {
      const { message, due } = this.#settling[this.#settled]!
      if (due > now) break
      const counted = { units: 1, events: (message.known & this.#event) === 0 ? 0 : 1 }
      const arm = message.group === this.#baseline?.name ? 'baseline' : 'version'
      for (const group of this.#concerned(message)) {
        if (arm === 'version' && group.count.units === 0) this.#counted++
        if (group.addToBlock(arm, counted) && group.count.units >= this.#monitor.minimum)
          reached.push(...this.#look(group, at, now))
      }
    }
    if (this.#settled > 10_000 || this.#settled === this.#settling.length) {
      this.#settling.splice(0, this.#settled)
      this.#settled = 0
    }
    return reached
  }

  /** Looks at the evidence after that of one group has changed. */
  #look(group: Group, at: number, recorded: number): Reached[] {
    const least = threshold(this.#monitor)
    if (group.evidence < least || !group.isWorse) {
      this.#high.delete(group.name)
      return []
    }
    this.#high.add(group.name)
    const logs = new Map<string, number>()
    for (const name of this.#high) {
      const one = this.#groups.get(name)!
      if (one.evidence >= least) logs.set(name, one.evidence)
    }
    const { across, test, alpha } = this.#monitor
    const alone = across === 'each' || test.kind === 'restarts'
    const names = [...(alone ? logs : rejected(logs, this.#counted, alpha)).keys()]
    // With others beside it a group needs less than alone.
    const needed = alone ? least : Math.log(this.#counted / (names.length * alpha))
    return names
      .filter((name) => !this.#alarmed.has(name))
      .map((name) => {
        this.#alarmed.add(name)
        const { alarmed: _, ...state } = this.#state(this.#groups.get(name)!)
        return { ...state, threshold: needed, at, recorded }
      })
  }

  /** A group begins, or begins anew. */
  #begin(name: string, since: number, window: number): Group {
    if ((this.#groups.get(name)?.count.units ?? 0) > 0) this.#counted--
    this.#high.delete(name)
    const group = this.#group(name, since, window)
    this.#groups.set(name, group)
    return group
  }

  #group(name: string, since: number, window: number): Group {
    return new Group(name, { test: this.#monitor.test, since, window })
  }
}

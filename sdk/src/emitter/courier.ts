// The way of the records to the server: segment by segment, oldest first, each record until its answer is final.
import { setTimeout as pause } from 'node:timers/promises'
import type { Account } from './accounts.ts'
import type { Segment } from './backlog.ts'
import { deliver } from './delivery.ts'
import type { DeliveryOptions, Tally } from './delivery.ts'
import type { Settings } from './options.ts'
import { sentence } from './problems.ts'
import type { Problems } from './problems.ts'
import type { Route, Routes } from './routes.ts'
import type { Item } from './segment.ts'
import type { Spool } from './spool.ts'

/** Where the records of one request may come from: how many stretches of numbers its address names. */
const MOST_STRETCHES = 200
const MOST_BYTES = 1024 * 1024

export class Courier {
  readonly #settings: Settings
  readonly #delivery: DeliveryOptions
  readonly #spool: Spool
  readonly #routes: Routes
  readonly #problems: Problems
  readonly #abort = new AbortController()
  #underWay: Promise<void> | undefined
  #refusedForGood: string | undefined
  #wake: AbortController | undefined
  /** Someone waits for the end: the process stays for it. */
  hurry = false

  constructor(parts: {
    settings: Settings
    delivery: DeliveryOptions
    spool: Spool
    routes: Routes
    problems: Problems
  }) {
    this.#settings = parts.settings
    this.#delivery = parts.delivery
    this.#spool = parts.spool
    this.#routes = parts.routes
    this.#problems = parts.problems
  }

  /** Why nothing is sent any more: the key is not good. */
  get stopped(): string | undefined {
    return this.#refusedForGood
  }

  /** The delivery that is under way. Never rejects. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay
  }

  /** Aborted when nothing is to be sent any more. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Begins to send everything that waits, unless that is under way. */
  begin(): void {
    // Where a delivery ends at this very moment, the next tick begins another.
    if (this.#underWay !== undefined) return
    this.#spool.due = undefined
    this.#underWay = this.#deliverAll()
      .catch(async (error: unknown) => {
        this.#problems.tell('delivery', sentence(error))
        await pause(this.#settings.retry.first)
      })
      .finally(() => (this.#underWay = undefined))
  }

  /** Breaks off; resolves when nothing is under way any more. */
  async end(): Promise<void> {
    this.#abort.abort()
    this.#wake?.abort()
    await this.#underWay
  }

  async #deliverAll(): Promise<void> {
    await this.#spool.recovered
    while (this.stopped === undefined && !this.#abort.signal.aborted) {
      const segment = await this.#spool.first()
      if (segment === undefined) return
      if (!(await this.#deliverSegment(segment))) return
    }
  }

  /** Its accounts are settled at its end, all at once: after a crash it is sent again whole, and counted once. */
  async #deliverSegment(segment: Segment): Promise<boolean> {
    const settled: (() => void)[] = []
    const highest = new Map<Account, number>()
    const open: Item[] = []
    for (const item of await this.#spool.items(segment)) {
      const account = this.#routes.ofKey(item.to)?.account
      if (account === undefined || item.n <= Math.max(account.answered, highest.get(account) ?? 0)) continue
      highest.set(account, item.n)
      open.push(item)
    }
    for (const [to, group] of Map.groupBy(open, (item) => item.to)) {
      const route = this.#routes.ofKey(to)!
      for (const batch of batches(group, route.destination.most)) {
        const done = await this.#send(route, batch, settled)
        if (!done) return false
      }
    }
    for (const settle of settled) settle()
    for (const [account, n] of highest) account.answered = n
    await this.#spool.settled(segment)
    return true
  }

  /** True when each record has its final answer; false when the emitter stops before. */
  async #send(route: Route, first: readonly Item[], settled: (() => void)[]): Promise<boolean> {
    const { destination } = route
    const queue: (readonly Item[])[] = [first]
    for (let attempt = 0; queue.length > 0;) {
      if (this.#abort.signal.aborted) return false
      const batch = queue[0]!
      const verdict = await deliver(this.#delivery, destination, batch, this.#abort.signal)
      if (verdict.kind === 'later' && this.#abort.signal.aborted) return false
      if (verdict.kind === 'stopped') {
        this.#refusedForGood = verdict.message
        this.#problems.tell(
          verdict.code,
          `${verdict.message}. Nothing more is sent; what is emitted is kept as far as it can be`,
        )
        return false
      }
      if (verdict.kind === 'answered') {
        queue.shift()
        attempt = 0
        this.#problems.over('unreachable', 'overloaded', 'unavailable', 'unexpected_answer')
        settled.push(() => this.#settle(route, verdict.tally))
        if (verdict.again.length === 0) continue
        queue.unshift(verdict.again)
      } else if (verdict.kind === 'refused') {
        queue.shift()
        if (batch.length > 1 && verdict.divisible) {
          const half = Math.ceil(batch.length / 2)
          queue.unshift(batch.slice(0, half), batch.slice(half))
          continue
        }
        const { code, message } = verdict
        const refusals = batch.map(({ n, text: record }) => ({ n, record, code, message }))
        settled.push(() => this.#settle(route, { ...nothing, refusals }))
        continue
      } else {
        this.#problems.tell(
          verdict.code,
          `${destination.stream} cannot be sent, and is tried again: ${verdict.message}`,
        )
      }
      attempt++
      if (!(await this.#backOff(attempt, verdict.kind === 'later' ? verdict.after : 0))) return false
    }
    return true
  }

  #settle({ account, destination }: Route, tally: Tally): void {
    account.recorded += tally.recorded
    account.quarantined += tally.quarantined
    account.duplicate += tally.duplicate
    account.conflict += tally.conflict
    account.refused += tally.refusals.length
    for (const refusal of tally.refusals) {
      account.because(refusal.code)
      try {
        this.#settings.onRefused?.({ stream: destination.stream, ...refusal })
      } catch {}
    }
    const [refusal] = tally.refusals
    if (refusal)
      this.#problems.tell(`refused.${refusal.code}`, `${destination.stream} refused a record: ${refusal.message}`)
  }

  /** False when the emitter stops while it waits. */
  async #backOff(attempt: number, atLeast: number): Promise<boolean> {
    const { first, longest } = this.#settings.retry
    const step = Math.min(longest, first * 2 ** Math.min(attempt - 1, 20))
    // Between half and all of it: emitters that failed together do not come back together.
    const wait = Math.max(step * (0.5 + Math.random() / 2), atLeast * (1 + Math.random() / 10))
    if (this.#abort.signal.aborted) return false
    this.#wake = new AbortController()
    await pause(wait, undefined, { signal: this.#wake.signal, ref: this.hurry }).catch(() => {})
    this.#wake = undefined
    return !this.#abort.signal.aborted
  }
}

const nothing: Tally = { recorded: 0, quarantined: 0, duplicate: 0, conflict: 0, refusals: [] }

function* batches(items: readonly Item[], most: number): Generator<readonly Item[]> {
  let batch: Item[] = []
  let size = 0
  let stretches = 0
  let last = 0
  for (const item of items) {
    const stretch = item.n === last + 1 ? 0 : 1
    last = item.n
    if (
      batch.length > 0 &&
      (batch.length === most || size + item.text.length > MOST_BYTES || stretches + stretch > MOST_STRETCHES)
    ) {
      yield batch
      batch = []
      size = 0
      stretches = 1
    } else stretches += stretch
    batch.push(item)
    size += item.text.length
  }
  if (batch.length > 0) yield batch
}

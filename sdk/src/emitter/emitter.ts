// The emitter. `emit` turns a record into text and gives it a number; everything else happens later, and away from the caller.
import { setTimeout as pause } from 'node:timers/promises'
import { Account } from './accounts.ts'
import { readAccounts, writeAccounts, writeAccountsNow } from './accounts-file.ts'
import { Backlog } from './backlog.ts'
import type { Segment } from './backlog.ts'
import { deliver, post } from './delivery.ts'
import type { DeliveryOptions, Tally } from './delivery.ts'
import { destinationOf, destinationOfKey } from './destination.ts'
import type { Destination, Target } from './destination.ts'
import { releaseLane, takeLane, touchLane } from './lane.ts'
import type { Lane } from './lane.ts'
import { settingsOf } from './options.ts'
import type { EmitterOptions, EmitterStats, Settings } from './options.ts'
import type { Item } from './segment.ts'

/** A destination, with what every record for it needs. */
interface Route {
  readonly destination: Destination
  readonly account: Account
  readonly rate: number
  readonly id: string | undefined
}

/** Where the records of one request may come from: how many stretches of numbers its address names. */
const MOST_STRETCHES = 200
const MOST_BYTES = 1024 * 1024
const LARGEST = 8 * 1024 * 1024

export class Emitter {
  readonly #settings: Settings
  readonly #lane: Lane | undefined
  readonly #backlog: Backlog
  readonly #delivery: DeliveryOptions
  readonly #accounts = new Map<string, Account>()
  /** By key. */
  readonly #routes = new Map<string, Route>()
  /** By name. */
  readonly #streams = new Map<string, Route>()
  readonly #routeOf = new WeakMap<object, Route>()
  readonly #told = new Set<string>()
  readonly #abort = new AbortController()
  #fresh: Item[] = []
  #freshLength = 0
  #timer: NodeJS.Timeout | undefined
  /** When what stands in the open segment is to be sent. */
  #due: number | undefined
  #storing: Promise<void> | undefined
  #delivering: Promise<void> | undefined
  readonly #recovered: Promise<void>
  #saving: Promise<void> = Promise.resolve()
  #stopped: string | undefined
  #closed = false
  /** Someone waits for the end: no more patience with batches. */
  #hurry = false
  #wake: AbortController | undefined
  #reported = ''
  readonly #reporter: NodeJS.Timeout
  readonly #emitter: string

  constructor(options: EmitterOptions) {
    this.#settings = settingsOf(options)
    const { spool, limits, url, key, gzip, fetch } = this.#settings
    try {
      this.#lane = spool === undefined ? undefined : takeLane(spool)
    } catch (error) {
      this.#problem(
        'spool',
        `the spool ${spool} cannot be used, so that records are kept in memory only: ${text(error)}`,
      )
    }
    this.#emitter = this.#lane?.emitter ?? this.#settings.emitter
    this.#backlog = new Backlog(this.#lane?.folder, limits, (error) => {
      if (error) this.#problem('spool', `the spool cannot be written, so that records wait in memory: ${text(error)}`)
      else this.#told.delete('spool')
    })
    this.#delivery = { url, key, gzip, fetch, emitter: this.#emitter }
    this.#reporter = setInterval(
      () => void this.#report(this.#settings.reportEvery),
      this.#settings.reportEvery,
    ).unref()
    this.#recovered = this.#recover().catch((error: unknown) => {
      this.#problem('spool', `what an earlier run left in the spool cannot be read: ${text(error)}`)
    })
    this.#arm()
  }

  /**
   * Takes a record. Never throws and never waits: it is JSON when this returns, so that it may be changed afterwards. False
   * says that it was not taken, and `stats` why.
   */
  emit(target: Target, record: object): boolean {
    try {
      const route = this.#route(target)
      if (route === undefined) {
        this.#problem('target', 'a record has no place to go: name a stream, {model}, or {runs: true}')
        return false
      }
      return this.#take(route, record)
    } catch (error) {
      this.#problem('emit', `a record was not taken: ${text(error)}`)
      return false
    }
  }

  #take(route: Route, record: object): boolean {
    const { account, destination, rate, id } = route
    if (rate < 1 && this.#settings.random() >= rate) {
      account.sampledOut++
      return false
    }
    let json: string | undefined
    let why = 'no_json'
    if (this.#closed) why = 'closed'
    else {
      try {
        json = JSON.stringify(record)
        if (json?.[0] !== '{') json = undefined
        else if (json.length > LARGEST) {
          json = undefined
          why = 'too_large'
        }
      } catch {}
    }
    if (json === undefined) {
      account.unnumbered++
      account.dropped++
      account.because(why)
      return false
    }
    const n = ++account.n
    if (this.#freshLength + json.length > this.#settings.limits.memory) {
      this.#drop(account, 'memory_full')
      return false
    }
    if (id !== undefined && (record as Record<string, unknown>)[id] === undefined) {
      const rest = json === '{}' ? '}' : `,${json.slice(1)}`
      json = `{${JSON.stringify(id)}:"${this.#emitter}-${n}"${rest}`
    }
    this.#fresh.push({ to: destination.key, n, text: json })
    this.#freshLength += json.length
    if (this.#timer === undefined) this.#arm()
    return true
  }

  stats(): EmitterStats {
    const streams = Object.fromEntries(
      [...this.#accounts].map(([stream, account]) => [
        stream,
        { ...account.emission, quarantined: account.quarantined },
      ]),
    )
    return {
      emitter: this.#emitter,
      ...(this.#stopped === undefined ? {} : { stopped: this.#stopped }),
      streams,
      spooled: this.#backlog.disk,
    }
  }

  /** Sends what waits; resolves when nothing waits any more, or nothing can be sent, or the time is over. Never rejects. */
  async flush(milliseconds = 10_000): Promise<EmitterStats> {
    const until = this.#settings.now() + milliseconds
    this.#hurry = true
    await this.#recovered
    while (this.#settings.now() < until) {
      await this.#store()
      if (this.#stopped !== undefined || this.#backlog.isEmpty) break
      this.#deliver()
      const enough = new AbortController()
      const over = pause(Math.max(1, until - this.#settings.now()), undefined, { signal: enough.signal })
      await Promise.race([this.#delivering, over.catch(() => {})])
      enough.abort()
    }
    this.#hurry = false
    return this.stats()
  }

  /** As `flush`; then takes nothing more, keeps what is unsent in the spool, and gives the spool back. Never rejects. */
  async close(milliseconds = 5000): Promise<EmitterStats> {
    if (this.#closed) return this.stats()
    this.#closed = true
    open.delete(this)
    clearTimeout(this.#timer)
    clearInterval(this.#reporter)
    const until = this.#settings.now() + milliseconds
    await this.flush(milliseconds)
    await this.#report(Math.max(1, until - this.#settings.now()))
    this.#abort.abort()
    this.#wake?.abort()
    await this.#delivering
    await this.#store()
    await this.#backlog.seal()
    this.#leave(true)
    return this.stats()
  }

  /** The process ends now: whatever is unsent goes into the spool, blocking. */
  leave(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave(false)
  }

  #leave(orderly: boolean): void {
    const lost = this.#backlog.keep(this.#fresh.splice(0))
    for (const item of lost) this.#drop(this.#routeOfKey(item.to)!.account, 'unsent')
    if (lost.length > 0)
      this.#problem('unsent', `${lost.length} records were not sent, and there is no spool that keeps them`)
    if (this.#lane === undefined) return
    try {
      for (const account of this.#accounts.values()) account.reserved = account.n
      writeAccountsNow(this.#lane.folder, this.#accounts.values())
      releaseLane(this.#lane)
    } catch (error) {
      if (orderly) this.#problem('spool', `the spool could not be closed: ${text(error)}`)
    }
  }

  async #recover(): Promise<void> {
    if (this.#lane === undefined) return
    const { accounts: saved, lost } = readAccounts(this.#lane.folder)
    if (lost) this.#problem('accounts', 'the accounts of the spool are lost: its numbers go on after a gap')
    const pending = new Map<Account, number>()
    const settled = new Map<Account, number>()
    for (const account of saved) {
      // Of a lane that was closed in good order both are the same.
      account.n = Math.max(account.n, account.reserved)
      this.#accounts.set(account.stream, account)
      pending.set(account, account.waiting)
      settled.set(account, account.answered)
    }
    await this.#backlog.recover((items, damaged) => {
      for (const { to, n } of items) {
        const account = this.#routeOfKey(to)?.account
        const known = account && settled.get(account)
        if (known === undefined || n <= known) continue
        settled.set(account!, n)
        pending.set(account!, pending.get(account!)! - 1)
      }
      if (damaged > 0)
        this.#problem(
          'damaged',
          `${damaged} records of the spool are damaged and were not sent; their numbers are missing`,
        )
    })
    // Numbers that were set aside, and of which no record is here.
    for (const [account, rest] of pending) account.unknown += Math.max(0, rest)
    if (!this.#backlog.isEmpty) this.#due = this.#settings.now()
  }

  #route(target: Target): Route | undefined {
    const known = typeof target === 'string' ? this.#streams.get(target) : this.#routeOf.get(target)
    if (known) return known
    const destination = destinationOf(target)
    if (destination === undefined) return undefined
    const route = this.#routes.get(destination.key) ?? this.#made(destination)
    if (typeof target === 'string') this.#streams.set(target, route)
    // A target may be changed by its owner; only one that cannot be is known again by itself.
    if (typeof target === 'object' && Object.isFrozen(target)) this.#routeOf.set(target, route)
    return route
  }

  #routeOfKey(key: string): Route | undefined {
    const known = this.#routes.get(key)
    if (known) return known
    const destination = destinationOfKey(key)
    return destination && this.#made(destination)
  }

  #made(destination: Destination): Route {
    const account = this.#accounts.get(destination.stream) ?? new Account(destination.stream)
    this.#accounts.set(destination.stream, account)
    const { rate = 1, id = destination.id } = this.#settings.streams[destination.stream] ?? {}
    const route = { destination, account, rate, id }
    this.#routes.set(destination.key, route)
    return route
  }

  #drop(account: Account, why: string): void {
    account.dropped++
    account.because(why)
  }

  #arm(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#tick(), this.#settings.keepEvery)
    this.#timer.unref()
  }

  /** Every few milliseconds while there is something to do: into the spool, and when a batch is due, on its way. */
  async #tick(): Promise<void> {
    await this.#store()
    const now = this.#settings.now()
    if (this.#due !== undefined && now >= this.#due) this.#deliver()
    this.#timer = undefined
    if (this.#fresh.length > 0 || this.#due !== undefined) this.#arm()
  }

  /** One at a time. */
  async #store(): Promise<void> {
    while (this.#storing) await this.#storing
    if (this.#fresh.length === 0) return
    this.#storing = this.#storeNow().catch((error: unknown) => this.#problem('spool', text(error)))
    await this.#storing
    this.#storing = undefined
  }

  async #storeNow(): Promise<void> {
    await this.#recovered
    const items = this.#fresh
    this.#fresh = []
    this.#freshLength = 0
    await this.#reserve(items)
    for (const item of await this.#backlog.append(items)) this.#drop(this.#routeOfKey(item.to)!.account, 'spool_full')
    const { records, bytes } = this.#settings.limits
    const full = this.#backlog.openCount >= records || this.#backlog.openBytes >= bytes || this.#backlog.openCount === 0
    this.#due ??= this.#settings.now() + this.#settings.every
    if (full) this.#due = this.#settings.now()
  }

  /** No number is on disk that a later run would give again. */
  async #reserve(items: readonly Item[]): Promise<void> {
    if (this.#lane === undefined) return
    let short = false
    for (const { to, n } of items) {
      const { account } = this.#routeOfKey(to)!
      if (n <= account.reserved) continue
      account.reserved = n + Math.max(256, items.length)
      short = true
    }
    if (short) await this.#save()
  }

  async #save(): Promise<void> {
    if (this.#lane === undefined) return
    const { folder } = this.#lane
    this.#saving = this.#saving
      .then(() => writeAccounts(folder, this.#accounts.values()))
      .catch((error: unknown) => this.#problem('spool', `the accounts of the spool cannot be written: ${text(error)}`))
    await this.#saving
  }

  #deliver(): void {
    // Where a delivery ends at this very moment, the next tick begins another.
    if (this.#delivering !== undefined) return
    this.#due = undefined
    this.#delivering = this.#deliverAll()
      .catch(async (error: unknown) => {
        this.#problem('delivery', text(error))
        await pause(this.#settings.retry.first)
      })
      .finally(() => (this.#delivering = undefined))
  }

  async #deliverAll(): Promise<void> {
    await this.#recovered
    while (this.#stopped === undefined && !this.#abort.signal.aborted) {
      const segment = await this.#backlog.first()
      if (segment === undefined) return
      if (!(await this.#deliverSegment(segment))) return
    }
  }

  /** Its accounts are settled at its end, all at once: after a crash it is sent again whole, and counted once. */
  async #deliverSegment(segment: Segment): Promise<boolean> {
    const settled: (() => void)[] = []
    let items: readonly Item[] = []
    try {
      items = await this.#backlog.items(segment)
    } catch (error) {
      this.#problem('spool', `a segment of the spool is gone: ${text(error)}`)
    }
    const highest = new Map<Account, number>()
    const open: Item[] = []
    for (const item of items) {
      const account = this.#routeOfKey(item.to)?.account
      if (account === undefined || item.n <= Math.max(account.answered, highest.get(account) ?? 0)) continue
      highest.set(account, item.n)
      open.push(item)
    }
    for (const [to, group] of Map.groupBy(open, (item) => item.to)) {
      const route = this.#routeOfKey(to)!
      for (const batch of batches(group, route.destination.most)) {
        const done = await this.#send(route, batch, settled)
        if (!done) return false
      }
    }
    for (const settle of settled) settle()
    for (const [account, n] of highest) account.answered = n
    await this.#save()
    await this.#backlog.remove(segment)
    return true
  }

  /** True when each record has its final answer; false when the emitter stops before. */
  async #send(route: Route, first: readonly Item[], settled: (() => void)[]): Promise<boolean> {
    const { account, destination } = route
    const queue: (readonly Item[])[] = [first]
    for (let attempt = 0; queue.length > 0;) {
      if (this.#abort.signal.aborted) return false
      const batch = queue[0]!
      const verdict = await deliver(this.#delivery, destination, batch, this.#abort.signal)
      if (verdict.kind === 'later' && this.#abort.signal.aborted) return false
      if (verdict.kind === 'stopped') {
        this.#stopped = verdict.message
        this.#problem(
          verdict.code,
          `${verdict.message}. Nothing more is sent; what is emitted is kept as far as it can be`,
        )
        return false
      }
      if (verdict.kind === 'answered') {
        queue.shift()
        attempt = 0
        for (const code of ['unreachable', 'overloaded', 'unavailable', 'unexpected_answer']) this.#told.delete(code)
        settled.push(() => this.#settle(account, route, verdict.tally))
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
        settled.push(() => this.#settle(account, route, { ...nothing, refusals }))
        continue
      } else {
        this.#problem(verdict.code, `${destination.stream} cannot be sent, and is tried again: ${verdict.message}`)
      }
      attempt++
      if (!(await this.#backOff(attempt, verdict.kind === 'later' ? verdict.after : 0))) return false
    }
    return true
  }

  #settle(account: Account, { destination }: Route, tally: Tally): void {
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
    if (refusal) this.#problem(`refused.${refusal.code}`, `${destination.stream} refused a record: ${refusal.message}`)
  }

  /** False when the emitter stops while it waits. */
  async #backOff(attempt: number, atLeast: number): Promise<boolean> {
    const { first, longest } = this.#settings.retry
    const step = Math.min(longest, first * 2 ** Math.min(attempt - 1, 20))
    // Between half and all of it: emitters that failed together do not come back together.
    const wait = Math.max(step * (0.5 + Math.random() / 2), atLeast * (1 + Math.random() / 10))
    if (this.#abort.signal.aborted) return false
    this.#wake = new AbortController()
    await pause(wait, undefined, { signal: this.#wake.signal, ref: this.#hurry }).catch(() => {})
    this.#wake = undefined
    return !this.#abort.signal.aborted
  }

  /** Tells the server what was lost; when that fails, the next report says it all again. */
  async #report(milliseconds: number): Promise<void> {
    try {
      if (this.#lane) touchLane(this.#lane)
    } catch {}
    const emissions = [...this.#accounts.values()].map(({ emission }) => emission).filter(({ emitted }) => emitted > 0)
    const body = JSON.stringify({ emissions })
    if (emissions.length === 0 || body === this.#reported || this.#stopped !== undefined) return
    try {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(Math.ceil(milliseconds))])
      const path = `/v1/emitters/${this.#emitter}/reports`
      const response = await post(this.#delivery, path, 'application/json', body, signal)
      await response.text()
      if (response.ok) this.#reported = body
    } catch {}
  }

  /** Each problem is told once, until it is over. */
  #problem(code: string, message: string): void {
    if (this.#told.has(code)) return
    this.#told.add(code)
    try {
      this.#settings.onProblem(code, message)
    } catch {}
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

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const open = new Set<Emitter>()

/** Sees to it that the end of the process finds no record outside of the spool. */
export function watchOver(emitter: Emitter): void {
  if (open.size === 0 && !watching) watch()
  open.add(emitter)
}

let watching = false

function watch(): void {
  watching = true
  process.on('exit', () => {
    for (const emitter of open) emitter.leave()
  })
  // Nothing else is left to do: there is time to send.
  process.on('beforeExit', () => {
    for (const emitter of open) void emitter.close()
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const leave = (): void => {
      // Whoever else listens decides about the end of the process, and 'exit' comes then.
      if (process.listenerCount(signal) > 1) return
      for (const emitter of open) emitter.leave()
      process.removeListener(signal, leave)
      process.kill(process.pid, signal)
    }
    process.on(signal, leave)
  }
}

// The emitter. `emit` turns a record into text and gives it a number; everything else happens later, and away from the
// caller: the spool keeps it, the courier sends it.
import { setTimeout as pause } from 'node:timers/promises'
import { Courier } from './courier.ts'
import { post } from './delivery.ts'
import type { DeliveryOptions } from './delivery.ts'
import type { Target } from './destination.ts'
import { settingsOf } from './options.ts'
import type { EmitterOptions, EmitterStats, Settings } from './options.ts'
import { Problems, sentence } from './problems.ts'
import { letGo } from './process-end.ts'
import { Routes } from './routes.ts'
import type { Route } from './routes.ts'
import { Spool } from './spool.ts'

const LARGEST = 8 * 1024 * 1024

export class Emitter {
  readonly #settings: Settings
  readonly #problems: Problems
  readonly #routes: Routes
  readonly #spool: Spool
  readonly #delivery: DeliveryOptions
  readonly #courier: Courier
  #timer: NodeJS.Timeout | undefined
  readonly #reporter: NodeJS.Timeout
  #closed = false
  #reported = ''

  constructor(options: EmitterOptions) {
    const settings = settingsOf(options)
    const { url, key, gzip, fetch } = settings
    const problems = new Problems(settings.onProblem)
    const routes = new Routes(settings.streams)
    const spool = new Spool(settings, routes, problems)
    const delivery = { url, key, gzip, fetch, emitter: spool.emitter }
    this.#settings = settings
    this.#problems = problems
    this.#routes = routes
    this.#spool = spool
    this.#delivery = delivery
    this.#courier = new Courier({ settings, delivery, spool, routes, problems })
    this.#reporter = setInterval(() => void this.#report(settings.reportEvery), settings.reportEvery).unref()
    this.#arm()
  }

  /**
   * Takes a record. Never throws and never waits: it is JSON when this returns, so that it may be changed afterwards. False
   * says that it was not taken, and `stats` why.
   */
  emit(target: Target, record: object): boolean {
    try {
      const route = this.#routes.of(target)
      if (route === undefined) {
        this.#problems.tell('target', 'a record has no place to go: name a stream, {model}, or {runs: true}')
        return false
      }
      return this.#take(route, record)
    } catch (error) {
      this.#problems.tell('emit', `a record was not taken: ${sentence(error)}`)
      return false
    }
  }

  #take({ account, destination, rate, id }: Route, record: object): boolean {
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
      account.drop(why)
      return false
    }
    const n = ++account.n
    if (!this.#spool.hasRoom(json.length)) {
      account.drop('memory_full')
      return false
    }
    if (id !== undefined && (record as Record<string, unknown>)[id] === undefined) {
      const rest = json === '{}' ? '}' : `,${json.slice(1)}`
      json = `{${JSON.stringify(id)}:"${this.#spool.emitter}-${n}"${rest}`
    }
    this.#spool.add({ to: destination.key, n, text: json })
    if (this.#timer === undefined) this.#arm()
    return true
  }

  stats(): EmitterStats {
    const streams = Object.fromEntries(
      [...this.#routes.accounts].map(([stream, account]) => [
        stream,
        { ...account.emission, quarantined: account.quarantined },
      ]),
    )
    const { stopped } = this.#courier
    return {
      emitter: this.#spool.emitter,
      ...(stopped === undefined ? {} : { stopped }),
      streams,
      spooled: this.#spool.bytes,
    }
  }

  /** Sends what waits; resolves when nothing waits any more, or nothing can be sent, or the time is over. Never rejects. */
  async flush(milliseconds = 10_000): Promise<EmitterStats> {
    const until = this.#settings.now() + milliseconds
    this.#courier.hurry = true
    await this.#spool.recovered
    while (this.#settings.now() < until) {
      await this.#spool.store()
      if (this.#courier.stopped !== undefined || this.#spool.isEmpty) break
      this.#courier.begin()
      const enough = new AbortController()
      const over = pause(Math.max(1, until - this.#settings.now()), undefined, { signal: enough.signal })
      await Promise.race([this.#courier.underWay, over.catch(() => {})])
      enough.abort()
    }
    this.#courier.hurry = false
    return this.stats()
  }

  /** As `flush`; then takes nothing more, keeps what is unsent in the spool, and gives the spool back. Never rejects. */
  async close(milliseconds = 5000): Promise<EmitterStats> {
    if (this.#closed) return this.stats()
    this.#closed = true
    letGo(this)
    clearTimeout(this.#timer)
    clearInterval(this.#reporter)
    const until = this.#settings.now() + milliseconds
    await this.flush(milliseconds)
    await this.#report(Math.max(1, until - this.#settings.now()))
    await this.#courier.end()
    await this.#spool.seal()
    this.#spool.leave(true)
    return this.stats()
  }

  /** The process ends now: whatever is unsent goes into the spool, blocking. */
  leave(): void {
    if (this.#closed) return
    this.#closed = true
    this.#spool.leave(false)
  }

  #arm(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#tick(), this.#settings.keepEvery)
    this.#timer.unref()
  }

  /** Every few milliseconds while there is something to do: into the spool, and when a batch is due, on its way. */
  async #tick(): Promise<void> {
    await this.#spool.store()
    const { due } = this.#spool
    if (due !== undefined && this.#settings.now() >= due) this.#courier.begin()
    this.#timer = undefined
    if (this.#spool.hasFresh || this.#spool.due !== undefined) this.#arm()
  }

  /** Tells the server what was lost; when that fails, the next report says it all again. */
  async #report(milliseconds: number): Promise<void> {
    this.#spool.touch()
    const accounts = [...this.#routes.accounts.values()]
    const emissions = accounts.map(({ emission }) => emission).filter(({ emitted }) => emitted > 0)
    const body = JSON.stringify({ emissions })
    if (emissions.length === 0 || body === this.#reported || this.#courier.stopped !== undefined) return
    try {
      const signal = AbortSignal.any([this.#courier.signal, AbortSignal.timeout(Math.ceil(milliseconds))])
      const path = `/v1/emitters/${this.#spool.emitter}/reports`
      const response = await post(this.#delivery, path, 'application/json', body, signal)
      await response.text()
      if (response.ok) this.#reported = body
    } catch {}
  }
}

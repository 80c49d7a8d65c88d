// Where records go, each place with the account that is kept of it.
import { Account } from './accounts.ts'
import { destinationOf, destinationOfKey } from './destination.ts'
import type { Destination, Target } from './destination.ts'
import type { Settings } from './options.ts'

/** A destination, with what every record for it needs. */
export interface Route {
  readonly destination: Destination
  readonly account: Account
  /** The share that is sent. */
  readonly rate: number
  /** The field that gets an id where a record has none. */
  readonly id: string | undefined
}

export class Routes {
  /** By stream. */
  readonly accounts = new Map<string, Account>()
  readonly #streams: Settings['streams']
  readonly #byKey = new Map<string, Route>()
  readonly #byName = new Map<string, Route>()
  readonly #byTarget = new WeakMap<object, Route>()

  constructor(streams: Settings['streams']) {
    this.#streams = streams
  }

  /** Undefined for what names no place. */
  of(target: Target): Route | undefined {
    const known = typeof target === 'string' ? this.#byName.get(target) : this.#byTarget.get(target)
    if (known) return known
    const destination = destinationOf(target)
    if (destination === undefined) return undefined
    const route = this.#byKey.get(destination.key) ?? this.#made(destination)
    if (typeof target === 'string') this.#byName.set(target, route)
    // A target may be changed by its owner; only one that cannot be is known again by itself.
    if (typeof target === 'object' && Object.isFrozen(target)) this.#byTarget.set(target, route)
    return route
  }

  ofKey(key: string): Route | undefined {
    const known = this.#byKey.get(key)
    if (known) return known
    const destination = destinationOfKey(key)
    return destination && this.#made(destination)
  }

  #made(destination: Destination): Route {
    const account = this.accounts.get(destination.stream) ?? new Account(destination.stream)
    this.accounts.set(destination.stream, account)
    const { rate = 1, id = destination.id } = this.#streams[destination.stream] ?? {}
    const route = { destination, account, rate, id }
    this.#byKey.set(destination.key, route)
    return route
  }
}

// What was taken and is not sent yet: a moment in memory, then in the backlog, which is on disk where there is a lane. Its
// numbers and counts go on in the next run.
import { readAccounts, writeAccounts, writeAccountsNow } from './accounts-file.ts'
import type { Account } from './accounts.ts'
import { Backlog } from './backlog.ts'
import type { Segment } from './backlog.ts'
import { releaseLane, takeLane, touchLane } from './lane.ts'
import type { Lane } from './lane.ts'
import type { Settings } from './options.ts'
import { sentence } from './problems.ts'
import type { Problems } from './problems.ts'
import type { Routes } from './routes.ts'
import type { Item } from './segment.ts'

export class Spool {
  /** The id of the emitter: the lane's, which keeps it from run to run. */
  readonly emitter: string
  /** Resolves when what an earlier run left is taken up. Never rejects. */
  readonly recovered: Promise<void>
  /** When what stands in the open segment is to be sent. */
  due: number | undefined
  readonly #settings: Settings
  readonly #routes: Routes
  readonly #problems: Problems
  readonly #lane: Lane | undefined
  readonly #backlog: Backlog
  #fresh: Item[] = []
  #freshLength = 0
  #storing: Promise<void> | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(settings: Settings, routes: Routes, problems: Problems) {
    this.#settings = settings
    this.#routes = routes
    this.#problems = problems
    const { spool, limits } = settings
    try {
      this.#lane = spool === undefined ? undefined : takeLane(spool)
    } catch (error) {
      problems.tell(
        'spool',
        `the spool ${spool} cannot be used, so that records are kept in memory only: ${sentence(error)}`,
      )
    }
    this.emitter = this.#lane?.emitter ?? settings.emitter
    this.#backlog = new Backlog(this.#lane?.folder, limits, (error) => {
      if (error)
        problems.tell('spool', `the spool cannot be written, so that records wait in memory: ${sentence(error)}`)
      else problems.over('spool')
    })
    this.recovered = this.#recover().catch((error: unknown) => {
      problems.tell('spool', `what an earlier run left in the spool cannot be read: ${sentence(error)}`)
    })
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#backlog.disk
  }

  /** Whether nothing is in the backlog; what is fresh is in `hasFresh`. */
  get isEmpty(): boolean {
    return this.#backlog.isEmpty
  }

  get hasFresh(): boolean {
    return this.#fresh.length > 0
  }

  /** Whether so many characters more may wait in memory until they are stored. */
  hasRoom(length: number): boolean {
    return this.#freshLength + length <= this.#settings.limits.memory
  }

  add(item: Item): void {
    this.#fresh.push(item)
    this.#freshLength += item.text.length
  }

  /** Puts what is fresh into the backlog. One at a time; never rejects. */
  async store(): Promise<void> {
    while (this.#storing) await this.#storing
    if (this.#fresh.length === 0) return
    this.#storing = this.#storeNow().catch((error: unknown) => this.#problems.tell('spool', sentence(error)))
    await this.#storing
    this.#storing = undefined
  }

  /** The oldest segment, closed; undefined when there is none. */
  first(): Promise<Segment | undefined> {
    return this.#backlog.first()
  }

  async items(segment: Segment): Promise<readonly Item[]> {
    try {
      return await this.#backlog.items(segment)
    } catch (error) {
      this.#problems.tell('spool', `a segment of the spool is gone: ${sentence(error)}`)
      return []
    }
  }

  /** Every record of a segment has its answer: that is kept first, and then the segment goes. */
  async settled(segment: Segment): Promise<void> {
    await this.#save()
    await this.#backlog.remove(segment)
  }

  /** Says that this process lives, to machines that cannot see it. */
  touch(): void {
    try {
      if (this.#lane) touchLane(this.#lane)
    } catch {}
  }

  /** Everything into the backlog, and that closed. */
  async seal(): Promise<void> {
    await this.store()
    await this.#backlog.seal()
  }

  /** Writes what is in no file yet, blocking, and gives the lane back. `orderly`: a failure is still told. */
  leave(orderly: boolean): void {
    const lost = this.#backlog.keep(this.#fresh.splice(0))
    for (const item of lost) this.#routes.ofKey(item.to)!.account.drop('unsent')
    if (lost.length > 0)
      this.#problems.tell('unsent', `${lost.length} records were not sent, and there is no spool that keeps them`)
    if (this.#lane === undefined) return
    try {
      const { accounts } = this.#routes
      for (const account of accounts.values()) account.reserved = account.n
      writeAccountsNow(this.#lane.folder, accounts.values())
      releaseLane(this.#lane)
    } catch (error) {
      if (orderly) this.#problems.tell('spool', `the spool could not be closed: ${sentence(error)}`)
    }
  }

  async #recover(): Promise<void> {
    if (this.#lane === undefined) return
    const { accounts: saved, lost } = readAccounts(this.#lane.folder)
    if (lost) this.#problems.tell('accounts', 'the accounts of the spool are lost: its numbers go on after a gap')
    const pending = new Map<Account, number>()
    const settled = new Map<Account, number>()
    for (const account of saved) {
      // Of a lane that was closed in good order both are the same.
      account.n = Math.max(account.n, account.reserved)
      this.#routes.accounts.set(account.stream, account)
      pending.set(account, account.waiting)
      settled.set(account, account.answered)
    }
    await this.#backlog.recover((items, damaged) => {
      for (const { to, n } of items) {
        const account = this.#routes.ofKey(to)?.account
        const known = account && settled.get(account)
        if (known === undefined || n <= known) continue
        settled.set(account!, n)
        pending.set(account!, pending.get(account!)! - 1)
      }
      if (damaged > 0)
        this.#problems.tell(
          'damaged',
          `${damaged} records of the spool are damaged and were not sent; their numbers are missing`,
        )
    })
    // Numbers that were set aside, and of which no record is here.
    for (const [account, rest] of pending) account.unknown += Math.max(0, rest)
    if (!this.#backlog.isEmpty) this.due = this.#settings.now()
  }

  async #storeNow(): Promise<void> {
    await this.recovered
    const items = this.#fresh
    this.#fresh = []
    this.#freshLength = 0
    await this.#reserve(items)
    for (const item of await this.#backlog.append(items)) this.#routes.ofKey(item.to)!.account.drop('spool_full')
    const { records, bytes } = this.#settings.limits
    const full = this.#backlog.openCount >= records || this.#backlog.openBytes >= bytes || this.#backlog.openCount === 0
    this.due ??= this.#settings.now() + this.#settings.every
    if (full) this.due = this.#settings.now()
  }

  /** No number is on disk that a later run would give again. */
  async #reserve(items: readonly Item[]): Promise<void> {
    if (this.#lane === undefined) return
    let short = false
    for (const { to, n } of items) {
      const { account } = this.#routes.ofKey(to)!
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
      .then(() => writeAccounts(folder, this.#routes.accounts.values()))
      .catch((error: unknown) =>
        this.#problems.tell('spool', `the accounts of the spool cannot be written: ${sentence(error)}`),
      )
    await this.#saving
  }
}

// The feature views in force. A view's version rises with its fingerprint; applying one is a record.
import { Fault } from '../../fault.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import type { Clock } from '../../record/time.ts'
import type { Columns, Session } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { compileView } from './compile.ts'
import type { CompiledView } from './compile.ts'
import { shapeOf } from './event-source.ts'
import type { StreamShape } from './events.ts'
import { metadataOf, parseView, sourcesOf } from './view.ts'
import type { FeatureView } from './view.ts'

/** Characters. */
const MOST_CONTRACTS = 8_000
/** Views that are kept as they were read. */
const MOST_PARSED = 256

export interface ViewVersion {
  readonly name: string
  readonly version: number
  readonly fingerprint: string
  /** Where it came into force. Its contracts are those that were in force then. */
  readonly seq: number
  /** As it was described last. */
  readonly text: string
  /** How often it has been described: 1, until only words of it change. */
  readonly revision: number
  /** A plan has taken the view out of force: by its name alone it is not found, by `name@vN` it is. */
  readonly removed?: true
}

/** What applying a view's file would do. */
export interface PreparedView {
  readonly path: string
  readonly text: string
  readonly view: FeatureView
  readonly compiled: CompiledView
  readonly before: ViewVersion | undefined
  readonly version: number
  readonly revision: number
  /** `described`: only words changed. `restored`: it was out of force, and comes back as it was. */
  readonly change: 'new' | 'unchanged' | 'major' | 'described' | 'restored'
}

export const viewProjection: Projection = {
  tables: ['feature_view'],
  kinds: ['view'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { name, version, fingerprint, revision = '1' } = record.entry.refs
      await tx.query(
        `insert into feature_view (name, version, fingerprint, seq, body, revision) values ($1, $2, $3, $4, $5, $6)
         on conflict (name, version) do update set body = excluded.body, revision = excluded.revision, revised = excluded.seq
         where feature_view.revision < excluded.revision`,
        [
          name,
          Number(version),
          fingerprint,
          BigInt(record.seq),
          Buffer.from(opened.content).toString('utf8'),
          Number(revision),
        ],
      )
    }
  },
}

export class ViewBook {
  readonly #follower: Follower
  readonly #database: Database
  readonly #columns: Columns
  readonly #contracts: ContractBook
  readonly #clock: Clock
  readonly #limit: number | undefined
  readonly #compiled = new Map<string, Promise<CompiledView>>()
  readonly #versionsOf: Kept<readonly ViewVersion[]>
  /** Views by their text: a version is asked for far more often than it is described. */
  readonly #parsed = new Map<string, FeatureView>()

  constructor(parts: {
    follower: Follower
    database: Database
    columns: Columns
    contracts: ContractBook
    clock: Clock
    /** Milliseconds that a query may take which only plans or compiles. */
    limit?: number
  }) {
    this.#follower = parts.follower
    this.#database = parts.database
    this.#columns = parts.columns
    this.#contracts = parts.contracts
    this.#clock = parts.clock
    this.#limit = parts.limit
    this.#versionsOf = new Kept(parts.follower, ['view', 'plan'])
  }

  /**
   * What applying a file would do, under the contracts in force and those that come with it; throws what is wrong with it.
   * The same fingerprint is the same version, whatever its layout and its words.
   */
  async prepare(path: string, text: string, coming: ReadonlyMap<string, Contract>): Promise<PreparedView> {
    const compiled = await this.#compile(text, path, coming)
    const { view, fingerprint } = compiled
    const before = await this.#newest(view.name)
    const version = (before?.version ?? 0) + 1
    const one = { path, text, view, compiled, before }
    if (before?.fingerprint !== fingerprint) return { ...one, version, revision: 1, change: before ? 'major' : 'new' }
    const described = metadataOf(view) !== metadataOf(parseView(before.text, path))
    return {
      ...one,
      version: before.version,
      revision: before.revision + (described ? 1 : 0),
      change: described ? 'described' : before.removed ? 'restored' : 'unchanged',
    }
  }

  /** The record that puts a view into force, or describes it anew. */
  draft({ view, text, compiled, version, revision }: PreparedView): Draft {
    const contracts = compiled.sources
      .map(({ stream, contract }) => `${stream}@${contract.split('@').at(-1)}`)
      .join(' ')
    return {
      kind: 'view/1',
      stream: 'whence.views',
      source: 'whence',
      id: `${view.name}@v${version}${revision > 1 ? `~${revision}` : ''}`,
      time: this.#clock.now(),
      refs: {
        name: view.name,
        version: String(version),
        fingerprint: compiled.fingerprint,
        ...(revision > 1 ? { revision: String(revision) } : {}),
        // An entry has room for that of any view but one over hundreds of streams.
        ...(contracts.length <= MOST_CONTRACTS ? { contracts } : {}),
      },
      content: Buffer.from(text),
      type: 'application/yaml',
      touches: [`view:${view.name}`],
    }
  }

  /** A view by name (the newest version) or `name@vN`. Throws `not_found`. */
  async get(name: string): Promise<ViewVersion> {
    const match = /^(.+?)(?:@v?(\d+))?$/s.exec(name)!
    const versions = await this.#versions(match[1]!)
    const found =
      match[2] === undefined ? versions.at(-1) : versions.find(({ version }) => version === Number(match[2]))
    if (!found) throw new Fault('not_found', `no feature view is called "${name}": apply it first (whence apply DIR)`)
    if (match[2] === undefined && found.removed)
      throw new Fault(
        'not_found',
        `feature view "${name}" is out of force: apply it again, or name the version (${name}@v${found.version})`,
      )
    return found
  }

  /** The newest version of every view in force, by name. */
  async inForce(): Promise<ViewVersion[]> {
    await this.#follower.reach('view', 'plan')
    const rows = await this.#database.query<{ name: string }>('select distinct name from feature_view order by name')
    const newest = await Promise.all(rows.map(({ name }) => this.#newest(name)))
    return newest.filter((one) => one !== undefined && !one.removed) as ViewVersion[]
  }

  /**
   * The view, compiled against the contracts that were in force when it was applied: whatever has come into force since,
   * a version gives the values that it always gave. Others by name (`touchpoints@1.0.0`) are for old snapshots. Throws
   * `conflict` when that is not the view that was applied.
   */
  async compiled(version: ViewVersion, contractNames?: ReadonlyMap<string, string>): Promise<CompiledView> {
    const view = this.#view(version)
    const shapes = sourcesOf(view).map((stream): StreamShape => {
      const name = contractNames?.get(stream)
      const contract = name === undefined ? this.#contracts.at(stream, version.seq) : this.#contracts.named(name)
      return { stream, contract: `${contract.id}@${contract.version}`, columns: contract.columns }
    })
    const key = JSON.stringify([
      version.name,
      version.version,
      version.revision,
      shapes.map(({ contract }) => contract),
    ])
    let compiled = this.#compiled.get(key)
    if (!compiled) {
      compiled = this.#within((session) => compileView(session, view, shapes))
      compiled.catch(() => this.#compiled.delete(key))
      this.#compiled.set(key, compiled)
    }
    const result = await compiled
    if (result.fingerprint !== version.fingerprint) {
      throw new Fault(
        'conflict',
        `view ${version.name}@v${version.version} was applied with other contracts than are known for it: apply it again, which makes a new version`,
      )
    }
    return result
  }

  #view({ name, text }: ViewVersion): FeatureView {
    let view = this.#parsed.get(text)
    if (!view) {
      view = parseView(text, `${name}.yaml`)
      if (this.#parsed.size >= MOST_PARSED) this.#parsed.delete(this.#parsed.keys().next().value!)
      this.#parsed.set(text, view)
    }
    return view
  }

  #within<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#columns.session(work, this.#limit === undefined ? {} : { limit: this.#limit })
  }

  async #compile(text: string, file: string, coming: ReadonlyMap<string, Contract>): Promise<CompiledView> {
    const view = parseView(text, file)
    for (const stream of sourcesOf(view)) {
      const contract = coming.get(stream) ?? this.#contracts.inForce(stream).contract
      if (contract.roles.subjectType !== view.entity) {
        throw new Fault(
          'invalid',
          `${file}: the view is about "${view.entity}", but the subjects of stream ${stream} are "${contract.roles.subjectType}" (subjectType of its contract)`,
        )
      }
    }
    const shapes = sourcesOf(view).map((stream) => shapeOf(this.#contracts, stream, coming))
    return this.#within((session) => compileView(session, view, shapes))
  }

  async #newest(name: string): Promise<ViewVersion | undefined> {
    return (await this.#versions(name)).at(-1)
  }

  #versions(name: string): Promise<readonly ViewVersion[]> {
    return this.#versionsOf.of(name, () => this.#readVersions(name))
  }

  async #readVersions(name: string): Promise<ViewVersion[]> {
    const rows = await this.#database.query<{
      version: number
      fingerprint: string
      seq: bigint
      body: string
      revision: number
      removed: boolean
    }>(
      `select version, fingerprint, seq, body, revision, exists (
         select from declaration_removal r where r.kind = 'view' and r.name = v.name and r.until is null) as removed
       from feature_view v where name = $1 order by version`,
      [name],
    )
    return rows.map(({ version, fingerprint, seq, body, revision, removed }) => ({
      name,
      version,
      fingerprint,
      seq: Number(seq),
      text: body,
      revision,
      ...(removed ? { removed } : {}),
    }))
  }
}

// The feature views in force. A view's version rises with its fingerprint; applying one is a record.
import type { Receipt } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Columns } from '../../store/columns.ts'
import type { Database } from '../../store/database.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { compileView } from './compile.ts'
import type { CompiledView } from './compile.ts'
import { shapeOf } from './event-source.ts'
import type { StreamShape } from './events.ts'
import { parseView, sourcesOf } from './view.ts'

export interface ViewVersion {
  readonly name: string
  readonly version: number
  readonly fingerprint: string
  readonly seq: number
  readonly text: string
}

export const viewProjection: Projection = {
  tables: ['feature_view'],
  kinds: ['view'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const { name, version, fingerprint } = record.entry.refs
      await tx.query('insert into feature_view (name, version, fingerprint, seq, body) values ($1, $2, $3, $4, $5)', [
        name,
        Number(version),
        fingerprint,
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class ViewBook {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #columns: Columns
  readonly #contracts: ContractBook
  readonly #clock: Clock
  readonly #compiled = new Map<string, Promise<CompiledView>>()

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    columns: Columns
    contracts: ContractBook
    clock: Clock
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#columns = parts.columns
    this.#contracts = parts.contracts
    this.#clock = parts.clock
  }

  /** Throws what is wrong with a view, under the contracts in force and those that come with it; applies nothing. */
  async check(text: string, file: string, coming: ReadonlyMap<string, Contract>): Promise<void> {
    await this.#compile(text, file, coming)
  }

  /** Puts a view into force. The same fingerprint is the same version, whatever its layout and description. */
  async apply(
    text: string,
    file: string,
    by: { id: string },
  ): Promise<{ view: ViewVersion; change: 'new' | 'unchanged' | 'major'; receipt?: Receipt }> {
    const { view, fingerprint } = await this.#compile(text, file)
    for (;;) {
      const versions = await this.#versions(view.name)
      const basis = this.#follower.next
      const newest = versions.at(-1)
      if (newest?.fingerprint === fingerprint) return { view: newest, change: 'unchanged' }
      const version = (newest?.version ?? 0) + 1
      const result = await this.#ledger.append(
        [
          {
            kind: 'view/1',
            stream: 'whence.views',
            source: 'whence',
            id: `${view.name}@v${version}`,
            time: this.#clock.now(),
            refs: { name: view.name, version: String(version), fingerprint },
            content: Buffer.from(text),
            type: 'application/yaml',
            touches: [`view:${view.name}`],
          },
        ],
        { actor: by.id, basis, keys: [`view:${view.name}`] },
      )
      if (result === 'stale') continue
      const [placed] = result
      if (placed!.status === 'refused') throw placed!.fault
      const { seq, leaf, recorded, status } = placed!
      return {
        view: { name: view.name, version, fingerprint, seq, text },
        change: newest ? 'major' : 'new',
        receipt: { seq, leaf, recorded, status },
      }
    }
  }

  /** A view by name (the newest version) or `name@vN`. Throws `not_found`. */
  async get(name: string): Promise<ViewVersion> {
    const match = /^(.+?)(?:@v?(\d+))?$/s.exec(name)!
    const versions = await this.#versions(match[1]!)
    const found =
      match[2] === undefined ? versions.at(-1) : versions.find(({ version }) => version === Number(match[2]))
    if (!found) throw new Fault('not_found', `no feature view is called "${name}": apply it first (whence apply DIR)`)
    return found
  }

  /**
   * The view, compiled against contracts by name (`touchpoints@1.0.0`); against those in force when none are given.
   * Throws `conflict` when that is not the view that was applied: a contract of its streams has changed since.
   */
  async compiled(version: ViewVersion, contractNames?: ReadonlyMap<string, string>): Promise<CompiledView> {
    const view = parseView(version.text, `${version.name}.yaml`)
    const shapes = sourcesOf(view).map((stream): StreamShape => {
      const name = contractNames?.get(stream)
      return name === undefined
        ? shapeOf(this.#contracts, stream)
        : { stream, contract: name, columns: this.#contracts.named(name).columns }
    })
    const key = JSON.stringify([version.name, version.version, shapes.map(({ contract }) => contract)])
    let compiled = this.#compiled.get(key)
    if (!compiled) {
      compiled = compileView(this.#columns, view, shapes)
      compiled.catch(() => this.#compiled.delete(key))
      this.#compiled.set(key, compiled)
    }
    const result = await compiled
    if (result.fingerprint !== version.fingerprint) {
      throw new Fault(
        'conflict',
        `view ${version.name}@v${version.version} was applied with other contracts than those in force: apply it again, which makes a new version`,
      )
    }
    return result
  }

  async #compile(text: string, file: string, coming?: ReadonlyMap<string, Contract>): Promise<CompiledView> {
    const view = parseView(text, file)
    for (const stream of sourcesOf(view)) {
      const contract = coming?.get(stream) ?? this.#contracts.inForce(stream).contract
      if (contract.roles.subjectType !== view.entity) {
        throw new Fault(
          'invalid',
          `${file}: the view is about "${view.entity}", but the subjects of stream ${stream} are "${contract.roles.subjectType}" (subjectType of its contract)`,
        )
      }
    }
    return compileView(
      this.#columns,
      view,
      sourcesOf(view).map((stream) => shapeOf(this.#contracts, stream, coming)),
    )
  }

  async #versions(name: string): Promise<ViewVersion[]> {
    await this.#follower.reach('view')
    const rows = await this.#database.query<{ version: number; fingerprint: string; seq: bigint; body: string }>(
      'select version, fingerprint, seq, body from feature_view where name = $1 order by version',
      [name],
    )
    return rows.map(({ version, fingerprint, seq, body }) => ({
      name,
      version,
      fingerprint,
      seq: Number(seq),
      text: body,
    }))
  }
}

// The contracts in force: one a stream, its newest version. Applying one is a record.
import type { Receipt } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import { checkVersion } from '../../rules/contracts/compare.ts'
import { parseContract } from '../../rules/contracts/contract.ts'
import type { Column, Contract } from '../../rules/contracts/contract.ts'
import { streamNumber } from '../../record/ledger/archive.ts'
import type { Database } from '../../store/database.ts'

export interface ContractInForce {
  readonly contract: Contract
  readonly text: string
  readonly seq: number
}

export const contractProjection: Projection = {
  tables: ['contract'],
  kinds: ['contract'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into contract (stream, version, seq, body) values ($1, $2, $3, $4)', [
        record.entry.stream,
        record.entry.refs.version,
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export interface AppliedContract {
  contract: Contract
  change: 'new' | 'unchanged' | 'patch' | 'minor' | 'major'
  receipt?: Receipt
}

export class ContractBook {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  #newest = new Map<string, ContractInForce>()
  #all = new Map<string, Contract>()

  constructor(ledger: Ledger, follower: Follower, database: Database, clock: Clock) {
    this.#ledger = ledger
    this.#follower = follower
    this.#database = database
    this.#clock = clock
  }

  async load(): Promise<void> {
    await this.#follower.reach('contract')
    const rows = await this.#database.query<{ stream: string; seq: bigint; body: string }>(
      'select stream, seq, body from contract order by seq',
    )
    for (const row of rows) this.#remember(parseContract(row.body), row.body, Number(row.seq))
  }

  streams(): string[] {
    return [...this.#newest.keys()].sort()
  }

  /** The contract in force for a stream. Throws `not_found`. */
  inForce(stream: string): ContractInForce {
    const found = this.#newest.get(stream)
    if (!found) {
      const known = this.streams()
      throw new Fault(
        'not_found',
        `no stream is called "${stream}": apply its contract first (whence apply DIR)${known.length > 0 ? `; known are ${known.join(', ')}` : ''}`,
      )
    }
    return found
  }

  /** A contract by its `id@version`, as records name it. */
  named(name: string): Contract {
    const found = this.#all.get(name)
    if (!found) throw new Fault('not_found', `no contract ${name} is on the ledger`)
    return found
  }

  /** Throws what is wrong with any of these files, before any of them is applied; gives those that change something. */
  check(files: readonly { path: string; text: string }[]): Map<string, Contract> {
    const parsed = new Map<string, Contract>()
    for (const { path, text } of files) {
      const contract = parseContract(text, path)
      const before = this.#newest.get(contract.stream)
      if (before) checkVersion(before.contract, contract)
      this.#refuseOtherTypes(contract, path)
      if (before?.contract.digest !== contract.digest) parsed.set(contract.stream, contract)
    }
    return parsed
  }

  /**
   * Every column that any version of a stream's contract has had: what a view of an older version reads must stay in the
   * column files.
   */
  columns(stream: string): Column[] {
    const all = new Map<string, Column>()
    for (const contract of this.#all.values()) {
      if (contract.stream !== stream) continue
      for (const column of contract.columns) all.set(column.name.toLowerCase(), column)
    }
    return [...all.values()]
  }

  /** A column keeps its type for ever, because files of older events hold it. */
  #refuseOtherTypes(contract: Contract, path: string): void {
    const before = new Map(this.columns(contract.stream).map((column) => [column.name.toLowerCase(), column.type]))
    for (const { name, type } of contract.columns) {
      const was = before.get(name.toLowerCase())
      if (was !== undefined && was !== type) {
        throw new Fault(
          'conflict',
          `${path}: column ${name} of stream ${contract.stream} was ${was} and cannot become ${type}: give the property another physicalName`,
        )
      }
    }
  }

  async apply(text: string, file: string, by: { id: string }): Promise<AppliedContract> {
    const contract = parseContract(text, file)
    const before = this.#newest.get(contract.stream)
    const change = before ? checkVersion(before.contract, contract) : 'new'
    if (change === 'none') return { contract, change: 'unchanged' }
    this.#refuseOtherTypes(contract, file)
    const clash = this.streams().find(
      (other) => other !== contract.stream && streamNumber(other) === streamNumber(contract.stream),
    )
    if (clash)
      throw new Fault(
        'conflict',
        `the name of stream ${contract.stream} collides with that of ${clash} in the index: give it another name`,
      )
    const result = await this.#ledger.appendOne(
      {
        kind: 'contract/1',
        stream: contract.stream,
        source: 'whence',
        id: contract.version,
        time: this.#clock.now(),
        refs: { contract: contract.id, version: contract.version },
        content: Buffer.from(text),
        type: 'application/yaml',
        touches: [`contract:${contract.stream}`],
      },
      by.id,
    )
    if (result.status === 'conflict')
      throw new Fault(
        'conflict',
        `${contract.id}@${contract.version} is on the ledger with other content: raise its version`,
      )
    const { status, seq, leaf, recorded } = result
    this.#remember(contract, text, seq)
    return { contract, change, receipt: { seq, leaf, recorded, status } }
  }

  #remember(contract: Contract, text: string, seq: number): void {
    this.#newest.set(contract.stream, { contract, text, seq })
    this.#all.set(`${contract.id}@${contract.version}`, contract)
  }
}

// The contracts in force: one a stream, its newest version. Applying one is a record.
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Draft } from '../../record/ledger/writer.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
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

/** What applying a contract's file would do. */
export interface PreparedContract {
  readonly path: string
  readonly text: string
  readonly contract: Contract
  readonly before: ContractInForce | undefined
  readonly change: 'new' | 'unchanged' | 'patch' | 'minor' | 'major'
}

export class ContractBook {
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  #newest = new Map<string, ContractInForce>()
  /** By stream, in the order in which they came into force. */
  readonly #ofStream = new Map<string, ContractInForce[]>()
  #all = new Map<string, Contract>()

  constructor(follower: Follower, database: Database, clock: Clock) {
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

  /** A version of a stream's contract as it was recorded, by its `id@version`. Throws `not_found`. */
  recorded(stream: string, name: string): ContractInForce {
    const found = this.#ofStream.get(stream)?.find(({ contract }) => `${contract.id}@${contract.version}` === name)
    if (!found) throw new Fault('not_found', `no contract ${name} of stream "${stream}" is on the ledger`)
    return found
  }

  /** The contract that was in force for a stream before a position. Throws `not_found`. */
  at(stream: string, position: number): Contract {
    const found = this.#ofStream.get(stream)?.findLast(({ seq }) => seq < position)
    if (!found) throw new Fault('not_found', `stream "${stream}" had no contract before record ${position}`)
    return found.contract
  }

  /** What each of these files would do; throws what is wrong with any of them. Nothing is changed. */
  prepare(files: readonly { path: string; text: string }[]): PreparedContract[] {
    const streams = new Map<string, string>()
    return files.map(({ path, text }) => {
      const contract = parseContract(text, path)
      const other = streams.get(contract.stream)
      if (other !== undefined)
        throw new Fault('invalid', `${path}: ${other} is a contract of stream ${contract.stream} too: keep one of them`)
      const before = this.#newest.get(contract.stream)
      const bump = before ? checkVersion(before.contract, contract) : 'new'
      const change = bump === 'none' ? 'unchanged' : bump
      if (change !== 'unchanged') {
        this.#refuseOtherTypes(contract, path)
        this.#refuseClash(contract, [...streams.keys()])
      }
      streams.set(contract.stream, path)
      return { path, text, contract, before, change }
    })
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

  #refuseClash({ stream }: Contract, coming: readonly string[]): void {
    const clash = [...this.streams(), ...coming].find(
      (other) => other !== stream && streamNumber(other) === streamNumber(stream),
    )
    if (clash)
      throw new Fault(
        'conflict',
        `the name of stream ${stream} collides with that of ${clash} in the index: give it another name`,
      )
  }

  /** The record that puts a contract into force. */
  draft({ contract, text }: PreparedContract): Draft {
    return {
      kind: 'contract/1',
      stream: contract.stream,
      source: 'whence',
      id: contract.version,
      time: this.#clock.now(),
      refs: { contract: contract.id, version: contract.version },
      content: Buffer.from(text),
      type: 'application/yaml',
      touches: [`contract:${contract.stream}`],
    }
  }

  /** Takes into use what was recorded at a position. */
  accept({ contract, text }: PreparedContract, seq: number): void {
    this.#remember(contract, text, seq)
  }

  #remember(contract: Contract, text: string, seq: number): void {
    const inForce = { contract, text, seq }
    this.#newest.set(contract.stream, inForce)
    this.#ofStream.set(contract.stream, [...(this.#ofStream.get(contract.stream) ?? []), inForce])
    this.#all.set(`${contract.id}@${contract.version}`, contract)
  }
}

/** A contract as it was recorded, read from the log itself: for those who read records before there is a book. */
export function recordedContract(ledger: Ledger, stream: string, version: string): Contract | undefined {
  const place = placeBytes({ kind: 'contract/1', stream, source: 'whence', id: version })
  const seq = ledger.find(identityOf(ledger.subjects.idKey, place))
  const opened = seq === undefined ? undefined : ledger.open(seq)
  return opened?.state === 'open' ? parseContract(Buffer.from(opened.content).toString('utf8')) : undefined
}

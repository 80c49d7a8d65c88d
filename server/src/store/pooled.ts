// A database over connections that speak PostgreSQL's protocol: what both engines share.
import { AsyncLocalStorage } from 'node:async_hooks'
import pg, { type Pool, type PoolClient, type PoolConfig } from 'pg'
import { Fault } from '../fault.ts'
import { copyStatement, encode } from './copy.ts'
import type { Column, Database, Transaction } from './database.ts'
import { migrate } from './migrate.ts'
import { bound, sqlError, SqlError, types } from './values.ts'

/** What differs between the engines. */
export interface Engine {
  readonly name: Database['engine']
  readonly pool: Pool
  /** The file name in the COPY statement. */
  readonly source: string
  /** Runs a COPY statement over these bytes, on the same session as `client`. */
  copy(client: PoolClient, statement: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
  /** Ends what remains after the pool. */
  stop?(): Promise<void>
}

export function openPool(config: PoolConfig): Pool {
  const pool = new pg.Pool({ ...config, types })
  // The driver reports a lost connection to the statement that ran on it; without a listener it would also end the
  // process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** The transaction that the calling code runs in, per database, to refuse the call that would wait for itself. */
const inside = new AsyncLocalStorage<PooledTransaction>()

export class PooledDatabase implements Database {
  readonly engine: Database['engine']
  readonly #engine: Engine
  readonly #underWay = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  constructor(engine: Engine) {
    this.engine = engine.name
    this.#engine = engine
  }

  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    return this.#track(async () => {
      const client = await this.#connect()
      try {
        return await run<Row>(client, sql, params)
      } finally {
        client.release()
      }
    })
  }

  transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#track(async () => {
      const client = await this.#connect()
      const transaction = new PooledTransaction(this.#engine, client, this)
      try {
        return await transaction.run(run)
      } finally {
        client.release(transaction.stuck)
      }
    })
  }

  migrate(): Promise<void> {
    return migrate(this)
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.allSettled(this.#underWay)
      await this.#engine.pool.end()
      await this.#engine.stop?.()
    })()
    return this.#closed
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#engine.pool.connect()
    } catch (error) {
      throw sqlError(error)
    }
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Fault('unavailable', 'The database is closed.')
    const transaction = inside.getStore()
    if (transaction?.open && transaction.database === this) {
      throw new Fault('internal', 'The database was used inside one of its transactions; use the transaction instead.')
    }
    const working = work()
    this.#underWay.add(working)
    try {
      return await working
    } finally {
      this.#underWay.delete(working)
    }
  }
}

async function run<Row>(client: PoolClient, sql: string, params?: readonly unknown[]): Promise<Row[]> {
  const values = params && bound(params)
  try {
    const { rows } = await client.query(sql, values)
    return rows as Row[]
  } catch (error) {
    throw sqlError(error)
  }
}

/** Also used by `migrate`, whose files hold several statements. */
export interface ScriptTransaction extends Transaction {
  script(sql: string): Promise<void>
}

class PooledTransaction implements ScriptTransaction {
  open = true
  /** It could not be ended, so that its connection must be dropped. */
  stuck = false
  readonly database: PooledDatabase
  readonly #engine: Engine
  readonly #client: PoolClient
  /** Statements run one after the other, in the order of the calls. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(engine: Engine, client: PoolClient, database: PooledDatabase) {
    this.#engine = engine
    this.#client = client
    this.database = database
  }

  query<Row>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    return this.#next(() => run<Row>(this.#client, sql, params))
  }

  copy(table: string, columns: readonly Column[], rows: readonly (readonly unknown[])[]): Promise<void> {
    return this.#next(async () => {
      if (rows.length === 0) return
      const bytes = encode(columns, rows)
      try {
        await this.#engine.copy(this.#client, copyStatement(table, columns, this.#engine.source), bytes)
      } catch (error) {
        throw sqlError(error)
      }
    })
  }

  script(sql: string): Promise<void> {
    return this.#next(async () => {
      await run(this.#client, sql)
    })
  }

  async run<T>(work: (tx: ScriptTransaction) => Promise<T>): Promise<T> {
    try {
      await run(this.#client, 'begin')
      const result = await inside.run(this, () => work(this))
      await this.#end('commit')
      return result
    } catch (error) {
      if (this.open) {
        await this.#end('rollback').catch(() => {
          this.stuck = true
        })
      }
      throw error
    }
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    if (!this.open) return Promise.reject(new Fault('internal', 'The transaction has ended.'))
    const next = this.#last.then(work)
    this.#last = next.catch(() => {})
    return next
  }

  async #end(how: 'commit' | 'rollback'): Promise<void> {
    this.open = false
    await this.#last
    let command: string
    try {
      ;({ command } = await this.#client.query(how))
    } catch (error) {
      throw sqlError(error)
    }
    // PostgreSQL answers the commit of a failed transaction with ROLLBACK, which is no error to the driver.
    if (how === 'commit' && command === 'ROLLBACK') {
      throw new SqlError('25P02', 'Nothing was committed: a statement of the transaction had failed.')
    }
  }
}

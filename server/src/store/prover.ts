// Which columns of a table a query needs, by the engine's own optimiser: what it prunes has no influence on the result.
//
// An engine of its own, because pruning must not look at statistics (of an empty table they would prune everything), and
// that setting holds for all of an engine. It holds no data, reads and writes no file, and its configuration is locked.
import { DuckDBInstance } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault } from '../fault.ts'
import { identifier } from './columns.ts'
import type { ColumnType } from './columns.ts'

export interface EmptyTable {
  name: string
  columns: readonly { name: string; type: ColumnType | 'BLOB' }[]
}

/** For each table the columns that a query reads or filters by. */
export type Needed = ReadonlyMap<string, ReadonlySet<string>>

export interface Prover {
  /** What each of these queries needs of tables without rows. Throws `invalid` for one that the engine refuses. */
  needed(tables: readonly EmptyTable[], queries: readonly string[]): Promise<Needed[]>
  close(): Promise<void>
}

/** Milliseconds that all the queries of one question may take. */
const LIMIT = 20_000

/** The engine starts with the first question. */
export function openProver({ limit = LIMIT }: { limit?: number } = {}): Prover {
  let engine: Promise<DuckDBInstance> | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const ask = async (tables: readonly EmptyTable[], queries: readonly string[]): Promise<Needed[]> => {
    engine ??= start()
    const connection = await (await engine).connect()
    let stopped = false
    const timer = setTimeout(() => {
      stopped = true
      connection.interrupt()
    }, limit)
    try {
      for (const { name, columns } of tables) {
        const typed = columns.map((column) => `${identifier(column.name)} ${column.type}`)
        await connection.run(`CREATE TEMP TABLE ${identifier(name)} (${typed.join(', ')})`)
      }
      const found: Needed[] = []
      for (const query of queries) found.push(await explain(connection, tables, query))
      return found
    } catch (error) {
      if (error instanceof Fault) throw error
      const sentence = stopped ? `the proof took longer than ${limit / 1000} seconds` : (error as Error).message
      throw new Fault(stopped ? 'too_slow' : 'invalid', sentence.split('\n', 1)[0]!, { cause: error })
    } finally {
      clearTimeout(timer)
      connection.closeSync()
    }
  }
  return {
    needed(tables, queries) {
      const asked = turn.then(() => ask(tables, queries))
      turn = asked.catch(() => {})
      return asked
    },
    async close() {
      await turn
      ;(await engine)?.closeSync()
    },
  }
}

async function start(): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: '256MB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await instance.connect()
  for (const statement of [
    `SET GLOBAL TimeZone = 'UTC'`,
    `SET GLOBAL disabled_optimizers = 'statistics_propagation'`,
    `SET GLOBAL temp_directory = ''`,
    `SET GLOBAL enable_external_access = false`,
    `SET GLOBAL lock_configuration = true`,
  ])
    await connection.run(statement)
  connection.closeSync()
  return instance
}

interface PlanNode {
  name: string
  children?: PlanNode[]
  extra_info?: Record<string, string | string[]>
}

async function explain(connection: DuckDBConnection, tables: readonly EmptyTable[], query: string): Promise<Needed> {
  const rows = (await connection.runAndReadAll(`EXPLAIN (FORMAT json) ${query}`)).getRows()
  const found = new Map<string, Set<string>>()
  const visit = (node: PlanNode): void => {
    if (node.name.trim() === 'SEQ_SCAN') scanned(node, tables, found)
    for (const child of node.children ?? []) visit(child)
  }
  for (const node of JSON.parse(String(rows[0]?.[1])) as PlanNode[]) visit(node)
  return found
}

function scanned(
  { extra_info: info = {} }: PlanNode,
  tables: readonly EmptyTable[],
  found: Map<string, Set<string>>,
): void {
  const table = tables.find(({ name }) => String(info.Table).split('.').at(-1) === name)
  if (!table) throw new Fault('invalid', `the plan reads ${String(info.Table)}, which is none of the tables`)
  const needed = found.get(table.name) ?? new Set<string>()
  found.set(table.name, needed)
  const projections = new Set([info.Projections ?? []].flat())
  const filters = [info.Filters ?? []].flat()
  for (const { name } of table.columns) {
    // A filter is shown as text. Whatever it may name counts as needed: too many are found, never too few.
    if (projections.has(name) || filters.some((filter) => mentions(filter, name))) needed.add(name)
  }
}

function mentions(filter: string, name: string): boolean {
  const at = filter.toLowerCase().indexOf(name.toLowerCase())
  return at >= 0 && !/\w/.test(filter[at - 1] ?? ' ') && !/\w/.test(filter[at + name.length] ?? ' ')
}

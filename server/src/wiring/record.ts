// The record as everything beyond it sees it: the log, the tables that follow it, the lineage graph and Iceberg tables.
import type { Config } from '../config.ts'
import { RecentStatements } from '../path/lineage/recent.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import { LineageGraph } from '../record/lineage/graph.ts'
import { Follower } from '../record/projection/follower.ts'
import { Tables } from '../record/tables/tables.ts'
import type { Clock } from '../record/time.ts'
import type { Columns } from '../store/columns.ts'
import type { Database } from '../store/database.ts'
import type { Files } from '../store/files.ts'
import type { Prover } from '../store/prover.ts'
import type { Closing } from './closing.ts'
import { allProjections, statementReaders } from './projections.ts'

/** What nearly every step works with. */
export interface Recorded {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
}

/** Follows the log; resolves when the tables have everything that it has. Throws `refused_start` if they have more. */
export async function followLog(
  parts: {
    ledger: Ledger
    database: Database
    columns: Columns
    prover: Prover
    clock: Clock
    /** Follow from the first record; hears how far it is. */
    rebuild?: ((next: number, size: number) => void) | undefined
  },
  closing: Closing,
): Promise<{ recorded: Recorded; graph: LineageGraph; recentStatements: RecentStatements }> {
  const { ledger, database, columns, prover, clock } = parts
  const recentStatements = new RecentStatements()
  const readers = statementReaders({ ledger, columns, prover, recent: recentStatements })
  const follower = new Follower(ledger, database, allProjections(ledger, readers))
  if (parts.rebuild) await follower.rebuild(parts.rebuild)
  await follower.start()
  closing.add(() => follower.stop())
  const graph = new LineageGraph({ ledger, follower, database, readers })
  return { recorded: { ledger, follower, database, clock }, graph, recentStatements }
}

/** Iceberg tables, where the folder lies now: a copy of a folder names its files anew. */
export async function openTables(
  config: Config,
  parts: Recorded & { files: Files; columns: Columns },
): Promise<Tables> {
  const tables = new Tables({ ...parts, folder: config.data, location: config.tablesLocation })
  await tables.sweep()
  for (const { table, reason } of await tables.relocate({ id: 'whence' }))
    console.error(`whence: table ${table} still names its files where they were: ${reason}`)
  return tables
}

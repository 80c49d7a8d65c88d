// The engines that hold and compute what is derived from the log: the database of tables, DuckDB over column files, and
// a second DuckDB that proves what a query needs.
import { rm } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { noteOpen } from '../store/boot.ts'
import { openColumns } from '../store/columns.ts'
import type { Columns } from '../store/columns.ts'
import { openDatabase } from '../store/database.ts'
import type { Database } from '../store/database.ts'
import { openProver } from '../store/prover.ts'
import type { Prover } from '../store/prover.ts'
import type { Closing } from './closing.ts'

export async function openEngines(
  config: Config,
  closing: Closing,
): Promise<{ database: Database; columns: Columns; prover: Prover }> {
  const embedded = config.databaseUrl === undefined
  const note = embedded ? noteOpen(`${config.data}/database.open`) : undefined
  if (note?.torn) {
    console.error('whence: the machine went down while the tables were open; they are made again from the ledger')
    await rm(`${config.data}/database`, { recursive: true, force: true })
  }
  closing.add(() => note?.done())
  const database = await openDatabase({
    url: config.databaseUrl,
    folder: `${config.data}/database`,
    schema: config.schema,
  })
  closing.add(() => database.close())
  await database.migrate()
  const columns = await openColumns({ folder: config.data, limit: config.queryLimit })
  closing.add(() => columns.close())
  const prover = openProver({ limit: config.planLimit })
  closing.add(() => prover.close())
  return { database, columns, prover }
}

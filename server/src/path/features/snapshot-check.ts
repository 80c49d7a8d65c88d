// Every derived file held against the ledger: column files, snapshots, training sets, tables.
import type { KeptFile } from '../../record/tables/table.ts'
import type { Tables } from '../../record/tables/tables.ts'
import type { ContractBook } from '../events/contract-book.ts'
import type { DerivedFiles } from './derived-files.ts'
import type { EventColumns } from './event-columns.ts'
import type { SnapshotBody } from './feature-tables.ts'
import { checkRows } from './rows.ts'
import type { TrainingSets } from './training-sets.ts'

export interface DerivedCheck {
  problems: { path: string; code: string; message: string }[]
  checked: Record<string, number>
}

/** `snapshots`: those whose rows are there. */
export async function checkDerived(
  {
    derived,
    contracts,
    trainingSets,
    tables,
  }: { derived: DerivedFiles; contracts: ContractBook; trainingSets: TrainingSets; tables: Tables },
  snapshots: readonly { body: SnapshotBody }[],
): Promise<DerivedCheck> {
  const { events } = derived.place
  const problems: { path: string; code: string; message: string }[] = []
  let columnFiles = 0
  for (const stream of contracts.streams()) {
    columnFiles += (await events.files(stream)).length
    for (const { path, problem, sentence } of await events.check(stream, { deep: true })) {
      problems.push({ path, code: problem, message: sentence })
    }
  }
  for (const { body } of snapshots) {
    const found = await checkRows(derived.place, body.columns, body, derived.now(body.files))
    for (const { path, problem, sentence } of found.problems) problems.push({ path, code: problem, message: sentence })
  }
  const sets = await trainingSets.check()
  problems.push(...sets.problems.map(({ path, problem, sentence }) => ({ path, code: problem, message: sentence })))
  const kept = await tables.check((_, file) => eventsAltered(events, file))
  problems.push(...kept.problems)
  return {
    problems,
    checked: {
      columnFiles,
      snapshots: snapshots.length,
      trainingSets: sets.checked,
      tables: kept.tables,
      tableFiles: kept.files,
    },
  }
}

/** Which events of a table's file are not those of the ledger; nothing where it is no file of events. */
async function eventsAltered(events: EventColumns, file: KeptFile): Promise<string[]> {
  const stream = /^columns\/([^/]+)\//.exec(file.source ?? '')?.[1]
  return stream === undefined ? [] : events.altered(stream, file.path)
}

// Runs and versions as answers tell them: with the names of their jobs and datasets.
import type { Database } from '../../store/database.ts'
import type { DatasetVersion, RunSummary } from './answers.ts'
import type { Names } from './names.ts'
import { runsByKey } from './runs.ts'
import type { KnownRun, KnownVersion } from './runs.ts'

/** Each with the run that wrote it, as far as it is known as of a position. */
export async function versionsTold(
  { database, names }: { database: Database; names: Names },
  versions: readonly KnownVersion[],
  asOf: number,
): Promise<DatasetVersion[]> {
  const runs = await runsByKey(
    database,
    versions.flatMap(({ run }) => run ?? []),
    asOf,
  )
  return versions.map(({ dataset, version, run, time, seq }) => {
    const writer = run === undefined ? undefined : runs.get(run)
    return {
      dataset: names.nodes[dataset]!.id,
      version,
      ...(writer ? { run: writer.id } : {}),
      ...(writer?.job === undefined ? {} : { job: names.nodes[writer.job]!.id }),
      time,
      seq,
    }
  })
}

export function summaryOf(names: Names, run: KnownRun): RunSummary {
  const { id, job, state, started, updated, ended, first, last } = run
  return {
    id,
    ...(job === undefined ? {} : { job: names.nodes[job]!.id }),
    ...(state === undefined ? {} : { state }),
    started,
    updated,
    ...(ended === undefined ? {} : { ended }),
    first,
    last,
  }
}

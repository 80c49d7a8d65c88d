// What an answer about lineage may lack, as data and as sentences. It is said before anything else: an answer that is
// short because somebody is silent must not look like "nothing depends on it".
import type { LineageCompleteness } from '@whence/sdk'
import type { Completeness, Direction, LineageGraph } from '../../record/lineage/graph.ts'
import { plainId } from '../../record/lineage/plain-id.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Micros } from '../../record/time.ts'

export async function lackOf(
  graph: LineageGraph,
  ids: readonly string[],
  asOf: number,
  now: Micros,
  columns?: Direction,
): Promise<LineageCompleteness> {
  return shown(await graph.completeness(ids, asOf, now, columns))
}

function shown(found: Completeness): LineageCompleteness {
  return {
    pending: found.pending,
    unread: found.unread,
    silent: found.silent.map(({ job, last, rhythm }) => ({
      job,
      last: formatTime(last),
      rhythmSeconds: Math.round(rhythm / SECOND),
    })),
    silentCount: found.silentCount,
    open: found.open.map(({ run, job, started }) => ({
      run,
      ...(job === undefined ? {} : { job }),
      started: formatTime(started),
    })),
    openCount: found.openCount,
    unknownInputs: [...found.unknownInputs],
    unknownInputCount: found.unknownInputCount,
    withoutColumns: [...found.withoutColumns],
    withoutColumnCount: found.withoutColumnCount,
  }
}

/** In sentences, gravest first. Backward, datasets that nobody writes are worth a word. */
export function sentencesOf(lack: LineageCompleteness, direction: Direction = 'forward'): string[] {
  const many = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`
  const some = (names: readonly string[], count: number): string =>
    names.slice(0, 3).map(plainId).join(', ') + (count > 3 ? ` and ${count - 3} more` : '')
  const said: string[] = []
  if (lack.pending > 0)
    said.push(`${many(lack.pending, 'record is', 'records are')} not in the graph yet: ask again, this may be short.`)
  if (lack.unread > 0)
    said.push(`${many(lack.unread, 'record', 'records')} could not be read, and what they say is not in the graph.`)
  if (lack.withoutColumnCount > 0)
    said.push(
      `Of ${many(lack.withoutColumnCount, 'job', 'jobs')} nobody says which columns become which: ${some(
        lack.withoutColumns,
        lack.withoutColumnCount,
      )}. ${direction === 'forward' ? 'What lies beyond is counted as possible, and not shown' : 'What lies before is not shown: ask for the dataset'}.`,
    )
  if (lack.openCount > 0)
    said.push(
      `${many(lack.openCount, 'run', 'runs')} began and never ended: ${some(
        lack.open.map(({ run, job }) => `${run}${job === undefined ? '' : ` of ${job}`}`),
        lack.openCount,
      )}.`,
    )
  if (lack.silentCount > 0)
    said.push(
      `${many(lack.silentCount, 'job has', 'jobs have')} been silent for three times their rhythm: ${some(
        lack.silent.map(({ job, last }) => `${job} (last ${last.slice(0, 16)}Z)`),
        lack.silentCount,
      )}. What they do now is not known.`,
    )
  if (direction === 'backward' && lack.unknownInputCount > 0)
    said.push(
      `Nobody is known to write ${some(lack.unknownInputs, lack.unknownInputCount)}: sources, or pipelines that do not report.`,
    )
  return said
}

// Runs and versions as of a position, read from the tables.
import type { Database } from '../../store/database.ts'
import type { Micros } from '../time.ts'
import type { Resolved } from './answers.ts'
import { isLaterEnd, terminal } from './runs-held.ts'
import type { RunState } from './statement.ts'
import { keyOf, stored, unstored } from './stored.ts'

/** A run as it was known. */
export interface KnownRun {
  readonly id: string
  /** By which the tables have it, in hex. */
  readonly key: string
  readonly job: number | undefined
  readonly state: RunState | undefined
  readonly started: Micros
  readonly updated: Micros
  readonly ended: Micros | undefined
  readonly first: number
  readonly last: number
  /** Positions of its records. */
  readonly seqs: readonly number[]
}

export interface KnownIo {
  readonly run: string
  readonly dataset: number
  readonly writes: boolean
  /** Undefined: the run did not name one. */
  readonly version: string | undefined
}

export interface KnownVersion {
  readonly dataset: number
  readonly version: string
  /** Key of the run that wrote it. */
  readonly run: string | undefined
  readonly time: Micros
  readonly seq: number
}

const bytes = (keys: readonly string[]): Buffer[] => keys.map((key) => Buffer.from(key, 'hex'))
const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

/** Runs by their keys, as of a position; those that had no event by then are absent. */
export async function runsByKey(
  database: Database,
  keys: readonly string[],
  asOf: number,
): Promise<Map<string, KnownRun>> {
  const found = new Map<string, KnownRun>()
  if (keys.length === 0) return found
  const rows = await database.query<{
    seq: bigint
    run: Uint8Array
    id: string
    job: number | null
    job_key: Uint8Array | null
    time: bigint
    state: string | null
  }>(
    `select e.seq, e.run, r.id, e.job, n.key as job_key, e.time, e.state
     from lineage_event e join lineage_run r on r.key = e.run left join lineage_node n on n.id = e.job
     where e.run = any($1::bytea[]) and e.seq < $2 order by e.seq, e.n`,
    [bytes(keys), asOf],
  )
  for (const [key, events] of Map.groupBy(rows, ({ run }) => hex(run))) {
    let end: { ended: string | undefined; endedAt: Micros | undefined } = { ended: undefined, endedAt: undefined }
    let latest = events[0]!
    let job: (typeof events)[number] | undefined
    let started = Infinity
    for (const event of events) {
      const time = Number(event.time)
      started = Math.min(started, time)
      if (event.state && terminal.has(event.state) && isLaterEnd(time, event.state, end))
        end = { ended: event.state, endedAt: time }
      if (event.time > latest.time || (event.time === latest.time && (event.state ?? '') > (latest.state ?? '')))
        latest = event
      // Of two jobs that claim a run at one moment, any one does, so long as it is the same in any order.
      if (event.job_key && (!job || event.time > job.time || (event.time === job.time && isAfter(event, job))))
        job = event
    }
    found.set(key, {
      id: unstored(latest.id),
      key,
      job: job?.job ?? undefined,
      state: (end.ended ?? latest.state ?? undefined) as RunState | undefined,
      started,
      updated: Number(latest.time),
      ended: end.endedAt,
      first: Number(events[0]!.seq),
      last: Number(events.at(-1)!.seq),
      seqs: [...new Set(events.map(({ seq }) => Number(seq)))],
    })
  }
  return found
}

function isAfter(one: { job_key: Uint8Array | null }, other: { job_key: Uint8Array | null }): boolean {
  return hex(one.job_key!) > hex(other.job_key!)
}

export async function runById(database: Database, id: string, asOf: number): Promise<KnownRun | undefined> {
  const key = keyOf(id)
  return (await runsByKey(database, [key], asOf)).get(key)
}

/** The latest runs of a job, the latest first. */
export async function runsOfJob(database: Database, job: number, asOf: number, limit: number): Promise<KnownRun[]> {
  const rows = await database.query<{ run: Uint8Array }>(
    `select run from lineage_event where job = $1 and seq < $2 group by run order by max(time) desc, run limit $3`,
    [job, asOf, limit],
  )
  const keys = rows.map(({ run }) => hex(run))
  const runs = await runsByKey(database, keys, asOf)
  return keys.flatMap((key) => runs.get(key) ?? [])
}

/** What runs read and wrote. Where a run names versions of a dataset, these alone. */
export async function ioOf(database: Database, runs: readonly string[], asOf: number): Promise<KnownIo[]> {
  if (runs.length === 0) return []
  const rows = await database.query<{
    run: Uint8Array
    dataset: number
    writes: boolean
    version: string
  }>(
    `select run, dataset, writes, version from lineage_io where run = any($1::bytea[]) and seq < $2
     group by run, dataset, writes, version order by run, writes, dataset, version`,
    [bytes(runs), asOf],
  )
  const named = new Set(
    rows.filter(({ version }) => version !== '').map(({ run, dataset, writes }) => `${hex(run)} ${dataset} ${writes}`),
  )
  return rows
    .filter(({ run, dataset, writes, version }) => version !== '' || !named.has(`${hex(run)} ${dataset} ${writes}`))
    .map(({ run, dataset, writes, version }) => ({
      run: hex(run),
      dataset,
      writes,
      version: version === '' ? undefined : unstored(version),
    }))
}

/** The runs that read a version of a dataset, and named it. */
export async function runsOn(
  database: Database,
  datasets: readonly number[],
  version: string,
  asOf: number,
): Promise<KnownIo[]> {
  const rows = await database.query<{ run: Uint8Array; dataset: number }>(
    `select run, dataset from lineage_io
     where dataset = any($1::int4[]) and not writes and version = $2 and seq < $3
     group by run, dataset order by run, dataset`,
    [datasets, stored(version), asOf],
  )
  return rows.map(({ run, dataset }) => ({ run: hex(run), dataset, writes: false, version }))
}

/** The runs that read a dataset without naming a version, and began from one time until before another. */
export async function readersByTime(
  database: Database,
  datasets: readonly number[],
  from: Micros,
  until: Micros | undefined,
  asOf: number,
): Promise<KnownIo[]> {
  const rows = await database.query<{ run: Uint8Array; dataset: number }>(
    `select io.run, min(io.dataset) as dataset
     from lineage_io io join lineage_event e on e.run = io.run and e.seq < $2
     where io.dataset = any($1::int4[]) and not io.writes and io.version = '' and io.seq < $2
       and not exists (select from lineage_io named where named.run = io.run and named.dataset = io.dataset
         and not named.writes and named.version <> '' and named.seq < $2)
     group by io.run having min(e.time) >= $3 and ($4::int8 is null or min(e.time) < $4) order by io.run`,
    [datasets, asOf, from, until ?? null],
  )
  return rows.map(({ run, dataset }) => ({ run: hex(run), dataset, writes: false, version: undefined }))
}

interface VersionRow {
  dataset: number
  version: string
  run: Uint8Array | null
  time: bigint
  appeared: bigint
}

const columns = 'dataset, version, run, time, appeared'
const known = (row: VersionRow): KnownVersion => ({
  dataset: row.dataset,
  version: unstored(row.version),
  run: row.run === null ? undefined : hex(row.run),
  time: Number(row.time),
  seq: Number(row.appeared),
})

/** The versions of datasets, the latest first; of one that was written and described, as it was written. */
export async function versionsOf(
  database: Database,
  datasets: readonly number[],
  asOf: number,
  limit: number,
  version?: string,
): Promise<KnownVersion[]> {
  const rows = await database.query<VersionRow>(
    `select ${columns} from lineage_version v
     where dataset = any($1::int4[]) and appeared < $2 and (withdrawn is null or withdrawn >= $2)
       and ($4::text is null or version = $4)
       and (run is not null or not exists (
         select from lineage_version w where w.dataset = v.dataset and w.version = v.version and w.run is not null
           and w.appeared < $2 and (w.withdrawn is null or w.withdrawn >= $2)))
     order by time desc, version desc, run, (select key from lineage_node where id = v.dataset) limit $3`,
    [datasets, asOf, limit, version === undefined ? null : stored(version)],
  )
  return rows.map(known)
}

/** The versions that runs wrote. */
export async function versionsBy(database: Database, runs: readonly string[], asOf: number): Promise<KnownVersion[]> {
  if (runs.length === 0) return []
  const rows = await database.query<VersionRow>(
    `select ${columns} from lineage_version
     where run = any($1::bytea[]) and appeared < $2 and (withdrawn is null or withdrawn >= $2)
     order by time, dataset, version`,
    [bytes(runs), asOf],
  )
  return rows.map(known)
}

/** When the version after one was complete. */
export async function versionAfter(
  database: Database,
  datasets: readonly number[],
  { time }: KnownVersion,
  asOf: number,
): Promise<Micros | undefined> {
  const [row] = await database.query<{ time: bigint | null }>(
    `select min(time) as time from lineage_version
     where dataset = any($1::int4[]) and time > $3 and appeared < $2 and (withdrawn is null or withdrawn >= $2)`,
    [datasets, asOf, time],
  )
  return row === undefined || row.time === null ? undefined : Number(row.time)
}

/** The last version that was complete at a time. */
export async function versionAt(
  database: Database,
  datasets: readonly number[],
  time: Micros,
  asOf: number,
): Promise<KnownVersion | undefined> {
  const rows = await database.query<VersionRow>(
    `select ${columns} from lineage_version v
     where dataset = any($1::int4[]) and appeared < $2 and (withdrawn is null or withdrawn >= $2) and time <= $3
     order by time desc, run is null, version desc, run, (select key from lineage_node where id = v.dataset) limit 1`,
    [datasets, asOf, time],
  )
  return rows[0] && known(rows[0])
}

/** Which version a run read of a dataset: the one it named, else the last that was complete before it began. */
export async function versionRead(
  database: Database,
  { dataset, version }: KnownIo,
  names: readonly number[],
  started: Micros,
  asOf: number,
): Promise<{ dataset: number; version: string | undefined; resolved: Resolved }> {
  if (version !== undefined) return { dataset, version, resolved: 'stated' }
  const found = await versionAt(database, names, started, asOf)
  if (!found) return { dataset, version: undefined, resolved: 'unknown' }
  return { dataset: found.dataset, version: found.version, resolved: 'by time' }
}

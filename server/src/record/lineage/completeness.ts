// What an answer may lack: who has fallen silent, what never ended, what comes from nowhere.
import type { Database } from '../../store/database.ts'
import type { Micros } from '../time.ts'
import type { Direction, OpenRun, SilentJob } from './answers.ts'
import type { EdgeKind } from './held-state.ts'
import type { NamedNode, Names } from './names.ts'
import { unstored } from './stored.ts'
import { aliasGroups } from './walk.ts'

/** Latest events of a job that its rhythm is worked out from. */
const EVENTS = 1000

/** When a job was last heard of, and the median time between its runs. */
interface Beat {
  readonly job: number
  readonly last: Micros
  readonly rhythm: number
}

/** The rhythm of jobs that have run three times at least. */
async function rhythms(database: Database, jobs: readonly number[], asOf: number): Promise<Beat[]> {
  if (jobs.length === 0) return []
  const rows = await database.query<{ job: number; last: bigint; rhythm: number }>(
    `with run as (
       select j.job, e.run, min(e.time) as began, max(e.time) as last
       from unnest($1::int4[]) as j (job)
       cross join lateral (
         select run, time from lineage_event where job = j.job and seq < $2 order by time desc limit ${EVENTS}) e
       group by j.job, e.run),
     gap as (select job, last, began - lag(began) over (partition by job order by began) as gap from run),
     beat as (
       select job, max(last) as last, count(*) as runs, percentile_cont(0.5) within group (order by gap) as rhythm
       from gap group by job)
     select job, last, rhythm from beat
     where runs >= 3 and rhythm > 0 order by last, job`,
    [jobs, asOf],
  )
  return rows.map(({ job, last, rhythm }) => ({ job, last: Number(last), rhythm }))
}

/** Jobs that have not run for longer than three times the time between their runs. */
export function silentJobs(names: Names, beats: readonly Beat[], now: Micros): SilentJob[] {
  return beats
    .filter(({ last, rhythm }) => last + 3 * rhythm < now)
    .map(({ job, last, rhythm }) => ({ job: names.nodes[job]!.id, last, rhythm: Math.round(rhythm) }))
}

/** Runs of jobs that said they began, and of which no end is known. */
async function openRuns(database: Database, names: Names, jobs: readonly number[], asOf: number): Promise<OpenRun[]> {
  if (jobs.length === 0) return []
  const rows = await database.query<{ id: string; job: number; started: bigint; updated: bigint }>(
    `select r.id, e.job, e.started, e.updated from (
       select run, min(job) as job, min(time) as started, max(time) as updated from lineage_event
       where job = any($1::int4[]) and seq < $2
       group by run
       having bool_or(state in ('START', 'RUNNING')) and not bool_or(coalesce(state, '') in ('COMPLETE', 'FAIL', 'ABORT'))) e
     join lineage_run r on r.key = e.run order by e.updated desc, r.key`,
    [jobs, asOf],
  )
  return rows.map(({ id, job, started, updated }) => ({
    run: unstored(id),
    job: names.nodes[job]!.id,
    started: Number(started),
    updated: Number(updated),
  }))
}

/**
 * Jobs beside these datasets (whoever reads them, or, backward, writes them) that write something of which no columns are
 * told: a way over columns ends at them, and the data goes on.
 */
export function withoutColumns(
  names: Names,
  nodes: readonly NamedNode[],
  direction: Direction,
  asOf: number,
): string[] {
  const ends = (number: number, way: 'in' | 'out', how: EdgeKind): number[] =>
    (names[way][number] ?? [])
      .filter((edge) => names.edges[edge]!.how === how && names.holds(edge, asOf))
      .map((edge) => names.edges[edge]![way === 'in' ? 'source' : 'target'])
  const isTold = (job: number, dataset: number): boolean =>
    [dataset, ...(names.fields[dataset] ?? [])].some((number) =>
      names.in[number]?.some((edge) => {
        const { how, source, job: by } = names.edges[edge]!
        const own = (names.nodes[source]!.owner ?? source) === dataset
        return !own && by === job && (how === 'direct' || how === 'indirect') && names.holds(edge, asOf)
      }),
    )
  const found = new Set<number>()
  const looked = new Set<number>()
  const namesOf = aliasGroups(names, asOf)
  for (const { number, field } of nodes) {
    if (field !== undefined || looked.has(number)) continue
    for (const dataset of namesOf(number)) {
      looked.add(dataset)
      if (direction !== 'backward') {
        for (const job of ends(dataset, 'out', 'read'))
          if (ends(job, 'out', 'write').some((written) => !isTold(job, written))) found.add(job)
      }
      if (direction !== 'forward') {
        for (const job of ends(dataset, 'in', 'write'))
          if (!isTold(job, dataset) && ends(job, 'in', 'read').length > 0) found.add(job)
      }
    }
  }
  return [...found].sort((a, b) => a - b).map((job) => names.nodes[job]!.id)
}

/** Datasets that something is made of, and that nothing is known to write: each under the name by which it is read. */
export function unknownInputs(names: Names, nodes: readonly NamedNode[], asOf: number): string[] {
  const has = (name: number, way: 'in' | 'out', flows: readonly string[]): boolean =>
    names[way][name]?.some((edge) => flows.includes(names.edges[edge]!.how) && names.holds(edge, asOf)) ?? false
  const found: number[] = []
  const looked = new Set<readonly number[]>()
  const namesOf = aliasGroups(names, asOf)
  for (const { number, field, name } of nodes) {
    if (name.kind !== 'dataset' || field !== undefined) continue
    const aliases = namesOf(number)
    if (looked.has(aliases)) continue
    looked.add(aliases)
    const [read] = aliases
      .filter((alias) => has(alias, 'out', ['read', 'flow']))
      .toSorted((a, b) => (names.nodes[a]!.id < names.nodes[b]!.id ? -1 : 1))
    if (read === undefined || aliases.some((alias) => has(alias, 'in', ['write', 'flow', 'rename']))) continue
    found.push(read)
  }
  return found.map((number) => names.nodes[number]!.id)
}

/** What the tables know of runs of some jobs, and how many records were not read. */
export interface Heard {
  readonly beats: readonly Beat[]
  readonly open: readonly OpenRun[]
  readonly unread: number
}

export async function readHeard(
  { database, names }: { database: Database; names: Names },
  jobs: readonly number[],
  position: number,
): Promise<Heard> {
  const beats = await rhythms(database, jobs, position)
  const open = await openRuns(database, names, jobs, position)
  const [unread] = await database.query<{ n: bigint }>('select count(*) as n from lineage_unread where seq < $1', [
    position,
  ])
  return { beats, open, unread: Number(unread!.n) }
}

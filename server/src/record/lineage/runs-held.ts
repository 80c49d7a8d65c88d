// Runs as the batch knows them: what they read and wrote, whether they ended, and which versions they thereby made.
import type { Transaction } from '../../store/database.ts'
import type { Micros } from '../time.ts'
import type { RunState } from './statement.ts'
import { keyOf, stored, unstored } from './stored.ts'

export const terminal: ReadonlySet<string> = new Set(['COMPLETE', 'FAIL', 'ABORT'])

interface RunIo {
  readonly job: number
  readonly dataset: number
  readonly writes: boolean
  readonly versions: Set<string>
}

interface LiveVersion {
  readonly id: number
  readonly dataset: number
  readonly version: string
  readonly time: Micros
}

export interface HeldRun {
  readonly key: string
  readonly id: string
  /** Of its latest event. */
  time: Micros
  ended: string | undefined
  endedAt: Micros | undefined
  readonly io: Map<string, RunIo>
  readonly changes: { dataset: number; change: 'dropped' | 'made' }[]
  versions: Map<string, LiveVersion>
}

interface VersionRow {
  id: number
  dataset: number
  version: string
  run: string | undefined
  time: Micros
  appeared: number
  withdrawn?: number
}

export class Runs {
  readonly #runs = new Map<string, HeldRun>()
  readonly #touched = new Set<HeldRun>()
  readonly #events: unknown[][] = []
  readonly #io: unknown[][] = []
  readonly #versions: VersionRow[] = []
  readonly #withdrawn = new Map<number, number>()
  /** Versions that were described without a run, by dataset and version. */
  readonly #described = new Map<string, LiveVersion>()
  #nextVersion: number
  readonly #firstVersion: number

  constructor(nextVersion: number) {
    this.#nextVersion = nextVersion
    this.#firstVersion = nextVersion
  }

  async load(tx: Transaction, ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      const key = keyOf(id)
      this.#runs.set(id, {
        key,
        id,
        time: -Infinity,
        ended: undefined,
        endedAt: undefined,
        io: new Map(),
        changes: [],
        versions: new Map(),
      })
    }
    if (this.#runs.size === 0) return
    const keys = [[...this.#runs.values()].map(({ key }) => Buffer.from(key, 'hex'))]
    const known = await tx.query<{ id: string; time: bigint; ended: string | null; ended_at: bigint | null }>(
      'select id, time, ended, ended_at from lineage_run where key = any($1::bytea[])',
      keys,
    )
    if (known.length === 0) return
    const byKey = new Map<string, HeldRun>()
    for (const row of known) {
      const run = this.#runs.get(unstored(row.id))!
      run.time = Number(row.time)
      run.ended = row.ended ?? undefined
      run.endedAt = row.ended_at === null ? undefined : Number(row.ended_at)
      byKey.set(run.key, run)
    }
    const of = (key: Uint8Array): HeldRun => byKey.get(Buffer.from(key).toString('hex'))!
    const io = await tx.query<{ run: Uint8Array; job: number; dataset: number; writes: boolean; version: string }>(
      'select run, job, dataset, writes, version from lineage_io where run = any($1::bytea[])',
      keys,
    )
    for (const { run, job, dataset, writes, version } of io) ioOf(of(run), job, dataset, writes).versions.add(version)
    const changes = await tx.query<{ run: Uint8Array; dataset: number; change: string }>(
      "select run, dataset, change from lineage_change where run = any($1::bytea[]) and change in ('drop', 'create', 'overwrite')",
      keys,
    )
    for (const { run, dataset, change } of changes)
      of(run).changes.push({ dataset, change: change === 'drop' ? 'dropped' : 'made' })
    const versions = await tx.query<{
      id: number
      run: Uint8Array
      dataset: number
      version: string
      time: bigint
    }>(
      'select id, run, dataset, version, time from lineage_version where run = any($1::bytea[]) and withdrawn is null',
      keys,
    )
    for (const { id, run, dataset, version, time } of versions) {
      const live = { id, dataset, version: unstored(version), time: Number(time) }
      of(run).versions.set(versionKey(live), live)
    }
  }

  async loadDescribed(tx: Transaction, datasets: readonly number[]): Promise<void> {
    if (datasets.length === 0) return
    const rows = await tx.query<{ id: number; dataset: number; version: string; time: bigint }>(
      'select id, dataset, version, time from lineage_version where run is null and withdrawn is null and dataset = any($1::int4[])',
      [datasets],
    )
    for (const { id, dataset, version, time } of rows) {
      const live = { id, dataset, version: unstored(version), time: Number(time) }
      this.#described.set(`${dataset} ${live.version}`, live)
    }
  }

  all(): Iterable<HeldRun> {
    return this.#runs.values()
  }

  /** An event of a run. Whether it moves the run's time, and with it everything that the run read and wrote. */
  event(id: string, seq: number, n: number, job: number | undefined, time: Micros, state?: RunState): boolean {
    const run = this.#runs.get(id)!
    this.#touched.add(run)
    this.#events.push([seq, n, Buffer.from(run.key, 'hex'), job ?? null, time, state ?? null])
    if (state && terminal.has(state) && isLaterEnd(time, state, run)) {
      run.ended = state
      run.endedAt = time
    }
    if (time <= run.time) return false
    run.time = time
    return true
  }

  get(id: string): HeldRun {
    return this.#runs.get(id)!
  }

  io(run: HeldRun, seq: number, job: number, dataset: number, writes: boolean, version: string): void {
    const { versions } = ioOf(run, job, dataset, writes)
    const text = stored(version)
    if (versions.has(text)) return
    versions.add(text)
    this.#io.push([Buffer.from(run.key, 'hex'), job, dataset, writes, text, seq])
  }

  describe(dataset: number, version: string, time: Micros, seq: number): void {
    const key = `${dataset} ${version}`
    const known = this.#described.get(key)
    if (known && known.time <= time) return
    if (known) this.#withdraw(known.id, seq)
    this.#described.set(key, this.#make({ dataset, version, run: undefined, time, appeared: seq }))
  }

  /** After each record: which versions the runs that it touched have made, as far as is known. */
  settle(seq: number): void {
    for (const run of this.#touched) {
      const made = new Map<string, Omit<LiveVersion, 'id'>>()
      if (run.ended === 'COMPLETE') {
        for (const { dataset, writes, versions } of run.io.values()) {
          if (!writes || hasDropped(run, dataset)) continue
          const stated = [...versions].filter((version) => version !== '').map(unstored)
          for (const version of stated.length > 0 ? stated : [run.id]) {
            const one = { dataset, version, time: run.endedAt! }
            made.set(versionKey(one), one)
          }
        }
      }
      for (const [key, { id }] of run.versions) if (!made.has(key)) this.#withdraw(id, seq)
      const versions = new Map<string, LiveVersion>()
      for (const key of [...made.keys()].sort()) {
        const one = made.get(key)!
        versions.set(key, run.versions.get(key) ?? this.#make({ ...one, run: run.key, appeared: seq }))
      }
      run.versions = versions
    }
    // The runs stay to be written; only those of the next record are settled again.
    for (const run of this.#touched) this.#changed.add(run)
    this.#touched.clear()
  }

  readonly #changed = new Set<HeldRun>()

  async write(tx: Transaction): Promise<void> {
    const changed = [...this.#changed]
    if (changed.length > 0) {
      await tx.query(
        `insert into lineage_run (key, id, time, ended, ended_at)
         select * from unnest($1::bytea[], $2::text[], $3::int8[], $4::text[], $5::int8[])
         on conflict (key) do update set time = excluded.time, ended = excluded.ended, ended_at = excluded.ended_at`,
        [
          changed.map(({ key }) => Buffer.from(key, 'hex')),
          changed.map(({ id }) => stored(id)),
          changed.map(({ time }) => time),
          changed.map(({ ended }) => ended ?? null),
          changed.map(({ endedAt }) => endedAt ?? null),
        ],
      )
    }
    if (this.#events.length > 0) {
      await tx.copy(
        'lineage_event',
        [
          { name: 'seq', type: 'int8' },
          { name: 'n', type: 'int4' },
          { name: 'run', type: 'bytea' },
          { name: 'job', type: 'int4' },
          { name: 'time', type: 'int8' },
          { name: 'state', type: 'text' },
        ],
        this.#events,
      )
    }
    if (this.#io.length > 0) {
      await tx.copy(
        'lineage_io',
        [
          { name: 'run', type: 'bytea' },
          { name: 'job', type: 'int4' },
          { name: 'dataset', type: 'int4' },
          { name: 'writes', type: 'bool' },
          { name: 'version', type: 'text' },
          { name: 'seq', type: 'int8' },
        ],
        this.#io,
      )
    }
    if (this.#versions.length > 0) {
      await tx.copy(
        'lineage_version',
        [
          { name: 'id', type: 'int4' },
          { name: 'dataset', type: 'int4' },
          { name: 'version', type: 'text' },
          { name: 'run', type: 'bytea' },
          { name: 'time', type: 'int8' },
          { name: 'appeared', type: 'int8' },
          { name: 'withdrawn', type: 'int8' },
        ],
        this.#versions.map(({ id, dataset, version, run, time, appeared, withdrawn }) => [
          id,
          dataset,
          stored(version),
          run === undefined ? null : Buffer.from(run, 'hex'),
          time,
          appeared,
          withdrawn ?? null,
        ]),
      )
    }
    if (this.#withdrawn.size > 0) {
      await tx.query(
        `update lineage_version set withdrawn = w.seq from unnest($1::int4[], $2::int8[]) as w (id, seq)
         where lineage_version.id = w.id`,
        [[...this.#withdrawn.keys()], [...this.#withdrawn.values()]],
      )
    }
  }

  #make(row: Omit<VersionRow, 'id'>): LiveVersion {
    const made = { ...row, id: this.#nextVersion++ }
    this.#versions.push(made)
    return made
  }

  #withdraw(id: number, seq: number): void {
    if (id >= this.#firstVersion) this.#versions[id - this.#firstVersion]!.withdrawn = seq
    else this.#withdrawn.set(id, seq)
  }
}

function ioOf(run: HeldRun, job: number, dataset: number, writes: boolean): RunIo {
  const key = `${job} ${dataset} ${writes}`
  let io = run.io.get(key)
  if (!io) run.io.set(key, (io = { job, dataset, writes, versions: new Set() }))
  return io
}

/** Of two ends of one moment the larger word counts, so that FAIL is not taken for COMPLETE. */
export function isLaterEnd(
  time: Micros,
  state: string,
  { ended, endedAt }: { ended: string | undefined; endedAt: Micros | undefined },
): boolean {
  return endedAt === undefined || time > endedAt || (time === endedAt && state > ended!)
}

function hasDropped(run: HeldRun, dataset: number): boolean {
  return hasSaid(run, dataset, 'dropped') && !hasSaid(run, dataset, 'made')
}

/** Dropped it and made it again. */
export function hasRemade(run: HeldRun, dataset: number): boolean {
  return hasSaid(run, dataset, 'dropped') && hasSaid(run, dataset, 'made')
}

function hasSaid(run: HeldRun, dataset: number, what: 'dropped' | 'made'): boolean {
  return run.changes.some((change) => change.dataset === dataset && change.change === what)
}

function versionKey({ dataset, version, time }: Omit<LiveVersion, 'id'>): string {
  return `${dataset} ${time} ${version}`
}

// Training runs: what a framework, an importer or a pipeline's lineage tells of the making of a model.
import { canonicalize } from '@whence/ledger'
import { TrainingRunRequest } from '@whence/sdk'
import type { TrainingRun, TrainingRuns as TrainingRunList, TrainingRunsQuery } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended } from '../../record/ledger/writer.ts'
import type { FollowedRecord, Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { readAccepted } from '../../rules/lineage/event.ts'
import { runIdOf } from '../../rules/lineage/names.ts'
import type { Database, Transaction } from '../../store/database.ts'
import { isTraining, readTraining } from './run-facets.ts'
import { joinRun } from './training-run.ts'
import type { Telling, ToldRun } from './training-run.ts'

const STREAM = 'whence.runs'

/** How a run was told of: by a record of its own, or by lineage. They are kept apart, even from one source. */
type Told = 'record' | 'lineage'

const LONGEST_ID = 128

/** One record about one run. */
interface Said {
  id: string
  told: Told
  telling: Telling
  record: FollowedRecord
}

export const trainingRunProjection: Projection = {
  tables: ['training_run'],
  kinds: ['run', 'lineage'],
  async apply(tx, records) {
    for (const { id, told, telling, record } of await saidOf(tx, records)) {
      const { source, recorded } = record.entry
      const [row] = await tx.query<{ body: ToldRun }>(
        'select body from training_run where id = $1 and source = $2 and told = $3',
        [id, source, told],
      )
      const run = joinRun(row?.body, telling, { seq: record.seq, recorded })
      await tx.query(
        `insert into training_run (id, source, told, system, seq, body) values ($1, $2, $3, $4, $5, $6::text::jsonb)
         on conflict (id, source, told) do update set system = excluded.system, body = excluded.body`,
        [id, source, told, run.origin.system, BigInt(record.seq), JSON.stringify(run)],
      )
    }
  },
}

/** Of lineage only events that say they are about a training, and further ones of the same runs and sources. */
async function saidOf(tx: Transaction, records: readonly FollowedRecord[]): Promise<Said[]> {
  const looked = records.flatMap((record) => {
    const opened = record.open()
    return opened.state === 'open' ? [{ record, bytes: Buffer.from(opened.content) }] : []
  })
  const named = looked.flatMap(({ record, bytes }) => (record.entry.kind.startsWith('lineage/') ? runIds(bytes) : []))
  const known = new Set<string>()
  if (named.length > 0) {
    const rows = await tx.query<{ id: string; source: string }>(
      "select id, source from training_run where told = 'lineage' and id = any($1)",
      [[...new Set(named)]],
    )
    for (const { id, source } of rows) known.add(JSON.stringify([id, source]))
  }
  return looked.flatMap(({ record, bytes }): Said[] => {
    if (record.entry.kind.startsWith('run/')) {
      const { id, ...telling } = TrainingRunRequest.parse(JSON.parse(bytes.toString('utf8')))
      return [{ id, told: 'record', telling, record }]
    }
    const { source } = record.entry
    if (!mayBeTraining(bytes) && !runIds(bytes).some((id) => known.has(JSON.stringify([id, source])))) return []
    const statement = readAccepted(bytes, parseTime(record.entry.time)!)
    const id = statement?.run?.id
    if (!statement || id === undefined || id.length > LONGEST_ID) return []
    const key = JSON.stringify([id, source])
    if (!known.has(key) && !isTraining(statement)) return []
    known.add(key)
    return [{ id, told: 'lineage', telling: readTraining(statement), record }]
  })
}

/** Before an event is read, which costs: whether it holds a word without which it is about no training. */
const mayBeTraining = (bytes: Buffer): boolean => bytes.includes('raining') || bytes.includes('RAINING')

/** The run ids that stand in an event: its own, and those of parents. */
function runIds(bytes: Buffer): string[] {
  const ids: string[] = []
  for (let at = bytes.indexOf(RUN_ID); at >= 0 && ids.length < 16; at = bytes.indexOf(RUN_ID, at + 1)) {
    const [, id] = /^"runId"\s*:\s*"([^"\\]{1,128})"/.exec(bytes.toString('utf8', at, at + 600)) ?? []
    if (id !== undefined) ids.push(runIdOf(id))
  }
  return ids
}
const RUN_ID = '"runId"'

export class TrainingRuns {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(ledger: Ledger, follower: Follower, database: Database, clock: Clock) {
    this.#ledger = ledger
    this.#follower = follower
    this.#database = database
    this.#clock = clock
  }

  /** Records what is told of a run. The same content again, from the same source, is a duplicate. */
  async record(request: TrainingRunRequest, caller: Caller): Promise<TrainingRun> {
    for (const time of [request.started, request.ended])
      if (time !== undefined && parseTime(time) === undefined)
        throw new Fault('invalid', `"${time}" is no time, or lies outside of the years 1684 to 2255`)
    const content = canonicalize(JSON.parse(JSON.stringify(request)))
    const [placed] = (await this.#ledger.append(
      [
        {
          kind: 'run/1',
          stream: STREAM,
          source: caller.source,
          // A run has several records: each is known again by what it says.
          id: `${request.id}#${hash('sha256', content).slice(0, 32)}`,
          time: parseTime(request.ended ?? request.started ?? '') ?? this.#clock.now(),
          refs: { run: request.id, ...(request.status === undefined ? {} : { status: request.status }) },
          content: Buffer.from(content),
          touches: [`run:${request.id}`],
        },
      ],
      { actor: caller.id },
    )) as Appended[]
    if (placed!.status === 'refused') throw placed!.fault
    const { seq, leaf, recorded, status } = placed!
    await this.#follower.reachSeq(seq)
    return { ...(await this.get(request.id, caller.source)), receipt: { seq, leaf, recorded, status } }
  }

  /** A run by its id. Of several that tell of it the first that recorded it counts, before what lineage tells. */
  async get(id: string, source?: string): Promise<TrainingRun> {
    const run = await this.find(id, source)
    if (run) return run
    const whose = source === undefined ? '' : ` from ${source}`
    throw new Fault('not_found', `no training run ${id} is known${whose}: GET /v1/training-runs lists them`)
  }

  async find(id: string, source?: string): Promise<TrainingRun | undefined> {
    await this.#follower.reach('run', 'lineage', 'model')
    const rows = await this.#database.query<{ source: string; system: string; body: ToldRun }>(
      "select source, system, body from training_run where id = $1 order by told = 'lineage', seq",
      [id],
    )
    const row = source === undefined ? rows[0] : rows.find((each) => each.source === source)
    if (!row) return undefined
    const versions = await this.#database.query<{ name: string; version: number }>(
      'select name, version from model_version where run = $1 order by seq',
      [id],
    )
    return {
      id,
      source: row.source,
      ...row.body,
      versions: versions.map(({ name, version }) => `${name}@${version}`),
      others: rows.filter((other) => other !== row).map((other) => ({ source: other.source, system: other.system })),
    }
  }

  async list(query: TrainingRunsQuery): Promise<TrainingRunList> {
    await this.#follower.reach('run', 'lineage')
    const limit = query.limit ?? 50
    const rows = await this.#database.query<{ id: string; source: string; system: string; seq: bigint; body: ToldRun }>(
      `select id, source, system, seq, body from training_run
       where ($1::text is null or system = $1) and ($2::int8 is null or seq < $2) order by seq desc limit $3`,
      [query.system ?? null, query.before === undefined ? null : BigInt(query.before), limit + 1],
    )
    const runs = rows.slice(0, limit).map(({ id, source, system, seq, body }) => {
      const { name, framework, status, started, ended } = body
      const told = Object.entries({ name, framework, status, started, ended }).filter(([, each]) => each !== undefined)
      return { id, source, system, seq: Number(seq), ...Object.fromEntries(told) }
    })
    return { runs, ...(rows.length > limit ? { next: runs.at(-1)!.seq } : {}) }
  }
}

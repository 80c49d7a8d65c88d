// Loads of the tables what a batch may change, and writes what it changed.
import type { Transaction } from '../../store/database.ts'
import type { Edge, EdgeKind, HeldLinks, HeldUse, Stamp } from './held-state.ts'
import { Holding } from './holding.ts'
import { keyOf, stored, unstored } from './stored.ts'

interface UseRow {
  job: number
  dataset: number
  writes: boolean
  time: bigint
  run: string
  edge: number | null
}

const useColumns = 'job, dataset, writes, time, run, edge'

export interface Touched {
  readonly jobs: ReadonlySet<number>
  readonly read: ReadonlySet<number>
  /** What is written, or changed otherwise. */
  readonly datasets: ReadonlySet<number>
  /** Of these, what is dropped in this batch. */
  readonly dropped: ReadonlySet<number>
}

export async function loadHolding(tx: Transaction, { jobs, read, datasets, dropped }: Touched): Promise<Holding> {
  const [edge] = await tx.query<{ next: number }>('select coalesce(max(id), 0)::int4 + 1 as next from lineage_edge')
  const holding = new Holding(edge!.next)
  if (jobs.size + read.size + datasets.size === 0) return holding
  const ended = await tx.query<{ id: number }>(
    'select id from lineage_dataset where id = any($1::int4[]) and dropped is not null',
    [[...datasets]],
  )
  // A dataset that is or was dropped touches its readers too: their edges end, and come back.
  const ending = new Set([...dropped, ...ended.map(({ id }) => id)])
  const beside = await tx.query<{ job: number }>(
    `select distinct job from lineage_use
     where (dataset = any($1::int4[]) and writes) or (dataset = any($2::int4[]) and not writes)`,
    [[...datasets], [...ending]],
  )
  // A job may be dropped too; what it read and wrote ends, and comes back.
  const affected = new Set([...jobs, ...ending, ...beside.map(({ job }) => job)])
  const uses = await tx.query<UseRow>(`select ${useColumns} from lineage_use where job = any($1::int4[])`, [
    [...affected],
  ])
  for (const row of uses) holding.load(useOf(row))
  holding.loaded()
  const all = [...new Set([...read, ...datasets, ...holding.datasets.keys()])]
  const tellers = await loadLinks(tx, holding, [...affected, 0], all, [...datasets], [...ending])
  await loadDatasets(tx, holding, [...new Set([...all, ...holding.datasets.keys(), ...affected, ...tellers])])
  await loadRenames(tx, holding, [...datasets])
  return holding
}

function useOf({ job, dataset, writes, time, run, edge }: UseRow): HeldUse {
  return { job, dataset, writes, stamp: { time: Number(time), run: unstored(run) }, edge: edge ?? undefined }
}

async function loadDatasets(tx: Transaction, holding: Holding, ids: readonly number[]): Promise<void> {
  const rows = await tx.query<{ id: number } & Record<string, bigint | string | null>>(
    'select id, written, written_by, dropped, dropped_by, made, made_by from lineage_dataset where id = any($1::int4[])',
    [ids],
  )
  const stamp = (time: unknown, run: unknown): Stamp | undefined =>
    time === null ? undefined : { time: Number(time), run: unstored(run as string) }
  for (const row of rows) {
    const dataset = holding.dataset(row.id)
    dataset.written = stamp(row.written, row.written_by)
    dataset.dropped = stamp(row.dropped, row.dropped_by)
    dataset.made = stamp(row.made, row.made_by)
  }
  const dropped = ids.flatMap((id) => {
    const by = holding.dataset(id).dropped?.run
    return by === undefined || by === '' ? [] : [{ id, by }]
  })
  if (dropped.length === 0) return
  const remade = await tx.query<{ dataset: number }>(
    `select c.dataset from lineage_change c join unnest($1::int4[], $2::bytea[]) as d (dataset, run)
       on c.dataset = d.dataset and c.run = d.run
     where c.change in ('create', 'overwrite')`,
    [dropped.map(({ id }) => id), dropped.map(({ by }) => Buffer.from(keyOf(by), 'hex'))],
  )
  for (const { dataset } of remade) holding.dataset(dataset).remade = true
}

async function loadRenames(tx: Transaction, holding: Holding, ids: readonly number[]): Promise<void> {
  const rows = await tx.query<{ dataset: number; previous: number; edge: number | null }>(
    `select distinct c.dataset, c.previous, e.id as edge from lineage_change c
     left join lineage_edge e
       on e.source = c.previous and e.target = c.dataset and e.how = 'rename' and e.withdrawn is null
     where c.dataset = any($1::int4[]) and c.previous is not null and c.previous <> c.dataset`,
    [ids],
  )
  for (const { dataset, previous, edge } of rows) holding.dataset(dataset).renames.set(previous, edge ?? undefined)
}

async function loadLinks(
  tx: Transaction,
  holding: Holding,
  jobs: readonly number[],
  datasets: readonly number[],
  changed: readonly number[],
  ending: readonly number[],
): Promise<number[]> {
  const rows = await tx.query<{
    job: number
    dataset: number
    derived: boolean
    time: bigint
    digest: Uint8Array
    links: string
    edges: number[] | null
  }>(
    // Into what is dropped or comes back, also those of jobs that tell of it and do not write it; all that a job tells
    // that is dropped or comes back itself.
    `select job, dataset, derived, time, digest, links, edges from lineage_links
     where dataset = any($3::int4[]) or job = any($4::int4[])
       or (job = any($1::int4[]) and dataset = any($2::int4[]))`,
    [jobs, datasets, changed, ending],
  )
  for (const { job, dataset, derived, time, digest, links, edges } of rows) {
    let read: Edge[] | undefined
    const held: HeldLinks = {
      job,
      dataset,
      derived,
      time: Number(time),
      digest: Buffer.from(digest).toString('hex'),
      // Most batches say the same again, and then nobody looks at them.
      get links() {
        return (read ??= JSON.parse(links) as Edge[])
      },
      edges: edges ?? undefined,
    }
    holding.loadLinks(held)
  }
  return rows.map(({ job }) => job)
}

/** The fields of a schema that another is about to replace. */
export async function loadFields(tx: Transaction, holding: Holding, datasets: readonly number[]): Promise<void> {
  if (datasets.length === 0) return
  const rows = await tx.query<{ id: number; source: number; target: number }>(
    "select id, source, target from lineage_edge where source = any($1::int4[]) and how = 'field' and withdrawn is null",
    [datasets],
  )
  for (const { id, source, target } of rows) (holding.dataset(source).fields ??= new Map()).set(target, id)
}

/** Edges that hold for ever, by what they join: said again, they are not new. */
export async function loadAlways(tx: Transaction, sources: readonly number[]): Promise<Set<string>> {
  if (sources.length === 0) return new Set()
  const rows = await tx.query<{ source: number; target: number; how: EdgeKind }>(
    `select source, target, how from lineage_edge
     where source = any($1::int4[]) and how in ('symlink', 'parent', 'before') and withdrawn is null`,
    [sources],
  )
  return new Set(rows.map(({ source, target, how }) => `${source} ${target} ${how}`))
}

export async function writeHolding(tx: Transaction, holding: Holding): Promise<void> {
  const { uses, datasets, links, restated } = holding.changed
  if (uses.size > 0) {
    const rows = [...uses]
    await tx.query(
      `insert into lineage_use (${useColumns})
       select * from unnest($1::int4[], $2::int4[], $3::bool[], $4::int8[], $5::text[], $6::int4[])
       on conflict (job, dataset, writes) do update set time = excluded.time, run = excluded.run, edge = excluded.edge`,
      [
        rows.map(({ job }) => job),
        rows.map(({ dataset }) => dataset),
        rows.map(({ writes }) => writes),
        rows.map(({ stamp }) => stamp.time),
        rows.map(({ stamp }) => stored(stamp.run)),
        rows.map(({ edge }) => edge ?? null),
      ],
    )
  }
  if (datasets.size > 0) {
    const rows = [...datasets]
    const stamps = (['written', 'dropped', 'made'] as const).flatMap((what) => [
      rows.map((row) => row[what]?.time ?? null),
      rows.map((row) => (row[what] ? stored(row[what].run) : null)),
    ])
    await tx.query(
      `insert into lineage_dataset (id, written, written_by, dropped, dropped_by, made, made_by)
       select * from unnest($1::int4[], $2::int8[], $3::text[], $4::int8[], $5::text[], $6::int8[], $7::text[])
       on conflict (id) do update set written = excluded.written, written_by = excluded.written_by,
         dropped = excluded.dropped, dropped_by = excluded.dropped_by, made = excluded.made, made_by = excluded.made_by`,
      [rows.map(({ id }) => id), ...stamps],
    )
  }
  await writeLinks(tx, [...links])
  const again = [...restated].filter((one) => !links.has(one))
  if (again.length > 0) {
    await tx.query(
      `update lineage_links l set time = k.time from unnest($1::int4[], $2::int4[], $3::bool[], $4::int8[]) as k (job, dataset, derived, time)
       where l.job = k.job and l.dataset = k.dataset and l.derived = k.derived`,
      [
        again.map(({ job }) => job),
        again.map(({ dataset }) => dataset),
        again.map(({ derived }) => derived),
        again.map(({ time }) => time),
      ],
    )
  }
  await writeEdges(tx, holding)
}

async function writeLinks(tx: Transaction, links: readonly HeldLinks[]): Promise<void> {
  if (links.length === 0) return
  await tx.query(
    `delete from lineage_links l using unnest($1::int4[], $2::int4[], $3::bool[]) as k (job, dataset, derived)
     where l.job = k.job and l.dataset = k.dataset and l.derived = k.derived`,
    [links.map(({ job }) => job), links.map(({ dataset }) => dataset), links.map(({ derived }) => derived)],
  )
  await tx.copy(
    'lineage_links',
    [
      { name: 'job', type: 'int4' },
      { name: 'dataset', type: 'int4' },
      { name: 'derived', type: 'bool' },
      { name: 'time', type: 'int8' },
      { name: 'digest', type: 'bytea' },
      { name: 'links', type: 'text' },
      { name: 'edges', type: 'int4[]' },
    ],
    links.map(({ job, dataset, derived, time, digest, links: edges, edges: ids }) => [
      job,
      dataset,
      derived,
      time,
      Buffer.from(digest, 'hex'),
      JSON.stringify(edges),
      ids ?? null,
    ]),
  )
}

async function writeEdges(tx: Transaction, { opened, withdrawn }: Holding): Promise<void> {
  if (opened.length > 0) {
    await tx.copy(
      'lineage_edge',
      [
        { name: 'id', type: 'int4' },
        { name: 'source', type: 'int4' },
        { name: 'target', type: 'int4' },
        { name: 'how', type: 'text' },
        { name: 'basis', type: 'text' },
        { name: 'transformation', type: 'text' },
        { name: 'masking', type: 'bool' },
        { name: 'job', type: 'int4' },
        { name: 'appeared', type: 'int8' },
        { name: 'withdrawn', type: 'int8' },
      ],
      opened.map(({ id, edge, appeared, withdrawn: end }) => [
        id,
        edge.source,
        edge.target,
        edge.how,
        edge.basis ?? null,
        edge.transformation === undefined ? null : stored(edge.transformation),
        edge.masking ?? null,
        edge.job ?? null,
        appeared,
        end ?? null,
      ]),
    )
  }
  if (withdrawn.size > 0) {
    await tx.query(
      `update lineage_edge set withdrawn = w.seq from unnest($1::int4[], $2::int8[]) as w (id, seq)
       where lineage_edge.id = w.id`,
      [[...withdrawn.keys()], [...withdrawn.values()]],
    )
  }
}

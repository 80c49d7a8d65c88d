// A log of statements for tests: followed by the real follower into real tables, without payloads.
import type { TestContext } from 'node:test'
import type { Database } from '../../store/database.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { FollowedRecord } from '../projection/follower.ts'
import { Follower } from '../projection/follower.ts'
import { formatTime } from '../time.ts'
import type { Edge } from './held-state.ts'
import { LineageGraph } from './graph.ts'
import { lineageProjection } from './projection.ts'
import type { StatementReaders } from './reading.ts'
import type { Name, NodeKind, RunState, Statement, Use } from './statement.ts'

export const dataset = (name: string, namespace = 'db'): Name => ({ kind: 'dataset', namespace, name })
export const job = (name: string): Name => ({ kind: 'job', namespace: 'etl', name })
export const use = (name: string | Name, more: Partial<Use> = {}): Use => ({
  name: typeof name === 'string' ? dataset(name) : name,
  facets: {},
  here: {},
  ...more,
})

export function statement(time: number, more: Partial<Statement> = {}): Statement {
  const none = { inputs: [], outputs: [], described: [], links: [], aliases: [], changes: [], jobs: [] }
  return { time, producer: 'test', ...none, ...more }
}

/** An event of a run: `ran('load', 'r1', 5, 'COMPLETE', ['a'], ['b'])`. */
export function ran(
  of: string,
  id: string,
  time: number,
  state: RunState,
  inputs: readonly (string | Use)[] = [],
  outputs: readonly (string | Use)[] = [],
  more: Partial<Statement> = {},
): Statement {
  const uses = (list: readonly (string | Use)[]): Use[] => list.map((one) => (typeof one === 'string' ? use(one) : one))
  return statement(time, {
    job: { name: job(of), facets: {} },
    run: { id, state, facets: {} },
    inputs: uses(inputs),
    outputs: uses(outputs),
    ...more,
  })
}

export class StatementLog {
  readonly records: (readonly Statement[] | 'unreadable')[] = []
  readonly #listeners = new Set<() => void>()
  readonly readers: StatementReaders = {
    lineage: (record: FollowedRecord) => {
      const said = this.records[record.seq]!
      if (said === 'unreadable') throw new Error('altered')
      return said
    },
  }

  /** As far as the follower and the graph ask it. */
  get ledger(): Ledger {
    const { records } = this
    const entry = (seq: number): Entry =>
      ({ kind: 'lineage/1', refs: {}, recorded: formatTime(1_000_000 * (seq + 1)) }) as Entry
    const part = {
      get size() {
        return records.length
      },
      entry,
      open: (seq: number) => ({ state: 'open', seq, entry: entry(seq) }),
      lastOf: () => records.length - 1,
      onCommit: (listener: () => void) => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
    }
    return part as unknown as Ledger
  }

  append(...records: (readonly Statement[] | Statement | 'unreadable')[]): void {
    this.records.push(...records.map((one) => (one === 'unreadable' || Array.isArray(one) ? one : [one as Statement])))
    for (const listener of this.#listeners) listener()
  }
}

export interface TestGraph {
  log: StatementLog
  follower: Follower
  graph: LineageGraph
  /** Appends, and waits until it is followed. */
  say(...records: (readonly Statement[] | Statement | 'unreadable')[]): Promise<void>
}

/** A graph on emptied tables; with `records` they are followed in one go. */
export async function openTestGraph(
  database: Database,
  records: readonly (readonly Statement[])[] = [],
): Promise<TestGraph> {
  const log = new StatementLog()
  log.records.push(...records)
  const follower = new Follower(log.ledger, database, [lineageProjection(log.readers)])
  await follower.rebuild()
  await follower.start()
  const graph = new LineageGraph({ ledger: log.ledger, follower, database, readers: log.readers })
  return {
    log,
    follower,
    graph,
    async say(...more) {
      log.append(...more)
      await graph.reach()
    },
  }
}

/** A record of one statement, or of several. */
export type Said = Statement | readonly Statement[]

/** A graph of these records, followed until the test is over. */
export async function graphDuring(t: TestContext, database: Database, records: readonly Said[]): Promise<TestGraph> {
  const opened = await openTestGraph(
    database,
    records.map((one) => (Array.isArray(one) ? one : [one]) as readonly Statement[]),
  )
  t.after(() => opened.follower.stop())
  return opened
}

/** Everything that holds as of a position, by names, without positions: equal for equal graphs. */
export async function dump(database: Database, graph: LineageGraph, asOf = graph.head): Promise<unknown> {
  const kinds: NodeKind[] = ['dataset', 'job', 'stream', 'view', 'training', 'model']
  const nodes = (await graph.nodes(kinds, asOf)).map(({ id }) => id).sort()
  const names = new Map(
    (
      await database.query<{ id: number; kind: string; namespace: string; name: string; field: string | null }>(
        'select id, kind, namespace, name, field from lineage_node',
      )
    ).map(({ id, ...name }) => [id, JSON.stringify(Object.values(name))]),
  )
  const rows = await database.query<Edge & { id: number }>(
    `select source, target, how, basis, transformation, masking, job from lineage_edge
     where appeared < $1 and (withdrawn is null or withdrawn >= $1)`,
    [asOf],
  )
  const edges = rows.map(({ source, target, how, job: by, ...more }) => {
    const ends = [names.get(source)!, names.get(target)!]
    return JSON.stringify([how === 'symlink' ? ends.sort() : ends, how, by === null ? null : names.get(by!), more])
  })
  const facets = []
  const versions = []
  const runs = []
  for (const id of nodes) {
    facets.push([id, (await graph.facets(id, asOf)).map(({ name, body }) => [name, body])])
    if (id.startsWith('job:')) {
      for (const { id: run } of await graph.runsOf(id, asOf)) {
        const { asOf: _, first, last, events, facets: own, inputs, outputs, ...detail } = await graph.run(run, asOf)
        const sorted = (list: readonly { dataset: string; version?: string }[]): string[] =>
          list.map((one) => JSON.stringify(one)).sort()
        const said = own.map(({ name, body }) => [name, body])
        runs.push({ ...detail, facets: said, inputs: sorted(inputs), outputs: sorted(outputs) })
      }
    } else {
      versions.push([id, (await graph.versionsOf(id, asOf)).map(({ seq, ...version }) => version)])
    }
  }
  return { nodes, edges: edges.sort(), facets, versions, runs }
}

/** The tables as they are, row by row: for holding a rebuild against what it replaces. */
export async function tables(database: Database): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {}
  for (const table of lineageProjection({}).tables) {
    const rows = await database.query<{ row: string }>(`select t::text as row from ${table} t order by 1`)
    all[table] = rows.map(({ row }) => row)
  }
  return all
}

// The lineage graph: what depends on what, as of any position. Names and fields are walked in memory, runs and versions
// in the tables.
//
// Before a question the caller waits with `await graph.reach()`: then every durable record of a kind that the graph is
// made of has been applied (the kinds of the readers in wiring/projections.ts). Every answer states its `asOf`.
import { Fault } from '../../fault.ts'
import type { Database } from '../../store/database.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Follower } from '../projection/follower.ts'
import { Kept } from '../projection/kept.ts'
import type { Micros } from '../time.ts'
import { formatTime } from '../time.ts'
import type {
  Completeness,
  DatasetVersion,
  Direction,
  HeldFacet,
  Kin,
  Lifecycle,
  Moment,
  NodeDetail,
  RunDetail,
  RunInput,
  RunOutput,
  RunSummary,
  RunWalk,
  RunWalkQuery,
  Walk,
  WalkQuery,
} from './answers.ts'
import { readHeard, silentJobs, unknownInputs, withoutColumns } from './completeness.ts'
import type { Heard } from './completeness.ts'
import { digestOf, readCursor, writeCursor } from './cursor.ts'
import { facetsHeld } from './facets-held.ts'
import { kinOf } from './kin.ts'
import { Names, search, shown } from './names.ts'
import type { NamedNode } from './names.ts'
import type { StatementReaders } from './reading.ts'
import { resolve } from './resolve.ts'
import { RunWalker } from './run-walk.ts'
import { ioOf, runById, runsOfJob, versionAt, versionRead, versionsBy, versionsOf } from './runs.ts'
import { facetBody, rereader, saidOfRun } from './said-of.ts'
import type { Reread } from './said-of.ts'
import type { Facets, LifecycleChange, NodeKind } from './statement.ts'
import { unstored } from './stored.ts'
import { summaryOf, versionsTold } from './told-runs.ts'
import { aliasesOf, aliasGroups, page, walkColumns, walkNames } from './walk.ts'

export type * from './answers.ts'
export { parseVersionId, versionId } from './run-walk.ts'

const PAGE = 1000
const LISTED = 100

/** Made in wiring, with the readers that its projection has. */
export class LineageGraph {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #kinds: readonly string[]
  readonly #names: Names
  readonly #reread: Reread
  readonly #latest: Kept<Heard>

  constructor(parts: { ledger: Ledger; follower: Follower; database: Database; readers: StatementReaders }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#kinds = Object.keys(parts.readers)
    this.#names = new Names(parts.database, parts.follower)
    this.#reread = rereader(parts.ledger, parts.readers)
    this.#latest = new Kept(parts.follower, this.#kinds)
  }

  /** Resolves when every durable record of a kind that the graph is made of has been applied. */
  reach(): Promise<void> {
    return this.#follower.reach(...this.#kinds)
  }

  /** The position up to which the graph knows: the default of every `asOf`. */
  get head(): number {
    return this.#follower.next
  }

  /**
   * The id of a node: an id as it is, or a bare name (or `name#field`) that exactly one node has. Throws `not_found`
   * with the nearest names, `invalid` where several have it.
   */
  async resolve(text: string, asOf?: number): Promise<NodeDetail> {
    const position = await this.#position(asOf)
    return detailOf(resolve(this.#names, text, position))
  }

  /** Nodes whose name holds the text, without regard to case: whole names first, then beginnings. */
  async search(query: string, kinds?: readonly NodeKind[], limit = 20, asOf?: number): Promise<NodeDetail[]> {
    const position = await this.#position(asOf)
    return search(this.#names, query, kinds, limit, position).map(detailOf)
  }

  /** Its other names, and the jobs around it. */
  async kinOf(id: string, asOf?: number): Promise<Kin> {
    const position = await this.#position(asOf)
    return kinOf(this.#names, resolve(this.#names, id, position), position)
  }

  /** Of each id the name that stands for all names of the same dataset. */
  async mainNames(ids: Iterable<string>, asOf?: number): Promise<Map<string, string>> {
    const position = await this.#position(asOf)
    const namesOf = aliasGroups(this.#names, position)
    const mains = new Map<readonly number[], string>()
    return new Map(
      [...ids].map((id) => {
        const node = this.#names.byId(id)
        if (!node) return [id, id]
        const all = namesOf(node.number)
        let main = mains.get(all)
        if (main === undefined) mains.set(all, (main = all.map((name) => this.#names.nodes[name]!.id).toSorted()[0]!))
        return [id, main]
      }),
    )
  }

  /** Fields of a dataset that hold as of a position: its latest schema's, and those that data flows through. */
  async fieldsOf(dataset: string, asOf?: number): Promise<NodeDetail[]> {
    const position = await this.#position(asOf)
    const found = this.#allNames(dataset, position)
      .flatMap((name) => this.#names.fields[name] ?? [])
      .map((field) => this.#names.nodes[field]!)
      .filter((field) => this.#names.isKnown(field, position))
    // Under whichever of its names they were told.
    return [...new Map(found.toReversed().map((field) => [field.field, field])).values()].toReversed().map(detailOf)
  }

  /** All nodes of some kinds, without fields, in the order of their appearance. */
  async nodes(kinds: readonly NodeKind[], asOf?: number): Promise<NodeDetail[]> {
    const position = await this.#position(asOf)
    return this.#names.nodes.flatMap((node) =>
      node && node.field === undefined && kinds.includes(node.name.kind) && node.appeared < position
        ? [detailOf(node)]
        : [],
    )
  }

  async walk(query: WalkQuery): Promise<Walk> {
    const { from, direction, level, depth = Infinity, kinds, limit = PAGE } = query
    const digest = digestOf([from, direction, level, query.depth, kinds])
    const cursor = readCursor(query.cursor, digest)
    const asOf = await this.#position(cursor?.asOf ?? query.asOf)
    const starts = from.map((id) => {
      const node = resolve(this.#names, id, asOf)
      // At the level of names a field stands for its dataset.
      return level === 'names' ? (node.owner ?? node.number) : node.number
    })
    const reached = (level === 'names' ? walkNames : walkColumns)(this.#names, starts, direction, depth, asOf)
    const offset = cursor?.offset ?? 0
    const answer = page(this.#names, reached, level, kinds, asOf, offset, limit)
    const end = offset + answer.nodes.length
    const truncated = end < answer.total
    return { asOf, ...answer, truncated, ...(truncated ? { cursor: writeCursor(asOf, end, digest) } : {}) }
  }

  /** Over runs and versions. A walk stops after 20,000 nodes: then it is truncated, and its last page has no cursor. */
  async walkRuns(query: RunWalkQuery): Promise<RunWalk> {
    const { from, direction, depth = Infinity, limit = PAGE } = query
    const digest = digestOf(['runs', from, direction, query.depth])
    const cursor = readCursor(query.cursor, digest)
    const asOf = await this.#position(cursor?.asOf ?? query.asOf)
    const walker = new RunWalker(this.#database, this.#names, asOf)
    const { nodes, edges, stopped } = await walker.walk(from, direction, depth)
    const offset = cursor?.offset ?? 0
    const end = Math.min(nodes.length, offset + limit)
    const place = new Map(nodes.slice(0, end).map(({ id }, at) => [id, at]))
    const more = end < nodes.length
    return {
      asOf,
      nodes: nodes.slice(offset, end),
      edges: edges.filter(({ from: one, to }) => {
        const [a, b] = [place.get(one), place.get(to)]
        return a !== undefined && b !== undefined && Math.max(a, b) >= offset
      }),
      total: nodes.length,
      truncated: more || stopped,
      ...(more ? { cursor: writeCursor(asOf, end, digest) } : {}),
    }
  }

  /** The facets of a dataset under any of its names, of a job or something of ours, that hold as of a position. */
  async facets(id: string, asOf?: number): Promise<HeldFacet[]> {
    const position = await this.#position(asOf)
    const held: HeldFacet[] = []
    for (const { node, name, seq, time } of await facetsHeld(this.#database, this.#allNames(id, position), position)) {
      const body = await facetBody(this.#reread, this.#names.nodes[node]!.id, name, seq, time)
      held.push({ name, body, seq, time })
    }
    return held
  }

  /** Which of the facets of some nodes hold, without their bodies: names by the id of the node. */
  async facetNames(kinds: readonly NodeKind[], asOf?: number): Promise<Map<string, Set<string>>> {
    const position = await this.#position(asOf)
    const rows = await this.#database.query<{ node: number; name: string }>(
      `select node, name from (
         select distinct on (c.node, c.name) c.node, c.name, c.taken
         from lineage_facet_change c join lineage_node n on n.id = c.node
         where n.kind = any($1::text[]) and c.seq < $2 order by c.node, c.name, c.seq desc, c.time desc) held
       where not taken`,
      [kinds, position],
    )
    const names = new Map<string, Set<string>>()
    for (const { node, name } of rows) {
      const id = this.#names.nodes[node]!.id
      const known = names.get(id)
      if (known) known.add(unstored(name))
      else names.set(id, new Set([unstored(name)]))
    }
    return names
  }

  /** What became of a dataset: created, renamed, dropped; in event time. */
  async lifecycleOf(dataset: string, asOf?: number): Promise<Lifecycle[]> {
    const position = await this.#position(asOf)
    const rows = await this.#database.query<{ change: string; previous: number | null; time: bigint; seq: bigint }>(
      // Each event of a run says it again: it happened once, and is over with the last of them.
      `select change, previous, max(time) as time, min(seq) as seq from lineage_change
       where dataset = any($1::int4[]) and seq < $2
       group by change, previous, run, case when run is null then time end
       order by max(time) desc, min(seq) desc limit 1000`,
      [this.#allNames(dataset, position), position],
    )
    return rows.reverse().map(({ change, previous, time, seq }) => ({
      change: change as LifecycleChange['change'],
      ...(previous === null ? {} : { previous: this.#names.nodes[previous]!.id }),
      time: Number(time),
      seq: Number(seq),
    }))
  }

  /** A run by its id, with or without `run:`. Throws `not_found`. */
  async run(id: string, asOf?: number): Promise<RunDetail> {
    const position = await this.#position(asOf)
    const bare = id.startsWith('run:') ? id.slice(4) : id
    const run = await runById(this.#database, bare, position)
    if (!run) throw new Fault('not_found', `no run is called "${shown(bare)}" as of ${position}`)
    const said = await saidOfRun(this.#reread, run.id, run.seqs)
    const inputs: RunInput[] = []
    const outputs: RunOutput[] = []
    const made = await versionsBy(this.#database, [run.key], position)
    for (const io of await ioOf(this.#database, [run.key], position)) {
      const dataset = this.#names.nodes[io.dataset]!.id
      const of = (io.writes ? said.outputs : said.inputs).get(dataset)
      const facets: { facets: Facets; here: Facets } = {
        facets: of?.facets.facets() ?? {},
        here: of?.here.facets() ?? {},
      }
      if (io.writes) {
        const version = io.version ?? made.find(({ dataset: of }) => of === io.dataset)?.version
        outputs.push({ dataset, ...(version === undefined ? {} : { version }), ...facets })
      } else {
        const names = aliasesOf(this.#names, io.dataset, position)
        const { version, resolved } = await versionRead(this.#database, io, names, run.started, position)
        inputs.push({ dataset, ...(version === undefined ? {} : { version }), resolved, ...facets })
      }
    }
    return {
      asOf: position,
      ...summaryOf(this.#names, run),
      producer: said.producer,
      ...(said.parent === undefined ? {} : { parent: said.parent }),
      ...(said.root === undefined ? {} : { root: said.root }),
      facets: said.facets,
      inputs,
      outputs,
      events: run.seqs.length,
    }
  }

  /** Runs of a job, the latest first. */
  async runsOf(job: string, asOf?: number, limit = LISTED): Promise<RunSummary[]> {
    const position = await this.#position(asOf)
    const { number } = resolve(this.#names, job, position)
    return (await runsOfJob(this.#database, number, position, limit)).map((run) => summaryOf(this.#names, run))
  }

  /** Versions of a dataset under any of its names, the latest first. */
  async versionsOf(dataset: string, asOf?: number, limit = LISTED): Promise<DatasetVersion[]> {
    const position = await this.#position(asOf)
    const names = this.#allNames(dataset, position)
    return versionsTold(
      { database: this.#database, names: this.#names },
      await versionsOf(this.#database, names, position, limit),
      position,
    )
  }

  /** What a dataset held at a time, with the run that wrote it. */
  async lastRunBefore(dataset: string, time: Micros, asOf?: number): Promise<DatasetVersion | undefined> {
    const position = await this.#position(asOf)
    const found = await versionAt(this.#database, this.#allNames(dataset, position), time, position)
    return found && (await versionsTold({ database: this.#database, names: this.#names }, [found], position))[0]
  }

  /**
   * What is missing around some nodes. Jobs are looked at themselves, and datasets where they are read. `columns`: which
   * way columns were followed.
   */
  async completeness(
    ids: readonly string[],
    asOf: number | undefined,
    now: Micros,
    columns?: Direction,
  ): Promise<Completeness> {
    const position = await this.#position(asOf)
    const nodes = ids.map((id) => resolve(this.#names, id, position))
    const jobs = nodes.filter(({ name }) => name.kind === 'job').map(({ number }) => number)
    const { beats, open, unread } = await this.#heard(jobs, position)
    const silent = silentJobs(this.#names, beats, now)
    const unknown = unknownInputs(this.#names, nodes, position)
    const columnless = columns === undefined ? [] : withoutColumns(this.#names, nodes, columns, position)
    return {
      asOf: position,
      pending: this.#follower.pending(...this.#kinds),
      unread,
      silent: silent.slice(0, LISTED),
      silentCount: silent.length,
      open: open.slice(0, LISTED),
      openCount: open.length,
      unknownInputs: unknown.slice(0, LISTED),
      unknownInputCount: unknown.length,
      withoutColumns: columnless.slice(0, LISTED),
      withoutColumnCount: columnless.length,
    }
  }

  /** What was heard of jobs, as of a position; kept in memory for all positions behind the last record of the graph. */
  async #heard(jobs: readonly number[], position: number): Promise<Heard> {
    if (!this.#follower.standBefore(position, this.#kinds)) return this.#readHeard(jobs, position)
    const latest = await this.#latest.of(jobs.join(' '), () => this.#readHeard(jobs, Number.MAX_SAFE_INTEGER))
    // One that came while it was waited for may be in it.
    return this.#follower.standBefore(position, this.#kinds) ? latest : this.#readHeard(jobs, position)
  }

  #readHeard(jobs: readonly number[], position: number): Promise<Heard> {
    return readHeard({ database: this.#database, names: this.#names }, jobs, position)
  }

  /**
   * A position for a moment: of a time, behind the last record recorded before it; of a run, behind its last event; of
   * a version, behind the record by which it is known. Throws `not_found`.
   */
  async positionOf(moment: Moment): Promise<number> {
    const head = await this.#position(undefined)
    if ('time' in moment) return this.#recordedBefore(formatTime(moment.time), head)
    if ('run' in moment) {
      const run = await runById(this.#database, moment.run, head)
      if (!run) throw new Fault('not_found', `no run is called "${shown(moment.run)}"`)
      return run.last + 1
    }
    const names = this.#allNames(moment.dataset, head)
    const [version] = await versionsOf(this.#database, names, head, 1, moment.version)
    if (!version)
      throw new Fault('not_found', `"${shown(moment.dataset)}" has no version "${shown(moment.version)}" that is known`)
    return version.seq + 1
  }

  /** Takes in what was committed, and checks a position that was asked for. */
  async #position(asOf: number | undefined): Promise<number> {
    await this.#names.follow()
    const head = this.#names.next
    if (asOf === undefined) return head
    if (!Number.isSafeInteger(asOf) || asOf < 0) throw new Fault('invalid', `${asOf} is no position: they count from 0`)
    if (asOf > head) throw new Fault('invalid', `position ${asOf} is in the future: the graph knows up to ${head}`)
    return asOf
  }

  #recordedBefore(time: string, head: number): number {
    let [low, high] = [0, head]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#ledger.entry(middle).recorded < time) low = middle + 1
      else high = middle
    }
    return low
  }

  /** All names of a dataset: the one that was asked for, then the others in the order of their ids. */
  #allNames(dataset: string, asOf: number): number[] {
    const { owner, number } = resolve(this.#names, dataset, asOf)
    const [own, ...others] = aliasesOf(this.#names, owner ?? number, asOf)
    const idOf = (name: number): string => this.#names.nodes[name]!.id
    return [own!, ...others.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1))]
  }
}

function detailOf({ id, name, field, appeared }: NamedNode): NodeDetail {
  return { id, ...name, ...(field === undefined ? {} : { field }), appeared }
}

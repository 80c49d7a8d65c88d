// The lineage graph: what depends on what, as of any position. Names and fields are walked in memory, runs and versions
// in the tables.
//
// Before a question the caller waits with `await graph.reach()`: then every durable record of a kind that the graph is
// made of has been applied. Every answer states its `asOf`.
import type { Micros } from '../time.ts'
import type {
  Completeness,
  DatasetVersion,
  HeldFacet,
  Lifecycle,
  Moment,
  NodeDetail,
  RunDetail,
  RunSummary,
  RunWalk,
  RunWalkQuery,
  Walk,
  WalkQuery,
} from './answers.ts'
import type { NodeKind } from './statement.ts'

export type * from './answers.ts'

/** Made in main.ts: `new LineageGraph({ ledger, follower, database, readers })`. */
export interface LineageGraph {
  /** Resolves when every durable record of a kind that the graph is made of has been applied. */
  reach(): Promise<void>

  /** The position up to which the graph knows: the default of every `asOf`. */
  readonly head: number

  /**
   * The id of a node: an id as it is, or a bare name (or `name#field`) that exactly one node has. Throws `not_found`
   * with the nearest names, `invalid` where several have it.
   */
  resolve(text: string, asOf?: number): Promise<NodeDetail>
  /** Nodes whose name holds the text, without regard to case: whole names first, then beginnings. */
  search(query: string, kinds?: readonly NodeKind[], limit?: number, asOf?: number): Promise<NodeDetail[]>
  /** Fields of a dataset that hold as of a position, by name. */
  fieldsOf(dataset: string, asOf?: number): Promise<NodeDetail[]>
  /** All nodes of some kinds, in order of their appearance, from an offset. */
  nodes(kinds: readonly NodeKind[], asOf?: number): Promise<NodeDetail[]>
  walk(query: WalkQuery): Promise<Walk>
  walkRuns(query: RunWalkQuery): Promise<RunWalk>
  /** The facets of a dataset, a job or something of ours that hold as of a position. */
  facets(id: string, asOf?: number): Promise<HeldFacet[]>
  lifecycleOf(dataset: string, asOf?: number): Promise<Lifecycle[]>
  /** Throws `not_found`. */
  run(id: string, asOf?: number): Promise<RunDetail>
  /** The latest first. */
  runsOf(job: string, asOf?: number, limit?: number): Promise<RunSummary[]>
  /** The latest first. */
  versionsOf(dataset: string, asOf?: number, limit?: number): Promise<DatasetVersion[]>
  /** The run that wrote what the dataset held at a time. */
  lastRunBefore(dataset: string, time: Micros, asOf?: number): Promise<DatasetVersion | undefined>
  completeness(ids: readonly string[], asOf: number | undefined, now: Micros): Promise<Completeness>
  /**
   * A position for a moment: of a time, behind the last record recorded before it; of a run, behind its last event; of
   * a version, behind the record by which it is known. Throws `not_found`.
   */
  positionOf(moment: Moment): Promise<number>
}

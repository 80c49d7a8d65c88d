// What the graph answers. Every position is one of the log: `asOf` s means knowing the records before s.
import type { Micros } from '../time.ts'
import type { Facets, LifecycleChange, NodeKind, RunState } from './statement.ts'

export type Direction = 'backward' | 'forward' | 'both'
export type Level = 'names' | 'columns'

export interface WalkQuery {
  /** Ids of nodes, as `resolve` gives them: `dataset:NAMESPACE:NAME`, `…#FIELD`. */
  readonly from: readonly string[]
  readonly direction: Direction
  /** `columns`: a dataset without a field means all its fields. */
  readonly level: Level
  /** Steps from the start. Unlimited when absent. Names of one dataset (symlinks) are no step apart. */
  readonly depth?: number
  /** Only nodes of these kinds are in the answer; the walk goes through the others. */
  readonly kinds?: readonly NodeKind[]
  /** A position; the head when absent. */
  readonly asOf?: number
  /** Nodes a page; 1,000 when absent. */
  readonly limit?: number
  /** Of an earlier answer: goes on where that one was cut, at its asOf. */
  readonly cursor?: string
}

export interface WalkNode {
  readonly id: string
  readonly kind: NodeKind
  readonly namespace: string
  readonly name: string
  readonly field?: string
  /** Steps from the nearest start. */
  readonly depth: number
  /** The position of the record that first named it. */
  readonly appeared: number
}

/**
 * How data goes from one node to another: `write` (job to dataset), `read` (dataset to job), `flow` (dataset to
 * dataset, no job said), `direct` and `indirect` (between fields), `symlink`, `rename`.
 */
export type Flow = 'write' | 'read' | 'flow' | 'direct' | 'indirect' | 'symlink' | 'rename'

export interface WalkEdge {
  readonly from: string
  readonly to: string
  readonly how: Flow
  readonly basis?: 'stated' | 'verified' | 'conservative' | 'unverified'
  readonly transformation?: string
  readonly masking?: boolean
  /** The job that says so, of `direct` and `indirect`. */
  readonly job?: string
  readonly appeared: number
}

export interface Walk {
  readonly asOf: number
  /** Nearest first; the starts have depth 0. */
  readonly nodes: readonly WalkNode[]
  /** Between nodes of this page, and between them and nodes of the pages before it. */
  readonly edges: readonly WalkEdge[]
  /** Nodes on all pages. */
  readonly total: number
  /** Whether there is more than this page shows after it. */
  readonly truncated: boolean
  readonly cursor?: string
}

export interface RunWalkQuery {
  /** `run:ID`, `version:DATASETID@VERSION`, or the id of a dataset: then its latest version. */
  readonly from: readonly string[]
  readonly direction: Direction
  readonly depth?: number
  readonly asOf?: number
  readonly limit?: number
  readonly cursor?: string
}

export type RunWalkNode =
  | {
      readonly id: string
      readonly kind: 'run'
      readonly run: string
      readonly job?: string
      readonly state?: RunState
      readonly started?: Micros
      readonly ended?: Micros
      readonly depth: number
    }
  | {
      readonly id: string
      readonly kind: 'version'
      readonly dataset: string
      /** Absent when nobody knows which one was read. */
      readonly version?: string
      /** When it was complete. */
      readonly time?: Micros
      readonly depth: number
    }

/** How it is known which version was read: its reader named it, or it was the last complete one before the run. */
export type Resolved = 'stated' | 'by time' | 'unknown'

export interface RunWalkEdge {
  readonly from: string
  readonly to: string
  readonly how: 'read' | 'write'
  /** Of `read`. */
  readonly resolved?: Resolved
}

export interface RunWalk {
  readonly asOf: number
  readonly nodes: readonly RunWalkNode[]
  readonly edges: readonly RunWalkEdge[]
  readonly total: number
  readonly truncated: boolean
  readonly cursor?: string
}

/** A facet as it holds: the latest in event time. */
export interface HeldFacet {
  readonly name: string
  readonly body: unknown
  /** Of the record that brought this content. */
  readonly seq: number
  readonly time: Micros
}

export interface VersionRef {
  /** Id of the dataset. */
  readonly dataset: string
  /** Absent: unknown. */
  readonly version?: string
}

export interface RunInput extends VersionRef {
  readonly resolved: Resolved
  /** What this run said of the dataset, and of its reading. */
  readonly facets: Facets
  readonly here: Facets
}

export interface RunOutput extends VersionRef {
  readonly facets: Facets
  readonly here: Facets
}

export interface RunDetail {
  readonly asOf: number
  readonly id: string
  readonly job?: string
  /** That of the latest terminal event, else of the latest event. */
  readonly state?: RunState
  /** Times of its first and its latest event. */
  readonly started: Micros
  readonly updated: Micros
  /** Time of its terminal event. */
  readonly ended?: Micros
  readonly producer: string
  readonly parent?: string
  readonly root?: string
  readonly facets: readonly HeldFacet[]
  readonly inputs: readonly RunInput[]
  readonly outputs: readonly RunOutput[]
  /** Positions of its records, the first and the last before asOf. */
  readonly first: number
  readonly last: number
  readonly events: number
}

export interface RunSummary {
  readonly id: string
  readonly job?: string
  readonly state?: RunState
  readonly started: Micros
  readonly updated: Micros
  readonly ended?: Micros
  readonly first: number
  readonly last: number
}

export interface DatasetVersion {
  readonly dataset: string
  readonly version: string
  /** The run that wrote it; absent when it was only described. */
  readonly run?: string
  readonly job?: string
  /** When it was complete, in event time. */
  readonly time: Micros
  /** The position of the record by which it is known. */
  readonly seq: number
}

/** A node by name, with what is known of it. */
export interface NodeDetail {
  readonly id: string
  readonly kind: NodeKind
  readonly namespace: string
  readonly name: string
  readonly field?: string
  readonly appeared: number
}

/** What stands beside a node without data flowing. */
export interface Kin {
  /** Ids of the other names of the same dataset. */
  readonly names: readonly string[]
  /** Of a job: those it belongs to, that belong to it, that it waits for, that wait for it. */
  readonly jobs: readonly { readonly id: string; readonly how: 'parent' | 'child' | 'before' | 'after' }[]
}

export interface SilentJob {
  readonly job: string
  /** Its latest run. */
  readonly last: Micros
  /** The median time between its runs. */
  readonly rhythm: Micros
}

export interface OpenRun {
  readonly run: string
  readonly job?: string
  readonly started: Micros
  readonly updated: Micros
}

/** What the answer may lack. Lists are cut at 100; the counts are whole. */
export interface Completeness {
  readonly asOf: number
  /** Records that are durable and not in the graph yet. */
  readonly pending: number
  /** Records whose payload does not read, so that they say nothing. */
  readonly unread: number
  /** Jobs that have not run for longer than three times their own rhythm. */
  readonly silent: readonly SilentJob[]
  readonly silentCount: number
  /** Runs that began and of which no end is known. */
  readonly open: readonly OpenRun[]
  readonly openCount: number
  /** Datasets that are read and that nobody is known to write. */
  readonly unknownInputs: readonly string[]
  readonly unknownInputCount: number
  /** Where columns were asked for: jobs of which nobody says how columns become columns, so that ways end at them. */
  readonly withoutColumns: readonly string[]
  readonly withoutColumnCount: number
}

export interface Lifecycle {
  readonly change: LifecycleChange['change']
  readonly previous?: string
  readonly time: Micros
  readonly seq: number
}

/** One of: a time, a run, a version of a dataset. */
export type Moment =
  | { readonly time: Micros }
  | { readonly run: string }
  | { readonly dataset: string; readonly version: string }

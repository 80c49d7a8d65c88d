// What is known of jobs and datasets while it is decided which edges hold, and which of two runs is the later.
import type { Micros } from '../time.ts'
import type { Flow } from './answers.ts'
import type { Link } from './statement.ts'

/** When a run was, as far as is known: the time of its latest event, and its id where two share it. */
export interface Stamp {
  readonly time: Micros
  /** '' of what was said without a run. */
  readonly run: string
}

export function isLater(one: Stamp, other: Stamp | undefined): boolean {
  return other === undefined || one.time > other.time || (one.time === other.time && one.run > other.run)
}

export function isSame(one: Stamp, other: Stamp | undefined): boolean {
  return one.time === other?.time && one.run === other.run
}

export function latest(one: Stamp, other: Stamp | undefined): Stamp {
  return isLater(one, other) ? one : other!
}

/** `field`: a dataset has it, by its latest schema. `parent` and `before`: between jobs, and no flow of data. */
export type EdgeKind = Flow | 'field' | 'parent' | 'before'

export interface Edge {
  readonly source: number
  readonly target: number
  readonly how: EdgeKind
  readonly basis?: Link['basis'] | undefined
  readonly transformation?: string | undefined
  readonly masking?: boolean | undefined
  readonly job?: number | undefined
}

/** The latest reading or writing of a dataset by a job. */
export interface HeldUse {
  readonly job: number
  readonly dataset: number
  readonly writes: boolean
  stamp: Stamp
  edge: number | undefined
  /** The stamp that counts for the job's oldest output, while the edge holds. */
  counted?: Stamp | undefined
}

export interface JobState {
  readonly id: number
  readonly reads: Map<number, HeldUse>
  readonly writes: Map<number, HeldUse>
  /** Its latest run that wrote anything, and what that run wrote. */
  wrote: Stamp | undefined
  last: Set<number>
  read: Stamp | undefined
  /** The oldest run by which one of its output edges holds. */
  oldest: Stamp | undefined
  since: Stamp | undefined
  readonly dirty: { reads: Set<number>; writes: Set<number> }
}

export interface DatasetState {
  readonly id: number
  written: Stamp | undefined
  dropped: Stamp | undefined
  made: Stamp | undefined
  /** The run that dropped it last made it again itself. */
  remade: boolean
  readonly writers: Set<number>
  readonly readers: Set<number>
  /** Renames into it: ids of the names before, with the edge while it holds. */
  readonly renames: Map<number, number | undefined>
  /** Column edges into it, by the job that says so (0: nobody) and whether they were derived from its SQL. */
  readonly links: Map<string, HeldLinks>
  /** The fields of its latest schema, with their edges. */
  fields: Map<number, number> | undefined
}

export interface HeldLinks {
  readonly job: number
  readonly dataset: number
  readonly derived: boolean
  time: Micros
  digest: string
  readonly links: readonly Edge[]
  /** While they hold: the edges, in the order of the links. */
  edges: readonly number[] | undefined
}

/** Dropped after its last writing, and not made again. */
export function isDropped({ written, dropped, made }: DatasetState): boolean {
  return dropped !== undefined && (!written || !isLater(written, dropped)) && isLater(dropped, made)
}

/**
 * What was written before the last drop is gone, also when the dataset is there again. A run that drops writes nothing,
 * unless it makes the dataset again itself: that another run does so later says nothing of this one.
 */
export function outlasts(written: Stamp, { dropped, made, remade }: DatasetState): boolean {
  if (dropped === undefined || isLater(written, dropped)) return true
  if (!isSame(written, dropped)) return false
  return dropped.run === '' ? made !== undefined && !isLater(dropped, made) : remade
}

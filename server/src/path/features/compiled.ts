// What a view is when its expressions have been judged: the same for every way of computing it.
import type { Micros } from '../../record/time.ts'
import type { Column } from '../../store/columns.ts'
import type { StreamShape } from './events.ts'
import type { Expression } from './syntax.ts'
import type { Feature, FeatureView } from './view.ts'

export interface CompiledFeature extends Feature {
  /** The type of its column: BIGINT, DOUBLE, DECIMAL(p,s), BOOLEAN, VARCHAR or TIMESTAMP. */
  column: Column
}

/** The SQL text of a relation that has a stream's event columns. */
export type Relations = (stream: string) => string

export interface CompiledView {
  view: FeatureView
  /** `fp1:` and the SHA-256 of everything that decides values. */
  fingerprint: string
  features: readonly CompiledFeature[]
  prepared: readonly Prepared[]
  /** For each stream the scopes that `prepared` names by index. */
  scopes: ReadonlyMap<string, readonly Scope[]>
  /** The streams it reads, the main one first. */
  sources: readonly StreamShape[]
  /** `subject` and the features of all subjects that the main stream knows at `at` and before `asOf`; unordered. */
  snapshot(relations: Relations, at: Micros, asOf: number): string
  /** The features, in one row, where the relations hold the events of one subject only, or none. */
  single(relations: Relations, at: Micros, asOf: number): string
  /**
   * `row`, `present` and the features for each row of a table spine(row BIGINT, subject BLOB, at TIMESTAMP, upto BIGINT);
   * unordered. `present`: the main stream knows the subject by then. One that it does not know has the values of no events.
   */
  spine(relations: Relations, table: string, options?: SpineOptions): string
  /** `seq`, `time` and, for each feature of the stream, `in:NAME`: true where it counts the event; all of one subject. */
  contributors(stream: string, relation: string, subject: string, at: Micros, asOf: number): string
  /** As `contributors`, with `row`, for each row of a spine table; only events that count, by row, time and seq. */
  spineContributors(stream: string, relation: string, table: string): string
}

export interface SpineOptions {
  /** Ignored: events count from when they happened on, also where they were known later only. */
  knowledge?: 'honoured' | 'ignored'
}

/** A feature, ready to be computed: what every frame of SQL, and an evaluator without SQL, is made from. */
export interface Prepared {
  feature: CompiledFeature
  /** The feature's expression and filter as they were read, columns by their stored names. */
  expr: Expression
  filter: Expression | undefined
  /** The expression; every aggregate's FILTER says that the event is in scope (the column `in:N`). */
  value: Expression
  /**
   * For each aggregate when an event in scope is fed to it: its own filter holds, and no argument that it skips is NULL.
   * Undefined: one of them takes every event in scope.
   */
  feeds: Expression[] | undefined
  /** Index of its window and filter among those of its stream. */
  scope: number
}

/** Which events a feature's aggregates may see. The window is (at − window, at]. */
export interface Scope {
  window: Micros | undefined
  filter: Expression | undefined
}

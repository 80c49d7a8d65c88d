// What an event or a record of ours says about lineage, in one form, whoever said it. The graph is made of these alone.
import type { Micros } from '../time.ts'

/** What a node stands for. Datasets and jobs are named by their producers; the rest are ours. */
export type NodeKind = 'dataset' | 'job' | 'stream' | 'view' | 'training' | 'model'

/** A name: of a dataset, of a job, of something of ours (then the namespace is empty). It stays the same over versions. */
export interface Name {
  readonly kind: NodeKind
  readonly namespace: string
  readonly name: string
}

/** Facets by name, as they came. One with `_deleted: true` takes an earlier one back. */
export type Facets = Readonly<Record<string, unknown>>

export type RunState = 'START' | 'RUNNING' | 'COMPLETE' | 'ABORT' | 'FAIL' | 'OTHER'

/** What one event says. Statements are additive: any order and repetition of them yields the same graph. */
export interface Statement {
  /** When it happened, in event time. */
  readonly time: Micros
  readonly producer: string
  readonly run?: RunStatement
  readonly job?: { readonly name: Name; readonly facets: Facets }
  readonly inputs: readonly Use[]
  readonly outputs: readonly Use[]
  /** What a DatasetEvent describes: no job reads or writes it here. */
  readonly described: readonly Use[]
  readonly links: readonly Link[]
  /** Datasets of which it is said that nothing flows into them, or that what was said before no longer holds. */
  readonly unlinked?: readonly Name[]
  /** Two names of one dataset (symlinks). */
  readonly aliases: readonly (readonly [Name, Name])[]
  readonly changes: readonly LifecycleChange[]
  /** Jobs that belong to jobs, or wait for them: shown, and no flow of data. */
  readonly jobs: readonly { readonly from: Name; readonly to: Name; readonly how: 'parent' | 'before' }[]
}

export interface RunStatement {
  readonly id: string
  readonly state?: RunState
  readonly facets: Facets
  readonly parent?: string
  readonly root?: string
}

/** A dataset as an input or output of a run, or as described. */
export interface Use {
  readonly name: Name
  /** The version that was read or written, where the producer says it. */
  readonly version?: string
  /** Facets of the dataset itself: they outlast the run. */
  readonly facets: Facets
  /** Facets of this reading or writing: statistics, assertions, subset. */
  readonly here: Facets
}

/** Data flows from one dataset (or one field of it) into another. `to` without a field: into all of it. */
export interface Link {
  readonly from: { readonly name: Name; readonly field?: string }
  readonly to: { readonly name: Name; readonly field?: string }
  /** `direct`: its values arrive. `indirect`: it filters, joins, groups or sorts. */
  readonly how: 'direct' | 'indirect'
  readonly transformation?: string
  readonly masking?: boolean
  /** Who says so: the producer; or its SQL as we parsed it, with how far that is to be relied on. */
  readonly basis: 'stated' | 'verified' | 'conservative' | 'unverified'
}

export interface LifecycleChange {
  /** Of a dataset; of a job too, which may be dropped. */
  readonly name: Name
  readonly change: 'alter' | 'create' | 'drop' | 'overwrite' | 'rename' | 'truncate'
  /** Before a rename. */
  readonly previous?: Name
}

/**
 * The id of a node: `dataset:NAMESPACE:NAME`, `job:NAMESPACE:NAME`, and without a namespace `stream:NAME`,
 * `view:NAME@vN`, `training:ID`, `model:NAME@N`; with `#FIELD` one of its fields. `%` and `#` stand percent-encoded, in
 * namespaces `:` too.
 */
export function nodeId({ kind, namespace, name }: Name, field?: string): string {
  const own = kind !== 'dataset' && kind !== 'job'
  const named = name.replace(/[%#]/g, encode)
  const base = own ? `${kind}:${named}` : `${kind}:${namespace.replace(/[%:#]/g, encode)}:${named}`
  return field === undefined ? base : `${base}#${field.replace(/[%#]/g, encode)}`
}

/** The name behind an id, or undefined for what is none. */
export function parseNodeId(id: string): { name: Name; field?: string } | undefined {
  const [, base, field] = /^([^#]+)(?:#(.*))?$/s.exec(id) ?? []
  const [, kind, rest] = /^(dataset|job|stream|view|training|model):(.*)$/s.exec(base ?? '') ?? []
  if (kind === undefined || rest === undefined) return undefined
  const own = kind !== 'dataset' && kind !== 'job'
  const colon = own ? -1 : rest.indexOf(':')
  if (!own && colon < 0) return undefined
  const name = {
    kind: kind as NodeKind,
    namespace: own ? '' : decode(rest.slice(0, colon)),
    name: decode(rest.slice(colon + 1)),
  }
  if (name.name === '') return undefined
  return field === undefined ? { name } : { name, field: decode(field) }
}

const encode = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
/** Only what `nodeId` encodes: a name may hold percent signs of its own. */
const decode = (text: string): string =>
  text.replace(/%(23|25|3A)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

// What the record of a training set holds, and when a request means the set that is on record.
import { canonicalize } from '@whence/ledger'
import type { DataFile, LeftOut, TrainingSet, TrainingSetRequest } from '@whence/sdk'
import type { Column } from '../../store/columns.ts'
import type { Input } from './event-columns.ts'
import type { Upload } from './spine-uploads.ts'
import type { ViewColumn } from './training-set.ts'
import type { ViewVersion } from './view-book.ts'

/** What a record of a set holds. Of sets that were made before there was more than one view, some is missing. */
export interface TrainingBody {
  id: string
  view: string
  fingerprint: string
  views?: { view: string; fingerprint: string }[]
  asOf: number
  objectionsAsOf?: number
  knowledge?: 'honoured' | 'ignored'
  label: string
  rows: number
  leftOut: Partial<LeftOut>
  spine?: TrainingSet['spine']
  columns: Column[]
  viewColumns?: ViewColumn[]
  files: DataFile[]
  rowsDigest: string
  contentDigest?: string
  inputs: Input[]
  engine?: { duckdb: string; semantics: number }
  /** Keyed, because identifiers could be guessed. */
  spineDigest: string
}

export type RecordedSet = TrainingBody & { seq: number; made: string }

/** What is known of a set once its files are written. */
export type MadeSet = Omit<TrainingBody, 'id' | 'view' | 'fingerprint' | 'label'> &
  Required<Pick<TrainingBody, 'views'>>

/** A request, read as far as it says which set is meant. */
export interface AskedSet {
  views: (ViewVersion & { view: string })[]
  spine: TrainingSet['spine']
  /** Keyed: of the rows, the file's bytes, or the definition. */
  spineDigest: string
  upload?: Upload
}

export function viewsOf({ views, view, fingerprint }: TrainingBody): { view: string; fingerprint: string }[] {
  return views ?? [{ view, fingerprint }]
}

/** The columns of a set that come from its views. */
export function featuresOf({ viewColumns, columns, view }: TrainingBody): ViewColumn[] {
  const own = new Set(['at', 'label'])
  return (
    viewColumns ??
    columns
      .filter(({ name }) => !own.has(name))
      .map(({ name }) => ({ column: name, view, feature: name, ...(name === 'present' ? { present: true } : {}) }))
  )
}

/** Whether a request means a set that is on record. */
export function saysTheSame(known: RecordedSet, asked: AskedSet, request: TrainingSetRequest): boolean {
  const definition = (spine: TrainingSet['spine'] = { kind: 'rows' }): string =>
    canonicalize(JSON.parse(JSON.stringify(spine)))
  return (
    known.spineDigest === asked.spineDigest &&
    definition(known.spine) === definition(asked.spine) &&
    canonicalize(viewsOf(known)) ===
      canonicalize(asked.views.map(({ view, fingerprint }) => ({ view, fingerprint }))) &&
    known.label === request.label &&
    (known.knowledge ?? 'honoured') === (request.knowledge ?? 'honoured') &&
    (request.asOf === undefined || request.asOf === known.asOf)
  )
}

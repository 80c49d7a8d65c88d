// What a part of a query yields, and where its columns come from.
import { nodeId, type Link, type Name } from '../../../record/lineage/statement.ts'
import { folded } from './syntax.ts'

export type Basis = Exclude<Link['basis'], 'stated'>
export type Direct = 'IDENTITY' | 'TRANSFORMATION' | 'AGGREGATION'
export type Indirect = 'JOIN' | 'GROUP_BY' | 'FILTER' | 'SORT' | 'WINDOW' | 'CONDITIONAL'

/** Where values come from, or what decides over them. The words are those of OpenLineage's columnLineage facet. */
export interface Source {
  readonly dataset: Name
  /** Absent: of a dataset whose columns are not known, some column or all of them. */
  readonly field?: string
  readonly what: Direct | Indirect
  readonly masking: boolean
  readonly basis: Basis
  /** The names of its columns do not pass through, as of what was pivoted. */
  readonly renamed?: boolean
}

/** One column; without a name, columns of which only the source is known (`*` of an unknown schema). */
export interface Column {
  readonly name?: string
  readonly sources: readonly Source[]
  /** Of a column without a name: what it does not stand for (`* except`). */
  readonly without?: ReadonlySet<string>
}

export interface Relation {
  readonly columns: readonly Column[]
  /** What decides over all of it: filters, joins, groups. */
  readonly over: readonly Source[]
}

/** Columns of which nothing is known: of a table that is none of the job's inputs, of a function. */
export const unknown: Relation = { columns: [{ sources: [] }], over: [] }

/** Bounds the work on one text: where much feeds much, the product grows without bound. */
export class Work {
  #left = 400_000

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new TooMuch('there is too much in the SQL to follow all of it')
  }
}

/** Ends the derivation: its message becomes the problem. */
export class TooMuch extends Error {}

const directs: readonly string[] = ['IDENTITY', 'TRANSFORMATION', 'AGGREGATION']
const trust: readonly Basis[] = ['conservative', 'unverified', 'verified']

export function isDirect({ what }: Pick<Source, 'what'>): boolean {
  return directs.includes(what)
}

/** A source as it arrives through one more step: direct through direct stays direct, and all else is indirect. */
export function through(source: Source, what: Direct | Indirect, masking = false): Source {
  if (!isDirect(source)) return source
  const arrives = isDirect({ what }) && directs.indexOf(source.what) > directs.indexOf(what) ? source.what : what
  return { ...source, what: arrives, masking: source.masking || masking }
}

/** Every source once; where one is known in two ways, by the better of them. */
export function distinct(sources: Iterable<Source>, work: Work): Source[] {
  const known = new Map<string, Source>()
  for (const source of sources) {
    work.spend(1)
    const key = `${nodeId(source.dataset, source.field)} ${source.what} ${source.masking}`
    const other = known.get(key)
    if (!other || trust.indexOf(other.basis) < trust.indexOf(source.basis)) known.set(key, source)
  }
  return [...known.values()]
}

export function doubted(sources: readonly Source[], basis: Basis): Source[] {
  return sources.map((source) => (trust.indexOf(source.basis) > trust.indexOf(basis) ? { ...source, basis } : source))
}

/** The sources of a column by its name; undefined when it is not there, `sure` when it is bound to be. */
export function column(relation: Relation, name: string): { sources: Source[]; sure: boolean } | undefined {
  const wanted = folded(name)
  const named = relation.columns.filter((each) => each.name !== undefined && folded(each.name) === wanted)
  if (named.length > 0) return { sources: named.flatMap(({ sources }) => sources), sure: true }
  const open = relation.columns.filter((each) => each.name === undefined && !each.without?.has(wanted))
  if (open.length === 0) return undefined
  const sources = open.flatMap((each) => each.sources)
  const basis = sources.length > 1 ? 'conservative' : 'unverified'
  return {
    sources: doubted(sources, basis).map((source) => {
      if (source.field !== undefined || source.renamed) return { ...source, basis: 'conservative' }
      return { ...source, field: name, basis }
    }),
    sure: false,
  }
}

// The tables that an expression sees, and which column it means by a name.
import { column, doubted, type Relation, type Source } from './relation.ts'
import { folded } from './syntax.ts'

export interface Seen {
  /** What may stand before a column: the alias, else the table's own name in parts. */
  readonly path: readonly string[]
  readonly relation: Relation
  /** Takes part in filtering only: `*` leaves it out. */
  readonly hidden?: boolean
}

export class Scope {
  readonly seen: Seen[] = []
  /** Columns that a join unites (USING, NATURAL). */
  readonly united = new Set<string>()
  natural = false
  /** Columns of the SELECT by their alias, as they become known. */
  readonly aliases = new Map<string, readonly Source[]>()
  /** Names that a lambda binds. */
  readonly bound: ReadonlySet<string>
  readonly #parent: Scope | undefined
  readonly #problems: Set<string>

  constructor(problems: Set<string>, parent?: Scope, bound: ReadonlySet<string> = new Set()) {
    this.#problems = problems
    this.#parent = parent
    this.bound = bound
  }

  /** The same tables, with names bound by a lambda. */
  binding(names: readonly string[]): Scope {
    const inner = new Scope(this.#problems, this, new Set(names.map(folded)))
    return inner
  }

  /** The sources of `column`, `table.column` or `table.column.field`; of none, with a problem, when there is none. */
  resolve(parts: readonly string[], aliasesFirst = false): readonly Source[] {
    const found = this.#find(parts.map(folded), parts, aliasesFirst)
    if (found === undefined) {
      this.#problems.add(`"${parts.join('.').slice(0, 200)}" is no column of a table that the SQL reads`)
      return []
    }
    return found.sources
  }

  #find(
    names: readonly string[],
    spelled: readonly string[],
    aliasesFirst: boolean,
  ): { sources: readonly Source[]; sure: boolean } | undefined {
    if (this.bound.has(names[0]!)) return { sources: [], sure: true }
    for (let length = names.length - 1; length > 0; length--) {
      const table = this.seen.find(({ path }) => endsWith(path, names.slice(0, length)))
      if (table) return column(table.relation, spelled[length]!)
    }
    const alias = names.length === 1 ? this.aliases.get(names[0]!) : undefined
    if (alias && aliasesFirst) return { sources: alias, sure: true }
    const candidates = this.seen.flatMap(({ relation }) => column(relation, spelled[0]!) ?? [])
    const sure = candidates.filter((candidate) => candidate.sure)
    if (sure.length === 1) return sure[0]
    if (sure.length > 1) {
      const sources = sure.flatMap((candidate) => candidate.sources)
      const united = this.natural || this.united.has(names[0]!)
      return { sources: united ? sources : doubted(sources, 'conservative'), sure: true }
    }
    if (alias) return { sources: alias, sure: true }
    const outer = this.#parent ? this.#parent.#find(names, spelled, false) : undefined
    if (candidates.length === 0) {
      if (outer) return outer
      const row = this.seen.find(({ path }) => names.length === 1 && path.length === 1 && path[0] === names[0])
      return row && { sources: row.relation.columns.flatMap(({ sources }) => sources), sure: true }
    }
    const every = [...candidates, ...(outer?.sure ? [outer] : [])]
    const sources = every.flatMap((candidate) => candidate.sources)
    return { sources: every.length > 1 ? doubted(sources, 'conservative') : sources, sure: false }
  }
}

function endsWith(path: readonly string[], names: readonly string[]): boolean {
  return path.length >= names.length && names.every((name, i) => path[path.length - names.length + i] === name)
}

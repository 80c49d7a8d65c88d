// What the statements of a text write: which columns of which dataset take which sources.
import type { Name } from '../../../record/lineage/statement.ts'
import type { Datasets, Dataset } from './datasets.ts'
import { sourcesOf, type Named } from './expression.ts'
import type { Queries } from './query.ts'
import { doubted, type Basis, type Column, type Relation, type Source } from './relation.ts'
import { folded, identifier, list, objectName, tree, variant, type Tree } from './syntax.ts'

/** Sources of a dataset, or of one of its columns. */
export interface Effect {
  readonly to: { readonly name: Name; readonly field?: string }
  readonly sources: readonly Source[]
}

/** They define, steer or remove, and move no values. */
const silent =
  /^(Drop|Truncate|Alter.*|Set|Use|Start.*|Commit|Rollback|Savepoint|ReleaseSavepoint|Create(?!Table|View).*|Comment|Grant|Revoke|Analyze|Show.*|Explain.*|Declare|Pragma|Cache|UNCache|Msck|Vacuum|OptimizeTable|LockTables|UnlockTables|Deny|Kill|Discard|Close|Fetch|Print|Return|Install|Load|AttachDatabase|AttachDuckDBDatabase|DetachDuckDBDatabase|Flush|List|Remove|RenameTable|RaisError|Reset|Deallocate|Prepare)$/

export class Effects {
  readonly found: Effect[] = []
  readonly #datasets: Datasets
  readonly #queries: Queries
  readonly #problems: Set<string>
  /** Tables and views that the text makes for itself. */
  readonly #made = new Map<string, Relation>()
  /** What a query alone yields: of a text that is what fills the job's output. */
  #yielded: Relation | undefined

  constructor(datasets: Datasets, queries: Queries) {
    this.#datasets = datasets
    this.#queries = queries
    this.#problems = queries.problems
  }

  take(statements: readonly unknown[]): void {
    for (const statement of statements) this.#take(...variant(statement), this.#made)
    if (this.#yielded === undefined || this.found.length > 0) return
    const [only, ...others] = this.#datasets.outputs
    if (only && others.length === 0) this.#write([only], this.#yielded, { byName: true })
    else if (only) this.#problems.add('the SQL is a query, and which of the outputs it fills cannot be told')
    else this.#problems.add('the SQL is a query, and the job has no output')
  }

  #take(kind: string, raw: unknown, named: Named): void {
    const body = tree(raw)
    switch (kind) {
      case 'Query': {
        let wrote = false
        const relation = this.#queries.query(raw, named, undefined, (inner, what, known) => {
          wrote = true
          this.#take(inner, what, known)
        })
        if (!wrote) this.#yielded = relation
        return
      }
      case 'Insert':
        return this.#insert(body, named)
      case 'CreateTable':
      case 'CreateView':
        return this.#create(body, named)
      case 'Update':
        return this.#update(body, named)
      case 'Delete':
        return this.#delete(body, named)
      case 'Merge':
        return this.#merge(body, named)
      default:
        if (!silent.test(kind)) this.#problems.add(`the statement ${kind || 'without a name'} is not understood`)
    }
  }

  #insert(insert: Tree, named: Named): void {
    if (!insert.source) return
    const [, table] = variant(insert.table)
    const columns = list(insert.columns).map((each) => identifier(each) ?? objectName(each).at(-1) ?? '')
    this.#fill(objectName(table), this.#queries.query(insert.source, named), columns, { byName: false })
  }

  #create({ name, columns, query, clone, like }: Tree, named: Named): void {
    const names = list(columns).flatMap((each) => identifier(tree(each).name) ?? [])
    const copied = objectName(clone)
    if (query) this.#fill(objectName(name), this.#queries.query(query, named), names, { byName: true })
    else if (copied.length > 0)
      this.#fill(objectName(name), this.#queries.table(copied, named), names, { byName: true })
    else void like
  }

  #fill(table: readonly string[], relation: Relation, names: readonly string[], how: { byName: boolean }): void {
    const targets = this.#datasets.written(table)
    const columns = relation.columns.map((column, i) =>
      names[i] !== undefined && closed(relation, i) ? { ...column, name: names[i] } : column,
    )
    const filled = { ...relation, columns }
    // What the text makes is there for the statements after it, whether or not the job says that it is an output.
    if (how.byName) {
      this.#made.set(folded(table.at(-1) ?? ''), filled)
      this.#made.set(table.map(folded).join('.'), filled)
    }
    if (targets.length > 0) this.#write(targets, filled, { byName: how.byName || names.length > 0 })
    else if (!how.byName && !this.#made.has(folded(table.at(-1) ?? '')))
      this.#problems.add(`"${table.join('.').slice(0, 200)}" is none of the job's outputs`)
  }

  #write(targets: readonly Dataset[], { columns, over }: Relation, { byName }: { byName: boolean }): void {
    for (const { name, columns: known } of targets) {
      const sure = (sources: readonly Source[]) => (targets.length > 1 ? doubted(sources, 'conservative') : sources)
      const ordered =
        known !== undefined && columns.length === known.length && columns.every(({ name: n }) => n !== undefined)
      let open = false
      for (const [i, column] of columns.entries()) {
        open ||= column.name === undefined
        const { field, basis } = this.#place(column, i, known, byName, ordered, open)
        const sources = sure(basis === 'verified' ? column.sources : doubted(column.sources, basis))
        this.found.push({ to: field === undefined ? { name } : { name, field }, sources })
      }
      this.found.push({ to: { name }, sources: sure(over) })
    }
  }

  /** The column of the target that a column of the query fills, and how sure that is. */
  #place(
    column: Column,
    place: number,
    known: readonly string[] | undefined,
    byName: boolean,
    ordered: boolean,
    open: boolean,
  ): { field?: string; basis: Basis } {
    if (column.name === undefined) return { basis: 'conservative' }
    if (!byName) {
      if (open) return { basis: 'conservative' }
      if (known)
        return known[place] === undefined ? { basis: 'conservative' } : { field: known[place], basis: 'verified' }
      return column.name === '' ? { basis: 'conservative' } : { field: column.name, basis: 'unverified' }
    }
    const own = known?.find((each) => folded(each) === folded(column.name!))
    if (own !== undefined) return { field: own, basis: 'verified' }
    if (column.name === '') return ordered ? { field: known![place]!, basis: 'verified' } : { basis: 'conservative' }
    if (known) this.#problems.add(`the output has no column "${column.name.slice(0, 200)}" by its schema`)
    return { field: column.name, basis: known ? 'unverified' : 'verified' }
  }

  #assign(targets: readonly Dataset[], field: string | undefined, sources: readonly Source[]): void {
    for (const { name, columns } of targets) {
      const own = columns?.find((each) => folded(each) === folded(field ?? '')) ?? field
      const known = targets.length > 1 ? doubted(sources, 'conservative') : sources
      this.found.push({ to: own === undefined ? { name } : { name, field: own }, sources: known })
    }
  }

  #targetOf(table: unknown): Dataset[] {
    const [, body] = variant(table)
    const name = objectName(tree(body).name)
    const targets = this.#datasets.written(name)
    if (targets.length === 0) this.#problems.add(`"${name.join('.').slice(0, 200)}" is none of the job's outputs`)
    return targets
  }

  #update(update: Tree, named: Named): void {
    const targets = this.#targetOf(tree(update.table).relation)
    const more = variant(update.from)[1]
    const { around, over } = this.#queries.seeing([update.table, ...list(more)], named)
    for (const each of list(update.assignments)) this.#assignment(each, targets, around)
    over.push(...sourcesOf(update.selection, around, 'FILTER'))
    this.#assign(targets, undefined, over)
  }

  #assignment(value: unknown, targets: readonly Dataset[], around: Parameters<typeof sourcesOf>[1]): void {
    const { target, value: expression } = tree(value)
    const [, name] = variant(target)
    const field = objectName(name).at(-1)
    if (field !== undefined && field !== '') this.#assign(targets, field, sourcesOf(expression, around))
  }

  /** Rows go: what is left depends on what they were chosen by. */
  #delete(statement: Tree, named: Named): void {
    const from = list(variant(statement.from)[1])
    const targets = this.#targetOf(tree(from[0]).relation)
    const { around, over } = this.#queries.seeing([...from, ...list(statement.using)], named)
    over.push(...sourcesOf(statement.selection, around, 'FILTER'))
    this.#assign(targets, undefined, over)
  }

  #merge(merge: Tree, named: Named): void {
    const targets = this.#targetOf(merge.table)
    const { scope, around, over } = this.#queries.seeing([{ relation: merge.table }, { relation: merge.source }], named)
    over.push(...sourcesOf(merge.on, around, 'JOIN'))
    const source = scope.seen.at(-1)!.relation
    for (const clause of list(merge.clauses)) {
      const { predicate, action } = tree(clause)
      over.push(...sourcesOf(predicate, around, 'FILTER'))
      const [kind, body] = variant(action)
      if (kind === 'Update') for (const each of list(tree(body).assignments)) this.#assignment(each, targets, around)
      if (kind !== 'Insert') continue
      const [how, values] = variant(tree(body).kind)
      const columns = list(tree(body).columns).map((each) => objectName(each).at(-1) ?? identifier(each) ?? '')
      if (how !== 'Values') {
        // BigQuery's INSERT ROW: all columns of the source, by name.
        this.#write(targets, { columns: source.columns, over: [] }, { byName: true })
        continue
      }
      for (const row of list(tree(values).rows))
        for (const [i, expression] of list(tree(row).content ?? row).entries())
          this.#assign(targets, columns[i] ?? targets[0]?.columns?.[i], sourcesOf(expression, around))
    }
    this.#assign(targets, undefined, over)
  }
}

function closed({ columns }: Relation, place: number): boolean {
  return columns.slice(0, place + 1).every(({ name }) => name !== undefined)
}

// What a query yields: its columns with their sources, and what decides over all of its rows.
import type { Datasets } from './datasets.ts'
import { sourcesOf, type Around, type Named } from './expression.ts'
import { distinct, doubted, isDirect, through, unknown, type Column, type Indirect } from './relation.ts'
import type { Relation, Source, Work } from './relation.ts'
import { base, renamed } from './named-relation.ts'
import { Scope, type Seen } from './scope.ts'
import { folded, identifier, list, objectName, tree, variant, type Tree } from './syntax.ts'

export class Queries {
  readonly #datasets: Datasets
  readonly #work: Work
  readonly problems: Set<string>

  constructor(datasets: Datasets, work: Work, problems: Set<string>) {
    this.#datasets = datasets
    this.#work = work
    this.problems = problems
  }

  /** `into`: takes what stands where a query would and writes: INSERT after WITH. */
  query(
    value: unknown,
    named: Named,
    outer?: Scope,
    into?: (kind: string, body: unknown, named: Named) => void,
  ): Relation {
    const query = tree(value)
    const inner = this.#with(tree(query.with), named, outer)
    const [kind, body] = variant(query.body)
    if (kind === 'Insert' || kind === 'Update' || kind === 'Delete' || kind === 'Merge') {
      if (into) into(...variant(body), inner)
      return { columns: [], over: [] }
    }
    const order = list(tree(tree(query.order_by).kind).Expressions).map((each) => tree(each).expr)
    if (list(query.pipe_operators).length > 0) this.problems.add('the steps behind |> are not understood')
    return this.#body(kind, body, inner, outer, order)
  }

  #with(clause: Tree, named: Named, outer: Scope | undefined): Named {
    const inner = new Map(named)
    for (const each of list(clause.cte_tables)) {
      const { alias, query } = tree(each)
      const name = identifier(tree(alias).name)
      if (name === undefined) continue
      const columns = list(tree(alias).columns)
      if (clause.recursive === true) {
        // First what it starts from, so that it finds itself; then all of it.
        const start = tree(tree(tree(query).body).SetOperation).left
        if (start) inner.set(folded(name), renamed(this.query({ body: start }, inner, outer), columns))
      }
      inner.set(folded(name), renamed(this.query(query, inner, outer), columns))
    }
    return inner
  }

  #body(kind: string, body: unknown, named: Named, outer: Scope | undefined, order: readonly unknown[]): Relation {
    switch (kind) {
      case 'Select':
        return this.#select(tree(body), named, outer, order)
      case 'Query':
        return this.query(body, named, outer)
      case 'SetOperation': {
        const left = this.#body(...variant(tree(body).left), named, outer, [])
        const right = this.#body(...variant(tree(body).right), named, outer, [])
        return this.#united(left, right)
      }
      case 'Values': {
        const rows = list(tree(body).rows).map((row) => list(Array.isArray(row) ? row : tree(row).content))
        const around = this.#around(new Scope(this.problems, outer), named)
        const width = Math.max(0, ...rows.slice(0, 1000).map((row) => row.length))
        const columns = Array.from({ length: width }, (_, i) => ({
          name: `column${i + 1}`,
          sources: distinct(
            rows.flatMap((row) => sourcesOf(row[i], around)),
            this.#work,
          ),
        }))
        return { columns, over: [] }
      }
      case 'Table': {
        const { schema_name: schema, table_name: table } = tree(body)
        return this.table(
          [schema, table].filter((part) => typeof part === 'string'),
          named,
        )
      }
      default:
        this.problems.add(`${kind || 'a part of the query'} is not understood`)
        return unknown
    }
  }

  #united(left: Relation, right: Relation): Relation {
    this.#work.spend(left.columns.length + right.columns.length)
    const over = distinct([...left.over, ...right.over], this.#work)
    const open = [...left.columns, ...right.columns].some(({ name }) => name === undefined)
    if (!open && left.columns.length === right.columns.length) {
      const columns = left.columns.map((column, i) => ({
        ...column,
        sources: distinct([...column.sources, ...right.columns[i]!.sources], this.#work),
      }))
      return { columns, over }
    }
    // Which of its columns meet cannot be told: by name, as far as there are names, and all the rest with all the rest.
    return { columns: [...left.columns, ...right.columns], over }
  }

  #select(select: Tree, named: Named, outer: Scope | undefined, order: readonly unknown[]): Relation {
    const scope = new Scope(this.problems, outer)
    const windows = new Map(
      list(select.named_window).flatMap((entry) => {
        const [name, definition] = list(entry)
        const text = identifier(name)
        return text === undefined ? [] : [[folded(text), definition] as const]
      }),
    )
    const around: Around = { ...this.#around(scope, named), windows }
    const over: Source[] = []
    const decide = (expression: unknown, as: Indirect, aliasesFirst = false) =>
      void over.push(...sourcesOf(expression, { ...around, aliasesFirst }, as))

    for (const from of list(select.from)) this.#from(from, scope, around, over)
    for (const view of list(select.lateral_views)) this.#lateralView(tree(view), scope, around)
    for (const { relation } of scope.seen) over.push(...relation.over)
    decide([select.selection, select.prewhere, list(select.connect_by)], 'FILTER')

    const columns: Column[] = []
    for (const item of list(select.projection)) {
      for (const column of this.#item(item, scope, around)) {
        columns.push(column)
        if (column.name) scope.aliases.set(folded(column.name), column.sources)
      }
    }
    const group = list(list(tree(select.group_by).Expressions)[0])
    for (const expression of group) this.#byPlace(expression, columns, over, 'GROUP_BY', decide)
    decide([list(tree(select.distinct).On)], 'GROUP_BY')
    decide([select.having, select.qualify], 'FILTER', true)
    for (const expression of [...list(select.cluster_by), ...list(select.distribute_by), ...list(select.sort_by)])
      decide(tree(expression).expr ?? expression, 'SORT', true)
    for (const expression of order) this.#byPlace(expression, columns, over, 'SORT', decide)
    return {
      columns,
      over: distinct(
        over.map((source) => through(source, 'FILTER')),
        this.#work,
      ),
    }
  }

  /** `group by 2`, `order by 1` name columns of the result by their place. */
  #byPlace(
    expression: unknown,
    columns: readonly Column[],
    over: Source[],
    as: Indirect,
    decide: (expression: unknown, as: Indirect, aliasesFirst: boolean) => void,
  ): void {
    const number = list(tree(tree(tree(expression).Value).value).Number)[0]
    const place = number === undefined ? undefined : columns[Number(number) - 1]
    const open = columns.slice(0, Number(number)).some(({ name }) => name === undefined)
    if (place && !open) over.push(...place.sources.map((source) => through(source, as)))
    else if (number === undefined) decide(expression, as, as === 'SORT')
  }

  #item(item: unknown, scope: Scope, around: Around): Column[] {
    const [kind, body] = variant(item)
    if (kind === 'Wildcard') {
      const options = tree(body)
      return this.#star(
        scope.seen.filter(({ hidden }) => !hidden),
        options,
        scope,
        around,
      )
    }
    if (kind === 'QualifiedWildcard') {
      const [what, options] = list(body)
      const name = objectName(tree(what).ObjectName).map(folded)
      const table = scope.seen.filter(({ path }) => name.every((part, i) => path.at(i - name.length) === part))
      if (table.length > 0) return this.#star(table.slice(0, 1), tree(options), scope, around)
      const sources = tree(what).Expr ? sourcesOf(tree(what).Expr, around) : scope.resolve(name)
      return [{ sources: sources.map((source) => ({ ...source, renamed: true })) }]
    }
    const expression = kind === 'ExprWithAlias' ? tree(body).expr : body
    const sources: Source[] = distinct(sourcesOf(expression, around), this.#work)
    if (kind === 'ExprWithAliases')
      return list(tree(body).aliases).map((each) => ({
        name: identifier(each) ?? '',
        sources: distinct(sourcesOf(tree(body).expr, around), this.#work),
      }))
    const alias = kind === 'ExprWithAlias' ? identifier(tree(body).alias) : ownName(expression)
    return [{ name: alias ?? '', sources }]
  }

  #star(tables: readonly Seen[], options: Tree, scope: Scope, around: Around): Column[] {
    const left = new Set(excepted(options).map(folded))
    const replaced = new Map(
      list(tree(options.opt_replace).items).map((each) => [
        folded(identifier(tree(each).column_name) ?? ''),
        tree(each).expr,
      ]),
    )
    const renamings = variant(options.opt_rename)[1]
    const names = new Map(
      (Array.isArray(renamings) ? renamings : [renamings]).flatMap((each) => {
        const [from, to] = [identifier(tree(each).ident), identifier(tree(each).alias)]
        return from === undefined || to === undefined ? [] : [[folded(from), to] as const]
      }),
    )
    const columns: Column[] = []
    const places = new Map<string, number>()
    for (const { relation } of tables) {
      for (const column of relation.columns) {
        this.#work.spend(1)
        if (column.name === undefined) {
          const without = new Set([...(column.without ?? []), ...left, ...replaced.keys(), ...names.keys()])
          columns.push({ ...column, without })
          continue
        }
        const key = folded(column.name)
        if (left.has(key)) continue
        const before = places.get(key)
        if (before !== undefined && key !== '' && (scope.natural || scope.united.has(key))) {
          columns[before] = { ...columns[before], sources: [...columns[before]!.sources, ...column.sources] }
          continue
        }
        places.set(key, columns.length)
        const sources = replaced.has(key) ? sourcesOf(replaced.get(key), around) : column.sources
        columns.push({ name: names.get(key) ?? column.name, sources: distinct(sources, this.#work) })
      }
    }
    // What is replaced or renamed among columns that nobody knows still has a name.
    const open = columns.some(({ name }) => name === undefined)
    for (const [key, expression] of replaced)
      if (open && !places.has(key)) columns.push({ name: key, sources: sourcesOf(expression, around) })
    for (const [key, name] of names) if (open && !places.has(key)) columns.push({ name, sources: scope.resolve([key]) })
    return columns
  }

  #from(value: unknown, scope: Scope, around: Around, over: Source[]): void {
    const { relation, joins } = tree(value)
    const conditions: unknown[] = []
    this.#see(relation, scope, around, over)
    for (const join of list(joins)) {
      const { relation: joined, join_operator: operator } = tree(join)
      const [kind, constraint] = variant(operator)
      const count = scope.seen.length
      this.#see(joined, scope, around, over)
      if (/semi|anti/i.test(kind))
        for (const [i, seen] of scope.seen.entries())
          if (/right/i.test(kind) ? i < count : i >= count) scope.seen[i] = { ...seen, hidden: true }
      const by = tree(tree(operator)[kind])
      if (constraint === 'Natural') scope.natural = true
      for (const column of list(by.Using)) {
        const name = objectName(column).at(-1) ?? ''
        scope.united.add(folded(name))
        conditions.push({ Identifier: { value: name } })
      }
      conditions.push(by.On, by.match_condition, tree(by.constraint).On)
    }
    over.push(...sourcesOf(conditions, around, 'JOIN'))
  }

  #see(value: unknown, scope: Scope, around: Around, over: Source[]): void {
    const [kind, raw] = variant(value)
    const body = tree(raw)
    const alias = identifier(tree(body.alias).name)
    const columns = list(tree(body.alias).columns)
    const see = (relation: Relation, path: readonly string[] = []) =>
      void scope.seen.push({
        path: alias === undefined ? path.map(folded) : [folded(alias)],
        relation: renamed(relation, columns),
      })
    switch (kind) {
      case 'Table': {
        const name = objectName(body.name)
        if (body.args) return see(this.#function(tree(body.args).args, around, alias, over), name)
        return see(this.table(name, around.named), name)
      }
      case 'Derived':
        return see(this.query(body.subquery, around.named, scope))
      case 'NestedJoin':
        return this.#from(body.table_with_joins, scope, around, over)
      case 'UNNEST':
        return see(this.#function(body.array_exprs, around, alias, over))
      case 'Function':
      case 'TableFunction':
        return see(this.#function(body.args ?? body.expr, around, alias, over))
      case 'Pivot':
      case 'Unpivot': {
        const inner = new Scope(this.problems, scope)
        this.#see(body.table, inner, { ...around, scope: inner }, over)
        const sources = inner.seen.flatMap(({ relation }) => relation.columns.flatMap((column) => column.sources))
        const turned = doubted(sources, 'conservative').map((source) => ({ ...source, renamed: true }))
        return see({ columns: [{ sources: turned }], over: inner.seen.flatMap(({ relation }) => relation.over) })
      }
      default:
        this.problems.add(`${kind || 'a table'} in FROM is not understood`)
        see(unknown)
    }
  }

  /** A function in FROM: whatever its columns are called, they come from its arguments. */
  #function(values: unknown, around: Around, alias: string | undefined, over: Source[]): Relation {
    const expressions = list(values).map((value) => {
      const [kind, body] = variant(value)
      if (kind === 'Unnamed') return tree(body).Expr
      return kind === 'Named' ? tree(tree(body).arg).Expr : value
    })
    const given = Array.isArray(values) ? expressions : values
    const sources = distinct(
      sourcesOf(given, around, 'TRANSFORMATION').map((source) => ({ ...source, renamed: true })),
      this.#work,
    )
    over.push(...sources.filter((source) => !isDirect(source)))
    const direct = sources.filter(isDirect)
    return { columns: [...(alias ? [{ name: alias, sources: direct }] : []), { sources: direct }], over: [] }
  }

  /** Hive: `lateral view explode(list) name as column`. */
  #lateralView(view: Tree, scope: Scope, around: Around): void {
    const sources = distinct(sourcesOf(view.lateral_view, around, 'TRANSFORMATION'), this.#work)
    const columns = list(view.lateral_col_alias).map((each) => ({ name: identifier(each) ?? '', sources }))
    const path = objectName(view.lateral_view_name).map(folded)
    scope.seen.push({ path, relation: { columns: columns.length > 0 ? columns : [{ sources }], over: [] } })
  }

  table(parts: readonly string[], named: Named): Relation {
    const own = parts.length === 1 ? named.get(folded(parts[0]!)) : named.get(parts.map(folded).join('.'))
    if (own) return own
    const found = this.#datasets.read(parts)
    if (found.length === 1) return base(found[0]!)
    if (found.length === 0) {
      this.problems.add(`"${parts.join('.').slice(0, 200)}" is none of the job's inputs`)
      return unknown
    }
    this.problems.add(`"${parts.join('.').slice(0, 200)}" may be any of ${found.length} of the job's inputs`)
    const all = found.flatMap((dataset) => base(dataset).columns)
    return { columns: all.map((column) => ({ ...column, sources: doubted(column.sources, 'conservative') })), over: [] }
  }

  #around(scope: Scope, named: Named): Around {
    return {
      scope,
      work: this.#work,
      windows: new Map(),
      named,
      subquery: (query, outer) => this.query(query, named, outer),
    }
  }

  /** Tables and expressions of a statement that is no query: UPDATE, MERGE, DELETE. */
  seeing(tables: readonly unknown[], named: Named): { scope: Scope; around: Around; over: Source[] } {
    const scope = new Scope(this.problems)
    const around = this.#around(scope, named)
    const over: Source[] = []
    for (const table of tables) this.#from(table, scope, around, over)
    for (const { relation } of scope.seen) over.push(...relation.over)
    return { scope, around, over }
  }
}

/** The name that a column has without an alias: only a plain column has one in every dialect. */
function ownName(expression: unknown): string | undefined {
  const [kind, body] = variant(expression)
  if (kind === 'Identifier') return identifier(body)
  if (kind === 'CompoundIdentifier') return identifier(list(body).at(-1))
  if (kind === 'CompoundFieldAccess') return identifier(tree(tree(list(tree(body).access_chain).at(-1)).Dot).Identifier)
  return kind === 'Nested' ? ownName(body) : undefined
}

function excepted(options: Tree): string[] {
  const { first_element: first, additional_elements: more } = tree(options.opt_except)
  const [, excluded] = variant(options.opt_exclude)
  const several = list(excluded).flatMap((each) => identifier(each) ?? objectName(each).at(-1) ?? [])
  const single = identifier(excluded) ?? identifier(tree(list(excluded)[0]).Identifier)
  return [identifier(first), ...list(more).map(identifier), ...several, single].filter((name) => name !== undefined)
}

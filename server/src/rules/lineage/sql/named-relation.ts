// Relations whose columns are named from outside: a dataset's by its schema, others by an alias with a list of names.
import type { Dataset } from './datasets.ts'
import { doubted, type Relation } from './relation.ts'
import { identifier, tree } from './syntax.ts'

export function base({ name, columns }: Dataset): Relation {
  const source = { dataset: name, what: 'IDENTITY' as const, masking: false }
  if (columns === undefined) return { columns: [{ sources: [{ ...source, basis: 'conservative' }] }], over: [] }
  return {
    columns: columns.map((field) => ({ name: field, sources: [{ ...source, field, basis: 'verified' }] })),
    over: [],
  }
}

/** `t (a, b)`: names given from outside. They cannot be placed behind columns that nobody knows. */
export function renamed(relation: Relation, names: readonly unknown[]): Relation {
  if (names.length === 0) return relation
  const open = relation.columns.findIndex(({ name }) => name === undefined)
  const rest = open < 0 ? [] : relation.columns.slice(open).flatMap(({ sources }) => sources)
  const columns = names.map((name, i) => {
    const text = identifier(name) ?? identifier(tree(name).name) ?? ''
    if (open < 0 || i < open) return { name: text, sources: relation.columns[i]?.sources ?? [] }
    return { name: text, sources: doubted(rest, 'conservative') }
  })
  const known = open < 0 ? relation.columns.slice(names.length) : []
  return { columns: [...columns, ...known], over: relation.over }
}

// Which node a text means: an id, or a name that only one has.
import { Fault } from '../../fault.ts'
import type { NamedNode, Names } from './names.ts'
import { search, shown } from './names.ts'
import type { Name } from './statement.ts'
import { aliasesOf } from './walk.ts'

/** A node by its id, or by a bare name or an id without its percent signs that exactly one has (`name#field`). */
export function resolve(names: Names, text: string, asOf: number): NamedNode {
  const known = names.byId(text)
  if (known && names.isKnown(known, asOf)) return known
  const [, bare = '', field] = /^(.+?)(?:#(.*))?$/s.exec(text) ?? []
  const called = names.nodes.filter(
    (node) => node && isCalled(node.name, bare) && node.field === field && names.isKnown(node, asOf),
  ) as NamedNode[]
  const found = called.length > 0 || field === undefined ? called : underOtherNames(names, bare, field, asOf)
  const [first] = found.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  if (first && areOne(names, first, found, asOf)) return first
  if (first) {
    const ids = found.slice(0, 5).map(({ id }) => id)
    throw new Fault('invalid', `"${shown(text)}" is the name of ${found.length}: ask for one of ${ids.join(', ')}`)
  }
  const near = search(names, bare.split(/[/.:]/).at(-1) ?? text, undefined, 3, asOf).map(({ id }) => id)
  throw new Fault(
    'not_found',
    known
      ? `"${shown(text)}" was not known yet as of ${asOf}`
      : `nothing is called "${shown(text)}"${near.length > 0 ? `: did you mean ${near.join(', ')}?` : ''}; search shows what there is`,
  )
}

function isCalled({ kind, namespace, name }: Name, text: string): boolean {
  return name === text || (text.startsWith(kind) && `${kind}:${namespace}:${name}` === text)
}

/** Fields of a dataset, asked for under a name of it under which nobody told its fields. */
function underOtherNames(names: Names, dataset: string, field: string, asOf: number): NamedNode[] {
  const byId = names.byId(dataset)
  const owners = byId ? [byId] : names.nodes.filter((node) => node !== undefined && isCalled(node.name, dataset))
  const aliases = owners.flatMap((node) =>
    node === undefined || node.field !== undefined ? [] : aliasesOf(names, node.number, asOf),
  )
  return [...new Set(aliases)]
    .flatMap((alias) => names.fieldOf(alias, field) ?? [])
    .filter((node) => names.isKnown(node, asOf))
}

/** Several nodes that are names of one dataset, or its field under them, are as good as one. */
function areOne(names: Names, first: NamedNode, all: readonly NamedNode[], asOf: number): boolean {
  if (all.length === 1) return true
  const aliases = new Set(aliasesOf(names, first.owner ?? first.number, asOf))
  return all.every((node) => aliases.has(node.owner ?? node.number))
}

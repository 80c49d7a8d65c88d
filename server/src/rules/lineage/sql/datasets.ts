// Which dataset a table of the SQL is: those of the job's inputs and outputs whose name ends as the table's does.
import type { Name, Statement, Use } from '../../../record/lineage/statement.ts'
import { nodeId } from '../../../record/lineage/statement.ts'
import { list, tree, folded } from './syntax.ts'

export type SchemaOf = (name: Name) => readonly string[] | undefined

export interface Dataset {
  readonly name: Name
  /** Its columns, where they are known. */
  readonly columns: readonly string[] | undefined
}

export class Datasets {
  readonly outputs: readonly Dataset[]
  readonly #inputs: readonly { dataset: Dataset; paths: string[][] }[]
  readonly #outputs: readonly { dataset: Dataset; paths: string[][] }[]

  constructor(statement: Statement, schemaOf: SchemaOf) {
    const known = (uses: readonly Use[]) =>
      [...new Map(uses.map((use) => [nodeId(use.name), use])).values()].map((use) => ({
        dataset: { name: use.name, columns: columnsOf(use, schemaOf) },
        paths: [use.name, ...aliases(use.name, statement)].map(({ name }) => path(name.split(/[./\\]/))),
      }))
    this.#inputs = known(statement.inputs)
    this.#outputs = known(statement.outputs)
    this.outputs = this.#outputs.map(({ dataset }) => dataset)
  }

  /** The datasets that a table which is read may be; several when its name does not tell them apart. */
  read(table: readonly string[]): Dataset[] {
    const found = matching(this.#inputs, table)
    return found.length > 0 ? found : matching(this.#outputs, table)
  }

  written(table: readonly string[]): Dataset[] {
    const found = matching(this.#outputs, table)
    if (found.length > 0) return found
    // dbt writes beside the table first, and renames.
    const plain = table.map((part, i) => (i === table.length - 1 ? part.replace(/__dbt_(tmp|backup)\d*$/, '') : part))
    return plain.at(-1) === table.at(-1) ? [] : matching(this.#outputs, plain)
  }
}

function columnsOf({ name, facets }: Use, schemaOf: SchemaOf): readonly string[] | undefined {
  const said = list(tree(facets.schema).fields).flatMap((field) => {
    const { name: column } = tree(field)
    return typeof column === 'string' ? [column] : []
  })
  const columns = said.length > 0 ? said : schemaOf(name)
  return columns !== undefined && columns.length > 0 ? columns : undefined
}

function aliases(name: Name, { aliases: pairs }: Statement): Name[] {
  const id = nodeId(name)
  return pairs.flatMap(([one, other]) => (nodeId(one) === id ? [other] : nodeId(other) === id ? [one] : []))
}

function path(parts: readonly string[]): string[] {
  return parts.map((part) => folded(part.replace(/^["'`[]|["'`\]]$/g, ''))).filter((part) => part !== '')
}

function matching(candidates: readonly { dataset: Dataset; paths: string[][] }[], table: readonly string[]): Dataset[] {
  const wanted = path(table)
  if (wanted.length === 0) return []
  const scored = candidates.map(({ dataset, paths }) => ({
    dataset,
    score: Math.max(0, ...paths.map((own) => agreement(own, wanted))),
  }))
  const best = Math.max(0, ...scored.map(({ score }) => score))
  return best === 0 ? [] : scored.filter(({ score }) => score === best).map(({ dataset }) => dataset)
}

/** How many parts agree from the end, where the shorter of the two agrees as a whole. */
function agreement(one: readonly string[], other: readonly string[]): number {
  const parts = Math.min(one.length, other.length)
  for (let i = 1; i <= parts; i++) if (one.at(-i) !== other.at(-i)) return 0
  return parts
}

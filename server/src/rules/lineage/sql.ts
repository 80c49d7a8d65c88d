// Column lineage from SQL, for a job that carries its SQL while nobody states which columns flow where. What is derived
// is ours and labelled so; docs/spec/lineage-sql.md says what is understood.
import { nodeId, type Link, type Statement } from '../../record/lineage/statement.ts'
import { Datasets, type SchemaOf } from './sql/datasets.ts'
import { Effects, type Effect } from './sql/effects.ts'
import { dialectOf, parseSql } from './sql/parser.ts'
import { Queries } from './sql/query.ts'
import { distinct, isDirect, TooMuch, Work } from './sql/relation.ts'
import { tree } from './sql/syntax.ts'

export { loadSqlParser } from './sql/parser.ts'
export type { SchemaOf } from './sql/datasets.ts'

export interface Derived {
  readonly links: readonly Link[]
  /** What was not understood, a sentence each. Links that are there hold all the same. */
  readonly problems: readonly string[]
}

const nothing = { links: [], problems: [] }

/**
 * The links that the job's SQL tells of; none where its producer states columns itself. `loadSqlParser` must have been
 * awaited once. Never throws; the same statement and schemas give the same links.
 */
export function deriveLinks(statement: Statement, schemaOf: SchemaOf): readonly Link[] {
  return deriveFromSql(statement, schemaOf).links
}

/** `deriveLinks`, and what was not understood. */
export function deriveFromSql(statement: Statement, schemaOf: SchemaOf): Derived {
  const { query, dialect } = tree(statement.job?.facets.sql)
  if (typeof query !== 'string' || statesColumns(statement)) return nothing
  const named = [...statement.outputs, ...statement.inputs].map(({ name }) => dialectOf(name.namespace))
  const said = typeof dialect === 'string' ? dialect : named.find((each) => each !== undefined)
  const parsed = parseSql(query, said)
  if ('problem' in parsed) return { links: [], problems: [parsed.problem] }
  const problems = new Set<string>()
  const work = new Work()
  try {
    const datasets = new Datasets(statement, schemaOf)
    const effects = new Effects(datasets, new Queries(datasets, work, problems))
    effects.take(parsed.statements)
    return { links: links(effects, work), problems: [...problems] }
  } catch (error) {
    // A RangeError is the stack: there the tree is deeper than the text let us expect.
    if (error instanceof TooMuch) return { links: [], problems: [error.message] }
    const { name, message } = error as Error
    return { links: [], problems: [`the SQL could not be followed: ${name}: ${message.slice(0, 200)}`] }
  }
}

function statesColumns({ links, outputs, job }: Statement): boolean {
  const said = [...outputs.map(({ facets }) => facets), job?.facets ?? {}]
  return links.length > 0 || said.some((facets) => 'columnLineage' in facets || 'lineage' in facets)
}

function links({ found }: Effects, work: Work): Link[] {
  const targets = new Map<string, Effect[]>()
  for (const effect of found) {
    const key = nodeId(effect.to.name, effect.to.field)
    const known = targets.get(key)
    if (known) known.push(effect)
    else targets.set(key, [effect])
  }
  return [...targets.values()].flatMap((effects) =>
    distinct(
      effects.flatMap(({ sources }) => sources),
      work,
    ).map((source) => ({
      from: source.field === undefined ? { name: source.dataset } : { name: source.dataset, field: source.field },
      to: effects[0]!.to,
      how: isDirect(source) ? 'direct' : 'indirect',
      transformation: source.what,
      ...(source.masking ? { masking: true } : {}),
      basis: source.basis,
    })),
  )
}

// What the records of a batch say, with everything worked out that needs no table.
import { hash } from 'node:crypto'
import { isFault } from '../../fault.ts'
import type { FollowedRecord } from '../projection/follower.ts'
import type { Facets, Link, Name, Statement, Use } from './statement.ts'
import { nodeId } from './statement.ts'

/** What a record of a kind says about lineage. Throws where it cannot be read: then it says nothing. */
export type StatementReader = (record: FollowedRecord) => readonly Statement[] | Promise<readonly Statement[]>

/** By the kind of record, without its version: `lineage`, `contract`. */
export type StatementReaders = Readonly<Record<string, StatementReader>>

export interface SaidFacet {
  readonly of: Name
  readonly name: string
  /** 16 bytes, in hex. */
  readonly digest: string
  readonly taken: boolean
  readonly body: unknown
}

/** The column edges that a statement gives a dataset. */
export interface SaidLinks {
  readonly to: Name
  /** Nothing in it is the producer's own. */
  readonly derived: boolean
  readonly digest: string
  readonly links: readonly Link[]
}

export interface Said {
  readonly statement: Statement
  readonly facets: readonly SaidFacet[]
  readonly links: readonly SaidLinks[]
  /** Inputs, with the datasets that links name and the inputs do not. */
  readonly inputs: readonly Use[]
}

export interface ReadRecord {
  readonly seq: number
  readonly said: readonly Said[]
}

/** Reads a record; undefined when its payload does not read. Throws what has nothing to do with the payload. */
export async function readRecord(record: FollowedRecord, read: StatementReader): Promise<ReadRecord | undefined> {
  let statements: readonly Statement[]
  try {
    statements = await read(record)
  } catch (error) {
    // A part that does not answer now may answer later: the follower must not go past the record.
    if (isFault(error) && ['unavailable', 'overloaded', 'disk_full'].includes(error.code)) throw error
    return undefined
  }
  return { seq: record.seq, said: statements.map(say) }
}

function say(statement: Statement): Said {
  const { job, inputs, outputs, described } = statement
  const facets = [
    ...(job ? saidFacets(job.name, job.facets) : []),
    ...[...inputs, ...outputs, ...described].flatMap((use) => saidFacets(use.name, use.facets)),
  ]
  const links = saidLinks(statement.links)
  return { statement, facets, links, inputs: job && links.length > 0 ? withLinked(statement) : inputs }
}

function saidFacets(of: Name, facets: Facets): SaidFacet[] {
  return Object.entries(facets).map(([name, body]) => ({
    of,
    name,
    digest: digestOf(body),
    taken: (body as { _deleted?: unknown } | null)?._deleted === true,
    body,
  }))
}

function saidLinks(links: readonly Link[]): SaidLinks[] {
  if (links.length === 0) return []
  const byTarget = Map.groupBy(links, ({ to }) => nodeId(to.name))
  return [...byTarget.values()].map((group) => ({
    to: group[0]!.to.name,
    derived: !group.some(({ basis }) => basis === 'stated'),
    digest: digestOf(group),
    links: group,
  }))
}

/** What a job's column lineage names as a source it reads, listed as an input or not. */
function withLinked({ inputs, links }: Statement): readonly Use[] {
  const listed = new Set(inputs.map(({ name }) => nodeId(name)))
  const more: Use[] = []
  for (const { from, to } of links) {
    const id = nodeId(from.name)
    if (listed.has(id) || id === nodeId(to.name)) continue
    listed.add(id)
    more.push({ name: from.name, facets: {}, here: {} })
  }
  return more.length === 0 ? inputs : [...inputs, ...more]
}

export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value) ?? 'null', 'hex').slice(0, 32)
}

/** The fields that a schema facet names, nested ones as `outer.inner`. */
export function schemaFields(body: unknown): string[] {
  const names: string[] = []
  const collect = (fields: unknown, prefix: string): void => {
    if (!Array.isArray(fields)) return
    for (const field of fields as ({ name?: unknown; fields?: unknown } | null)[]) {
      if (typeof field?.name !== 'string' || field.name === '') continue
      names.push(prefix + field.name)
      collect(field.fields, `${prefix}${field.name}.`)
    }
  }
  collect((body as { fields?: unknown } | null)?.fields, '')
  return names
}

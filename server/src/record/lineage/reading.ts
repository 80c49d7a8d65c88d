// What the records of a batch say, with everything worked out that needs no table.
import { createHash, hash } from 'node:crypto'
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

/** The column edges that a statement gives a dataset; none, where it says that there are none. */
export interface SaidLinks {
  readonly to: Name
  /** No job that says so writes it: at the level of names its sources are joined to it directly. */
  readonly beside: boolean
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
  const links = saidLinks(statement)
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

function saidLinks({ job, outputs, links, unlinked = [] }: Statement): SaidLinks[] {
  if (links.length + unlinked.length === 0) return []
  const idOf = ids()
  const written = new Set(job ? [job.name, ...outputs.map(({ name }) => name)].map(idOf) : [])
  const byTarget = Map.groupBy(links, ({ to }) => idOf(to.name))
  const groups = [...byTarget].map(([id, group]) => ({ id, to: group[0]!.to.name, group }))
  const none = new Map(unlinked.map((to) => [idOf(to), to]))
  for (const [id, to] of none) if (!byTarget.has(id)) groups.push({ id, to, group: [] })
  return groups.map(({ id, to, group }) => {
    const beside = !written.has(id)
    return {
      to,
      beside,
      derived: group.length > 0 && !group.some(({ basis }) => basis === 'stated'),
      digest: digestOfLinks(group, beside),
      links: group,
    }
  })
}

/** Link by link and without their target: a long name of it in each of 100,000 would make more text than can be. */
function digestOfLinks(links: readonly Link[], beside: boolean): string {
  const digest = createHash('sha256').update(String(beside))
  for (const { from, to, how, transformation, masking, basis } of links)
    digest.update(`${JSON.stringify([from, to.field, how, transformation, masking, basis])}\n`)
  return digest.digest('hex').slice(0, 32)
}

/** Ids of names that come again and again as the same object. */
function ids(): (name: Name) => string {
  const known = new Map<Name, string>()
  return (name) => {
    let id = known.get(name)
    if (id === undefined) known.set(name, (id = nodeId(name)))
    return id
  }
}

/** What a job's column lineage names as a source it reads, listed as an input or not. */
function withLinked({ inputs, links }: Statement): readonly Use[] {
  const idOf = ids()
  const listed = new Set(inputs.map(({ name }) => idOf(name)))
  const more: Use[] = []
  for (const { from, to } of links) {
    // What another job feeds, or is fed, goes past this one.
    if (from.name.kind === 'job' || to.name.kind === 'job') continue
    const id = idOf(from.name)
    if (listed.has(id) || id === idOf(to.name)) continue
    listed.add(id)
    more.push({ name: from.name, facets: {}, here: {} })
  }
  return more.length === 0 ? inputs : [...inputs, ...more]
}

export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value) ?? 'null', 'hex').slice(0, 32)
}

// What a contract says about lineage: the stream with its fields, and the datasets that it is loaded from.
//
// A stream's fields are named as its columns, in lower case, which is how features name them. Two more stand for what
// Whence itself makes of an event: `subject`, whose it is, and `time`, when it happened.
import type { FollowedRecord } from '../../record/projection/follower.ts'
import type { Link, Name, Statement, Use } from '../../record/lineage/statement.ts'
import { parseContract } from '../../rules/contracts/contract.ts'
import type { Contract, Property } from '../../rules/contracts/contract.ts'
import { withNested } from '../../rules/contracts/property.ts'
import { parseTime } from '../../rules/contracts/time.ts'

export const PRODUCER = 'whence'

export const streamName = (stream: string): Name => ({ kind: 'stream', namespace: '', name: stream })
export const jobName = (name: string): Name => ({ kind: 'job', namespace: 'whence', name })

/** The field of a stream's node that a column of its contract is. */
export const fieldOf = (column: string): string => column.toLowerCase()

/** Reads `contract/1`. */
export function contractLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const contract = parseContract(Buffer.from(opened.content).toString('utf8'))
  const stream = streamName(contract.stream)
  const ingest = jobName(`ingest ${contract.stream}`)
  const use: Use = { name: stream, facets: streamFacets(contract), here: {} }
  return [
    {
      time: parseTime(record.entry.recorded)!,
      producer: PRODUCER,
      // A job without upstream datasets too: so a new version of the contract takes earlier ones back.
      job: { name: ingest, facets: jobFacets(contract) },
      inputs: contract.upstream.map(({ namespace, name }) => ({
        name: { kind: 'dataset' as const, namespace, name },
        facets: {},
        here: {},
      })),
      outputs: [use],
      described: [],
      links: streamLinks(contract),
      aliases: [],
      changes: [],
      jobs: [],
    },
  ]
}

function streamFacets(contract: Contract): Record<string, unknown> {
  const { about, properties, id, version } = contract
  return {
    schema: {
      fields: withNested(properties)
        .filter(({ properties: inner }) => inner === undefined)
        .map(({ column, logicalType }) => ({ name: fieldOf(column), type: logicalType })),
    },
    whence_contract: { id, version, status: contract.status },
    ...(about.description === undefined ? {} : { documentation: { description: about.description } }),
    ...(about.owners.length > 0 ? { ownership: { owners: about.owners } } : {}),
  }
}

function jobFacets(contract: Contract): Record<string, unknown> {
  const { about, id, version } = contract
  return {
    whence_contract: { id, version },
    jobType: { processingType: 'STREAMING', integration: 'WHENCE', jobType: 'INGEST' },
    ...(about.owners.length > 0 ? { ownership: { owners: about.owners } } : {}),
  }
}

function streamLinks({ stream, upstream, roles, properties }: Contract): Link[] {
  const name = streamName(stream)
  const loaded = upstream.flatMap(({ namespace, name: dataset, fields }): Link[] => {
    const from: Name = { kind: 'dataset', namespace, name: dataset }
    // Without fields, any column of it may become any field.
    if (fields.length === 0) return [{ from: { name: from }, to: { name }, how: 'direct', basis: 'conservative' }]
    return fields.map(({ column, property }) => ({
      from: { name: from, field: column },
      to: { name, field: fieldOf(property.column) },
      how: 'direct',
      transformation: 'IDENTITY',
      basis: 'stated',
    }))
  })
  const columnOf = new Map(
    withNested(properties).map((property: Property) => [property.path.join('\0'), property.column]),
  )
  const own = [
    ['subject', roles.subject],
    ['time', roles.eventTime],
  ] as const
  const read = own.flatMap(([field, role]): Link[] => {
    const column = role && columnOf.get(role.path.join('\0'))
    if (column === undefined || fieldOf(column) === field) return []
    return [
      {
        from: { name, field: fieldOf(column) },
        to: { name, field },
        how: 'direct',
        transformation: 'TRANSFORMATION',
        basis: 'verified',
      },
    ]
  })
  return [...loaded, ...read]
}

// Facets of OpenLineage, from what dbt knows of a node.
import type { Catalog, DbtNode, Manifest, RunResults } from './dbt-artifacts.ts'

export type Facets = Record<string, object>

export const PRODUCER = 'urn:whence:import:dbt'

const versions = {
  DataQualityAssertionsDataset: '1-1-0',
  DatasourceDataset: '1-0-1',
  DocumentationDataset: '1-1-0',
  DocumentationJob: '1-1-0',
  ErrorMessageRun: '1-0-1',
  JobTypeJob: '2-0-4',
  OutputStatisticsOutputDataset: '1-0-2',
  OwnershipDataset: '1-0-1',
  OwnershipJob: '1-0-1',
  ParentRun: '1-2-0',
  ProcessingEngineRun: '1-1-1',
  SQLJob: '1-1-0',
  SchemaDataset: '1-2-0',
  SourceCodeJob: '1-0-1',
  TagsDataset: '1-0-0',
  TagsJob: '1-0-0',
} as const

export function facet(name: keyof typeof versions, body: object): object {
  const _schemaURL = `https://openlineage.io/spec/facets/${versions[name]}/${name}Facet.json#/$defs/${name}Facet`
  return { _producer: PRODUCER, _schemaURL, ...body }
}

type Listed = Catalog['nodes'][string] | undefined

export function datasetFacets(node: DbtNode, namespace: string, listed: Listed): Facets {
  const described = Object.values(node.columns ?? {})
  const about = new Map(described.map((column) => [column.name.toLowerCase(), column]))
  const known = Object.values(listed?.columns ?? {}).toSorted((a, b) => a.index - b.index)
  const fields =
    known.length > 0
      ? known.map(({ name, type }) => field(name, type, about.get(name.toLowerCase())?.description))
      : described.map(({ name, data_type: type, description }) => field(name, type, description))
  const tags = [
    ...(node.tags ?? []).map((key) => tag(key)),
    ...described.flatMap(({ name, tags: own }) => (own ?? []).map((key) => ({ ...tag(key), field: name }))),
  ]
  const owners = ownersOf(node)
  return {
    dataSource: facet('DatasourceDataset', { name: namespace, uri: namespace }),
    ...(fields.length > 0 ? { schema: facet('SchemaDataset', { fields }) } : {}),
    ...(node.description ? { documentation: facet('DocumentationDataset', { description: node.description }) } : {}),
    ...(owners.length > 0 ? { ownership: facet('OwnershipDataset', { owners }) } : {}),
    ...(tags.length > 0 ? { tags: facet('TagsDataset', { tags }) } : {}),
  }
}

export function jobFacets(node: DbtNode, code: string | null | undefined, adapter: string): Facets {
  const jobType = node.resource_type.toUpperCase()
  const owners = ownersOf(node)
  const tags = (node.tags ?? []).map((key) => tag(key))
  const python = node.language === 'python'
  return {
    jobType: facet('JobTypeJob', { processingType: 'BATCH', integration: 'DBT', jobType }),
    ...(code && !python ? { sql: facet('SQLJob', { query: code, dialect: adapter }) } : {}),
    ...(code && python ? { sourceCode: facet('SourceCodeJob', { language: 'python', sourceCode: code }) } : {}),
    ...(node.description ? { documentation: facet('DocumentationJob', { description: node.description }) } : {}),
    ...(owners.length > 0 ? { ownership: facet('OwnershipJob', { owners }) } : {}),
    ...(tags.length > 0 ? { tags: facet('TagsJob', { tags }) } : {}),
  }
}

export function runFacets({ metadata: { dbt_version: version } }: Manifest, run: RunResults['metadata']): Facets {
  return {
    processing_engine: facet('ProcessingEngineRun', { version, name: 'dbt' }),
    dbt_run: {
      _producer: PRODUCER,
      _schemaURL:
        'https://github.com/OpenLineage/OpenLineage/tree/main/integration/common/openlineage/schema/dbt-run-run-facet.json',
      invocation_id: run.invocation_id,
    },
  }
}

function field(name: string, type: string | null | undefined, description: string | null | undefined): object {
  return { name, ...(type ? { type } : {}), ...(description ? { description } : {}) }
}

function tag(key: string): { key: string; value: string; source: string } {
  return { key, value: 'true', source: 'DBT' }
}

/** `meta.owner`, as projects have it by convention, or the owner of an exposure. */
function ownersOf({ meta, owner, config }: DbtNode): { name: string }[] {
  const inConfig = (config?.meta as { owner?: unknown } | null | undefined)?.owner
  const said = meta?.owner ?? inConfig ?? owner?.name ?? owner?.email
  const names = (Array.isArray(said) ? said : [said]).filter((name) => typeof name === 'string' && name !== '')
  return names.map((name) => ({ name: name as string }))
}

// What a registry of Feast says, as OpenLineage events of jobs: data source -> feature view -> feature service, by field
// where that is plain. Nothing runs in a registry, so that there are no runs; all of it is its word.
import type { FeastRegistry, FeastService, FeastSource, FeastView } from './feast-registry.ts'

const PRODUCER = 'urn:whence:import:feast'
const CORE = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/'

const versions = {
  ColumnLineageDataset: '1-2-0',
  DocumentationDataset: '1-1-0',
  DocumentationJob: '1-1-0',
  JobTypeJob: '2-0-4',
  OwnershipDataset: '1-0-1',
  SchemaDataset: '1-2-0',
  TagsDataset: '1-0-0',
} as const

interface Name {
  readonly namespace: string
  readonly name: string
}

export interface FeastImport {
  readonly events: readonly object[]
  readonly views: number
  readonly services: number
  readonly sources: number
  readonly notes: readonly string[]
}

export function feastEvents(registry: FeastRegistry): FeastImport {
  const project = registry.project ?? projectOf(registry) ?? 'default'
  const namespace = `feast:${project}`
  const joinKeys = new Map(registry.entities.map(({ spec }) => [spec.name, spec]))
  const views = [
    ...registry.featureViews.map((view) => ({ view, kind: 'FEATURE_VIEW' })),
    ...registry.streamFeatureViews.map((view) => ({ view, kind: 'STREAM_FEATURE_VIEW' })),
    ...registry.onDemandFeatureViews.map((view) => ({ view, kind: 'ON_DEMAND_FEATURE_VIEW' })),
    ...registry.labelViews.map((view) => ({ view, kind: 'LABEL_VIEW' })),
  ]
  const known = new Set(views.map(({ view }) => view.spec.name))
  const notes: string[] = []
  const sources = new Set<string>()
  const events: object[] = []

  for (const { view, kind } of views) {
    const { spec } = view
    const read = sourcesOf(view).map((source) => ({ source, name: sourceName(source, namespace) }))
    const upstream = [...(spec.sourceViews ?? []).map(({ name }) => name), ...sorted(spec.sources).flatMap(viewIn)]
    for (const name of upstream.filter((each) => !known.has(each)))
      notes.push(`The view ${spec.name} rests on the view ${name}, which the registry does not have.`)
    for (const { name } of read) sources.add(JSON.stringify(name))
    const entities = spec.entities.filter((name) => !name.startsWith('__dummy'))
    const keys = spec.entityColumns.filter(({ name }) => !name.startsWith('__dummy'))
    const tags = [
      ...tagsOf(spec.tags),
      ...entities.flatMap((name) => [
        { key: 'entity', value: name, source: 'FEAST' },
        ...(joinKeys.get(name)?.joinKey
          ? [{ key: 'joinKey', value: joinKeys.get(name)!.joinKey!, source: 'FEAST' }]
          : []),
      ]),
      ...(spec.ttl && spec.ttl !== '0s' ? [{ key: 'ttl', value: spec.ttl, source: 'FEAST' }] : []),
    ]
    // A view of one table hands its columns on; what a function makes of several is not said.
    const [only] = kind === 'ON_DEMAND_FEATURE_VIEW' || upstream.length > 0 ? [] : read
    events.push(
      jobEvent(view.meta, namespace, `view/${spec.name}`, kind, spec.description, {
        inputs: [
          ...read.map(({ source, name }) => ({ ...name, facets: sourceFacets(source) })),
          ...upstream.map((name) => ({ namespace, name: `view/${name}`, facets: {} })),
        ],
        outputs: [
          {
            namespace,
            name: `view/${spec.name}`,
            facets: {
              ...schemaOf([...keys, ...spec.features]),
              ...aboutDataset(spec, tags),
              ...(only
                ? columnsFrom(
                    [...keys, ...spec.features].map(({ name }) => [name, only.name, columnOf(only.source, name)]),
                  )
                : {}),
            },
          },
        ],
      }),
    )
  }
  for (const service of registry.featureServices) events.push(serviceEvent(service, namespace))
  return { events, views: views.length, services: registry.featureServices.length, sources: sources.size, notes }
}

function serviceEvent({ spec, meta }: FeastService, namespace: string): object {
  const columns = spec.features.flatMap(({ featureViewName: view, featureColumns }) =>
    featureColumns.map((column) => ({ view, column })),
  )
  const tags = tagsOf(spec.tags)
  return jobEvent(meta, namespace, `service/${spec.name}`, 'FEATURE_SERVICE', spec.description, {
    inputs: spec.features.map(({ featureViewName: name }) => ({ namespace, name: `view/${name}`, facets: {} })),
    outputs: [
      {
        namespace,
        name: `service/${spec.name}`,
        facets: {
          ...schemaOf(columns.map(({ column }) => column)),
          ...aboutDataset(spec, tags),
          ...columnsFrom(
            columns.map(({ view, column }) => [column.name, { namespace, name: `view/${view}` }, column.name]),
          ),
        },
      },
    ],
  })
}

function jobEvent(
  meta: FeastView['meta'],
  namespace: string,
  name: string,
  jobType: string,
  description: string | undefined,
  { inputs, outputs }: { inputs: object[]; outputs: object[] },
): object {
  return {
    eventTime: timeOf(meta),
    producer: PRODUCER,
    schemaURL: `${CORE}JobEvent`,
    job: {
      namespace,
      name,
      facets: {
        jobType: facet('JobTypeJob', { processingType: 'BATCH', integration: 'FEAST', jobType }),
        ...(description ? { documentation: facet('DocumentationJob', { description }) } : {}),
      },
    },
    inputs,
    outputs,
  }
}

/** To the millisecond, which both forms of a registry have. */
function timeOf(meta: FeastView['meta']): string {
  const time = new Date(meta?.lastUpdatedTimestamp ?? meta?.createdTimestamp ?? 0)
  return (Number.isNaN(time.getTime()) ? new Date(0) : time).toISOString()
}

/** The tables and streams that a view reads. What is pushed comes from its batch source too, if it has one. */
function sourcesOf({ spec }: FeastView): FeastSource[] {
  const given = [
    spec.batchSource,
    spec.streamSource,
    spec.source,
    ...sorted(spec.sources).map((each) => each.requestDataSource),
  ]
  const all = given.flatMap((source) => (source ? [source, ...(source.batchSource ? [source.batchSource] : [])] : []))
  // A push source that has a batch source is that table, for lineage.
  const tables = all.filter((source) => !(source as FeastSource).batchSource)
  return [...new Map(tables.map((source) => [JSON.stringify(sourceName(source, '')), source])).values()]
}

function viewIn({ featureView, featureViewProjection }: NonNullable<FeastView['spec']['sources']>[string]): string[] {
  const name = featureViewProjection?.featureViewName ?? featureView?.spec.name
  return name === undefined ? [] : [name]
}

/** As OpenLineage names datasets; what has no table keeps the name that it has in Feast. */
function sourceName(source: FeastSource, namespace: string): Name {
  const { fileOptions, bigqueryOptions, kafkaOptions, kinesisOptions, trinoOptions, athenaOptions, sparkOptions } =
    source
  const uri = fileOptions?.uri ?? sparkOptions?.path
  if (uri) {
    const [, scheme, authority, path] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)\/*(.*)$/i.exec(uri) ?? []
    if (scheme !== undefined && scheme !== 'file') return { namespace: `${scheme}://${authority}`, name: path || '/' }
    return { namespace: 'file', name: scheme === 'file' ? `/${path}` : uri }
  }
  if (bigqueryOptions?.table) return { namespace: 'bigquery', name: bigqueryOptions.table.replace(':', '.') }
  if (kafkaOptions?.topic)
    return { namespace: `kafka://${kafkaOptions.kafkaBootstrapServers?.split(',')[0] ?? ''}`, name: kafkaOptions.topic }
  if (kinesisOptions?.streamName)
    return { namespace: `kinesis://${kinesisOptions.region ?? ''}`, name: kinesisOptions.streamName }
  for (const [scheme, options] of [
    ['snowflake', source.snowflakeOptions],
    ['redshift', source.redshiftOptions],
    ['trino', trinoOptions],
    ['athena', athenaOptions],
    ['spark', sparkOptions],
  ] as const) {
    if (options?.table)
      return { namespace: scheme, name: [options.database, options.schema, options.table].filter(Boolean).join('.') }
  }
  return { namespace, name: `source/${source.name ?? 'unnamed'}` }
}

/** The column of the source that a feature is: Feast renames some. */
function columnOf({ fieldMapping }: FeastSource, feature: string): string {
  return Object.entries(fieldMapping ?? {}).find(([, to]) => to === feature)?.[0] ?? feature
}

function sourceFacets({ name, description, owner, tags }: FeastSource): object {
  const said = [description, name ? `${name} in Feast` : undefined].filter(Boolean).join('; ')
  return aboutDataset({ description: said, owner }, tagsOf(tags))
}

function aboutDataset(
  { description, owner }: { description?: string | undefined; owner?: string | undefined },
  tags: object[],
): object {
  return {
    ...(description ? { documentation: facet('DocumentationDataset', { description }) } : {}),
    ...(owner ? { ownership: facet('OwnershipDataset', { owners: [{ name: owner }] }) } : {}),
    ...(tags.length > 0 ? { tags: facet('TagsDataset', { tags }) } : {}),
  }
}

/** A protocol buffer gives maps in no order. */
function sorted<Value>(map: Readonly<Record<string, Value>> | undefined): Value[] {
  const entries = Object.entries(map ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([, value]) => value)
}

function tagsOf(tags: Readonly<Record<string, string>> | undefined): object[] {
  const keys = Object.keys(tags ?? {}).toSorted()
  return keys.map((key) => ({ key, value: tags![key]!, source: 'FEAST' }))
}

function schemaOf(columns: FeastView['spec']['features']): object {
  const fields = columns.map(({ name, valueType, description }) => ({
    name,
    ...(valueType ? { type: valueType } : {}),
    ...(description ? { description } : {}),
  }))
  return fields.length > 0 ? { schema: facet('SchemaDataset', { fields }) } : {}
}

function columnsFrom(columns: [name: string, from: Name, field: string][]): object {
  if (columns.length === 0) return {}
  const fields = Object.fromEntries(
    columns.map(([name, from, field]) => [
      name,
      { inputFields: [{ ...from, field, transformations: [{ type: 'DIRECT', subtype: 'IDENTITY' }] }] },
    ]),
  )
  return { columnLineage: facet('ColumnLineageDataset', { fields }) }
}

function projectOf({ projects, featureViews, entities }: FeastRegistry): string | undefined {
  return featureViews[0]?.spec.project ?? entities[0]?.spec.project ?? projects?.[0]?.spec?.name
}

function facet(name: keyof typeof versions, body: object): object {
  const _schemaURL = `https://openlineage.io/spec/facets/${versions[name]}/${name}Facet.json#/$defs/${name}Facet`
  return { _producer: PRODUCER, _schemaURL, ...body }
}

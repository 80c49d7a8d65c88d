// What views, snapshots and training sets say about lineage.
//
// Each view version has a job of its own, `materialize NAME@vN`: two versions that shared one would be taken to read
// what the other reads.
import type { FollowedRecord } from '../../record/projection/follower.ts'
import type { Facets, Link, Name, Statement, Use } from '../../record/lineage/statement.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Session } from '../../store/columns.ts'
import { isFault } from '../../fault.ts'
import { jobName, PRODUCER, streamName } from '../events/lineage.ts'
import { usesOf } from './uses.ts'
import type { Purpose } from './uses.ts'
import { parseView, sourcesOf } from './view.ts'
import type { FeatureView } from './view.ts'

export const viewName = (view: string): Name => ({ kind: 'view', namespace: '', name: view })
export const trainingName = (id: string): Name => ({ kind: 'training', namespace: '', name: id })

/** Something that lends a session of DuckDB: its parser reads the expressions. */
export interface Parser {
  session<T>(use: (session: Session) => Promise<T>): Promise<T>
}

const transformations: Record<Purpose, string> = {
  value: 'AGGREGATION',
  condition: 'CONDITIONAL',
  filter: 'FILTER',
  order: 'SORT',
  window: 'WINDOW',
  subject: 'GROUP_BY',
}

/** Reads `view/1`. */
export function viewLineage(parser: Parser): (record: FollowedRecord) => Promise<Statement[]> {
  return async (record) => {
    const opened = record.open()
    if (opened.state !== 'open') return []
    const view = parseView(Buffer.from(opened.content).toString('utf8'), 'view')
    const { name, version, fingerprint } = record.entry.refs
    const node = viewName(`${name}@v${version}`)
    return [
      {
        ...nothing(record),
        job: {
          name: jobName(`materialize ${node.name}`),
          facets: { ...ownership(view), jobType: { processingType: 'BATCH', integration: 'WHENCE', jobType: 'VIEW' } },
        },
        inputs: sourcesOf(view).map((stream) => bare(streamName(stream))),
        outputs: [{ name: node, facets: viewFacets(view, node.name, fingerprint!), here: {} }],
        links: await parser.session((session) => featureLinks(session, view, node)),
      },
    ]
  }
}

async function featureLinks(session: Session, view: FeatureView, node: Name): Promise<Link[]> {
  const links: Link[] = []
  for (const feature of view.features) {
    try {
      for (const { column, purpose } of await usesOf(session, feature)) {
        links.push({
          from: { name: streamName(feature.source), field: column },
          to: { name: node, field: feature.name },
          how: purpose === 'value' ? 'direct' : 'indirect',
          transformation: transformations[purpose],
          basis: 'verified',
        })
      }
    } catch (error) {
      // Accepted once, and this engine's parser no longer reads it: everything of the stream may matter.
      if (!isFault(error, 'invalid')) throw error
      links.push({
        from: { name: streamName(feature.source) },
        to: { name: node, field: feature.name },
        how: 'direct',
        basis: 'conservative',
      })
    }
  }
  return links
}

function viewFacets(view: FeatureView, node: string, fingerprint: string): Facets {
  return {
    schema: {
      fields: view.features.map(({ name, type, description }) => ({
        name,
        type,
        ...(description === undefined ? {} : { description }),
      })),
    },
    whence_featureView: {
      view: node,
      fingerprint,
      entity: view.entity,
      features: view.features.map(({ name, expr, filter, source, window }) => ({
        name,
        expression: expr,
        source,
        ...(filter === undefined ? {} : { filter }),
        ...(window === undefined ? {} : { windowSeconds: window / 1e6 }),
      })),
    },
    ...ownership(view),
    ...(view.description === undefined ? {} : { documentation: { description: view.description } }),
    ...(view.tags ? { tags: { tags: view.tags.map((key) => ({ key, value: 'true', source: 'WHENCE' })) } } : {}),
  }
}

interface Computed {
  view: string
  asOf: number
  at?: string
  id?: string
  label?: string
  rows: number
  fingerprint: string
  rowsDigest: string
  inputs: { stream: string; contract: string }[]
  engine?: { duckdb: string; semantics: number }
  features?: { name: string; type: string }[]
  columns?: { name: string; type: string }[]
  views?: { view: string; fingerprint: string }[]
  viewColumns?: { column: string; view: string; feature: string; present?: true }[]
}

/** Reads `snapshot/1`: a run that read the streams up to a position and wrote the view. */
export function snapshotLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Computed
  return [
    {
      ...nothing(record),
      job: { name: jobName(`materialize ${body.view}`), facets: {} },
      run: {
        id: `snapshot/${record.seq}`,
        state: 'COMPLETE',
        facets: {
          nominalTime: { nominalStartTime: body.at },
          ...(body.engine ? { processing_engine: { name: 'DuckDB', version: body.engine.duckdb } } : {}),
          whence_featureView: { view: body.view, fingerprint: body.fingerprint, snapshot: record.seq, asOf: body.asOf },
        },
      },
      inputs: streamsRead(body),
      outputs: [
        {
          name: viewName(body.view),
          version: String(record.seq),
          facets: {},
          here: { outputStatistics: { rowCount: body.rows }, whence_rows: { digest: body.rowsDigest } },
        },
      ],
    },
  ]
}

/** Reads `training/1`: a run that joined the view, as it is defined, with a spine; it read no snapshot. */
export function trainingLineage(record: FollowedRecord): Statement[] {
  const opened = record.open()
  if (opened.state !== 'open') return []
  const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Computed & { id: string }
  const node = trainingName(body.id)
  const own = new Set(['subject', 'at', 'label', 'present'])
  const views = body.views ?? [{ view: body.view, fingerprint: body.fingerprint }]
  // Of sets with one view only, made before there could be several, each other column is a feature by its own name.
  const from = new Map(
    body.viewColumns?.flatMap((each) => (each.present ? [] : [[each.column, each] as const])) ??
      (body.columns ?? []).flatMap(({ name }) =>
        own.has(name) ? [] : [[name, { view: body.view, feature: name }] as const],
      ),
  )
  const features = (body.columns ?? []).filter(({ name }) => from.has(name))
  return [
    {
      ...nothing(record),
      job: {
        name: jobName(`join ${body.id}`),
        facets: { jobType: { processingType: 'BATCH', integration: 'WHENCE', jobType: 'TRAINING_SET' } },
      },
      run: {
        id: `training/${body.id}`,
        state: 'COMPLETE',
        facets: { whence_featureView: { view: body.view, fingerprint: body.fingerprint, asOf: body.asOf } },
      },
      inputs: [
        ...views.map(({ view, fingerprint }) => ({ ...bare(viewName(view)), version: fingerprint })),
        ...streamsRead(body),
      ],
      outputs: [
        {
          name: node,
          version: body.id,
          facets: {
            schema: {
              fields: [
                ...features.map(({ name, type }) => ({ name, type })),
                { name: 'label', type: 'label', description: body.label },
              ],
            },
          },
          here: { outputStatistics: { rowCount: body.rows }, whence_rows: { digest: body.rowsDigest } },
        },
      ],
      links: features.map(({ name }) => ({
        from: { name: viewName(from.get(name)!.view), field: from.get(name)!.feature },
        to: { name: node, field: name },
        how: 'direct',
        transformation: 'IDENTITY',
        basis: 'verified',
      })),
    },
  ]
}

function streamsRead({ inputs, asOf }: Computed): Use[] {
  return inputs.map(({ stream, contract }) => ({
    name: streamName(stream),
    version: String(asOf),
    facets: {},
    here: { whence_contract: { id: contract } },
  }))
}

function ownership({ owner }: FeatureView): Facets {
  return owner === undefined ? {} : { ownership: { owners: [{ name: owner }] } }
}

const bare = (name: Name): Use => ({ name, facets: {}, here: {} })

function nothing(record: FollowedRecord): Omit<Statement, 'job' | 'run'> {
  return {
    time: parseTime(record.entry.recorded)!,
    producer: PRODUCER,
    inputs: [],
    outputs: [],
    described: [],
    links: [],
    aliases: [],
    changes: [],
    jobs: [],
  }
}

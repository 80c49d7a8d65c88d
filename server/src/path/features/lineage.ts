// What views, snapshots and training sets say about lineage.
//
// Each view version has a job of its own, `materialize NAME@vN`: two versions that shared one would be taken to read
// what the other reads.
import type { FollowedRecord } from '../../record/projection/follower.ts'
import type { Facets, Link, Name, Statement, Use } from '../../record/lineage/statement.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Session } from '../../store/columns.ts'
import type { Prover } from '../../store/prover.ts'
import type { Contract } from '../../rules/contracts/contract.ts'
import { Fault, isFault } from '../../fault.ts'
import { jobName, PRODUCER, streamName } from '../events/lineage.ts'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { heldAgainst, provenColumns } from './proof.ts'
import type { Basis, ProvenUse } from './proof.ts'
import { usesOf } from './uses.ts'
import type { Purpose } from './uses.ts'
import { parseView, sourcesOf } from './view.ts'
import type { Feature, FeatureView } from './view.ts'

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

/** What reading a view needs besides its text. */
export interface ViewReading {
  parser: Parser
  prover: Prover
  /** The contract of a stream that was recorded under a version; undefined when there is none. */
  contract(stream: string, version: string): Contract | undefined
}

/** Reads `view/1`. */
export function viewLineage(reading: ViewReading): (record: FollowedRecord) => Promise<Statement[]> {
  return async (record) => {
    const opened = record.open()
    if (opened.state !== 'open') return []
    const view = parseView(Buffer.from(opened.content).toString('utf8'), 'view')
    const { name, version, fingerprint } = record.entry.refs
    const node = viewName(`${name}@v${version}`)
    const read = await usesOfAll(reading, view, record.entry.refs.contracts)
    return [
      {
        ...nothing(record),
        job: {
          name: jobName(`materialize ${node.name}`),
          facets: { ...ownership(view), jobType: { processingType: 'BATCH', integration: 'WHENCE', jobType: 'VIEW' } },
        },
        inputs: sourcesOf(view).map((stream) => bare(streamName(stream))),
        outputs: [{ name: node, facets: viewFacets(view, node.name, fingerprint!, read), here: {} }],
        links: view.features.flatMap((feature) => linksOf(feature, node, read.features.get(feature.name))),
      },
    ]
  }
}

interface ViewUses {
  /** By feature; undefined for one whose expression this engine's parser no longer reads. */
  features: ReadonlyMap<string, ProvenUse[] | undefined>
  /** Why nothing could be proved. */
  cause?: string
}

async function usesOfAll(reading: ViewReading, view: FeatureView, contracts: string | undefined): Promise<ViewUses> {
  let proven: Map<string, Set<string>> | undefined
  let cause: string | undefined
  try {
    proven = await prove(reading, view, contracts)
  } catch (error) {
    if (!isFault(error)) throw error
    cause = error.message
  }
  const features = new Map<string, ProvenUse[] | undefined>()
  await reading.parser.session(async (session) => {
    for (const feature of view.features) {
      try {
        features.set(feature.name, heldAgainst(await usesOf(session, feature), proven?.get(feature.name)))
      } catch (error) {
        if (!isFault(error, 'invalid')) throw error
        features.set(feature.name, undefined)
      }
    }
  })
  return { features, ...(cause === undefined ? {} : { cause }) }
}

/** Compiles the view under the contracts that its record names (`clicks@1.0.0 profile@2.1.0`), and asks the engine. */
async function prove(
  { parser, prover, contract }: ViewReading,
  view: FeatureView,
  contracts: string | undefined,
): Promise<Map<string, Set<string>>> {
  if (contracts === undefined) throw new Fault('not_found', 'the record does not name the contracts of its streams')
  const versions = new Map(contracts.split(' ').map((each) => [each.slice(0, each.lastIndexOf('@')), each]))
  const shapes = sourcesOf(view).map((stream): StreamShape => {
    const version = versions.get(stream)?.slice(stream.length + 1)
    const found = version === undefined ? undefined : contract(stream, version)
    if (!found)
      throw new Fault('not_found', `no contract of stream ${stream} is recorded that the view was applied with`)
    return { stream, contract: `${found.id}@${found.version}`, columns: found.columns }
  })
  return provenColumns(prover, await parser.session((session) => compileView(session, view, shapes)))
}

function linksOf(feature: Feature, node: Name, uses: readonly ProvenUse[] | undefined): Link[] {
  const to = { name: node, field: feature.name }
  // Accepted once, and this engine's parser no longer reads it: everything of the stream may matter.
  if (!uses) return [{ from: { name: streamName(feature.source) }, to, how: 'direct', basis: 'conservative' }]
  return uses.map(({ column, purpose, basis }) => ({
    from: { name: streamName(feature.source), field: column },
    to,
    how: purpose === 'value' ? 'direct' : 'indirect',
    transformation: transformations[purpose],
    basis,
  }))
}

/** Columns by how sure it is that a feature needs them. */
function basesOf(uses: readonly ProvenUse[] | undefined): Partial<Record<Basis, string[]>> {
  const of = (basis: Basis): string[] => [
    ...new Set((uses ?? []).filter((use) => use.basis === basis).map(({ column }) => column)),
  ]
  return Object.fromEntries(
    (['verified', 'conservative', 'unverified'] as const)
      .map((basis) => [basis, of(basis)] as const)
      .filter(([, columns]) => columns.length > 0),
  )
}

function viewFacets(view: FeatureView, node: string, fingerprint: string, { features, cause }: ViewUses): Facets {
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
        columns: basesOf(features.get(name)),
      })),
      ...(cause === undefined ? {} : { unverified: cause }),
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

// What would break if columns were dropped, renamed or given another type: everything downstream, why, and how sure
// that is.
import type { Consequence, SchemaChange, WhatIf, WhatIfRequest } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import type { LineageGraph, WalkEdge } from '../../record/lineage/graph.ts'
import { nodeId, parseNodeId } from '../../record/lineage/statement.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { ContractBook } from '../../path/events/contract-book.ts'
import { fieldOf } from '../../path/events/lineage.ts'
import type { Contract, Property } from '../../rules/contracts/contract.ts'
import { withNested } from '../../rules/contracts/property.ts'
import { countsOf, namesOf, servedFrom, withUnused } from './impact.ts'
import type { ImpactParts } from './impact.ts'
import { lackOf, sentencesOf } from './lack.ts'
import { positionOf, timeOf } from './moment.ts'
import { predictionsOf, unreadNote } from './people.ts'
import { datasetOf, reachOf } from './reach.ts'
import type { FieldReach, Reach } from './reach.ts'

export interface WhatIfParts extends ImpactParts {
  contracts: ContractBook
  clock: Clock
}

type Change = WhatIf['changes'][number]
type Found = Omit<Consequence, 'owners'>

const DEPTH = 1000
const MOST = 5000

export async function whatIf(parts: WhatIfParts, request: WhatIfRequest): Promise<WhatIf> {
  const { graph, clock } = parts
  const asOf = await positionOf(parts, { asOf: request.asOf })
  const since = request.since === undefined ? undefined : timeOf(request.since)
  const changes: Change[] = []
  for (const change of request.changes) changes.push(await planned(graph, change, asOf))
  const starts = new Map(changes.map(({ id, change }) => [id, change !== 'retype']))
  const reach = await reachOf(graph, starts, { depth: DEPTH, asOf })
  const teller = new Teller(parts, changes, asOf)
  const found = await teller.consequences(reach)
  const ids = new Set([...found.map(({ id }) => datasetOf(id)), ...changes.map(({ id }) => datasetOf(id))])
  for (const model of await servedFrom(parts, await snapshotsOf(parts, namesOf(ids, 'view')), 'columns', asOf)) {
    const id = `model:${model}`
    if (ids.has(id)) continue
    ids.add(id)
    const why = 'it was served features of these views, and nothing is recorded of which of them it uses'
    found.push({ id, kind: 'model', name: model, certainty: 'might break', why, by: [...starts.keys()], depth: DEPTH })
  }
  found.sort(byGravity)
  const models = namesOf(ids, 'model')
  const breaking = found.filter(({ certainty }) => certainty === 'breaks')
  const broken = new Set(breaking.flatMap(({ kind, name }) => (kind === 'model' ? [name] : [])))
  const all = await predictionsOf(parts, { models }, asOf, { from: since })
  const ofBroken =
    broken.size === new Set(models).size
      ? all
      : await predictionsOf(parts, { models: [...broken] }, asOf, { from: since })
  const completeness = await lackOf(graph, [...ids], asOf, clock.now())
  const features = breaking.filter(({ kind, field }) => kind === 'view' && field !== undefined)
  for (const id of changes.map((change) => datasetOf(change.id))) ids.delete(id)
  const consequences: Consequence[] = []
  for (const one of found.slice(0, MOST)) consequences.push({ ...one, owners: await teller.ownersOf(one.id) })
  const counts = {
    fields: breaking.filter(({ field }) => field !== undefined).length,
    features: features.length,
    featureViews: new Set(features.map(({ name }) => name)).size,
    modelVersions: broken.size,
    people: ofBroken.people,
  }
  return {
    asOf,
    ...(since === undefined ? {} : { since: formatTime(since) }),
    changes,
    sentence: sentenceOf(changes, counts, found.length - breaking.length),
    notes: [
      ...(reach.truncated || found.length > MOST
        ? ['There is more than this answer holds: it is cut, and its counts are too small.']
        : []),
      ...unreadNote(all.unread),
      ...sentencesOf(completeness),
    ],
    completeness,
    consequences,
    counts: countsOf(ids, all),
    breaking: counts,
    models: withUnused(all.models, models).map((each) => ({
      ...each,
      certainty: broken.has(each.model) ? ('breaks' as const) : ('might break' as const),
    })),
    truncated: reach.truncated || found.length > MOST,
  }
}

async function snapshotsOf({ database, follower }: ImpactParts, views: string[]): Promise<number[]> {
  if (views.length === 0) return []
  await follower.reach('snapshot')
  const rows = await database.query<{ id: bigint }>('select id from snapshot where view = any($1::text[])', [views])
  return rows.map(({ id }) => Number(id))
}

/** A planned change with the id of its field. Throws `not_found` with the nearest names. */
async function planned(graph: LineageGraph, change: SchemaChange, asOf: number): Promise<Change> {
  const dataset = await graph.resolve(change.dataset, asOf)
  const { namespace, name, kind } = dataset
  const field = kind === 'stream' ? fieldOf(change.field) : change.field
  const { id } = await graph.resolve(nodeId({ kind, namespace, name }, field), asOf)
  const schema = (await graph.facets(dataset.id, asOf)).find((facet) => facet.name === 'schema')
  const fields = (schema?.body as { fields?: { name?: unknown; type?: unknown }[] } | undefined)?.fields
  const now = Array.isArray(fields) ? fields.find((each) => each?.name === field)?.type : undefined
  return { ...change, id, ...(typeof now === 'string' ? { type: now } : {}) }
}

/** What breaks first; then nearest first. */
function byGravity(a: Found, b: Found): number {
  if (a.certainty !== b.certainty) return a.certainty === 'breaks' ? -1 : 1
  return a.depth - b.depth || (a.id < b.id ? -1 : 1)
}

function sentenceOf(changes: readonly Change[], counts: WhatIf['breaking'], possible: number): string {
  const many = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`
  const [first] = changes
  const verb = { drop: 'Dropping', rename: 'Renaming', retype: 'Retyping' }[first!.change]
  const what =
    changes.length === 1
      ? `${verb} ${first!.field} of ${shortName(first!.id)}`
      : `Making these ${changes.length} changes`
  const more = possible === 0 ? '' : `; ${many(possible, 'more thing')} might break`
  if (counts.fields + counts.modelVersions === 0)
    return `${what} breaks nothing that is known${possible === 0 ? '' : `; ${many(possible, 'thing')} might break`}.`
  const parts = [
    counts.features > 0
      ? `${many(counts.features, 'feature')} of ${many(counts.featureViews, 'feature view')}`
      : many(counts.fields, 'field'),
    ...(counts.modelVersions > 0 ? [many(counts.modelVersions, 'model version')] : []),
  ]
  const people =
    counts.modelVersions === 0
      ? ''
      : `, with predictions about ${counts.people.toLocaleString('en')} ${counts.people === 1 ? 'person' : 'people'}`
  return `${what} breaks ${parts.join(' and ')}${people}${more}.`
}

function shortName(id: string): string {
  return parseNodeId(datasetOf(id))?.name.name ?? id
}

/** Says of everything that is reached what becomes of it, and why. */
class Teller {
  readonly #graph: LineageGraph
  readonly #contracts: ContractBook
  readonly #changes: ReadonlyMap<string, Change>
  readonly #asOf: number
  readonly #facets = new Map<string, Promise<Record<string, unknown>>>()

  constructor({ graph, contracts }: WhatIfParts, changes: readonly Change[], asOf: number) {
    this.#graph = graph
    this.#contracts = contracts
    this.#changes = new Map(changes.map((change) => [change.id, change]))
    this.#asOf = asOf
  }

  async consequences(reach: Reach): Promise<Found[]> {
    const found: Found[] = []
    const merged = new Map<string, { fields: string[]; reach: FieldReach }>()
    this.#judgeTypes(reach)
    for (const [id, field] of reach.fields) {
      if (field.depth === 0 || !field.by) continue
      const parsed = parseNodeId(id)
      if (!parsed || parsed.field === undefined) continue
      const { kind, name } = parsed.name
      // Of a training set and a model one line for all the fields: they come and go together.
      if (kind === 'training' || kind === 'model') merge(merged, datasetOf(id), parsed.field, field)
      else
        found.push({
          id,
          kind,
          name,
          field: parsed.field,
          certainty: field.certain ? 'breaks' : 'might break',
          why: await this.#why(field.by, field),
          by: [...field.starts],
          depth: field.depth,
        })
    }
    for (const [id, { fields, reach: field }] of merged) found.push(this.#made(id, fields, field))
    for (const [id, { depth, from, job, starts }] of reach.wholes) {
      if (merged.has(id) || found.some((each) => datasetOf(each.id) === id)) continue
      const parsed = parseNodeId(id)
      if (!parsed) continue
      const { kind, name } = parsed.name
      const why =
        job === undefined
          ? `it is made from ${shortName(from)}, and nothing says of which columns`
          : `${shortName(job)} makes it from ${shortName(from)}, and nothing says of which columns`
      found.push({ id, kind, name, certainty: 'might break', why, by: [...starts], depth })
    }
    for (const [id, { depth, certain, reads, starts }] of reach.jobs) {
      const parsed = parseNodeId(id)
      if (!parsed || id.startsWith('job:whence:')) continue
      const field = parseNodeId(reads)?.field
      found.push({
        id,
        kind: 'job',
        name: parsed.name.name,
        certainty: certain ? 'breaks' : 'might break',
        why: field === undefined ? `it reads ${shortName(reads)}` : `it reads ${field} of ${shortName(reads)}`,
        by: [...starts],
        depth,
      })
    }
    return found
  }

  async ownersOf(id: string): Promise<string[]> {
    const { ownership } = await this.#facetsOf(datasetOf(id))
    const owners = (ownership as { owners?: { name?: unknown }[] } | undefined)?.owners
    if (!Array.isArray(owners)) return []
    return owners.flatMap((owner) => (typeof owner?.name === 'string' ? [owner.name] : []))
  }

  /** A new type breaks what states another: the contract of a stream that the column is loaded into. */
  #judgeTypes(reach: Reach): void {
    for (const [id, field] of reach.fields) {
      const from = field.by && this.#changes.get(field.by.from)
      if (field.certain || from?.change !== 'retype' || from.to === undefined || !surelyLoaded(field.by!)) continue
      const property = this.#property(id)
      if (property && family(property.logicalType) !== family(from.to)) field.certain = true
    }
  }

  async #why(edge: WalkEdge, { possible }: FieldReach): Promise<string> {
    const from = parseNodeId(edge.from)!
    const to = parseNodeId(edge.to)!
    const source = from.field === undefined ? from.name.name : `${from.field} of ${from.name.name}`
    const doubt =
      possible || edge.basis === 'conservative' || edge.basis === 'unverified'
        ? ` (${possible ? 'perhaps: a job before it says nothing about columns' : `${edge.basis}: derived from its SQL`})`
        : ''
    if (to.name.kind === 'stream') return `${this.#streamWhy(edge, source)}${doubt}`
    if (to.name.kind === 'view') return `${await this.#featureWhy(edge, source)}${doubt}`
    if (edge.how === 'indirect')
      return `${source} decides which rows or values it has${said(edge.transformation)}${doubt}`
    return `its values come from ${source}${said(edge.transformation)}${doubt}`
  }

  #streamWhy(edge: WalkEdge, source: string): string {
    const to = parseNodeId(edge.to)!
    const contract = this.#contract(to.name.name)
    if (parseNodeId(edge.from)!.name.kind === 'stream')
      return to.field === 'subject'
        ? `whose event it is is read from ${source}: without it an event is quarantined`
        : `when an event happened is read from ${source}: without it an event is quarantined`
    const property = this.#property(edge.to)
    if (!contract || !property) return `it is loaded from ${source}`
    const rule = `contract ${contract.id}@${contract.version}`
    return property.required
      ? `it is loaded from ${source}, and ${rule} requires it: events without it are ${outcome(property)}`
      : `it is loaded from ${source}; ${rule} lets an event lack it, so nothing fails and the value is gone`
  }

  async #featureWhy(edge: WalkEdge, source: string): Promise<string> {
    const to = parseNodeId(edge.to)!
    const { whence_featureView: described } = await this.#facetsOf(datasetOf(edge.to))
    const features = (described as { features?: { name: string; expression: string; filter?: string }[] } | undefined)
      ?.features
    const feature = features?.find(({ name }) => name === to.field)
    const what = `feature ${to.field} of ${to.name.name}`
    if (!feature) return `${what} uses ${source}`
    const { expression, filter } = feature
    switch (edge.transformation) {
      case 'FILTER':
        return filter === undefined
          ? `${what} counts rows by ${source}: ${expression}`
          : `${what} counts rows where ${filter}`
      case 'CONDITIONAL':
        return `${what} decides by ${source}: ${expression}`
      case 'SORT':
        return `${what} takes rows in the order of ${source}: ${expression}`
      case 'WINDOW':
        return `${what} counts rows by when they happened`
      case 'GROUP_BY':
        return `${what} counts rows by whom they are about`
      default:
        return `${what} is ${expression}${filter === undefined ? '' : ` where ${filter}`}`
    }
  }

  #made(id: string, fields: readonly string[], { certain, starts, depth }: FieldReach): Found {
    const { kind, name } = parseNodeId(id)!.name
    const list =
      fields.toSorted().slice(0, 10).join(', ') + (fields.length > 10 ? ` and ${fields.length - 10} more` : '')
    const why =
      kind === 'training'
        ? `it holds ${list}; the set on record stays as it is, and cannot be made again`
        : `its inputs include ${list}`
    return { id, kind, name, certainty: certain ? 'breaks' : 'might break', why, by: [...starts], depth }
  }

  #contract(stream: string): Contract | undefined {
    try {
      return this.#contracts.inForce(stream).contract
    } catch (error) {
      if (isFault(error, 'not_found')) return undefined
      throw error
    }
  }

  #property(id: string): Property | undefined {
    const parsed = parseNodeId(id)
    if (parsed?.name.kind !== 'stream' || parsed.field === undefined) return undefined
    const contract = this.#contract(parsed.name.name)
    return contract && withNested(contract.properties).find(({ column }) => fieldOf(column) === parsed.field)
  }

  #facetsOf(id: string): Promise<Record<string, unknown>> {
    let facets = this.#facets.get(id)
    if (!facets) {
      facets = this.#graph
        .facets(id, this.#asOf)
        .then((held) => Object.fromEntries(held.map(({ name, body }) => [name, body])))
      this.#facets.set(id, facets)
    }
    return facets
  }
}

function merge(
  merged: Map<string, { fields: string[]; reach: FieldReach }>,
  id: string,
  field: string,
  reach: FieldReach,
): void {
  const known = merged.get(id)
  if (!known) {
    merged.set(id, { fields: [field], reach: { ...reach, starts: new Set(reach.starts) } })
    return
  }
  known.fields.push(field)
  known.reach.certain ||= reach.certain
  known.reach.depth = Math.min(known.reach.depth, reach.depth)
  for (const start of reach.starts) known.reach.starts.add(start)
}

const said = (transformation: string | undefined): string =>
  transformation === undefined || transformation === 'IDENTITY' ? '' : ` (${transformation})`

function outcome({ onViolation }: Property): string {
  return { pass: 'let pass', flag: 'flagged', quarantine: 'quarantined', drop: 'dropped' }[onViolation]
}

const surelyLoaded = ({ how, basis }: WalkEdge): boolean =>
  how === 'direct' && (basis === 'stated' || basis === 'verified')

/** Types of many systems, by what their values are. Unknown ones are a family of their own. */
function family(type: string): string {
  const name = type.toLowerCase().replace(/[\s(<].*$/, '')
  if (/^(u?(tiny|small|big|huge|medium)?int\d*|integer|long|short|serial|bigserial|byteint|number\(\d+\))$/.test(name))
    return 'integer'
  if (/^(number|numeric|decimal|double|float\d*|real|money)$/.test(name)) return 'number'
  if (/^(string|varchar|text|n?char|character|nvarchar|clob|uuid|enum)$/.test(name)) return 'string'
  if (/^bool(ean)?$/.test(name)) return 'boolean'
  if (/^(timestamp\w*|datetime\d*)$/.test(name)) return 'timestamp'
  return name
}

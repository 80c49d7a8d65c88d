// Reading an OpenLineage event (core 2-0-2): leniently, so that whatever can be understood counts, and everything in
// which it differs from the specification is said.
import type {
  Facets,
  LifecycleChange,
  Name,
  RunState,
  RunStatement,
  Statement,
  Use,
} from '../../record/lineage/statement.ts'
import { LONGEST_FIELD, MOST_FIELDS, schemaFields } from '../../record/lineage/schema-fields.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import { readContent } from '../contracts/content.ts'
import type { Micros } from '../contracts/time.ts'
import { readEventTime } from './event-time.ts'
import { readFacets } from './facets.ts'
import type { ReadFacets } from './facets.ts'
import { Findings, quoted, under } from './findings.ts'
import type { Violation } from './findings.ts'
import { heldText } from './held.ts'
import { Links, readColumnLineage, readDatasetLineage, readJobLineage } from './links.ts'
import type { OwnUses } from './links.ts'
import { faultOfName, isObject, isUuid, mentionedName, OWN_NAMESPACE, readName, runIdOf } from './names.ts'
import type { Members } from './names.ts'
import type { RuleId } from './rules.ts'

export type { Violation } from './findings.ts'

export interface Accepted {
  statement: Statement
  /** The first hundred. */
  violations: Violation[]
  /** Ids of the rules that were broken. */
  rules: string[]
}

export interface Refused {
  refused: Violation[]
  rules: string[]
}

/** Largest event, in bytes. */
export const LARGEST_EVENT = 8 * 1024 * 1024

/** An event as bytes: what JSON.parse lets pass is said too. `received`: when it came, by our clock. */
export function readLineageBytes(bytes: Uint8Array, received: Micros): Accepted | Refused {
  const findings = new Findings()
  if (bytes.length > LARGEST_EVENT) {
    findings.note('event.size', '', `the event has ${bytes.length} bytes, more than ${LARGEST_EVENT}`)
    return refused(findings)
  }
  const { value, problems } = readContent(bytes)
  for (const { rule, path, message } of problems) {
    // The escape of half a character: the text can be read all the same.
    const readable = rule === 'json.utf8' && value !== undefined
    findings.note(readable ? 'text.characters' : (rule as RuleId), path, message)
  }
  return value === undefined ? refused(findings) : readValue(value, received, findings)
}

/** What an event says that was accepted when it came: its violations are known, and are not looked for again. */
export function readAccepted(bytes: Uint8Array, received: Micros): Statement | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    const read = readValue(value, received, new Findings(false))
    return 'statement' in read ? read.statement : undefined
  } catch {
    return undefined
  }
}

/** An event as a value. */
export function readLineageEvent(value: unknown, received: Micros): Accepted | Refused {
  return readValue(value, received, new Findings())
}

function readValue(value: unknown, received: Micros, findings: Findings): Accepted | Refused {
  const statement = isObject(value) ? new Reading(value, received, findings).statement() : undefined
  if (!isObject(value)) findings.note('event.object', '', 'the event is no JSON object')
  if (findings.refused || !statement) return refused(findings)
  return { statement, violations: findings.violations, rules: [...findings.rules] }
}

function refused(findings: Findings): Refused {
  return { refused: findings.violations, rules: [...findings.rules] }
}

const states: ReadonlySet<unknown> = new Set<RunState>(['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'])

/** One event, read part by part. A part that refuses it does not keep the others from being looked at. */
class Reading implements OwnUses {
  readonly #event: Members
  readonly #received: Micros
  readonly #findings: Findings
  readonly #links: Links
  readonly #inputs: Use[] = []
  readonly #outputs: Use[] = []
  readonly #described: Use[] = []
  readonly #aliases: (readonly [Name, Name])[] = []
  readonly #changes: LifecycleChange[] = []
  readonly #jobs: { from: Name; to: Name; how: 'parent' | 'before' }[] = []
  #job: Name | undefined

  constructor(event: Members, received: Micros, findings: Findings) {
    this.#event = event
    this.#received = received
    this.#findings = findings
    this.#links = new Links(findings)
  }

  statement(): Statement | undefined {
    const event = this.#event
    if (!given(event.run) && !given(event.job) && !given(event.dataset)) {
      this.#findings.note('event.kind', '', 'it has neither a run, nor a job, nor a dataset')
      return undefined
    }
    const time = readEventTime(event.eventTime, this.#received, this.#findings)
    const producer = this.#uri('producer')
    this.#uri('schemaURL')
    const job = this.#readJob()
    const run = this.#readRun()
    if (!job && given(event.run) && !given(event.job))
      this.#findings.note('job.required', '/job', 'a run without a job: what it reads and writes connects nothing')
    this.#readDatasets(event.inputs, '/inputs', 'inputFacets', this.#inputs)
    this.#readDatasets(event.outputs, '/outputs', 'outputFacets', this.#outputs)
    if (given(event.dataset)) {
      if (given(event.run) || given(event.job))
        this.#findings.note('event.mixed', '/dataset', 'a dataset beside a run or job: both are read')
      else if (event.facets !== undefined)
        this.#findings.note('event.facets', '/facets', 'facets beside a dataset: left out, they belong into it')
      this.#readDataset(event.dataset, '/dataset', undefined, this.#described)
    }
    // After the datasets of the event, so that they come with their facets.
    const own = { name: job?.name, uses: this }
    readJobLineage(job?.facets.lineage, '/job/facets/lineage', own, this.#links, this.#findings)
    const { all: links, unlinked } = this.#links
    return {
      time,
      producer,
      ...(run ? { run } : {}),
      ...(job ? { job } : {}),
      inputs: once(this.#inputs),
      outputs: once(this.#outputs),
      described: this.#described,
      links,
      ...(unlinked.length > 0 ? { unlinked } : {}),
      aliases: this.#aliases,
      changes: this.#changes,
      jobs: this.#jobs,
    }
  }

  #uri(member: 'producer' | 'schemaURL'): string {
    const value = this.#event[member]
    if (typeof value !== 'string' || value === '') {
      this.#findings.note(`${member}.required`, `/${member}`, `there is no ${member}`)
      return ''
    }
    if (!/^[a-z][a-z0-9+.-]*:\S+$/i.test(value))
      this.#findings.note(`${member}.uri`, `/${member}`, `${member} "${quoted(value)}" is no URI`)
    return heldText(value, `/${member}`, this.#findings)
  }

  #readJob(): { name: Name; facets: Facets } | undefined {
    const { job } = this.#event
    if (!given(job)) return undefined
    const name = readName('job', isObject(job) ? job : {}, '/job', this.#findings)
    const facets = readFacets(isObject(job) ? job.facets : undefined, '/job/facets', this.#findings)
    const extra = given(this.#event.run) ? undefined : this.#topFacets()
    this.#job = name
    if (!name) return undefined
    // The specification has no way to say that a job is gone: its word for datasets is taken.
    const { lifecycleStateChange: change } = facets.came
    if (isObject(change) && change._deleted !== true && readChangeOf(change) === 'drop')
      this.#changes.push({ name, change: 'drop' })
    return { name, facets: { ...extra?.kept, ...facets.kept } }
  }

  #readRun(): RunStatement | undefined {
    const { run } = this.#event
    if (!given(run)) return undefined
    const members = isObject(run) ? run : {}
    const id = this.#runId(members.runId)
    const facets = readFacets(members.facets, '/run/facets', this.#findings)
    const top = this.#topFacets()
    const state = this.#state()
    const ancestors = this.#readAncestors(facets.came)
    this.#readDependencies(facets.came.jobDependencies)
    if (id === undefined) return undefined
    return { id, ...(state ? { state } : {}), facets: { ...top?.kept, ...facets.kept }, ...ancestors }
  }

  #runId(value: unknown): string | undefined {
    const fault = faultOfName(value)
    if (fault) {
      const rule = fault.rule === 'name.required' ? 'run.runId.required' : fault.rule
      this.#findings.note(rule, '/run/runId', `runId: ${fault.message}`)
      return undefined
    }
    const id = value as string
    if (!isUuid(id))
      this.#findings.note('run.runId.uuid', '/run/runId', `runId "${quoted(id)}" is no UUID: kept as it is`)
    return runIdOf(id)
  }

  #state(): RunState | undefined {
    const { eventType } = this.#event
    if (eventType === undefined) return undefined
    if (states.has(eventType)) return eventType as RunState
    const upper = typeof eventType === 'string' ? eventType.toUpperCase() : ''
    const known = states.has(upper) ? (upper as RunState) : typeof eventType === 'string' ? 'OTHER' : undefined
    const shown = typeof eventType === 'string' ? `"${quoted(eventType)}"` : 'that is no text'
    const taken = known === undefined ? 'left out' : `taken as ${known}`
    this.#findings.note('eventType.enum', '/eventType', `an eventType ${shown} is none of the six: ${taken}`)
    return known
  }

  /** The simplified form has its facets beside the run. */
  #topFacets(): ReadFacets | undefined {
    const { facets } = this.#event
    if (facets === undefined) return undefined
    const whose = given(this.#event.run) ? 'run' : 'job'
    this.#findings.note('event.facets', '/facets', `facets of the event itself: taken as facets of the ${whose}`)
    return readFacets(facets, '/facets', this.#findings, true)
  }

  #readAncestors(facets: Members): { parent?: string; root?: string } {
    // Airflow's first integrations wrote parentRun.
    const key = isObject(facets.parent) ? 'parent' : 'parentRun'
    const facet = facets[key]
    if (!isObject(facet) || facet._deleted === true) return {}
    const path = `/run/facets/${key}`
    const parent = this.#mentionedRun(facet.run, `${path}/run`)
    const root = isObject(facet.root) ? this.#mentionedRun(facet.root.run, `${path}/root/run`) : undefined
    const job = given(facet.job) ? mentionedName('job', facet.job, `${path}/job`, this.#findings) : undefined
    if (job && this.#job) this.#jobs.push({ from: job, to: this.#job, how: 'parent' })
    return { ...(parent === undefined ? {} : { parent }), ...(root === undefined ? {} : { root }) }
  }

  #mentionedRun(value: unknown, path: string): string | undefined {
    if (!isObject(value)) return undefined
    const fault = faultOfName(value.runId)
    if (!fault) return runIdOf(value.runId as string)
    this.#findings.note('facet.name', under(path, 'runId'), `id of a run: ${fault.message}; left out`)
    return undefined
  }

  #readDependencies(facet: unknown): void {
    if (!isObject(facet) || facet._deleted === true || !this.#job) return
    for (const side of ['upstream', 'downstream'] as const) {
      const listed = facet[side]
      if (!Array.isArray(listed)) continue
      for (const [i, dependency] of listed.entries()) {
        const path = `/run/facets/jobDependencies/${side}/${i}/job`
        const other = mentionedName('job', isObject(dependency) ? dependency.job : undefined, path, this.#findings)
        if (!other) continue
        const [from, to] = side === 'upstream' ? [other, this.#job] : [this.#job, other]
        this.#jobs.push({ from, to, how: 'before' })
      }
    }
  }

  #readDatasets(value: unknown, path: string, here: 'inputFacets' | 'outputFacets', into: Use[]): void {
    if (value === undefined) return
    if (!Array.isArray(value)) {
      this.#findings.note('datasets.array', path, 'it is no array of datasets: taken as none')
      return
    }
    for (const [i, dataset] of value.entries()) this.#readDataset(dataset, under(path, i), here, into)
  }

  #readDataset(value: unknown, path: string, here: 'inputFacets' | 'outputFacets' | undefined, into: Use[]): void {
    if (!isObject(value)) {
      this.#findings.note('dataset.object', path, 'no dataset stands here: left out')
      return
    }
    const stated = readName('dataset', value, path, this.#findings)
    const facets = readFacets(value.facets, under(path, 'facets'), this.#findings)
    const ofUse = here ? readFacets(value[here], under(path, here), this.#findings) : undefined
    if (!stated) return
    const { name, version } = this.#version(stated, facets, path)
    into.push({ name, ...(version === undefined ? {} : { version }), facets: facets.kept, here: ofUse?.kept ?? {} })
    this.#readEffects(name, facets.came, under(path, 'facets'))
  }

  /** The version facet; without one, in the simplified form, what stands behind the last `@` of the name. */
  #version(name: Name, { came }: ReadFacets, path: string): { name: Name; version?: string } {
    const { version: facet } = came
    if (isObject(facet) && facet._deleted !== true) {
      const fault = faultOfName(facet.datasetVersion)
      if (!fault) return { name, version: facet.datasetVersion as string }
      this.#findings.note('facet.name', `${path}/facets/version/datasetVersion`, `version: ${fault.message}; left out`)
    }
    const simplified = this.#event.schemaURL === undefined
    if (!simplified || name.kind !== 'dataset' || name.namespace === OWN_NAMESPACE) return { name }
    const [, base, version] = /^(.+)@([A-Za-z0-9][A-Za-z0-9._:+-]{0,127})$/s.exec(name.name) ?? []
    if (base === undefined || version === undefined) return { name }
    this.#findings.note(
      'dataset.version',
      under(path, 'name'),
      `the name ends with a version: read as ${quoted(base)} at ${version}`,
    )
    return { name: { ...name, name: base }, version }
  }

  #readEffects(name: Name, facets: Members, path: string): void {
    const job = { name: this.#job, uses: this }
    readColumnLineage(facets.columnLineage, name, under(path, 'columnLineage'), this.#links, this.#findings)
    readDatasetLineage(facets.lineage, name, under(path, 'lineage'), job, this.#links, this.#findings)
    const { schema, symlinks, lifecycleStateChange: change } = facets
    if (this.#findings.schemas) this.#lookAtFields(name, schema, under(path, 'schema'))
    if (isObject(symlinks) && symlinks._deleted !== true && Array.isArray(symlinks.identifiers)) {
      for (const [i, identifier] of symlinks.identifiers.entries()) {
        const other = mentionedName('dataset', identifier, `${path}/symlinks/identifiers/${i}`, this.#findings)
        if (other && !same(other, name)) this.#aliases.push([name, other])
      }
    }
    if (isObject(change) && change._deleted !== true)
      this.#readChange(name, change, under(path, 'lifecycleStateChange'))
  }

  /** The graph takes the fields from the facet itself; here is said what it leaves out. */
  #lookAtFields(of: Name, schema: unknown, path: string): void {
    schemaFields(of, schema, (name, why) => {
      if (why === 'many') {
        const message = `more than ${MOST_FIELDS} fields, or 64 MiB of their names: those from "${quoted(name)}" on are left out`
        this.#findings.note('fields.many', path, message)
      } else {
        const message = `field "${quoted(name)}", with those around it, has more than ${LONGEST_FIELD} characters; left out`
        this.#findings.note('facet.name', path, message)
      }
    })
  }

  #readChange(name: Name, facet: Members, path: string): void {
    const change = readChangeOf(facet)
    if (!change) return
    const previous = given(facet.previousIdentifier)
      ? mentionedName('dataset', facet.previousIdentifier, under(path, 'previousIdentifier'), this.#findings)
      : undefined
    this.#changes.push({ name, change, ...(previous && !same(previous, name) ? { previous } : {}) })
  }

  reads(name: Name): void {
    this.#inputs.push({ name, facets: {}, here: {} })
  }

  writes(name: Name): void {
    this.#outputs.push({ name, facets: {}, here: {} })
  }
}

function readChangeOf(facet: Members): LifecycleChange['change'] | undefined {
  const said = typeof facet.lifecycleStateChange === 'string' ? facet.lifecycleStateChange.toLowerCase() : ''
  return changes.find((known) => known === said)
}

/** Each dataset as it is used, and none that a lineage facet only repeats. */
function once(uses: readonly Use[]): Use[] {
  const known = new Set<string>()
  return uses.filter((use) => {
    const key = nodeId(use.name)
    const bare = use.version === undefined && isEmpty(use.facets) && isEmpty(use.here)
    if (bare && known.has(key)) return false
    known.add(key)
    return true
  })
}

function isEmpty(facets: Facets): boolean {
  return Object.keys(facets).length === 0
}

const changes = ['alter', 'create', 'drop', 'overwrite', 'rename', 'truncate'] as const

function same(one: Name, other: Name): boolean {
  return one.kind === other.kind && one.namespace === other.namespace && one.name === other.name
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null
}

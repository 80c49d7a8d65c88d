// Column lineage and explicit lineage: which data flow into which, as the producer states it.
import type { Link, Name } from '../../record/lineage/statement.ts'
import { MOST_TEXT, sizeOf } from '../../record/lineage/schema-fields.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import type { Findings } from './findings.ts'
import { quoted, under } from './findings.ts'
import { isObject, mentionedField, mentionedName } from './names.ts'

/** Links of one event, at most. Ten thousand columns of ten sources each still fit. */
export const MOST_LINKS = 100_000

/** The links of one event, each once. */
export class Links {
  readonly all: Link[] = []
  readonly #findings: Findings
  readonly #known = new Set<string>()
  readonly #stated: Name[] = []
  /** Names come again and again as the same object; spelled out in each key, long ones would fill the memory. */
  readonly #numbers = new Map<Name, number>()
  readonly #texts = new Map<string, number>()
  readonly #ends = new Set<string>()
  #size = 0
  #full = false

  constructor(findings: Findings) {
    this.#findings = findings
  }

  add(stated: Omit<Link, 'basis'>, path: string): void {
    if (this.#full) return
    const link = { ...stated, from: end(stated.from), to: end(stated.to) }
    const { from, to, how, transformation, masking } = link
    const key = [this.#end(from), this.#end(to), how, masking, transformation].join(' ')
    if (this.#known.has(key)) return
    if (this.all.length === MOST_LINKS || this.#size > MOST_TEXT) {
      this.#full = true
      const message = `more than ${MOST_LINKS} links, or 64 MiB of names of fields: those from here on are left out`
      this.#findings.note('links.many', path, message)
      return
    }
    this.#known.add(key)
    this.all.push({ ...link, basis: 'stated' })
  }

  /** All that flows into a dataset is said here, and may be nothing. */
  state(to: Name): void {
    this.#stated.push(to)
  }

  /** The datasets of which it is said that nothing flows into them. */
  get unlinked(): Name[] {
    const fed = new Set(this.all.map(({ to }) => this.#number(to.name)))
    return this.#stated.filter((name) => !fed.has(this.#number(name)))
  }

  #end({ name, field }: Link['from']): string {
    if (field === undefined) return `${this.#number(name)}`
    const end = `${this.#number(name)}.${this.#intern(field)}`
    if (!this.#ends.has(end)) {
      this.#ends.add(end)
      this.#size += sizeOf(name, field)
    }
    return end
  }

  #number(name: Name): number {
    let number = this.#numbers.get(name)
    if (number === undefined) this.#numbers.set(name, (number = this.#intern(nodeId(name))))
    return number
  }

  #intern(text: string): number {
    let number = this.#texts.get(text)
    if (number === undefined) this.#texts.set(text, (number = this.#texts.size))
    return number
  }
}

/** The fields of our streams are named in lower case, as features name them. */
function end(side: Link['from']): Link['from'] {
  return side.name.kind === 'stream' && side.field !== undefined ? { ...side, field: side.field.toLowerCase() } : side
}

type Way = Pick<Link, 'how' | 'transformation' | 'masking'>

/** `columnLineage` of a dataset: fields into fields, and fields that decide over all of it. */
export function readColumnLineage(facet: unknown, to: Name, path: string, links: Links, findings: Findings): void {
  if (!isObject(facet)) return
  links.state(to)
  if (facet._deleted === true) return
  if (isObject(facet.fields)) {
    for (const [key, entry] of Object.entries(facet.fields)) {
      const here = under(under(path, 'fields'), key)
      const field = mentionedField(key, here, findings)
      if (field === undefined || !isObject(entry)) continue
      // Before 1-2-0 one transformation was said of the whole field.
      const older = typeof entry.transformationType === 'string' ? entry.transformationType : undefined
      readInputFields(entry.inputFields, under(here, 'inputFields'), { name: to, field }, links, findings, {
        how: 'direct',
        ...(older ? { transformation: older } : {}),
        ...(older?.toUpperCase() === 'MASKED' ? { masking: true } : {}),
      })
    }
  }
  readInputFields(facet.dataset, under(path, 'dataset'), { name: to }, links, findings, { how: 'indirect' })
}

function readInputFields(
  value: unknown,
  path: string,
  to: Link['to'],
  links: Links,
  findings: Findings,
  otherwise: Way,
): void {
  if (!Array.isArray(value)) return
  for (const [i, input] of value.entries()) {
    const here = under(path, i)
    const name = mentionedName('dataset', input, here, findings)
    const field = name && mentionedField((input as { field?: unknown }).field, under(here, 'field'), findings)
    if (name === undefined || field === undefined) continue
    for (const way of ways((input as { transformations?: unknown }).transformations, otherwise))
      links.add({ from: { name, field }, to, ...way }, here)
  }
}

/** The transformations that a source goes through; the one that is assumed when none is said. */
function ways(value: unknown, otherwise: Way): Way[] {
  const said = Array.isArray(value) ? value.filter(isObject) : []
  if (said.length === 0) return [otherwise]
  return said.map(({ type, subtype, masking }) => {
    const how = typeof type === 'string' && type.toUpperCase() === 'INDIRECT' ? 'indirect' : 'direct'
    const what = typeof subtype === 'string' && subtype !== '' ? subtype : otherwise.transformation
    return {
      how,
      ...(what === undefined ? {} : { transformation: quoted(what) }),
      ...(typeof masking === 'boolean' ? { masking } : {}),
    }
  })
}

/** What the lineage facet says of the event's own job, besides links. */
export interface OwnUses {
  reads(name: Name): void
  writes(name: Name): void
}

/** The `lineage` facet of a dataset: sources that feed it. */
export function readDatasetLineage(
  facet: unknown,
  to: Name,
  path: string,
  job: { name: Name | undefined; uses: OwnUses },
  links: Links,
  findings: Findings,
): void {
  if (!isObject(facet)) return
  links.state(to)
  if (facet._deleted === true) return
  readSources(facet.inputs, under(path, 'inputs'), { name: to }, job, links, findings)
  if (!isObject(facet.fields)) return
  for (const [key, entry] of Object.entries(facet.fields)) {
    const here = under(under(path, 'fields'), key)
    const field = mentionedField(key, here, findings)
    if (field === undefined || !isObject(entry)) continue
    readSources(entry.inputs, under(here, 'inputs'), { name: to, field }, job, links, findings)
  }
}

/** The `lineage` facet of a job: for each target, a dataset or a job, the sources that feed it. */
export function readJobLineage(
  facet: unknown,
  path: string,
  job: { name: Name | undefined; uses: OwnUses },
  links: Links,
  findings: Findings,
): void {
  if (!isObject(facet) || facet._deleted === true || !Array.isArray(facet.entries)) return
  for (const [i, entry] of facet.entries.entries()) {
    const here = under(under(path, 'entries'), i)
    if (!isObject(entry)) continue
    if (entry.type !== 'JOB') {
      const target = mentionedName('dataset', entry, here, findings)
      if (target) readDatasetLineage(entry, target, here, job, links, findings)
      continue
    }
    const target = isOwn(entry) ? job.name : mentionedName('job', entry, here, findings)
    if (target) readSources(entry.inputs, under(here, 'inputs'), { name: target }, job, links, findings)
  }
}

function isOwn(entity: Record<string, unknown>): boolean {
  return entity.namespace === undefined && entity.name === undefined
}

function isSame(one: Name, other: Name | undefined): boolean {
  return one.kind === other?.kind && one.namespace === other.namespace && one.name === other.name
}

/** Sources of a target. Those of the event's own job are what it reads; what it feeds is what it writes. */
function readSources(
  value: unknown,
  path: string,
  to: Link['to'],
  job: { name: Name | undefined; uses: OwnUses },
  links: Links,
  findings: Findings,
): void {
  if (!Array.isArray(value)) return
  for (const [i, source] of value.entries()) {
    const here = under(path, i)
    if (!isObject(source)) {
      findings.note('facet.name', here, 'no source is named here: left out')
      continue
    }
    if (source.type === 'JOB') {
      const from = isOwn(source) ? job.name : mentionedName('job', source, here, findings)
      if (!from) continue
      if (isSame(from, job.name) && to.name.kind !== 'job') job.uses.writes(to.name)
      else
        for (const way of ways(source.transformations, { how: 'direct' }))
          links.add({ from: { name: from }, to, ...way }, here)
      continue
    }
    const name = mentionedName('dataset', source, here, findings)
    if (!name) continue
    const field = source.field === undefined ? undefined : mentionedField(source.field, under(here, 'field'), findings)
    if (source.field !== undefined && field === undefined) continue
    if (isSame(to.name, job.name)) job.uses.reads(name)
    const from = field === undefined ? { name } : { name, field }
    // A field that feeds all of a dataset decides over it; its values do not arrive in each column.
    const how = field !== undefined && to.field === undefined ? 'indirect' : 'direct'
    if (!isSame(to.name, job.name) || field !== undefined)
      for (const way of ways(source.transformations, { how })) links.add({ from, to, ...way }, here)
  }
}

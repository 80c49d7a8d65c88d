// Names of jobs, datasets and runs: what may be one, and which of them are ours.
import type { Name, NodeKind } from '../../record/lineage/statement.ts'
import type { Findings } from './findings.ts'
import { quoted, under } from './findings.ts'

/** In UTF-16 units. Longer ones are refused rather than cut: two names might become one. */
export const LONGEST_NAME = 4000

/** The namespace of datasets that are ours. */
export const OWN_NAMESPACE = 'whence'

export type Members = Record<string, unknown>

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type NameRule = 'name.required' | 'name.empty' | 'name.length' | 'name.characters'

/** What keeps a value from being (part of) a name. Slashes, colons, white space and any script are names' own matter. */
export function faultOfName(value: unknown): { rule: NameRule; message: string } | undefined {
  if (value === undefined || value === null) return { rule: 'name.required', message: 'it is missing' }
  if (typeof value !== 'string') return { rule: 'name.required', message: `it is no text but ${typeof value}` }
  if (value === '') return { rule: 'name.empty', message: 'it is empty' }
  if (value.length > LONGEST_NAME)
    return { rule: 'name.length', message: `it has ${value.length} characters, more than ${LONGEST_NAME}` }
  if (value.includes('\0')) return { rule: 'name.characters', message: 'it holds a NUL, which no table can hold' }
  if (!value.isWellFormed()) return { rule: 'name.characters', message: 'it holds half a character (a lone surrogate)' }
  return undefined
}

/** The name that an event states with `namespace` and `name`. What is none refuses the event. */
export function readName(kind: 'job' | 'dataset', value: Members, path: string, findings: Findings): Name | undefined {
  const namespace = readPart(value, 'namespace', path, findings)
  const name = readPart(value, 'name', path, findings)
  if (namespace === undefined || name === undefined) return undefined
  return kind === 'dataset' ? ownOr({ kind, namespace, name }, path, findings) : { kind, namespace, name }
}

function readPart(value: Members, part: 'namespace' | 'name', path: string, findings: Findings): string | undefined {
  const text = value[part]
  const fault = faultOfName(text)
  if (!fault) return text as string
  findings.note(fault.rule, under(path, part), `${part}: ${fault.message}`)
  return undefined
}

/** The name that a facet mentions. What is none is left out of what the facet says, and the event stands. */
export function mentionedName(
  kind: 'job' | 'dataset',
  value: unknown,
  path: string,
  findings: Findings,
): Name | undefined {
  if (!isObject(value)) {
    findings.note('facet.name', path, `no ${kind} is named here: left out`)
    return undefined
  }
  for (const part of ['namespace', 'name'] as const) {
    const fault = faultOfName(value[part])
    if (!fault) continue
    findings.note('facet.name', under(path, part), `${part} of a ${kind}: ${fault.message}; left out`)
    return undefined
  }
  const name = { kind, namespace: value.namespace as string, name: value.name as string }
  return kind === 'dataset' ? ownOr(name, path, findings) : name
}

/** The field that a facet mentions, left out like a name. */
export function mentionedField(value: unknown, path: string, findings: Findings): string | undefined {
  const fault = faultOfName(value)
  if (!fault) return value as string
  findings.note('facet.name', path, `field: ${fault.message}; left out`)
  return undefined
}

const own: readonly (readonly [NodeKind, RegExp])[] = [
  ['view', /^view\/([^/@]+@v[1-9][0-9]*)$/],
  ['training', /^training\/([^/]+)$/],
  ['model', /^model\/([^/@]+@[1-9][0-9]*)$/],
  ['stream', /^([^/]+)$/],
]

/** A dataset of the namespace `whence` is a stream, a view version, a training set or a model version of ours. */
function ownOr(dataset: Name, path: string, findings: Findings): Name {
  if (dataset.namespace !== OWN_NAMESPACE) return dataset
  for (const [kind, form] of own) {
    const [, name] = form.exec(dataset.name) ?? []
    if (name !== undefined) return { kind, namespace: '', name }
  }
  findings.note(
    'dataset.whence',
    under(path, 'name'),
    `"${quoted(dataset.name)}" is nothing of ours: a stream's name, view/NAME@vN, training/ID or model/NAME@N; kept as a dataset`,
  )
  return dataset
}

/** The id of a run as it is kept: a UUID in lower case, anything else as it came. */
export function runIdOf(text: string): string {
  return isUuid(text) ? text.toLowerCase() : text
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
}

// What a contract says of its stream beyond judging it: where it is loaded from, who answers for it, what it is.
import type { Route, SourceDocument } from './document.ts'
import type { Section } from './odcs.ts'
import { withNested } from './property.ts'
import type { Property } from './property.ts'
import { resolve } from './roles.ts'

/** A dataset that a stream is loaded from, by the name that its producers give it. */
export interface Upstream {
  readonly namespace: string
  readonly name: string
  /** Which column of the dataset becomes which field of the event; without any, only the whole of it is known. */
  readonly fields: readonly { readonly column: string; readonly property: Property }[]
}

export interface About {
  readonly description?: string
  readonly owners: readonly { readonly name: string; readonly type?: string }[]
}

/** Resolves the fields of the datasets against the properties; notes problems in the document. */
export function readUpstream(
  document: SourceDocument,
  section: Section,
  route: Route,
  properties: readonly Property[],
): Upstream[] {
  const seen = new Set<string>()
  return section.upstream.map(({ namespace, name, fields }, place) => {
    const at = [...route, 'upstream', place]
    const key = JSON.stringify([namespace, name])
    if (seen.has(key)) document.problem(at, `${name} of ${namespace} is named twice; keep one`)
    seen.add(key)
    if (fields === undefined) return { namespace, name, fields: [] }
    if (fields === 'same') {
      const leaves = withNested(properties).filter(({ properties: inner }) => inner === undefined)
      return { namespace, name, fields: leaves.map((property) => ({ column: property.path.join('.'), property })) }
    }
    const resolved = Object.entries(fields).flatMap(([field, column]) => {
      const property = resolve(document, properties, {
        role: 'fields',
        name: field,
        types: ['string', 'integer', 'number', 'boolean', 'timestamp', 'date', 'time', 'object', 'array'],
        at: [...at, 'fields', field],
      })
      return property ? [{ column, property }] : []
    })
    return { namespace, name, fields: resolved }
  })
}

/** The standard has had several forms of `description` and `team`: what is understood is read, the rest left. */
export function readAbout(contract: unknown): About {
  const { description, team } = (contract ?? {}) as { description?: unknown; team?: unknown }
  const texts =
    typeof description === 'string'
      ? [description]
      : typeof description === 'object' && description !== null
        ? ['purpose', 'limitations', 'usage'].map((key) => (description as Record<string, unknown>)[key])
        : []
  const said = texts.filter((text): text is string => typeof text === 'string' && text !== '')
  const members: unknown[] = Array.isArray(team)
    ? team
    : Array.isArray((team as { members?: unknown } | undefined)?.members)
      ? (team as { members: unknown[] }).members
      : []
  const owners = members.flatMap((member) => {
    const { username, name, role } = (member ?? {}) as Record<string, unknown>
    const called = typeof username === 'string' ? username : name
    if (typeof called !== 'string' || called === '') return []
    return [{ name: called, ...(typeof role === 'string' ? { type: role } : {}) }]
  })
  const whole = (team as { name?: unknown } | undefined)?.name
  if (owners.length === 0 && typeof whole === 'string') owners.push({ name: whole })
  return { ...(said.length > 0 ? { description: said.join('\n') } : {}), owners }
}

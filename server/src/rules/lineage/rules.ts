// Every rule that an OpenLineage event can break, and what follows. docs/spec/lineage.md lists the same; a test holds
// the two together.
import type { ViolationType } from '../contracts/violation.ts'
import { ownFacets } from './own-facets.ts'
import { standardFacets } from './standard-facets.ts'

interface Rule {
  type: ViolationType
  /** The event cannot be understood without it: refused for everyone. Other rules refuse for strict keys only. */
  refuses?: true
}

export const eventRules = {
  'json.syntax': { type: 'Content-Malformed', refuses: true },
  'json.utf8': { type: 'Content-Malformed', refuses: true },
  'json.depth': { type: 'Content-Malformed', refuses: true },
  'event.size': { type: 'Length-Violation', refuses: true },
  'event.object': { type: 'Datatype-Mismatch', refuses: true },
  'event.kind': { type: 'Required-Missing', refuses: true },
  'run.runId.required': { type: 'Required-Missing', refuses: true },
  'name.required': { type: 'Required-Missing', refuses: true },
  'name.empty': { type: 'Length-Violation', refuses: true },
  'name.length': { type: 'Length-Violation', refuses: true },
  'name.characters': { type: 'Pattern-Mismatch', refuses: true },

  'json.key': { type: 'Content-Malformed' },
  'json.number': { type: 'Content-Malformed' },
  'json.faults': { type: 'Content-Malformed' },
  'text.characters': { type: 'Content-Malformed' },
  'key.proto': { type: 'Content-Malformed' },
  'event.mixed': { type: 'Additional-Properties' },
  'event.facets': { type: 'Additional-Properties' },
  'eventTime.required': { type: 'Required-Missing' },
  'eventTime.zone': { type: 'Format-Mismatch' },
  'eventTime.format': { type: 'Format-Mismatch' },
  'eventTime.unreadable': { type: 'Format-Mismatch' },
  'eventTime.future': { type: 'Range-Violation' },
  'eventType.enum': { type: 'Enum-Mismatch' },
  'producer.required': { type: 'Required-Missing' },
  'producer.uri': { type: 'Format-Mismatch' },
  'schemaURL.required': { type: 'Required-Missing' },
  'schemaURL.uri': { type: 'Format-Mismatch' },
  'run.runId.uuid': { type: 'Format-Mismatch' },
  'job.required': { type: 'Required-Missing' },
  'datasets.array': { type: 'Datatype-Mismatch' },
  'dataset.object': { type: 'Datatype-Mismatch' },
  'dataset.version': { type: 'Format-Mismatch' },
  'dataset.whence': { type: 'Pattern-Mismatch' },
  'facets.object': { type: 'Datatype-Mismatch' },
  'facet.null': { type: 'Datatype-Mismatch' },
  'facet.object': { type: 'Datatype-Mismatch' },
  'facet.producer': { type: 'Required-Missing' },
  'facet.schemaURL': { type: 'Required-Missing' },
  'facet.prefix': { type: 'Pattern-Mismatch' },
  'facet.name': { type: 'Format-Mismatch' },
  'links.many': { type: 'Length-Violation' },
  'fields.many': { type: 'Length-Violation' },
} as const satisfies Record<string, Rule>

/** `facet.NAME`, of a facet that the standard or we define: it is not as its schema says. */
export type FacetRule = `facet.${string}`
export type RuleId = keyof typeof eventRules | FacetRule

/** All rules: those of events, and one for each facet whose schema is known. */
export function ruleOf(id: RuleId): Rule {
  const named = (eventRules as Record<string, Rule>)[id]
  if (named) return named
  const facet = id.slice('facet.'.length)
  if (Object.hasOwn(ownFacets, facet) || Object.hasOwn(standardFacets, facet)) return { type: 'Datatype-Mismatch' }
  return { type: 'Unknown-Violation' }
}

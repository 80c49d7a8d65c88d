// Facets: all are kept as they came; those whose schema is known are held against it.
import type { z } from 'zod'
import type { Facets } from '../../record/lineage/statement.ts'
import type { ViolationType } from '../contracts/violation.ts'
import type { Findings } from './findings.ts'
import { under } from './findings.ts'
import { held } from './held.ts'
import { isObject } from './names.ts'
import type { Members } from './names.ts'
import { OWN_PREFIX, ownFacets } from './own-facets.ts'
import { standardFacets } from './standard-facets.ts'

/** Faults that are told of one facet: the first ones say what is the matter. */
const TOLD = 3

/** A larger facet is not held against its schema: a hostile one would have a fault for every byte. */
const LARGEST_CHECKED = 250_000

export interface ReadFacets {
  /** What the graph holds. */
  kept: Facets
  /** Facets as they came, for those who read names out of them: there nothing is mended. */
  came: Members
}

export const noFacets: ReadFacets = { kept: {}, came: {} }

/** The facets of a run, job or dataset. `ours`: names without a prefix may be facets of ours (the simplified form). */
export function readFacets(value: unknown, path: string, findings: Findings, ours = false): ReadFacets {
  if (value === undefined) return noFacets
  if (!isObject(value)) {
    findings.note('facets.object', path, `facets are ${value === null ? 'null' : 'no object'}: taken as none`)
    return noFacets
  }
  const kept: [string, unknown][] = []
  const came: [string, unknown][] = []
  const proper = held(value, path, findings)
  for (const [key, facet] of Object.entries(proper.value as Members)) {
    const at = under(path, key)
    if (facet === null) {
      findings.note('facet.null', at, 'the facet is null: it says nothing, and takes nothing back')
      continue
    }
    const name = ours ? prefixed(key, value, at, findings) : key
    checkFacet(name, facet, at, proper.nodes, findings)
    kept.push([name, facet])
    came.push([name, value[key] ?? facet])
  }
  return { kept: Object.fromEntries(kept), came: Object.fromEntries(came) }
}

function prefixed(key: string, all: Members, path: string, findings: Findings): string {
  const name = `${OWN_PREFIX}${key}`
  if (!Object.hasOwn(ownFacets, name) || Object.hasOwn(all, name)) return key
  findings.note('facet.prefix', path, `"${key}" has no prefix: taken as ${name}`)
  return name
}

function checkFacet(name: string, facet: unknown, path: string, nodes: number, findings: Findings): void {
  if (!isObject(facet)) {
    findings.note('facet.object', path, 'the facet is no object: kept as it came')
    return
  }
  for (const [member, rule] of [
    ['_producer', 'facet.producer'],
    ['_schemaURL', 'facet.schemaURL'],
  ] as const) {
    if (typeof facet[member] !== 'string') findings.note(rule, path, `the facet has no ${member}`)
  }
  const schema = schemaOf(name)
  if (!findings.schemas || !schema || facet._deleted === true || nodes > LARGEST_CHECKED) return
  const parsed = schema.safeParse(facet)
  if (parsed.success) return
  for (const issue of parsed.error.issues.slice(0, TOLD)) {
    findings.note(`facet.${name}`, at(path, issue), issue.message, typeOf(issue))
  }
}

/** Names of facets are the sender's: `constructor` is one too. */
function schemaOf(name: string): z.ZodType | undefined {
  if (Object.hasOwn(standardFacets, name)) return standardFacets[name]
  return Object.hasOwn(ownFacets, name) ? ownFacets[name] : undefined
}

function at(path: string, { path: steps }: z.core.$ZodIssue): string {
  return steps.reduce<string>((here, step) => under(here, typeof step === 'number' ? step : String(step)), path)
}

function typeOf(issue: z.core.$ZodIssue): ViolationType {
  if (issue.code === 'invalid_value') return 'Enum-Mismatch'
  if (issue.code === 'invalid_format') return 'Pattern-Mismatch'
  if (issue.code === 'too_big' || issue.code === 'too_small')
    return issue.origin === 'number' || issue.origin === 'int' ? 'Range-Violation' : 'Length-Violation'
  if (issue.code === 'unrecognized_keys') return 'Additional-Properties'
  if (issue.code === 'invalid_type' && issue.message.includes('undefined')) return 'Required-Missing'
  return 'Datatype-Mismatch'
}

// Policies in Cedar, checked when their file is read: syntax, and that they speak only of what they are told.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs'

export interface CedarConfiguration {
  readonly policies: string
  readonly sends: Readonly<Record<string, number>>
  readonly labels: Readonly<Record<string, 'long' | 'decimal' | 'string' | 'boolean'>>
}

export interface PreparedPolicies {
  /** Under which Cedar keeps the parsed policies. */
  readonly id: string
  /** What a policy says of itself: `@reason("…")`. By the policy's id, which is its `@id("…")`. */
  readonly reasons: ReadonlyMap<string, string>
}

let loaded: typeof Cedar | undefined

/** Loaded at the first policy: it is four megabytes of WebAssembly. */
export function cedar(): typeof Cedar {
  loaded ??= createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar
  return loaded
}

const types = { long: 'Long', decimal: 'decimal', string: 'String', boolean: 'Bool' }

/** What policies may speak of. */
export function schemaOf({ sends, labels }: CedarConfiguration): string {
  const windows = Object.keys(sends).map((name) => `${name}: Long`)
  const known = Object.entries(labels).map(([name, type]) => `${name}?: ${types[type]}`)
  return `
    entity Agent { id: String, configuration?: String };
    entity User { id: String, configuration?: String };
    entity Service { id: String, configuration?: String };
    entity Campaign { name: String };
    action "send", "edit", "target", "bid", "choose_creative" appliesTo {
      principal: [Agent, User, Service],
      resource: [Campaign],
      context: {
        environment: String, purpose: String, risk: String, segments: Set<String>,
        channel?: String, creative?: String, jurisdiction?: String, model?: String, template?: String,
        hour: Long, minute: Long, weekday: Long, date: String,
        consent?: { basis?: String, code: String },
        sends: { ${windows.join(', ')} },
        labels: { ${known.join(', ')} },
      },
    };`
}

/** What is wrong with the policies, in sentences; none when they can be used. */
export function checkPolicies(configuration: CedarConfiguration): string[] {
  try {
    prepare(configuration)
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Parses policies, once for all calls. Throws an Error that says what is wrong with them. */
export function prepare(configuration: CedarConfiguration): PreparedPolicies {
  const { policySetTextToParts, policyToJson, preparsePolicySet, preparseSchema, validate } = cedar()
  const parts = policySetTextToParts(configuration.policies)
  if (parts.type === 'failure') throw new Error(`are not Cedar: ${said(parts.errors)}`)
  if (parts.policy_templates.length > 0) throw new Error('hold a template (?principal, ?resource): write policies only')
  if (parts.policies.length === 0) throw new Error('hold no policy')
  const policies: Record<string, string> = {}
  const reasons = new Map<string, string>()
  for (const [place, text] of parts.policies.entries()) {
    const parsed = policyToJson(text)
    if (parsed.type === 'failure') throw new Error(`are not Cedar: ${said(parsed.errors)}`)
    const { id = `policy${place}`, reason } = parsed.json.annotations ?? {}
    if (policies[id] !== undefined) throw new Error(`call two policies ${id}: give each an @id of its own`)
    policies[id] = text
    if (reason !== undefined) reasons.set(id, reason)
  }
  const schema = schemaOf(configuration)
  const set = { staticPolicies: policies }
  const valid = validate({ schema, policies: set })
  if (valid.type === 'failure') throw new Error(`cannot be checked: ${said(valid.errors)}`)
  if (valid.validationErrors.length > 0)
    throw new Error(
      valid.validationErrors.map(({ policyId, error }) => `${policyId}: ${said([error])}`).join('; ') +
        ' (sends and labels that policies read are declared beside them)',
    )
  const id = createHash('sha256')
    .update(JSON.stringify([schema, policies]))
    .digest('hex')
  for (const answer of [preparsePolicySet(id, set), preparseSchema(id, schema)])
    if (answer.type === 'failure') throw new Error(`cannot be parsed: ${said(answer.errors)}`)
  return { id, reasons }
}

function said(errors: readonly Cedar.DetailedError[]): string {
  return errors.map(({ message, help }) => (help ? `${message} (${help})` : message)).join('; ')
}

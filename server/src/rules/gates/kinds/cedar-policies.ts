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
  /** The instance of Cedar that keeps them. */
  readonly instance: typeof Cedar
  /** What a policy says of itself: `@reason("…")`. By the policy's id, which is its `@id("…")`. */
  readonly reasons: ReadonlyMap<string, string>
}

const module = '@cedar-policy/cedar-wasm/nodejs'
const require = createRequire(import.meta.url)
let loaded: typeof Cedar | undefined

/** Loaded at the first policy: it is four megabytes of WebAssembly. */
export function cedar(): typeof Cedar {
  loaded ??= require(module) as typeof Cedar
  return loaded
}

/**
 * Asks Cedar. What it throws is no answer but a fault in it, such as a stack that is full, after which its memory cannot
 * be trusted: the next call gets another instance, and policies are parsed for that one.
 */
export function withCedar<Answer>(ask: (instance: typeof Cedar) => Answer): Answer {
  const instance = cedar()
  try {
    return ask(instance)
  } catch (error) {
    if (loaded === instance) {
      loaded = undefined
      delete require.cache[require.resolve(module)]
    }
    throw new Error('cannot be evaluated by Cedar: make them simpler', { cause: error })
  }
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
  if (nesting(configuration.policies) > mostNested)
    throw new Error(`nest more than ${mostNested} deep: split them into several policies`)
  const parts = withCedar(({ policySetTextToParts }) => policySetTextToParts(configuration.policies))
  if (parts.type === 'failure') throw new Error(`are not Cedar: ${said(parts.errors)}`)
  if (parts.policy_templates.length > 0) throw new Error('hold a template (?principal, ?resource): write policies only')
  if (parts.policies.length === 0) throw new Error('hold no policy')
  if (parts.policies.length > 300) throw new Error('are more than 300: make another gate of some')
  const policies: Record<string, string> = {}
  const reasons = new Map<string, string>()
  for (const [place, text] of parts.policies.entries()) {
    const parsed = withCedar(({ policyToJson }) => policyToJson(text))
    if (parsed.type === 'failure') throw new Error(`are not Cedar: ${said(parsed.errors)}`)
    const { id = `policy${place}`, reason } = parsed.json.annotations ?? {}
    if (policies[id] !== undefined) throw new Error(`call two policies ${id}: give each an @id of its own`)
    policies[id] = text
    if (reason !== undefined) reasons.set(id, reason)
  }
  const schema = schemaOf(configuration)
  const set = { staticPolicies: policies }
  const valid = withCedar(({ validate }) => validate({ schema, policies: set }))
  if (valid.type === 'failure') throw new Error(`cannot be checked: ${said(valid.errors)}`)
  if (valid.validationErrors.length > 0)
    throw new Error(
      valid.validationErrors.map(({ policyId, error }) => `${policyId}: ${said([error])}`).join('; ') +
        ' (sends and labels that policies read are declared beside them)',
    )
  const id = createHash('sha256')
    .update(JSON.stringify([schema, policies]))
    .digest('hex')
  const { instance, answers } = withCedar((instance) => ({
    instance,
    answers: [instance.preparsePolicySet(id, set), instance.preparseSchema(id, schema)],
  }))
  for (const answer of answers)
    if (answer.type === 'failure') throw new Error(`cannot be parsed: ${said(answer.errors)}`)
  return { id, instance, reasons }
}

/** Deeper expressions take Cedar seconds, and then its stack. */
const mostNested = 30

/** How deep brackets and conditions nest; what stands in strings and remarks counts too, and need not be as deep. */
function nesting(policies: string): number {
  let [deep, deepest] = [0, 0]
  for (const { 0: sign } of policies.matchAll(/[([{]|[)\]}]|\bif\b|;/g)) {
    if (sign === ';') deep = 0
    else if (')]}'.includes(sign)) deep = Math.max(0, deep - 1)
    else deepest = Math.max(deepest, ++deep)
  }
  return deepest
}

function said(errors: readonly Cedar.DetailedError[]): string {
  return errors.map(({ message, help }) => (help ? `${message} (${help})` : message)).join('; ')
}

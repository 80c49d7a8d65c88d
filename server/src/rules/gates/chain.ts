// A chain of gates, as a file: what it applies to, and what is asked of it in which order.
import { ActionType, Name } from '@whence/sdk'
import type { ActionProposal } from '@whence/sdk'
import { z } from 'zod'
import { isLoopback } from '../connectors/connector-file.ts'
import { matches, readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'
import { checkPolicies } from './kinds/cedar-policies.ts'
import { protectedNames } from './kinds/protected-words.ts'
import { piiTypes } from './pii/types.ts'
import { compileTerm, Severity } from './terms/term-list.ts'

const units = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 }

/** A length of time, as in `24h`, in microseconds. */
const Duration = z
  .string()
  .regex(/^[1-9]\d{0,4}[smhd]$/, 'must be a number with s, m, h or d, as in 24h')
  .transform((text) => Number(text.slice(0, -1)) * units[text.at(-1) as keyof typeof units])

const Pattern = z.string().min(1).max(200)
const Patterns = z.array(Pattern).min(1).max(1000)
const Part = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/)
const Label = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/)
const TimeZone = z.string().refine((zone) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}, 'is no time zone: write it as in Europe/Berlin')

const Phrasing = z.union([
  z.string().min(1).max(500),
  z.strictObject({ pattern: z.string().min(1).max(2000) }).superRefine(({ pattern }, context) => {
    try {
      if (compileTerm(pattern, false).matches('')) throw new Error('it matches where nothing stands')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      context.addIssue({ code: 'custom', path: ['pattern'], message: `cannot be used: ${reason}` })
    }
  }),
])

/** Of variables with secrets: whoever may apply a file cannot send off any other variable of the server. */
const ScorerSecret = z
  .string()
  .max(100)
  .regex(
    /^WHENCE_SCORER_[A-Z0-9_]+$/,
    'must be the name of an environment variable that begins with WHENCE_SCORER_, not the secret itself',
  )

const common = { name: Name, shadow: z.boolean().default(false) }
const finds = (usual: 'hold' | 'refuse') => ({ finds: z.enum(['hold', 'refuse']).default(usual) })

export const GateConfiguration = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('consent'),
    ...common,
    shadow: z.literal(false, 'consent cannot be in shadow').default(false),
  }),
  z
    .strictObject({
      kind: z.literal('cedar'),
      ...common,
      ...finds('refuse'),
      policies: z.string().min(1).max(200_000),
      timeZone: TimeZone.default('UTC'),
      /** A label of the targeting or of the features used that names the person's time zone. */
      timeZoneFrom: Label.optional(),
      /** Names in `context.sends`, and the window that each counts: `{ day: 24h }`. */
      sends: z.record(Label, Duration).default({}),
      /** Labels of output value, targeting and features, in this order of search, that policies may read. */
      labels: z.record(Label, z.enum(['long', 'decimal', 'string', 'boolean'])).default({}),
    })
    .superRefine((gate, context) => {
      for (const message of checkPolicies(gate)) context.addIssue({ code: 'custom', path: ['policies'], message })
    }),
  z.strictObject({
    kind: z.literal('terms'),
    ...common,
    ...finds('hold'),
    /** Names of term lists, with `*` and `?`. */
    lists: Patterns,
    /** Milder findings are told and do not count. */
    atLeast: Severity.default('medium'),
    parts: z.array(Part).min(1).optional(),
  }),
  z.strictObject({
    kind: z.literal('pii'),
    ...common,
    ...finds('hold'),
    types: z
      .array(z.enum(piiTypes))
      .min(1)
      .default([...piiTypes]),
    /** Of telephone numbers without `+`. */
    countries: z
      .array(z.string().regex(/^[A-Z]{2}$/))
      .max(20)
      .optional(),
    /** The sender's own: addresses, numbers, and domains as in `@example.org`. */
    allow: z.array(z.string().min(2).max(254)).max(1000).default([]),
    /** Whether the recipient's own address or number may stand in the copy. */
    recipient: z.boolean().default(true),
  }),
  z.strictObject({
    kind: z.literal('merge_tags'),
    ...common,
    ...finds('refuse'),
    /** Tags that the sending system fills in, as they are written. */
    allow: z.array(z.string().min(1).max(200)).max(1000).default([]),
  }),
  z.strictObject({
    kind: z.literal('disguise'),
    ...common,
    ...finds('hold'),
    /** So many characters may be hidden in a page, as a preheader is. */
    hidden: z.number().int().min(0).max(100_000).default(500),
  }),
  z.strictObject({
    kind: z.literal('brand'),
    ...common,
    ...finds('hold'),
    required: z
      .array(z.strictObject({ says: Phrasing, parts: z.array(Part).min(1).optional() }))
      .max(100)
      .default([]),
    forbidden: z
      .array(z.strictObject({ says: Phrasing, parts: z.array(Part).min(1).optional() }))
      .max(1000)
      .default([]),
    /** A way to unsubscribe must be seen. */
    unsubscribe: z.boolean().default(false),
    lengths: z
      .record(Part, z.strictObject({ least: z.number().int().min(0).optional(), most: z.number().int().optional() }))
      .default({}),
    languages: z
      .array(z.string().regex(/^[a-z]{2}$/))
      .min(1)
      .optional(),
  }),
  z.strictObject({
    kind: z.literal('protected'),
    ...common,
    ...finds('hold'),
    attributes: z
      .array(z.enum(protectedNames))
      .min(1)
      .default([...protectedNames]),
    /** What often stands for an attribute: postcodes for ethnicity, first names for sex. */
    proxies: z.boolean().default(true),
    /** Names of labels or segments that were looked at and may be used. */
    allow: z.array(Pattern).max(1000).default([]),
  }),
  z.strictObject({
    kind: z.literal('scorer'),
    ...common,
    ...finds('hold'),
    url: z.url({ protocol: /^https?$/ }),
    /** A bearer token, named and never written. */
    credentials: z.strictObject({ token: ScorerSecret }).optional(),
    /** Whether the token may go unencrypted to another machine. */
    plaintext: z.literal('allowed').optional(),
    /** `score` answers `{score}` to `{text}`; `presidio` is the API of Presidio's analyser. */
    shape: z.enum(['score', 'presidio']).default('score'),
    scorer: z.string().min(1).max(200),
    version: z.string().min(1).max(200),
    threshold: z.number(),
    /** Whether a score above or below it is what is looked for. */
    finding: z.enum(['atLeast', 'below']).default('atLeast'),
    timeout: Duration.default(2e6).refine((time) => time <= 30e6, 'is longer than 30s'),
    /** What a scorer means that does not answer. */
    unanswered: z.enum(['hold', 'refuse', 'pass']).default('hold'),
    language: z
      .string()
      .regex(/^[a-z]{2}$/)
      .default('en'),
    entities: z.array(z.string().max(64)).max(100).optional(),
    parts: z.array(Part).min(1).optional(),
  }),
  z.strictObject({
    kind: z.literal('approval'),
    ...common,
    /** So many people must approve it, none of whom made it. */
    approvals: z.number().int().min(1).max(10).default(1),
    /** From when it is held until a decision is due. */
    within: Duration.optional(),
    /** Any of these calls for a person. */
    when: z
      .strictObject({
        risk: z.enum(['high', 'any']).optional(),
        types: z.array(ActionType).min(1).optional(),
        channels: Patterns.optional(),
        segments: Patterns.optional(),
        /** Labels of the output's value. */
        value: z
          .array(z.strictObject({ label: z.string().max(200), atLeast: z.number() }))
          .max(100)
          .optional(),
      })
      .default({ risk: 'high' }),
  }),
])
export type GateConfiguration = z.output<typeof GateConfiguration>
export type GateOf<Kind extends GateConfiguration['kind']> = Extract<GateConfiguration, { kind: Kind }>

const Chain = z
  .strictObject({
    kind: z.literal('GateChain'),
    name: Name,
    description: z.string().max(2000).optional(),
    /** All that is said must hold; what is not said holds. */
    appliesTo: z
      .strictObject({
        types: z.array(ActionType).min(1).optional(),
        channels: Patterns.optional(),
        campaigns: Patterns.optional(),
        environments: Patterns.optional(),
        agents: Patterns.optional(),
      })
      .default({}),
    gates: z.array(GateConfiguration).min(1).max(100),
  })
  .superRefine(({ gates }, context) => {
    gates.forEach((gate, place) => {
      const { name, kind } = gate
      if (gate.kind === 'scorer' && gate.credentials !== undefined) {
        const { protocol, hostname, username, password } = new URL(gate.url)
        const refuse = (message: string): void =>
          context.addIssue({ code: 'custom', path: ['gates', place, 'url'], message })
        if (username !== '' || password !== '') refuse('holds a secret: name an environment variable under credentials')
        if (protocol === 'http:' && gate.plaintext === undefined && !isLoopback(hostname))
          refuse('would show the credentials to others: use https, or say plaintext: allowed')
      }
      if (gates.findIndex((gate) => gate.name === name) !== place)
        context.addIssue({ code: 'custom', path: ['gates', place, 'name'], message: `is the name of a gate before it` })
      if (kind === 'consent' && gates.findIndex((gate) => gate.kind === 'consent') !== place)
        context.addIssue({ code: 'custom', path: ['gates', place], message: 'consent is asked once' })
    })
  })

export type GateChain = z.output<typeof Chain>

export const gateChainForm: PolicyForm<GateChain> = {
  kind: 'gates',
  word: 'GateChain',
  title: 'chain of gates',
  parse: (text, file) => readPolicyFile(Chain, text, file),
  rules: ({ appliesTo, gates }) => [
    ...Object.entries(appliesTo).map(([what, values]) => `applies to ${what} ${(values ?? []).join(', ')}`),
    ...gates.map((gate, place) => `${place + 1}. ${JSON.stringify(gate)}`),
  ],
}

/** Whether an action is one of those that a chain is for. An action without a channel or campaign is of every one. */
export function applies(
  { appliesTo }: GateChain,
  { type, channel, campaign, environment, actor }: ActionProposal,
): boolean {
  const among = (patterns: readonly string[] | undefined, name: string | undefined): boolean =>
    patterns === undefined || name === undefined || patterns.some((pattern) => matches(pattern, name))
  return (
    (appliesTo.types === undefined || appliesTo.types.includes(type)) &&
    among(appliesTo.channels, channel) &&
    among(appliesTo.campaigns, campaign) &&
    among(appliesTo.environments, environment) &&
    among(appliesTo.agents, actor.id)
  )
}

// A webhook, as a file: which provider posts to it, and how it shows that it does. Secrets stand somewhere else: in a
// variable of the environment, or in a file beside the keys; the policy, and so the log, only says where.
import { Channel, Name } from '@whence/sdk'
import { z } from 'zod'
import { matches, readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'
import { PROVIDERS, providers } from './providers.ts'

/** Only of these: a policy must not be able to try what else the server holds. */
const SecretAt = z.union(
  [
    z.strictObject({ env: z.string().regex(/^WHENCE_WEBHOOK_[A-Z0-9_]{1,100}$/) }),
    z.strictObject({ file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/) }),
  ],
  'say where the secret is: { env: WHENCE_WEBHOOK_… }, or { file: NAME } of a file in the folder "webhooks" beside the keys',
)
export type SecretAt = z.output<typeof SecretAt>

const Pattern = z.string().min(1).max(200)

const Webhook = z
  .strictObject({
    kind: z.literal('Webhook'),
    name: Name,
    provider: z.enum(PROVIDERS),
    description: z.string().max(2000).optional(),
    owner: z.string().min(1).max(200).optional(),
    /** The key by which its signatures are checked. */
    signature: SecretAt.optional(),
    /** Topics of Amazon SNS: anyone can have a topic of their own, and it is signed as well. */
    topics: z
      .array(
        z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}$/, 'takes the ARN of a topic'),
      )
      .min(1)
      .max(100)
      .optional(),
    /** The last part of the address, where the provider does not sign. */
    token: SecretAt.optional(),
    /** `user:password` of basic authentication. */
    basic: SecretAt.optional(),
    /** The address that the provider was given, where it signs that too. */
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    /** Seconds that a signature with a time in it holds: providers try again with the first one. */
    window: z
      .int()
      .min(60)
      .max(7 * 86_400)
      .default(86_400),
    channel: Channel.default('email'),
    /** What an address is the identifier of, where identifiers are addresses. */
    subjectType: z.string().min(1).max(128).default('customer'),
    /** Tags, or `campaign` of the metadata, that name the campaign of what is tied to no action. */
    campaigns: z.array(Pattern).max(1000).default([]),
  })
  .superRefine(({ provider, signature, topics, token, basic, url }, context) => {
    const wrong = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if (signature !== undefined && providers[provider].signature === undefined)
      wrong(
        'signature',
        provider === 'amazon_ses'
          ? 'Amazon signs with its own certificates: say which topics, by their ARNs'
          : `${provider} does not sign: give a token, or basic`,
      )
    if (topics !== undefined && provider !== 'amazon_ses') wrong('topics', 'only amazon_ses posts by topics')
    if (provider === 'mandrill' && signature !== undefined && url === undefined)
      wrong('url', 'Mandrill signs the address that it was given: say which that is')
    if (signature === undefined && topics === undefined && token === undefined && basic === undefined)
      wrong('provider', 'how does it show who posts? Give signature, topics, token or basic')
  })

export type WebhookPolicy = z.output<typeof Webhook>

export const webhookForm: PolicyForm<WebhookPolicy> = {
  kind: 'webhook',
  word: 'Webhook',
  title: 'webhook',
  parse: (text, file) => readPolicyFile(Webhook, text, file),
  rules: ({ provider, signature, topics = [], token, basic, url, window, channel, subjectType, campaigns }) => [
    `from ${provider} by ${channel}, window ${window} s, addresses of ${subjectType}`,
    ...(signature ? [`signed under ${placeOf(signature)}`] : []),
    ...topics.map((topic) => `topic ${topic}`),
    ...(token ? [`token in ${placeOf(token)}`] : []),
    ...(basic ? [`basic authentication by ${placeOf(basic)}`] : []),
    ...(url ? [`at ${url}`] : []),
    ...campaigns.map((pattern) => `campaign ${pattern}`),
  ],
}

export function placeOf(secret: SecretAt): string {
  return 'env' in secret ? `the variable ${secret.env}` : `the file webhooks/${secret.file}`
}

/** The campaign that tags and metadata name, of those that the file lists. */
export function campaignOf(
  { campaigns }: Pick<WebhookPolicy, 'campaigns'>,
  { tags, metadata }: { tags: readonly string[]; metadata: Readonly<Record<string, unknown>> },
): string | undefined {
  const { campaign } = metadata
  const said = [...(typeof campaign === 'string' ? [campaign] : []), ...tags]
  return said.find((name) => name.length <= 200 && campaigns.some((pattern) => matches(pattern, name)))
}

// A connected system, as a file: where it is, which objects it owns, how it is spoken to. Secrets are named, never written.
import { Name } from '@whence/sdk'
import { z } from 'zod'
import { matches, readPolicyFile } from '../files/policy-file.ts'
import type { PolicyForm } from '../files/policy-file.ts'
import { connectorKinds } from './connector.ts'
import type { ConnectedObject } from './connector.ts'

/** What the names of the variables begin with that hold secrets: whoever may apply a file cannot send off any other. */
const SECRET = 'WHENCE_CONNECTOR_'

const Patterns = z.array(z.string().min(1).max(200)).min(1).max(1000).optional()
const Secret = z
  .string()
  .max(100)
  .regex(/^WHENCE_CONNECTOR_[A-Z0-9_]+$/, `must be the name of an environment variable that begins with ${SECRET}`)

/** A time as in `5s` or `500ms`, in milliseconds. */
const Wait = z
  .string()
  .regex(/^[1-9]\d{0,4}(ms|s)$/, 'must be a number with ms or s, as in 5s')
  .transform((text) => (text.endsWith('ms') ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1000))

const Connector = z
  .strictObject({
    kind: z.literal('Connector'),
    name: Name,
    description: z.string().max(2000).optional(),
    type: z.enum(connectorKinds),
    url: z.url({ protocol: /^https?$/ }),
    /** Names with `*` and `?`. What is not listed is not its own. */
    owns: z.strictObject({ campaigns: Patterns, prices: Patterns, flags: Patterns, segments: Patterns }),
    /** How the system calls a campaign that has another name here. */
    campaigns: z.record(z.string().min(1).max(200), z.string().min(1).max(200)).default({}),
    /** A bearer token, or a user with a password or token (HTTP Basic). */
    credentials: z
      .union([z.strictObject({ token: Secret }), z.strictObject({ user: Secret, password: Secret })])
      .optional(),
    /** Whether secrets may go unencrypted to another machine. */
    plaintext: z.literal('allowed').optional(),
    /** For one request. */
    timeout: Wait.prefault('5s').refine((time) => time <= 30_000, 'is longer than 30s'),
    /** So many requests more, where the first was not answered or answered that it could not. */
    retries: z.number().int().min(0).max(5).default(2),
    /** How long it is asked again until it shows what was wished. */
    confirmWithin: Wait.prefault('10s').refine((time) => time <= 60_000, 'is longer than 60s'),
  })
  .refine(({ owns }) => Object.values(owns).some((patterns) => patterns !== undefined), {
    path: ['owns'],
    message: 'say what it owns: campaigns, prices, flags or segments',
  })
  .refine(({ type, owns }) => type !== 'listmonk' || (!owns.prices && !owns.flags && !owns.segments), {
    path: ['owns'],
    message: 'a listmonk owns campaigns only',
  })
  .refine(
    ({ type, campaigns }) => type !== 'listmonk' || Object.values(campaigns).every((id) => /^[1-9]\d{0,14}$/.test(id)),
    {
      path: ['campaigns'],
      message: 'must be the numbers by which listmonk shows its campaigns',
    },
  )
  .superRefine(({ url, plaintext, credentials }, context) => {
    const { protocol, hostname, username, password, search, hash } = new URL(url)
    const refuse = (message: string): void => context.addIssue({ code: 'custom', path: ['url'], message })
    if (username !== '' || password !== '') refuse('holds a secret: name an environment variable under credentials')
    if (search !== '' || hash !== '') refuse('ends with its path: leave out what follows ? or #')
    if (protocol === 'http:' && credentials !== undefined && plaintext === undefined && !isLoopback(hostname))
      refuse('would show the credentials to others: use https, or say plaintext: allowed')
  })

export type ConnectorFile = z.output<typeof Connector>

export const connectorForm: PolicyForm<ConnectorFile> = {
  kind: 'connector',
  word: 'Connector',
  title: 'connector',
  parse: (text, file) => readPolicyFile(Connector, text, file),
  rules: ({ type, url, owns, campaigns, credentials, plaintext, timeout, retries, confirmWithin }) => [
    `${type} at ${url}`,
    ...Object.entries(owns).flatMap(([kind, patterns]) => (patterns ?? []).map((one) => `owns ${kind} ${one}`)),
    ...Object.entries(campaigns).map(([here, there]) => `campaign ${here} is ${there}`),
    `credentials ${credentials === undefined ? 'none' : Object.values(credentials).join(', ')}`,
    ...(plaintext === undefined ? [] : ['credentials may go unencrypted']),
    `${timeout} ms a request, ${retries} retries, confirmed within ${confirmWithin} ms`,
  ],
}

/** Whether a file says that its system owns an object. */
export function owns({ owns: owned }: ConnectorFile, { kind, id }: ConnectedObject): boolean {
  return (owned[`${kind}s`] ?? []).some((pattern) => matches(pattern, id))
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

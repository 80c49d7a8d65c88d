// Webhooks: a provider posts, shows that it is the provider, and is told 2xx when what it told is durable. Whoever cannot show
// it leaves nothing but a count.
import type { OutcomeResults, Webhooks as WebhooksAnswer, WebhookState } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import { arrivalOf } from '../../rules/outcomes/arrival.ts'
import { sameSecret } from '../../rules/outcomes/comparing.ts'
import type { Arrival, ProviderEvent } from '../../rules/outcomes/provider.ts'
import { providers } from '../../rules/outcomes/providers.ts'
import { certificateUrl, confirmationUrl, snsMessage, snsSigned } from '../../rules/outcomes/sns.ts'
import type { SecretAt, WebhookPolicy } from '../../rules/outcomes/webhook.ts'
import type { Database } from '../../store/database.ts'
import type { PolicyBook, PolicyInForce } from '../events/policy-book.ts'
import type { Certificates } from './certificates.ts'
import type { Intake } from './intake.ts'
import { nothing } from './intake.ts'
import { Seen } from './seen.ts'
import { lackOf, secretOf } from './secrets.ts'
import type { SecretPlaces } from './secrets.ts'
import { toldBy } from './told.ts'

/** A request to a webhook, before anything of it is believed. */
export interface Posted {
  readonly provider: string
  readonly name: string
  /** The last part of the address. */
  readonly token: string | undefined
  header(name: string): string | undefined
  /** Reads the body: only when whoever asks may be let in at all. Throws `too_large`, `invalid`. */
  body(): Promise<Uint8Array>
}

export interface WebhookParts {
  ledger: Ledger
  follower: Follower
  database: Database
  clock: Clock
  book: PolicyBook<WebhookPolicy>
  intake: Intake
  secrets: SecretPlaces
  certificates: Certificates
}

type Counts = Pick<WebhookState, 'received' | 'events' | 'refused' | 'unreadable'> & { last: Micros | undefined }

/** The same whatever was wrong: whoever guesses learns nothing. */
const REFUSED = 'this request does not show that it comes from a provider that is configured here'

type Hook = PolicyInForce<WebhookPolicy>

export class Webhooks {
  readonly #parts: WebhookParts
  readonly #counts = new Map<string, Counts>()
  readonly #seen = new Seen()
  #unknown = 0
  #hooks: { at: number; byName: Promise<Map<string, Hook>> } | undefined

  constructor(parts: WebhookParts) {
    this.#parts = parts
  }

  /** Durable when it resolves. Throws `unauthorized`, `invalid`, `overloaded`. */
  async receive(posted: Posted): Promise<OutcomeResults> {
    const hook = await this.#admitted(posted)
    const counts = this.#countsOf(hook.policy.name)
    // From here on it has shown a token, or it shows a signature over its body.
    const arrival = await this.#arrivalOf(posted, hook, counts)
    if (!(await this.#signed(arrival, hook.policy))) {
      counts.refused++
      throw new Fault('unauthorized', REFUSED)
    }
    counts.received++
    counts.last = this.#parts.clock.now()
    let events: ProviderEvent[]
    try {
      if (await this.#confirmed(arrival, hook.policy)) return nothing()
      events = providers[hook.policy.provider].read(arrival)
    } catch (error) {
      counts.unreadable++
      throw error
    }
    counts.events += events.length
    const { name } = hook.policy
    const caller: Caller = { id: 'webhook', name, source: `webhook:${name}`, scopes: ['ingest'] }
    return this.#parts.intake.take(
      events.map((event) => toldBy(name, hook.policy, event)),
      caller,
    )
  }

  /** Whether a token is good, without a body: some providers look whether anybody is there. Throws `unauthorized`. */
  async look(posted: Omit<Posted, 'body'>): Promise<void> {
    await this.#admitted({ ...posted, body: async () => new Uint8Array() })
  }

  async list(): Promise<WebhooksAnswer> {
    const { database, follower } = this.#parts
    await follower.reach('event')
    const rows = await database.query<{ webhook: string; n: number }>(
      'select webhook, count(*)::int4 as n from outcome where webhook is not null group by webhook',
    )
    const recorded = new Map(rows.map(({ webhook, n }) => [webhook, n]))
    const webhooks = [...(await this.#inForce()).values()].map(({ policy, version }): WebhookState => {
      const { name, provider, token } = policy
      const { last, ...counts } = this.#countsOf(name)
      const problem = this.#lack(policy)
      return {
        name,
        provider,
        version,
        path: `/v1/webhooks/${provider}/${name}${token === undefined ? '' : '/TOKEN'}`,
        ready: problem === undefined,
        ...(problem === undefined ? {} : { problem }),
        ...counts,
        ...(last === undefined ? {} : { last: formatTime(last) }),
        recorded: recorded.get(name) ?? 0,
      }
    })
    return { webhooks, unknown: this.#unknown }
  }

  /** The webhook that a request may be for, as far as that shows without its body. */
  async #admitted({ provider, name, token, header }: Posted): Promise<Hook> {
    const hook = (await this.#inForce()).get(name)
    if (hook === undefined || hook.policy.provider !== provider) {
      this.#unknown++
      throw new Fault('unauthorized', REFUSED)
    }
    const { policy } = hook
    const firehose = header('x-amz-firehose-access-key')
    const good =
      (policy.token === undefined
        ? token === undefined
        : this.#is(policy.token, 'token', token ?? (policy.provider === 'amazon_ses' ? firehose : undefined))) &&
      (policy.basic === undefined || this.#is(policy.basic, 'basic', basicOf(header('authorization'))))
    if (good) return hook
    this.#countsOf(name).refused++
    throw new Fault('unauthorized', REFUSED)
  }

  #is(at: SecretAt, use: 'token' | 'basic', given: string | undefined): boolean {
    const secret = secretOf(this.#parts.secrets, at, use)
    return secret !== undefined && given !== undefined && sameSecret(given, Buffer.from(secret).toString('utf8'))
  }

  async #arrivalOf(posted: Posted, { policy }: Hook, counts: Counts): Promise<Arrival> {
    try {
      return await arrivalOf((name) => posted.header(name), await posted.body(), policy.url)
    } catch (error) {
      // Of what was not let in by a token nobody knows whose it is.
      if (policy.token === undefined && policy.basic === undefined) counts.refused++
      else counts.unreadable++
      throw error
    }
  }

  async #signed(arrival: Arrival, { provider, signature, topics, window }: WebhookPolicy): Promise<boolean> {
    const within = { now: this.#parts.clock.now(), within: window * SECOND }
    if (topics !== undefined) return this.#signedBySns(arrival, topics, within)
    if (signature === undefined) return true
    const key = secretOf(this.#parts.secrets, signature, 'signature')
    if (key === undefined) return false
    const verdict = providers[provider].signature!(arrival, key, within)
    return verdict.good && (verdict.once === undefined || this.#seen.isSame(verdict.once, arrival.body))
  }

  /** A message of a topic that the file lists, signed with a certificate that SNS itself hands out. */
  async #signedBySns(
    arrival: Arrival,
    topics: readonly string[],
    within: { now: Micros; within: Micros },
  ): Promise<boolean> {
    const message = read(arrival)
    const url = message && certificateUrl(message)
    if (message === undefined || url === undefined || !topics.includes(message.topic)) return false
    return snsSigned(message, await this.#parts.certificates.get(url), within)
  }

  /** Takes up a subscription that SNS offers for a topic of ours; true where there was one. */
  async #confirmed(arrival: Arrival, { topics }: WebhookPolicy): Promise<boolean> {
    if (topics === undefined) return false
    const message = read(arrival)
    if (message?.type !== 'SubscriptionConfirmation') return false
    const url = confirmationUrl(message)
    if (url === undefined) throw new Fault('invalid', 'the subscription is to be confirmed at no address of SNS')
    await this.#parts.certificates.ask(url)
    return true
  }

  #lack({ signature, token, basic }: WebhookPolicy): string | undefined {
    const needs = [
      [signature, 'signature'],
      [token, 'token'],
      [basic, 'basic'],
    ] as const
    for (const [at, use] of needs)
      if (at !== undefined && secretOf(this.#parts.secrets, at, use) === undefined) return lackOf(at, use)
    return undefined
  }

  #countsOf(name: string): Counts {
    let counts = this.#counts.get(name)
    if (counts === undefined)
      this.#counts.set(name, (counts = { received: 0, events: 0, refused: 0, unreadable: 0, last: undefined }))
    return counts
  }

  /** The files in force, read again when one was put into force or taken out. */
  #inForce(): Promise<Map<string, Hook>> {
    const { follower, book, ledger } = this.#parts
    const at = follower.formed('webhook', 'plan')
    if (this.#hooks?.at === at) return this.#hooks.byName
    const byName = book
      .inForce(ledger.size)
      .then((hooks) => new Map(hooks.map((hook) => [hook.policy.name, hook] as const)))
    this.#hooks = { at, byName }
    byName.catch(() => (this.#hooks = undefined))
    return byName
  }
}

function read(arrival: Arrival): ReturnType<typeof snsMessage> {
  try {
    return snsMessage(arrival.json())
  } catch {
    return undefined
  }
}

function basicOf(header: string | undefined): string | undefined {
  const given = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  return given === undefined ? undefined : Buffer.from(given, 'base64').toString('utf8')
}

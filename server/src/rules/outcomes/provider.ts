// A provider of e-mail, as its webhooks show it: how a request proves that it is the provider's, and what it tells.
import type { OutcomeType, RejectReason } from '@whence/sdk'
import type { Micros } from '../contracts/time.ts'

/** A request as it came, read where it can be read. */
export interface Arrival {
  /** By name in lower case. */
  header(name: string): string | undefined
  readonly body: Uint8Array
  /** The address that the provider was given, where its signature covers it. */
  readonly url?: string | undefined
  /** The fields of a form, each with its values in their order; empty for anything else. */
  readonly form: ReadonlyMap<string, readonly string[]>
  /** The body as JSON. Throws `invalid`. */
  json(): unknown
}

/** What a provider tells of one recipient: the same whenever it tells it again. */
export interface ProviderEvent {
  readonly type: OutcomeType
  /** When it happened, where the provider says so. */
  readonly time?: Micros | undefined
  /** The provider's id of the message. */
  readonly message?: string | undefined
  readonly eventId?: string | undefined
  /** Under which the same event is recognised when it comes again. */
  readonly identity: string
  readonly recipient?: string | undefined
  readonly reason?: RejectReason | undefined
  /** Of a bounce: nothing will ever reach this address. */
  readonly hard?: boolean | undefined
  readonly description?: string | undefined
  /** What the server of the recipient answered. */
  readonly response?: string | undefined
  readonly userAgent?: string | undefined
  readonly url?: string | undefined
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  /** SHA-256 of what was told. */
  readonly payload: string
}

/** How long a signature holds that carries a time. */
export interface Window {
  readonly now: Micros
  readonly within: Micros
}

/**
 * Whether a request is the provider's. `once`: a value that the signature covers, and the body does not; another body under
 * the same value is forged.
 */
export type SignatureVerdict = { readonly good: true; readonly once?: string } | { readonly good: false }

/** A scheme of signatures: a pure function of request, key and time. Never throws. */
export type Signature = (arrival: Arrival, key: Uint8Array, window: Window) => SignatureVerdict

export interface Provider {
  /** Absent: it does not sign. */
  readonly signature?: Signature
  /** What a request tells. Throws `invalid` where it cannot be read. */
  read(arrival: Arrival): ProviderEvent[]
}

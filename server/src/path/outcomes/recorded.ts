// An outcome as it is recorded: an ordinary event of a stream of its own, sealed under the person whom it concerns.
import type { OutcomeTie, OutcomeType, RejectReason } from '@whence/sdk'
import type { HmacKey } from '../../record/subjects/hmac.ts'
import { hmac } from '../../record/subjects/hmac.ts'

export const OUTCOMES = 'whence.outcomes'

/** The content of the event. What stands here is the same whenever the same thing is told again. */
export interface OutcomeContent {
  /** Whom or what it is about: the address, else the message, else what the sender names. */
  about: string
  type: OutcomeType
  /** When it happened. Where the provider gives no time: when it was received first. */
  time: string
  /** True: the provider gave no time. */
  assumed?: true
  provider: string
  webhook?: string
  recipient?: string
  message?: string
  action?: string
  reason?: RejectReason
  /** Of a bounce: nothing will ever reach this address. */
  hard?: boolean
  description?: string
  response?: string
  userAgent?: string
  url?: string
  value?: number
  text?: string
  tags?: string[]
  metadata?: Record<string, unknown>
  /** SHA-256 of what the provider sent, as far as it is about this. */
  payload?: string
}

/** What Whence adds, sealed with it: it may be otherwise when the same thing is told again. */
export interface OutcomeHeader {
  channel: string
  /** Of an outcome that is tied to no action. */
  campaign?: string
  /** True: it lies under the key of an address or a message, because nobody knew whose it is. */
  unowned?: true
  /** True: whoever told it said, or it means, that the person wants no marketing any more. */
  optsOut?: true
}

/** What the entry says of it, beside the contract's verdict. Nothing personal. */
export interface OutcomeRefs {
  type: OutcomeType
  provider: string
  /** Keyed digest of the provider's id of the message. */
  message?: string
  /** The action, where it was known when the outcome came otherwise than by its message. */
  action?: string
  tie?: OutcomeTie
}

/** So much after it happened an outcome is late: providers try again for a day or three. */
export const LATE = 3 * 86_400_000_000

const ADDRESS = Buffer.from('whence/address/v1\0')

/** The keyed digest of an address: capitals do not count. */
export function addressDigest(idKey: HmacKey, address: string): string {
  return hmac(idKey, Buffer.concat([ADDRESS, Buffer.from(plainAddress(address))]))
    .toString('hex')
    .slice(0, 32)
}

/** An address as it is compared: `Jane Doe <Jane@Example.com>` is `jane@example.com`. */
export function plainAddress(address: string): string {
  const bracketed = /<([^<>]+)>\s*$/.exec(address)
  return (bracketed ? bracketed[1]! : address).trim().toLowerCase()
}

import { z } from 'zod'

/**
 * What a consent record says last of its purposes: the event states of ISO/IEC TS 27560. Only `given` and `renewed`
 * permit anything; all others, `unknown` and `requested` included, deny.
 */
export const ConsentState = z.enum([
  'unknown',
  'requested',
  'deferred',
  'refused',
  'given',
  'renewed',
  'expired',
  'invalidated',
  'revoked',
  'withdrawn',
])
export type ConsentState = z.infer<typeof ConsentState>

/** As an action names it: email, sms, push. */
export const Channel = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'a word of small letters, like email')

/** A country or a part of one, as in ISO 3166: `DE`, `US-CA`. */
export const Jurisdiction = z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,8})?$/, 'a code like DE or US-CA')

// Mailtrap: events in one body, signed with HMAC-SHA256 over it where a signature was asked for.
// https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { hmacIs } from '../comparing.ts'
import { addressIsGone, fieldsOf, listOf, meaning, payloadDigest, textOf, textsOf, unixTime } from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider, ProviderEvent } from '../provider.ts'

const types = meaning<[OutcomeType, RejectReason?]>({
  delivery: ['delivered'],
  open: ['opened'],
  click: ['clicked'],
  bounce: ['bounced', 'bounced'],
  'soft bounce': ['deferred', 'other'],
  spam: ['complained', 'spam'],
  unsubscribe: ['unsubscribed', 'unsubscribed'],
  reject: ['rejected', 'blocked'],
  suspension: ['deferred', 'other'],
})

export const mailtrap: Provider = {
  signature: ({ header, body }, key) => ({ good: hmacIs('sha256', key, body, header('mailtrap-signature'), 'hex') }),
  read: (arrival) => listOf(fieldsOf(arrival.json()).events).map((item) => event(fieldsOf(item))),
}

function event(item: Fields): ProviderEvent {
  const [type, reason] = types(textOf(item.event)) ?? ['unknown' as const]
  const payload = payloadDigest(item)
  const eventId = textOf(item.event_id)
  const response = textOf(item.response)
  return {
    type,
    time: unixTime(item.timestamp),
    message: textOf(item.message_id),
    eventId,
    identity: eventId ?? payload,
    recipient: textOf(item.email),
    reason,
    hard: type === 'bounced' && (item.bounce_category === 'hard' || addressIsGone(response)),
    response,
    userAgent: textOf(item.user_agent),
    url: textOf(item.url),
    tags: textsOf(item.category),
    metadata: fieldsOf(item.custom_variables),
    payload,
  }
}

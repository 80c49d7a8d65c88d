// SendGrid: many events in one body, signed with ECDSA over a time and the body.
// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { publicKeyOf, signedBy } from '../comparing.ts'
import {
  addressIsGone,
  fieldsOf,
  firstOf,
  listOf,
  meaning,
  payloadDigest,
  textOf,
  textsOf,
  unixTime,
} from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider, ProviderEvent } from '../provider.ts'
import { isFresh } from '../window.ts'

const types = meaning<OutcomeType>({
  processed: 'queued',
  deferred: 'deferred',
  delivered: 'delivered',
  dropped: 'rejected',
  bounce: 'bounced',
  click: 'clicked',
  open: 'opened',
  spamreport: 'complained',
  unsubscribe: 'unsubscribed',
  group_unsubscribe: 'unsubscribed',
  group_resubscribe: 'subscribed',
})

const reasons = meaning<RejectReason>({
  invalid: 'invalid',
  'unsubscribed address': 'unsubscribed',
  bounce: 'bounced',
  'bounced address': 'bounced',
  blocked: 'blocked',
  expired: 'timed_out',
})

/** What SendGrid says itself; whatever else stands there was given with the message. */
const own: ReadonlySet<string> = new Set(
  'anymail_id asm_group_id attempt category cert_err email event ip marketing_campaign_id marketing_campaign_name newsletter nlvx_campaign_id nlvx_campaign_split_id nlvx_user_id pool post_type reason response send_at sg_event_id sg_message_id sg_machine_open sg_content_type smtp-id status timestamp tls type bounce_classification url url_offset useragent'.split(
    ' ',
  ),
)

export const sendgrid: Provider = {
  signature({ header, body }, key, window) {
    const timestamp = header('x-twilio-email-event-webhook-timestamp') ?? ''
    const signature = header('x-twilio-email-event-webhook-signature')
    const good = signedBy('sha256', Buffer.concat([Buffer.from(timestamp), body]), publicKeyOf(key), signature)
    return { good: good && isFresh(unixTime(timestamp), window) }
  },
  read: (arrival) => listOf(arrival.json()).map((item) => event(fieldsOf(item))),
}

function event(item: Fields): ProviderEvent {
  const said = textOf(item.event) ?? ''
  const type = types(said) ?? 'unknown'
  const dropped = said === 'dropped'
  const payload = payloadDigest(item)
  const eventId = textOf(item.sg_event_id)
  const response = dropped ? undefined : firstOf(item, 'response', 'reason')
  return {
    type,
    time: unixTime(item.timestamp),
    // An id that the sender gave goes before the one of SMTP.
    message: firstOf(item, 'anymail_id', 'smtp-id'),
    eventId,
    identity: eventId ?? payload,
    recipient: textOf(item.email),
    reason: dropped ? (reasons((firstOf(item, 'type', 'reason') ?? '').toLowerCase()) ?? 'other') : undefined,
    hard: said === 'bounce' && (item.type === 'bounce' || addressIsGone(response)),
    response,
    userAgent: textOf(item.useragent),
    url: textOf(item.url),
    tags: textsOf(item.category),
    metadata: Object.fromEntries(Object.entries(item).filter(([name]) => !own.has(name))),
    payload,
  }
}

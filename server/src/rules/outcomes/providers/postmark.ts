// Postmark: one event a request. It does not sign: https://postmarkapp.com/developer/webhooks/webhooks-overview
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { addressIsGone, fieldsOf, firstOf, meaning, payloadDigest, statedTime, textOf, textsOf } from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider } from '../provider.ts'

const records = meaning<OutcomeType>({
  Bounce: 'bounced',
  Click: 'clicked',
  Delivery: 'delivered',
  Open: 'opened',
  SpamComplaint: 'complained',
  SubscriptionChange: 'unsubscribed',
})

/** Types of bounces and reasons of suppressions. */
const types = meaning<[OutcomeType, RejectReason?]>({
  HardBounce: ['bounced', 'bounced'],
  SoftBounce: ['bounced', 'bounced'],
  Transient: ['deferred'],
  DnsError: ['deferred'],
  OpenRelayTest: ['deferred'],
  Unsubscribe: ['unsubscribed', 'unsubscribed'],
  ManualSuppression: ['unsubscribed', 'unsubscribed'],
  Subscribe: ['subscribed'],
  AutoResponder: ['autoresponded'],
  AddressChange: ['autoresponded'],
  ChallengeVerification: ['autoresponded'],
  SpamNotification: ['complained', 'spam'],
  SpamComplaint: ['complained', 'spam'],
  Unknown: ['unknown'],
  VirusNotification: ['bounced', 'other'],
  BadEmailAddress: ['rejected', 'invalid'],
  ManuallyDeactivated: ['rejected', 'blocked'],
  Unconfirmed: ['rejected'],
  Blocked: ['rejected', 'blocked'],
  DMARCPolicy: ['rejected', 'blocked'],
  SMTPApiError: ['failed'],
  TemplateRenderingFailed: ['failed'],
})

/** Of these nothing will ever arrive. */
const gone: ReadonlySet<string | undefined> = new Set(['HardBounce', 'BadEmailAddress'])

export const postmark: Provider = {
  read(arrival) {
    const body = fieldsOf(arrival.json())
    const record = textOf(body.RecordType)
    const payload = payloadDigest(body)
    const id = textOf(body.ID)
    const { type, reason, why } = meant(body, record)
    return [
      {
        type,
        time: statedTime(firstOf(body, 'DeliveredAt', 'BouncedAt', 'ReceivedAt', 'ChangedAt')),
        message: textOf(body.MessageID),
        eventId: id,
        // A bounce and a complaint may share their number.
        identity: id === undefined ? payload : `${record}/${id}`,
        recipient: firstOf(body, 'Email', 'Recipient'),
        reason,
        hard: gone.has(why) || (type === 'bounced' && addressIsGone(textOf(body.Details))),
        description: textOf(body.Description),
        response: textOf(body.Details),
        userAgent: textOf(body.UserAgent),
        url: textOf(body.OriginalLink),
        tags: textsOf(body.Tag),
        metadata: fieldsOf(body.Metadata),
        payload,
      },
    ]
  },
}

function meant(
  body: Fields,
  record: string | undefined,
): { type: OutcomeType; reason: RejectReason | undefined; why: string | undefined } {
  const type = records(record) ?? 'unknown'
  const why =
    type === 'bounced' || type === 'complained'
      ? textOf(body.Type)
      : type === 'unsubscribed'
        ? body.SuppressSending === false
          ? 'Subscribe'
          : textOf(body.SuppressionReason)
        : undefined
  const known = types(why)
  return known === undefined ? { type, reason: undefined, why } : { type: known[0], reason: known[1], why }
}

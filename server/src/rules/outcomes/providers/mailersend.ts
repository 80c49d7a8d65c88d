// MailerSend: one activity a request, signed with HMAC-SHA256 over the body.
// https://developers.mailersend.com/api/v1/webhooks.html#security
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { hmacIs } from '../comparing.ts'
import { fieldsOf, firstOf, meaning, payloadDigest, statedTime, textOf, textsOf } from '../payload.ts'
import type { Provider } from '../provider.ts'

const types = meaning<OutcomeType>({
  sent: 'sent',
  delivered: 'delivered',
  soft_bounced: 'bounced',
  hard_bounced: 'bounced',
  opened: 'opened',
  opened_unique: 'unknown',
  clicked: 'clicked',
  clicked_unique: 'unknown',
  unsubscribed: 'unsubscribed',
  spam_complaint: 'complained',
  deferred: 'deferred',
})

const reasons = meaning<RejectReason>({
  recipient_bounce: 'bounced',
  spam_complaint: 'spam',
  recipient_unsubscribe: 'unsubscribed',
})

export const mailersend: Provider = {
  signature: ({ header, body }, key) => ({ good: hmacIs('sha256', key, body, header('signature'), 'hex') }),
  read(arrival) {
    const body = fieldsOf(arrival.json())
    const data = fieldsOf(body.data)
    const email = fieldsOf(data.email)
    const morph = fieldsOf(data.morph)
    const said = textOf(data.type) ?? (textOf(body.type) ?? '').replace(/^activity\./, '')
    const payload = payloadDigest(data)
    const eventId = textOf(data.id)
    return [
      {
        type: types(said) ?? 'unknown',
        time: statedTime(data.created_at) ?? statedTime(body.created_at),
        message: textOf(fieldsOf(email.message).id),
        eventId,
        identity: eventId ?? payload,
        recipient: textOf(fieldsOf(email.recipient).email),
        reason: reasons(textOf(morph.object)),
        hard: said === 'hard_bounced',
        description: firstOf(morph, 'readable_reason', 'reason'),
        url: textOf(morph.url),
        tags: textsOf(email.tags),
        metadata: {},
        payload,
      },
    ]
  },
}

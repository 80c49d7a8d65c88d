// Postal: one event a request, signed with RSA over the body. https://docs.postalserver.io/developer/webhooks
import type { OutcomeType } from '@whence/sdk'
import { publicKeyOf, signedBy } from '../comparing.ts'
import { addressIsGone, fieldsOf, meaning, payloadDigest, textOf, textsOf, unixTime } from '../payload.ts'
import type { Provider } from '../provider.ts'

const statuses = meaning<OutcomeType>({
  Sent: 'delivered',
  SoftFail: 'deferred',
  HardFail: 'failed',
  Held: 'queued',
})

export const postal: Provider = {
  signature({ header, body }, key) {
    const [newer, older] = [header('x-postal-signature-256'), header('x-postal-signature')]
    const good =
      newer === undefined
        ? signedBy('sha1', body, publicKeyOf(key), older)
        : signedBy('sha256', body, publicKeyOf(key), newer)
    return { good }
  },
  read(arrival) {
    const body = fieldsOf(arrival.json())
    const told = fieldsOf(body.payload)
    const message = fieldsOf(told.message ?? told.original_message)
    // What comes in is mail of others.
    if (message.direction === 'incoming') return []
    const payload = payloadDigest(body)
    const eventId = textOf(body.uuid)
    const response = textOf(told.output)
    const type = typeOf(told, textOf(body.event))
    return [
      {
        type,
        time: unixTime(body.timestamp),
        message: textOf(message.id),
        eventId,
        identity: eventId ?? payload,
        recipient: textOf(message.to),
        reason: type === 'bounced' ? 'bounced' : undefined,
        hard: (type === 'bounced' || type === 'failed') && addressIsGone(response),
        description: textOf(told.details),
        response,
        userAgent: textOf(told.user_agent),
        url: textOf(told.url),
        tags: textsOf(message.tag),
        metadata: {},
        payload,
      },
    ]
  },
}

function typeOf(told: ReturnType<typeof fieldsOf>, event: string | undefined): OutcomeType {
  if ('status' in told) return statuses(textOf(told.status)) ?? 'unknown'
  if ('bounce' in told) return 'bounced'
  if ('url' in told) return 'clicked'
  return event === 'MessageLoaded' ? 'opened' : 'unknown'
}

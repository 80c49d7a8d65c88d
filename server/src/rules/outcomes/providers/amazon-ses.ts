// Amazon SES: an event, or an older notification; by SNS in its envelope, by Firehose in base64, or as it is.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { Fault } from '../../../fault.ts'
import { addressIsGone, fieldsOf, jsonOf, listOf, meaning, payloadDigest, statedTime, textOf } from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider, ProviderEvent } from '../provider.ts'
import { snsMessage } from '../sns.ts'
import type { SnsMessage } from '../sns.ts'

/** What each kind of event is, and the name of the object that tells of it. */
const kinds = meaning<{ type: OutcomeType; told: string; reason?: RejectReason }>({
  Bounce: { type: 'bounced', told: 'bounce', reason: 'bounced' },
  Complaint: { type: 'complained', told: 'complaint', reason: 'spam' },
  Delivery: { type: 'delivered', told: 'delivery' },
  Send: { type: 'sent', told: 'send' },
  Reject: { type: 'rejected', told: 'reject', reason: 'blocked' },
  Open: { type: 'opened', told: 'open' },
  Click: { type: 'clicked', told: 'click' },
  'Rendering Failure': { type: 'failed', told: 'failure' },
  DeliveryDelay: { type: 'deferred', told: 'deliveryDelay' },
  Subscription: { type: 'unsubscribed', told: 'subscription' },
})

/** The signature of SNS needs a certificate that must be fetched: path/outcomes/webhooks.ts has it fetched. */
export const amazonSes: Provider = {
  read({ json }) {
    const body = json()
    const envelope = snsMessage(body)
    if (envelope !== undefined) return envelope.type === 'Notification' ? ofEnvelope(envelope) : []
    const records = fieldsOf(body).records
    if (Array.isArray(records))
      return listOf(records).flatMap((record) =>
        told(fieldsOf(jsonOf(Buffer.from(textOf(fieldsOf(record).data) ?? '', 'base64')))),
      )
    return (Array.isArray(body) ? listOf(body) : [body]).flatMap((item) => told(fieldsOf(item)))
  },
}

function ofEnvelope(envelope: SnsMessage): ProviderEvent[] {
  // SNS says this once, when a subscription is new.
  if (envelope.message.startsWith('Successfully validated SNS topic')) return []
  return told(fieldsOf(jsonOf(Buffer.from(envelope.message))), envelope)
}

/** One event for each recipient that it is about. */
function told(event: Fields, envelope?: SnsMessage): ProviderEvent[] {
  const said = textOf(event.eventType) ?? textOf(event.notificationType)
  const kind = kinds(said)
  const mail = fieldsOf(event.mail)
  const message = textOf(mail.messageId)
  if (said === undefined || (kind === undefined && message === undefined))
    throw new Fault('invalid', 'the body is no event of SES: it has neither eventType nor mail')
  if (said === 'Received') return []
  const object = fieldsOf(kind === undefined ? undefined : event[kind.told])
  const payload = payloadDigest(event)
  const common = {
    type: kind?.type === 'unsubscribed' ? subscriptionOf(object) : (kind?.type ?? ('unknown' as const)),
    // When it happened where the event says so. The envelope of a notification may be of later.
    time: (envelope === undefined ? undefined : statedTime(envelope.fields.Timestamp)) ?? happened(object, mail),
    message,
    eventId: envelope?.id,
    reason: kind?.reason,
    hard: said === 'Bounce' && object.bounceType === 'Permanent',
    description: descriptionOf(said, object),
    response: textOf(object.smtpResponse),
    userAgent: textOf(object.userAgent),
    url: textOf(object.link),
    ...labelsOf(mail),
    payload,
  }
  return recipientsOf(said, object, mail).map(({ recipient, response }) => ({
    ...common,
    // Delivered again by SNS, a message keeps its id; published twice by SES, the event says the same.
    identity: `${envelope?.id ?? payload}/${recipient ?? ''}`,
    recipient,
    response: response ?? common.response,
    hard: common.hard || (said === 'Bounce' && addressIsGone(response)),
  }))
}

function happened(object: Fields, mail: Fields): number | undefined {
  return statedTime(object.timestamp) ?? statedTime(mail.timestamp)
}

/** A preference that was set: no mail any more, of all or of some topic; or mail again. */
function subscriptionOf(object: Fields): OutcomeType {
  const wanted = fieldsOf(object.newTopicPreferences)
  if (wanted.unsubscribeAll === true) return 'unsubscribed'
  const out = (preferences: Fields): Set<string | undefined> =>
    new Set(
      listOf(preferences.topicSubscriptionStatus ?? preferences.topicDefaultSubscriptionStatus)
        .map(fieldsOf)
        .filter(({ subscriptionStatus }) => subscriptionStatus === 'OptOut')
        .map(({ topicName }) => textOf(topicName)),
    )
  const before = out(fieldsOf(object.oldTopicPreferences))
  return [...out(wanted)].some((topic) => !before.has(topic)) ? 'unsubscribed' : 'subscribed'
}

function descriptionOf(said: string, object: Fields): string | undefined {
  switch (said) {
    case 'Bounce':
      return `${textOf(object.bounceType) ?? ''}: ${textOf(object.bounceSubType) ?? ''}`
    case 'Complaint':
      return textOf(object.complaintFeedbackType)
    case 'Reject':
      return textOf(object.reason)
    case 'Rendering Failure':
      return textOf(object.errorMessage)
    case 'DeliveryDelay':
      return textOf(object.delayType)
    case 'Subscription':
      return textOf(object.source)
    default:
      return undefined
  }
}

/** Whom an event is about. SES does not say which of several recipients opened or clicked. */
function recipientsOf(
  said: string,
  object: Fields,
  mail: Fields,
): { recipient: string | undefined; response?: string | undefined }[] {
  const listed = listOf(object.bouncedRecipients ?? object.complainedRecipients ?? object.delayedRecipients)
  if (listed.length > 0)
    return listed.map((item) => {
      const { emailAddress, diagnosticCode } = fieldsOf(item)
      return { recipient: textOf(emailAddress), response: textOf(diagnosticCode) }
    })
  const addresses = listOf(said === 'Delivery' ? object.recipients : mail.destination)
  return addresses.length > 0
    ? addresses.map((address) => ({ recipient: textOf(address) }))
    : [{ recipient: undefined }]
}

/** From headers of the message, and from those tags of SES that are meant for us. */
function labelsOf(mail: Fields): { tags: string[]; metadata: Record<string, unknown> } {
  const tags: string[] = []
  const given: [string, unknown][] = []
  for (const header of listOf(mail.headers).map(fieldsOf)) {
    const [name, value] = [textOf(header.name)?.toLowerCase(), textOf(header.value)]
    if (value === undefined) continue
    if (name === 'x-tag') tags.push(value)
    if (name === 'x-whence-action') given.push(['whence_action', value])
    if (name !== 'x-metadata') continue
    try {
      given.push(...Object.entries(fieldsOf(jsonOf(Buffer.from(value)))))
    } catch {
      // It is no JSON: then it says nothing.
    }
  }
  const own = Object.entries(fieldsOf(mail.tags)).flatMap(([name, values]) => {
    const value = textOf(Array.isArray(values) ? (values as unknown[])[0] : values)
    return name.startsWith('whence_') && value !== undefined ? [[name, value] as const] : []
  })
  return { tags, metadata: Object.fromEntries([...own, ...given]) }
}

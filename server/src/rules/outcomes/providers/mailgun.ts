// Mailgun: JSON since 2018, and the forms of before. It signs a time and a token, and not the body.
// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { Fault } from '../../../fault.ts'
import { hmacIs } from '../comparing.ts'
import {
  addressIsGone,
  fieldsOf,
  jsonOf,
  listOf,
  meaning,
  payloadDigest,
  textOf,
  textsOf,
  unixTime,
} from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Arrival, Provider, ProviderEvent } from '../provider.ts'
import { isFresh } from '../window.ts'

const types = meaning<OutcomeType>({
  accepted: 'queued',
  rejected: 'rejected',
  delivered: 'delivered',
  failed: 'bounced',
  opened: 'opened',
  clicked: 'clicked',
  unsubscribed: 'unsubscribed',
  complained: 'complained',
})

const reasons = meaning<RejectReason>({ bounce: 'bounced', 'suppress-bounce': 'bounced' })

export const mailgun: Provider = {
  signature(arrival, key, window) {
    const signed = signedPart(arrival)
    if (signed === undefined) return { good: false }
    const { timestamp, token, signature } = signed
    const good = hmacIs('sha256', key, `${timestamp}${token}`, signature, 'hex')
    return good && isFresh(unixTime(timestamp), window) ? { good, once: `${timestamp}.${token}` } : { good: false }
  },
  read: (arrival) => [arrival.form.size > 0 ? legacyEvent(arrival.form) : event(fieldsOf(arrival.json()))],
}

interface SignedPart {
  timestamp: string
  token: string
  signature: string
}

function signedPart({ form, json }: Arrival): SignedPart | undefined {
  // In a form, variables of the message that have these names stand first.
  const last = (name: string): string | undefined => form.get(name)?.at(-1)
  let fields: Fields = {}
  try {
    if (form.size === 0) fields = fieldsOf(fieldsOf(json()).signature)
  } catch {
    return undefined
  }
  const of = (name: string): string | undefined => (form.size > 0 ? last(name) : textOf(fields[name]))
  const [timestamp, token, signature] = [of('timestamp'), of('token'), of('signature')]
  return timestamp && token && signature ? { timestamp, token, signature } : undefined
}

function event(body: Fields): ProviderEvent {
  const data = fieldsOf(body['event-data'])
  const said = textOf(data.event)
  if (said === undefined) throw new Fault('invalid', 'the body has no event-data with an event')
  const temporary = said === 'failed' && data.severity === 'temporary'
  const type = temporary ? 'deferred' : (types(said) ?? 'unknown')
  const headers = fieldsOf(fieldsOf(data.message).headers)
  const status = fieldsOf(data['delivery-status'])
  const token = textOf(fieldsOf(body.signature).token)
  const id = textOf(data.id)
  const rejected = type === 'rejected'
  const reason = textOf(data.reason)
  const response = textOf(status.message)
  return {
    type,
    time: unixTime(data.timestamp),
    message: bracketed(textOf(headers['message-id'])),
    eventId: token,
    // Unique within a day, by the documentation; a delivery that is tried again may have another token.
    identity: id === undefined ? (token ?? payloadDigest(data)) : `${id}@${textOf(data.timestamp) ?? ''}`,
    recipient: textOf(data.recipient) ?? (rejected ? bare(textOf(headers.to)) : undefined),
    reason: reason === undefined ? (rejected ? 'other' : undefined) : (reasons(reason) ?? 'other'),
    hard: type === 'bounced' && reason !== undefined && (reasons(reason) !== undefined || addressIsGone(response)),
    description:
      (textOf(status.description) || undefined) ??
      (rejected ? textOf(fieldsOf(data.reject).reason) : textOf(status.description)),
    response,
    userAgent: textOf(fieldsOf(data['client-info'])['user-agent']),
    url: textOf(data.url),
    tags: textsOf(data.tags),
    metadata: fieldsOf(data['user-variables']),
    payload: payloadDigest(data),
  }
}

const legacyTypes = meaning<OutcomeType>({
  delivered: 'delivered',
  dropped: 'rejected',
  bounced: 'bounced',
  complained: 'complained',
  unsubscribed: 'unsubscribed',
  opened: 'opened',
  clicked: 'clicked',
})

/** Codes of its own, beside those of SMTP. */
const legacyReasons = meaning<RejectReason>({ 499: 'timed_out', 605: 'bounced', 607: 'spam' })

function legacyEvent(form: Arrival['form']): ProviderEvent {
  // Variables of the message are mixed with the fields, behind them where a name stands twice.
  const first = (name: string): string | undefined => form.get(name)?.[0]
  const said = first('event')
  if (said === undefined) throw new Fault('invalid', 'the form has no field "event"')
  const type = legacyTypes(said) ?? 'unknown'
  const code = first('code')
  const token = form.get('token')?.at(-1)
  const response = first('error') ?? first('notification')
  const payload = payloadDigest([...form].filter(([name]) => !UNSTABLE.has(name)))
  const tags = form.get('tag') ?? form.get('X-Mailgun-Tag') ?? []
  return {
    type,
    time: unixTime(form.get('timestamp')?.at(-1)),
    message: bracketed(first('Message-Id') ?? first('message-id')),
    eventId: token,
    identity: token ?? payload,
    recipient: first('recipient'),
    reason: code === undefined ? undefined : legacyReason(code),
    hard: type === 'bounced' && (code?.startsWith('5') === true || addressIsGone(response)),
    description: first('description'),
    response,
    userAgent: first('user-agent'),
    url: first('url'),
    tags,
    metadata: legacyMetadata(said, form),
    payload,
  }
}

const UNSTABLE: ReadonlySet<string> = new Set(['signature', 'token', 'timestamp'])

function legacyReason(code: string): RejectReason {
  if (/^\d+$/.test(code)) {
    const status = Number(code)
    return legacyReasons(code) ?? (status >= 400 && status < 600 ? 'bounced' : 'other')
  }
  return /^[45]\./.test(code) ? 'bounced' : 'other'
}

/** Fields of events that come without the headers of their message; whatever else stands there is a variable. */
const legacyFields: ReadonlySet<string> = new Set(
  'event recipient domain ip country region city user-agent device-type client-type client-name client-os campaign-id campaign-name tag mailing-list timestamp token signature body-plain h message-id'.split(
    ' ',
  ),
)

function legacyMetadata(event: string, form: Arrival['form']): Record<string, unknown> {
  const headers = form.get('message-headers')?.at(-1)
  if (headers !== undefined) {
    const variables = listOf(jsonOf(Buffer.from(headers))).flatMap((header) =>
      Array.isArray(header) && header[0] === 'X-Mailgun-Variables' ? [textOf(header[1])] : [],
    )
    return Object.fromEntries(variables.flatMap((text) => Object.entries(fieldsOf(jsonOf(Buffer.from(text ?? '{}'))))))
  }
  if (!['clicked', 'opened', 'unsubscribed'].includes(event)) return {}
  return Object.fromEntries(
    [...form].flatMap(([name, values]) => {
      const known = legacyFields.has(name) || (event === 'clicked' && name === 'url')
      if (!known) return [[name, values.at(-1)]]
      if (name === 'tag' || values.length === 1) return []
      return [[name, UNSTABLE.has(name) ? values[0] : values.at(-1)]]
    }),
  )
}

function bracketed(id: string | undefined): string | undefined {
  return id === undefined || id === '' ? undefined : id.startsWith('<') ? id : `<${id}>`
}

/** `Jane Doe <jane@example.com>`, without the name. */
function bare(address: string | undefined): string | undefined {
  return address === undefined ? undefined : (/<([^<>]+)>\s*$/.exec(address)?.[1] ?? address.trim())
}

// Unisender Go: one event, or many by user; the body carries an MD5 of itself with the key in its place.
// https://godocs.unisender.ru/web-api-ref#callback-format
import type { OutcomeType, RejectReason } from '@whence/sdk'
import { hash } from 'node:crypto'
import { sameSecret } from '../comparing.ts'
import { fieldsOf, listOf, meaning, payloadDigest, statedTime, textOf } from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider, ProviderEvent } from '../provider.ts'

const types = meaning<OutcomeType>({
  sent: 'sent',
  delivered: 'delivered',
  opened: 'opened',
  clicked: 'clicked',
  unsubscribed: 'unsubscribed',
  subscribed: 'subscribed',
  spam: 'complained',
  soft_bounced: 'deferred',
  hard_bounced: 'bounced',
})

const reasons = meaning<RejectReason | null>({
  err_user_unknown: 'bounced',
  err_user_inactive: 'bounced',
  err_will_retry: null,
  err_mailbox_discarded: 'bounced',
  err_mailbox_full: 'bounced',
  err_spam_rejected: 'spam',
  err_blacklisted: 'blocked',
  err_too_large: 'bounced',
  err_unsubscribed: 'unsubscribed',
  err_unreachable: 'bounced',
  err_skip_letter: 'bounced',
  err_domain_inactive: 'bounced',
  err_destination_misconfigured: 'bounced',
  err_spam_skipped: 'spam',
})

export const unisenderGo: Provider = {
  signature({ body, json }, key) {
    let auth: string | undefined
    try {
      auth = textOf(fieldsOf(json()).auth)
    } catch {
      return { good: false }
    }
    if (auth === undefined || auth === '') return { good: false }
    const [before, ...after] = Buffer.from(body).toString('latin1').split(Buffer.from(auth).toString('latin1'))
    const signed = [before, ...after].join(Buffer.from(key).toString('latin1').trim())
    return { good: sameSecret(auth, hash('md5', Buffer.from(signed, 'latin1'))) }
  },
  read(arrival) {
    const body = fieldsOf(arrival.json())
    const told = Array.isArray(body.events_by_user)
      ? listOf(body.events_by_user).flatMap((user) => listOf(fieldsOf(user).events))
      : [body]
    return told.flatMap((item) => {
      const fields = fieldsOf(item)
      if (fields.event_name !== 'transactional_email_status') return []
      return [event('event_data' in fields ? fieldsOf(fields.event_data) : fields)]
    })
  },
}

function event(data: Fields): ProviderEvent {
  const type = types(textOf(data.status)) ?? 'unknown'
  const { auth: _, ...said } = data
  const { anymail_id: given, ...metadata } = fieldsOf(data.metadata)
  const info = fieldsOf(data.delivery_info)
  const status = textOf(info.delivery_status) ?? ''
  const payload = payloadDigest(said)
  return {
    type,
    // Without a zone: UTC, by the documentation.
    time: statedTime(data.event_time),
    message: textOf(given) ?? textOf(data.job_id),
    // It numbers requests, not events: one that is sent again has another number.
    identity: payload,
    recipient: textOf(data.email),
    reason: status.startsWith('err') ? reasonOf(status) : undefined,
    hard: type === 'bounced',
    description: status || textOf(data.comment),
    response: textOf(info.destination_response),
    userAgent: textOf(info.user_agent),
    url: textOf(data.url),
    tags: [],
    metadata,
    payload,
  }
}

/** What will be tried again was not rejected. */
function reasonOf(status: string): RejectReason | undefined {
  const known = reasons(status)
  return known === undefined ? 'other' : (known ?? undefined)
}

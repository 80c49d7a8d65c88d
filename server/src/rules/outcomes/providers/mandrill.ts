// Mandrill: a form with events in JSON, signed with HMAC-SHA1 over the address and the fields.
// https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests
import type { OutcomeType } from '@whence/sdk'
import { Fault } from '../../../fault.ts'
import { hmacIs } from '../comparing.ts'
import { fieldsOf, firstOf, jsonOf, listOf, meaning, payloadDigest, textOf, textsOf, unixTime } from '../payload.ts'
import type { Fields } from '../payload.ts'
import type { Provider, ProviderEvent } from '../provider.ts'

const types = meaning<OutcomeType>({
  send: 'sent',
  delivered: 'delivered',
  deferral: 'deferred',
  hard_bounce: 'bounced',
  soft_bounce: 'bounced',
  open: 'opened',
  click: 'clicked',
  spam: 'complained',
  unsub: 'unsubscribed',
  reject: 'rejected',
})

export const mandrill: Provider = {
  signature({ header, form, url }, key) {
    if (url === undefined) return { good: false }
    const fields = [...form]
      .map(([name, values]): [string, string] => [name, values.at(-1) ?? ''])
      .sort(([one], [other]) => (one < other ? -1 : 1))
    const signed = `${url}${fields.map(([name, value]) => `${name}${value}`).join('')}`
    return { good: hmacIs('sha1', key, signed, header('x-mandrill-signature'), 'base64') }
  },
  read({ form }) {
    const told = form.get('mandrill_events')?.at(-1)
    if (told === undefined) throw new Fault('invalid', 'the form has no field "mandrill_events"')
    return listOf(jsonOf(Buffer.from(told))).flatMap((item) => {
      const fields = fieldsOf(item)
      return fields.event === 'inbound' ? [] : [event(fields)]
    })
  },
}

function event(item: Fields): ProviderEvent {
  const said = firstOf(item, 'event', 'type') ?? ''
  const message = fieldsOf(item.msg)
  const reject = fieldsOf(item.reject)
  const payload = payloadDigest(item)
  return {
    type: types(said) ?? 'unknown',
    time: unixTime(item.ts),
    message: textOf(item._id),
    identity: payload,
    recipient: textOf(message.email) ?? textOf(reject.email),
    hard: said === 'hard_bounce',
    description: firstOf(reject, 'detail', 'reason'),
    response: textOf(message.diag),
    userAgent: textOf(item.user_agent),
    url: textOf(item.url),
    tags: textsOf(message.tags),
    metadata: fieldsOf(message.metadata),
    payload,
  }
}

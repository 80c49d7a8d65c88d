// A shop that sends mail by a provider: what its stories of outcomes have in common.
import { createHmac } from 'node:crypto'
import type { Client } from '@whence/sdk'
import { message as plainMessage, purposes } from './messages.ts'
import type { Given } from './messages.ts'

export const SIGNING_KEY = 'the-key-that-mailersend-signs-with'
export const TOKEN = 'a-long-random-token-that-postmark-was-given'

export const environment = { WHENCE_WEBHOOK_MAIL: SIGNING_KEY, WHENCE_WEBHOOK_POST: TOKEN }

export const files = [
  purposes,
  {
    path: 'mail.yaml',
    text: `
kind: Webhook
name: mail
provider: mailersend
signature: { env: WHENCE_WEBHOOK_MAIL }
campaigns: ['spring*']
`,
  },
  {
    path: 'post.yaml',
    text: `
kind: Webhook
name: post
provider: postmark
token: { env: WHENCE_WEBHOOK_POST }
`,
  },
]

/** As a model wrote it. */
export const message = (id: string, entity: string, more: Given = {}) =>
  plainMessage(id, entity, {
    creative: 'green',
    model: { name: 'writer', version: '3' },
    prompt: { template: 'offer', version: '7' },
    ...more,
  })

/** Proposes, claims and sends a message; the provider calls it `m-ID`. */
export async function sent(client: Client, id: string, entity: string, more: Given = {}): Promise<number> {
  await client.propose(message(id, entity, more))
  const { claims } = await client.claim()
  const own = claims.find(({ action }) => action === id)!
  await client.acknowledge([{ claim: own.claim, status: 'sent', providerId: `m-${id}` }])
  return own.seq
}

export interface MailEvent {
  type: string
  id: string
  message: string
  recipient: string
  time?: string
  tags?: string[]
}

/** An event about the message `m-ID`, now. */
export const event = (type: string, id: string, more: object = {}): MailEvent => ({
  type,
  id: `${type}-${id}`,
  message: `m-${id}`,
  recipient: `c-${id}@example.com`,
  time: new Date().toISOString(),
  ...more,
})

/** What MailerSend posts of an event. */
export function activity({ type, id, message: of, recipient, time, tags }: MailEvent): object {
  return {
    type: `activity.${type}`,
    data: {
      id,
      type,
      ...(time === undefined ? {} : { created_at: time }),
      email: { message: { id: of }, recipient: { email: recipient }, tags: tags ?? null },
      morph: null,
    },
  }
}

export interface Answer {
  status: number
  body: Record<string, unknown>
  headers: Headers
}

export async function post(
  url: string,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body: body as string,
    headers: { 'content-type': 'application/json', ...headers },
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
    headers: answer.headers,
  }
}

/** Posts an event as MailerSend does, signed. */
export function tell(url: string, event: MailEvent, key = SIGNING_KEY): Promise<Answer> {
  return tellText(url, JSON.stringify(activity(event)), key)
}

export function tellText(url: string, text: string, key = SIGNING_KEY): Promise<Answer> {
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return post(url, '/v1/webhooks/mailersend/mail', text, { signature })
}

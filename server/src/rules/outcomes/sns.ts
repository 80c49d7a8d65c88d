// Messages of Amazon SNS: what of them is signed, and by whose certificate.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
import { X509Certificate } from 'node:crypto'
import { signedBy } from './comparing.ts'
import { fieldsOf, statedTime, textOf } from './payload.ts'
import type { Fields } from './payload.ts'
import type { Window } from './provider.ts'
import { isFresh } from './window.ts'

export interface SnsMessage {
  readonly type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation'
  readonly id: string
  readonly topic: string
  readonly message: string
  readonly fields: Fields
}

const signed: Readonly<Record<SnsMessage['type'], readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  UnsubscribeConfirmation: ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
}

/** A message of SNS; undefined for anything else. */
export function snsMessage(body: unknown): SnsMessage | undefined {
  const fields = fieldsOf(body)
  const type = textOf(fields.Type)
  const [id, topic, message] = [textOf(fields.MessageId), textOf(fields.TopicArn), textOf(fields.Message)]
  if (type === undefined || !Object.hasOwn(signed, type) || id === undefined || message === undefined) return undefined
  return { type: type as SnsMessage['type'], id, topic: topic ?? '', message, fields }
}

/**
 * Where the certificate lies that a message says it is signed with: undefined unless that is at SNS itself. Whoever could
 * name another place would sign for themselves.
 */
export function certificateUrl({ fields }: SnsMessage): string | undefined {
  const url = amazonUrl(textOf(fields.SigningCertURL) ?? textOf(fields.SigningCertUrl))
  return url?.pathname.endsWith('.pem') && url.search === '' ? url.href : undefined
}

/** Where a subscription is confirmed: undefined unless that is at SNS itself. */
export function confirmationUrl({ fields }: SnsMessage): string | undefined {
  return amazonUrl(textOf(fields.SubscribeURL))?.href
}

function amazonUrl(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const itsOwn = /^sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?$/.test(url.hostname)
  const plain = url.port === '' && url.username === '' && url.password === '' && url.hash === ''
  return url.protocol === 'https:' && itsOwn && plain ? url : undefined
}

/** Whether a message is signed with this certificate, in PEM, and fresh. Never throws. */
export function snsSigned({ type, fields }: SnsMessage, certificate: string, window: Window): boolean {
  const algorithm = ({ '1': 'sha1', '2': 'sha256' } as const)[textOf(fields.SignatureVersion) ?? '']
  if (algorithm === undefined || !isFresh(statedTime(fields.Timestamp), window)) return false
  const lines = signed[type].flatMap((name) => {
    const value = textOf(fields[name])
    return value === undefined ? [] : [`${name}\n${value}\n`]
  })
  try {
    const { publicKey, validFromDate, validToDate } = new X509Certificate(certificate)
    const now = new Date(window.now / 1000)
    if (now < validFromDate || now > validToDate) return false
    return signedBy(algorithm, Buffer.from(lines.join('')), publicKey, textOf(fields.Signature))
  } catch {
    return false
  }
}

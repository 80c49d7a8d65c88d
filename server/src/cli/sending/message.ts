// One claim as an e-mail: the copy as it was approved, to one address, with the headers by which it can be told again.
import { hash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import type { Claimed } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import addressparser from 'nodemailer/lib/addressparser'
import MailComposer from 'nodemailer/lib/mail-composer'

export interface Sender {
  readonly name: string
  readonly address: string
}

export interface Written {
  readonly to: string
  readonly messageId: string
  readonly bytes: Uint8Array
}

export interface Letterhead {
  readonly from: Sender
  readonly replyTo: Sender | undefined
  /** Where recipients reach Whence: opt-out links begin with it. */
  readonly publicUrl: string | undefined
}

/** The message, or why there can be none: then the action has failed for good. */
export async function write(claim: Claimed, { from, replyTo, publicUrl }: Letterhead): Promise<Written | string> {
  const to = claim.address === undefined ? undefined : addressOf(claim.address)
  if (claim.address === undefined) return 'it has no address'
  if (to === undefined) return 'its address is none of one mailbox'
  const part = (name: string): string | undefined => claim.copy?.find(({ part: each }) => each === name)?.text
  const [subject, text, html] = [part('subject'), part('text'), part('html')]
  if (subject === undefined || subject.trim() === '') return 'it has no subject'
  // The copy was approved as it is: a header that it would break is not mended, it is refused.
  if (controls(subject)) return 'its subject holds a line break or another control character'
  if (![text, html].some((body) => body !== undefined && body !== '')) return 'it has neither text nor html'
  if (![subject, text, html].every((body) => body === undefined || body.isWellFormed())) return 'its copy is no Unicode'

  const messageId = messageIdOf(claim.idempotencyKey, from.address)
  const composer = new MailComposer({
    from,
    to: [{ name: '', address: to }],
    ...(replyTo === undefined ? {} : { replyTo }),
    subject,
    ...(text === undefined || text === '' ? {} : { text }),
    ...(html === undefined || html === '' ? {} : { html }),
    messageId,
    headers: [
      { key: 'X-Whence-Action', value: claim.idempotencyKey },
      { key: 'X-Whence-Attempt', value: String(claim.attempt) },
      ...optOutHeaders(claim, publicUrl),
    ],
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return { to, messageId, bytes: await composer.compile().build() }
}

/** The same for every attempt at an action, so that whoever gets it twice can see that; it tells nothing but that. */
export function messageIdOf(idempotencyKey: string, from: string): string {
  const digest = hash('sha256', `whence/message-id/v1\n${idempotencyKey}`, 'hex')
  return `<${digest.slice(0, 40)}@${from.slice(from.lastIndexOf('@') + 1)}>`
}

/** The address at which the person opts out, seen from outside. */
export function optOutHeaders({ optOut }: Claimed, publicUrl: string | undefined): { key: string; value: string }[] {
  if (optOut === undefined) return []
  const { pathname } = new URL(optOut.url)
  const url = publicUrl === undefined ? optOut.url : `${publicUrl}${pathname}`
  return [
    { key: 'List-Unsubscribe', value: `<${url}>` },
    { key: 'List-Unsubscribe-Post', value: optOut.headers['List-Unsubscribe-Post'] },
  ]
}

/** One mailbox with or without a name, as in `Shop <news@shop.example>`. Throws `usage`. */
export function senderOf(text: string, option: string): Sender {
  const parsed = controls(text) ? [] : addressparser(text)
  const [one] = parsed
  const address = one !== undefined && 'address' in one ? addressOf(one.address ?? '') : undefined
  if (parsed.length !== 1 || address === undefined)
    throw new Fault('usage', `${option} is one mailbox, as in "Shop <news@shop.example>".`)
  return { name: one!.name, address }
}

/** A mailbox as SMTP takes it, its domain in ASCII; undefined where it is not exactly one. */
export function addressOf(text: string): string | undefined {
  const at = text.lastIndexOf('@')
  const [local, domain] = [text.slice(0, at), domainToASCII(text.slice(at + 1))]
  // RFC 5321, 4.1.2, without quoted strings: nobody has such an address, and many an attack does.
  if (at < 1 || local.length > 64 || !local.isWellFormed()) return undefined
  if (
    !/^[^\s\p{Cc}()<>[\]:;@\\,"]+$/u.test(local) ||
    local.startsWith('.') ||
    local.endsWith('.') ||
    local.includes('..')
  )
    return undefined
  if (domain.length > 253 || !/^(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/i.test(domain)) return undefined
  return `${local}@${domain}`
}

function controls(text: string): boolean {
  return /[\p{Cc}\u2028\u2029]/u.test(text)
}

// The providers that are known, by the names that files and addresses use.
import { amazonSes } from './providers/amazon-ses.ts'
import { mailersend } from './providers/mailersend.ts'
import { mailgun } from './providers/mailgun.ts'
import { mailtrap } from './providers/mailtrap.ts'
import { mandrill } from './providers/mandrill.ts'
import { postal } from './providers/postal.ts'
import { postmark } from './providers/postmark.ts'
import { sendgrid } from './providers/sendgrid.ts'
import { unisenderGo } from './providers/unisender-go.ts'
import type { Provider } from './provider.ts'

export const PROVIDERS = [
  'amazon_ses',
  'mailersend',
  'mailgun',
  'mailtrap',
  'mandrill',
  'postal',
  'postmark',
  'sendgrid',
  'unisender_go',
] as const
export type ProviderName = (typeof PROVIDERS)[number]

export const providers: Readonly<Record<ProviderName, Provider>> = {
  amazon_ses: amazonSes,
  mailersend,
  mailgun,
  mailtrap,
  mandrill,
  postal,
  postmark,
  sendgrid,
  unisender_go: unisenderGo,
}

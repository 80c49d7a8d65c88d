// Something that was told, by a provider, a sender or support: read, and not yet recorded.
import type { OutcomeReport, OutcomeType, Ticket } from '@whence/sdk'
import { hash } from 'node:crypto'
import type { z } from 'zod'
import type { OutcomeReport as ReportSchema, Ticket as TicketSchema } from '@whence/sdk'
import type { Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { ProviderEvent } from '../../rules/outcomes/provider.ts'
import { campaignOf } from '../../rules/outcomes/webhook.ts'
import type { WebhookPolicy } from '../../rules/outcomes/webhook.ts'
import type { OutcomeContent } from './recorded.ts'

export interface Told {
  /** Under which it is recognised when it comes again. */
  readonly id: string
  readonly content: Omit<OutcomeContent, 'time' | 'assumed'>
  /** When it happened; undefined where nobody said. */
  readonly time: Micros | undefined
  readonly channel: string
  /** Of an outcome that is tied to no action. */
  readonly campaign: string | undefined
  /** The person, where whoever tells knows them. */
  readonly person: { identifier?: string | undefined; subject?: string | undefined; subjectType?: string | undefined }
  /** Of what an address is the identifier, where identifiers are addresses. */
  readonly subjectType: string
  /** The person wants no marketing any more. */
  readonly optsOut: boolean
}

/** Texts of others have no end; of each so much is kept. */
const LONGEST = { text: 2000, name: 200, list: 50, id: 200 }

export function toldBy(name: string, hook: WebhookPolicy, event: ProviderEvent): Told {
  const { type, message, recipient, reason, hard, description, response, userAgent, url, tags, metadata } = event
  const to = cut(recipient, 512)
  const id = cut(message, 512)
  return {
    id: shortId(`${hook.provider}:${event.identity}`),
    content: given({
      about: to ?? id ?? `${hook.provider} event`,
      type,
      provider: hook.provider,
      webhook: name,
      recipient: to,
      message: id,
      action: actionIn(event),
      reason,
      hard: hard ? true : undefined,
      description: cut(description),
      response: cut(response),
      userAgent: cut(userAgent),
      url: cut(url),
      tags: tags.length === 0 ? undefined : tags.slice(0, LONGEST.list).map((tag) => cut(tag, LONGEST.name)!),
      metadata: labels(metadata),
      payload: event.payload,
    }),
    time: event.time,
    channel: hook.channel,
    campaign: cut(campaignOf(hook, event), LONGEST.name),
    person: {},
    subjectType: hook.subjectType,
    optsOut: optsOut(type),
  }
}

export function toldByReport(report: z.output<typeof ReportSchema>): Told {
  const { id, type, time, identifier, subject, subjectType, channel, campaign, ...rest } = report
  return {
    id: `report:${id}`,
    content: given({ ...rest, about: aboutOf(report), type, provider: 'report', hard: rest.hard ? true : undefined }),
    time: time === undefined ? undefined : parseTime(time),
    channel,
    campaign,
    person: { identifier, subject, subjectType },
    subjectType: subjectType ?? 'customer',
    optsOut: optsOut(type),
  }
}

export function toldByTicket(ticket: z.output<typeof TicketSchema>): Told {
  const { id, kind, time, identifier, subject, subjectType, channel, optOut, ...rest } = ticket
  const type: OutcomeType = kind === 'complaint' ? 'complained' : kind
  return {
    id: `ticket:${id}`,
    content: given({ ...rest, about: aboutOf(ticket), type, provider: 'ticket' }),
    time: time === undefined ? undefined : parseTime(time),
    channel,
    campaign: undefined,
    person: { identifier, subject, subjectType },
    subjectType: subjectType ?? 'customer',
    optsOut: optOut || optsOut(type),
  }
}

/** Whoever complains of spam, or unsubscribes, wants no more of it. */
function optsOut(type: OutcomeType): boolean {
  return type === 'unsubscribed' || type === 'complained'
}

function aboutOf(told: OutcomeReport | Ticket): string {
  return told.recipient ?? told.message ?? told.identifier ?? told.subject ?? told.action ?? told.id
}

/** The action that the sender named in what it gave along with the message: its id, or the idempotency key of its claim. */
function actionIn({ tags, metadata }: ProviderEvent): string | undefined {
  const said = metadata.whence_action ?? metadata['whence-action']
  const tag = tags.find((one) => one.startsWith('whence:'))?.slice('whence:'.length)
  const action = typeof said === 'string' ? said : tag
  return action === undefined || action === '' ? undefined : cut(action, 512)
}

function cut(text: string | undefined, most: number = LONGEST.text): string | undefined {
  if (text === undefined) return undefined
  // Tables hold no NUL and UTF-8 no half of a character.
  const whole = (text.length > most ? text.slice(0, most) : text).replaceAll('\0', '').toWellFormed()
  return whole === '' && text !== '' ? undefined : whole
}

function shortId(id: string): string {
  return id.length <= LONGEST.id && id.isWellFormed() ? id : `sha256:${hash('sha256', id)}`
}

/** Scalars only, so many, and so long. */
function labels(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const entries = Object.entries(metadata)
    .slice(0, LONGEST.list)
    .flatMap(([name, value]) => {
      const kept = typeof value === 'string' ? cut(value) : value
      const scalar = typeof kept === 'string' || typeof kept === 'number' || typeof kept === 'boolean'
      return scalar ? [[cut(name, LONGEST.name) ?? '', kept] as const] : []
    })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function given<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never
}

// Every feature of customer_engagement once more, straight from the file, without Whence, SQL or DuckDB: to hold the
// materialised values against.
import { readEvents, type EmailEvent } from './events.ts'
import type { Independent, Values } from '../example.ts'

const days = 24 * 3600 * 1000

interface Timed extends EmailEvent {
  readonly happened: number
  readonly known: number
}

export function independent(file: string): Independent {
  const events: Timed[] = readEvents(file).map((event) => ({
    ...event,
    happened: Date.parse(event.time),
    known: Date.parse(event.received_at),
  }))
  const customers = Map.groupBy(events, (event) => event.customer_id)
  const count = (kind: EmailEvent['event'], feature: string) => ({
    kind,
    count: events.filter((event) => event.event === kind).length,
    feature,
  })
  return {
    subjects: customers.size,
    counts: {
      at: '2026-03-20T00:00:00Z',
      kinds: [
        count('sent', 'sends_90d'),
        count('opened', 'opens_90d'),
        count('clicked', 'clicks_90d'),
        count('converted', 'conversions_90d'),
        count('unsubscribed', 'optouts_90d'),
      ],
    },
    featuresOf: (customer, at) => engagement(customers.get(customer) ?? [], Date.parse(at)),
    features(at) {
      const rows = [...customers].map(([customer, own]) => [customer, engagement(own, Date.parse(at))] as const)
      return new Map(rows.filter((row): row is [string, Values] => row[1] !== undefined))
    },
  }
}

/** The features of one customer; undefined when nothing was known about them at that time. */
function engagement(own: readonly Timed[], at: number): Values | undefined {
  const known = own.filter((e) => e.happened <= at && e.known <= at)
  if (known.length === 0) return undefined
  const within = (count: number, kind: EmailEvent['event']) =>
    known.filter((e) => e.event === kind && e.happened > at - count * days)
  const campaigns = (events: readonly Timed[]) => new Set(events.map((e) => e.campaign)).size
  const rate = (opened: readonly Timed[], sent: readonly Timed[]) =>
    sent.length === 0 ? null : campaigns(opened) / campaigns(sent)
  const ofStyleA = (events: readonly Timed[]) => events.filter((e) => e.creative === 'A')

  const sent = within(90, 'sent')
  const opened = within(90, 'opened')
  const converted = within(90, 'converted')
  const lastOpen = Math.max(...opened.map((e) => e.happened))
  return {
    sends_30d: within(30, 'sent').length,
    sends_90d: sent.length,
    opens_7d: campaigns(within(7, 'opened')),
    opens_30d: campaigns(within(30, 'opened')),
    opens_90d: opened.length,
    clicks_30d: within(30, 'clicked').length,
    clicks_90d: within(90, 'clicked').length,
    open_rate_90d: rate(opened, sent),
    open_rate_a_90d: rate(ofStyleA(opened), ofStyleA(sent)),
    days_since_open: opened.length === 0 ? null : (at - lastOpen) / 1000 / 86400,
    conversions_90d: converted.length,
    order_value_90d: (converted.reduce((sum, e) => sum + Math.round(e.order_value! * 100), 0) / 100).toFixed(2),
    optouts_90d: within(90, 'unsubscribed').length,
  }
}

// Every feature of customer_touchpoints once more, straight from the CSV file, without Whence, SQL or DuckDB: to hold
// the materialised values against.
import type { Independent, Values } from '../example.ts'
import { readTouchpoints, type Touchpoint } from './touchpoints.ts'

const day = 24 * 3600 * 1000

export function independent(file: string): Independent {
  const touchpoints = readTouchpoints(file)
  const customers = Map.groupBy(touchpoints, (touchpoint) => touchpoint.customer)
  const count = (kind: Touchpoint['kind'], feature: string) => ({
    kind,
    count: touchpoints.filter((touchpoint) => touchpoint.kind === kind).length,
    feature,
  })
  return {
    subjects: customers.size,
    counts: {
      at: '2018-08-01T00:00:00Z',
      kinds: [count('impression', 'impressions'), count('conversion', 'conversions')],
    },
    featuresOf: (customer, at) => features(customers.get(customer) ?? [], Date.parse(at)),
    features(at) {
      const rows = [...customers].map(([customer, own]) => [customer, features(own, Date.parse(at))] as const)
      return new Map(rows.filter((row): row is [string, Values] => row[1] !== undefined))
    },
  }
}

/** The features of one customer; undefined when nothing had happened by that time. */
function features(own: readonly Touchpoint[], at: number): Values | undefined {
  const past = own.filter((touchpoint) => touchpoint.at <= at)
  if (past.length === 0) return undefined
  const within = (days: number, kind: Touchpoint['kind']) =>
    past.filter((touchpoint) => touchpoint.kind === kind && touchpoint.at > at - days * day)
  const shown = within(30, 'impression')
  const converted = within(30, 'conversion')
  const on = (channel: string) => shown.filter((touchpoint) => touchpoint.channel === channel).length
  const daysSinceLast = (touchpoints: readonly Touchpoint[]) =>
    touchpoints.length === 0 ? null : (at - Math.max(...touchpoints.map((t) => t.at))) / 1000 / 86400
  return {
    impressions: past.filter((touchpoint) => touchpoint.kind === 'impression').length,
    impressions_7d: within(7, 'impression').length,
    impressions_30d: shown.length,
    facebook_30d: on('Facebook'),
    instagram_30d: on('Instagram'),
    online_display_30d: on('Online Display'),
    online_video_30d: on('Online Video'),
    paid_search_30d: on('Paid Search'),
    channels_30d: new Set(shown.map((touchpoint) => touchpoint.channel)).size,
    days_since_impression: daysSinceLast(shown),
    conversions: past.filter((touchpoint) => touchpoint.kind === 'conversion').length,
    conversions_30d: converted.length,
    conversion_value_30d: (converted.reduce((sum, { value }) => sum + value, 0) / 10_000).toFixed(4),
    days_since_conversion: daysSinceLast(converted),
  }
}

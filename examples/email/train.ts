// Learns who opens an e-mail with a subject line of style A within three days.
//
//   WHENCE_KEY=wk_… node train.ts email_events.ndjson
import { createClient, type Client, type ModelVersion } from '@whence/sdk'
import { learn } from '../training.ts'
import { readEvents } from './events.ts'

const features = [
  'sends_30d',
  'opens_7d',
  'opens_30d',
  'clicks_30d',
  'clicks_90d',
  'open_rate_90d',
  'open_rate_a_90d',
  'days_since_open',
  'conversions_90d',
  'order_value_90d',
]
const parameters = { l2: 10, missing: { days_since_open: 90 }, features }

/** Sends before `split` teach, later ones test. Each needs some history before it, and three days to be opened after. */
const first = Date.parse('2026-01-20T00:00:00Z')
const split = Date.parse('2026-03-01T00:00:00Z')
const last = Date.parse('2026-03-17T00:00:00Z')
const threeDays = 3 * 24 * 3600 * 1000

/** The label: for every send of a subject line A, whether that customer opened that campaign within three days. */
export function labelled(file: string): { entity: string; at: string; label: boolean }[] {
  const events = readEvents(file).filter((event) => event.creative === 'A')
  const key = (event: { customer_id: string; campaign: string }) => `${event.customer_id} ${event.campaign}`
  const opened = new Map<string, number>()
  for (const event of events.filter((e) => e.event === 'opened')) {
    opened.set(key(event), Math.min(opened.get(key(event)) ?? Infinity, Date.parse(event.time)))
  }
  return events
    .filter((event) => event.event === 'sent')
    .map((event) => ({ ...event, sent: Date.parse(event.time) }))
    .filter(({ sent }) => sent >= first && sent < last)
    .map((event) => ({
      entity: event.customer_id,
      at: event.time,
      label: (opened.get(key(event)) ?? Infinity) <= event.sent + threeDays,
    }))
}

export function train(whence: Client, file: string): Promise<ModelVersion> {
  return learn(whence, {
    id: 'opens-subject-a',
    view: 'customer_engagement',
    label: 'opens subject line A within 3 days',
    spine: labelled(file),
    parameters: { ...parameters, split: new Date(split).toISOString() },
    isTest: (row) => Date.parse(row.at) >= split,
    model: {
      name: 'opens_subject_a',
      description: 'Whether a customer opens an e-mail within three days when its subject line is of style A',
      predicts: 'opens subject line A',
    },
    script: import.meta.url,
  })
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const { name, version, metrics } = await train(createClient({ url, key }), process.argv[2] ?? 'email_events.ndjson')
  console.log(`${name}@${version}`, metrics)
}

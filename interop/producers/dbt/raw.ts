// The raw table in front of the e-mail example: its simulated events as a mail platform would have exported them.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { simulate } from '../../../examples/email/simulate.ts'

/** Column of the raw table by field of an event. */
const columns = {
  message: 'event_id',
  number: 'sequence',
  action: 'event',
  occurred: 'time',
  heard: 'received_at',
  contact: 'customer_id',
  campaign: 'campaign',
  variant: 'creative',
  segment: 'audience',
  system: 'platform',
  opted_in: 'consent',
  subject: 'subject_line',
  order_number: 'order_id',
} as const

type Cell = string | number | boolean | undefined
type Event = Record<string, Cell>

/** Writes `seeds/*.csv` into a project, and resolves to the events whose rows they hold. */
export async function writeRaw(project: string, customers: number): Promise<Event[]> {
  // The last line of the simulation is cut off: a file would have it, a table has not.
  const events = simulate({ customers })
    .lines.slice(0, -1)
    .map((line) => JSON.parse(line) as Event)
  const rows = events.map((event) => [
    ...Object.values(columns).map((field) => event[field]),
    event['order_value'] === undefined ? undefined : Math.round(Number(event['order_value']) * 100),
  ])
  const refunds = events
    .filter((event) => event['order_id'] !== undefined)
    .filter((_, i) => i % 4 === 0)
    .map((event) => [event['order_id'], 500])
  await mkdir(join(project, 'seeds'))
  await writeFile(join(project, 'seeds', 'platform_events.csv'), csv([...Object.keys(columns), 'order_cents'], rows))
  await writeFile(join(project, 'seeds', 'refunds.csv'), csv(['order_number', 'refund_cents'], refunds))
  return events
}

function csv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cell = (value: Cell): string =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '')
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\n`).join('')
}

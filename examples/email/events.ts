// Reading the file of the programme: what a warehouse query would be in a project with a warehouse.
import { readFileSync } from 'node:fs'

export interface EmailEvent {
  readonly event: 'sent' | 'opened' | 'clicked' | 'converted' | 'unsubscribed'
  readonly time: string
  readonly received_at: string
  readonly customer_id: string
  readonly campaign: string
  readonly creative: string
  readonly order_value?: number
}

/** The events of a file that can be used; lines that the contract would not let through are left out. */
export function readEvents(file: string): EmailEvent[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(usable)
    .map((line) => JSON.parse(line) as EmailEvent)
}

/** A flat object with every key once, a customer, a creative by name, whole numbers below 2^53, times with a zone. */
function usable(line: string): boolean {
  const keys = [...line.matchAll(/"(\w+)":/g)].map((match) => match[1])
  return (
    line.endsWith('}') &&
    new Set(keys).size === keys.length &&
    keys.includes('customer_id') &&
    /"creative":"/.test(line) &&
    /"time":"[^"]*Z"/.test(line) &&
    Number.isSafeInteger(Number(/"order_id":(\d+)/.exec(line)?.[1] ?? 0))
  )
}

// What the measurements share: a server on a fresh folder, a stream of e-mail events, and the way numbers are put down.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Client } from '@whence/sdk'
import { readConfig } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import type { Server } from '../server/src/server.ts'
import { dropSchema } from '../server/src/store/testing.ts'

/** One line of the results. `limit` is what was measured beside it in the same run. */
export interface Measured {
  what: string
  measured: string
  limit: string
  goal: string
}

export interface World {
  server: Server
  client: Client
  folder: string
  /** Of the server, to start it again on the same folder. */
  env: NodeJS.ProcessEnv
}

export async function withWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const schema = `bench_${randomBytes(8).toString('hex')}`
  const env: NodeJS.ProcessEnv = { ...process.env, WHENCE_STATE: join(folder, 'state'), WHENCE_SCHEMA: schema }
  const server = await startServer(readConfig(join(folder, 'data'), env), { private: true })
  try {
    return await work({
      server,
      client: createClient({ url: server.url, key: server.token }),
      folder: join(folder, 'data'),
      env,
    })
  } finally {
    await server.stop()
    await rm(folder, { recursive: true })
    if (env.DATABASE_URL !== undefined) await dropSchema(env.DATABASE_URL, schema)
  }
}

/**
 * What a file of measurements finds when it is run with these arguments: callers are processes of their own, so that a
 * server does not wait for them. The file gives it to `tell`.
 */
export function apart<T>(file: string, ...args: readonly (string | number)[]): Promise<T> {
  const child = fork(new URL(file), args.map(String))
  return new Promise((resolve, reject) => {
    child.once('message', (found) => resolve(found as T))
    // Not at its exit: what it said last may be on its way still.
    child.once('disconnect', () => reject(new Error(`${file} ended without a result`)))
  })
}

export function tell(found: unknown): void {
  process.send!(found, () => process.disconnect!())
}

export const contract = `
apiVersion: v3.1.0
kind: DataContract
id: sends
version: 1.0.0
status: active
schema:
  - name: sends
    logicalType: object
    properties:
      - { name: event_id, logicalType: string, required: true }
      - { name: customer_id, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
      - { name: event, logicalType: string, required: true, logicalTypeOptions: { enum: [sent, opened, clicked] } }
      - { name: campaign, logicalType: string }
      - { name: value, logicalType: integer }
      - { name: note, logicalType: string }
customProperties:
  - { property: whence, value: { eventId: event_id, subject: customer_id, eventTime: time, knownAt: eventTime, campaign: campaign } }
`

export const view = `
kind: FeatureView
name: engagement
entity: customer
source: sends
features:
  - { name: events, type: int64, expr: count(*) }
  - { name: opens_7d, type: int64, window: 7d, filter: "event = 'opened'", expr: count(*) }
  - { name: opens_30d, type: int64, window: 30d, filter: "event = 'opened'", expr: count(*) }
  - { name: clicks_30d, type: int64, window: 30d, filter: "event = 'clicked'", expr: count(*) }
  - { name: value_30d, type: int64, window: 30d, expr: "coalesce(sum(value), 0)" }
  - { name: campaigns_90d, type: int64, window: 90d, expr: count(distinct campaign) }
  - { name: days_since_last, type: double, expr: "date_diff('second', max(time), as_of) / 86400.0" }
  - { name: share_opened, type: double, window: 90d, expr: "count(*) filter (where event = 'opened') / greatest(count(*), 1)" }
`

export const at = '2026-04-01T00:00:00Z'
const first = Date.parse('2026-01-01T00:00:00Z')
const kinds = ['sent', 'sent', 'sent', 'opened', 'clicked']

/** Event `n` as one line of JSON, about `bytes` long, about one of `people` persons. */
export function eventLine(n: number, people: number, bytes: number): string {
  const person = Math.imul(n, 2_654_435_761) >>> 0
  const time = new Date(first + (n % 7_700_000) * 1000).toISOString()
  const line = `{"event_id":"e-${n}","customer_id":"c-${person % people}","time":"${time}","event":"${kinds[n % 5]}","campaign":"k-${n % 40}","value":${n % 100}`
  const rest = bytes - line.length - 12
  return rest > 0 ? `${line},"note":"${'x'.repeat(rest)}"}` : `${line}}`
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en')
export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
export const rate = (value: number): string => `${whole(value)}/s`
export const memory = (): string => `${whole(process.resourceUsage().maxRSS / 1024)} MB`

// The client of the ingest measurements, a process of its own: `node load.ts URL KEY BYTES SECONDS [EVENTS-A-SECOND]`.
// Prints {events, seconds} as JSON.
import { createClient } from '@whence/sdk'
import { eventLine } from './world.ts'

const [url, key, bytes, seconds, pace] = process.argv.slice(2) as [string, string, string, string, string?]
const client = createClient({ url, key })
const batch = pace === undefined ? 1000 : 500
let next = Number(process.env.FROM ?? 0)
const began = performance.now()
const until = began + Number(seconds) * 1000
let sent = 0

async function worker(): Promise<void> {
  while (performance.now() < until) {
    const body = Array.from({ length: batch }, () => eventLine(next++, 50_000, Number(bytes))).join('\n')
    const { accounting } = await client.ingest('sends', body)
    if (accounting.passed !== batch) throw new Error(`not all passed: ${JSON.stringify(accounting)}`)
    sent += batch
    const ahead = pace === undefined ? 0 : (sent / Number(pace)) * 1000 - (performance.now() - began)
    if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead))
  }
}
await Promise.all(Array.from({ length: pace === undefined ? 4 : 1 }, worker))
console.log(JSON.stringify({ events: sent, seconds: (performance.now() - began) / 1000 }))

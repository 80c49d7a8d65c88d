// Consent checks of a million people, one after another over HTTP, while batch events come in. Beside them: the same round
// trip without a question. The caller is a process of its own, so that it does not wait for its own load.
import { spawn } from 'node:child_process'
import { createClient } from '@whence/sdk'
import { apart, contract, memory, ms, quantile, tell, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const purposes = `
kind: Purposes
name: shop
purposes:
  - name: newsletter
    marketing: true
    grounds:
      - { basis: consent }
`

const AT_ONCE = 1000

interface Taken {
  checks: number[]
  bare: number[]
}

export async function consent(people = 1_000_000, checks = 5000, pace = 2000): Promise<Measured[]> {
  return withWorld(async ({ server, client }) => {
    await client.apply({
      files: [
        { path: 'sends.yaml', text: contract },
        { path: 'purposes.yaml', text: purposes },
      ],
    })
    const began = performance.now()
    const batch = async (first: number): Promise<void> => {
      const consents = Array.from({ length: Math.min(AT_ONCE, people - first) }, (_, i) => ({
        id: `r-${first + i}`,
        identifier: `c-${first + i}`,
        state: 'given' as const,
        purposes: [{ purpose: 'newsletter' }],
      }))
      const { refused } = await client.recordConsents({ consents })
      if (refused > 0) throw new Error(`${refused} receipts were refused`)
    }
    for (let first = 0; first < people; first += AT_ONCE * 3)
      await Promise.all([0, 1, 2].map((n) => first + n * AT_ONCE).flatMap((n) => (n < people ? [batch(n)] : [])))
    const filled = (performance.now() - began) / 1000
    const idle = await apart<Taken>(import.meta.url, server.url, server.token, people, checks)
    const load = spawn(
      process.execPath,
      [new URL('load.ts', import.meta.url).pathname, server.url, server.token, '200', '600', String(pace)],
      { stdio: 'ignore' },
    )
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const busy = await apart<Taken>(import.meta.url, server.url, server.token, people, checks)
    load.kill()
    const line = (times: number[]): string => `p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`
    return [
      { what: 'idle', goal: '', times: idle },
      { what: `under ${whole(pace)} batch events/s`, goal: 'p99 ≤ 5 ms', times: busy },
    ].map(({ what, goal, times }) => ({
      what: `consent check over HTTP at ${whole(people)} people, ${what}`,
      measured: `${line(times.checks)}; receipts recorded at ${whole(people / filled)}/s before; peak ${memory()}`,
      limit: `GET /health, same connection: ${line(times.bare)}`,
      goal,
    }))
  })
}

async function call(url: string, key: string, people: number, checks: number): Promise<Taken> {
  const client = createClient({ url, key })
  const times: Taken = { checks: [], bare: [] }
  const headers = { authorization: `Bearer ${key}` }
  for (let n = -200; n < checks; n++) {
    const identifier = `c-${(Math.imul(n, 2_654_435_761) >>> 0) % people}`
    const began = performance.now()
    const { allowed } = await client.checkConsent({ identifier, purpose: 'newsletter', channel: 'email' })
    const asked = performance.now()
    if (!allowed) throw new Error(`${identifier} is denied`)
    await (await fetch(`${url}/health`, { headers })).text()
    if (n < 0) continue
    times.checks.push(asked - began)
    times.bare.push(performance.now() - asked)
  }
  return times
}

if (process.connected && import.meta.main) {
  const [url, key, people, checks] = process.argv.slice(2)
  tell(await call(url!, key!, Number(people), Number(checks)))
} else if (import.meta.main) console.log(await consent(5000, 500))

// How long one event waits until it is durable and answered: on an idle server, and while 2,000 batch events/s come in.
// The limit beside it: appending as many bytes to a file and syncing it.
import { spawn } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { contract, eventLine, memory, ms, quantile, withWorld } from './world.ts'
import type { Measured } from './world.ts'

export async function acknowledge(times = 1000): Promise<Measured[]> {
  return withWorld(async ({ server, client, folder }) => {
    await client.apply({ files: [{ path: 'sends.yaml', text: contract }] })
    let next = 50_000_000
    const single = async (count: number): Promise<number[]> => {
      const taken: number[] = []
      for (let i = 0; i < count; i++) {
        const began = performance.now()
        await client.ingest('sends', eventLine(next++, 50_000, 200))
        taken.push(performance.now() - began)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return taken
    }
    await single(100)
    const idle = await single(times)
    const load = spawn(
      process.execPath,
      [new URL('load.ts', import.meta.url).pathname, server.url, server.token, '200', '60', '2000'],
      { stdio: 'ignore' },
    )
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const busy = await single(times)
    load.kill()
    const bare = await bareSync(`${folder}/bare`, times)
    const line = (what: string, taken: number[], goal: string): Measured => ({
      what: `acknowledgement of one event, ${what}`,
      measured: `p50 ${ms(quantile(taken, 0.5))}, p99 ${ms(quantile(taken, 0.99))}; peak ${memory()}`,
      limit: `append + fdatasync of 1 KB: p50 ${ms(quantile(bare, 0.5))}, p99 ${ms(quantile(bare, 0.99))}`,
      goal,
    })
    return [line('idle', idle, ''), line('under 2,000 batch events/s', busy, 'p99 ≤ 10 ms')]
  })
}

async function bareSync(path: string, times: number): Promise<number[]> {
  const file = await open(path, 'w')
  const bytes = Buffer.alloc(1024)
  const taken: number[] = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await file.write(bytes)
    await file.datasync()
    taken.push(performance.now() - began)
  }
  await file.close()
  await rm(path)
  return taken
}

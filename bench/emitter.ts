// What `emit` costs its caller, in TypeScript and in Python: records come one by one, as in a handler that serves, while
// the emitter spools and sends to a server of its own. The limit beside it: turning the same record into JSON.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { createEmitter } from '@whence/sdk/emitter'
import { main } from '../journeys/site.ts'
import { contract, stream } from '../journeys/visits.ts'
import { quantile } from './world.ts'
import type { Measured } from './world.ts'

const micros = (value: number): string => `${value.toFixed(1)} µs`

/** The server is a process of its own: what it costs is not the caller's. */
export async function emitter(records = Number(process.env.WHENCE_BENCH_RECORDS ?? 20_000)): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-bench-'))
  const env = {
    ...process.env,
    WHENCE_DATA: join(folder, 'data'),
    WHENCE_STATE: join(folder, 'state'),
    WHENCE_PORT: '0',
  }
  const server = spawn(process.execPath, [main, 'up', '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const { url, adminKey: token } = await started(server.stdout)
    const answer = await fetch(`${url}/v1/declarations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ files: [{ path: `${stream}.yaml`, text: contract }] }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    const rows: Measured[] = []
    for (const bytes of [200, 1700]) {
      rows.push(await inTypeScript(url, token, folder, records, bytes))
      const python = await inPython(url, token, records, bytes)
      if (python) rows.push(python)
    }
    return rows
  } finally {
    server.kill()
    await new Promise((resolve) => server.once('close', resolve))
    await rm(folder, { recursive: true, force: true })
  }
}

async function started(output: AsyncIterable<Buffer>): Promise<{ url: string; adminKey: string }> {
  let said = ''
  for await (const piece of output) {
    said += piece.toString()
    if (said.endsWith('}\n')) return JSON.parse(said) as { url: string; adminKey: string }
  }
  throw new Error('the server did not start')
}

async function inTypeScript(url: string, key: string, folder: string, count: number, bytes: number): Promise<Measured> {
  const one = createEmitter({ url, key, spool: join(folder, `spool-${bytes}`) })
  const page = 'x'.repeat(Math.max(0, bytes - 90))
  const record = (i: number) => ({
    id: `ts-${bytes}-${i}`,
    customer: `c-${i % 1000}`,
    time: '2026-03-01T10:00:00Z',
    page,
  })
  for (let i = 0; i < 2000; i++) one.emit(stream, record(-i - 1))
  const emitted: number[] = []
  const bare: number[] = []
  for (let i = 0; i < count; i++) {
    const each = record(i)
    const began = performance.now()
    one.emit(stream, each)
    const between = performance.now()
    JSON.stringify(each)
    bare.push((performance.now() - between) * 1000)
    emitted.push((between - began) * 1000)
    // Other work gets its turns, that of the emitter too.
    if (i % 10 === 9) await turn()
  }
  const stats = (await one.close(120_000)).streams[stream]!
  if (stats.recorded !== stats.emitted) throw new Error(`not all was recorded: ${JSON.stringify(stats)}`)
  return {
    what: `emitter, TypeScript: cost to the caller, ${bytes} bytes`,
    measured: `p50 ${micros(quantile(emitted, 0.5))}, p99 ${micros(quantile(emitted, 0.99))}`,
    limit: `JSON.stringify: p50 ${micros(quantile(bare, 0.5))}, p99 ${micros(quantile(bare, 0.99))}`,
    goal: 'p99 ≤ 20 µs',
  }
}

async function inPython(url: string, key: string, count: number, bytes: number): Promise<Measured | undefined> {
  const client = fileURLToPath(new URL('../clients/python', import.meta.url))
  const ran = await promisify(execFile)(
    'python3',
    [join(client, 'bench.py'), url, key, String(Math.min(count, 10_000)), String(bytes)],
    { env: { ...process.env, PYTHONPATH: client, PYTHONDONTWRITEBYTECODE: '1' } },
  ).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!ran) return undefined
  const { emit, limit } = JSON.parse(ran.stdout) as Record<'emit' | 'limit', { p50: number; p99: number }>
  return {
    what: `emitter, Python: cost to the caller, ${bytes} bytes`,
    measured: `p50 ${micros(emit.p50)}, p99 ${micros(emit.p99)}`,
    limit: `json.dumps: p50 ${micros(limit.p50)}, p99 ${micros(limit.p99)}`,
    goal: 'p99 ≤ 100 µs',
  }
}

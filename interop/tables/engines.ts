// The Python that has the engines (WHENCE_ENGINES), and what its programs say.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Running } from '../../journeys/site.ts'
import { run as runOfProducers, sparkSettings } from '../producers/environment.ts'

const folder = process.env['WHENCE_ENGINES']
const python = join(folder ?? '', 'bin', 'python')

/** For the Spark of interop/producers. */
const ICEBERG = 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0'

/** Why this cannot run here: WHENCE_ENGINES names no Python that has what requirements.txt names. In CI it fails instead. */
export function lacking(): string | false {
  if (process.env['CI'] === 'true') return false
  if (folder === undefined) return 'WHENCE_ENGINES names no Python environment: see interop/README.md'
  const { status } = spawnSync(python, ['-c', 'import pyiceberg, duckdb, chdb'])
  return status === 0 ? false : 'the Python of WHENCE_ENGINES lacks pyiceberg, DuckDB or chdb'
}

export interface At {
  rows: number
  columns: Record<string, string[]>
}
export interface Read {
  pyiceberg: Record<
    string,
    { current: string | null; snapshots: Record<string, At & { schema: Record<string, string> }> }
  >
  duckdb: Record<string, { snapshots: Record<string, At> }>
  chdb: Record<string, { schema: Record<string, string>; snapshots: Record<string, At> }>
}

/** Every snapshot of every table, read by the three engines that are libraries. */
export async function readTables({ url, client }: Running, data: string): Promise<Read> {
  const { secret } = await client.issueKey({ name: 'engine', scopes: ['read'], source: 'engine' })
  return (await pythonSays('read.py', [], { WHENCE_URL: url, WHENCE_KEY: secret, WHENCE_DATA: data })) as Read
}

/** The same by Spark, which fetches what it needs for Iceberg by itself. */
export async function readWithSpark(
  { url, client }: Running,
  work: string,
  schemas: Read['pyiceberg'],
): Promise<Record<string, { listed: string[]; snapshots: Record<string, At> }>> {
  const { secret } = await client.issueKey({ name: 'spark', scopes: ['read'], source: 'spark' })
  const { code, stdout, stderr } = await runOfProducers('python', [join(import.meta.dirname, 'spark.py')], {
    env: { WHENCE_URL: url, WHENCE_KEY: secret, ...sparkSettings(work, ICEBERG) },
    input: JSON.stringify(schemas),
  })
  assert.equal(code, 0, stderr.slice(-4000))
  assert.ok(!stderr.includes(secret), 'the key is not logged')
  return JSON.parse(stdout.slice(stdout.indexOf('{'))) as Awaited<ReturnType<typeof readWithSpark>>
}

/** The JSON that a program of this folder prints. */
export async function pythonSays(program: string, args: string[], env: Record<string, string> = {}): Promise<unknown> {
  const child = spawn(python, [join(import.meta.dirname, program), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  assert.equal(code, 0, stderr.slice(-4000))
  return JSON.parse(stdout) as unknown
}

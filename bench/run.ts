// npm run bench [-- PART …]: measures what docs and blueprint give a number for, each part in a process of its own, and
// prints a table; with --write it replaces bench/RESULTS.md. On PGlite; with DATABASE_URL lineage on PostgreSQL too.
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'
import { acknowledge } from './acknowledge.ts'
import { actions } from './actions.ts'
import { batchScope } from './batch-scope.ts'
import { chain } from './chain.ts'
import { consent } from './consent.ts'
import { emitter } from './emitter.ts'
import { gating } from './gates.ts'
import { ingest } from './ingest.ts'
import { arrayOverlap, columnLadder, lineageClosure, lineageImpact, lineageIngest } from './lineage.ts'
import { materialising } from './materialise.ts'
import { replaying } from './replay.ts'
import { online } from './online.ts'
import { monitorsSimulated } from './monitors.ts'
import { partitions } from './partitions.ts'
import { predictions } from './predictions.ts'
import { tableCommit } from './tables.ts'
import { training } from './training.ts'
import { rollback } from './rollback.ts'
import { webhooks } from './webhooks.ts'
import type { Measured } from './world.ts'

const parts: Record<string, () => Promise<Measured[]>> = {
  'ingest-200': async () => [await ingest(200)],
  'ingest-1700': async () => [await ingest(1700)],
  acknowledge: () => acknowledge(),
  chain: () => chain({ events: 1_000_000, predictions: 100_000, people: 50_000, everything: true }),
  materialise: () => materialising(),
  training: () => training(),
  emitter: () => emitter(),
  'chain-10m': () => chain({ events: 10_000_000, predictions: 1_000_000, people: 500_000, everything: false }),
  online: () => online(),
  predictions: () => predictions(),
  'table-commit': () => tableCommit(),
  partitions: () => partitions(),
  'lineage-ingest': () => lineageIngest(),
  'lineage-closure': async () => [...(await lineageClosure()), ...(await arrayOverlap())],
  'lineage-columns': () => columnLadder(),
  'lineage-impact': () => lineageImpact(),
  replay: () => replaying(),
  gates: () => gating(),
  consent: () => consent(),
  actions: () => actions(),
  monitors: () => monitorsSimulated(),
  webhooks: () => webhooks(),
  rollback: () => rollback(),
  'batch-scope': () => batchScope(),
}

/** Measured only when named: it takes an hour. */
const long = new Set(['chain-10m'])

const args = process.argv.slice(2)
const only = process.env.WHENCE_BENCH_PART
if (only !== undefined) {
  console.log(JSON.stringify(await parts[only]!()))
} else {
  const wanted = args.filter((arg) => arg !== '--write')
  const unknown = wanted.find((name) => !(name in parts))
  if (unknown !== undefined) {
    console.error(`no part is called "${unknown}": choose from ${Object.keys(parts).join(', ')}`)
    process.exit(2)
  }
  const results: Measured[] = []
  // Told as they come: what follows may take an hour, or fail.
  const measured = async (name: string, env: NodeJS.ProcessEnv): Promise<void> => {
    try {
      const found = await measure(name, env)
      results.push(...found)
      process.stderr.write(`${markdown(found)}\n`)
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`)
      process.exitCode = 1
    }
  }
  for (const name of wanted.length > 0 ? wanted : Object.keys(parts).filter((part) => !long.has(part))) {
    process.stderr.write(`measuring ${name} …\n`)
    const { DATABASE_URL, ...onPglite } = process.env
    await measured(name, onPglite)
    if (DATABASE_URL !== undefined && name.startsWith('lineage')) await measured(name, process.env)
  }
  const table = markdown(results)
  console.log(table)
  if (args.includes('--write')) await writeFile(new URL('RESULTS.md', import.meta.url), document(table))
}

async function measure(name: string, env: NodeJS.ProcessEnv): Promise<Measured[]> {
  const child = spawn(process.execPath, [new URL(import.meta.url).pathname], {
    env: { ...env, WHENCE_BENCH_PART: name },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once('exit', resolve)))
  if (code !== 0) throw new Error(`the part ${name} failed`)
  return JSON.parse(output.trim().split('\n').at(-1)!) as Measured[]
}

function markdown(results: readonly Measured[]): string {
  const rows = results.map(({ what, measured, limit, goal }) => `| ${what} | ${measured} | ${limit} | ${goal} |`)
  return ['| what | measured | limit, same run | goal |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function document(table: string): string {
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.version}`
  return `# Results\n\n${new Date().toISOString().slice(0, 10)} · ${machine} · \`npm run bench -- --write\`\n\n${table}\n`
}

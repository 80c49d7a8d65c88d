// Kills a server again and again while it materialises, two and three at once, grows and merges its column files, and lets
// old snapshots expire; then looks whether every table is whole.
//
//   node journeys/table-kill.ts work            the server that is killed, in the place that its environment names
//
// Every second one dies at a random moment, every other at a random change of a file from the first commit on, so that no
// step of a commit is left out by chance. Each start looks at what the one before has left: tables, column files and
// snapshots that hold against the ledger, no file below `tables` that no record names, and none that is missing.
import { createInterface } from 'node:readline'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient, WhenceError } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { readConfig } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import { walk } from '../server/src/store/files.ts'
import { collect } from './answers.ts'
import { randomFrom } from './disk.ts'
import { customers, files, stream } from './shop.ts'
import type { Site } from './site.ts'

const TABLE = 'features.reader_v1'
/** Feature snapshots that stay whatever their age. */
const KEPT = 6
/** The first instant that a view is computed at; each materialisation takes the next second. */
const FIRST = Date.parse('2026-03-01T00:00:00Z')

export interface TablesKilled {
  kills: number
  /** Snapshots that were acknowledged, with their rows. */
  acknowledged: Map<number, number>
  /** Snapshots that the table has at the end, and that were let go. */
  there: number
  expired: number
  problems: string[]
}

/** What a start finds, and what was acknowledged since. */
type Said =
  | { said: 'found'; problems: string[] }
  | { said: 'snapshot'; id: number; rows: number; at: string }
  | { said: 'sent'; next: number }

const say = (line: Said): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** What is wrong with the tables of a server, and with the files that lie there. */
export async function lookAtTables(client: Client, data: string): Promise<string[]> {
  const problems: string[] = []
  const report = await client.verify()
  for (const { path, code, message } of report.problems) problems.push(`${path}: ${code}: ${message}`)
  const below = async (folder: string): Promise<string[]> => walk(join(data, folder)).catch(() => [])
  const files = await below('tables')
  if (files.length !== report.checked['tableFiles'])
    problems.push(`${files.length} files lie in tables, and records name ${report.checked['tableFiles']}`)
  const { tables } = await client.tables()
  const features = (await below('features')).filter((path) => path.endsWith('.parquet'))
  if (features.length !== report.checked['snapshots'])
    problems.push(`${features.length} files of snapshots, ${report.checked['snapshots']} snapshots`)
  const drafts = [...files, ...(await below('features'))].filter((path) => /\.(tmp|draft)$/.test(path))
  for (const path of drafts) problems.push(`${path} was left behind`)
  const columns = await readdir(join(data, 'columns', stream)).catch(() => [])
  const parquet = columns.filter((name) => name.endsWith('.parquet'))
  if (parquet.length !== (report.checked['columnFiles'] ?? 0))
    problems.push(`${parquet.length} column files, ${report.checked['columnFiles'] ?? 0} are named`)
  for (const { name, rows } of tables) {
    const { history, snapshot } = await client.table(name)
    const current = history.find(({ id }) => id === snapshot)
    if (current && current.rows !== rows) problems.push(`${name} has ${current.rows} rows, and is said to have ${rows}`)
  }
  return problems
}

/** `there` where an acknowledged snapshot is whole, `expired` where a record let it go; else what is wrong with it. */
export async function lookAtSnapshot(client: Client, id: number, rows: number): Promise<string> {
  try {
    const found = await collect(client.snapshotRows(id))
    return found.length === rows ? 'there' : `snapshot ${id} has ${found.length} rows, and had ${rows}`
  } catch (error) {
    if (error instanceof WhenceError && error.code === 'not_found' && /has expired/.test(error.message))
      return 'expired'
    return `snapshot ${id}: ${String(error)}`
  }
}

/** The process that is killed. */
async function work(data: string, env: NodeJS.ProcessEnv): Promise<void> {
  const server = await startServer(readConfig(data, env), { private: true, columnsAfter: 15 })
  const client = createClient({ url: server.url, key: server.token })
  say({ said: 'found', problems: await lookAtTables(client, data) })
  await client.apply({ files })
  let next = Number(process.argv[3])
  for (;;) {
    const from = next
    next += 10
    say({ said: 'sent', next })
    await client.ingest(
      stream,
      Array.from({ length: 10 }, (_, i) => eventOf(from + i)),
    )
    const at = (n: number): string => new Date(FIRST + n * 1000).toISOString()
    // The same twice, and another: one snapshot and another.
    const asOf = (await client.status()).size
    const made = await Promise.all(
      [at(from), at(from + 1), at(from)].map((time) => client.materialize({ view: 'reader', at: time, asOf })),
    )
    for (const { id, rows, at: time } of made) say({ said: 'snapshot', id, rows, at: time })
    if ((from / 10) % 3 === 2) await client.expireTables({ before: '2100-01-01T00:00:00Z', keep: KEPT })
  }
}

function eventOf(n: number): object {
  const time = new Date(FIRST - 86_400_000 + n * 1000).toISOString()
  return {
    id: `k-${n}`,
    n: n + 1,
    event: n % 3 === 0 ? 'sent' : n % 3 === 1 ? 'opened' : 'bought',
    time,
    received: time,
    customer: customers[n % customers.length],
    campaign: `campaign ${n % 4}`,
    creative: 'A',
    consent: true,
    ...(n % 3 === 2 ? { amount: n / 4 } : {}),
  }
}

/** Kills `kills` servers of a place, one after the other. */
export async function killAtTables(site: Site, kills: number, seed: number): Promise<TablesKilled> {
  const random = randomFrom(seed)
  const acknowledged = new Map<number, number>()
  const problems: string[] = []
  const made = new Map<string, Set<number>>()
  let next = 0
  for (let kill = 1; kill <= kills; kill++) {
    const mortal = kill % 2 === 0
    const child = site.spawn(
      [
        ...(mortal ? ['--import', fileURLToPath(new URL('./mortal.ts', import.meta.url))] : []),
        fileURLToPath(import.meta.url),
        'work',
        String(next),
      ],
      mortal ? { MORTAL_FROM: '/tables/', MORTAL_AT: String(Math.floor(random() * 120)) } : {},
    )
    let errors = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
    // A slow machine is given the time for as many snapshots as a fast one makes.
    let awaited = 1 + Math.floor(random() * 6)
    const begun = Promise.withResolvers<void>()
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('close', (_, signal) => {
        begun.resolve()
        resolve(signal)
      }),
    )
    createInterface({ input: child.stdout! }).on('line', (line) => {
      // The last line may be cut off with the process.
      if (!line.endsWith('}')) return
      const heard = JSON.parse(line) as Said
      if (heard.said === 'found') problems.push(...heard.problems.map((each) => `after kill ${kill - 1}: ${each}`))
      if (heard.said === 'sent') next = heard.next
      if (heard.said !== 'snapshot') return
      acknowledged.set(heard.id, heard.rows)
      made.set(heard.at, (made.get(heard.at) ?? new Set()).add(heard.id))
      if (--awaited === 0) begun.resolve()
    })
    if (!mortal) {
      await begun.promise
      await wait(random() * 400)
      child.kill('SIGKILL')
    } else setTimeout(() => child.kill('SIGKILL'), 60_000).unref()
    if ((await ended) !== 'SIGKILL') problems.push(`kill ${kill}: it ended by itself: ${errors.slice(-500)}`)
  }
  for (const [time, ids] of made) if (ids.size > 1) problems.push(`two snapshots at ${time}: ${[...ids].join(', ')}`)
  const { client, stop } = await site.start()
  problems.push(...(await lookAtTables(client, site.data)).map((each) => `at the end: ${each}`))
  const there = new Set((await client.table(TABLE)).history.map(({ id }) => Number(id)))
  let expired = 0
  for (const [id, rows] of acknowledged) {
    const state = await lookAtSnapshot(client, id, rows)
    if (state === 'expired') expired++
    else if (state !== 'there') problems.push(state)
    if (there.has(id) !== (state === 'there'))
      problems.push(`snapshot ${id} is ${state}, its table has it: ${there.has(id)}`)
  }
  await stop()
  return { kills, acknowledged, there: there.size, expired, problems }
}

if (import.meta.main) await work(process.env.WHENCE_DATA!, process.env)

import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Client } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import { number, plural, printable } from '../../govern/reports/text.ts'
import { bodies, eventsIn, pages, type Found } from '../../path/lineage/imports/events.ts'
import { dbtEvents } from '../../path/lineage/imports/dbt.ts'
import { flag, printJson, text, withClient, type Args, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { dbtFolder, readProject } from './dbt-folder.ts'
import { eventFiles } from './event-folder.ts'

/** A file is read whole. */
const LARGEST = 1024 * 1024 * 1024

export const lineageImport: Command = {
  name: 'lineage import',
  summary: 'take in lineage events from a file, a URL, or what dbt left behind',
  usage: 'lineage import FILE|FOLDER|URL',
  options: {
    'dataset-namespace': { type: 'string', value: 'NS', help: 'dbt: of the datasets, as postgres://host:5432' },
    'job-namespace': { type: 'string', value: 'NS', help: 'dbt: of the jobs (default dbt)' },
    profiles: { type: 'string', value: 'FILE', help: 'dbt: profiles.yml, for the namespace of the datasets' },
    profile: { type: 'string', value: 'NAME', help: 'dbt: which profile of it' },
    target: { type: 'string', value: 'NAME', help: 'dbt: which target of the profile' },
  },
  details: `
FILE is NDJSON, a JSON array, or one event. URL is such a file, or the listing of a Marquez:
http://marquez:5000/api/v1/events/lineage, of which all pages are read. FOLDER is the target folder of dbt, with
manifest.json, and run_results.json and catalog.json where they are there; the files can also be named one by one. A
folder without manifest.json is one of events: every .json, .ndjson and .jsonl file in it and in its folders, in the
order of their paths.

The same events again add nothing: imports may be repeated.`,
  async run(context, args) {
    if (args.positionals.length === 0)
      throw new Fault('usage', 'FILE is missing: a file, a folder of events or of dbt, or a URL.')
    const tally = new ImportTally()
    const chosen = choose(context, args)
    await withClient(context, args, async (client) => {
      for await (const { from, events, problem } of chosen.read()) {
        if (problem !== undefined) tally.refuse(from, problem)
        for (const { body, sent, broken } of bodies(events)) {
          await tally.send(client, from, body, sent, broken)
          progress(context, tally)
        }
      }
    })
    if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
    const { received, taken, flagged, failed, problems } = tally
    if (flag(args, 'json')) printJson(context, { received, taken, flagged, failed, problems, notes: chosen.notes })
    else {
      const differing = flagged > 0 ? `, ${number(flagged)} of them not quite as OpenLineage has it` : ''
      context.stdout(`${plural(received, 'event')}: ${number(taken)} taken${differing}, ${number(failed)} refused\n`)
      for (const note of chosen.notes) context.stdout(`  ${printable(note)}\n`)
      for (const { from, place, reason } of problems)
        context.stdout(`  ${printable(from)}${place === undefined ? '' : `, ${place}`}: ${printable(reason)}\n`)
    }
    return failed > 0 ? 1 : 0
  },
}

/** What is imported, read only when it is asked for; the notes are complete when it has been read. */
interface Chosen {
  readonly notes: string[]
  read(): AsyncIterable<Source>
}

interface Source {
  readonly from: string
  readonly events: readonly Found[]
  /** Why it holds none. */
  readonly problem?: string
}

function choose(context: Context, args: Args): Chosen {
  const { positionals } = args
  const [first] = positionals as [string]
  const notes: string[] = []
  const dbt = (paths: readonly string[]): Chosen['read'] =>
    async function* () {
      const given = {
        namespace: text(args, 'dataset-namespace'),
        jobNamespace: text(args, 'job-namespace'),
        profiles: text(args, 'profiles'),
        profile: text(args, 'profile'),
        target: text(args, 'target'),
      }
      const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      const made = dbtEvents(readProject(paths, options))
      notes.push(...made.notes)
      const events = made.events.map((event, i) => ({ place: i + 1, bytes: Buffer.from(JSON.stringify(event)) }))
      yield { from: 'dbt', events }
    }
  if (/^https?:\/\//.test(first)) {
    one(positionals)
    return { notes, read: () => fromUrl(first) }
  }
  const paths = positionals.map((path) => resolve(context.cwd, path))
  const [path] = paths as [string]
  if (paths.length > 1) return { notes, read: dbt(paths) }
  if (isFolder(path, first)) {
    const project = dbtFolder(path)
    if (project !== undefined) return { notes, read: dbt([join(project, 'manifest.json')]) }
    return { notes, read: () => fromFolder(path, first) }
  }
  return {
    notes,
    async *read() {
      const found = eventsIn(await whole(path, first), first)
      if (found.form === 'dbt') yield* dbt([path])()
      else yield { from: first, events: found.events }
    },
  }
}

/** File by file; one that holds no events keeps none of the others out. */
async function* fromFolder(folder: string, given: string): AsyncGenerator<Source> {
  for (const file of eventFiles(folder)) {
    const from = join(given, file)
    try {
      const found = eventsIn(await whole(join(folder, file), from), from)
      if (found.form === 'dbt') yield { from, events: [], problem: 'it is of dbt, and there is no manifest.json here' }
      else yield { from, events: found.events }
    } catch (error) {
      if (!isFault(error, 'invalid') && !isFault(error, 'too_large')) throw error
      yield { from, events: [], problem: error.message }
    }
  }
}

async function* fromUrl(url: string): AsyncGenerator<Source> {
  for await (const page of pages(url, get)) {
    const found = eventsIn(page.bytes, page.url)
    if (found.form === 'dbt') throw new Fault('usage', 'Files of dbt are read from a folder: download them first.')
    yield { from: page.url, events: found.events }
  }
}

async function get(url: string): Promise<Uint8Array> {
  const response = await fetch(url, { headers: { accept: 'application/json' } }).catch((cause: unknown) => {
    throw new Fault('unavailable', `${url} cannot be reached: ${(cause as Error).message}`, { cause })
  })
  if (!response.ok) throw new Fault('invalid', `${url} answers ${response.status}.`)
  return new Uint8Array(await response.arrayBuffer())
}

function one(positionals: readonly string[]): void {
  const [, surplus] = positionals
  if (surplus !== undefined) throw new Fault('usage', `"${surplus}" is one argument too many.`)
}

function isFolder(path: string, given: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (cause) {
    throw new Fault('usage', `${given} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function whole(path: string, given: string): Promise<Uint8Array> {
  const { size } = statSync(path)
  if (size > LARGEST)
    throw new Fault('too_large', `${given} has more than 1 GiB: split it at a line, and import each part.`)
  return readFile(path)
}

function progress(context: Context, { received, taken, failed }: ImportTally): void {
  if (!context.isTTY.stderr) return
  context.stderr(`\r\x1b[2K  ${number(received)} events  ${number(taken)} taken  ${number(failed)} refused`)
}

/** Of the reasons the first hundred. */
const MOST_NAMED = 100

class ImportTally {
  received = 0
  taken = 0
  flagged = 0
  failed = 0
  readonly problems: { from: string; place?: number; reason: string }[] = []

  /** What holds no events counts as one that is refused. */
  refuse(from: string, reason: string): void {
    this.received++
    this.failed++
    this.#name({ from, reason })
  }

  async send(
    client: Client,
    from: string,
    body: Uint8Array,
    sent: readonly Found[],
    broken: readonly Found[],
  ): Promise<void> {
    this.received += sent.length + broken.length
    this.failed += broken.length
    for (const { place } of broken) this.#name({ from, place, reason: 'is no JSON' })
    if (sent.length === 0) return
    const answer = await client.collectBatch(body)
    const { successful, failed } = answer?.summary ?? { successful: sent.length, failed: 0 }
    if (successful + failed !== sent.length)
      throw new Fault('internal', `The server accounts for ${successful + failed} of ${sent.length} events.`)
    this.taken += successful
    this.failed += failed
    this.flagged += answer?.flagged_events.length ?? 0
    for (const { index, reason } of answer?.failed_events ?? [])
      this.#name({ from, place: sent[index]?.place ?? 0, reason })
  }

  #name(problem: { from: string; place?: number; reason: string }): void {
    if (this.problems.length < MOST_NAMED) this.problems.push(problem)
  }
}

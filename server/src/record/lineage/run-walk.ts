// A walk over versions and runs, in the tables, level by level. What is there grows without bound, so it ends at a size.
import { Fault } from '../../fault.ts'
import type { Database } from '../../store/database.ts'
import type { Direction, Resolved, RunWalkEdge, RunWalkNode } from './answers.ts'
import type { Names } from './names.ts'
import { shown } from './names.ts'
import { resolve } from './resolve.ts'
import type { KnownIo, KnownRun, KnownVersion } from './runs.ts'
import {
  ioOf,
  readersByTime,
  runById,
  runsByKey,
  runsOn,
  versionAfter,
  versionRead,
  versionsBy,
  versionsOf,
} from './runs.ts'
import { aliasGroups } from './walk.ts'

/** Nodes after which a walk stops. */
export const MOST = 20_000

/** `version:DATASETID@VERSION`, with `%` and `@` of the version percent-encoded. */
export function versionId(dataset: string, version: string | undefined): string {
  return `version:${dataset}@${(version ?? '').replaceAll('%', '%25').replaceAll('@', '%40')}`
}

export function parseVersionId(text: string): { dataset: string; version: string } | undefined {
  const [, dataset, version] = /^version:(.+)@([^@]+)$/s.exec(text) ?? []
  if (dataset === undefined || version === undefined) return undefined
  return { dataset, version: version.replaceAll('%40', '@').replaceAll('%25', '%') }
}

interface Version {
  readonly dataset: number
  readonly version: string | undefined
}

export interface RunsReached {
  readonly nodes: RunWalkNode[]
  readonly edges: RunWalkEdge[]
  /** It stopped at its size: there is more. */
  readonly stopped: boolean
}

export class RunWalker {
  readonly #database: Database
  readonly #names: Names
  readonly #asOf: number
  readonly #nodes = new Map<string, RunWalkNode>()
  readonly #edges = new Map<string, RunWalkEdge>()
  readonly #aliasesOf: (dataset: number) => readonly number[]
  #runs: KnownRun[] = []
  #versions: Version[] = []
  #depth = 0

  constructor(database: Database, names: Names, asOf: number) {
    this.#database = database
    this.#names = names
    this.#asOf = asOf
    this.#aliasesOf = aliasGroups(names, asOf)
  }

  async walk(from: readonly string[], direction: Direction, depth: number): Promise<RunsReached> {
    for (const text of from) await this.#start(text)
    while (this.#depth < depth && this.#runs.length + this.#versions.length > 0 && this.#nodes.size < MOST) {
      const [runs, versions] = [this.#runs, this.#versions]
      this.#runs = []
      this.#versions = []
      this.#depth++
      if (direction !== 'forward') {
        await this.#readBy(runs)
        await this.#writersOf(versions)
      }
      if (direction !== 'backward') {
        await this.#writtenBy(runs)
        await this.#readersOf(versions)
      }
    }
    const stopped = this.#nodes.size >= MOST
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()], stopped }
  }

  async #start(text: string): Promise<void> {
    if (text.startsWith('run:')) {
      const run = await runById(this.#database, text.slice(4), this.#asOf)
      if (!run) throw new Fault('not_found', `no run is called "${shown(text.slice(4))}" as of ${this.#asOf}`)
      this.#run(run)
      return
    }
    const stated = parseVersionId(text)
    const node = resolve(this.#names, stated?.dataset ?? text, this.#asOf)
    if (node.name.kind === 'job') {
      throw new Fault('usage', `"${shown(text)}" is a job: ask for one of its runs, run:ID, or for what it writes`)
    }
    const dataset = node.owner ?? node.number
    if (stated) {
      this.#version({ dataset, version: stated.version })
      return
    }
    const [latest] = await versionsOf(this.#database, this.#aliasesOf(dataset), this.#asOf, 1)
    this.#version(latest ?? { dataset, version: undefined }, latest)
  }

  async #readBy(runs: readonly KnownRun[]): Promise<void> {
    const byKey = new Map(runs.map((run) => [run.key, run]))
    for (const io of await ioOf(this.#database, [...byKey.keys()], this.#asOf)) {
      if (io.writes) continue
      const run = byKey.get(io.run)!
      const read = await versionRead(this.#database, io, this.#aliasesOf(io.dataset), run.started, this.#asOf)
      this.#edge(this.#version(read), this.#run(run), 'read', read.resolved)
    }
  }

  async #writersOf(versions: readonly Version[]): Promise<void> {
    const written: { version: Version; by: KnownVersion }[] = []
    for (const version of versions) {
      if (version.version === undefined) continue
      const same = await versionsOf(this.#database, this.#aliasesOf(version.dataset), this.#asOf, 100, version.version)
      for (const by of same) if (by.run !== undefined) written.push({ version, by })
    }
    const runs = await runsByKey(
      this.#database,
      written.map(({ by }) => by.run!),
      this.#asOf,
    )
    for (const { version, by } of written) {
      const run = runs.get(by.run!)
      if (run) this.#edge(this.#run(run), this.#version(version), 'write')
    }
  }

  async #writtenBy(runs: readonly KnownRun[]): Promise<void> {
    const byKey = new Map(runs.map((run) => [run.key, run]))
    for (const version of await versionsBy(this.#database, [...byKey.keys()], this.#asOf))
      this.#edge(this.#run(byKey.get(version.run!)!), this.#version(version, version), 'write')
  }

  async #readersOf(versions: readonly Version[]): Promise<void> {
    for (const version of versions) {
      if (version.version === undefined) continue
      const names = this.#aliasesOf(version.dataset)
      const stated = await runsOn(this.#database, names, version.version, this.#asOf)
      await this.#reads(version, stated, 'stated')
      const [made] = await versionsOf(this.#database, names, this.#asOf, 1, version.version)
      if (!made) continue
      const next = await versionAfter(this.#database, names, made, this.#asOf)
      const byTime = await readersByTime(this.#database, names, made.time, next, this.#asOf)
      await this.#reads(version, byTime, 'by time')
    }
  }

  async #reads(version: Version, io: readonly KnownIo[], resolved: Resolved): Promise<void> {
    const runs = await runsByKey(
      this.#database,
      io.map(({ run }) => run),
      this.#asOf,
    )
    for (const { run } of io) {
      const known = runs.get(run)
      if (known) this.#edge(this.#version(version), this.#run(known), 'read', resolved)
    }
  }

  #run(run: KnownRun): string {
    const id = `run:${run.id}`
    if (this.#nodes.has(id)) return id
    this.#nodes.set(id, {
      id,
      kind: 'run',
      run: run.id,
      ...(run.job === undefined ? {} : { job: this.#names.nodes[run.job]!.id }),
      ...(run.state === undefined ? {} : { state: run.state }),
      started: run.started,
      ...(run.ended === undefined ? {} : { ended: run.ended }),
      depth: this.#depth,
    })
    this.#runs.push(run)
    return id
  }

  #version({ dataset, version }: Version, known?: KnownVersion): string {
    // The names of one dataset have the same versions.
    const main = this.#aliasesOf(dataset).reduce((first, name) => Math.min(first, name), dataset)
    const name = this.#names.nodes[main]!.id
    const id = versionId(name, version)
    if (this.#nodes.has(id)) return id
    this.#nodes.set(id, {
      id,
      kind: 'version',
      dataset: name,
      ...(version === undefined ? {} : { version }),
      ...(known ? { time: known.time } : {}),
      depth: this.#depth,
    })
    this.#versions.push({ dataset: main, version })
    return id
  }

  #edge(from: string, to: string, how: 'read' | 'write', resolved?: Resolved): void {
    this.#edges.set(JSON.stringify([from, to]), { from, to, how, ...(resolved ? { resolved } : {}) })
  }
}

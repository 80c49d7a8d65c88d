// Events as column files: what features are computed from. Derived from the ledger, and checked against it.
//
//   columns/<stream>/<from>-<to>.parquet   the stream's events with from <= seq < to, sorted by subject, time, seq
//   columns/<stream>/manifest.json         which files count, with their digests; replaced atomically
//
// A file never changes: growing, merging and erasing write a new one and switch the manifest. What the manifest does not
// name is left over from a crash and is deleted when the stream is first touched.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Fault, isFault } from '../../fault.ts'
import type { Column, Columns, Session } from '../../store/columns.ts'
import { identifier, parquet, quote } from '../../store/columns.ts'
import type { EventRow, EventSource, StreamShape } from './events.ts'
import { eventFields, noEvents, storedColumns, subjectLiteral } from './events.ts'
import type { Relations } from './compile.ts'

export interface ColumnFile {
  /** Below the data folder: `columns/clicks/0-61902.parquet`. */
  path: string
  from: number
  to: number
  rows: number
  sha256: string
  bytes: number
  /** The contract's columns in it, by the names that they have in files. */
  columns: Column[]
}

interface Manifest {
  version: 1
  stream: string
  /** Events before this seq are in the files. */
  to: number
  files: ColumnFile[]
}

/** The files that a computation read, for its record. */
export interface Input {
  stream: string
  contract: string
  files: Pick<ColumnFile, 'path' | 'sha256' | 'from' | 'to' | 'rows'>[]
}

export interface FileProblem {
  stream: string
  path: string
  /** altered: other content than was written; missing: an event that the ledger has; extra: one that it has not. */
  problem: 'altered' | 'missing' | 'extra'
  /** The event; undefined when the file as a whole cannot be read or is gone. */
  seq?: number
  sentence: string
}

/** A file that was written again without some rows. */
export interface Rewritten {
  path: string
  /** The path of the file that has taken its place. */
  now: string
  /** SHA-256 of the file as it was, and as it is. */
  before: string
  after: string
  /** Rows taken out. */
  removed: number
}

export interface EventColumnsOptions {
  columns: Columns
  /** The data folder. */
  folder: string
  source: EventSource
  /** Rows in a file before it is cut; for tests. */
  cut?: number
}

/** A file with fewer rows than this is written again with what comes after it. */
const small = 8_192
/** A file is merged with those after it once they have a quarter of its rows. */
const ratio = 4

export class EventColumns {
  readonly #columns: Columns
  readonly #folder: string
  readonly #source: EventSource
  readonly #cut: number
  readonly #streams = new Map<string, Promise<Stream>>()

  constructor(options: EventColumnsOptions) {
    this.#columns = options.columns
    this.#folder = options.folder
    this.#source = options.source
    this.#cut = options.cut ?? 1_000_000
  }

  /** Brings the files of a stream up to a position. Durable when it returns; calls for one stream wait for each other. */
  async extend(stream: string, columns: readonly Column[], to: number): Promise<void> {
    const own = await this.#stream(stream)
    await own.extend(columns, to)
  }

  /** Events before this seq are in the files. */
  async position(stream: string): Promise<number> {
    return (await this.#stream(stream)).manifest.to
  }

  /** The files of a stream that hold events before `asOf`. */
  async files(stream: string, asOf = Infinity): Promise<ColumnFile[]> {
    return (await this.#stream(stream)).manifest.files.filter((file) => file.from < asOf)
  }

  /**
   * Lends the events before `asOf` of some streams as SQL relations; the files stay while `work` runs. The streams must
   * have been extended to `asOf`.
   */
  async use<T>(
    shapes: readonly StreamShape[],
    asOf: number,
    work: (relations: Relations, inputs: Input[]) => Promise<T>,
  ): Promise<T> {
    const held: { own: Stream; files: ColumnFile[] }[] = []
    try {
      const relations = new Map<string, string>()
      const inputs: Input[] = []
      for (const { stream, contract, columns } of shapes) {
        const own = await this.#stream(stream)
        if (own.manifest.to < asOf) {
          throw new Fault(
            'internal',
            `The columns of ${stream} end at ${own.manifest.to}, before ${asOf}: extend them.`,
          )
        }
        const files = own.manifest.files.filter((file) => file.from < asOf)
        own.hold(files)
        held.push({ own, files })
        relations.set(stream, relationOf(this.#folder, stream, columns, files))
        inputs.push({
          stream,
          contract,
          files: files.map(({ path, sha256, from, to, rows }) => ({ path, sha256, from, to, rows })),
        })
      }
      return await work((stream) => relations.get(stream)!, inputs)
    } finally {
      for (const { own, files } of held) await own.release(files)
    }
  }

  /**
   * Holds every file against its digest, and its events against the ledger. `deep` compares every value, not only
   * those of altered files. What was found in order is remembered as long as the file's inode, size and times stay.
   */
  async check(stream: string, options: { deep?: boolean } = {}): Promise<FileProblem[]> {
    return (await this.#stream(stream)).check(options.deep ?? false)
  }

  /**
   * Writes the files again without the rows of some subjects. Their old versions are gone from the disk when it returns.
   * What is rewritten is told to `noting` before it counts: after a crash a second call finds nothing left to do.
   */
  async remove(
    stream: string,
    subjects: string | readonly string[],
    noting: (rewritten: readonly Rewritten[]) => Promise<void> = async () => {},
  ): Promise<Rewritten[]> {
    return (await this.#stream(stream)).remove([subjects].flat(), noting)
  }

  /** Drops a stream's files and makes them again from the ledger. */
  async rebuild(stream: string, columns: readonly Column[], to: number): Promise<void> {
    const own = await this.#stream(stream).catch(async (error: unknown) => {
      if (!isFault(error, 'altered')) throw error
      await rm(join(this.#folder, 'columns', stream), { recursive: true })
      return this.#stream(stream)
    })
    await own.reset()
    await own.extend(columns, to)
  }

  /** Waits until merging in the background has come to rest. */
  async settled(): Promise<void> {
    for (const own of this.#streams.values()) await (await own).settled()
  }

  #stream(stream: string): Promise<Stream> {
    let own = this.#streams.get(stream)
    if (!own) {
      own = Stream.open(this.#columns, this.#folder, this.#source, stream, this.#cut)
      this.#streams.set(stream, own)
      // A stream that could not be opened is tried again at the next call.
      own.catch(() => this.#streams.delete(stream))
    }
    return own
  }
}

/** The files as one relation with the columns asked for; a column that an older file lacks is NULL in its rows. */
function relationOf(folder: string, stream: string, columns: readonly Column[], files: readonly ColumnFile[]): string {
  if (files.length === 0) return noEvents(stream, columns)
  const wanted = storedColumns(stream, columns)
  const alike = new Map<string, { select: string; paths: string[] }>()
  for (const file of files) {
    const select = wanted.map(({ name, type }) => {
      const there = file.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
      if (there && there.type !== type) {
        throw new Fault(
          'conflict',
          `Column ${name} of ${stream} is ${there.type} in ${file.path}, not ${type}: rebuild it.`,
        )
      }
      return there ? `${identifier(there.name)} AS ${identifier(name)}` : `NULL::${type} AS ${identifier(name)}`
    })
    const key = select.join(', ')
    const group = alike.get(key) ?? { select: ['seq', 'subject', 'time', 'known', ...select].join(', '), paths: [] }
    group.paths.push(quote(join(folder, file.path)))
    alike.set(key, group)
  }
  const parts = [...alike.values()].map(
    ({ select, paths }) => `SELECT ${select} FROM read_parquet([${paths.join(', ')}])`,
  )
  return `(${parts.join(' UNION ALL ')})`
}

class Stream {
  readonly #columns: Columns
  readonly #folder: string
  readonly #source: EventSource
  readonly #cut: number
  readonly #name: string
  /** Work that changes the manifest, one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #merging: Promise<void> | undefined
  /** How many readers hold a file. */
  readonly #held = new Map<string, number>()
  readonly #released: { path: string; gone: () => void }[] = []
  readonly #dropping = new Set<Promise<void>>()
  readonly #inOrder = new Map<string, string>()
  manifest: Manifest

  private constructor(columns: Columns, folder: string, source: EventSource, cut: number, manifest: Manifest) {
    this.#columns = columns
    this.#folder = folder
    this.#source = source
    this.#cut = cut
    this.#name = manifest.stream
    this.manifest = manifest
  }

  static async open(
    columns: Columns,
    folder: string,
    source: EventSource,
    stream: string,
    cut: number,
  ): Promise<Stream> {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(stream))
      throw new Fault('invalid', `"${stream}" is no stream name.`)
    const own = join(folder, 'columns', stream)
    await mkdir(own, { recursive: true })
    let manifest: Manifest = { version: 1, stream, to: 0, files: [] }
    try {
      manifest = JSON.parse(await readFile(join(own, 'manifest.json'), 'utf8')) as Manifest
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new Fault('altered', `columns/${stream}/manifest.json cannot be read; rebuild the columns.`, {
          cause: error,
        })
      }
    }
    const counted = new Set(['manifest.json', ...manifest.files.map(({ path }) => path.split('/').at(-1)!)])
    for (const name of await readdir(own)) {
      if (!counted.has(name)) await rm(join(own, name), { recursive: true })
    }
    return new Stream(columns, folder, source, cut, manifest)
  }

  // Growing

  extend(columns: readonly Column[], to: number): Promise<void> {
    if (this.manifest.to >= to) return Promise.resolve()
    return this.#inTurn(async () => {
      while (this.manifest.to < to) await this.#grow(columns, to)
      this.#merge()
    })
  }

  async #grow(columns: readonly Column[], to: number): Promise<void> {
    const { files } = this.manifest
    this.#sameTypes(columns)
    const begin = this.manifest.to
    const last = files.at(-1)
    await this.#columns.session(async (session) => {
      let reached = to
      const batches = this.#bounded(begin, to, (seq) => (reached = seq))
      const rows = await session.load('incoming', eventFields(this.#name, columns), batches)
      if (rows === 0) return this.#switch({ ...this.manifest, to: reached })

      const joins = last && last.rows < small && last.rows + rows < 2 * small ? last : undefined
      const from = joins ? joins.from : (last?.to ?? 0)
      const shape = joins
        ? together(joins.columns, storedColumns(this.#name, columns))
        : storedColumns(this.#name, columns)
      const incoming = select(shape, storedColumns(this.#name, columns), 'incoming')
      const sources = joins ? [this.#read(joins, shape), incoming] : [incoming]
      const file = await this.#write(session, inOrder(sources), {
        from,
        to: reached,
        columns: shape,
        rows: rows + (joins?.rows ?? 0),
      })
      await this.#switch({
        ...this.manifest,
        to: reached,
        files: [...(joins ? files.slice(0, -1) : files), file],
      })
      if (joins) this.#dropLater([joins])
    })
  }

  /** The events of a range, checked for order, cut when there are enough for one file; `end` learns where. */
  async *#bounded(from: number, to: number, end: (seq: number) => void): AsyncGenerator<readonly EventRow[]> {
    let last = from - 1
    let count = 0
    for await (const batch of this.#source.events(this.#name, from, to, { recent: true })) {
      for (const { seq } of batch) {
        if (seq <= last || seq >= to) {
          throw new Fault('internal', `Event ${seq} of ${this.#name} came out of order, or outside ${from} to ${to}.`)
        }
        last = seq
      }
      yield batch
      count += batch.length
      if (count >= this.#cut) return end(last + 1)
    }
  }

  /** Merges in the background; nobody waits for it but `remove` and `reset`. */
  #merge(): void {
    this.#merging ??= this.#mergeAll().finally(() => {
      this.#merging = undefined
    })
    // A merge that failed (a full disk) leaves the files as they were, and is tried again after the next extension.
    this.#merging.catch(() => {})
  }

  async #mergeAll(): Promise<void> {
    for (;;) {
      const run = mergeable(this.manifest.files)
      if (run.length < 2) return
      const columns = run.map((file) => file.columns).reduce(together)
      const merged = await this.#columns.session((session) =>
        this.#write(session, inOrder(run.map((file) => this.#read(file, columns))), {
          from: run[0]!.from,
          to: run.at(-1)!.to,
          columns,
          rows: run.reduce((sum, file) => sum + file.rows, 0),
        }),
      )
      const switched = await this.#inTurn(async () => {
        const { files } = this.manifest
        const at = files.findIndex(({ path }) => path === run[0]!.path)
        // The files may have been written again meanwhile; then the merged one still holds what was taken out.
        const same = at >= 0 && run.every((file, index) => files[at + index]?.sha256 === file.sha256)
        if (!same) return false
        await this.#switch({ ...this.manifest, files: files.toSpliced(at, run.length, merged) })
        return true
      })
      await this.#drop(switched ? run : [merged])
    }
  }

  async settled(): Promise<void> {
    while (this.#merging) await this.#merging.catch(() => {})
    await this.#queue
    await Promise.allSettled(this.#dropping)
  }

  // Erasing

  remove(
    subjects: readonly string[],
    noting: (rewritten: readonly Rewritten[]) => Promise<void>,
  ): Promise<Rewritten[]> {
    if (subjects.length === 0) return Promise.resolve([])
    const theirs = `subject IN (${subjects.map(subjectLiteral).join(', ')})`
    return this.#inTurn(async () => {
      const rewritten: Rewritten[] = []
      const old: ColumnFile[] = []
      const files: ColumnFile[] = []
      for (const file of this.manifest.files) {
        const next = await this.#columns.session(async (session) => {
          const path = quote(join(this.#folder, file.path))
          const { count } = await session.row<{ count: bigint }>(
            `SELECT count(*) AS count FROM read_parquet(${path}) WHERE ${theirs}`,
          )
          if (count === 0n) return file
          const rest = `${this.#read(file, file.columns)} WHERE NOT ${theirs}`
          // A file is in order already, and read in its order.
          const written = await this.#write(session, rest, { ...file, rows: file.rows - Number(count) })
          old.push(file)
          rewritten.push({
            path: file.path,
            now: written.path,
            before: file.sha256,
            after: written.sha256,
            removed: Number(count),
          })
          return written
        })
        files.push(next)
      }
      if (old.length === 0) return []
      await noting(rewritten)
      await this.#switch({ ...this.manifest, files })
      await this.#drop(old)
      // A merge that began before holds the rows in a file of its own, which it deletes when it sees the change.
      return rewritten
    }).then(async (rewritten) => {
      if (rewritten.length > 0) await this.settled()
      return rewritten
    })
  }

  reset(): Promise<void> {
    return this.#inTurn(async () => {
      const { files } = this.manifest
      await this.#switch({ ...this.manifest, to: 0, files: [] })
      await this.#drop(files)
    }).then(() => this.settled())
  }

  // Checking

  async check(deep: boolean): Promise<FileProblem[]> {
    const { files, to } = this.manifest
    this.hold(files)
    try {
      const problems: FileProblem[] = []
      for (const file of files) problems.push(...(await this.#checkFile(file, deep)))
      problems.push(...(await this.#checkRest(files.at(-1)?.to ?? 0, to)))
      return problems
    } finally {
      await this.release(files)
    }
  }

  async #checkFile(file: ColumnFile, deep: boolean): Promise<FileProblem[]> {
    const problem = (kind: FileProblem['problem'], sentence: string, seq?: number): FileProblem => ({
      stream: this.#name,
      path: file.path,
      problem: kind,
      ...(seq === undefined ? {} : { seq }),
      sentence,
    })
    const full = join(this.#folder, file.path)
    const { ino, size, mtimeNs, ctimeNs } = await stat(full, { bigint: true }).catch(() => ({
      ino: 0n,
      size: -1n,
      mtimeNs: 0n,
      ctimeNs: 0n,
    }))
    if (size < 0n) return [problem('missing', `${file.path} is gone; rebuild the columns of ${this.#name}.`)]
    const stamp = [ino, size, mtimeNs, ctimeNs, file.sha256].join(' ')
    if (!deep && this.#inOrder.get(file.path) === stamp) return []

    const problems: FileProblem[] = []
    const digest = await digestOf(full)
    try {
      problems.push(...(await this.#checkMembers(file, problem)))
      if (deep || digest !== file.sha256) problems.push(...(await this.#compare(file, problem)))
    } catch (error) {
      problems.push(problem('altered', `${file.path} cannot be read: ${(error as Error).message}`))
    }
    if (digest !== file.sha256 && problems.length === 0) {
      problems.push(problem('altered', `${file.path} has other bytes than were written, though the same events.`))
    }
    if (problems.length === 0) this.#inOrder.set(file.path, stamp)
    return problems
  }

  async #checkMembers(
    file: ColumnFile,
    problem: (kind: FileProblem['problem'], sentence: string, seq?: number) => FileProblem,
  ): Promise<FileProblem[]> {
    // One bit for each position of the range: the ledger's events, and those found in the file.
    const expected = new Uint8Array(Math.ceil((file.to - file.from) / 8))
    const found = new Uint8Array(expected.length)
    const members = await this.#source.members(this.#name, file.from, file.to)
    for (let index = 0; index < members.length; index++) mark(expected, members[index]! - file.from)

    const problems: FileProblem[] = []
    const extra = (seq: number, words: string): void => {
      problems.push(problem('extra', `${file.path} ${words}.`, seq))
    }
    const path = quote(join(this.#folder, file.path))
    await this.#columns.numbers(`SELECT seq FROM read_parquet(${path})`, (seqs) => {
      for (const seq of seqs) {
        const place = seq - file.from
        const inRange = place >= 0 && seq < file.to
        if (!inRange || !isMarked(expected, place)) extra(seq, `has event ${seq}, which the ledger has not`)
        else if (isMarked(found, place)) extra(seq, `has event ${seq} more than once`)
        if (inRange) mark(found, place)
      }
    })
    for (let index = 0; index < members.length; index++) {
      const seq = members[index]!
      if (isMarked(found, seq - file.from)) continue
      problems.push(problem('missing', `${file.path} lacks event ${seq}, which the ledger has.`, seq))
    }
    return problems.toSorted((a, b) => a.seq! - b.seq!)
  }

  /** Compares every value of a file with the ledger's events. */
  async #compare(
    file: ColumnFile,
    problem: (kind: FileProblem['problem'], sentence: string, seq?: number) => FileProblem,
  ): Promise<FileProblem[]> {
    return this.#columns.session(async (session) => {
      const fields = eventFields(this.#name, file.columns).map((field, index) =>
        index < 4 ? field : { ...field, name: file.columns[index - 4]!.name },
      )
      await session.load('expected', fields, this.#source.events(this.#name, file.from, file.to))
      const names = fields.map(({ name }) => identifier(name))
      const path = quote(join(this.#folder, file.path))
      const changed = names.map((name) => `e.${name} IS DISTINCT FROM f.${name}`).join(' OR ')
      const rows = await session.rows<{ seq: bigint }>(
        `SELECT seq FROM expected e JOIN (SELECT ${names.join(', ')} FROM read_parquet(${path})) f USING (seq)
         WHERE ${changed} ORDER BY seq LIMIT 1000`,
      )
      return rows.map(({ seq }) =>
        problem('altered', `Event ${seq} in ${file.path} is not the one on the ledger.`, Number(seq)),
      )
    })
  }

  /** The range after the last file has no events. */
  async #checkRest(from: number, to: number): Promise<FileProblem[]> {
    const key = `${from}-${to}`
    if (from >= to || this.#inOrder.has(key)) return []
    const members = Array.from(await this.#source.members(this.#name, from, to))
    if (members.length === 0) this.#inOrder.set(key, '')
    return members.map((seq) => ({
      stream: this.#name,
      path: `columns/${this.#name}/manifest.json`,
      problem: 'missing',
      seq,
      sentence: `No column file has event ${seq} of ${this.#name}, which the ledger has.`,
    }))
  }

  // Files

  hold(files: readonly ColumnFile[]): void {
    for (const { path } of files) this.#held.set(path, (this.#held.get(path) ?? 0) + 1)
  }

  async release(files: readonly ColumnFile[]): Promise<void> {
    for (const { path } of files) {
      const held = this.#held.get(path)! - 1
      if (held > 0) this.#held.set(path, held)
      else this.#held.delete(path)
    }
    for (const waiting of this.#released.splice(0)) {
      if (this.#held.has(waiting.path)) this.#released.push(waiting)
      else waiting.gone()
    }
  }

  #dropLater(files: readonly ColumnFile[]): void {
    const dropped = this.#drop(files).finally(() => this.#dropping.delete(dropped))
    this.#dropping.add(dropped)
    // What cannot be deleted now is deleted when the stream is next opened.
    dropped.catch(() => {})
  }

  /** Deletes files that the manifest no longer names, each once its last reader is done. */
  async #drop(files: readonly ColumnFile[]): Promise<void> {
    for (const { path } of files) {
      if (this.#held.has(path)) await new Promise<void>((gone) => this.#released.push({ path, gone }))
      await rm(join(this.#folder, path), { force: true })
      this.#inOrder.delete(path)
    }
  }

  #read(file: ColumnFile, columns: readonly Column[]): string {
    return select(columns, file.columns, `read_parquet(${quote(join(this.#folder, file.path))})`)
  }

  async #write(
    session: Session,
    query: string,
    { from, to, columns, rows }: Pick<ColumnFile, 'from' | 'to' | 'columns' | 'rows'>,
  ): Promise<ColumnFile> {
    const taken = new Set(await readdir(join(this.#folder, 'columns', this.#name)))
    let name = `${from}-${to}.parquet`
    for (let again = 1; taken.has(name); again++) name = `${from}-${to}-r${again}.parquet`
    const path = `columns/${this.#name}/${name}`
    const draft = join(this.#folder, `${path}.tmp`)
    try {
      await session.run(parquet(query, draft, { rows, ours: true }))
      const written = await session.row<{ rows: bigint }>(`SELECT count(*) AS rows FROM read_parquet(${quote(draft)})`)
      if (Number(written.rows) !== rows) {
        throw new Fault('internal', `${path} was to have ${rows} rows and has ${written.rows}.`)
      }
      const sha256 = await digestOf(draft)
      const { size } = await stat(draft)
      await settle(draft, join(this.#folder, path))
      return { path, from, to, rows, sha256, bytes: size, columns: [...columns] }
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }

  async #switch(manifest: Manifest): Promise<void> {
    const path = join(this.#folder, 'columns', this.#name, 'manifest.json')
    const handle = await open(`${path}.tmp`, 'w')
    try {
      await handle.writeFile(`${JSON.stringify(manifest, null, 1)}\n`)
    } finally {
      await handle.close()
    }
    await settle(`${path}.tmp`, path)
    this.manifest = manifest
  }

  #sameTypes(columns: readonly Column[]): void {
    for (const { name, type } of storedColumns(this.#name, columns)) {
      for (const file of this.manifest.files) {
        const there = file.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
        if (there && there.type !== type) {
          throw new Fault(
            'conflict',
            `Column ${name} of ${this.#name} was ${there.type} and is now ${type}: rebuild it.`,
          )
        }
      }
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => {})
    return turn
  }
}

function mark(bits: Uint8Array, place: number): void {
  bits[place >>> 3]! |= 1 << (place & 7)
}

function isMarked(bits: Uint8Array, place: number): boolean {
  return (bits[place >>> 3]! & (1 << (place & 7))) !== 0
}

/**
 * The run of files to merge next: the first that those after it have outgrown, and all of those. A small file at the end
 * is left out: the next extension writes it again, and a long merge would find it changed each time.
 */
function mergeable(files: readonly ColumnFile[]): ColumnFile[] {
  const end = files.length - (files.length > 0 && files.at(-1)!.rows < small ? 1 : 0)
  let after = 0
  let start = end
  for (let index = end - 1; index >= 0; index--) {
    const { rows } = files[index]!
    if (index < end - 1 && (rows < small || rows <= ratio * after)) start = index
    after += rows
  }
  return files.slice(start, end)
}

/** All columns of two files; the later one's spelling. */
function together(earlier: Column[], later: Column[]): Column[] {
  const has = (name: string): boolean => later.some((column) => column.name.toLowerCase() === name.toLowerCase())
  return [...later, ...earlier.filter(({ name }) => !has(name))]
}

function inOrder(sources: readonly string[]): string {
  return `SELECT * FROM (${sources.join(' UNION ALL ')}) ORDER BY subject, time, seq`
}

/** The rows of a file or table with the columns wanted, NULL for those that it has not. */
function select(wanted: readonly Column[], there: readonly Column[], from: string): string {
  const columns = wanted.map(({ name, type }) => {
    const column = there.find((each) => each.name.toLowerCase() === name.toLowerCase())
    return column ? `${identifier(column.name)} AS ${identifier(name)}` : `NULL::${type} AS ${identifier(name)}`
  })
  return `SELECT ${['seq', 'subject', 'time', 'known', ...columns].join(', ')} FROM ${from}`
}

/** SHA-256 of a file, in hex. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** Gives a finished draft its name: synced before, and its folder after. */
export async function settle(draft: string, path: string): Promise<void> {
  for (const [target, act] of [
    [draft, () => rename(draft, path)],
    [join(path, '..'), undefined],
  ] as const) {
    const handle = await open(target, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await act?.()
  }
}

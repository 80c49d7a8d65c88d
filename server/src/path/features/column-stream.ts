// The column files of one stream: grown, merged, written again without somebody, and lent to readers.
import { mkdir, open, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'
import type { TableColumn } from '../../record/tables/table.ts'
import type { Column, Columns, Session } from '../../store/columns.ts'
import { parquet, quote } from '../../store/columns.ts'
import { digestOf, settle } from '../../store/files.ts'
import { ColumnCheck } from './column-check.ts'
import type { ColumnFile, FileProblem, Manifest, Rewritten } from './column-file.ts'
import { inOrder, mergeable, select, small, together } from './column-file.ts'
import type { EventRow, EventSource } from './events.ts'
import { eventFields, storedColumns, subjectLiteral } from './events.ts'

export interface EventColumnsOptions {
  columns: Columns
  /** The data folder. */
  folder: string
  source: EventSource
  /** Rows in a file before it is cut; for tests. */
  cut?: number
  /** The numbers by which the table of a stream's events knows these columns; none are written where there is no table. */
  fieldIds?: (stream: string, columns: readonly TableColumn[]) => Promise<Readonly<Record<string, number>>>
}

type Ids = Readonly<Record<string, number>>

/** What every column file has before the contract's columns. */
export const OWN: readonly TableColumn[] = [
  { name: 'seq', type: 'BIGINT' },
  { name: 'subject', type: 'BLOB' },
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'known', type: 'TIMESTAMP' },
]

export class ColumnStream {
  readonly #columns: Columns
  readonly #folder: string
  readonly #source: EventSource
  readonly #cut: number
  readonly #fieldIds: EventColumnsOptions['fieldIds']
  readonly #name: string
  readonly #check: ColumnCheck
  /** The columns that were last numbered. */
  #numbered: { key: string; ids: Readonly<Record<string, number>> } | undefined
  /** Work that changes the manifest, one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #merging: Promise<void> | undefined
  /** How many readers hold a file. */
  readonly #held = new Map<string, number>()
  readonly #released: { path: string; gone: () => void }[] = []
  readonly #dropping = new Set<Promise<void>>()
  manifest: Manifest

  private constructor({ columns, folder, source, cut, fieldIds }: EventColumnsOptions, manifest: Manifest) {
    this.#columns = columns
    this.#folder = folder
    this.#source = source
    this.#cut = cut ?? 1_000_000
    this.#fieldIds = fieldIds
    this.#name = manifest.stream
    this.#check = new ColumnCheck(columns, folder, source, manifest.stream)
    this.manifest = manifest
  }

  static async open(options: EventColumnsOptions, stream: string): Promise<ColumnStream> {
    const { folder } = options
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
    return new ColumnStream(options, manifest)
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
    const stored = storedColumns(this.#name, columns)
    const ids = await this.#ids(last ? together(last.columns, stored) : stored)
    await this.#columns.session(async (session) => {
      let reached = to
      const batches = this.#bounded(begin, to, (seq) => (reached = seq))
      const rows = await session.load('incoming', eventFields(this.#name, columns), batches)
      if (rows === 0) return this.#switch({ ...this.manifest, to: reached })

      const joins = last && last.rows < small && last.rows + rows < 2 * small ? last : undefined
      const from = joins ? joins.from : (last?.to ?? 0)
      const shape = joins ? together(joins.columns, stored) : stored
      const incoming = select(shape, stored, 'incoming')
      const sources = joins ? [this.#read(joins, shape), incoming] : [incoming]
      const file = await this.#write(session, inOrder(sources), {
        from,
        to: reached,
        columns: shape,
        rows: rows + (joins?.rows ?? 0),
        ids,
      })
      await this.#switch({
        ...this.manifest,
        to: reached,
        files: [...(joins ? files.slice(0, -1) : files), file],
      }).catch(async (error: unknown) => {
        await this.#discard(file)
        throw error
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
      const ids = await this.#ids(columns)
      const merged = await this.#columns.session((session) =>
        this.#write(session, inOrder(run.map((file) => this.#read(file, columns))), {
          from: run[0]!.from,
          to: run.at(-1)!.to,
          columns,
          rows: run.reduce((sum, file) => sum + file.rows, 0),
          ids,
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
      }).catch(async (error: unknown) => {
        await this.#discard(merged)
        throw error
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
        const ids = await this.#ids(file.columns)
        const next = await this.#columns.session(async (session) => {
          const path = quote(join(this.#folder, file.path))
          const { count } = await session.row<{ count: bigint }>(
            `SELECT count(*) AS count FROM read_parquet(${path}) WHERE ${theirs}`,
          )
          if (count === 0n) return file
          const rest = `${this.#read(file, file.columns)} WHERE NOT ${theirs}`
          // A file is in order already, and read in its order.
          const written = await this.#write(session, rest, { ...file, rows: file.rows - Number(count), ids })
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
      for (const file of files) problems.push(...(await this.#check.file(file, deep)))
      problems.push(...(await this.#check.rest(files.at(-1)?.to ?? 0, to)))
      return problems
    } finally {
      await this.release(files)
    }
  }

  altered(path: string): Promise<string[]> {
    return this.#check.elsewhere(path)
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
      this.#check.forget(path)
    }
  }

  /** Deletes a file that the manifest on the disk does not name: no erasure would find it. */
  async #discard({ path }: ColumnFile): Promise<void> {
    const named = await readFile(join(this.#folder, 'columns', this.#name, 'manifest.json'), 'utf8').catch(() => '')
    if (!named.includes(JSON.stringify(path))) await rm(join(this.#folder, path), { force: true })
  }

  #read(file: ColumnFile, columns: readonly Column[]): string {
    return select(columns, file.columns, `read_parquet(${quote(join(this.#folder, file.path))})`)
  }

  async #write(
    session: Session,
    query: string,
    { from, to, columns, rows, ids }: Pick<ColumnFile, 'from' | 'to' | 'columns' | 'rows'> & { ids: Ids | undefined },
  ): Promise<ColumnFile> {
    const taken = new Set(await readdir(join(this.#folder, 'columns', this.#name)))
    let name = `${from}-${to}.parquet`
    for (let again = 1; taken.has(name); again++) name = `${from}-${to}-r${again}.parquet`
    const path = `columns/${this.#name}/${name}`
    const draft = join(this.#folder, `${path}.tmp`)
    try {
      const fieldIds = ids && Object.fromEntries([...OWN, ...columns].map(({ name }) => [name, ids[name]!]))
      await session.run(parquet(query, draft, { rows, ours: true, fieldIds }))
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

  /** Asked for before a session is borrowed: a table that is to be made needs the ledger, and may need the engine. */
  async #ids(columns: readonly Column[]): Promise<Ids | undefined> {
    if (!this.#fieldIds) return undefined
    const all = [...OWN, ...columns]
    const key = JSON.stringify(all)
    if (this.#numbered?.key !== key) this.#numbered = { key, ids: await this.#fieldIds(this.#name, all) }
    return this.#numbered.ids
  }

  async #switch(manifest: Manifest): Promise<void> {
    const path = join(this.#folder, 'columns', this.#name, 'manifest.json')
    try {
      const handle = await open(`${path}.tmp`, 'w')
      try {
        await handle.writeFile(`${JSON.stringify(manifest, null, 1)}\n`)
      } finally {
        await handle.close()
      }
      await settle(`${path}.tmp`, path)
    } catch (error) {
      await rm(`${path}.tmp`, { force: true })
      throw error
    }
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

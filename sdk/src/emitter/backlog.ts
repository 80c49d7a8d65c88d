// What is still to be sent, in segments, oldest first: on disk where there is a lane, and in memory as far as that reaches.
import { readdirSync, writeFileSync } from 'node:fs'
import { open, readFile, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSegment, encodeItem } from './segment.ts'
import type { Item } from './segment.ts'

export interface BacklogLimits {
  /** Bytes of the files of the spool. */
  readonly disk: number
  /** Characters of records that are kept in memory. */
  readonly memory: number
  /** Records and bytes of a segment. */
  readonly records: number
  readonly bytes: number
}

export interface Segment {
  /** Segments rise in number, and so do the numbers of a stream's records in them. */
  readonly number: number
  /** Undefined while it is in memory only. */
  readonly path: string | undefined
  count: number
  bytes: number
  /** Undefined where only the file has them. */
  items: Item[] | undefined
}

export class Backlog {
  readonly #folder: string | undefined
  readonly #limits: BacklogLimits
  readonly #failed: (error: Error | undefined) => void
  readonly #segments: Segment[] = []
  #open: Segment | undefined
  #handle: FileHandle | undefined
  #next = 1
  /** Being written: whether it is in the file is not known yet. */
  #limbo: readonly Item[] = []
  disk = 0
  memory = 0

  /** `failed` hears of each failure of the disk, and of the first writing that succeeds after one. */
  constructor(folder: string | undefined, limits: BacklogLimits, failed: (error: Error | undefined) => void) {
    this.#folder = folder
    this.#limits = limits
    this.#failed = failed
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  /** The records of the segment that is being filled. */
  get openCount(): number {
    return this.#open?.count ?? 0
  }

  get openBytes(): number {
    return this.#open?.bytes ?? 0
  }

  /** Takes up the files that an earlier run left; `each` sees their records, in order. */
  async recover(each: (items: readonly Item[], damaged: number) => void): Promise<void> {
    if (this.#folder === undefined) return
    const names = readdirSync(this.#folder).filter((name) => /^\d{12}\.spool$/.test(name))
    const found: Segment[] = []
    for (const name of names.toSorted()) {
      const path = join(this.#folder, name)
      const { size } = await stat(path)
      const { items, damaged } = decodeSegment(await readFile(path))
      each(items, damaged)
      this.#next = Math.max(this.#next, Number(name.slice(0, 12)) + 1)
      this.disk += size
      found.push({ number: Number(name.slice(0, 12)), path, count: items.length, bytes: size, items: undefined })
    }
    this.#segments.unshift(...found)
  }

  /** Adds records. Gives those for which there was no room: the newest, so that what is kept has no hole. */
  async append(items: readonly Item[]): Promise<readonly Item[]> {
    const { records, bytes } = this.#limits
    for (let at = 0; at < items.length;) {
      const segment = this.#open ?? (await this.#begin())
      const lines: string[] = []
      let size = 0
      let to = at
      const room = this.#room(segment)
      for (; to < items.length && segment.count + (to - at) < records && segment.bytes + size < bytes; to++) {
        const line = encodeItem(items[to]!)
        const length = Buffer.byteLength(line)
        if (size + length > room) break
        lines.push(line)
        size += length
      }
      const some = items.slice(at, to)
      if (some.length === 0) {
        if (segment.count === 0) await this.#drop(segment)
        return items.slice(at)
      }
      if (segment.path !== undefined && !(await this.#write(segment, lines.join(''), size, some))) continue
      segment.count += some.length
      segment.bytes += size
      segment.items?.push(...some)
      this.memory += size
      if (segment.path !== undefined) this.disk += size
      at = to
      if (segment.count >= records || segment.bytes >= bytes) await this.seal()
    }
    return []
  }

  /** No record is added to the open segment any more. */
  async seal(): Promise<void> {
    const segment = this.#open
    this.#open = undefined
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close().catch(() => {})
    // The oldest is sent next: it stays in memory.
    if (segment?.path !== undefined && this.memory > this.#limits.memory / 2 && this.#segments[0] !== segment) {
      this.memory -= segment.bytes
      segment.items = undefined
    }
  }

  /** The oldest segment, closed; undefined when there is none. */
  async first(): Promise<Segment | undefined> {
    const [segment] = this.#segments
    if (segment !== undefined && segment === this.#open) await this.seal()
    return segment
  }

  async items(segment: Segment): Promise<readonly Item[]> {
    return segment.items ?? decodeSegment(await readFile(segment.path!)).items
  }

  async remove(segment: Segment): Promise<void> {
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    if (segment.items !== undefined) this.memory -= segment.bytes
    if (segment.path === undefined) return
    this.disk -= segment.bytes
    await rm(segment.path, { force: true }).catch(() => {})
  }

  /** Writes what is in no file yet, at once and blocking: the process ends. Gives what could not be kept. */
  keep(fresh: readonly Item[]): readonly Item[] {
    const unsafe = this.#segments.filter(({ path }) => path === undefined)
    // What a file that was being written holds already stands there twice then: it is known by its number.
    const last = { number: this.#next++, items: [...this.#limbo, ...fresh] }
    return [...unsafe, last].flatMap(({ number, items }) => {
      if (items === undefined || items.length === 0) return []
      if (this.#folder === undefined) return items
      try {
        writeFileSync(this.#pathOf(number), items.map(encodeItem).join(''), { flag: 'wx', mode: 0o600 })
        return []
      } catch {
        return items
      }
    })
  }

  #room(segment: Segment): number {
    return segment.path === undefined ? this.#limits.memory - this.memory : this.#limits.disk - this.disk
  }

  async #begin(): Promise<Segment> {
    const number = this.#next++
    let path = this.#folder === undefined ? undefined : this.#pathOf(number)
    if (path !== undefined) {
      try {
        this.#handle = await open(path, 'wx', 0o600)
      } catch (error) {
        path = undefined
        this.#failed(error as Error)
      }
    }
    const segment: Segment = { number, path, count: 0, bytes: 0, items: [] }
    this.#segments.push(segment)
    this.#open = segment
    return segment
  }

  async #write(segment: Segment, text: string, size: number, items: readonly Item[]): Promise<boolean> {
    const handle = this.#handle!
    this.#limbo = items
    try {
      await handle.writeFile(text)
      this.#failed(undefined)
      return true
    } catch (error) {
      this.#failed(error as Error)
      // What reached the file is cut off again; if even that fails, numbers tell what stands there twice.
      await handle.truncate(segment.bytes).catch(() => {})
      if (segment.count === 0) await this.#drop(segment)
      else await this.seal()
      const instead: Segment = { number: this.#next++, path: undefined, count: 0, bytes: 0, items: [] }
      this.#segments.push(instead)
      this.#open = instead
      return false
    } finally {
      this.#limbo = []
    }
  }

  async #drop(segment: Segment): Promise<void> {
    await this.seal()
    await this.remove(segment)
  }

  #pathOf(number: number): string {
    return join(this.#folder!, `${String(number).padStart(12, '0')}.spool`)
  }
}

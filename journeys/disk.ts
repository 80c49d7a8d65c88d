// A disk in memory that keeps what a real one must keep and nothing more: what was written is lost with the power unless
// it was synced, and so are files and names whose folder was not. Any single operation can be made to fail.
import { dirname } from 'node:path'
import type { Files, GrowingFile } from '../server/src/store/files.ts'

/** What happens at an operation, instead of it or in the middle of it. */
export type Mishap =
  | { kind: 'power' } // nothing is read or written any more
  | { kind: 'error'; code: 'EIO' | 'ENOSPC'; message: string }

/** How much of what was not synced survives a power cut. */
export type Survival = 'nothing' | 'everything' | { seed: number }

/** A write that was not synced yet. */
interface Write {
  at: number
  bytes: Uint8Array
}

interface Inode {
  /** What the platter holds. */
  durable: Uint8Array
  /** What readers see. */
  seen: Uint8Array
  unsynced: (Write | { size: number })[]
}

interface Folder {
  durable: Map<string, Inode | Folder>
  seen: Map<string, Inode | Folder>
}

const isFolder = (node: Inode | Folder | undefined): node is Folder => node !== undefined && !('unsynced' in node)
const newFolder = (): Folder => ({ durable: new Map(), seen: new Map() })

export class Disk {
  readonly #root: Folder = newFolder()
  /** Operations so far that change something, each described, for messages. */
  readonly operations: string[] = []
  free = Number.MAX_SAFE_INTEGER
  #mishap: { at: number; mishap: Mishap } | undefined
  #off = false
  readonly #cut: PromiseWithResolvers<void> = Promise.withResolvers()

  /** Resolves when the power is cut. */
  get cut(): Promise<void> {
    return this.#cut.promise
  }

  get off(): boolean {
    return this.#off
  }

  /** Arms a mishap for the nth operation from now, from 0. */
  arm(at: number, mishap: Mishap): void {
    this.#mishap = { at: this.operations.length + at, mishap }
  }

  /** The power goes now. */
  pull(): void {
    this.#off = true
    this.#cut.resolve()
  }

  /** The disk as it is found when the power is back. */
  after(survival: Survival): Disk {
    const random = typeof survival === 'object' ? randomFrom(survival.seed) : undefined
    const keeps = (): boolean => (random ? random() < 0.5 : survival === 'everything')
    const inodes = new Map<Inode, Inode>()
    const inodeAfter = (inode: Inode): Inode => {
      let found = inodes.get(inode)
      if (!found) {
        const bytes = survival === 'everything' ? inode.seen : settled(inode, random, keeps)
        inodes.set(inode, (found = { durable: bytes.slice(), seen: bytes.slice(), unsynced: [] }))
      }
      return found
    }
    const folderAfter = (from: Folder): Folder => {
      const names = new Map(from.durable)
      for (const name of new Set([...from.durable.keys(), ...from.seen.keys()])) {
        const [was, is] = [from.durable.get(name), from.seen.get(name)]
        if (was === is || !keeps()) continue
        if (is) names.set(name, is)
        else names.delete(name)
      }
      const entries = [...names].map(([name, node]): [string, Inode | Folder] => [
        name,
        isFolder(node) ? folderAfter(node) : inodeAfter(node),
      ])
      return { durable: new Map(entries), seen: new Map(entries) }
    }
    const disk = new Disk()
    const root = folderAfter(this.#root)
    disk.#root.durable = root.durable
    disk.#root.seen = root.seen
    disk.free = this.free
    return disk
  }

  /** Every file, with what readers see of it. */
  *all(folder: Folder = this.#root, path = ''): Generator<[string, Uint8Array]> {
    for (const [name, node] of folder.seen) {
      if (isFolder(node)) yield* this.all(node, `${path}/${name}`)
      else yield [`${path}/${name}`, node.seen]
    }
  }

  /** The disk as the ledger sees it. */
  files(): Files {
    const seen = (path: string): Uint8Array | undefined => {
      this.#readable()
      const node = this.#find(path)
      return node === undefined || isFolder(node) ? undefined : node.seen
    }
    return {
      read: (path) => seen(path)?.slice(),
      readInto: (path) => seen(path)?.slice(),
      readAt: (path, at, length) => {
        const bytes = seen(path)
        if (!bytes) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
        return bytes.slice(at, at + length)
      },
      size: (path) => seen(path)?.length,
      list: (path) => {
        this.#readable()
        const node = this.#find(path)
        return isFolder(node) ? [...node.seen.keys()].sort() : []
      },
      grow: async (path) => {
        let inode = this.#find(path)
        if (inode === undefined) {
          const folder = await this.#makeFolder(dirname(path))
          await this.#operation(`make ${path}`)
          folder.seen.set(name(path), (inode = { durable: new Uint8Array(), seen: new Uint8Array(), unsynced: [] }))
          await this.#syncFolder(dirname(path))
        }
        if (isFolder(inode)) throw new Error(`${path} is a folder`)
        return this.#growing(path, inode)
      },
      replace: async (path, bytes) => {
        // As files.ts does it: written under another name, synced, renamed.
        const draft = `${path}.tmp`
        const folder = await this.#makeFolder(dirname(path))
        await this.#operation(`write ${draft}`, bytes.length)
        const inode: Inode = {
          durable: new Uint8Array(),
          seen: bytes.slice(),
          unsynced: [{ at: 0, bytes: bytes.slice() }],
        }
        folder.seen.set(name(draft), inode)
        const tidy = (error: unknown): never => {
          folder.seen.delete(name(draft))
          throw error
        }
        await this.#operation(`sync ${draft}`).catch(tidy)
        settle(inode)
        await this.#operation(`rename ${draft}`).catch(tidy)
        folder.seen.delete(name(draft))
        folder.seen.set(name(path), inode)
      },
      link: async (from, to) => {
        const folder = await this.#makeFolder(dirname(to))
        await this.#operation(`link ${to}`)
        const inode = this.#find(from)
        if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${from}`), { code: 'ENOENT' })
        folder.seen.set(name(to), inode)
      },
      syncFolder: (path) => this.#syncFolder(path),
      remove: async (path) => {
        await this.#operation(`remove ${path}`)
        const folder = this.#find(dirname(path))
        if (isFolder(folder)) folder.seen.delete(name(path))
      },
      free: async () => {
        this.#readable()
        return this.free
      },
      close: () => {},
    }
  }

  #growing(path: string, inode: Inode): GrowingFile {
    const write = (at: number, bytes: Uint8Array): void => {
      inode.seen = laid(inode.seen, at, bytes)
      inode.unsynced.push({ at, bytes: bytes.slice() })
    }
    let size = inode.seen.length
    return {
      path,
      get size() {
        return size
      },
      append: async (chunks) => {
        const at = size
        const bytes = new Uint8Array(Buffer.concat(chunks))
        size += bytes.length
        await this.#operation(`append ${path}`, bytes.length, () => write(at, bytes.subarray(0, bytes.length >> 1)))
        write(at, bytes)
      },
      overwrite: async (at, bytes) => {
        await this.#operation(`overwrite ${path} at ${at}`, bytes.length, () =>
          write(at, bytes.subarray(0, bytes.length >> 1)),
        )
        size = Math.max(size, at + bytes.length)
        write(at, bytes)
      },
      sync: async () => {
        await this.#operation(`sync ${path}`)
        settle(inode)
      },
      truncate: async (to) => {
        await this.#operation(`truncate ${path} to ${to}`)
        inode.seen = sized(inode.seen, to)
        inode.unsynced.push({ size: to })
        size = to
      },
      close: async () => {},
    }
  }

  async #syncFolder(path: string): Promise<void> {
    await this.#operation(`sync folder ${path}`)
    const folder = this.#find(path)
    if (!isFolder(folder)) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    folder.durable = new Map(folder.seen)
  }

  /** `half` does the first half of it, which is what a failed write may leave behind. */
  async #operation(what: string, bytes = 0, half?: () => void): Promise<void> {
    if (this.#off) return new Promise(() => {})
    const due = this.#mishap?.at === this.operations.length ? this.#mishap.mishap : undefined
    this.operations.push(bytes === 0 ? what : `${what} (${bytes} bytes)`)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#off) return new Promise(() => {})
    if (due === undefined) return
    half?.()
    if (due.kind === 'error') throw Object.assign(new Error(`${due.message}: ${what}`), { code: due.code })
    this.pull()
    return new Promise(() => {})
  }

  #readable(): void {
    if (this.#off) throw new Error('there is no power')
  }

  #find(path: string): Inode | Folder | undefined {
    let node: Inode | Folder | undefined = this.#root
    for (const part of path.split('/').filter(Boolean)) {
      if (!isFolder(node)) return undefined
      node = node.seen.get(part)
    }
    return node
  }

  /** As files.ts does it: each folder that is new is made, then the folder that holds it synced. */
  async #makeFolder(path: string): Promise<Folder> {
    let folder = this.#root
    let at = ''
    for (const part of path.split('/').filter(Boolean)) {
      let next = folder.seen.get(part)
      if (next === undefined) {
        await this.#operation(`make folder ${at}/${part}`)
        next = folder.seen.get(part) ?? newFolder()
        folder.seen.set(part, next)
        await this.#syncFolder(at || '/')
      }
      if (!isFolder(next)) throw new Error(`${path} is no folder`)
      folder = next
      at += `/${part}`
    }
    return folder
  }
}

function name(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function settle(inode: Inode): void {
  inode.durable = inode.seen.slice()
  inode.unsynced = []
}

function sized(bytes: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size)
  next.set(bytes.subarray(0, size))
  return next
}

function laid(under: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const next = sized(under, Math.max(under.length, at + bytes.length))
  next.set(bytes, at)
  return next
}

/** What a file holds after a power cut: each write that was not synced is there, gone, or torn. */
function settled(inode: Inode, random: (() => number) | undefined, keeps: () => boolean): Uint8Array {
  let bytes = inode.durable
  if (!random) return bytes
  for (const change of inode.unsynced) {
    if (!keeps()) continue
    if ('size' in change) bytes = sized(bytes, change.size)
    else
      bytes = laid(
        bytes,
        change.at,
        change.bytes.subarray(0, random() < 0.5 ? change.bytes.length : Math.floor(random() * change.bytes.length)),
      )
  }
  return bytes
}

/** A generator of numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

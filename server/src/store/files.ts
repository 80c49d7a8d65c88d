// What the ledger asks of a file system. One small interface, so that tests can make any single operation fail, or stop
// the process before or after it.
import {
  constants,
  createReadStream,
  fstatSync,
  readdirSync,
  readFileSync,
  readSync,
  openSync,
  closeSync,
  statSync,
} from 'node:fs'
import { createHash } from 'node:crypto'
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A file that grows at its end, or is overwritten in place. Nothing is durable before `sync` resolves. */
export interface GrowingFile {
  readonly path: string
  /** Bytes in the file, writes under way included. */
  readonly size: number
  append(chunks: readonly Uint8Array[]): Promise<void>
  overwrite(at: number, bytes: Uint8Array): Promise<void>
  /** fdatasync. After it has failed once the file must not be used again: the page cache can no longer be trusted. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Files {
  /** The whole file, or undefined when there is none. */
  read(path: string): Uint8Array | undefined
  /**
   * As `read`, into a buffer that is there already, or a larger one where it has no room. For what reads many files: memory
   * outside the heap that comes and goes makes the collector pass over all of it.
   */
  readInto(path: string, room: Uint8Array): Uint8Array | undefined
  /** At most `length` bytes from `at`; fewer at the end of the file. */
  readAt(path: string, at: number, length: number): Uint8Array
  size(path: string): number | undefined
  list(folder: string): string[]
  /** Opens for writing, making the file and the folders above it. Their entries are synced. */
  grow(path: string, options?: { mode?: number }): Promise<GrowingFile>
  /**
   * Writes a file whole: temporary name, fsync, rename. Readers see the old bytes or the new ones. Folders are made, and
   * their entries synced; that of the file itself is for the caller to sync (`syncFolder`).
   */
  replace(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<void>
  /**
   * Gives a file a second name; a copy where the file system knows no hard links. Folders are made, and their entries
   * synced; that of the new name is for the caller to sync (`syncFolder`).
   */
  link(from: string, to: string): Promise<void>
  /** Makes renames and removals in a folder durable. */
  syncFolder(folder: string): Promise<void>
  remove(path: string): Promise<void>
  /** Bytes that may still be written to the file system that holds `path`. */
  free(path: string): Promise<number>
  close(): void
}

/** Buffers are made in multiples of this, so that they fit the next file too. */
const ROOM = 8 * 1024

/** The local file system. Descriptors of files that are read at random are kept open, at most `maxOpen` of them. */
export function localFiles(maxOpen = 256): Files {
  const open_ = new Map<string, number>()
  let temporary = 0

  const descriptor = (path: string): number => {
    let fd = open_.get(path)
    if (fd !== undefined) return fd
    fd = openSync(path, constants.O_RDONLY)
    if (open_.size >= maxOpen) {
      const [oldest, oldestFd] = open_.entries().next().value!
      closeSync(oldestFd)
      open_.delete(oldest)
    }
    open_.set(path, fd)
    return fd
  }
  const forget = (path: string): void => {
    const fd = open_.get(path)
    if (fd === undefined) return
    closeSync(fd)
    open_.delete(path)
  }

  /** Makes a folder and those above it: without a sync of the folder that holds it, a name is lost with the power. */
  const makeFolder = async (folder: string): Promise<void> => {
    const first = await mkdir(folder, { recursive: true })
    if (first === undefined) return
    const top = dirname(first)
    for (let made = folder; made !== top && made.startsWith(top); made = dirname(made))
      await files.syncFolder(dirname(made))
  }

  const files: Files = {
    read(path) {
      try {
        const { buffer, byteOffset, length } = readFileSync(path)
        return new Uint8Array(buffer, byteOffset, length)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    readInto(path, room) {
      let fd: number
      try {
        fd = openSync(path, constants.O_RDONLY)
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
      try {
        const { size } = fstatSync(fd)
        const buffer = room.length >= size ? room : new Uint8Array(Math.ceil(size / ROOM) * ROOM)
        let read = 0
        for (let n = 1; n > 0 && read < size; read += n) n = readSync(fd, buffer, read, size - read, read)
        return buffer.subarray(0, read)
      } finally {
        closeSync(fd)
      }
    },
    readAt(path, at, length) {
      const bytes = Buffer.allocUnsafe(length)
      let read = 0
      while (read < length) {
        const n = readSync(descriptor(path), bytes, read, length - read, at + read)
        if (n === 0) break
        read += n
      }
      return bytes.subarray(0, read)
    },
    size(path) {
      return statSync(path, { throwIfNoEntry: false })?.size
    },
    list(folder) {
      try {
        return readdirSync(folder).sort()
      } catch (error) {
        if (isMissing(error)) return []
        throw error
      }
    },
    async grow(path, options = {}) {
      await makeFolder(dirname(path))
      const existed = files.size(path) !== undefined
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, options.mode ?? 0o644)
      if (!existed) await files.syncFolder(dirname(path))
      return growing(path, handle, (await handle.stat()).size)
    },
    async replace(path, bytes, options = {}) {
      await makeFolder(dirname(path))
      const draft = `${path}.${process.pid}-${++temporary}.tmp`
      try {
        const handle = await open(draft, 'wx', options.mode ?? 0o644)
        try {
          await handle.writeFile(bytes)
          await handle.sync()
        } finally {
          await handle.close()
        }
        forget(path)
        await rename(draft, path)
      } catch (error) {
        await rm(draft, { force: true }).catch(() => {})
        throw error
      }
    },
    async link(from, to) {
      await makeFolder(dirname(to))
      try {
        await link(from, to)
      } catch (error) {
        if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes((error as { code: string }).code))
          throw error
        await copyFile(from, to)
        const handle = await open(to, 'r+')
        try {
          await handle.sync()
        } finally {
          await handle.close()
        }
      }
    },
    async syncFolder(folder) {
      const handle = await open(folder, constants.O_RDONLY)
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    async remove(path) {
      forget(path)
      await rm(path, { force: true, recursive: true })
    },
    async free(path) {
      const { bavail, bsize } = await statfs(path)
      return bavail * bsize
    },
    close() {
      for (const path of open_.keys()) forget(path)
    },
  }
  return files
}

function growing(path: string, handle: FileHandle, size: number): GrowingFile {
  return {
    path,
    get size() {
      return size
    },
    async append(chunks) {
      const at = size
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      size += length
      let { bytesWritten } = await handle.writev(chunks as Uint8Array[], at)
      if (bytesWritten === length) return
      const rest = Buffer.concat(chunks)
      while (bytesWritten < length) {
        const more = await handle.write(rest, bytesWritten, length - bytesWritten, at + bytesWritten)
        bytesWritten += more.bytesWritten
      }
    },
    async overwrite(at, bytes) {
      size = Math.max(size, at + bytes.length)
      let written = 0
      while (written < bytes.length) {
        written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten
      }
    },
    sync: () => handle.datasync(),
    async truncate(to) {
      await handle.truncate(to)
      size = to
    },
    close: () => handle.close(),
  }
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

/** Every file below a folder, as paths relative to it, sorted. */
export async function walk(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort()
}

/** SHA-256 of a file, in hex. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** What changes when a file is written: inode, size and times. Throws where there is none. */
export async function identityOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
  return `${ino}:${size}:${mtimeNs}:${ctimeNs}`
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

export { createReadStream }

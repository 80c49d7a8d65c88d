// Spines that were uploaded: kept in the data folder's tmp until a set is made of them, for an hour at most. They hold
// identifiers, so nothing of them stays: not the file, and of its bytes only a keyed digest.
import type { SpineUpload } from '@whence/sdk'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../fault.ts'

export interface Upload {
  path: string
  format: 'csv' | 'parquet'
  bytes: number
  /** HMAC-SHA256 of the bytes, in hex. */
  digest: string
}

export interface SpineUploadsOptions {
  /** The data folder. */
  folder: string
  /** Under which contents are recognised again. */
  key: Uint8Array
  /** Bytes of disk that are never used. */
  reserve: number
  /** Bytes that one file may have. */
  most?: number
  /** Files that may wait. */
  waiting?: number
  /** Milliseconds for which one waits. */
  lasts?: number
}

export class SpineUploads {
  readonly #folder: string
  readonly #key: Uint8Array
  readonly #reserve: number
  readonly #most: number
  readonly #waiting: number
  readonly #lasts: number
  readonly #uploads = new Map<string, Upload & { timer: NodeJS.Timeout }>()
  #coming = 0

  constructor({ folder, key, reserve, most = 2 ** 31, waiting = 16, lasts = 3_600_000 }: SpineUploadsOptions) {
    this.#folder = join(folder, 'tmp', 'spines')
    this.#key = key
    this.#reserve = reserve
    this.#most = most
    this.#waiting = waiting
    this.#lasts = lasts
  }

  /** Deletes what an earlier run left. */
  async open(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Takes a file. What comes of it when it is cut off, too large, or the disk is full: nothing is kept. */
  async take(stream: AsyncIterable<Uint8Array>, format: Upload['format']): Promise<SpineUpload> {
    if (this.#uploads.size + this.#coming >= this.#waiting)
      throw new Fault('overloaded', `${this.#waiting} spines wait to become training sets: make them first`)
    this.#coming++
    const upload = randomBytes(16).toString('hex')
    const path = join(this.#folder, `${upload}.${format}`)
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const { bytes, digest } = await this.#write(path, stream)
      const timer = setTimeout(() => void this.drop(upload), this.#lasts)
      timer.unref()
      this.#uploads.set(upload, { path, format, bytes, digest, timer })
      return { upload, format, bytes }
    } catch (error) {
      await rm(path, { force: true })
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw full(error)
      throw error
    } finally {
      this.#coming--
    }
  }

  async #write(path: string, stream: AsyncIterable<Uint8Array>): Promise<{ bytes: number; digest: string }> {
    const hmac = createHmac('sha256', this.#key)
    const handle = await open(path, 'wx', 0o600)
    let bytes = 0
    let room = 0
    try {
      for await (const chunk of stream) {
        bytes += chunk.length
        if (bytes > this.#most)
          throw new Fault('too_large', `a spine has at most ${Math.floor(this.#most / 2 ** 20)} MiB: make several sets`)
        room -= chunk.length
        if (room < 0) room = await this.#room()
        hmac.update(chunk)
        await handle.writeFile(chunk)
      }
    } finally {
      await handle.close()
    }
    if (bytes === 0) throw new Fault('invalid', 'the file is empty (0 bytes)')
    return { bytes, digest: hmac.digest('hex') }
  }

  /** How much may be written before the disk is looked at again. */
  async #room(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder)
    if (bavail * bsize < this.#reserve + 64 * 2 ** 20) throw full()
    return 32 * 2 ** 20
  }

  /** A file that waits. Throws `not_found`. */
  get(upload: string): Upload {
    const found = this.#uploads.get(upload)
    if (!found)
      throw new Fault('not_found', 'no such spine waits: it was used, or is older than an hour. Upload it again')
    return found
  }

  /** Deletes a file; nothing happens when it is gone already. */
  async drop(upload: string): Promise<void> {
    const found = this.#uploads.get(upload)
    if (!found) return
    this.#uploads.delete(upload)
    clearTimeout(found.timer)
    await rm(found.path, { force: true })
  }

  /** Deletes all of them. */
  async close(): Promise<void> {
    for (const upload of this.#uploads.keys()) await this.drop(upload)
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function full(cause?: unknown): Fault {
  return new Fault('disk_full', 'the disk is full: nothing of the spine was kept. Make room, then upload it again', {
    cause,
  })
}

// Files named by the SHA-256 of their bytes, in one folder. One is there whole, under its digest, or not at all.
import { createHash, hash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing } from './files.ts'

const DRAFT = '.draft-'
const DIGEST = /^[0-9a-f]{64}$/

export class Blobs {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Writes a file as it comes; it is durable under its digest when this resolves. `admit` hears of each piece, with the
   * bytes so far, before it is written, and stops the writing by throwing. Returns the digest that the bytes have, and
   * keeps nothing where that is not `wanted`. Two that write the same file at once do no harm: each has a draft of its own.
   */
  async put(
    wanted: string,
    pieces: AsyncIterable<Uint8Array>,
    admit: (bytes: number) => void | Promise<void>,
  ): Promise<{ sha256: string; bytes: number }> {
    if ((await mkdir(this.#folder, { recursive: true })) !== undefined) await syncFolder(dirname(this.#folder))
    const draft = join(this.#folder, `${DRAFT}${randomBytes(8).toString('hex')}`)
    try {
      const digest = createHash('sha256')
      let bytes = 0
      const handle = await open(draft, 'wx', 0o644)
      try {
        for await (const piece of pieces) {
          bytes += piece.length
          await admit(bytes)
          digest.update(piece)
          await writeAll(handle, piece)
        }
        await handle.sync()
      } finally {
        await handle.close()
      }
      const sha256 = digest.digest('hex')
      if (sha256 !== wanted) return { sha256, bytes }
      await rename(draft, join(this.#folder, sha256))
      await syncFolder(this.#folder)
      return { sha256, bytes }
    } finally {
      await rm(draft, { force: true })
    }
  }

  /** Bytes of the file, or undefined where there is none. */
  async size(sha256: string): Promise<number | undefined> {
    try {
      return (await stat(this.#path(sha256))).size
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** The whole file, or undefined where there is none; `altered` where its bytes have another digest. */
  async read(sha256: string): Promise<Uint8Array | 'altered' | undefined> {
    try {
      const bytes = await readFile(this.#path(sha256))
      return hash('sha256', bytes) === sha256 ? bytes : 'altered'
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** The file in pieces. The last one is held back until all bytes are known to have the digest: else `altered` is thrown. */
  async *pieces(sha256: string, altered: () => Error): AsyncGenerator<Uint8Array> {
    const digest = createHash('sha256')
    let held: Uint8Array | undefined
    for await (const piece of createReadStream(this.#path(sha256), { highWaterMark: 256 * 1024 })) {
      digest.update(piece as Uint8Array)
      if (held) yield held
      held = piece as Uint8Array
    }
    if (digest.digest('hex') !== sha256) throw altered()
    if (held) yield held
  }

  /** The digest that the bytes of a file have now, or undefined where there is none. */
  async digestNow(sha256: string): Promise<string | undefined> {
    const digest = createHash('sha256')
    try {
      for await (const piece of createReadStream(this.#path(sha256), { highWaterMark: 1024 * 1024 }))
        digest.update(piece as Uint8Array)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
    return digest.digest('hex')
  }

  /** Names in the folder; drafts are left out. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    return names.filter((name) => !name.startsWith(DRAFT)).sort()
  }

  /** Removes what writing that was interrupted left behind. Only while nobody writes. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => [])
    for (const name of names) if (name.startsWith(DRAFT)) await rm(join(this.#folder, name), { force: true })
  }

  #path(sha256: string): string {
    if (!DIGEST.test(sha256)) throw new TypeError(`"${sha256}" is no digest`)
    return join(this.#folder, sha256)
  }
}

async function writeAll(handle: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length;) at += (await handle.write(piece, at)).bytesWritten
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// The artifact store: files of models and runs under their digests, so that what a model version names can be had again.
import type { Artifact } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Follower } from '../../record/projection/follower.ts'
import { Blobs } from '../../store/blobs.ts'
import type { Database } from '../../store/database.ts'

const MOST_BYTES = 2 * 1024 * 1024 * 1024
/** How often the free space is asked for, in bytes that came in. */
const LOOK = 16 * 1024 * 1024
const DIGEST = /^[0-9a-f]{64}$/

/** Data folder, then this. */
export const ARTIFACTS = 'artifacts'

interface Problem {
  path: string
  code: string
  message: string
}

export class Artifacts {
  readonly #blobs: Blobs
  readonly #database: Database
  readonly #follower: Follower
  readonly #room: () => Promise<number>

  /** `room`: bytes that may still be written before the disk reserve is eaten. */
  constructor(parts: { folder: string; database: Database; follower: Follower; room: () => Promise<number> }) {
    this.#blobs = new Blobs(`${parts.folder}/${ARTIFACTS}`)
    this.#database = parts.database
    this.#follower = parts.follower
    this.#room = parts.room
  }

  /** Stores a file; durable when this resolves. Throws `invalid` where the bytes have another digest: nothing is kept. */
  async put(name: string, pieces: AsyncIterable<Uint8Array>): Promise<Artifact> {
    const sha256 = digestOf(name)
    const size = await this.#blobs.size(sha256)
    // A whole file is asked for again only where the stored one is no longer what it was.
    if (size !== undefined && (await this.#blobs.digestNow(sha256)) === sha256) {
      for await (const _ of pieces);
      return { sha256, bytes: size, status: 'known' }
    }
    let room = await this.#room()
    let looked = 0
    const stored = await this.#blobs.put(sha256, pieces, async (bytes) => {
      if (bytes > MOST_BYTES) throw new Fault('too_large', 'the artifact has more than 2 GiB: keep it elsewhere')
      if (bytes - looked > LOOK) {
        room = await this.#room()
        looked = bytes
      }
      if (room < bytes - looked)
        throw new Fault(
          'disk_full',
          'the disk is full but for its reserve: free some space, or lower WHENCE_DISK_RESERVE; nothing was stored',
        )
    })
    if (stored.sha256 !== sha256)
      throw new Fault(
        'invalid',
        `the ${stored.bytes} bytes that came have the SHA-256 ${stored.sha256}, not ${sha256}: nothing was stored`,
      )
    return { sha256, bytes: stored.bytes, status: 'stored' }
  }

  /** Throws `not_found`; `altered` while it is read, before its last piece. */
  async open(name: string): Promise<AsyncGenerator<Uint8Array>> {
    const sha256 = digestOf(name)
    if ((await this.#blobs.size(sha256)) === undefined)
      throw new Fault('not_found', `no artifact ${sha256} is stored: PUT /v1/artifacts/{sha256} stores one`)
    return this.#blobs.pieces(sha256, () => alteredFault(sha256))
  }

  size(sha256: string): Promise<number | undefined> {
    return this.#blobs.size(sha256)
  }

  /** The whole file, or undefined where it is not stored. Throws `altered`. */
  async read(sha256: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#blobs.read(sha256)
    if (bytes === 'altered') throw alteredFault(sha256)
    return bytes
  }

  /** What is wrong with a stored file, or nothing. `missing`: it is not stored. */
  async flaw(sha256: string): Promise<'missing' | 'altered' | undefined> {
    const now = await this.#blobs.digestNow(sha256)
    return now === undefined ? 'missing' : now === sha256 ? undefined : 'altered'
  }

  /** Every stored file against its name; and files that a model version was registered with, against what is there. */
  async check(): Promise<{ problems: Problem[]; checked: Record<string, number> }> {
    await this.#follower.reach('model')
    const problems: Problem[] = []
    const names = await this.#blobs.list()
    for (const name of names) {
      const path = `${ARTIFACTS}/${name}`
      if (!DIGEST.test(name)) {
        problems.push({ path, code: 'unknown', message: 'the file is named after no digest' })
      } else if ((await this.flaw(name)) === 'altered') {
        problems.push({ path, code: 'altered', message: 'its bytes do not have the SHA-256 that it is named after' })
      }
    }
    const there = new Set(names)
    const kept = await this.#database.query<{ name: string; version: number; artifact: string }>(
      'select name, version, artifact from model_version where kept order by seq',
    )
    for (const { name, version, artifact } of kept) {
      if (there.has(artifact)) continue
      const message = `the artifact of model version ${name}@${version} is missing: put it back, or restore it`
      problems.push({ path: `${ARTIFACTS}/${artifact}`, code: 'missing', message })
    }
    return { problems, checked: { artifacts: names.length } }
  }

  /** Removes what interrupted uploads left behind. Before the door opens. */
  sweep(): Promise<void> {
    return this.#blobs.sweep()
  }
}

function digestOf(name: string): string {
  if (DIGEST.test(name)) return name
  throw new Fault('invalid', `"${name.slice(0, 100)}" is no SHA-256: write 64 hex digits, in small letters`)
}

function alteredFault(sha256: string): Fault {
  return new Fault('altered', `the stored artifact ${sha256} is altered: its bytes have another SHA-256; restore it`)
}

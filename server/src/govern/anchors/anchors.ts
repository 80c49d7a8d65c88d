// Anchoring: the signed checkpoint is given to somebody else to keep. From then on altering the log shows.
import { claimedCheckpoint, parseVerifierKey, toBase64, toHex, verifyCheckpoint } from '@whence/ledger'
import type { VerifierKey } from '@whence/ledger'
import type { Anchor, AnchorRequest } from '@whence/sdk'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import { formatTime } from '../../record/time.ts'
import type { Clock } from '../../record/time.ts'
import type { Database } from '../../store/database.ts'
import type { Files } from '../../store/files.ts'

const run = promisify(execFile)

export const anchorProjection: Projection = {
  tables: ['anchor'],
  kinds: ['anchor'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into anchor (seq, body) values ($1, $2::text::jsonb)', [
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class Anchors {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #files: Files
  readonly #clock: Clock
  readonly #data: string
  readonly #last: Kept<Anchor | undefined>

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    files: Files
    clock: Clock
    data: string
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#files = parts.files
    this.#clock = parts.clock
    this.#data = parts.data
    this.#last = new Kept(parts.follower, ['anchor'])
  }

  /** The last anchoring with an independent party, or else the last one; undefined when there was none. */
  last(): Promise<Anchor | undefined> {
    return this.#last.of('', () => this.#readLast())
  }

  async #readLast(): Promise<Anchor | undefined> {
    const [row] = await this.#database.query<{ seq: bigint; body: Anchor }>(
      "select seq, body from anchor order by (body->>'independent')::boolean desc, seq desc limit 1",
    )
    return row && { ...row.body, seq: Number(row.seq) }
  }

  async anchor(request: AnchorRequest, by: { id: string; source: string }): Promise<Anchor> {
    await this.#ledger.publish()
    const checkpoint = this.#ledger.checkpoint
    const { size, root } = claimedCheckpoint(checkpoint)
    if (size === 0) throw new Fault('invalid', 'the log has no records yet: there is nothing to anchor')
    const given = await this.#give(request, checkpoint, size)
    const anchor: Anchor = { to: request.to, size, root: toHex(root), time: formatTime(this.#clock.now()), ...given }
    const { seq } = await this.#ledger.appendOne(
      {
        kind: 'anchor/1',
        stream: 'whence.anchors',
        source: by.source,
        id: `${request.to}:${given.where}:${size}:${anchor.time}`.slice(0, 500),
        time: this.#clock.now(),
        refs: { size: String(size), root: anchor.root },
        content: Buffer.from(JSON.stringify(anchor)),
      },
      by.id,
    )
    return { ...anchor, seq }
  }

  async #give(
    request: AnchorRequest,
    checkpoint: string,
    size: number,
  ): Promise<Pick<Anchor, 'where' | 'independent' | 'cosignature'>> {
    if (request.to === 'file') {
      const path = resolve(request.path)
      if (!this.#mayReplace(path))
        throw new Fault('invalid', `${path} exists and is no checkpoint of this log: give another file`)
      await this.#files.replace(path, Buffer.from(checkpoint)).catch((cause: Error) => {
        throw new Fault('invalid', `cannot write ${path}: ${cause.message}`, { cause })
      })
      // Whoever runs this machine can replace the file: it vouches for the log once somebody else holds a copy.
      return { where: path, independent: false }
    }
    if (request.to === 'git') return this.#commit(resolve(request.path), checkpoint, size)
    return this.#cosign(request.url, request.vkey, checkpoint, size)
  }

  /** Whoever may anchor must not be able to overwrite any file of this machine. */
  #mayReplace(path: string): boolean {
    try {
      const there = this.#files.read(path)
      if (!there) return true
      return claimedCheckpoint(there).origin === this.#ledger.origin
    } catch {
      return false
    }
  }

  /** Commits the checkpoint to the repository; pushing it is its owner's business. */
  async #commit(folder: string, checkpoint: string, size: number): Promise<Pick<Anchor, 'where' | 'independent'>> {
    const git = async (...args: string[]): Promise<string> => {
      try {
        return (await run('git', ['-C', folder, ...args])).stdout.trim()
      } catch (cause) {
        const { stderr, message } = cause as Error & { stderr?: string }
        throw new Fault('invalid', `git ${args[0]} in ${folder} failed: ${(stderr || message).trim().split('\n')[0]}`, {
          cause,
        })
      }
    }
    await git('rev-parse', '--show-toplevel')
    const name = `${this.#ledger.origin.replaceAll(/[^a-zA-Z0-9.-]/g, '_')}.checkpoint`
    const path = join(folder, name)
    const before = await readFile(path, 'utf8').catch(() => undefined)
    if (before !== checkpoint) {
      await this.#files.replace(path, Buffer.from(checkpoint))
      await git('add', '--', name)
      await git('commit', '--quiet', '--message', `Checkpoint of ${this.#ledger.origin} at record ${size}`, '--', name)
    }
    return { where: `${path} (commit ${await git('rev-parse', '--short=12', 'HEAD')})`, independent: false }
  }

  /** C2SP tlog-witness: the witness is given the checkpoint and a proof that it grew, and cosigns it. */
  async #cosign(
    url: string,
    vkey: string,
    checkpoint: string,
    size: number,
  ): Promise<Pick<Anchor, 'where' | 'independent' | 'cosignature'>> {
    const witness = witnessKey(vkey)
    let old = await this.#lastSeenBy(witness.name)
    for (let attempt = 0; attempt < 2; attempt++) {
      const hashes = old > 0 && old < size ? this.#ledger.consistency(old) : []
      const body = `old ${old}\n${hashes.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`
      const response = await fetch(new URL('add-checkpoint', url.endsWith('/') ? url : `${url}/`), {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(15_000),
      }).catch((cause: Error) => {
        throw new Fault('unavailable', `the witness at ${url} does not answer: ${cause.message}`, { cause })
      })
      const text = await response.text()
      if (response.status === 409 && /^\d+\n?$/.test(text)) {
        old = Number(text)
        if (old > size)
          throw new Fault(
            'altered',
            `the witness has seen this log at record ${old}, but it ends at ${size}: an older copy is running`,
          )
        continue
      }
      if (!response.ok)
        throw new Fault('unavailable', `the witness at ${url} answered ${response.status}: ${text.slice(0, 200)}`)
      const cosigned = checkpoint + (text.endsWith('\n') ? text : `${text}\n`)
      const { cosignatures } = await verifyCheckpoint(cosigned, this.#ledger.vkey, { witnesses: [witness] })
      if (cosignatures.length === 0)
        throw new Fault('altered', `the witness at ${url} answered without a cosignature by ${witness.name}`)
      await this.#files.replace(`${this.#data}/cosigned-checkpoint`, Buffer.from(cosigned))
      return { where: `${witness.name} (${url})`, independent: true, cosignature: text.trim() }
    }
    throw new Fault('conflict', `the witness at ${url} saw another size meanwhile: try again`)
  }

  async #lastSeenBy(witness: string): Promise<number> {
    await this.#follower.reach('anchor')
    const rows = await this.#database.query<{ body: Anchor }>('select body from anchor order by seq desc')
    return rows.find(({ body }) => body.to === 'witness' && body.where.startsWith(`${witness} `))?.body.size ?? 0
  }
}

function witnessKey(vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey)
  } catch (cause) {
    throw new Fault('invalid', `the witness's key cannot be used: ${(cause as Error).message}`, { cause })
  }
}

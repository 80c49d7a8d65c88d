// API keys. A key is a record; its secret is shown once and kept as a SHA-256 (it has 256 random bits, so that a slow
// hash would add nothing).
import type { IssuedKey, KeyInfo, KeyRequest } from '@whence/sdk'
import { hash, randomBytes } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Database } from '../../store/database.ts'

interface KeyRow {
  id: string
  name: string
  source: string
  scopes: KeyInfo['scopes']
  strict: boolean
  agent: string | null
  digest: string
  created: string
  revoked: string | null
}

export const keyProjection: Projection = {
  tables: ['api_key'],
  kinds: ['key'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as Omit<KeyRow, 'strict' | 'agent'> & {
        change: 'issued' | 'revoked'
        strict?: true
        agent?: string
      }
      if (body.change === 'revoked') {
        await tx.query('update api_key set revoked = $2 where id = $1', [body.id, record.entry.recorded])
      } else {
        await tx.query(
          `insert into api_key (id, name, source, scopes, strict, agent, digest, created)
           values ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [
            body.id,
            body.name,
            body.source,
            body.scopes,
            body.strict ?? false,
            body.agent ?? null,
            body.digest,
            record.entry.recorded,
          ],
        )
      }
    }
  },
}

export class Keys {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  #byDigest: Map<string, Caller> | undefined

  constructor(ledger: Ledger, follower: Follower, database: Database, clock: Clock) {
    this.#ledger = ledger
    this.#follower = follower
    this.#database = database
    this.#clock = clock
  }

  /** The caller that this secret belongs to, or undefined. */
  async authenticate(secret: string): Promise<Caller | undefined> {
    this.#byDigest ??= await this.#load()
    return this.#byDigest.get(digestOf(secret))
  }

  async list(): Promise<KeyInfo[]> {
    await this.#follower.reach('key')
    const rows = await this.#database.query<KeyRow>('select * from api_key order by created, id')
    return rows.map(keyInfo)
  }

  /** Throws `invalid` for an agent's key that could issue itself another. */
  async issue(request: KeyRequest, by: string): Promise<IssuedKey> {
    if (request.agent !== undefined && request.scopes.includes('admin'))
      throw new Fault(
        'invalid',
        'an admin key cannot be bound to an agent, because it may issue others: leave the scope admin out',
      )
    const secret = `wk_${randomBytes(32).toString('base64url')}`
    const key = {
      id: `k-${randomBytes(6).toString('hex')}`,
      name: request.name,
      source: request.source ?? request.name,
      scopes: [...new Set(request.scopes)],
      ...(request.strict ? { strict: true as const } : {}),
      ...(request.agent === undefined ? {} : { agent: request.agent }),
    }
    const { recorded } = await this.#record(key.id, { change: 'issued', ...key, digest: digestOf(secret) }, by)
    return { ...key, created: recorded, secret }
  }

  /** Revoked at once: the next request with it is refused. Throws `not_found`. */
  async revoke(id: string, by: string): Promise<KeyInfo> {
    const key = (await this.list()).find((known) => known.id === id)
    if (!key) throw new Fault('not_found', `no key has the id ${id}: whence keys list shows them`)
    if (key.revoked) return key
    const { recorded } = await this.#record(`${id}#revoked`, { change: 'revoked', id }, by)
    return { ...key, revoked: recorded }
  }

  async #record(id: string, body: object, by: string): Promise<{ recorded: string }> {
    const receipt = await this.#ledger.appendOne(
      {
        kind: 'key/1',
        stream: 'whence.keys',
        source: 'whence',
        id,
        time: this.#clock.now(),
        content: Buffer.from(JSON.stringify(body)),
      },
      by,
    )
    this.#byDigest = undefined
    return receipt
  }

  async #load(): Promise<Map<string, Caller>> {
    await this.#follower.reach('key')
    const rows = await this.#database.query<KeyRow>('select * from api_key where revoked is null')
    return new Map(
      rows.map(({ digest, id, name, source, scopes, strict, agent }) => [
        digest,
        { id, name, source, scopes, ...(strict ? { strict } : {}), ...(agent === null ? {} : { agent }) },
      ]),
    )
  }
}

function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}

function keyInfo(row: KeyRow): KeyInfo {
  const info: KeyInfo = { id: row.id, name: row.name, scopes: row.scopes, source: row.source, created: row.created }
  if (row.strict) info.strict = true
  if (row.agent !== null) info.agent = row.agent
  if (row.revoked !== null) info.revoked = row.revoked
  return info
}

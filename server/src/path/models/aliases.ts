// Aliases: names that point at a version of a model in an environment. What an alias points at is live.
import { canonicalize } from '@whence/ledger'
import { AliasName, AliasRequest } from '@whence/sdk'
import type { Alias } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Database } from '../../store/database.ts'

const STREAM = 'whence.aliases'
const LISTED = 100

/** The environment that `name@champion` is about. */
export const PRODUCTION = 'production'

/** Payload of `alias/1`. */
export interface AliasBody {
  model: string
  alias: string
  environment: string
  version: number | null
  /** What it pointed at before. */
  previous?: number
  reason?: string
}

export const aliasProjection: Projection = {
  tables: ['model_alias', 'model_alias_change'],
  kinds: ['alias'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const body = JSON.parse(Buffer.from(opened.content).toString('utf8')) as AliasBody
      const { recorded, source } = record.entry
      const place = [body.model, body.environment, body.alias, body.version, BigInt(record.seq)]
      await tx.query(
        `insert into model_alias (name, environment, alias, version, seq) values ($1, $2, $3, $4, $5)
         on conflict (name, environment, alias) do update set version = excluded.version, seq = excluded.seq`,
        place,
      )
      await tx.query(
        `insert into model_alias_change (name, environment, alias, version, seq, recorded, source, reason)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [...place, recorded, source, body.reason ?? null],
      )
    }
  },
}

/** An alias as it is written behind a model's name: `champion`, or `champion:staging`. */
export interface AliasReference {
  readonly alias: string
  readonly environment: string
}

/** Reads `name@champion` and `name@champion:staging`; undefined for anything else. */
export function parseAlias(text: string): ({ name: string } & AliasReference) | undefined {
  const match = /^([^@]+)@([^@:]+)(?::([^@:]+))?$/.exec(text)
  if (!match || !AliasName.safeParse(match[2]).success) return undefined
  return { name: match[1]!, alias: match[2]!, environment: match[3] ?? PRODUCTION }
}

export class Aliases {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock

  constructor(ledger: Ledger, follower: Follower, database: Database, clock: Clock) {
    this.#ledger = ledger
    this.#follower = follower
    this.#database = database
    this.#clock = clock
  }

  /**
   * Lets an alias point at a version, or at none. Appended under the condition that nobody moved it meanwhile; pointing it
   * where it points already records nothing. Throws `not_found`, and `conflict` where `expected` is not what it points at.
   */
  async set(model: string, alias: string, request: AliasRequest, caller: Caller): Promise<Alias> {
    const { environment, version, reason, expected } = AliasRequest.parse(request)
    if (!AliasName.safeParse(alias).success)
      throw new Fault(
        'invalid',
        `"${alias}" cannot be an alias: a small letter, then small letters, digits, "_" and "-"; not v1, which is a version`,
      )
    const key = `alias:${model}:${environment}:${alias}`
    for (;;) {
      await this.#follower.reach('alias', 'model')
      const basis = this.#follower.next
      if (version !== null) await this.#refuseUnknown(model, version)
      const [now] = await this.#database.query<{ version: number | null; seq: bigint }>(
        'select version, seq from model_alias where name = $1 and environment = $2 and alias = $3',
        [model, environment, alias],
      )
      const target = now?.version ?? null
      if (expected !== undefined && expected !== target)
        throw new Fault(
          'conflict',
          `${model}@${alias} points at ${target === null ? 'nothing' : `version ${target}`} in ${environment}, not at ${expected === null ? 'nothing' : `version ${expected}`}: look at it again`,
        )
      if (target === version && (now || version === null)) {
        if (!now) throw new Fault('not_found', `${model} has no alias ${alias} in ${environment}`)
        const receipt = { ...this.#ledger.receiptOf(Number(now.seq)), status: 'duplicate' as const }
        return { ...(await this.#get(model, environment, alias)), receipt }
      }
      const body: AliasBody = {
        model,
        alias,
        environment,
        version,
        ...(target === null ? {} : { previous: target }),
        ...(reason === undefined ? {} : { reason }),
      }
      const result = await this.#ledger.append(
        [
          {
            kind: 'alias/1',
            stream: STREAM,
            source: caller.source,
            // One change has one predecessor: two of the same content after each other are two changes.
            id: `${model}@${alias}:${environment}#${now ? now.seq : 'new'}`,
            time: this.#clock.now(),
            refs: { model, alias, environment, version: String(version ?? 'none') },
            content: Buffer.from(canonicalize({ ...body })),
            touches: [key],
          },
        ],
        { actor: caller.id, basis, keys: [key] },
      )
      if (result === 'stale') continue
      const [placed] = result
      if (placed!.status === 'refused') throw placed!.fault
      const { seq, leaf, recorded, status } = placed!
      await this.#follower.reachSeq(seq)
      return { ...(await this.#get(model, environment, alias)), receipt: { seq, leaf, recorded, status } }
    }
  }

  /** All aliases of a model, also those that point at nothing any more. Throws `not_found` for an unknown model. */
  async list(model: string): Promise<Alias[]> {
    await this.#follower.reach('alias', 'model')
    const rows = await this.#database.query<{ environment: string; alias: string }>(
      'select environment, alias from model_alias where name = $1 order by environment, alias',
      [model],
    )
    if (rows.length === 0) await this.#refuseUnknown(model)
    return Promise.all(rows.map(({ environment, alias }) => this.#get(model, environment, alias)))
  }

  /** The versions that an alias points at now, and pointed at before a position; null for none. */
  async around(
    model: string,
    { alias, environment }: AliasReference,
    position: number,
  ): Promise<{ now: number | null; then: number | null }> {
    await this.#follower.reach('alias')
    const rows = await this.#database.query<{ version: number | null; seq: bigint }>(
      `select version, seq from model_alias_change
       where name = $1 and environment = $2 and alias = $3 order by seq desc`,
      [model, environment, alias],
    )
    return {
      now: rows[0]?.version ?? null,
      then: rows.find(({ seq }) => seq < BigInt(position))?.version ?? null,
    }
  }

  /** The version that an alias points at now. Throws `not_found`. */
  async target(model: string, { alias, environment }: AliasReference): Promise<number> {
    await this.#follower.reach('alias')
    const [row] = await this.#database.query<{ version: number | null }>(
      'select version from model_alias where name = $1 and environment = $2 and alias = $3',
      [model, environment, alias],
    )
    if (row && row.version !== null) return row.version
    throw new Fault(
      'not_found',
      `${model}@${alias} points at no version in ${environment}: set it (whence model alias ${model} ${alias} VERSION)`,
    )
  }

  /** What points at each version of a model now. */
  async pointingAt(model: string): Promise<{ environment: string; alias: string; version: number }[]> {
    await this.#follower.reach('alias')
    return this.#database.query(
      'select environment, alias, version from model_alias where name = $1 and version is not null order by environment, alias',
      [model],
    )
  }

  /** The versions that aliases point at in an environment now, as `name@3`, each once. */
  async live(environment: string): Promise<string[]> {
    await this.#follower.reach('alias')
    const rows = await this.#database.query<{ name: string; version: number }>(
      `select distinct name, version from model_alias
       where environment = $1 and version is not null order by name, version`,
      [environment],
    )
    return rows.map(({ name, version }) => `${name}@${version}`)
  }

  async #get(model: string, environment: string, alias: string): Promise<Alias> {
    const changes = await this.#database.query<{
      version: number | null
      seq: bigint
      recorded: string
      source: string
      reason: string | null
    }>(
      `select version, seq, recorded, source, reason from model_alias_change
       where name = $1 and environment = $2 and alias = $3 order by seq desc limit $4`,
      [model, environment, alias, LISTED],
    )
    const [newest] = changes
    return {
      model,
      alias,
      environment,
      version: newest!.version,
      since: newest!.recorded,
      seq: Number(newest!.seq),
      history: changes.map(({ version, seq, recorded, source, reason }) => ({
        version,
        seq: Number(seq),
        recorded,
        by: source,
        ...(reason === null ? {} : { reason }),
      })),
    }
  }

  async #refuseUnknown(model: string, version?: number): Promise<void> {
    const [row] = await this.#database.query(
      'select 1 as one from model_version where name = $1 and ($2::int8 is null or version = $2) limit 1',
      [model, version === undefined ? null : BigInt(version)],
    )
    if (row) return
    const what = version === undefined ? `model ${model}` : `model version ${model}@${version}`
    throw new Fault('not_found', `no ${what} is on the ledger: record it first (POST /v1/models)`)
  }
}

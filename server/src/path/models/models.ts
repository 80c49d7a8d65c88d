// Model versions: a name, a number, and what a version was made from.
import { canonicalize } from '@whence/ledger'
import { ModelVersionRequest } from '@whence/sdk'
import type { ModelList, ModelsQuery, ModelVersion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Database } from '../../store/database.ts'
import { parseAlias } from './aliases.ts'
import type { Aliases } from './aliases.ts'
import type { Artifacts } from './artifacts.ts'

/** What the column holds. */
const MOST_VERSIONS = 2 ** 31 - 1

export const modelProjection: Projection = {
  tables: ['model_version'],
  kinds: ['model'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const text = Buffer.from(opened.content).toString('utf8')
      const { run, artifact } = JSON.parse(text) as ModelVersionRequest
      const { name, version, kept } = record.entry.refs
      await tx.query(
        `insert into model_version (name, version, seq, body, run, artifact, kept)
         values ($1, $2, $3, $4::text::jsonb, $5, $6, $7)`,
        [
          name,
          Number(version),
          BigInt(record.seq),
          text,
          run?.id ?? null,
          artifact?.sha256 ?? null,
          kept !== undefined && kept === artifact?.sha256,
        ],
      )
    }
  },
}

/** Throws `invalid` where a version with an artifact cannot be scored as it says that it can. */
export type Admit = (body: ModelVersionRequest & { tolerance: number }) => Promise<void>

export class Models {
  readonly #ledger: Ledger
  readonly #follower: Follower
  readonly #database: Database
  readonly #clock: Clock
  readonly #aliases: Aliases
  readonly #artifacts: Artifacts
  readonly #admit: Admit
  readonly #kept: Kept<ModelVersion | undefined>

  constructor(parts: {
    ledger: Ledger
    follower: Follower
    database: Database
    clock: Clock
    aliases: Aliases
    artifacts: Artifacts
    admit: Admit
  }) {
    this.#ledger = parts.ledger
    this.#follower = parts.follower
    this.#database = parts.database
    this.#clock = parts.clock
    this.#aliases = parts.aliases
    this.#artifacts = parts.artifacts
    this.#admit = parts.admit
    this.#kept = new Kept(parts.follower, ['model'])
  }

  /** Records a model version under the next number. The same content again is the same version. */
  async register(request: ModelVersionRequest, caller: Caller): Promise<ModelVersion> {
    const body = withTolerance(ModelVersionRequest.parse(request))
    const kept = body.artifact && (await this.#artifacts.size(body.artifact.sha256)) !== undefined
    const content = canonicalize(JSON.parse(JSON.stringify(body)))
    let tried = false
    for (;;) {
      await this.#follower.reach('model')
      const basis = this.#follower.next
      const rows = await this.#database.query<{ version: number; seq: bigint; body: unknown }>(
        'select version, seq, body from model_version where name = $1 order by version',
        [body.name],
      )
      const same = rows.find((row) => canonicalize(row.body as never) === content)
      if (same) {
        const seq = Number(same.seq)
        return { ...body, version: same.version, seq, receipt: { ...this.#ledger.receiptOf(seq), status: 'duplicate' } }
      }
      // Only what is new is tried: what was admitted once stays what it was.
      if (!tried && !body.model && body.artifact?.format === 'onnx') await this.#admit(body)
      tried = true
      const version = (rows.at(-1)?.version ?? 0) + 1
      const result = await this.#ledger.append(
        [
          {
            kind: 'model/1',
            stream: 'whence.models',
            source: caller.source,
            id: `${body.name}@${version}`,
            time: this.#clock.now(),
            refs: {
              name: body.name,
              version: String(version),
              ...(body.trainingSet ? { trainingSet: body.trainingSet } : {}),
              ...(body.view ? { view: body.view } : {}),
              ...(body.run ? { run: body.run.id } : {}),
              // That the artifact was in the store: if it is gone later, it was lost.
              ...(kept ? { kept: body.artifact!.sha256 } : {}),
            },
            content: Buffer.from(content),
            touches: [`model:${body.name}`],
          },
        ],
        { actor: caller.id, basis, keys: [`model:${body.name}`] },
      )
      if (result === 'stale') continue
      const [placed] = result
      if (placed!.status === 'refused') throw placed!.fault
      const { seq, leaf, recorded, status } = placed!
      return { ...body, version, seq, receipt: { seq, leaf, recorded, status } }
    }
  }

  /** A model version by `name@3`, `name@v3`, `name@champion` or `name@champion:staging`. Throws `not_found`. */
  async get(name: string): Promise<ModelVersion> {
    const alias = parseAlias(name)
    const match = alias ? [name, alias.name, await this.#aliases.target(alias.name, alias)] : VERSION.exec(name)
    if (!match)
      throw new Fault('invalid', `"${name}" is no model version: write name@version or name@alias, for example opens@1`)
    const none = new Fault('not_found', `no model version ${name} is on the ledger: record it first (POST /v1/models)`)
    if (Number(match[2]) > MOST_VERSIONS) throw none
    const found = await this.#kept.of(JSON.stringify([match[1], Number(match[2])]), () =>
      this.#read(String(match[1]), Number(match[2])),
    )
    if (!found) throw none
    return { ...found }
  }

  async #read(name: string, version: number): Promise<ModelVersion | undefined> {
    const [row] = await this.#database.query<{ version: number; seq: bigint; body: ModelVersionRequest }>(
      'select version, seq, body from model_version where name = $1 and version = $2',
      [name, version],
    )
    return row && { ...ModelVersionRequest.parse(row.body), version: row.version, seq: Number(row.seq) }
  }

  /** A model version as `get` gives it, with the aliases that point at it now. */
  async show(name: string): Promise<ModelVersion> {
    const version = await this.get(name)
    const pointing = await this.#aliases.pointingAt(version.name)
    const aliases = pointing
      .filter((each) => each.version === version.version)
      .map(({ environment, alias }) => ({ environment, alias }))
    return { ...version, aliases }
  }

  /** The newest version of each model; with `name` all versions of one. */
  async list(query: ModelsQuery): Promise<ModelList> {
    await this.#follower.reach('model', 'alias', 'prediction')
    const limit = query.limit ?? 200
    const rows = await this.#database.query<{
      name: string
      version: number
      seq: bigint
      body: ModelVersionRequest
      aliases: ModelList['models'][number]['aliases'] | null
      predictions: bigint
    }>(
      `select m.name, m.version, m.seq, m.body,
         (select json_agg(json_build_object('environment', a.environment, 'alias', a.alias, 'version', a.version)
            order by a.environment, a.alias)
          from model_alias a
          where a.name = m.name and a.version is not null and ($1::text is null or a.version = m.version)) as aliases,
         (select count(*) from prediction p where p.model = m.name || '@' || m.version)
           + coalesce((select sum(b.rows) from prediction_batch b where b.model = m.name || '@' || m.version), 0)
           as predictions
       from model_version m
       where case when $1::text is not null then m.name = $1
         else ($2::text is null or m.name collate "C" > $2)
           and m.version = (select max(n.version) from model_version n where n.name = m.name) end
       order by m.name collate "C", m.version desc limit $3`,
      [query.name ?? null, query.after ?? null, limit + 1],
    )
    const models = rows.slice(0, limit).map(({ name, version, seq, body, aliases, predictions }) => ({
      name,
      version,
      seq: Number(seq),
      predicts: body.predicts,
      form: formOf(body),
      ...(body.view === undefined ? {} : { view: body.view }),
      ...(body.trainingSet === undefined ? {} : { trainingSet: body.trainingSet }),
      ...(body.run === undefined ? {} : { run: body.run.id }),
      aliases: aliases ?? [],
      predictions: Number(predictions),
    }))
    const more = query.name === undefined && rows.length > limit
    return { models, ...(more ? { next: models.at(-1)!.name } : {}) }
  }
}

const VERSION = /^(.+)@v?(\d+)$/

/** In which form a version can be scored, or is kept. */
export function formOf({ model, artifact }: Pick<ModelVersionRequest, 'model' | 'artifact'>): string {
  return model?.form ?? artifact?.format ?? (artifact ? 'artifact' : 'none')
}

/** What ONNX computes is computed in single precision: see docs/spec/models.md. */
const TOLERANCE = { doubles: 1e-12, onnx: 1e-5 }

function withTolerance<Body extends ModelVersionRequest>(body: Body): Body & { tolerance: number } {
  const { tolerance = formOf(body) === 'onnx' ? TOLERANCE.onnx : TOLERANCE.doubles } = body
  return { ...body, tolerance }
}

// Model versions: a name, a number, and what a version was made from.
import { canonicalize } from '@whence/ledger'
import { ModelVersionRequest } from '@whence/sdk'
import type { ModelVersion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Clock } from '../../record/time.ts'
import type { Caller } from '../../rules/access/access.ts'
import type { Database } from '../../store/database.ts'

/** What the column holds. */
const MOST_VERSIONS = 2 ** 31 - 1

export const modelProjection: Projection = {
  tables: ['model_version'],
  kinds: ['model'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into model_version (name, version, seq, body) values ($1, $2, $3, $4::text::jsonb)', [
        record.entry.refs.name,
        Number(record.entry.refs.version),
        BigInt(record.seq),
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class Models {
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

  /** Records a model version under the next number. The same content again is the same version. */
  async register(request: ModelVersionRequest, caller: Caller): Promise<ModelVersion> {
    const body = ModelVersionRequest.parse(request)
    const content = canonicalize(JSON.parse(JSON.stringify(body)))
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

  /** A model version by `name@3` or `name@v3`. Throws `not_found`. */
  async get(name: string): Promise<ModelVersion> {
    const match = /^(.+)@v?(\d+)$/.exec(name)
    if (!match) throw new Fault('invalid', `"${name}" is no model version: write name@version, for example opens@1`)
    await this.#follower.reach('model')
    const none = new Fault('not_found', `no model version ${name} is on the ledger: record it first (POST /v1/models)`)
    if (Number(match[2]) > MOST_VERSIONS) throw none
    const [row] = await this.#database.query<{ version: number; seq: bigint; body: ModelVersionRequest }>(
      'select version, seq, body from model_version where name = $1 and version = $2',
      [match[1], Number(match[2])],
    )
    if (!row) throw none
    return { ...ModelVersionRequest.parse(row.body), version: row.version, seq: Number(row.seq) }
  }
}

// The snapshots on record: what each holds, and whether its rows are still there.
import { Fault } from '../../fault.ts'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import { Kept } from '../../record/projection/kept.ts'
import type { Database } from '../../store/database.ts'
import type { SnapshotBody } from './feature-tables.ts'

export const snapshotProjection: Projection = {
  tables: ['snapshot'],
  kinds: ['snapshot'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      await tx.query('insert into snapshot (id, view, body) values ($1, $2, $3::text::jsonb)', [
        BigInt(record.seq),
        record.entry.refs.view,
        Buffer.from(opened.content).toString('utf8'),
      ])
    }
  },
}

export class SnapshotBook {
  readonly #follower: Follower
  readonly #database: Database
  readonly #bodies: Kept<SnapshotBody>
  readonly #expiries: Kept<number | undefined>

  constructor(parts: { follower: Follower; database: Database }) {
    this.#follower = parts.follower
    this.#database = parts.database
    this.#bodies = new Kept(parts.follower, ['snapshot'])
    this.#expiries = new Kept(parts.follower, ['table'])
  }

  /** The position of the record by which a snapshot's rows were let go; undefined while they are there. */
  expiry(id: number): Promise<number | undefined> {
    return this.#expiries.of(String(id), () => this.#readExpiry(id))
  }

  async #readExpiry(id: number): Promise<number | undefined> {
    const [found] = await this.#database.query<{ expired: bigint | null }>(
      `select expired from table_snapshot where id = $1 and table_name like 'features.%'`,
      [BigInt(id)],
    )
    return found?.expired === null || found === undefined ? undefined : Number(found.expired)
  }

  /** The snapshots of which the rows have not expired. */
  async there(): Promise<{ id: bigint; body: SnapshotBody }[]> {
    await this.#follower.reach('snapshot', 'table')
    return this.#database.query<{ id: bigint; body: SnapshotBody }>(
      `select id, body from snapshot s where not exists (
         select from table_snapshot t where t.id = s.id and t.table_name like 'features.%' and t.expired is not null)
       order by id`,
    )
  }

  /** Throws `not_found`. */
  body(id: number): Promise<SnapshotBody> {
    return this.#bodies.of(String(id), () => this.#readBody(id))
  }

  async #readBody(id: number): Promise<SnapshotBody> {
    const [found] = await this.#database.query<{ body: SnapshotBody }>('select body from snapshot where id = $1', [
      BigInt(id),
    ])
    if (!found) throw new Fault('not_found', `no feature snapshot has the id ${id}: whence materialize makes one`)
    return found.body
  }
}

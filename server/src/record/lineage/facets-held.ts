// Which content of each facet holds: the latest in event time, of one moment the one with the larger digest. Bodies stay
// in the records.
import type { Database, Transaction } from '../../store/database.ts'
import type { Micros } from '../time.ts'
import { keyOf, stored, unstored } from './stored.ts'

interface Head {
  readonly node: number
  readonly key: string
  time: Micros
  digest: string
  /** What this batch noted of it last. */
  noted?: FacetChange
}

interface FacetChange {
  readonly node: number
  readonly name: string
  readonly seq: number
  time: Micros
  taken: boolean
}

export class FacetHeads {
  readonly #heads = new Map<string, Head>()
  readonly #changed = new Set<Head>()
  readonly #changes: FacetChange[] = []
  readonly #keys = new Map<string, string>()

  async load(tx: Transaction, nodes: readonly number[]): Promise<void> {
    if (nodes.length === 0) return
    const rows = await tx.query<{ node: number; key: Uint8Array; time: bigint; digest: Uint8Array }>(
      'select node, key, time, digest from lineage_facet where node = any($1::int4[])',
      [nodes],
    )
    for (const { node, key, time, digest } of rows) {
      const head = {
        node,
        key: Buffer.from(key).toString('hex'),
        time: Number(time),
        digest: Buffer.from(digest).toString('hex'),
      }
      this.#heads.set(`${node} ${head.key}`, head)
    }
  }

  digest(node: number, name: string): string | undefined {
    return this.#heads.get(`${node} ${this.#keyOf(name)}`)?.digest
  }

  /** Whether this content holds from here on, and did not before. */
  say(
    node: number,
    { name, digest, taken }: { name: string; digest: string; taken: boolean },
    time: Micros,
    seq: number,
  ): boolean {
    const key = this.#keyOf(name)
    const known = this.#heads.get(`${node} ${key}`)
    if (known && (time < known.time || (time === known.time && digest <= known.digest))) return false
    const head: Head = known ?? { node, key, time, digest: '' }
    if (!known) this.#heads.set(`${node} ${key}`, head)
    const isNew = head.digest !== digest
    head.time = time
    head.digest = digest
    this.#changed.add(head)
    if (!isNew) return false
    // Said twice by one record, it changes once.
    if (head.noted?.seq === seq) Object.assign(head.noted, { time, taken })
    else this.#changes.push((head.noted = { node, name: stored(name), seq, time, taken }))
    return true
  }

  async write(tx: Transaction): Promise<void> {
    const changed = [...this.#changed]
    if (changed.length > 0) {
      await tx.query(
        `insert into lineage_facet (node, key, time, digest)
         select * from unnest($1::int4[], $2::bytea[], $3::int8[], $4::bytea[])
         on conflict (node, key) do update set time = excluded.time, digest = excluded.digest`,
        [
          changed.map(({ node }) => node),
          changed.map(({ key }) => Buffer.from(key, 'hex')),
          changed.map(({ time }) => time),
          changed.map(({ digest }) => Buffer.from(digest, 'hex')),
        ],
      )
    }
    if (this.#changes.length > 0) {
      await tx.copy(
        'lineage_facet_change',
        [
          { name: 'node', type: 'int4' },
          { name: 'name', type: 'text' },
          { name: 'seq', type: 'int8' },
          { name: 'time', type: 'int8' },
          { name: 'taken', type: 'bool' },
        ],
        this.#changes.map(({ node, name, seq, time, taken }) => [node, name, seq, time, taken]),
      )
    }
  }

  #keyOf(name: string): string {
    let key = this.#keys.get(name)
    if (key === undefined) this.#keys.set(name, (key = keyOf(name)))
    return key
  }
}

/**
 * Where the facets that hold for some nodes, as if they were one, were said: those of the first node, and of the others
 * what no node before them has. Which of two was said later cannot count: what is said again leaves no trace here.
 */
export async function facetsHeld(
  database: Database,
  nodes: readonly number[],
  asOf: number,
): Promise<{ node: number; name: string; seq: number; time: Micros }[]> {
  const rows = await database.query<{ node: number; name: string; seq: bigint; time: bigint; taken: boolean }>(
    `select distinct on (node, name) node, name, seq, time, taken from lineage_facet_change
     where node = any($1::int4[]) and seq < $2 order by node, name, seq desc, time desc`,
    [nodes, asOf],
  )
  const held = Map.groupBy(
    rows.filter(({ taken }) => !taken),
    ({ name }) => name,
  )
  return [...held.keys()].toSorted().map((key) => {
    const said = held.get(key)!
    const { node, name, seq, time } = nodes.flatMap((each) => said.find((row) => row.node === each) ?? [])[0]!
    return { node, name: unstored(name), seq: Number(seq), time: Number(time) }
  })
}

// Applied plans as records, and what they took out of force. A plan is appended together with all that it changes.
import type { DeclaredKind } from '@whence/sdk'
import type { Follower, Projection } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'

/** What a plan did to one declaration. */
export interface PlannedRecord {
  readonly kind: DeclaredKind
  readonly name: string
  readonly action: 'create' | 'change' | 'describe' | 'remove' | 'restore'
  readonly class: string
  /** The version before and after; absent where there is none. */
  readonly from?: string
  readonly to?: string
  /** SHA-256 of the file's text, in hex; absent where nothing comes into force. */
  readonly text?: string
}

/** The content of `plan/1`. */
export interface PlanRecord {
  /** Position of the plan before this one; null for the first. */
  readonly previous: number | null
  readonly digest: string
  readonly changes: readonly PlannedRecord[]
}

export const planProjection: Projection = {
  tables: ['declaration_plan', 'declaration_removal'],
  kinds: ['plan'],
  async apply(tx, records) {
    for (const record of records) {
      const opened = record.open()
      if (opened.state !== 'open') continue
      const body = Buffer.from(opened.content).toString('utf8')
      const { previous, digest, changes } = JSON.parse(body) as PlanRecord
      const seq = BigInt(record.seq)
      await tx.query(
        'insert into declaration_plan (seq, previous, digest, body) values ($1, $2, $3, $4::text::jsonb)',
        [seq, previous === null ? null : BigInt(previous), digest, body],
      )
      for (const { kind, name, action } of changes) {
        if (action === 'remove')
          await tx.query('insert into declaration_removal (kind, name, seq) values ($1, $2, $3)', [kind, name, seq])
        else
          await tx.query('update declaration_removal set until = $3 where kind = $1 and name = $2 and until is null', [
            kind,
            name,
            seq,
          ])
      }
    }
  },
}

/** The position of the last applied plan; undefined before the first. */
export async function lastPlan(database: Database, follower: Follower): Promise<number | undefined> {
  await follower.reach('plan')
  const [row] = await database.query<{ seq: bigint | null }>('select max(seq) as seq from declaration_plan')
  const seq = row?.seq ?? undefined
  return seq === undefined ? undefined : Number(seq)
}

/** Names that are out of force as of a position. */
export async function removed(
  database: Database,
  follower: Follower,
  kind: DeclaredKind,
  asOf: number,
): Promise<Set<string>> {
  await follower.reach('plan')
  const rows = await database.query<{ name: string }>(
    'select name from declaration_removal where kind = $1 and seq < $2 and (until is null or until >= $2)',
    [kind, BigInt(asOf)],
  )
  return new Set(rows.map(({ name }) => name))
}

/** How long a name was out of force: from behind one position to another, or for good. */
export interface Removal {
  readonly name: string
  readonly seq: number
  readonly until: number | undefined
}

/** When the names of a kind were out of force. */
export async function removalsOf(database: Database, kind: DeclaredKind): Promise<Removal[]> {
  const rows = await database.query<{ name: string; seq: bigint; until: bigint | null }>(
    'select name, seq, until from declaration_removal where kind = $1',
    [kind],
  )
  return rows.map(({ name, seq, until }) => ({
    name,
    seq: Number(seq),
    until: until === null ? undefined : Number(until),
  }))
}

export function isOut({ seq, until }: Removal, asOf: number): boolean {
  return seq < asOf && (until === undefined || until >= asOf)
}

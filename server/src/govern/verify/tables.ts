// Tables held against the records that they are made from: the projections run once more, into empty copies of their
// tables, and both must be the same, row by row. A row that was changed, taken out or put in behind the ledger's back is
// named.
import { Fault, isFault } from '../../fault.ts'
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { FollowedRecord, Follower, Projection } from '../../record/projection/follower.ts'
import { SqlError } from '../../store/database.ts'
import type { Database, Transaction } from '../../store/database.ts'
import type { Check } from './verify.ts'

type Found = Awaited<ReturnType<Check>>
type Problem = Found['problems'][number]

export interface TableCheckParts {
  ledger: Ledger
  follower: Follower
  database: Database
  /** In the order in which the follower has them; what one of them reads of another's tables must be among them. */
  projections: readonly Projection[]
  /** Runs while no erasure does: one that is under way has emptied the tables of a person before it is on record, or after. */
  undisturbed<T>(run: () => Promise<T>): Promise<T>
}

/** Records applied in one transaction: between two of them others get their turn. */
const BATCH = 4096
/** Records looked at in one turn of the event loop. */
const TURN = 128
/** Rows named of one table. */
const NAMED = 20

export class TableCheck {
  readonly #parts: TableCheckParts
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: TableCheckParts) {
    this.#parts = parts
  }

  /** One at a time: they share the place of the copies. */
  check(): Promise<Found> {
    const turn = this.#last.then(() => this.#check())
    this.#last = turn.catch(() => {})
    return turn
  }

  async #check(): Promise<Found> {
    const found = await this.#compare()
    // A difference may be an erasure that went on meanwhile: then there is none without it.
    return found.problems.length === 0 ? found : this.#parts.undisturbed(() => this.#compare())
  }

  async #compare(): Promise<Found> {
    const { database, follower, projections } = this.#parts
    await follower.reach()
    const tables = projections.flatMap((projection) => projection.tables)
    const [place] = await database.query<{ live: string }>('select current_schema()::text as live')
    const live = place!.live
    const again = `${live.slice(0, 56)}_again`
    try {
      await makeCopies(database, { live, again }, tables)
      let next = 0
      while (next < follower.next) {
        const to = Math.min(follower.next, next + BATCH)
        const records = await this.#take(next, to)
        if (records.length > 0)
          await database.transaction(async (tx) => {
            await tx.query(`set local search_path to "${again}", "${live}"`)
            await this.#apply(tx, records)
          })
        next = to
      }
      return await database.transaction((tx) => this.#held(tx, { live, again, next, tables }))
    } catch (error) {
      if (!isFault(error, 'altered') && !isFault(error, 'disk_full')) throw error
      return {
        problems: [
          {
            path: 'database',
            code: 'unchecked',
            message: `the tables could not be held against the records: ${error.message}`,
          },
        ],
        checked: {},
      }
    } finally {
      // What a full disk does not let go of is dropped when the copies are next made.
      await database.query(`drop schema if exists "${again}" cascade`).catch((error: unknown) => {
        if (!isFault(error, 'disk_full')) throw error
      })
    }
  }

  /** Every table against its copy, both as of the same record. */
  async #held(
    tx: Transaction,
    { live, again, next, tables }: { live: string; again: string; next: number; tables: readonly string[] },
  ): Promise<Found> {
    // The follower commits nothing while its cursor is held.
    const [cursor] = await tx.query<{ next: bigint }>("select next from follower where name = 'main' for update")
    const to = Number(cursor?.next ?? 0)
    const { ledger } = this.#parts
    if (to < next || to > ledger.size)
      return {
        problems: [
          {
            path: 'database/follower',
            code: 'altered',
            message: `the cursor of the tables stands at record ${to}, where they have followed to ${next} of ${ledger.size}`,
          },
        ],
        checked: {},
      }
    await tx.query(`set local search_path to "${again}", "${live}"`)
    await this.#apply(tx, await this.#take(next, to))
    const problems: Problem[] = []
    let rows = 0
    for (const table of tables) {
      const compared = await compare(tx, { live, again, table })
      problems.push(...compared.problems)
      rows += compared.rows
    }
    return { problems, checked: { 'rows of tables': rows } }
  }

  async #take(from: number, to: number): Promise<FollowedRecord[]> {
    const { ledger, projections } = this.#parts
    const kinds = new Set(projections.flatMap((projection) => projection.kinds))
    const records: FollowedRecord[] = []
    for (let seq = from; seq < to; seq++) {
      if (seq > from && (seq - from) % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
      const entry = ledger.entry(seq)
      if (kinds.has(kindOf(entry))) records.push({ seq, entry, open: () => ledger.open(seq) })
    }
    return records
  }

  async #apply(tx: Transaction, records: readonly FollowedRecord[]): Promise<void> {
    for (const projection of this.#parts.projections) {
      const ours = records.filter(({ entry }) => projection.kinds.includes(kindOf(entry)))
      if (ours.length > 0) await projection.apply(tx, ours, await projection.read?.(ours))
    }
  }
}

/** Empty tables of the same names, in a schema of their own. One that a killed server left behind is dropped first. */
async function makeCopies(
  database: Database,
  { live, again }: { live: string; again: string },
  tables: readonly string[],
): Promise<void> {
  try {
    await database.transaction(async (tx) => {
      await tx.query(`drop schema if exists "${again}" cascade`)
      await tx.query(`create schema "${again}"`)
      for (const table of tables)
        await tx.query(`create table "${again}"."${table}" (like "${live}"."${table}" including all)`)
    })
  } catch (error) {
    if (!(error instanceof SqlError) || error.code !== '42501') throw error
    throw new Fault(
      'unavailable',
      `verify makes the tables once more in a schema of their own, "${again}", and the role of DATABASE_URL may not create it: grant it CREATE on the database`,
      { cause: error },
    )
  }
}

async function compare(
  tx: Transaction,
  { live, again, table }: { live: string; again: string; table: string },
): Promise<{ problems: Problem[]; rows: number }> {
  const columns = await tx.query<{ name: string; key: boolean }>(
    `select attribute.attname::text as name, coalesce(attribute.attnum = any(indexed.indkey), false) as key
     from pg_attribute attribute
     left join pg_index indexed on indexed.indrelid = attribute.attrelid and indexed.indisprimary
     where attribute.attrelid = $1::regclass and attribute.attnum > 0 and not attribute.attisdropped
     order by attribute.attnum`,
    [`"${live}"."${table}"`],
  )
  const names = columns.map(({ name }) => name)
  const keys = columns.filter(({ key }) => key).map(({ name }) => name)
  const of = (side: string, those: readonly string[]): string => those.map((name) => `${side}."${name}"`).join(', ')
  const shown = (side: string): string => `array[${names.map((name) => `${side}."${name}"::text`).join(', ')}]`
  const [count] = await tx.query<{ n: bigint }>(`select count(*) as n from "${live}"."${table}"`)
  const different = await tx.query<{
    given: (string | null)[]
    made: (string | null)[]
    absent: boolean
    extra: boolean
    all: bigint
  }>(
    `select ${shown('live')} as given, ${shown('again')} as made, live."${keys[0]}" is null as absent,
       again."${keys[0]}" is null as extra, count(*) over () as all
     from "${live}"."${table}" live full join "${again}"."${table}" again using (${keys.map((key) => `"${key}"`).join(', ')})
     where row(${of('live', names)}) is distinct from row(${of('again', names)})
     order by ${keys.map((key) => `"${key}"`).join(', ')} limit ${NAMED}`,
  )
  const problems = different.map(({ given, made, absent, extra }): Problem => {
    const row = absent ? made : given
    const which = keys.map((key) => `${key} ${said(row[names.indexOf(key)]!)}`).join(', ')
    const differing = names.flatMap((name, i) =>
      given[i] === made[i] ? [] : [`${name} is ${said(given[i]!)}, and by the records ${said(made[i]!)}`],
    )
    return {
      path: `database/${table}`,
      code: 'altered',
      message: `row ${which} of the table ${table} ${
        absent ? 'is missing' : extra ? 'follows from no record' : `is altered: ${differing.join('; ')}`
      } (whence rebuild makes the tables again)`,
    }
  })
  const all = Number(different[0]?.all ?? 0)
  if (all > different.length)
    problems.push({
      path: `database/${table}`,
      code: 'altered',
      message: `${all - different.length} more rows of the table ${table} are not those that the records give`,
    })
  return { problems, rows: Number(count!.n) }
}

/** A value as it is told: of a long one, how it begins. */
function said(value: string | null): string {
  if (value === null) return 'nothing'
  return /^-?\d+$/.test(value) ? value : JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
}

// How many predictions and people the rows of batches are: counted in their files when it is asked, so that an erasure takes
// a person out of the count by itself. DuckDB reads the columns that it needs and spills what it cannot hold: what is held
// here does not grow with the rows.
import { createHash } from 'node:crypto'
import type { Micros } from '../../../record/time.ts'
import { quote, timestamp } from '../../../store/columns.ts'
import type { Batches, Session } from '../../../store/columns.ts'
import type { DerivedFiles } from '../../features/derived-files.ts'
import type { Batch, BatchBook, BatchChoice } from './batch-book.ts'
import type { Place } from './files.ts'
import { filesOf, readable } from './files.ts'

/** When predictions were made: from <= time < to. */
export interface Within {
  readonly from?: Micros | undefined
  readonly to?: Micros | undefined
}

/** Predictions that have records of their own, to be counted with those in batches. Each may be asked for again. */
export interface Singles {
  /** Each pair once. */
  readonly people: () => Batches<{ model: string; subject: string }>
  readonly campaigns: () => Batches<Named>
  readonly creatives: () => Batches<Named>
}

export interface Named {
  readonly name: string
  readonly predictions: number
}

/** The most frequent, and how many there are. */
export interface Names {
  readonly names: Named[]
  readonly total: number
}

export interface BatchesCounted {
  /** Of each model version that has a row in a batch. */
  readonly models: ReadonlyMap<string, ModelCounted>
  /** By model version; distinct within it. With `singles`, theirs too. */
  readonly people: ReadonlyMap<string, number>
  /** Distinct over all. With `singles`, theirs too. */
  readonly everybody: number
  readonly campaigns: Names
  readonly creatives: Names
}

export interface ModelCounted {
  /** Rows; of people who were erased too. */
  readonly predictions: number
  readonly erased: number
  /** Rows in files that cannot be read: whose they are is not known, nor whether they are of the time that was asked for. */
  readonly unread: number
  readonly first: Micros | undefined
  readonly last: Micros | undefined
}

/** Names that are listed. */
const SHOWN = 100
/** Counts that are held: each is of files with certain digests, and so holds until one of them is written again. */
const KEPT = 64

export class BatchTally {
  readonly #book: BatchBook
  readonly #derived: Pick<DerivedFiles, 'now'> & { readonly place: Place }
  readonly #kept = new Map<string, Promise<BatchesCounted>>()

  constructor(parts: { book: BatchBook; derived: Pick<DerivedFiles, 'now'> & { readonly place: Place } }) {
    this.#book = parts.book
    this.#derived = parts.derived
  }

  chosen(choice: BatchChoice): Promise<Batch[]> {
    return this.#book.chosen(choice)
  }

  /** Model versions that made a batch from one of these snapshots. */
  served(snapshots: readonly number[], before: number): Promise<string[]> {
    return this.#book.served(snapshots, before)
  }

  /** Counts the rows of batches; of each file as erasures have left it. */
  count(batches: readonly Batch[], within: Within, singles?: Singles): Promise<BatchesCounted> {
    // What stands beside them changes with every record.
    if (singles) return this.#read(batches, within, singles)
    const files = this.#derived.now(batches.map((batch) => batch.files[0]!))
    const said = JSON.stringify([within.from, within.to, files.map(({ path, sha256 }) => [path, sha256])])
    const key = createHash('sha256').update(said).digest('hex')
    const kept = this.#kept.get(key)
    if (kept) return kept
    const counting = this.#read(batches, within)
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(key, counting)
    const forget = (): void => {
      if (this.#kept.get(key) === counting) this.#kept.delete(key)
    }
    counting.then(({ models }) => {
      // A file that was lost may be put back.
      if ([...models.values()].some(({ unread }) => unread > 0)) forget()
    }, forget)
    return counting
  }

  async #read(batches: readonly Batch[], within: Within, singles?: Singles): Promise<BatchesCounted> {
    const { place } = this.#derived
    try {
      return await this.#counted(batches, [], within, singles)
    } catch (error) {
      // Of several it is not known which cannot be read.
      const paths = batches.map(({ files }) => files[0]!.path)
      const good = new Set<string>()
      for (const path of paths) if (await readable(place, path)) good.add(path)
      if (good.size === paths.length) throw error
      const [read, lost] = [
        batches.filter(({ files }) => good.has(files[0]!.path)),
        batches.filter(({ files }) => !good.has(files[0]!.path)),
      ]
      return this.#counted(read, lost, within, singles)
    }
  }

  async #counted(
    batches: readonly Batch[],
    lost: readonly Batch[],
    within: Within,
    singles: Singles | undefined,
  ): Promise<BatchesCounted> {
    return this.#derived.place.columns.session(async (session) => {
      await session.run(`CREATE OR REPLACE TEMP VIEW batched AS ${this.#rows(batches, within)}`)
      if (singles)
        await session.load(
          'single',
          [
            { name: 'model', type: 'VARCHAR', of: (row: { model: string }) => row.model },
            { name: 'subject', type: 'BLOB', of: (row: { subject: string }) => row.subject },
          ],
          singles.people(),
        )
      const all = singles
        ? '(SELECT model, subject FROM batched UNION ALL SELECT model, subject FROM single)'
        : 'batched'
      const rows = await session.rows<{ model: string; rows: bigint; first: number; last: number }>(
        'SELECT model, count(*) AS rows, min("at") AS first, max("at") AS last FROM batched GROUP BY model',
      )
      const people = await session.rows<{ model: string; people: bigint }>(
        `SELECT model, count(*) AS people FROM (SELECT DISTINCT model, subject FROM ${all}) GROUP BY model`,
      )
      const everybody =
        people.length === 1
          ? people[0]!
          : await session.row<{ people: bigint }>(
              `SELECT count(*) AS people FROM (SELECT DISTINCT subject FROM ${all})`,
            )
      return {
        models: this.#models(batches, lost, within, rows),
        people: new Map(people.map(({ model, people: n }) => [model, Number(n)])),
        everybody: Number(everybody.people),
        campaigns: await names(session, 'campaign', singles?.campaigns()),
        creatives: await names(session, 'creative', singles?.creatives()),
      }
    })
  }

  #models(
    batches: readonly Batch[],
    lost: readonly Batch[],
    { from, to }: Within,
    rows: readonly { model: string; rows: bigint; first: number; last: number }[],
  ): Map<string, ModelCounted> {
    const found = new Map(rows.map((one) => [one.model, one]))
    const models = new Map<string, ModelCounted>()
    for (const [model, of] of Map.groupBy([...batches, ...lost], (batch) => batch.model)) {
      const erased = of.reduce((sum, batch) => sum + this.#takenOut(batch), 0)
      const unread = of.filter((batch) => lost.includes(batch)).reduce((sum, batch) => sum + this.#rowsNow(batch), 0)
      const read = found.get(model)
      models.set(model, {
        // Of an erased row the time is gone: it counts among those of its batch.
        predictions:
          from === undefined && to === undefined
            ? of.reduce((sum, batch) => sum + batch.rows, 0)
            : Number(read?.rows ?? 0) + erased + unread,
        erased,
        unread,
        first: read?.first,
        last: read?.last,
      })
    }
    return models
  }

  /** SQL over all rows that are there. */
  #rows(batches: readonly Batch[], { from, to }: Within): string {
    const { place } = this.#derived
    const bounds = [
      ...(from === undefined ? [] : [`"at" >= ${timestamp(from)}`]),
      ...(to === undefined ? [] : [`"at" < ${timestamp(to)}`]),
    ]
    const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`
    const sides = [...Map.groupBy(batches, ({ model }) => model)].map(
      ([model, of]) =>
        `SELECT ${quote(model)} AS model, subject, "at", campaign, creative
         FROM read_parquet(${filesOf(
           place,
           of.map(({ files }) => files[0]!.path),
         )})${where}`,
    )
    return sides.length > 0
      ? sides.join(' UNION ALL ')
      : `SELECT '' AS model, ''::BLOB AS subject, make_timestamp(0) AS "at", '' AS campaign, '' AS creative WHERE false`
  }

  #rowsNow(batch: Batch): number {
    return this.#derived.now([batch.files[0]!])[0]!.rows
  }

  #takenOut(batch: Batch): number {
    return batch.rows - this.#rowsNow(batch)
  }
}

async function names(
  session: Session,
  column: 'campaign' | 'creative',
  singles: Batches<Named> | undefined,
): Promise<Names> {
  const own = `SELECT ${column} AS name, count(*) AS predictions FROM batched WHERE ${column} IS NOT NULL GROUP BY ${column}`
  if (singles)
    await session.load(
      'named',
      [
        { name: 'name', type: 'VARCHAR', of: (row: Named) => row.name },
        { name: 'predictions', type: 'BIGINT', of: (row: Named) => BigInt(row.predictions) },
      ],
      singles,
    )
  const found = await session.rows<{ name: string; predictions: bigint; total: bigint }>(
    `SELECT name, sum(predictions)::BIGINT AS predictions, count(*) OVER () AS total
     FROM (${own}${singles ? ' UNION ALL SELECT name, predictions FROM named' : ''})
     GROUP BY name ORDER BY predictions DESC, name LIMIT ${SHOWN}`,
  )
  return {
    names: found.map(({ name, predictions }) => ({ name, predictions: Number(predictions) })),
    total: Number(found[0]?.total ?? 0),
  }
}

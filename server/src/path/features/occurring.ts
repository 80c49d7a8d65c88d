// The values of a feature that occur in a file of rows: what could have been, for whoever asks "what if".
import type { FeatureValue } from '@whence/sdk'
import { join } from 'node:path'
import type { Column } from '../../store/columns.ts'
import { identifier, quote } from '../../store/columns.ts'
import { outward } from './outward.ts'
import type { Place, Value } from './rows.ts'

export interface Occurring {
  /** In their order, without repetition; null last, where it occurs. */
  readonly values: readonly FeatureValue[]
  /** How many there are; of more than were asked for, evenly spread ones are given. */
  readonly of: number
}

/** A text that fewer people share might be about one of them. */
const SHARED = 5

/** Lists of values that are kept. */
const KEPT = 1000

/** The values that occur, each list read once: an erasure writes files again, and what was found in them is forgotten. */
export class OccurringValues {
  readonly #place: Place
  readonly #kept = new Map<string, Promise<Occurring>>()

  constructor(place: Place) {
    this.#place = place
  }

  /** Of a feature in files with these digests. */
  of(files: readonly { path: string; sha256: string }[], column: Column, most: number): Promise<Occurring> {
    const key = JSON.stringify([column.name, most, files])
    const known = this.#kept.get(key)
    if (known) return known
    const paths = files.map(({ path }) => path)
    const asked = occurringValues(this.#place, paths, column, most)
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(key, asked)
    asked.catch(() => this.#kept.delete(key))
    return asked
  }
}

/** At most `most` values of a feature (and null), evenly spread over those that occur, the first and the last among them. */
async function occurringValues(
  place: Place,
  paths: readonly string[],
  column: Column,
  most: number,
): Promise<Occurring> {
  const name = identifier(column.name)
  const files = `read_parquet([${paths.map((path) => quote(join(place.folder, path))).join(', ')}])`
  const rows = await place.columns.rows<{ v: Value; i: bigint; of: bigint }>(
    `WITH found AS (
       SELECT ${name} AS v, row_number() OVER (ORDER BY ${name}) - 1 AS i, count(*) OVER () AS n
       FROM ${files} WHERE ${name} IS NOT NULL GROUP BY ${name}
       ${column.type === 'VARCHAR' ? `HAVING count(*) >= ${SHARED}` : ''})
     SELECT v, i::BIGINT AS i, n::BIGINT AS of FROM found
     WHERE n <= ${most} OR i % CAST(ceil(n / ${most - 1}.0) AS BIGINT) = 0 OR i = n - 1
     UNION ALL (SELECT NULL, -1::BIGINT, 0::BIGINT FROM ${files} WHERE ${name} IS NULL LIMIT 1)`,
  )
  const values = rows
    .filter(({ i }) => i >= 0n)
    .sort((a, b) => Number(a.i - b.i))
    .map(({ v }) => outward([column], { [column.name]: v })[column.name]!)
  const of = Number(rows.find(({ i }) => i >= 0n)?.of ?? 0)
  return { values: rows.some(({ i }) => i < 0n) ? [...values, null] : values, of }
}

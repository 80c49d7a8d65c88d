// The hashes of a file's rows: with them a row that was altered is found in a file of which the digest is wrong.
import type { Column, Session } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'

const hashesAtOnce = 4_096

/**
 * One row as text, so that different rows never give the same text: the subject's id, then the columns; NULL is "-", a
 * string is preceded by its length in bytes, and no other value has a comma.
 */
export function rowText(columns: readonly Column[]): string {
  const parts = columns.map(({ name, type }) => {
    const column = identifier(name)
    if (type === 'VARCHAR') return `coalesce(strlen(${column}) || ':' || ${column}, '-')`
    if (type === 'TIMESTAMP') return `coalesce(epoch_us(${column})::VARCHAR, '-')`
    return `coalesce(${column}::VARCHAR, '-')`
  })
  // concat_ws skips NULL, of which there is none left; it is twice as fast as a chain of ||.
  return `concat_ws(',', 'row/1', lower(hex(subject)), ${parts.join(', ')})`
}

/** The hashes of a table's rows in the order of `position`, which counts from 0. */
export async function rowHashes(
  session: Session,
  table: string,
  position: string,
  columns: readonly Column[],
): Promise<Buffer> {
  const lists = await session.rows<{ hashes: string }>(
    `SELECT string_agg(sha256(${rowText(columns)}), '' ORDER BY ${position}) AS hashes
     FROM ${table} GROUP BY ${position} // ${hashesAtOnce} ORDER BY ${position} // ${hashesAtOnce}`,
  )
  return Buffer.concat(lists.map(({ hashes }) => Buffer.from(hashes, 'hex')))
}

/** The positions of hashes that are not in the list, or not in its order. */
export function strangers(list: Buffer, found: Buffer): number[] {
  const strange: number[] = []
  let places: Map<string, number> | undefined
  let next = 0
  for (let at = 0; at < found.length; at += 32) {
    if (next < list.length && found.compare(list, next, next + 32, at, at + 32) === 0) {
      next += 32
      continue
    }
    // Something is gone from here, or was never here: only now is it worth knowing where each hash stands.
    places ??= placesIn(list)
    const place = places.get(found.toString('latin1', at, at + 32))
    if (place === undefined || place < next) strange.push(at / 32)
    else next = place + 32
  }
  return strange
}

/** Where each hash first stands. */
function placesIn(list: Buffer): Map<string, number> {
  const places = new Map<string, number>()
  for (let at = 0; at < list.length; at += 32) {
    const hash = list.toString('latin1', at, at + 32)
    if (!places.has(hash)) places.set(hash, at)
  }
  return places
}

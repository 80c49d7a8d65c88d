// The digest of a training set's content, whatever the order of its rows: docs/spec/training-sets.md, "content/1".
//
//   SHA-256( "content/1\n" + canonical JSON of [["subject","BLOB"], [name, type], …] + "\n" + row hashes, ascending )
import { canonicalize } from '@whence/ledger'
import { createHash } from 'node:crypto'
import type { Column } from '../../store/columns.ts'

const HASH_BYTES = 32
/** A place below this and the first 30 bits of a hash fit together into one exact number. */
const PLACE = 2 ** 23

/** `hashes` is the list of row hashes, 32 bytes each, in any order. */
export function contentDigest(columns: readonly Column[], hashes: Buffer): string {
  const names = [['subject', 'BLOB'], ...columns.map(({ name, type }) => [name, type])]
  const digest = createHash('sha256').update('content/1\n').update(canonicalize(names)).update('\n')
  const order = ascending(hashes)
  const sorted = Buffer.allocUnsafe(HASH_BYTES * Math.min(order.length, 4096))
  for (let from = 0; from < order.length; from += 4096) {
    const some = order.subarray(from, from + 4096)
    some.forEach((place, i) => hashes.copy(sorted, i * HASH_BYTES, place * HASH_BYTES, (place + 1) * HASH_BYTES))
    digest.update(sorted.subarray(0, some.length * HASH_BYTES))
  }
  return digest.digest('hex')
}

/** The places of the hashes in ascending order. Numbers sort ten times as fast as buffers: ties are few. */
function ascending(hashes: Buffer): Float64Array {
  const count = hashes.length / HASH_BYTES
  const compare = (a: number, b: number): number =>
    hashes.compare(hashes, b * HASH_BYTES, (b + 1) * HASH_BYTES, a * HASH_BYTES, (a + 1) * HASH_BYTES)
  if (count > PLACE) return Float64Array.from({ length: count }, (_, i) => i).sort(compare)
  const keys = Float64Array.from(
    { length: count },
    (_, i) => Math.floor(hashes.readUInt32BE(i * HASH_BYTES) / 4) * PLACE + i,
  ).sort()
  const places = keys.map((key) => key % PLACE)
  for (let from = 0; from < count;) {
    const head = Math.floor(keys[from]! / PLACE)
    let to = from + 1
    while (to < count && Math.floor(keys[to]! / PLACE) === head) to++
    if (to - from > 1) places.subarray(from, to).sort(compare)
    from = to
  }
  return places
}

/** How many hashes of two lists are equal; repeated ones count as often as they stand in both. */
export function sharedHashes(a: Buffer, b: Buffer): number {
  const [orderA, orderB] = [ascending(a), ascending(b)]
  let [i, j, shared] = [0, 0, 0]
  while (i < orderA.length && j < orderB.length) {
    const [atA, atB] = [orderA[i]! * HASH_BYTES, orderB[j]! * HASH_BYTES]
    const order = b.compare(a, atA, atA + HASH_BYTES, atB, atB + HASH_BYTES)
    if (order === 0) shared++
    if (order >= 0) i++
    if (order <= 0) j++
  }
  return shared
}

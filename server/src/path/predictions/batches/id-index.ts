// The index beside a batch: for each row the digest of its id and its number, ordered by digest.
import { Fault } from '../../../fault.ts'

export const DIGEST_BYTES = 16
export const INDEX_LINE = DIGEST_BYTES + 4

/**
 * The number of the row with an id digest, by the index beside a batch. Digests are as good as random: where one stands
 * among the others follows from itself, within some roots of their number. So one reading finds it, or says that it is
 * not there, however many rows there are; a request for an id looks into every batch.
 */
export function findInIndex(
  read: (at: number, length: number) => Uint8Array,
  rows: number,
  digest: Uint8Array,
): number | undefined {
  const share = Buffer.from(digest.buffer, digest.byteOffset, digest.length).readUIntBE(0, 6) / 2 ** 48
  const about = 2 * Math.ceil(Math.sqrt(rows))
  const from = Math.max(0, Math.floor(share * rows) - about)
  const near = linesOf(read, from, Math.min(rows, from + 2 * about))
  const found = findIn(near, digest)
  if (found.row !== undefined || found.between) return found.row
  let [low, high] = found.before ? [0, from] : [from + near.length / INDEX_LINE, rows]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const one = findIn(linesOf(read, middle, middle + 1), digest)
    if (one.row !== undefined) return one.row
    if (one.before) high = middle
    else low = middle + 1
  }
  return undefined
}

function linesOf(read: (at: number, length: number) => Uint8Array, from: number, to: number): Buffer {
  const length = (to - from) * INDEX_LINE
  const { buffer, byteOffset, length: there } = read(from * INDEX_LINE, length)
  if (there !== length) throw new Fault('altered', 'the index of its ids is cut off')
  return Buffer.from(buffer, byteOffset, there)
}

/** Where a digest is in some lines of an index: at one, between two, or before or behind all of them. */
function findIn(lines: Buffer, digest: Uint8Array): { row?: number; between: boolean; before: boolean } {
  const count = lines.length / INDEX_LINE
  let [low, high] = [0, count]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const at = middle * INDEX_LINE
    const order = lines.compare(digest, 0, DIGEST_BYTES, at, at + DIGEST_BYTES)
    if (order === 0) return { row: lines.readUInt32BE(at + DIGEST_BYTES), between: false, before: false }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return { between: low > 0 && low < count, before: low === 0 }
}

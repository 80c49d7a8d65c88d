// What the index lines say of many records at once, read in stretches: whose they are, and which stream's.
import { ERASED, INDEX_BYTES, MEMBER, SEGMENT, streamNumber } from './archive.ts'

/** The index lines of [from, to), 64 bytes each. */
export type Lines = (from: number, to: number) => Buffer

/** Records that one look at a stream's lines passes at most. */
const LOOK = 1_048_576

/** The positions of the events that belong to a stream, in [from, to), without those that were erased. */
export function membersOf(read: Lines, stream: string, from: number, to: number): number[] {
  const number = streamNumber(stream)
  const seqs: number[] = []
  for (let first = from; first < to; first += SEGMENT) {
    const last = Math.min(to, first + SEGMENT)
    const lines = read(first, last)
    for (let seq = first, at = 0; seq < last; seq++, at += INDEX_BYTES) {
      const flags = lines[at + 10]!
      if ((flags & MEMBER) !== 0 && (flags & ERASED) === 0 && lines.readUInt32LE(at + 12) === number) seqs.push(seq)
    }
  }
  return seqs
}

/** The positions of a stream's records, of whatever kind: `limit` at most. `next` is where to go on. */
export function recordsOfStream(
  read: Lines,
  stream: string,
  { from, size, limit }: { from: number; size: number; limit: number },
): { seqs: number[]; next: number } {
  const number = streamNumber(stream)
  const to = Math.min(size, from + LOOK)
  const seqs: number[] = []
  for (let first = from; first < to; first += SEGMENT) {
    const last = Math.min(to, first + SEGMENT)
    const lines = read(first, last)
    for (let seq = first, at = 0; seq < last; seq++, at += INDEX_BYTES) {
      if (lines.readUInt32LE(at + 12) !== number) continue
      if (seqs.length === limit) return { seqs, next: seq }
      seqs.push(seq)
    }
  }
  return { seqs, next: Math.max(from, to) }
}

/** The positions of all records that the lines link to a subject, ascending: every line is looked at. */
export function recordsLinkedTo(read: Lines, subject: string, size: number): number[] {
  const id = Buffer.from(subject, 'hex')
  const seqs: number[] = []
  for (let first = 0; first < size; first += SEGMENT) {
    const lines = read(first, Math.min(size, first + SEGMENT))
    for (let at = lines.indexOf(id, 0); at >= 0; at = lines.indexOf(id, at + 1)) {
      if (at % INDEX_BYTES === 32) seqs.push(first + (at - 32) / INDEX_BYTES)
    }
  }
  return seqs
}

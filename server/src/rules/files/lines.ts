import { Fault } from '../../fault.ts'

/** Bytes that an event may hold at most; the server takes no more. */
export const largestEvent = 8 * 1024 * 1024

/**
 * A line of a file, counted from 1, without its newline (a carriage return stays). A line that is larger than an event
 * may be has no bytes, only their number.
 */
export type Line = { number: number; bytes: Buffer } | { number: number; size: number }

/**
 * The lines of a file, several at a time, in memory bounded by one chunk and one line. A last line without a newline is a
 * line like any other. The byte order mark of UTF-8 is left out, as it belongs to the file; UTF-16 is refused.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line[], void, undefined> {
  let number = 0
  let parts: Buffer[] = []
  let size = 0

  const end = (): Line => {
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    const line = size > largestEvent ? { number: ++number, size } : { number: ++number, bytes: whole }
    parts = []
    size = 0
    return number === 1 && 'bytes' in line ? { number, bytes: withoutMark(line.bytes) } : line
  }
  const add = (part: Buffer) => {
    size += part.length
    if (size <= largestEvent) parts.push(part)
    else parts = []
  }

  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const ended: Line[] = []
    let from = 0
    for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, from)) {
      add(bytes.subarray(from, newline))
      ended.push(end())
      from = newline + 1
    }
    if (from < bytes.length) add(bytes.subarray(from))
    if (ended.length > 0) yield ended
  }
  if (size > 0) yield [end()]
}

function withoutMark(bytes: Buffer): Buffer {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new Fault('invalid', 'The file is UTF-16; save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8.')
  }
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

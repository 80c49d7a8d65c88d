// A segment of the spool: a file of records, a line each, each with its own checksum. docs/spec/spool.md.
//
//     crc32 of what follows (8 hex) SP destination (JSON) TAB number TAB record (JSON) LF
import { crc32 } from 'node:zlib'

/** A record on its way. `text` is its JSON, exactly as it will be sent. */
export interface Item {
  readonly to: string
  readonly n: number
  readonly text: string
}

export function encodeItem({ to, n, text }: Item): string {
  const line = `${to}\t${n}\t${text}`
  return `${crc32(line).toString(16).padStart(8, '0')} ${line}\n`
}

/**
 * The records of a segment. A process that is killed while it writes leaves a line cut short: what follows the last whole
 * line is left out. `damaged` counts whole lines that are not what was written: they are not sent, and told.
 */
export function decodeSegment(bytes: Buffer): { items: Item[]; damaged: number } {
  const items: Item[] = []
  let damaged = 0
  for (let from = 0; ;) {
    const end = bytes.indexOf(0x0a, from)
    if (end < 0) return { items, damaged }
    const item = decodeLine(bytes.toString('utf8', from, end))
    if (item) items.push(item)
    else damaged++
    from = end + 1
  }
}

function decodeLine(line: string): Item | undefined {
  const [, sum, rest] = /^([0-9a-f]{8}) (.*)$/s.exec(line) ?? []
  if (sum === undefined || crc32(rest!) !== Number.parseInt(sum, 16)) return undefined
  const first = rest!.indexOf('\t')
  const second = rest!.indexOf('\t', first + 1)
  const n = Number(rest!.slice(first + 1, second))
  if (first < 0 || second < 0 || !Number.isSafeInteger(n)) return undefined
  return { to: rest!.slice(0, first), n, text: rest!.slice(second + 1) }
}

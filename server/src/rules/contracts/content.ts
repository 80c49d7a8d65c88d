// Reading one event's bytes. JSON.parse does the reading; one scan beside it finds what JSON.parse lets pass.
import { survives } from './decimal.ts'
import { inspect, malformed } from './inspect.ts'
import type { Violation } from './violation.ts'

export { LineSplitter } from './lines.ts'
export type { Line } from './lines.ts'
export { splitArray } from './array.ts'

/** Deeper nesting is refused: code that walks a document by recursion must never run out of stack. */
export const deepest = 512

// Decoding is strict, and a byte-order mark is content: JSON has none.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads one JSON document. `value` is undefined when there is none to read. `problems` names broken JSON, text that is
 * no UTF-8, numbers that would change on being written again, and repeated keys (of which `value` holds the last). Their
 * outcomes are preliminary; `judge` sets those of the contract. No message quotes the content.
 *
 * `readContent(Buffer.from('{"a":1,"\\u0061":2}')).problems[0].rule` is `'json.key'`
 */
export function readContent(bytes: Uint8Array): { value: unknown; problems: Violation[] } {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return { value: undefined, problems: [malformed('json.utf8', '', `the text is no UTF-8 ${offsetOfFault(bytes)}`)] }
  }
  const marks = scan(bytes)
  if (marks.depth > deepest) {
    return { value: undefined, problems: [malformed('json.depth', '', `nested more than ${deepest} levels deep`)] }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { value: undefined, problems: inspect(text) }
  }
  if (marks.members === countKeys(value, marks.containers) && !marks.suspicious) return { value, problems: [] }
  return { value, problems: inspect(text) }
}

interface Marks {
  depth: number
  /** Objects and arrays. */
  containers: number
  /** Colons outside of strings: as many as members of objects, repeated ones included. */
  members: number
  /** A number that does not survive, or the escape of half a character. */
  suspicious: boolean
}

/** One pass over the bytes. Means nothing when they are no JSON, but always ends. */
function scan(bytes: Uint8Array): Marks {
  const length = bytes.length
  let depth = 0
  let deepestYet = 0
  let containers = 0
  let members = 0
  let suspicious = false
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number
    if (byte === 0x22) {
      let inside
      while (++at < length && (inside = bytes[at]) !== 0x22) {
        // \ud… is a surrogate; whether its other half follows is for a closer look.
        if (inside === 0x5c && bytes[++at] === 0x75 && ((bytes[at + 1] as number) | 0x20) === 0x64) suspicious = true
      }
    } else if (byte === 0x3a) members++
    else if (byte === 0x7b || byte === 0x5b) {
      containers++
      if (++depth > deepestYet) deepestYet = depth
    } else if (byte === 0x7d || byte === 0x5d) depth--
    else if (byte >= 0x30 && byte <= 0x39) {
      const start = at
      let exponent = false
      let next = 0
      while (++at < length) {
        next = bytes[at] as number
        if ((next >= 0x30 && next <= 0x39) || next === 0x2e) continue
        if ((next | 0x20) === 0x65) exponent = true
        else if (!exponent || (next !== 0x2b && next !== 0x2d)) break
      }
      // Up to fifteen digits are exact; more, or an exponent, may be.
      if ((exponent || at - start > 15) && !survives(latin1(bytes, start, at))) suspicious = true
      at--
    }
  }
  return { depth: deepestYet, containers, members, suspicious }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

/** All members of all objects of a parsed document, whose containers are known to be so many at most. */
function countKeys(value: unknown, containers: number): number {
  if (typeof value !== 'object' || value === null) return 0
  let unseen = containers - 1
  if (unseen === 0) return Array.isArray(value) ? 0 : Object.keys(value).length
  let keys = 0
  const waiting: object[] = [value]
  for (let container = waiting.pop(); container !== undefined; container = waiting.pop()) {
    if (Array.isArray(container)) {
      if (unseen === 0) continue
      for (const item of container as unknown[]) {
        if (typeof item !== 'object' || item === null) continue
        waiting.push(item)
        unseen--
      }
    } else {
      for (const key in container) {
        keys++
        if (unseen === 0) continue
        const member = (container as Record<string, unknown>)[key]
        if (typeof member !== 'object' || member === null) continue
        waiting.push(member)
        unseen--
      }
    }
  }
  return keys
}

/** Says where the first byte stands that is no UTF-8, by halving: a streaming decoder fails where the text does. */
function offsetOfFault(bytes: Uint8Array): string {
  let valid = 0
  let faulty = bytes.length
  while (faulty - valid > 1) {
    const middle = (valid + faulty) >>> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      valid = middle
    } catch {
      faulty = middle
    }
  }
  return `at byte ${faulty}`
}

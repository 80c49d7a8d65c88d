import { malformed } from './inspect.ts'
import type { Violation } from './violation.ts'

/**
 * Slices the elements of a JSON array as the bytes they came in, without the space around them, in linear time. An
 * element that is broken inside is sliced all the same, to be judged by itself; a broken array is one problem. The
 * slices share the memory of `bytes`.
 *
 * `splitArray(Buffer.from('[{"a":1.0}, 2]'))` is `{items: [<{"a":1.0}>, <2>]}`
 */
export function splitArray(bytes: Uint8Array): { items: Uint8Array[] } | { problem: Violation } {
  const length = bytes.length
  const items: Uint8Array[] = []
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== 0x5b) return fault(at, 'an array begins with "["')
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === 0x5d) return ended(bytes, at, items)
  let start = at
  let depth = 0
  for (; at < length; at++) {
    const byte = bytes[at]
    if (byte === 0x22) {
      while (++at < length && bytes[at] !== 0x22) if (bytes[at] === 0x5c) at++
      if (at >= length) return fault(length, 'a string does not end')
    } else if (byte === 0x7b || byte === 0x5b) depth++
    else if (depth > 0) {
      if (byte === 0x7d || byte === 0x5d) depth--
    } else if (byte === 0x2c || byte === 0x5d) {
      const end = endBeforeSpace(bytes, start, at)
      if (end === start) return fault(at, 'an element is missing')
      items.push(bytes.subarray(start, end))
      if (byte === 0x5d) return ended(bytes, at, items)
      start = skipSpace(bytes, at + 1)
      at = start - 1
    } else if (byte === 0x7d) return fault(at, 'a "}" closes nothing')
  }
  return fault(length, 'it ends too early')
}

function ended(bytes: Uint8Array, at: number, items: Uint8Array[]): { items: Uint8Array[] } | { problem: Violation } {
  const end = skipSpace(bytes, at + 1)
  return end === bytes.length ? { items } : fault(end, 'more follows after the end of the array')
}

function fault(at: number, why: string): { problem: Violation } {
  return { problem: malformed('json.syntax', '', `no JSON array: ${why} (at byte ${at + 1})`) }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

function endBeforeSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = end
  while (at > start && isSpace(bytes[at - 1])) at--
  return at
}

// IP addresses.
import { isIPv6 } from 'node:net'
import type { PiiSpan } from './types.ts'

const four = /(?<![\p{L}\p{N}.])(?:\d{1,3}\.){3}\d{1,3}(?![\p{L}\p{N}]|\.\d)/gu
const six = /(?<![\p{L}\p{N}:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\p{L}\p{N}:])/giu

export function* ips(text: string): Generator<PiiSpan> {
  for (const { 0: found, index } of text.matchAll(four)) {
    const bytes = found.split('.').map(Number)
    // Of nobody: this host, any host, all hosts.
    if (bytes.some((byte) => byte > 255) || [0, 127, 255].includes(bytes[0]!)) continue
    yield { type: 'ip', start: index, end: index + found.length, strength: 'checked', value: found }
  }
  for (const { 0: found, index } of text.matchAll(six)) {
    if (found.length < 6 || !isIPv6(found)) continue
    yield { type: 'ip', start: index, end: index + found.length, strength: 'checked', value: found.toLowerCase() }
  }
}

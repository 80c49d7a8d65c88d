// Bytes, and the one accepted form of each of their texts. Two texts for the same bytes would let a proof or a
// checkpoint be altered without being refused, so everything that is not the canonical text is a fault.
import { LedgerFault } from './fault.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const BASE64_VALUE = new Int8Array(128).fill(-1)
for (let value = 0; value < 64; value++) BASE64_VALUE[BASE64.charCodeAt(value)] = value

/**
 * Writes bytes as lower-case hex.
 *
 * @example toHex(Uint8Array.of(0, 255)) // '00ff'
 */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]!]
  return text
}

/**
 * Reads lower-case hex. Throws `bad-encoding` for an odd length, upper case or any other character.
 *
 * @example fromHex('00ff') // Uint8Array [0, 255]
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new LedgerFault('bad-encoding', `expected lower-case hex of even length, not ${shorten(text)}`)
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

/**
 * Writes bytes as standard base64 with padding (RFC 4648, section 4).
 *
 * @example toBase64(Uint8Array.of(1)) // 'AQ=='
 */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  let i = 0
  for (; i + 2 < bytes.length; i += 3) {
    const group = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text += BASE64[group >> 18]! + BASE64[(group >> 12) & 63]! + BASE64[(group >> 6) & 63]! + BASE64[group & 63]!
  }
  if (bytes.length - i === 1) {
    text += `${BASE64[bytes[i]! >> 2]}${BASE64[(bytes[i]! & 3) << 4]}==`
  } else if (bytes.length - i === 2) {
    const group = (bytes[i]! << 8) | bytes[i + 1]!
    text += `${BASE64[group >> 10]}${BASE64[(group >> 4) & 63]}${BASE64[(group & 15) << 2]}=`
  }
  return text
}

/**
 * Reads standard base64 with padding. Throws `bad-encoding` for anything but the text that `toBase64` writes: missing
 * padding, white space, the URL alphabet, or unused bits that are not zero.
 *
 * @example fromBase64('AQ==') // Uint8Array [1]; 'AR==' is refused
 */
export function fromBase64(text: string): Uint8Array {
  const refuse = () => new LedgerFault('bad-encoding', `expected canonical base64, not ${shorten(text)}`)
  if (text.length % 4 !== 0) throw refuse()
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let held = 0
  let at = 0
  for (let i = 0; i < text.length - padding; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? BASE64_VALUE[code]! : -1
    if (value < 0) throw refuse()
    held = ((held << 6) | value) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = held >> bits
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw refuse()
  return bytes
}

/**
 * Writes text as UTF-8. Throws `bad-encoding` for a lone surrogate, which UTF-8 cannot express.
 *
 * @example toUtf8('é') // Uint8Array [0xc3, 0xa9]
 */
export function toUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new LedgerFault('bad-encoding', `text holds a lone surrogate: ${shorten(text)}`)
  return encoder.encode(text)
}

/**
 * Reads UTF-8, a byte order mark included in the text. Throws `bad-encoding` for bytes that are not UTF-8.
 *
 * @example fromUtf8(Uint8Array.of(0xc3, 0xa9)) // 'é'
 */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new LedgerFault('bad-encoding', 'expected UTF-8 bytes', cause)
  }
}

/**
 * Reads a decimal number without sign or leading zero, up to 2^53-1. Throws `bad-encoding` otherwise.
 *
 * @example fromDecimal('70000') // 70000; '070000' is refused
 */
export function fromDecimal(text: string): number {
  const value = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) {
    throw new LedgerFault('bad-encoding', `expected a decimal number up to 2^53-1, not ${shorten(text)}`)
  }
  return value
}

/**
 * Whether two byte strings are the same. Not in constant time: nothing compared here is secret.
 *
 * @example sameBytes(Uint8Array.of(1), Uint8Array.of(1)) // true
 */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Joins byte strings.
 *
 * @example joinBytes(Uint8Array.of(1), Uint8Array.of(2, 3)) // Uint8Array [1, 2, 3]
 */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

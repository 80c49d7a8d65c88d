// Spellings of text that contracts may ask for, each checked in time linear in the text.
import { isIPv4, isIPv6 } from 'node:net'
import type { Options } from './odcs.ts'

/** Is it a text of the format? `isFormat.email('a@example.org')` */
export const isFormat = {
  /** One `@`, a local part of at most 64 characters without spaces, and a host name: what mail systems accept. */
  email(text: string): boolean {
    const at = text.lastIndexOf('@')
    return (
      text.length <= 254 &&
      at >= 1 &&
      at <= 64 &&
      /^[^\s@"(),:;<>[\\\]]+$/u.test(text.slice(0, at)) &&
      !text.startsWith('.') &&
      text[at - 1] !== '.' &&
      !text.includes('..') &&
      isFormat.hostname(text.slice(at + 1))
    )
  },
  uuid: (text: string) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text),
  /** An absolute URI as RFC 3986 spells it. */
  uri: (text: string) =>
    /^[a-z][a-z0-9+.-]*:[\w.~:/?#[\]@!$&'()*+,;=%-]*$/i.test(text) && !/%(?![0-9a-f]{2})/i.test(text),
  /** Labels of RFC 1123; international names as punycode. */
  hostname: (text: string) =>
    text.length <= 253 && text.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)),
  ipv4: isIPv4,
  ipv6: isIPv6,
  /** Base64 with padding. */
  byte: (text: string) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
} satisfies Record<string, (text: string) => boolean>

const largest = Number.MAX_SAFE_INTEGER

/** Least and greatest value of a numeric format; wide integers end where JSON numbers stop being exact. */
export const rangeOf: Partial<Record<NonNullable<Options['format']>, readonly [number, number]>> = {
  i8: [-128, 127],
  i16: [-32_768, 32_767],
  i32: [-2_147_483_648, 2_147_483_647],
  i64: [-largest, largest],
  i128: [-largest, largest],
  u8: [0, 255],
  u16: [0, 65_535],
  u32: [0, 4_294_967_295],
  u64: [0, largest],
  u128: [0, largest],
  f32: [-3.4028234663852886e38, 3.4028234663852886e38],
  f64: [-Number.MAX_VALUE, Number.MAX_VALUE],
}
